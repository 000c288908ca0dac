"""Statistics: how sure one can be of a difference between answers to the same pictures.

Everything here is paired (the same picture, with and without), seeded, and says its n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

DRAWS = 10_000
AT_ONCE = 1 << 22
"""Numbers that are drawn at once."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number, and between what it lies with 95 % confidence; ``n`` is on how many independent pictures it stands."""

    value: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def bootstrap(
    samples: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    *,
    clusters: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """A statistic of rows, and the 95 % percentile interval of it over rows drawn anew (Efron, 1979).

    Parameters
    ----------
    samples
        (n,) or (n, k), a row an independent picture: what belongs to one picture is drawn together, which is what makes
        a difference of two columns paired.
    statistic
        From (draws, n, …) to (draws,); by default the mean.
    clusters
        (n,): rows that aren't independent (near-duplicates, several changes of one picture) have the same number, and
        are drawn together. ``n`` then counts clusters.
    """
    rows = np.asarray(samples, np.float64)
    take = statistic or (lambda drawn: drawn.mean(1))
    whole = float(take(rows[None])[0]) if len(rows) else float("nan")
    if clusters is not None and len(rows):
        if statistic is None and rows.ndim == 1:
            return _mean_of_clusters(rows, np.asarray(clusters), whole, draws, seed)
        return _of_clusters(rows, np.asarray(clusters), take, whole, draws, seed)
    if len(rows) < 2:
        return Interval(whole, float("-inf"), float("inf"), len(rows))
    chance, found = np.random.default_rng(seed), []
    step = max(1, AT_ONCE // max(1, rows.size))
    for start in range(0, draws, step):
        picks = chance.integers(0, len(rows), (min(step, draws - start), len(rows)))
        found.append(take(rows[picks]))
    low, high = np.quantile(np.concatenate(found), (0.025, 0.975))
    return Interval(whole, float(low), float(high), len(rows))


def _of_clusters(
    rows: NDArray[np.float64],
    clusters: NDArray[np.int64],
    take: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    whole: float,
    draws: int,
    seed: int,
) -> Interval:
    names = np.unique(clusters)
    if len(names) < 2:
        return Interval(whole, float("-inf"), float("inf"), len(names))
    members = [np.flatnonzero(clusters == name) for name in names]
    chance = np.random.default_rng(seed)
    found = np.empty(draws)
    for k in range(draws):
        picks = np.concatenate([members[i] for i in chance.integers(0, len(names), len(names))])
        found[k] = take(rows[picks][None])[0]
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(whole, float(low), float(high), len(names))


def _mean_of_clusters(
    rows: NDArray[np.float64], clusters: NDArray[np.int64], whole: float, draws: int, seed: int
) -> Interval:
    """`_of_clusters` of the mean, which needs of each cluster only its sum and size."""
    names, row = np.unique(clusters, return_inverse=True)
    count = len(names)
    if count < 2:
        return Interval(whole, float("-inf"), float("inf"), count)
    sums, sizes = np.bincount(row, rows), np.bincount(row)
    chance, found = np.random.default_rng(seed), []
    step = max(1, AT_ONCE // count)
    for start in range(0, draws, step):
        picks = chance.integers(0, count, (min(step, draws - start), count))
        found.append(sums[picks].sum(1) / sizes[picks].sum(1))
    low, high = np.quantile(np.concatenate(found), (0.025, 0.975))
    return Interval(whole, float(low), float(high), count)


def sign_flips(differences: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> float:
    """The chance of a mean difference at least so large, were each picture's as likely to be the other way round: the
    permutation test of paired samples, one-sided (the mean is above 0), exact for up to 13 pictures.

    Parameters
    ----------
    differences
        (n,), a picture each: what the thing does less what its control does.
    """
    d = np.asarray(differences, np.float64)
    if not len(d) or not d.any():
        return 1.0
    if 2 ** len(d) <= draws:
        signs = 1 - 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
        means = signs @ d
        return float((means >= d.sum() - 1e-12 * np.abs(d).sum()).mean())
    chance, above = np.random.default_rng(seed), 0
    step = max(1, AT_ONCE // len(d))
    for start in range(0, draws, step):
        signs = chance.integers(0, 2, (min(step, draws - start), len(d)), dtype=np.int8) * 2 - 1
        above += int((signs @ d >= d.sum() - 1e-12 * np.abs(d).sum()).sum())
    return (above + 1) / (draws + 1)  # the one that was seen is one of those that could be


def holm(chances: Sequence[float]) -> list[float]:
    """Chances corrected for how many were asked: none is called small because many were tried (Holm, 1979)."""
    p = np.asarray(chances, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    found = np.empty(len(p))
    found[order] = corrected
    return found.tolist()


def mcnemar(before: ArrayLike, after: ArrayLike) -> float:
    """The chance of so uneven a change between right and wrong answers to the same pictures, two-sided and exact: of the
    pictures where the two differ, each is as likely to have become right as wrong (McNemar, 1947).

    Parameters
    ----------
    before, after
        bool (n,): whether each picture is answered rightly.
    """
    a, b = np.asarray(before, bool), np.asarray(after, bool)
    gained, lost = int((~a & b).sum()), int((a & ~b).sum())
    return 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost).pvalue)


def proportion(hits: int, of: int) -> Interval:
    """A share with its 95 % interval (Wilson, 1927)."""
    if of == 0:
        return Interval(float("nan"), 0.0, 1.0, 0)
    found = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return Interval(hits / of, float(found.low), float(found.high), of)
