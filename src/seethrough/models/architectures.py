"""Architectures that a library knows by name, for files that hold nothing but their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch.nn as nn

from seethrough.errors import UsageError
from seethrough.models.opened import Known, Said

NAMED = ("timm", "torchvision", "hf")


def is_named(architecture: object) -> bool:
    """Whether this is the name of an architecture of a library: ``"timm:resnet50"``."""
    return isinstance(architecture, str) and architecture.partition(":")[0] in NAMED and ":" in architecture


def named(architecture: str, said: Said) -> tuple[nn.Module, Known]:
    """The network of that name with random weights, and what its library knows of it.

    Parameters
    ----------
    architecture
        ``"timm:resnet50"``, ``"torchvision:resnet18"``, ``"hf:vit"``.

    Raises
    ------
    UsageError
        No such name.
    EnvironmentLacks
        Its library isn't installed.
    """
    library, _, name = architecture.partition(":")
    if library == "timm":
        from seethrough.models.timm import built

        return built(name, said)
    if library == "torchvision":
        from seethrough.models.torchvision import built as built_by_torchvision

        return built_by_torchvision(name, said)[:2]
    if "/" in name:
        raise UsageError(
            f"{architecture!r} names a network with its weights; the architecture of a file is a kind such as 'hf:vit'."
        )
    from seethrough.models.huggingface import of_kind

    kind = of_kind(name, said)
    return kind.module, kind.known


def with_outputs(architecture: str, said: Said, outputs: int) -> tuple[nn.Module, Known]:
    """The same for another number of outputs, of which the library knows no names."""
    numbered = replace(said, classes=tuple(map(str, range(outputs))))
    module, known = named(architecture, numbered)
    return module, replace(known, classes=None)


def outputs_meant(module: nn.Module, state: Mapping[str, Any]) -> int | None:
    """How many outputs weights are for that fit a network but for its last layer; None where they fit, or don't at all."""
    expected = module.state_dict()
    other = [key for key in expected if key in state and expected[key].shape != state[key].shape]
    counts = {state[key].shape[0] for key in other if state[key].dim()}
    alike = all(state[key].dim() and expected[key].shape[1:] == state[key].shape[1:] for key in other)
    return counts.pop() if len(counts) == 1 and alike else None
