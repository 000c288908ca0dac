"""How alike two maps are, one number a pair: ranks, correlation, structure; and how much there is in one of them.

All take arrays (N, …) and give float64 (N,); a pair in which one is flat has no similarity (NaN), unless both are equal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter
from scipy.stats import kendalltau, rankdata

from seethrough.errors import UsageError

BINS = 100
"""Of the histogram in which a map's complexity is counted."""

WINDOW = 7
"""Side of the window in which structure is compared, where the map is as large."""


def rows(array: ArrayLike) -> NDArray[np.float64]:
    """(N, F) in float64."""
    a = np.asarray(array, np.float64)
    return a.reshape(len(a), -1)


def pearson(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Linear correlation of each row of ``a`` with its row of ``b``, −1…1."""
    x, y = rows(a), rows(b)
    same = (x == y).all(1)
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    found = np.divide((x * y).sum(1), norms, out=np.full(len(x), np.nan), where=norms > 0)
    return np.where(same, 1.0, np.clip(found, -1, 1))


def spearman(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Correlation of ranks, ties sharing theirs, −1…1."""
    return pearson(rankdata(rows(a), axis=1), rankdata(rows(b), axis=1))


def kendall(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Kendall's τ-b, −1…1."""
    return np.array([kendalltau(x, y)[0] for x, y in zip(rows(a), rows(b))])


def ssim(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Structural similarity (Wang, Bovik, Sheikh & Simoncelli, 2004, eq. 13), mean over the places of a window of 7 × 7;
    the range is that of both maps together. For (N, H, W), or (N, L) with a window of 7.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    sides = min(WINDOW, min(x.shape[1:]))
    window = sides - (sides % 2 == 0)
    return np.array([_structure(p, q, window) for p, q in zip(x, y)])


def _structure(p: NDArray[np.float64], q: NDArray[np.float64], window: int) -> float:
    spread = max(p.max(), q.max()) - min(p.min(), q.min())
    if spread == 0:
        return 1.0
    c1, c2 = (0.01 * spread) ** 2, (0.03 * spread) ** 2
    places = window**p.ndim
    unbiased = places / max(places - 1, 1)
    mp, mq = uniform_filter(p, window), uniform_filter(q, window)
    vp, vq, cov = (
        unbiased * (uniform_filter(s, window) - m) for s, m in ((p * p, mp * mp), (q * q, mq * mq), (p * q, mp * mq))
    )
    alike = ((2 * mp * mq + c1) * (2 * cov + c2)) / ((mp**2 + mq**2 + c1) * (vp + vq + c2))
    inner = (slice(window // 2, -(window // 2) or None),) * p.ndim
    return float(alike[inner].mean())


SIMILARITIES = {"spearman": spearman, "pearson": pearson, "kendall": kendall, "ssim": ssim}


def similarity(name: str, a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """By its name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in SIMILARITIES:
        raise UsageError(f"Maps are compared by {', '.join(SIMILARITIES)}, not by {name!r}.")
    return SIMILARITIES[name](a, b)


def histogram_entropy(maps: ArrayLike, bins: int = BINS) -> NDArray[np.float64]:
    """Entropy of a map's histogram of |values|, in nats: 0 where one bin holds all, ln(bins) where all hold the same
    (Hedström et al., 2024, section 3.3).
    """
    found = []
    for row in np.abs(rows(maps)):
        counts = np.histogram(row, bins)[0]
        shares = counts[counts > 0] / counts.sum()
        found.append(-(shares * np.log(shares)).sum())
    return np.array(found)
