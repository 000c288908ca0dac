"""Twins: units of a layer that do the same.

Two units may have the same weights up to their scale, and they may respond alike. Where both hold, one of them is wasted. Where
they only respond alike, it may be the pictures that hold no example of what they differ in; so it is said apart. Opposite
filters behind a rectifier are no twins: they fire at opposite places.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.anatomy.filter_measures import cosines
from seethrough.condition.layer import Pair

ALIKE = 0.95
"""Correlation and cosine above which two units are alike."""

ACTIVE = 20
"""Sampled places at which a unit must be above its lowest value: a correlation of fewer hangs on some of them."""


def twins(
    vectors: NDArray[np.floating],
    images: NDArray[np.int64],
    weights: Tensor | None,
    usable: NDArray[np.bool_],
    groups: int = 1,
) -> tuple[Pair, ...]:
    """The pairs that are alike, the most alike first.

    Parameters
    ----------
    vectors
        Activation vectors, (n, C).
    images
        The number of the image that each is of, (n,).
    weights
        (C, …), where units read the same inputs; None where their weights can't be compared.
    usable
        Units that aren't dead, (C,).
    groups
        Groups of units that read inputs of their own.
    """
    correlations = _confirmed(vectors, images)
    cosines = cosines_of(weights, groups) if weights is not None else np.full_like(correlations, np.nan)
    alike = (np.nan_to_num(correlations) > ALIKE) | (np.nan_to_num(cosines) > ALIKE)
    alike &= usable[:, None] & usable[None, :]
    pairs = [
        Pair(int(i), int(j), float(correlations[i, j]), float(cosines[i, j])) for i, j in np.argwhere(np.triu(alike, 1))
    ]
    return tuple(sorted(pairs, key=lambda p: -np.nan_to_num(p.correlation) - np.nan_to_num(p.cosine)))


def cosines_of(weights: Tensor, groups: int = 1) -> NDArray[np.float64]:
    """The cosine between the weights of each two units, (C, C); NaN where they read other inputs."""
    found = cosines(weights.detach().cpu().double().numpy())
    group = np.arange(len(found)) * groups // len(found)
    return np.where(group[:, None] == group[None, :], found, np.nan)


def correlations_of(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """The correlation between each two units, (C, C); NaN for one that is active at too few places."""
    centred = vectors.astype(np.float64) - vectors.mean(0)
    lengths = np.linalg.norm(centred, axis=0)
    active = (vectors > vectors.min(0)).sum(0) >= ACTIVE if len(vectors) else np.zeros(vectors.shape[1], bool)
    unit = np.divide(centred, lengths, out=np.full_like(centred, np.nan), where=(lengths > 0) & active)
    return unit.T @ unit


def groups(pairs: tuple[Pair, ...]) -> Iterator[tuple[int, ...]]:
    """Units that are alike by twos as families, each in order."""
    family: dict[int, set[int]] = {}
    for pair in pairs:
        joined = family.get(pair.first, {pair.first}) | family.get(pair.second, {pair.second})
        family.update(dict.fromkeys(joined, joined))
    yield from sorted({tuple(sorted(members)) for members in family.values()})


def _confirmed(vectors: NDArray[np.floating], images: NDArray[np.int64]) -> NDArray[np.float64]:
    """Correlations of which both halves of the images bear witness: the smallest of the three."""
    whole = correlations_of(vectors)
    order = np.unique(images, return_inverse=True)[1] % 2
    if order.min(initial=0) == order.max(initial=0):
        return whole
    halves = (correlations_of(vectors[order == half]) for half in (0, 1))
    for half in halves:
        whole = np.fmin(whole, half)  # a half that can't tell says nothing
    return whole
