"""Settle: neighbours trade places on the grid until those that the network holds nearest hang as close as they can.

Two dimensions can't hold what many hold, and snapping to cells loses a little more. What is left to win is local: inside
of a window every image would rather hang where more of its nearest are near. That is a linear assignment again, with
what others gain from a place held fixed; windows move by half, so that nothing is fenced in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

REACHES = (5.0, 4.0, 3.0, 2.5, 2.2)
"""Cells within which a neighbour counts as near (a Gaussian's deviation): from wide to as close as thirty cells lie."""

WINDOW = 16
"""Cells a side of a window."""

SHIFTS = ((0, 0), (8, 8), (0, 8), (8, 0)) * 2
"""How windows are moved from pass to pass, in cells."""

_BEYOND = 3
"""Deviations after which a neighbour pulls no more."""


def settle(cells: NDArray[np.int32], nearest: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same cells, traded among the images.

    Parameters
    ----------
    cells
        int32 (N, 2): row and column of each image; all differ.
    nearest
        int32 (N, k): of each image the nearest others.

    Returns
    -------
    int32 (N, 2)
    """
    if len(cells) < 3 or not nearest.shape[1]:
        return cells
    at, ties = cells.astype(np.float64), _ties(nearest)
    for reach in REACHES:
        for shift in SHIFTS:
            for inside in _windows(at, shift):
                at[inside] = at[inside][_best_places(inside, at, ties, reach)]
    return at.astype(np.int32)


def _ties(nearest: NDArray[np.int32]) -> csr_matrix:
    """(N, N): 1 where one image is among the other's nearest, 2 where each is among the other's."""
    number, near = nearest.shape
    rows = np.repeat(np.arange(number), near)
    one_way = csr_matrix((np.ones(rows.size), (rows, nearest.ravel())), (number, number))
    return csr_matrix(one_way + one_way.T)


def _windows(at: NDArray[np.float64], shift: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """The images in each window that holds more than one."""
    place = ((at + shift) // WINDOW).astype(np.int64)
    window = place[:, 0] * (place[:, 1].max() + 1) + place[:, 1]
    order = np.argsort(window, kind="stable")
    borders = np.flatnonzero(np.diff(window[order])) + 1
    yield from (inside for inside in np.split(order, borders) if len(inside) > 1)


def _best_places(
    inside: NDArray[np.int64], at: NDArray[np.float64], ties: csr_matrix, reach: float
) -> NDArray[np.int64]:
    """For each image in a window the place in it, so that all together are nearest to those they are tied to."""
    places = at[inside]
    low, high = places.min(0) - _BEYOND * reach, places.max(0) + _BEYOND * reach
    close = np.flatnonzero(((at >= low) & (at <= high)).all(1))
    nearness = np.exp(cdist(at[close], places, "sqeuclidean") / (-2 * reach**2))
    gain = ties[inside][:, close] @ nearness
    return linear_sum_assignment(gain, maximize=True)[1]
