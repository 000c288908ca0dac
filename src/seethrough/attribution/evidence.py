"""Where the evidence of a map lies, as numbers: the ground for every sentence that is said about it.

Throughout, ``m`` is one map, (H, W), on the picture's own pixels; row 0 is the top, column 0 the left. The evidence
*for* is ``p = max(m, 0)``, the evidence *against* ``max(−m, 0)``. All sums are taken in float64, so each number below
can be recomputed from the array with the formula beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.errors import UsageError

CELLS = (
    "upper_left", "upper_centre", "upper_right",
    "middle_left", "centre", "middle_right",
    "lower_left", "lower_centre", "lower_right",
)  # fmt: skip
"""Names of the nine cells of the 3×3 grid, in reading order."""

QUARTERS = ("upper_left_quarter", "upper_right_quarter", "lower_left_quarter", "lower_right_quarter")
"""Names of the four quarters, in reading order."""

EVERYWHERE = "everywhere"
"""The region's name where no cell and no quarter stands out."""

STANDS_OUT = 1.25
"""A region stands out when it holds at least this many times the evidence that its area alone would give it."""

GAP = 0.02
"""Two shares of evidence that differ by no more than this are not worth a sentence."""

CONSTANT = 1e-6
"""A map whose values differ by no more than this part of the largest |value| is constant: what is left is rounding.
"""


@dataclass(frozen=True, slots=True)
class Spot:
    """One pixel of the picture: column ``x``, row ``y`` (both from 0), and the map's ``value`` there."""

    x: int
    y: int
    value: float


