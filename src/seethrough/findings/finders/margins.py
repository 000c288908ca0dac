"""Margins: what lies along the picture's edge and is the same in many pictures of one answer — bars, frames, a round field's corners.

A margin that is laid over pictures has a colour of its own, whatever they show; what a scene shows at a place hardly ever has one.
So it is told by how many pictures have at a place the colour that is usual there for an answer. Where a margin takes much of the
picture, what is usual of all of it moves, and places differ everywhere (`seethrough.findings.finders.places`); this doesn't mind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.region import Box, Region
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.finder import LEAST, questions, told_apart
from seethrough.findings.finders.places import CORNERS, beside, called

NEAR = 10 / 255
"""So near to a colour, in each of red, green and blue, a place has it."""

MOSTLY = 0.5
"""More of an answer's pictures than that have its margin's colour; and more of a row belongs to a strip."""

APART, SURELY = 0.3, 4.0
"""By so much the shares of pictures that have a colour differ, and by so many standard errors."""

DEEP = 0.3
"""Of the side: no margin is deeper."""

HOLDS = 0.9
"""So much of a margin a shape should hold."""


@dataclass(frozen=True)
class Margins:
    """Strips along sides, or the corners, that have one colour in more of the answer's pictures than of its rivals', or in fewer."""

    name: str = "margins"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        asked, found = np.array(facts.asked), []
        for answer, rivals, own, rival in questions(facts, numbers):
            both = np.concatenate([own, rival])
            x, off = facts.small[both].astype(np.float32) / np.float32(255), beside(facts, both) > 0.5
            said, mine = asked[facts.answers[both][:, asked].argmax(1)], np.arange(len(both)) < len(own)
            each = [colours_own(x, off, said == k) for k in (answer, *rivals)]
            region = shape_of(np.any([differs(has, off, mine) for has in each], 0))
            if region is not None:
                inside = held_by(region, x.shape[1])
                auc = max(_told_apart(has[:, inside].sum(1), mine) for has in each)
                measured = {"place.box": list(region.box)}
                found.append(Candidate(region, answer, rivals, (self.name,), auc, 1.0, measured))
        return found


def colours_own(x: NDArray[np.float32], off: NDArray[np.bool_], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pictures have at each place the colour that is usual there in some of them, bool (n, s, s); none where no more than
    `MOSTLY` of these have.

    Parameters
    ----------
    x
        (n, s, s, 3), 0…1.
    off
        bool (n, s, s): beside the thing.
    rows
        bool (n,): some.
    """
    shown = off[rows].sum(0)
    if shown.max(initial=0) < LEAST:
        return np.zeros(off.shape, bool)
    in_order = np.sort(np.where(off[rows][..., None], x[rows], np.inf), axis=0)
    usual = np.take_along_axis(in_order, (np.maximum(shown - 1, 0) // 2)[None, ..., None], 0)
    has = (np.abs(x - usual) < NEAR).all(3) & off
    return has & (has[rows].sum(0) > MOSTLY * shown) & (shown >= LEAST)


def differs(has: NDArray[np.bool_], off: NDArray[np.bool_], own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """At which places the shares differ of the pictures that have something, of those that show the place; bool (s, s)."""
    mine, theirs = off[own].sum(0), off[~own].sum(0)
    apart = np.abs(has[own].sum(0) / np.maximum(mine, 1) - has[~own].sum(0) / np.maximum(theirs, 1))
    error = np.sqrt(0.25 / np.maximum(mine, 1) + 0.25 / np.maximum(theirs, 1))
    return (np.minimum(mine, theirs) >= LEAST) & (apart > np.maximum(APART, SURELY * error))


def shape_of(there: NDArray[np.bool_]) -> Region | None:
    """The strips or the corners that hold a margin, bool (s, s): the smaller of the two that hold nearly all of it, else what holds
    more; None where neither holds most.
    """
    shapes = [shape for shape in (_strips(there), _corners(there)) if shape is not None]
    inside = [held_by(shape, len(there)) for shape in shapes]
    held = [(there & each).sum() / there.sum() for each in inside]
    if not shapes or max(held) <= MOSTLY:
        return None
    most = [k for k in range(len(shapes)) if held[k] >= HOLDS]
    return shapes[min(most, key=lambda k: inside[k].sum())] if most else shapes[int(np.argmax(held))]


def _strips(there: NDArray[np.bool_]) -> Region | None:
    """As deep on each side as rows are mostly margin, and a place more, in which it ends."""
    side = len(there)
    deep = [_depth(each.mean(1)) for each in (there, there[::-1], there.T, there.T[::-1])]
    if not any(deep) or max(deep) > DEEP * side:
        return None
    top, bottom, left, right = ((depth + (depth > 0)) / side for depth in deep)
    box: Box = (1 - bottom, top, 1 - right, left)
    if sum(depth > 0 for depth in deep) == 1:
        box = (1 - bottom if bottom else 0.0, top or 1.0, 1 - right if right else 0.0, left or 1.0)
    return Region(called(box), box)


def _depth(shares: NDArray[np.floating]) -> int:
    """How many are large, one behind the other."""
    small = shares <= MOSTLY
    return int(small.argmax()) if small.any() else len(shares)


def _corners(there: NDArray[np.bool_]) -> Region | None:
    """As large as holds nearly all of the margin, where it is in all four, and a place more."""
    if not all(there[row, column] for row in (0, -1) for column in (0, -1)):
        return None
    side, most = len(there), int(DEEP * len(there))
    held = ((there & held_by(corners(places / side), side)).sum() for places in range(1, most))
    enough = (places for places, held_so in enumerate(held, 1) if held_so >= HOLDS * there.sum())
    return corners((next(enough, most - 1) + 1) / side)


def corners(size: float) -> Region:
    """All four, of this height and width in parts of the side."""
    ends = (0.0, size), (1 - size, 1.0)
    first, *others = ((*down, *across) for down in ends for across in ends)
    return Region(CORNERS, first, tuple(others))


def held_by(region: Region, side: int) -> NDArray[np.bool_]:
    """The places of a plane (s, s) that belong to a region."""
    return region.inside(torch.zeros(1, 1, side, side))[0, 0].numpy() > 0


def _told_apart(counts: NDArray[np.integer], own: NDArray[np.bool_]) -> float:
    """How well a number tells the two apart, whichever has more."""
    auc = told_apart(counts[own], counts[~own])
    return max(auc, 1 - auc)
