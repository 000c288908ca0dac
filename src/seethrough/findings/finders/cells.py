"""Cells: what a layer with places gives at each place of the finding pictures, read once and shared by finders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspects.thing import free_places
from seethrough.findings.aspects.without import painted_over
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.inside import Inside, layer_with_places

MOST = 600
"""Pictures that are read, as many of each answer."""

ANSWERS = 24
"""Of more answers only those with most pictures are looked into."""

KEPT_NUMBERS = 48
"""Directions in which cells are compared; more channels than that are brought down to the main ones."""

AT_ONCE = 64

SAMPLE = 20_000
"""Cells from which the main directions are taken."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Of n pictures, h × w places, C channels.

    Attributes
    ----------
    inside
        Where they were read.
    numbers
        int64 (n,), the pictures, in order.
    plain
        float16 (n, h, w, C), as the pictures are.
    without
        float16 (n, h, w, C), with their things painted over.
    free
        bool (n, h, w): beside the thing.
    drawn
        Whether somebody drew where the things are. An estimate leaves pieces of them over, which would be taken for things
        beside them.
    """

    inside: Inside
    numbers: NDArray[np.int64]
    plain: NDArray[np.float16]
    without: NDArray[np.float16]
    free: NDArray[np.bool_]
    drawn: bool = True

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of pictures, as often as they are asked for; those that weren't read are left out."""
        return rows_among(self.numbers, numbers)

    @cached_property
    def main(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cells beside the things in their main directions, float32 (n, h, w, d), things painted over; and these
        directions, (C, d), each channel in units of its own spread.
        """
        turned = main_directions(self.without[self.free].astype(np.float32))
        return self.without.astype(np.float32) @ turned, turned


def main_directions(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """The main directions of cells (n, C), each channel in units of its own spread: (C, d)."""
    cells = cells[:: max(1, len(cells) // SAMPLE)]
    scale = 1 / (cells.std(0) + 1e-3 * max(float(cells.std()), 1e-6))
    if cells.shape[1] <= KEPT_NUMBERS:
        return np.diag(scale).astype(np.float32)
    _, vectors = np.linalg.eigh(np.cov((cells - cells.mean(0)) * scale, rowvar=False))
    return (scale[:, None] * vectors[:, : -KEPT_NUMBERS - 1 : -1]).astype(np.float32)


_READ: WeakKeyDictionary[Canvas, tuple[tuple[int, ...], Cells | None]] = WeakKeyDictionary()


def cells_of(facts: Facts, canvas: Canvas) -> Cells | None:
    """The cells of the finding pictures; None where no layer has places, or nobody knows where the things are."""
    wanted = chosen(facts)
    kept = _READ.get(canvas)
    if kept is None or kept[0] != tuple(wanted):
        kept = tuple(wanted), _read(facts, canvas, wanted)
        _READ[canvas] = kept
    return kept[1]


def chosen(facts: Facts) -> NDArray[np.int64]:
    """The finding pictures that are read: of each answer the first ones, as many as of any other."""
    numbers = facts.split.of("find")
    asked = np.array(facts.asked)
    said = asked[facts.answers[numbers][:, asked].argmax(1)]
    names, counts = np.unique(said, return_counts=True)
    names = names[np.argsort(-counts, kind="stable")][:ANSWERS]
    each = MOST // max(1, len(names))
    return np.sort(np.concatenate([numbers[said == name][:each] for name in names])) if len(names) else numbers[:0]


def rows_among(known: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where numbers stand among known ones in order, as often as they are asked for; those that aren't there are left out."""
    if not len(known):
        return np.zeros(0, np.int64)
    at = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    return at[known[at] == numbers]


def _read(facts: Facts, canvas: Canvas, numbers: NDArray[np.int64]) -> Cells | None:
    if facts.fore is None or canvas.foreground is None or not len(numbers):
        return None
    layer = layer_with_places(canvas)
    if layer is None:
        return None
    inside = Inside(canvas, layer)
    parts: list[tuple[NDArray, NDArray, NDArray]] = []
    for at in range(0, len(numbers), AT_ONCE):
        pictures = canvas.load(numbers[at : at + AT_ONCE])
        plain, without = (
            inside.of(x).permute(0, 2, 3, 1).clamp(-6e4, 6e4).half().numpy()
            for x in (pictures.x, painted_over(pictures))
        )
        parts.append((plain, without, free_places(pictures, plain.shape[1:3])))
    plain, without, free = (np.concatenate(each) for each in zip(*parts))
    return Cells(inside, numbers, plain, without, free, facts.agreement is None)
