"""Parts: the layers of a network, each with what it holds itself, told apart into what training may change and what it
doesn't.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
import torch.nn as nn

from seethrough.anatomy.weights import Weight, own_weights
from seethrough.models.opened import Opened


@dataclass(frozen=True, slots=True)
class Part:
    """A layer, or a tensor that the network keeps beside its layers (a class token), with its own weights.

    ``parameters`` are what training changes where they aren't frozen; ``statistics`` what it doesn't: running mean and
    variance, counters, buffers. ``kinds`` are the names of its class and of those above it.
    """

    path: str
    layer: nn.Module
    parameters: tuple[Weight, ...]
    statistics: tuple[Weight, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind.__name__ for kind in type(self.layer).__mro__)

    @property
    def count(self) -> int:
        """How many numbers training may change."""
        return sum(w.count for w in self.parameters)

    @property
    def training(self) -> int:
        """How many of them do train."""
        return sum(w.count for w in self.parameters if w.trainable)


def parts_of(opened: Opened) -> tuple[Part, ...]:
    """Every layer of a network once, in its order, under its first path; the network's own tensors before them."""
    alone = any(layer is opened.module for layer in opened.layers.values())
    parts = [] if opened.framework == "keras" or alone else list(_beside(opened))
    seen: set[int] = set()
    for path, layer in opened.layers.items():
        if id(layer) not in seen:
            seen.add(id(layer))
            parts.append(_part(path, layer, own_weights(layer, opened.framework), opened.framework))
    return tuple(parts)


def _beside(opened: Opened) -> Iterable[Part]:
    for weight in own_weights(opened.module, opened.framework):
        kinds = ((), (weight,)) if weight.buffer else ((weight,), ())
        yield Part(weight.name, opened.module, *kinds)


def _part(path: str, layer: Any, weights: tuple[Weight, ...], framework: str) -> Part:
    if framework != "keras":
        return Part(path, layer, tuple(w for w in weights if not w.buffer), tuple(w for w in weights if w.buffer))
    # A frozen Keras layer says of all its weights that they don't train; how they were made tells them apart.
    made = {id(variable) for variable in getattr(layer, "_non_trainable_variables", ())}
    return Part(
        path,
        layer,
        tuple(w for w in weights if w.identity not in made),
        tuple(w for w in weights if w.identity in made),
    )


def fitting(opened: Opened, parts: tuple[Part, ...], pattern: str) -> tuple[Part, ...]:
    """The parts that a pattern names, and all inside of them; of a layer with several paths any will do."""
    separator = "/" if opened.framework == "keras" else "."
    names = {path: id(layer) for path, layer in opened.layers.items()}
    named = {path for path in names if _fits(path, pattern)}
    below = tuple(f"{path}{separator}" for path in named)
    found = {names[path] for path in names if path in named or path.startswith(below)}
    return tuple(p for p in parts if (id(p.layer) in found if p.path in names else _fits(p.path, pattern)))


def _fits(path: str, pattern: str) -> bool:
    return path == pattern or (bool(re.search(r"[*?\[]", pattern)) and fnmatchcase(path, pattern))


def has_data(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds floating point numbers that can be read."""
    return (
        not nn.parameter.is_lazy(tensor)
        and not tensor.is_meta
        and tensor.is_floating_point()
        and tensor.dtype.itemsize > 1  # with eight bits torch doesn't calculate
        and tensor.layout is torch.strided
        and tensor.numel() > 0
    )


def by_identity(parts: Iterable[Part]) -> Mapping[int, list[tuple[Part, Weight]]]:
    """From each parameter to the parts that hold it, more than one where it is shared."""
    found: dict[int, list[tuple[Part, Weight]]] = {}
    for part in parts:
        for weight in part.parameters:
            found.setdefault(weight.identity, []).append((part, weight))
    return found


def paths(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(part.path for part in parts)
