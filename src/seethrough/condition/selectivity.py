"""Selectivity: whether a unit responds to one class before all others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

ENOUGH = 8
"""Images that a class needs: the best of many means of few images is high by chance."""


def selectivity(sums: Mapping[str, NDArray[np.float64]], units: int) -> NDArray[np.float64]:
    """How selective each unit is, 0…1 (Morcos et al., On the importance of single directions for generalization, 2018).

    (μ_best − μ_rest) / (μ_best + μ_rest), of the mean activation for the class to which it responds most and that over the other
    classes, both measured from its lowest class mean where that is below 0.

    Parameters
    ----------
    sums
        By class, the sum over its images of each unit's mean, and their number at the end, (C + 1,).

    Returns
    -------
    ndarray, (C,)
        NaN where fewer than two classes have `ENOUGH` images, and for units that don't respond.
    """
    known = [s for s in sums.values() if s[-1] >= ENOUGH]
    if len(known) < 2:
        return np.full(units, np.nan)
    means = np.stack([s[:-1] / s[-1] for s in known])
    means = means - np.minimum(means.min(0), 0)
    best = means.max(0)
    rest = (means.sum(0) - best) / (len(means) - 1)
    return np.divide(best - rest, best + rest, out=np.full(units, np.nan), where=best + rest > 0)
