"""Grouping: rows put together by how near they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 12


def kinds_of(rows: NDArray, count: int, chance: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """So many kinds of rows at most: their centres (k, d), and of which each row is (n,). Lloyd's k-means (1957), begun far
    apart (Arthur & Vassilvitskii, 2007).
    """
    x = np.asarray(rows, np.float64)
    centres = x[[int(chance.integers(len(x)))]]
    while len(centres) < count:
        apart = _apart(x, centres).min(1)
        if apart.sum() <= 0:
            break
        centres = np.concatenate([centres, x[[int(chance.choice(len(x), p=apart / apart.sum()))]]])
    of = np.zeros(len(x), np.int64)
    for _ in range(ROUNDS):
        of = _apart(x, centres).argmin(1)
        counts = np.bincount(of, minlength=len(centres))[:, None]
        sums = np.stack([np.bincount(of, column, len(centres)) for column in x.T], 1)
        centres = np.where(counts > 0, sums / np.maximum(counts, 1), centres)
    return centres, of


def _apart(x: NDArray, centres: NDArray) -> NDArray:
    """Squared distances, (n, k)."""
    return np.maximum((x**2).sum(1)[:, None] - 2 * x @ centres.T + (centres**2).sum(1)[None], 0)


def agreement(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """How far two groupings of the same rows agree: the adjusted Rand index (Hubert & Arabie, 1985), 1 where they are the
    same, about 0 by chance.
    """
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one, other), 1)

    def pairs(counts: NDArray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    together, a, b = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    by_chance = a * b / max(pairs(np.array([len(one)])), 1)
    most = (a + b) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)
