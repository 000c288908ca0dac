"""Rank: how many directions a layer really uses of those that it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HELD = 0.99
"""Share of the variance that the directions counted hold."""

VECTORS_A_UNIT = 3
"""Vectors that there must be for every unit: of fewer the rank is that of the sample."""

FLAT = 1e-9
"""Variance, beside the largest, that counts as none."""


@dataclass(frozen=True, eq=False)
class Rank:
    """The spectrum of a layer's activations.

    Attributes
    ----------
    directions
        Principal components that hold 99 % of the variance.
    exact
        Components with any variance at all: the rank.
    participation
        (Σλ)² / Σλ², the number of directions if all were equally strong (Gao et al., A theory of multineuronal dimensionality,
        2017).
    possible
        The most that there could be: living units, or the inputs of a unit where there is no activation behind.
    vectors
        Activation vectors that it was found on.
    variances
        Share of the variance along each component, the largest first, (units,).
    """

    directions: int
    exact: int
    participation: float
    possible: int
    vectors: int
    variances: NDArray[np.float64]

    @property
    def share(self) -> float:
        """Directions used of those possible, 0…1."""
        return self.directions / self.possible

    def to_dict(self) -> dict[str, float | int]:
        """Plain data for JSON."""
        return {
            "directions": self.directions,
            "exact": self.exact,
            "participation": self.participation,
            "possible": self.possible,
            "vectors": self.vectors,
        }


def rank_of(vectors: NDArray[np.floating], possible: int) -> Rank | None:
    """The rank of some activation vectors, (n, units); None where they are too few for it or never change."""
    count, units = vectors.shape
    if units < 2 or count < VECTORS_A_UNIT * units:
        return None
    centred = vectors.astype(np.float64) - vectors.mean(0)
    variances = np.clip(np.linalg.eigvalsh(centred.T @ centred / (count - 1))[::-1], 0, None)
    if variances[0] == 0:
        return None
    shares = variances / variances.sum()
    return Rank(
        directions=int(np.searchsorted(np.cumsum(shares), HELD - 1e-12) + 1),
        exact=int((variances > FLAT * variances[0]).sum()),
        participation=float(1 / np.square(shares).sum()),
        possible=possible,
        vectors=count,
        variances=shares,
    )
