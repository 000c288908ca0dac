"""Groups of Waterbirds, by what a bird is and before what it stands; and the only step that looks at them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.statistics import Interval, proportion

CLASSES = ("land bird", "water bird")
GROUPS = {
    (0, 0): "land bird, land",
    (0, 1): "land bird, water",
    (1, 0): "water bird, land",
    (1, 1): "water bird, water",
}


def shares(said: NDArray[np.int64], classes: NDArray[np.int64], grounds: NDArray[np.int64]) -> dict[str, Interval]:
    """Each group's share of right answers, with its interval; of groups that have pictures.

    Parameters
    ----------
    said, classes, grounds
        int64 (n,): what is answered; 1 for a water bird; 1 where it stands before water.
    """
    right = said == classes
    return {
        called: proportion(int(right[rows].sum()), int(rows.sum()))
        for (k, ground), called in GROUPS.items()
        for rows in [(classes == k) & (grounds == ground)]
        if rows.any()
    }


def line(
    name: str, said: NDArray[np.int64], classes: NDArray[np.int64], grounds: NDArray[np.int64], beside: str = ""
) -> float:
    """Print each group's share and the worst one's interval. Gives the worst."""
    each = shares(said, classes, grounds)
    worst = min(each.values(), key=lambda share: share.value)
    groups = " ".join(f"{share.value:.3f}" for share in each.values())
    print(
        f"{name:24s} worst {worst.value:.3f} [{worst.low:.3f}, {worst.high:.3f}]  groups {groups}  "
        f"mean {(said == classes).mean():.3f}  {beside}".rstrip(),
        flush=True,
    )
    return worst.value
