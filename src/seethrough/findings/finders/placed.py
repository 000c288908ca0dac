"""Placed: what a trait is, seen from where it lies — the background, a fixed place of it, or a thing at changing places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from seethrough.findings.aspect import Aspect
from seethrough.findings.aspects.background import Background
from seethrough.findings.aspects.region import Region
from seethrough.findings.aspects.thing import peaks, thing
from seethrough.findings.finders.cells import Cells
from seethrough.findings.finders.finder import told_apart
from seethrough.findings.finders.places import called

WIDE = 0.2
"""Of the places beside the thing: what is there on more of them is no thing but the background."""

FIXED = 0.07
"""Of the picture's side: what varies by less from picture to picture lies at a fixed place."""

HALF = 1.05
"""So many standard deviations away is the further one of two normal numbers half of the time."""

LARGEST = 0.45
"""Of the side: no thing beside the thing is larger."""

LEAST = 4
"""Pictures with a trait from which it is seen where it lies."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a trait lies.

    Attributes
    ----------
    share
        Of the places beside the thing, how much it covers in the middle one of the pictures.
    middle
        Down and across, in parts of the side.
    spread
        By how much most are away from there, as a standard deviation in parts of the side.
    size
        Height and width, in parts of the side.
    """

    share: float
    middle: tuple[float, float]
    spread: float
    size: tuple[float, float]

    @property
    def wide(self) -> bool:
        """Whether it is there nearly everywhere."""
        return self.share > WIDE or max(self.size) > LARGEST

    @property
    def fixed(self) -> bool:
        """Whether it is at the same place in most pictures."""
        return self.spread < FIXED

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for words."""
        return {"share": self.share, "size": list(self.size), "spread": self.spread}


@dataclass(frozen=True, eq=False)
class Seen:
    """What a direction shows.

    Attributes
    ----------
    auc
        How well it tells pictures apart beside their things, with every thing painted over.
    """

    aspect: Aspect
    where: Placed
    auc: float


def placed(
    heat: NDArray[np.float32], free: NDArray[np.bool_], *, level: float = 0.0, usual: float = 0.0
) -> Placed | None:
    """Where it lies in the pictures that have it; None where too few have it.

    Parameters
    ----------
    heat
        (n, h, w): how much of it there is.
    free
        bool (n, h, w): the places beside the thing.
    level
        A picture that reaches it somewhere has the trait.
    usual
        How much there is of it at a place without it: it covers what is above half way from there to its highest place.
    """
    found = peaks(heat, free)
    rows = np.isfinite(found[:, 0]) & (found[:, 0] > max(level, usual))
    if rows.sum() < LEAST:
        return None
    heat, free, found = heat[rows], free[rows], found[rows]
    on = free & (heat > ((found[:, 0] + usual) / 2)[:, None, None])
    share = on.sum((1, 2)) / np.maximum(free.sum((1, 2)), 1)
    sizes = np.array([_size(on[k], found[k, 1:]) for k in range(len(on))])
    size = (np.quantile(sizes, 0.6, axis=0) + 1) / heat.shape[1:]  # it may reach half a place further to either side
    down, across = found[:, 1], found[:, 2]
    return Placed(
        float(np.median(share)),
        (float(np.median(down)), float(np.median(across))),
        _spread(down, across),
        (float(size[0]), float(size[1])),
    )


def aspect_of_trait(
    cells: Cells, vector: NDArray[np.float32], own: NDArray[np.int64], rival: NDArray[np.int64], against: bool = False
) -> Seen | None:
    """What a direction of values shows in an answer's pictures, and where it lies; None where too few have it, or where it
    could be a piece of the thing itself.

    Parameters
    ----------
    vector
        (C,), along which values are taken.
    own, rival
        Rows of the pictures in which it is sought and of the others.
    against
        Whether it is sought in the rivals' pictures.
    """
    mine, theirs = (cells.without[rows].astype(np.float32) @ vector for rows in (own, rival))
    level, usual = levels(mine, theirs, cells.free[own], cells.free[rival])
    found = placed(mine, cells.free[own], level=level, usual=usual)
    if found is None:
        return None
    if found.wide:
        return Seen(Background(), found, _told(mean_beside, mine, theirs, cells, own, rival))
    if not cells.drawn:
        return None
    auc = _told(most_beside, mine, theirs, cells, own, rival)
    if found.fixed:
        box = box_of(found)
        return Seen(Region(called(box), box), found, auc)
    return Seen(thing(cells.inside, vector, level, found.size, against=against), found, auc)


def most_beside(heat: NDArray[np.float32], free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The most of it at one place beside the thing, (n,)."""
    return np.where(free, heat, heat.min() if heat.size else 0).max((1, 2))


def mean_beside(heat: NDArray[np.float32], free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much of it there is beside the thing, on the mean, (n,)."""
    return (heat * free).sum((1, 2)) / np.maximum(free.sum((1, 2)), 1)


def _told(
    measure: Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]],
    mine: NDArray[np.float32],
    theirs: NDArray[np.float32],
    cells: Cells,
    own: NDArray[np.int64],
    rival: NDArray[np.int64],
) -> float:
    return told_apart(measure(mine, cells.free[own]), measure(theirs, cells.free[rival]))


def levels(mine: NDArray, theirs: NDArray, free: NDArray[np.bool_], free_too: NDArray[np.bool_]) -> tuple[float, float]:
    """Half way between how far an answer's pictures reach and how far the others do; and what is usual among the others'
    places.
    """
    reach = (np.median(np.where(f, heat, -np.inf).max((1, 2))) for heat, f in ((mine, free), (theirs, free_too)))
    return float(sum(reach)) / 2, float(np.median(theirs[free_too]))


def box_of(found: Placed) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of a trait at a fixed place."""
    ends: list[float] = []
    for middle, size in zip(found.middle, found.size):
        ends += [round(max(0.0, middle - size / 2), 3), round(min(1.0, middle + size / 2), 3)]
    return ends[0], ends[1], ends[2], ends[3]


def _size(on: NDArray[np.bool_], at: NDArray[np.float32]) -> tuple[int, int]:
    """Height and width of the piece in which the highest place is."""
    pieces = np.zeros(on.shape, np.int32)
    label(on, np.ones((3, 3)), output=pieces)
    h, w = on.shape
    row, column = min(h - 1, int(at[0] * h)), min(w - 1, int(at[1] * w))
    number = pieces[row, column]
    if number == 0:
        return 1, 1
    rows, columns = np.nonzero(pieces == number)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def _spread(down: NDArray, across: NDArray) -> float:
    """The spread of most, whatever a few do: of normal numbers their standard deviation. Both ways are taken together: what lies in any
    one of the corners is at the top in about half of the pictures and left in about half, and in no more than a quarter both.
    """
    away = np.maximum(abs(down - np.median(down)), abs(across - np.median(across)))
    return float(np.median(away)) / HALF
