"""Lines: boxes along one axis, for the positions that share a batch.

The true interval of places that can change is known of every value and position. In a batch all boxes of a value have one
size, the largest true one; a box that is larger than its true interval begins so early that it stays within the plane.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.route import Route, Step
from seethrough.graph.fast.boxes.rule import Interval

NOWHERE = -(1 << 40)
"""Of a row number: there is none; remains far below zero whatever is added."""


class Axis:
    """The true intervals of all values along one axis (0: down, 1: across), for positions that differ along it.

    Attributes
    ----------
    values
        Numbers of the values that travel as boxes: first the start, then what the steps give.
    low, high
        First and last place that can change, (values, K).
    length
        Places of the value, (values,).
    """

    def __init__(self, route: Route, axis: int, interval: Interval) -> None:
        self.route, self.axis = route, axis
        self.values = (route.start, *(step.output for step in route.steps))
        self.row = {v: k for k, v in enumerate(self.values)}
        true = {route.start: interval}
        for step in route.steps:
            arrive = [true[v] if changes else self._nothing(v) for v, changes in zip(step.sources, step.changes)]
            true[step.output] = step.rule.changed(axis, arrive, step.plane[1 + axis])
        self.low = torch.stack([true[v][0] for v in self.values])
        self.high = torch.stack([true[v][1] for v in self.values])
        self.length = torch.tensor([route.planes[v][1 + axis] for v in self.values])

    def _nothing(self, value: int) -> Interval:
        return torch.tensor([self.route.planes[value][1 + self.axis]]), torch.tensor([-1])

    @property
    def sizes(self) -> Tensor:
        """True sizes, (values, K)."""
        return (self.high - self.low + 1).clamp(min=0)

    def line(self, members: Tensor) -> Line:
        """The line of the positions ``members`` (k,) of this axis."""
        return Line(self, members)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a window's places lie along one axis: in the clean plane and in the box, (k, m) each; `NOWHERE` where they
    don't. ``box`` is None where the source has no box. Of axis 0 ``clean`` is in rows of the arena.
    """

    clean: Tensor
    box: Tensor | None


@dataclass
class Line:
    """Common sizes and origins along one axis.

    Attributes
    ----------
    size
        From a value to the common size of its boxes.
    origin
        From a value to where each position's box begins, (k,).
    """

    of: Axis
    members: Tensor
    size: dict[int, int] = field(default_factory=dict)
    origin: dict[int, Tensor] = field(default_factory=dict)
    _cuts: dict[tuple[int, int], Cut] = field(default_factory=dict, repr=False)
    _places: dict[int, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        axis = self.of
        low, high = axis.low[:, self.members], axis.high[:, self.members]
        sizes = (high - low + 1).amax(1).clamp(min=1)
        origins = torch.minimum(low, (axis.length - sizes)[:, None]).clamp(min=0)
        start = axis.values[0]
        common = sizes.tolist()
        self.size[start], self.origin[start] = common[0], origins[0]
        for k, step in enumerate(axis.route.steps, start=1):
            kept = self._kept(step, low[k], high[k], common[k]) if step.rule.pointwise else None
            v = step.output
            self.size[v], self.origin[v] = (common[k], origins[k]) if kept is None else kept

    def _kept(self, step: Step, low: Tensor, high: Tensor, size: int) -> tuple[int, Tensor] | None:
        """The box of a source that holds all that changes in the output, so that it needn't be cut."""
        best = None
        for v, changes in zip(step.sources, step.changes):
            if not changes:
                continue
            if step.aligned:
                return self.size[v], self.origin[v]
            own, first = self.size[v], self.origin[v]
            # one place more is cheaper than a lookup
            if own > size + 1 or (best is not None and own >= best[0]):
                continue
            if bool((((first <= low) & (first + own > high)) | (low > high)).all()):
                best = own, first
        return best

    def __len__(self) -> int:
        return len(self.members)

    def coincides(self, step: Step, source: int) -> bool:
        """Whether the source's box is the output's along this axis, at a pointwise step."""
        if step.aligned:
            return True
        v = step.sources[source]
        mine, other = self.origin[v], self.origin[step.output]
        return self.size[v] == self.size[step.output] and (mine is other or bool(torch.equal(mine, other)))

    def places(self, value: int) -> Tensor:
        """The places of a value's boxes, (k, size)."""
        if value not in self._places:
            self._places[value] = self.origin[value][:, None] + torch.arange(self.size[value])
        return self._places[value]

    def cut(self, step: int, source: int) -> Cut:
        """How the window of a step's source is cut."""
        key = step, source
        if key not in self._cuts:
            done = self.of.route.steps[step]
            read = done.rule.reads(self.of.axis, self.places(done.output), source)
            self._cuts[key] = self._cut(done.sources[source], read, done.changes[source])
        return self._cuts[key]

    def whole(self, value: int) -> Cut:
        """How the whole plane of a value is cut."""
        key = -1, value
        if key not in self._cuts:
            length = self.of.route.planes[value][1 + self.of.axis]
            self._cuts[key] = self._cut(value, torch.arange(length).expand(len(self), length), True)
        return self._cuts[key]

    def _cut(self, value: int, read: Tensor, changes: bool) -> Cut:
        route, axis = self.of.route, self.of.axis
        _, height, width = route.planes[value]
        row = read * width + len(route.fills[value]) if axis == 0 else read
        clean = row.masked_fill((read < 0) | (read >= (width if axis else height)), NOWHERE)
        if not changes:
            return Cut(clean, None)
        within = read - self.origin[value][:, None]
        return Cut(clean, within.masked_fill((within < 0) | (within >= self.size[value]), NOWHERE))
