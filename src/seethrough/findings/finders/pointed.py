"""Pointed: a direction among a layer's values such that the place furthest along it tells answers apart.

Nobody says at which place of a picture the thing lies, only for which answers pictures stand: learning from bags (multiple
instance learning; Dietterich et al., 1997). A direction picks of each picture the place furthest along it, and is drawn anew from
the picked places to the others' (Fisher's discriminant), until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.finders.finder import told_apart
from seethrough.findings.finders.grouping import kinds_of

BEGINNINGS = 10
"""Kinds of places that are begun with."""

ROUNDS = 4

SHRUNK = 0.1
"""How far the spread of cells is taken for the same in every direction: with few pictures it isn't known better."""

PICKED = 0.7
"""Of the pictures, those furthest along make the next direction: not every one has the thing."""

FEW = 1500


@dataclass(frozen=True, eq=False)
class Pointed:
    """A direction.

    Attributes
    ----------
    vector
        float32 (d,).
    auc
        How well the furthest place tells pictures apart that had no part in drawing it.
    """

    vector: NDArray[np.float32]
    auc: float


def pointed(
    own: NDArray[np.float32],
    rival: NDArray[np.float32],
    free: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    half: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    chance: np.random.Generator,
) -> Pointed | None:
    """The direction along which an answer's pictures reach further, at one place, than its rivals'.

    Parameters
    ----------
    own, rival
        (n, P, d) and (m, P, d): P places each.
    free
        (n, P) and (m, P): places that count.
    half
        (n,) and (m,): the pictures in two halves that share none; each half's direction is held against the other's pictures.
    """
    aucs = []
    for side in (True, False):
        learn, test = ([rows == side for rows in half] for side in (side, not side))
        if any(f[rows].any(1).sum() < 2 for f, rows in zip((*free, *free), (*learn, *test))):
            return None  # too few pictures in which anything lies beside the thing
        vector = _drawn(own[learn[0]], rival[learn[1]], (free[0][learn[0]], free[1][learn[1]]), chance)
        reach = [furthest(z[rows], f[rows], vector) for z, f, rows in zip((own, rival), free, test)]
        aucs.append(told_apart(*reach))
    return Pointed(_drawn(own, rival, free, chance), float(np.mean(aucs)))


def furthest(z: NDArray[np.float32], free: NDArray[np.bool_], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far along each picture reaches, (n,)."""
    along = np.where(free, z @ vector, -np.inf).max(1)
    least = along[np.isfinite(along)]
    return np.where(np.isfinite(along), along, least.min() if len(least) else 0)


def discriminant(to: NDArray, from_: NDArray) -> NDArray[np.float32]:
    """From some cells to others, (d,): Fisher's, with the spread of the ones that it leads away from."""
    return _inverse(from_) @ (to.mean(0) - from_.mean(0)).astype(np.float32)


def _inverse(cells: NDArray) -> NDArray[np.float32]:
    spread = np.atleast_2d(np.cov(cells, rowvar=False))
    even = max(float(np.trace(spread)) / len(spread), 1e-9)
    shrunk = (1 - SHRUNK) * spread + SHRUNK * even * np.eye(len(spread))
    return np.linalg.inv(shrunk).astype(np.float32)


def _drawn(
    own: NDArray[np.float32],
    rival: NDArray[np.float32],
    free: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    chance: np.random.Generator,
) -> NDArray[np.float32]:
    theirs = rival[free[1]]
    inverse, mean = _inverse(theirs), theirs.mean(0)
    best, best_auc = np.zeros(own.shape[2], np.float32), -1.0
    for begin in _beginnings(own[free[0]], mean, chance):
        vector = inverse @ (begin - mean)
        for _ in range(ROUNDS):
            along = np.where(free[0], own @ vector, -np.inf)
            rows = np.argsort(-along.max(1), kind="stable")[: max(2, round(PICKED * len(own)))]
            vector = inverse @ (own[rows, along[rows].argmax(1)].mean(0) - mean)
        auc = told_apart(furthest(own, free[0], vector), furthest(rival, free[1], vector))
        if auc > best_auc:
            best, best_auc = vector, auc
    return (best / (np.linalg.norm(best) + 1e-12)).astype(np.float32)


def _beginnings(cells: NDArray, mean: NDArray, chance: np.random.Generator) -> list[NDArray]:
    """The mean of all places, and of each kind of places."""
    some = cells[chance.permutation(len(cells))[:FEW]]
    centres, _ = kinds_of(some, BEGINNINGS, chance)
    return [cells.mean(0), *centres.astype(np.float32)]
