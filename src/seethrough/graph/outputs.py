"""Outputs: what a network or a layer returns, whatever its form, as tensors by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch


def named(output: Any, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of an output with their names: keys, fields or positions."""
    if isinstance(output, torch.Tensor):
        yield prefix, output
        return
    if isinstance(output, Mapping):
        parts = [(str(k), v) for k, v in output.items()]
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        parts = [(f.name, getattr(output, f.name)) for f in dataclasses.fields(output)]
    elif isinstance(output, tuple) and hasattr(output, "_fields"):
        parts = list(zip(output._fields, output))  # pyright: ignore[reportAttributeAccessIssue]
    elif isinstance(output, (tuple, list)):
        parts = [(str(i), v) for i, v in enumerate(output)]
    else:
        parts = []
    for name, part in parts:
        yield from named(part, f"{prefix}.{name}" if prefix else name)


def tensors_of(output: Any) -> list[torch.Tensor]:
    return [t for _, t in named(output)]


def output_tensors(output: Any) -> dict[str, torch.Tensor]:
    """What a network returned, as tensors by name (``""`` for a lone tensor)."""
    return dict(named(output))
