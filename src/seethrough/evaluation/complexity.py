"""Complexity: into how few places a map puts what it says.

Maps are float (N, …); |map| counts, so that evidence against is as much said as evidence for. A map that is zero
everywhere says nothing, and has no complexity (NaN).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seethrough.evaluation.metric import Reads, metric
from seethrough.evaluation.similarity import rows

FAMILY = "complexity"


@metric(family=FAMILY, reads=Reads.MAP, better="higher", source="Chalasani, Chen, Chowdhury, Jha & Wu, 2020")
def sparseness(maps: ArrayLike) -> NDArray[np.float64]:
    """Gini index of |map| (Hurley & Rickard, 2009; of explanations Chalasani et al., 2020, section 3.1).

    Returns
    -------
    Array, (N,): 0 where all places have the same, (n − 1) / n where one of n has all.
    """
    a = np.sort(np.abs(rows(maps)), axis=1)
    n = a.shape[1]
    weights = 2 * np.arange(1, n + 1) - n - 1
    return _over((a * weights).sum(1), n * a.sum(1))


@metric(family=FAMILY, reads=Reads.MAP, better="lower", source="Bhatt, Weller & Moura, 2020")
def entropy_complexity(maps: ArrayLike) -> NDArray[np.float64]:
    """Entropy of each place's share of |map| (Bhatt, Weller & Moura, 2020, section 2.3).

    Returns
    -------
    Array, (N,), in nats: 0 where one place has all, ln n where all n have the same.
    """
    a = np.abs(rows(maps))
    total = a.sum(1, keepdims=True)
    shares = np.divide(a, total, out=np.zeros_like(a), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.where(total[:, 0] > 0, np.abs((shares * logs).sum(1)), np.nan)


@metric(family=FAMILY, reads=Reads.MAP, better="lower", source="Nguyen & Martínez, 2020")
def effective_complexity(maps: ArrayLike, *, least: float = 0.01) -> NDArray[np.float64]:
    """How many places have more than a part of the largest |value| (after Nguyen & Martínez, 2020, who ask the network
    how many places it needs; the count is what is usually taken for it).

    Parameters
    ----------
    least
        The part of the picture's own largest |value| that a place must exceed, 0…1.

    Returns
    -------
    Array, (N,), a number of places.
    """
    a = np.abs(rows(maps))
    largest = a.max(1, keepdims=True)
    return np.where(largest[:, 0] > 0, (a > least * largest).sum(1).astype(float), np.nan)


def _over(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
