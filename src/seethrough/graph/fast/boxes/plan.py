"""Plan: in which batches, and in which boxes, positions are computed; known before any number is.

Positions that form a grid (windows slid over a picture) are put together along each axis by itself, and batches are the
crossings of these clusters: so 729 positions take the planning of 2 × 27. Any others (segments, windows cut off) are put
together as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.clusters import clusters
from seethrough.graph.fast.boxes.lines import Axis, Cut, Line
from seethrough.graph.fast.boxes.route import Route
from seethrough.graph.fast.convolution import Convolution

Room = tuple[int, int]
"""The first row and how many, counted from behind all clean planes of as many channels."""

NEARLY_ALL = 0.8
"""The part of a plane from which on it is computed in full: larger windows cost more than they spare."""

CALL = 30e-6
"""Seconds that one more call of an operation costs, about; `COMPUTING` and `MOVING` go with it. They aren't measured where
this runs, so that the same positions make the same batches, and the same numbers, everywhere.
"""
COMPUTING = {True: 110e9, False: 35e9}
"""Multiplications a second in a convolution, by whether its channels are mixed."""
MOVING = 15e9
"""Numbers a second that are read and written somewhere else."""
LOADING = 2.5e9
"""Weights a second that come from memory, once for every call."""


@dataclass(eq=False)
class Batch:
    """Positions that are computed together.

    Attributes
    ----------
    numbers
        Which, (B,).
    down, across
        Their lines. ``crossed``: position i · b + j has place i of ``down`` and j of ``across``, b places long; else
        position i has place i of both.
    full
        For each step of the route, whether it is computed in full.
    stored
        Values whose boxes windows are cut from.
    """

    numbers: Tensor
    down: Line
    across: Line
    crossed: bool
    full: tuple[bool, ...]
    stored: frozenset[int]
    direct: frozenset[tuple[int, int]]
    """Steps and sources whose box is taken as it is."""

    def __len__(self) -> int:
        return len(self.numbers)

    def size(self, value: int) -> tuple[int, int]:
        """Height and width of a value's boxes."""
        return self.down.size[value], self.across.size[value]

    def origin(self, value: int) -> tuple[Tensor, Tensor]:
        """Top and left of a value's boxes, (B,) each."""
        return self._down(self.down.origin[value]), self._across(self.across.origin[value])

    def places(self, value: int) -> tuple[Tensor, Tensor]:
        """The places of a value's boxes, (B, height) and (B, width)."""
        return self._down(self.down.places(value)), self._across(self.across.places(value))

    def _down(self, of: Tensor) -> Tensor:
        return of.repeat_interleave(len(self.across), 0) if self.crossed else of

    def _across(self, of: Tensor) -> Tensor:
        return of.repeat(len(self.down), *(1 for _ in of.shape[1:])) if self.crossed else of

    def index(self, rows: Cut, columns: Cut, value: int, behind: int, fill: int) -> Tensor:
        """Row numbers in a value's arena, (B, m_h, m_w), of windows cut so along both axes; ``behind`` is the arena's first
        row of boxes, ``fill`` that of what lies beyond the edges.
        """
        ups, sides = len(self.down), len(self.across)
        left = (1, sides, 1, -1) if self.crossed else (ups, 1, 1, -1)
        found = rows.clean.view(ups, 1, -1, 1) + columns.clean.view(left)
        if rows.box is not None and columns.box is not None:
            height, width = self.size(value)
            area = height * width
            first = torch.arange(behind, behind + ups * area * (sides if self.crossed else 1), area).view(ups, -1, 1, 1)
            inside = (rows.box * width).view(ups, 1, -1, 1) + first + columns.box.view(left)
            found = torch.maximum(found, inside)
        return found.clamp_(min=fill).view(len(self), rows.clean.shape[1], columns.clean.shape[1])


@dataclass(eq=False)
class Plan:
    """What `engine.Boxes.plan` gives.

    Attributes
    ----------
    macs
        Multiplications that are really run.
    tight
        Those if each position had boxes of its own size.
    dense
        Those of all positions in full.
    """

    batches: list[Batch]
    positions: int
    macs: int
    tight: int
    dense: int
    rooms: dict[int, Room] = field(repr=False)
    """For each value that windows are cut from, where the rows of its boxes lie."""


def make_plan(route: Route, boxes: Tensor, most: int | None = None) -> Plan:
    """The plan for boxes (K, 4) of the route's start: top, bottom, left, right, ends exclusive; ``most``: positions in a
    batch, about.
    """
    boxes = boxes.cpu().long()
    (rows, row), (columns, column) = (torch.unique(b, dim=0, return_inverse=True) for b in (boxes[:, :2], boxes[:, 2:]))
    down, across = (Axis(route, a, (b[:, 0], b[:, 1] - 1)) for a, b in enumerate((rows, columns)))
    tight = _tight(route, down, across, row, column)
    pairs = torch.full((len(rows), len(columns)), -1)
    pairs[row, column] = torch.arange(len(boxes))
    if len(boxes) == pairs.numel() and bool((pairs >= 0).all()):
        batches = _crossed(route, down, across, pairs, most)
    else:
        batches = _paired(route, down, across, row, column, most)
    # The largest first: what it leaves free holds the others, where blocks that grow would each be new.
    batches.sort(
        key=lambda batch: len(batch) * sum(prod(batch.size(v)) * route.planes[v][0] for v in batch.stored), reverse=True
    )
    return Plan(
        batches,
        len(boxes),
        sum(_macs(route, b) for b in batches),
        tight,
        route.dense * len(boxes),
        _rooms(route, batches),
    )