@dataclass(frozen=True, slots=True)
class Side:
    """The evidence on one side, for or against; ``p`` is that side's evidence, (H, W), ≥ 0.

    Attributes
    ----------
    total
        ``p.sum()``, in units of the map.
    cells
        Share of each cell of the 3×3 grid, in the order of `CELLS`: ``p[cell].sum() / p.sum()``; pixel (y, x) lies in
        row ``3·y // H`` and column ``3·x // W`` of the grid. They sum to 1; all 0 where ``total`` is 0.
    quarters
        The same for the 2×2 grid, in the order of `QUARTERS`.
    region
        Name of the most telling cell or quarter: the largest ``s · ln(s / a)``, with ``s`` its share of the evidence
        and ``a`` its share of the pixels (what it adds to the divergence from evenly spread evidence). `EVERYWHERE`
        where its ``s / a`` is below `STANDS_OUT`, or ``total`` is 0.
    share
        The region's share ``s``; 1 for `EVERYWHERE`, 0 where ``total`` is 0.
    spot
        The pixel of the largest ``p``, the first in reading order where several tie; None where ``total`` is 0.
    half_area
        The smallest share of the picture's area that holds half of the evidence: with ``p`` sorted downwards, the
        smallest ``k`` whose first ``k`` values sum to at least ``total / 2``, divided by ``H · W``. 0 where ``total``
        is 0.
    on_mask
        ``p[mask].sum() / p.sum()``; None where no mask was given, 0 where ``total`` is 0.
    """

    total: float
    cells: tuple[float, ...]
    quarters: tuple[float, ...]
    region: str
    share: float
    spot: Spot | None
    half_area: float
    on_mask: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where one map's evidence lies.

    Attributes
    ----------
    size
        (height, width) of the map in pixels.
    support
        The evidence for.
    against
        The evidence against; None for maps that have no such side (unsigned ones).
    finite
        False where the map holds a NaN or an infinity; all other numbers are then 0.
    flat
        True where the map says nothing about places: not finite, no evidence at all, or constant over the pixels that
        the network saw (``max − min ≤ CONSTANT · max |m|``). A flat map has no sentence about places.
    """

    size: tuple[int, int]
    support: Side
    against: Side | None
    finite: bool
    flat: bool

    @property
    def total(self) -> float:
        """All evidence, for and against, as a positive number: ``|m|.sum()`` for signed maps."""
        return self.support.total + (self.against.total if self.against else 0.0)

    @property
    def share_against(self) -> float:
        """Evidence against as a share of all evidence, 0…1."""
        return self.against.total / self.total if self.against and self.total else 0.0


def evidence_of(
    values: NDArray[np.floating],
    *,
    signed: bool,
    seen: NDArray[np.bool_] | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> Evidence:
    """The numbers about one map.

    Parameters
    ----------
    values
        The map, (H, W).
    signed
        Whether negative values speak against. In an unsigned map they do not count.
    seen
        bool (H, W), False where the network never saw the picture; the map counts as 0 there. By default all was
        seen.
    mask
        bool (H, W), for instance the animal: `Side.on_mask` says how much of the evidence lies on it.

    Raises
    ------
    UsageError
        Where the shapes do not agree, or the map has no pixel.
    """
    if values.ndim != 2 or values.size == 0:
        raise UsageError(f"Evidence is counted on one map, (height, width), not on an array of shape {values.shape}.")
    seen = _same_size(seen, values, "seen")
    mask = None if mask is None else _same_size(mask, values, "mask")
    finite = bool(np.isfinite(values[seen]).all())
    m = np.where(seen, values, 0).astype(np.float64) if finite else np.zeros(values.shape)
    support = _side(np.maximum(m, 0), mask)
    against = _side(np.maximum(-m, 0), mask) if signed else None
    counted = m if signed else np.maximum(m, 0)
    return Evidence((values.shape[0], values.shape[1]), support, against, finite, flat=_is_flat(counted[seen]))


def is_flat(values: NDArray[np.floating], *, signed: bool, seen: NDArray[np.bool_]) -> bool:
    """`Evidence.flat` alone."""
    visible = values[seen].astype(np.float64)
    return not np.isfinite(visible).all() or _is_flat(visible if signed else np.maximum(visible, 0))


def widest_gap(one: Side, other: Side) -> tuple[str, float, float]:
    """Where two maps differ most: a cell's or quarter's name, and the share of its evidence that each has there.

    The largest ``|s − t| / √a``, with ``s`` and ``t`` the shares and ``a`` the region's part of the picture, so that a
    ninth and a quarter are measured alike; `EVERYWHERE` where no two shares differ by more than `GAP`, or one map has
    no evidence.
    """
    names = np.array(CELLS + QUARTERS)
    s, t = np.array(one.cells + one.quarters), np.array(other.cells + other.quarters)
    if not one.total or not other.total or np.abs(s - t).max() <= GAP:
        return EVERYWHERE, 1.0, 1.0
    area = np.array([1 / len(CELLS)] * len(CELLS) + [1 / len(QUARTERS)] * len(QUARTERS))
    best = int(np.argmax(np.abs(s - t) / np.sqrt(area)))
    return str(names[best]), float(s[best]), float(t[best])


def _same_size(flags: NDArray[np.bool_] | None, values: NDArray[np.floating], name: str) -> NDArray[np.bool_]:
    if flags is None:
        return np.ones(values.shape, dtype=bool)
    if flags.shape != values.shape:
        raise UsageError(f"`{name}` has shape {flags.shape}, the map {values.shape}; give one flag a pixel.")
    return flags.astype(bool)


def _is_flat(visible: NDArray[np.float64]) -> bool:
    if visible.size == 0:
        return True
    largest = np.abs(visible).max()
    return bool(largest == 0 or visible.max() - visible.min() <= CONSTANT * largest)


def _side(p: NDArray[np.float64], mask: NDArray[np.bool_] | None) -> Side:
    total = float(p.sum())
    cells, quarters = _shares(p, 3), _shares(p, 2)
    region, share = _most_telling(cells, quarters, p.shape) if total else (EVERYWHERE, 0.0)
    on_mask = None if mask is None else (float(p[mask].sum()) / total if total else 0.0)
    return Side(total, cells, quarters, region, share, _strongest(p) if total else None, _half_area(p), on_mask)


def _shares(p: NDArray[np.float64], grid: int) -> tuple[float, ...]:
    """Share of the evidence in each cell of a ``grid`` × ``grid`` division, in reading order."""
    sums = _by_cell(p, grid)
    total = sums.sum()
    return tuple((sums / total if total else sums).tolist())


def _by_cell(p: NDArray[np.float64], grid: int) -> NDArray[np.float64]:
    rows, columns = (grid * np.arange(length) // length for length in p.shape)
    cell = rows[:, None] * grid + columns[None, :]
    return np.bincount(cell.ravel(), weights=p.ravel(), minlength=grid * grid).astype(np.float64)


def _most_telling(cells: tuple[float, ...], quarters: tuple[float, ...], shape: tuple[int, ...]) -> tuple[str, float]:
    names = np.array(CELLS + QUARTERS)
    share = np.array(cells + quarters)
    area = np.concatenate([_by_cell(np.ones(shape), grid) for grid in (3, 2)]) / np.prod(shape)
    there = share > 0  # a picture of fewer than three rows leaves some cells without a pixel
    gain = np.full(share.shape, -np.inf)
    gain[there] = share[there] * np.log(share[there] / area[there])
    best = int(np.argmax(gain))
    stands_out = share[best] >= STANDS_OUT * area[best]
    return (str(names[best]), float(share[best])) if stands_out else (EVERYWHERE, 1.0)


def _strongest(p: NDArray[np.float64]) -> Spot:
    y, x = np.unravel_index(int(np.argmax(p)), p.shape)
    return Spot(int(x), int(y), float(p[y, x]))


def _half_area(p: NDArray[np.float64]) -> float:
    falling = np.sort(p, axis=None)[::-1]
    running = np.cumsum(falling)
    if not running[-1]:
        return 0.0
    return float(np.searchsorted(running, running[-1] / 2) + 1) / p.size
