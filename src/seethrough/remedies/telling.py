"""Telling: a linear classifier that tells classes apart by what is measured of each picture, asked only about pictures that it
didn't learn from.

Where something beside the thing goes with a class, that class's label is a noisy label of it: what is learned from all of them is
the thing beside, and pictures of which it says another class are those that go against the habit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

FOLDS = 5
STEPS = 200

STRENGTHS = tuple(float(10**-k) for k in np.arange(2, 5.1, 0.5))
"""How far weights are pulled towards 0, as it is tried, on measures that together have a width of 1; the likeliest is taken."""

FLAT = 1e-4
"""What is narrower than this part of the widest of some measures doesn't differ."""

LEAST = 2 * FOLDS
"""Pictures of each class at least, so that each fold leaves some to learn from."""


@dataclass(frozen=True, eq=False)
class Told:
    """What a classifier says of pictures.

    Attributes
    ----------
    odds
        float64 (n, C): how likely each class is, as logarithms whose mean over C is 0.
    surprise
        float64 (m,): of those to learn from, minus the logarithm of how likely its own class was to one that didn't learn
        from it.
    """

    odds: NDArray[np.float64]
    surprise: NDArray[np.float64]


def told(
    x: NDArray, places: NDArray[np.int64], groups: NDArray[np.int64], learn: NDArray[np.bool_], seed: int = 0
) -> Told | None:
    """What is likely of each picture by its measures; None where too few of a class are there to learn from.

    Parameters
    ----------
    x
        (n, P): measures.
    places
        (n,): the class of each, 0 … C − 1.
    groups
        (n,): those with the same number are alike and never part, so that none is known by its likeness.
    learn
        bool (n,): to learn from; of the others the mean of all folds is said.
    """
    count = np.bincount(places[learn])
    if len(count) < 2 or count.min() < LEAST:
        return None
    x = x - x[learn].mean(0)
    wide = float(np.sqrt((x[learn] ** 2).sum(1).mean()))
    x = x / (wide if wide > 0 else 1.0)
    fold = _folds(groups, seed)
    best: Told | None = None
    for strength in STRENGTHS:
        found = _crossed(x, places, fold, learn, strength)
        if best is not None and found.surprise.mean() >= best.surprise.mean():
            break  # what is pulled still less fits still more of what is there by chance
        best = found
    return best


def surely_less(a: NDArray, b: NDArray | float) -> bool:
    """Whether one mean over the same pictures is lower than another by more than twice what chance makes of it."""
    apart = b - a
    return bool(apart.mean() > 2 * apart.std() / np.sqrt(max(1, len(apart))))


def narrowed(x: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Measures (n, P) of width 1 each, as coordinates along the directions in which they differ most, (n, p ≤ most); a measure
    that never differs counts for nothing.
    """
    apart = x.astype(np.float64) - x.mean(0, dtype=np.float64)
    width = apart.std(0)
    apart = apart / np.where(width > FLAT * max(float(width.max(initial=0.0)), 1e-12), width, np.inf)
    few = apart.shape[1] < len(apart)
    values, vectors = np.linalg.eigh(apart.T @ apart if few else apart @ apart.T)
    along = vectors[:, ::-1][:, :most]
    if few:
        return (apart @ along).astype(np.float32)
    return (along * np.sqrt(np.maximum(values[::-1][:most], 0))).astype(np.float32)


def _folds(groups: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    names, at = np.unique(groups, return_inverse=True)
    return (np.random.default_rng([seed, 23]).permutation(len(names)) % FOLDS)[at]


def _crossed(
    x: NDArray, places: NDArray[np.int64], fold: NDArray[np.int64], learn: NDArray[np.bool_], strength: float
) -> Told:
    odds = np.zeros((len(x), int(places.max()) + 1))
    for k in range(FOLDS):
        rows = learn & (fold != k)
        said = _with_ones(x) @ _fitted(x[rows], places[rows], odds.shape[1], strength)
        odds += np.where((learn & (fold == k))[:, None], said, np.where(learn[:, None], 0, said / FOLDS))
    logs = odds - logsumexp(odds, axis=1, keepdims=True)
    return Told(odds - odds.mean(1, keepdims=True), -logs[np.arange(len(x)), places][learn])


def _fitted(x: NDArray, places: NDArray[np.int64], classes: int, strength: float) -> NDArray[np.float64]:
    """(P + 1, C), the last row a bias, which is free; every class counts alike."""
    hit = np.eye(classes)[places]
    share = 1 / np.maximum(1, hit.sum(0))[places]
    share = (share / share.sum())[:, None]
    ones = _with_ones(x)
    price = np.full((ones.shape[1], 1), strength)
    price[-1] = 0

    def cost(flat: NDArray) -> tuple[float, NDArray]:
        v = flat.reshape(-1, classes)
        z = ones @ v
        logs = z - logsumexp(z, axis=1, keepdims=True)
        slope = ones.T @ (share * (np.exp(logs) - hit)) + price * v
        return -float((share * hit * logs).sum()) + float((price * v**2).sum()) / 2, slope.ravel()

    start = np.zeros(ones.shape[1] * classes)
    return minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x.reshape(-1, classes)


def _with_ones(x: NDArray) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(x, np.float64), np.ones((len(x), 1))], 1)
