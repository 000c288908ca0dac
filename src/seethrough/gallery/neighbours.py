"""Neighbours: which images the network holds nearest, and how many of them the wall keeps near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR, AROUND = 10, 30
"""Of the ten nearest in the embedding: how many are among the thirty nearest on the grid."""

MOST_ASKED = 4_000
"""Images asked for their neighbours on the grid, drawn evenly where there are more."""

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Kept:
    """How well closeness on the wall speaks for closeness in the network.

    Attributes
    ----------
    kept
        Of an image's `near` nearest in the embedding, how many are among the `around` nearest on the grid; the mean.
    chance
        The same for images hung anyhow.
    """

    kept: float
    chance: float
    near: int = NEAR
    around: int = AROUND


def nearest_images(vectors: NDArray[np.floating], count: int) -> NDArray[np.int32]:
    """The nearest others of each image by Euclidean distance, nearest first: int32 (N, count); of ties the first."""
    vectors = vectors.astype(np.float32)
    squares = (vectors.astype(np.float64) ** 2).sum(1)
    count = max(0, min(count, len(vectors) - 1))
    found = np.empty((len(vectors), count), np.int32)
    for start in range(0, len(vectors), _BLOCK):
        block = slice(start, start + _BLOCK)
        distances = squares - 2.0 * (vectors[block] @ vectors.T)
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = np.inf
        found[block] = _smallest(distances, count)
    return found


def _smallest(distances: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """The columns of the smallest numbers of each row, smallest first."""
    if not count:
        return np.empty((len(distances), 0), np.int64)
    some = np.sort(np.argpartition(distances, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(np.take_along_axis(distances, some, 1), axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)


def neighbours_kept(nearest: NDArray[np.int32], cells: NDArray[np.int32], around: int = AROUND) -> Kept:
    """How many of the nearest in the embedding are near on the grid.

    Parameters
    ----------
    nearest
        (N, near), from `nearest_images`.
    cells
        (N, 2), row and column.
    """
    number, near = nearest.shape
    if not near:
        return Kept(0.0, 0.0, 0, 0)
    around = min(around, number - 1)
    asked = np.linspace(0, number - 1, min(number, MOST_ASKED)).astype(int)
    places = cells.astype(np.float64)
    hits = 0
    for start in range(0, len(asked), _BLOCK):
        some = asked[start : start + _BLOCK]
        distances = ((places[some, None] - places[None]) ** 2).sum(2)
        distances[np.arange(len(some)), some] = np.inf
        close = _smallest(distances, around)
        hits += int((nearest[some][:, :, None] == close[:, None, :]).sum())
    return Kept(hits / len(asked), near * around / (number - 1), near, around)
