"""How far two results agree, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import spearmanr

from rows.row import Agreement


def numbers(result: Any) -> np.ndarray:
    """A result as an array in double precision."""
    if hasattr(result, "detach"):
        result = result.detach().cpu().numpy()
    return np.asarray(result, dtype=np.float64)


def difference(ours: Any, theirs: Any) -> Agreement:
    """The largest difference, relative to the peer's largest number."""
    a, b = numbers(ours), numbers(theirs)
    if a.size != b.size:
        raise ValueError(f"results of {a.shape} and {b.shape} can't be compared")
    return Agreement("difference", float(np.abs(a.ravel() - b.ravel()).max() / np.abs(b).max()))


def ranks(ours: Any, theirs: Any) -> Agreement:
    """Spearman's correlation of the ranks of places."""
    a, b = numbers(ours), numbers(theirs)
    if a.size != b.size:
        raise ValueError(f"results of {a.shape} and {b.shape} can't be compared")
    found: Any = spearmanr(a.ravel(), b.ravel())
    return Agreement("rank correlation", float(found.statistic))
