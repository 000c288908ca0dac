"""Snap: points onto the cells of a grid, each cell one point, so that neighbours stay neighbours and nothing overlaps.

Which point goes to which cell is a linear assignment with squared distances as costs (as in Quadrianto, Smola, Song &
Tuytelaars, *Kernelized sorting*, 2010, and in Klingemann's *RasterFairy*). It is solved exactly for few points. Of many,
points and cells are halved side by side until few are left, each part is solved, and windows over the borders between
parts are solved again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

EXACT = 1_500
"""Up to this many points one assignment is solved; its time grows with the third power."""

PART = 400
"""Points in a part, at most, where there are more."""

WINDOW = 16
"""Cells a side of the windows in which the parts' borders are mended."""

ASPECT = 1.6
"""Width of a grid over its height, about."""

Points = NDArray[np.float64]
Cells = NDArray[np.int32]


def grid_for(number: int) -> tuple[int, int]:
    """Rows and columns for a number of pictures: about 16 to 10, with as few empty cells as that allows."""
    ideal = math.sqrt(number * ASPECT)
    near = range(max(1, math.floor(0.92 * ideal)), math.ceil(1.08 * ideal) + 1)
    columns = min(near, key=lambda c: (-number % c, abs(c - ideal)))
    return math.ceil(number / columns), columns


def snap(points: Points, grid: tuple[int, int] | None = None) -> Cells:
    """A cell for each point.

    Parameters
    ----------
    points
        (N, 2): x to the right, y downwards; any unit.
    grid
        Rows and columns; by default those of `grid_for`. Rows are filled from the top, the last one perhaps in part.

    Returns
    -------
    int32 (N, 2)
        Row and column of each point; no two are the same.
    """
    rows, columns = grid or grid_for(len(points))
    free = np.stack(np.divmod(np.arange(len(points)), columns), 1)[:, ::-1].astype(np.float64)  # x, y
    wanted = _spread(points, (columns, rows))
    found = np.empty(len(points), np.int64)
    for at, cells in _parts(np.arange(len(points)), np.arange(len(points)), wanted, free):
        found[at] = cells[_assigned(wanted[at], free[cells])]
    if len(points) > EXACT:
        _mend(found, wanted, free, (columns, rows))
    return free[found][:, ::-1].astype(np.int32)


def _spread(points: Points, size: tuple[int, int]) -> Points:
    """Points turned so that their longest extent lies across, and stretched to the grid's own spread."""
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(np.cov(centred.T) if len(points) > 1 else np.eye(2))
    turned = centred @ _upright(axes[:, ::-1])
    spread = turned.std(0)
    return np.divide(turned, spread, out=np.zeros_like(turned), where=spread > 0) * size / math.sqrt(12)


def _upright(axes: Points) -> Points:
    """Axes with the signs that turn the picture least."""
    return axes * np.where(np.diag(axes) < 0, -1.0, 1.0)


def _assigned(wanted: Points, free: Points) -> NDArray[np.int64]:
    """For each point its cell, so that the squared distances sum to the least."""
    return linear_sum_assignment(cdist(wanted, free, "sqeuclidean"))[1]


def _parts(
    at: NDArray[np.int64], cells: NDArray[np.int64], wanted: Points, free: Points
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Points and cells, halved across the cells' longer side until few are left."""
    if len(at) <= (EXACT if len(at) == len(wanted) else PART):
        yield at, cells
        return
    axis = int(np.ptp(free[cells], axis=0).argmax())
    half = len(cells) // 2
    here = cells[np.lexsort((free[cells, 1 - axis], free[cells, axis]))]
    there = at[np.argsort(wanted[at, axis], kind="stable")]
    yield from _parts(there[:half], here[:half], wanted, free)
    yield from _parts(there[half:], here[half:], wanted, free)


def _mend(found: NDArray[np.int64], wanted: Points, free: Points, size: tuple[int, int]) -> None:
    """Assign anew inside of windows, each pass moved by half a window, so that borders between parts go."""
    for shift in ((0, 0), (WINDOW // 2, WINDOW // 2), (0, WINDOW // 2), (WINDOW // 2, 0)):
        across = math.ceil(size[0] / WINDOW) + 1
        place = (free[found] + shift) // WINDOW
        window = (place[:, 1] * across + place[:, 0]).astype(np.int64)
        for one in np.unique(window):
            inside = np.flatnonzero(window == one)
            cells = found[inside]
            found[inside] = cells[_assigned(wanted[inside], free[cells])]