# --- which together -----------------------------------------------------------------------------------------------------


def _crossed(route: Route, down: Axis, across: Axis, numbers: Tensor, most: int | None) -> list[Batch]:
    price = prices(route)
    sizes = [axis.sizes.T.double() for axis in (down, across)]
    side = max(1, round(most**0.5)) if most else _side(route, price, sizes)
    found = []
    for own, other in (sizes, reversed(sizes)):
        found.append(clusters(own, price * other.sum(0), price_of_batch(route), side, quadratic=True))
    lines = [[axis.line(c) for c in those] for axis, those in zip((down, across), found)]
    return [_batch(route, numbers[d.members][:, a.members].flatten(), d, a, True) for d in lines[0] for a in lines[1]]


def _paired(route: Route, down: Axis, across: Axis, row: Tensor, column: Tensor, most: int | None) -> list[Batch]:
    price = prices(route)
    tall, wide = down.sizes.T[row], across.sizes.T[column]
    areas = (tall * wide).double()
    most = most or _side(route, price, [tall.double(), wide.double()]) ** 2
    found = clusters(areas, price, price_of_batch(route), most)
    return [_batch(route, c, down.line(row[c]), across.line(column[c]), False) for c in found]


def _side(route: Route, price: Tensor, sizes: Sequence[Tensor]) -> int:
    """How many positions of each axis a batch has at most: enough that what each batch costs is little beside their work,
    and not so many that they push each other out of the processor's cache.
    """
    work = float((price * sizes[0].mean(0) * sizes[1].mean(0)).sum())
    return min(8, max(4, round((32 * price_of_batch(route) / work) ** 0.5)))


def price_of_batch(route: Route) -> float:
    """About how many seconds one batch more costs, whatever is in it."""
    functions = (step.operation.function for step in route.steps)
    weights = sum(f.weight.numel() for f in functions if isinstance(f, Convolution))
    return len(route.steps) * CALL + weights / LOADING


def prices(route: Route) -> Tensor:
    """About how many seconds a place of each value costs, (values,), see `Axis.values`."""
    price = [route.planes[route.start][0] / MOVING]
    for step in route.steps:
        channels = step.plane[0]
        mixes = not isinstance(step.operation.function, Convolution) or step.operation.function.groups == 1
        moved = channels + (0 if step.aligned else sum(2 * route.planes[v][0] for v in step.sources))
        price.append(step.rule.macs / COMPUTING[mixes] + moved / MOVING)
    return torch.tensor(price, dtype=torch.float64)


# --- of one batch -------------------------------------------------------------------------------------------------------


def _batch(route: Route, numbers: Tensor, down: Line, across: Line, crossed: bool) -> Batch:
    full: list[bool] = []
    filled: set[int] = set()
    stored: set[int] = set()
    direct: set[tuple[int, int]] = set()
    for k, step in enumerate(route.steps):
        _, height, width = step.plane
        area = down.size[step.output] * across.size[step.output]
        here = any(v in filled for v in step.sources) or (not step.aligned and area >= NEARLY_ALL * height * width)
        full.append(here)
        if here:
            filled.add(step.output)
        for source, (v, changes) in enumerate(zip(step.sources, step.changes)):
            if not changes or v in filled:
                continue
            if here:
                stored.add(v)
            elif step.rule.pointwise and down.coincides(step, source) and across.coincides(step, source):
                direct.add((k, source))
            else:
                stored.add(v)
    stored.update(v for v in route.handed if v not in filled)
    return Batch(numbers, down, across, crossed, tuple(full), frozenset(stored), frozenset(direct))


def _macs(route: Route, batch: Batch) -> int:
    count, filled = route.tail_macs, set()
    for step, full in zip(route.steps, batch.full):
        if full:
            filled.add(step.output)
        count += step.dense if full else step.rule.macs * prod(batch.size(step.output))
    for head in route.heads:
        count += head.work(*(route.planes[head.source][1:] if head.source in filled else batch.size(head.source)))
    return count * len(batch)


def _tight(route: Route, down: Axis, across: Axis, row: Tensor, column: Tensor) -> int:
    work = {step.output: step.rule.macs for step in route.steps}
    for head in route.heads:
        work[head.source] = work.get(head.source, 0) + head.macs
    price = torch.tensor([float(work.get(v, 0)) for v in down.values], dtype=torch.float64)
    areas = down.sizes.double()[:, row] * across.sizes.double()[:, column]
    return int((price @ areas).sum()) + route.tail_macs * len(row)


def _rooms(route: Route, batches: Sequence[Batch]) -> dict[int, Room]:
    """A place for the largest boxes of each value; those that are never needed at once may lie in the same. Only values of
    as many channels share rows.
    """
    made = {step.output: k for k, step in enumerate(route.steps)}
    rooms: dict[int, Room] = {}
    for v in sorted(route.fills, key=lambda v: made.get(v, -1)):
        count = max((len(b) * prod(b.size(v)) for b in batches if v in b.stored), default=0)
        meanwhile = [
            room
            for other, room in rooms.items()
            if route.planes[other][0] == route.planes[v][0] and route.last[other] > made.get(v, -1)
        ]
        first = 0
        for at, rows in sorted(meanwhile):
            if first + count <= at:
                break
            first = max(first, at + rows)
        rooms[v] = first, count
    return rooms
