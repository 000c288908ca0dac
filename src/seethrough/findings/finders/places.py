"""Places: fixed parts of the picture whose pixels differ with the answer — a mark in a corner, a border, a caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum_filter

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.background import Background
from seethrough.findings.aspects.region import Box, Region
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.finder import questions, told_apart

PERMUTED = 40
"""How often answers are dealt out anew, to see how large a difference is by chance."""

WIDE = 0.35
"""Of the plane: what differs nearly everywhere is no place but a background or a look."""

BORDER, CORNERS = "border", "corners"

EVERYWHERE: Box = (0.0, 1.0, 0.0, 1.0)

RIM = 0.5
"""Of a place, around what is in pieces: print ends otherwise in each picture, so that its last places only half differ. A piece that
is alone gets none: beyond it a mark's smeared edge would bring each picture's own ground along.
"""

EDGE = 6
"""Of 255: a place with so much of the thing in it belongs to it."""

CLEAR = 0.5
"""Places that differ by this part of the largest difference belong to it."""

TRACE = 0.25
"""And the inner rings of a border, which not every picture has as broad, that differ by this part."""


@dataclass(frozen=True)
class Places:
    """Where small pictures differ between answers by more than they ever do with answers dealt out anew, in one piece; where
    they do nearly everywhere beside the thing, the background is a candidate, and beside it a border that differs far more than the
    rest: it moves what is usual of a picture a little.
    """

    name: str = "places"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        found = []
        for answer, rivals, own, rival in questions(facts, numbers):
            both = np.concatenate([own, rival])
            x = facts.small[both].astype(np.float32) / 255
            off = beside(facts, both)
            x = x - _usual(x, off)
            own_rows = np.arange(len(both)) < len(own)
            seen = differences(x, off, own_rows)
            limit = max(differences(x, off, chance.permutation(own_rows)).max() for _ in range(PERMUTED))
            clear = max(limit, CLEAR * float(seen.max()))
            wide = (seen > limit).mean() > WIDE
            if wide and facts.fore is not None:
                auc = _told_apart(x * off[..., None], EVERYWHERE, own_rows)
                measured = {"places.share": float((seen > limit).mean())}
                found.append(Candidate(Background(), answer, rivals, (self.name,), auc, 1.0, measured))
            for box in boxes(seen, clear, max(limit, TRACE * float(seen.max()))):
                if wide and called(box) != BORDER:
                    continue
                auc = _told_apart(x, box, own_rows)
                found.append(
                    Candidate(
                        Region(called(box), box), answer, rivals, (self.name,), auc, 1.0, {"place.box": list(box)}
                    )
                )
        return found


def beside(facts: Facts, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """1 beside the thing, (n, s, s), a place away from its edge, which small pictures smear."""
    if facts.fore is None:
        return np.ones(facts.small[numbers].shape[:3], np.float32)
    return (maximum_filter(facts.fore[numbers], (1, 3, 3)) < EDGE).astype(np.float32)


def _usual(x: NDArray[np.floating], off: NDArray[np.float32]) -> NDArray[np.floating]:
    """Each picture's median colour beside the thing, (n, 1, 1, 3): what a mark in a corner doesn't move."""
    scarce = (off > 0.5).sum((1, 2), keepdims=True)[..., None] == 0
    hidden = np.where((off > 0.5)[..., None] | scarce, x, np.nan)
    return np.nanmedian(hidden, axis=(1, 2), keepdims=True)


def differences(x: NDArray, off: NDArray, own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much the two differ at each place, (s, s): the largest of three colours' t, of the pictures that show it."""
    sums = []
    for rows in (own, ~own):
        w, y = off[rows][..., None], x[rows]
        n = w.sum(0) + 1e-6
        mean = (w * y).sum(0) / n
        sums.append((n, mean, (w * (y - mean) ** 2).sum(0) / n))
    (n, mean, spread), (m, other, width) = sums
    t = np.abs(mean - other) / np.sqrt(spread / n + width / m + 1e-6)
    return np.where((n > 4) & (m > 4), t, 0).max(2)


def boxes(seen: NDArray, limit: float, trace: float | None = None) -> list[Box]:
    """Boxes around the pieces above a limit, in parts of the side, those that nearly touch in one: print is in pieces. A piece that
    runs around the picture is a border, as broad as its rings are above ``trace``, by default the limit.
    """
    side = len(seen)
    pieces, found = _pieces(seen > limit), []
    for number, (rows, columns) in enumerate(find_objects(pieces), 1):
        middle = pieces[side // 4 : -(side // 4), side // 4 : -(side // 4)] == number
        if rows.start == 0 and columns.start == 0 and rows.stop == columns.stop == side and not middle.any():
            width = _width((pieces == number) | (seen > (limit if trace is None else trace)))
            found.append((1 - width, width, 1 - width, width))
            pieces[pieces == number] = 0
    near = _pieces(np.asarray(maximum_filter(pieces > 0, 3), bool))
    for number in range(1, int(near.max(initial=0)) + 1):
        inside = np.argwhere((near == number) & (pieces > 0))
        if len(inside) > 1:
            (top, left), (bottom, right) = inside.min(0), inside.max(0) + 1
            rim = RIM if len(np.unique(pieces[tuple(inside.T)])) > 1 else 0
            ends = np.array([top - rim, bottom + rim, left - rim, right + rim]) / side
            found.append((*map(float, ends.clip(0, 1)),))
    return found


def _pieces(there: NDArray[np.bool_]) -> NDArray[np.int32]:
    """A number for each piece, (s, s); 0 elsewhere."""
    pieces = np.zeros(there.shape, np.int32)
    label(there, np.ones((3, 3)), output=pieces)
    return pieces


def _width(piece: NDArray[np.bool_]) -> float:
    """How broad a border is."""
    side = len(piece)
    for k in range(side // 2):
        ring = np.zeros_like(piece)
        ring[k : side - k, k : side - k] = True
        ring[k + 1 : side - k - 1, k + 1 : side - k - 1] = False
        if piece[ring].mean() < 0.5:
            return max(1, k) / side
    return 0.5


def called(box: Box) -> str:
    """Where a box lies: ``"top left"``, ``"middle"``, ``"border"``."""
    top, bottom, left, right = box
    if top > bottom:
        return BORDER
    down, across = (top + bottom) / 2, (left + right) / 2
    rows = "top" if down < 0.36 else "bottom" if down > 0.64 else ""
    columns = "left" if across < 0.36 else "right" if across > 0.64 else ""
    return f"{rows} {columns}".strip() or "middle"


def _told_apart(x: NDArray, box: Box, own: NDArray[np.bool_]) -> float:
    """How well the box's mean difference tells the two apart."""
    side = x.shape[1]
    top, bottom, left, right = box
    inside = np.ones((side, side), bool)
    if top > bottom:
        inside[round(bottom * side) : round(top * side), round(right * side) : round(left * side)] = False
    else:
        inside[:] = False
        inside[round(top * side) : round(bottom * side), round(left * side) : round(right * side)] = True
    part = x[:, inside].reshape(len(x), -1)
    line = part[own].mean(0) - part[~own].mean(0)
    return told_apart(part[own] @ line, part[~own] @ line)
