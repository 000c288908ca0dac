"""Partition SHAP: Owen values, by which parts of a picture share what their halves were given, down to single cells."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from seethrough.attribution.fills import Fill
from seethrough.attribution.masked import Progress, nothing, scores
from seethrough.attribution.masks import coalitions
from seethrough.attribution.method import Dial, Facts, Needs, Outcome, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.attribution.segments import cells_along, segments_of
from seethrough.attribution.shapley import efficiency
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

ROUND = 8
"""Halvings of a picture that are asked about together."""

Box = tuple[int, int, int, int]
"""Cells from top to bottom, from left to right."""


@method(
    family=PERTURBATION,
    cost="1 forward a coalition",
    good_for="shares that add up, fine where the evidence is and coarse elsewhere",
    source="Owen, 1977; Lundberg et al. (SHAP), 2020",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(1 + _asks(settings, facts), 0),
    dial=Dial("samples", (128, 256, 512, 1024, 2048, 4096)),
    black_box=True,
)
def partition_shap(
    run: Run,
    *,
    samples: int = 1024,
    cells: int | Sequence[int] = 8,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """Partition SHAP: the picture is halved again and again across its longer side; the two halves of a part share what
    it adds as two players, once without and once with what stands beside it, ``φ = ½ (v(half) − v()) + ½ (v(both) −
    v(other half))``: Owen values (Owen, 1977), as the image explainer of SHAP has them.

    Parameters
    ----------
    samples
        Answers that are asked for at most, ≥ 2: first where the most is to be shared. What is left then is shared
        equally among the cells of a part.
    cells
        Cells along each side, or (down, across), at which halving ends.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: each place has its cell's value. That the cells' values add up is
    reported as ``efficiency``; of how much of what was shared the cells are known, as ``resolved``.
    """
    if samples < 2:
        raise UsageError(f"partition_shap needs samples ≥ 2, not {samples}.")
    parts = segments_of(run, "grid", cells)
    along = cells_along((run.images.shape[2], run.images.shape[3]), cells)
    none = nothing(run, fill)
    halvings = [_Halving(along, float(start), float(end)) for start, end in zip(none, run.scores)]
    planned = min(samples // 2, halvings_of((0, along[0], 0, along[1])))
    while asked := [one.ask(min(ROUND, planned - one.done)) for one in halvings]:
        most = max(len(own) for own in asked)
        if not most:
            break
        kept = torch.ones(most, len(asked), along[0] * along[1], dtype=torch.bool)
        for i, own in enumerate(asked):
            for k, coalition in enumerate(own):
                kept[k, i] = torch.from_numpy(coalition.ravel())
        answers = scores(run, coalitions(parts, kept.to(run.images.device)), fill).double().cpu()
        for i, one in enumerate(halvings):
            one.told(answers[: len(asked[i]), i].tolist())
        if progress:
            progress(2 * min(one.done for one in halvings), 2 * planned)
    values = [torch.from_numpy(one.values().ravel()).to(run.images.device) for one in halvings]
    checks: Mapping[str, Mapping[str, Any]] = {
        "efficiency": efficiency(values, run.scores.double() - none.double(), 2 * planned),
        "resolved": {"share": [one.resolved for one in halvings], "asked": 2 * planned},
    }
    return Outcome(parts.painted([v.to(run.scores) for v in values]), checks)


@dataclass(order=True)
class _Part:
    """A box of cells in one company: which others are left, and what the target is without it and with it."""

    first: float  # the most to share comes first
    number: int
    box: Box = field(compare=False)
    beside: np.ndarray = field(compare=False)
    without: float = field(compare=False)
    with_it: float = field(compare=False)
    weight: float = field(compare=False)

    @property
    def share(self) -> float:
        return (self.with_it - self.without) * self.weight


class _Halving:
    """How far one picture has been halved."""

    def __init__(self, along: tuple[int, int], none: float, whole: float) -> None:
        self.waiting: list[_Part] = []
        self.asked: list[tuple[_Part, Box, Box]] = []
        self.number = self.done = 0
        self.found = np.zeros(along)
        self._put((0, along[0], 0, along[1]), np.zeros(along, bool), none, whole, 1.0)

    def _put(self, box: Box, beside: np.ndarray, without: float, with_it: float, weight: float) -> None:
        part = _Part(0.0, self.number, box, beside, without, with_it, weight)
        self.number += 1
        if _size(box) == 1:
            self.found[_at(box)] += part.share
            return
        part.first = -abs(part.share)
        heapq.heappush(self.waiting, part)

    def ask(self, halvings: int) -> list[np.ndarray]:
        """Coalitions to be asked about, two a halving: one half beside what stands there, and the other."""
        taken = [heapq.heappop(self.waiting) for _ in range(min(halvings, len(self.waiting)))]
        self.asked = [(part, *_halves(part.box)) for part in taken]
        return [_joined(part.beside, half) for part, *both in self.asked for half in both]

    def told(self, answers: Sequence[float]) -> None:
        """The answers to what was asked last."""
        self.done += len(self.asked)
        for (part, one, other), (with_one, with_other) in zip(self.asked, zip(answers[::2], answers[1::2])):
            half = part.weight / 2
            for box, rest, alone, last in ((one, other, with_one, with_other), (other, one, with_other, with_one)):
                self._put(box, part.beside, part.without, alone, half)
                self._put(box, _joined(part.beside, rest), last, part.with_it, half)

    def values(self) -> np.ndarray:
        """Each cell's, what is not halved yet shared equally."""
        found = self.found.copy()
        for part in self.waiting:
            found[_at(part.box)] += part.share / _size(part.box)
        return found

    @property
    def resolved(self) -> float:
        """The part of all shares, taken without their signs, that came down to a single cell."""
        left = sum(abs(part.share) for part in self.waiting)
        down = float(np.abs(self.found).sum())
        return down / (down + left) if down + left else 1.0


def _at(box: Box) -> tuple[slice, slice]:
    return slice(box[0], box[1]), slice(box[2], box[3])


def _size(box: Box) -> int:
    return (box[1] - box[0]) * (box[3] - box[2])


def _joined(beside: np.ndarray, box: Box) -> np.ndarray:
    joined = beside.copy()
    joined[_at(box)] = True
    return joined


def _halves(box: Box) -> tuple[Box, Box]:
    """Across the longer side, the first half no larger than the second."""
    top, bottom, left, right = box
    if bottom - top >= right - left:
        middle = (top + bottom) // 2
        return (top, middle, left, right), (middle, bottom, left, right)
    middle = (left + right) // 2
    return (top, bottom, left, middle), (top, bottom, middle, right)


def halvings_of(box: Box) -> int:
    """How often parts can be halved in all: each in every company that it is met in."""
    return sum(2**depth for depth in _depths(box, 0))


def _depths(box: Box, depth: int) -> Iterator[int]:
    if _size(box) == 1:
        return
    # Each halving doubles the companies in which a half is met.
    yield depth
    for half in _halves(box):
        yield from _depths(half, depth + 1)


def _asks(settings: Mapping[str, Any], facts: Facts) -> int:
    down, across = cells_along((facts.height, facts.width), settings["cells"])
    return 2 * min(settings["samples"] // 2, halvings_of((0, down, 0, across)))
