"""Rules of what makes each place of the same place of what it reads: element by element, and across the channels of a
place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.intervals import everywhere, hull, same
from seethrough.graph.fast.boxes.rule import Interval
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation, Ref
from seethrough.graph.tree import unflatten


@dataclass(frozen=True, slots=True)
class Placewise:
    """The operation itself, on windows instead of its values and with its constants cut to the places; sources of one
    place along an axis stand for all of them.

    Attributes
    ----------
    spread
        For each source, along which axes it has one place for all.
    cut
        Positions of the arguments that are constants and differ from place to place.
    """

    operation: Operation
    sources: tuple[int, ...]
    spread: tuple[tuple[bool, bool], ...]
    cut: frozenset[int]
    pointwise: bool
    fill: float = 0.0
    macs: int = 0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Placewise | None:
        """Of an operation whose constants broadcast, or, whatever their shapes, don't differ from place to place."""
        if operation.outputs[0] is None:
            return None
        plane = graph.values[operation.outputs[0]].at(1)[2:]
        shapes = [graph.values[v].at(1)[2:] for v in operation.inputs]
        if any(n not in (1, m) for shape in shapes for n, m in zip(shape, plane)):
            return None
        spread = tuple((s[0] != plane[0], s[1] != plane[1]) for s in shapes)
        broadcast = operation.name not in _ALONG_CHANNELS
        cut = [
            i
            for i, a in enumerate(operation.arguments)
            if isinstance(a, Tensor) and broadcast and any(n > 1 for n in a.shape[-2:])
        ]
        return cls(_plainly(operation), operation.inputs, spread, frozenset(cut), not any(any(s) for s in spread))

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return hull([(everywhere if s[axis] else same)(i, length) for i, s in zip(intervals, self.spread)])

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return torch.zeros_like(places[:, :1]) if self.spread[source][axis] else places

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        given = dict(zip(self.sources, windows))
        flat = [
            given[a.value] if isinstance(a, Ref) else _at(a, down, across) if i in self.cut else a
            for i, a in enumerate(self.operation.arguments)
        ]
        args, kwargs = unflatten(flat, self.operation.spec)
        return self.operation.function(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What gives back what it reads: dropout in inference, copies."""

    sources: tuple[int, ...]
    pointwise: bool = True
    fill: float = 0.0
    macs: int = 0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Unchanged | None:
        return cls(operation.inputs) if len(operation.inputs) == 1 else None

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return same(intervals[0], length)

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return places

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        return windows[0]


_ALONG_CHANNELS = frozenset(("batch_norm", "prelu", "channel_norm"))
"""Functions whose constants stand along the channels instead of broadcasting."""


def _at(constant: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """A constant that broadcasts against (N, C, H, W), at places down (B, n_h) × across (B, n_w)."""
    constant = constant.detach()[(None,) * (4 - constant.dim())]
    rows = down if constant.shape[2] > 1 else torch.zeros_like(down[:, :1])
    columns = across if constant.shape[3] > 1 else torch.zeros_like(across[:, :1])
    return constant[0].permute(1, 2, 0)[rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _plainly(operation: Operation) -> Operation:
    """The operation without the usual order of memory that a fused graph sees to: place by place, any will do."""
    return replace(operation, function=getattr(operation.function, "plain", operation.function))
