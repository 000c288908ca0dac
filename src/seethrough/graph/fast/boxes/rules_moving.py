"""Rules of what moves places and changes no number: padding, cropping, slices, flips, and channels in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.rule import Interval
from seethrough.graph.fast.boxes.tables import reached, spans
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation


@dataclass(frozen=True, slots=True)
class Moved:
    """Each number is one of the source, by the channel, the row and the column it stands at, each on its own.

    Attributes
    ----------
    tables
        For each output place along an axis, the source's place, (length, 1); −1 is beyond the edge.
    channels
        For each output channel the source's; −1 is ``fill``; None where they are as they were.
    """

    sources: tuple[int, ...]
    tables: tuple[Tensor, Tensor] = field(repr=False)
    channels: Tensor | None
    places: tuple[int, int]
    """Places of the source."""
    fill: float = 0.0
    macs: int = 0

    @property
    def pointwise(self) -> bool:
        return all(len(t) == n and spans(t) for t, n in zip(self.tables, self.places))

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return reached(self.tables[axis], intervals[0], length)

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return self.tables[axis][places, 0]

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        (window,) = windows
        if self.channels is None:
            return window
        first, count = int(self.channels[0]), len(self.channels)
        if first >= 0 and torch.equal(self.channels, torch.arange(first, first + count)):
            return window[:, first : first + count]
        taken = window.index_select(1, self.channels.clamp(min=0))
        beyond = (self.channels < 0)[:, None, None]
        return taken.masked_fill_(beyond, self.fill) if bool(beyond.any()) else taken


def padded(graph: Graph, operation: Operation) -> Moved | None:
    """Padding by any value, or by what the picture has."""
    given = Arguments.of(operation, graph.values, 1)
    widths, mode = given.get(1, "pad"), given.get(2, "mode", "constant")
    value = given.get(3, "value") if mode == "constant" else None
    if not all(isinstance(n, int) for n in widths) or any(widths[6:]) or isinstance(value, Tensor):
        return None
    left, right, top, bottom, front, behind = (*widths, 0, 0, 0, 0, 0, 0)[:6]
    channels, *plane = graph.values[operation.inputs[0]].at(1)[1:]
    tables = [_around(n, before, after, mode) for n, before, after in zip(plane, (top, left), (bottom, right))]
    chosen = None if front == behind == 0 else _around(channels, front, behind, "constant")[:, 0]
    return Moved(operation.inputs, (tables[0], tables[1]), chosen, (plane[0], plane[1]), float(value or 0))


def _around(length: int, before: int, after: int, mode: str) -> Tensor:
    """Which place stands at each of a padded axis, (before + length + after, 1)."""
    address = torch.arange(1.0, length + 1).double()[None, None, :, None]
    return F.pad(address, (0, 0, before, after), mode=mode)[0, 0].long() - 1


def moved(graph: Graph, operation: Operation) -> Moved | None:
    """Anything that only takes numbers from elsewhere; where it takes them from is seen by sending their addresses
    through it.
    """
    (source,) = operation.inputs
    count = graph.batch or 2
    shape = graph.values[source].at(count)
    operation = replace(operation, function=getattr(operation.function, "plain", operation.function))
    tables = []
    for axis, length in enumerate(shape):
        address = torch.arange(length).view([-1 if a == axis else 1 for a in range(4)]).expand(shape)
        out: Any = operation.call({source: address}, count)
        table = _along(out, axis)
        if table is None:
            return None
        tables.append(table)
    batch, channels, down, across = tables
    if not torch.equal(batch, torch.arange(count)):
        return None
    same = torch.equal(channels, torch.arange(shape[1]))
    return Moved(operation.inputs, (down[:, None], across[:, None]), None if same else channels, (shape[2], shape[3]))


def _along(addresses: Tensor, axis: int) -> Tensor | None:
    """The addresses along an axis; None where they differ along another, too."""
    line = addresses
    for other in range(4):
        if other != axis:
            line = line.narrow(other, 0, 1)
    return line.flatten() if bool((addresses == line).all()) else None
