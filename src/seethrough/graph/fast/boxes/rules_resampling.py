"""Rules of what lays another grid over the plane: resizing of every kind, adaptive pooling.

All are separable: an output place is a weighted sum of some source places down, and of those across. What the weights are is
asked of the operation itself, along one axis at a time, so that they are its own to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.rule import Interval, Rule
from seethrough.graph.fast.boxes.rules_placewise import Unchanged
from seethrough.graph.fast.boxes.rules_sliding import AveragePooled, Kernel, MaxPooled
from seethrough.graph.fast.boxes.tables import reached, taps
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation


@dataclass(frozen=True, slots=True)
class Resampled:
    """``y[i, j] = Σ_s Σ_t down[i, s] · across[j, t] · x[rows[i, s], columns[j, t]]``, or the largest of these x.

    Attributes
    ----------
    tables
        The source places of each output place along an axis, (length, taps); −1 where there are fewer.
    weights
        As many weights; None where all are 1 and there is one tap each (nearest), or the largest is meant.
    largest
        The largest instead of the sum.
    """

    sources: tuple[int, ...]
    tables: tuple[Tensor, Tensor] = field(repr=False)
    weights: tuple[Tensor | None, Tensor | None] = field(repr=False)
    largest: bool = False
    pointwise: bool = False
    macs: int = 0

    @property
    def fill(self) -> float:
        return float("-inf") if self.largest else 0.0

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return reached(self.tables[axis], intervals[0], length)

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return self.tables[axis][places].flatten(1)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        x = windows[0].permute(0, 2, 3, 1)
        x = self._along(0, x.unflatten(1, (down.shape[1], -1)).unbind(2), down[:, :, None, None])
        x = self._along(1, x.unflatten(2, (across.shape[1], -1)).unbind(3), across[:, None, :, None])
        return x.permute(0, 3, 1, 2)

    def _along(self, axis: int, parts: Sequence[Tensor], places: Tensor) -> Tensor:
        """What is made of the taps along an axis, each (B, n, …)."""
        weights = self.weights[axis]
        if weights is None:
            y = parts[0]
            for part in parts[1:]:
                y = torch.maximum(y, part)
            return y
        y = parts[0] * weights[places, 0]
        for i, part in enumerate(parts[1:], 1):
            y.addcmul_(part, weights[places, i])
        return y


def resized(graph: Graph, operation: Operation) -> Rule | None:
    """Resizing in any of torch's modes, by size or by factor."""
    given = Arguments.of(operation, graph.values, 1)
    if operation.outputs[0] is None:
        return None
    lengths = graph.values[operation.outputs[0]].at(1)[2:]
    factor, again = given.get(2, "scale_factor"), given.get(5, "recompute_scale_factor")
    by_factor = None if factor is None or again else _both(factor)
    settings = {
        "mode": given.get(3, "mode", "nearest"),
        "align_corners": given.get(4, "align_corners"),
        "antialias": bool(given.get(6, "antialias", False)),
    }

    def resize(x: Tensor, axis: int) -> Tensor:
        if by_factor is not None:
            return F.interpolate(x, scale_factor=(by_factor[0], 1.0) if axis == 0 else (1.0, by_factor[1]), **settings)
        return F.interpolate(x, (lengths[0], 2) if axis == 0 else (2, lengths[1]), **settings)

    return _measured(graph, operation, resize)


def adaptive_mean(graph: Graph, operation: Operation) -> Rule | None:
    """Pooling to a size: of whole kernels where the size divides the plane's."""
    kernels, lengths = _dividing(graph, operation)
    if kernels is not None:
        whole = all(k.size == 1 for k in kernels)
        return Unchanged(operation.inputs) if whole else AveragePooled(operation.inputs, kernels, (None, None), None)

    def pool(x: Tensor, axis: int) -> Tensor:
        return F.adaptive_avg_pool2d(x, (lengths[0], 2) if axis == 0 else (2, lengths[1]))

    return _measured(graph, operation, pool)


def adaptive_largest(graph: Graph, operation: Operation) -> Rule | None:
    """The largest of each part of the plane: parts ``⌊i n / m⌋ … ⌈(i + 1) n / m⌉ − 1``."""
    kernels, lengths = _dividing(graph, operation)
    if kernels is not None:
        whole = all(k.size == 1 for k in kernels)
        return Unchanged(operation.inputs) if whole else MaxPooled(operation.inputs, kernels)
    tables = []
    for n, m in zip(graph.values[operation.inputs[0]].at(1)[2:], lengths):
        i = torch.arange(m)
        first, behind = i * n // m, -(-(i + 1) * n // m)
        table = first[:, None] + torch.arange(int((behind - first).max()))
        tables.append(table.masked_fill(table >= behind[:, None], -1))
    return Resampled(operation.inputs, (tables[0], tables[1]), (None, None), largest=True)


def _dividing(graph: Graph, operation: Operation) -> tuple[tuple[Kernel, Kernel] | None, tuple[int, ...]]:
    """Kernels that lie side by side, where an adaptive pooling is one by those; and the output's places."""
    places = graph.values[operation.inputs[0]].at(1)[2:]
    lengths = graph.values[operation.outputs[0] or 0].at(1)[2:]
    if any(n % m for n, m in zip(places, lengths)):
        return None, lengths
    down, across = (Kernel(n // m, n // m, 1, 0) for n, m in zip(places, lengths))
    return (down, across), lengths


def _measured(graph: Graph, operation: Operation, along: Callable[[Tensor, int], Tensor]) -> Resampled | None:
    """The rule of an operation that is separable and linear, with the weights that it is seen to have."""
    value = graph.values[operation.inputs[0]]
    if not value.dtype.is_floating_point:
        return None
    tables: list[Tensor] = []
    weights: list[Tensor | None] = []
    for axis, n in enumerate(value.at(1)[2:]):
        unit = torch.eye(n, dtype=value.dtype)
        # twice side by side: over a single column torch goes astray (antialias)
        seen: Any = along(torch.stack([unit, unit], 2 - axis)[None], axis).select(3 - axis, 0)
        table, weight = taps(seen[0].t())
        copied = table.shape[1] == 1 and bool((weight == 1).all())
        tables.append(table)
        weights.append(None if copied else weight)
    return Resampled(operation.inputs, (tables[0], tables[1]), (weights[0], weights[1]))


def _both(factor: Any) -> tuple[float, float]:
    """A factor for each axis."""
    numbers = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
    return float(numbers[0]), float(numbers[-1])
