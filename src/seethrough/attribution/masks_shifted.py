"""Masks that are little grids of cells, enlarged and cut out at a shift: those of RISE.

A mask is ``D_s · cells · A_tᵀ``, with the interpolation's weights from a shift on: ``s`` down, ``t`` across. There are few
shifts beside so many masks, and what follows from all masks is reckoned by shift, on the cells, without making a single
mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import torch
from torch import Tensor

from seethrough.attribution.enlarged import weights
from seethrough.attribution.masks import Masks, Pair, chances

AT_ONCE = 512
"""Grids that are enlarged along one axis at once."""


@dataclass(frozen=True, eq=False)
class ShiftedGrids:
    """Grids of cells, and where each is cut out once it is enlarged.

    Attributes
    ----------
    cells
        (K, g, g), float32: 1 where a cell is left.
    shifts
        (K, 2), int64: pixels down and across.
    down, across
        The interpolation's weights from each shift on, (shifts, H, g) and (shifts, W, g), float64.
    key
        What they were made of, see `Masks.key`.
    """

    cells: Tensor
    shifts: Tensor
    down: Tensor
    across: Tensor
    key: tuple[object, ...]

    @property
    def masks(self) -> Masks:
        return Masks(len(self.cells), self._some, self.key, added=self.added)

    def _some(self, numbers: range) -> Tensor:
        """The masks of some numbers, (k, 1, H, W)."""
        part = slice(numbers.start, numbers.stop)
        along = self._across(part, torch.float32)
        return (self.down[self.shifts[part, 0]].float() @ along)[:, None]

    def _across(self, part: slice, dtype: torch.dtype) -> Tensor:
        """Some grids enlarged along their rows alone, (k, g, W)."""
        return self.cells[part].to(dtype) @ self.across[self.shifts[part, 1]].to(dtype).mT

    def added(self, each: Tensor, inverse: bool = False) -> Tensor:
        """``Σ_k each[k] · mask_k`` of the first masks: what has the same shift down is added up before it is enlarged that
        way.
        """
        every, images = each.double().cpu(), each.shape[1]
        total = torch.zeros(len(self.down), images, self.cells.shape[1] * self.across.shape[1], dtype=torch.float64)
        for start in range(0, len(every), AT_ONCE):
            part = slice(start, min(start + AT_ONCE, len(every)))
            by_shift = torch.zeros(len(every[part]), len(self.down), images, dtype=torch.float64)
            by_shift[torch.arange(len(by_shift)), self.shifts[part, 0]] = every[part]
            total += (by_shift.flatten(1).T @ self._across(part, torch.float64).flatten(1)).reshape(total.shape)
        rows = total.unflatten(2, (self.cells.shape[1], -1))
        found = torch.einsum("shg,sngw->nhw", self.down, rows).to(each)
        return each.sum(0)[:, None, None] - found if inverse else found

    def squared(self, each: Tensor, together: int) -> Tensor:
        """``Σ_j |Σ_{k of group j} each[k] · mask_k|²`` over groups of ``together`` masks that follow each other and are
        shifted alike, the squares added up over the places: (N,), float64. From ``each``, (K, N), of whole groups.
        """
        count = len(each)
        grids = self.cells[:count].double().unflatten(0, (-1, together))
        groups = torch.einsum("jkn,jkgh->jngh", each.double().cpu().unflatten(0, (-1, together)), grids)
        s, t = self.shifts[:count:together].T
        # |D q Aᵀ|² = ⟨DᵀD q AᵀA, q⟩
        down, across = (m.mT @ m for m in (self.down, self.across))
        return ((down[s][:, None] @ groups @ across[t][:, None]) * groups).sum((0, 2, 3))


@lru_cache(maxsize=8)
def rise_grids(size: Pair, samples: int, grid: int, p: float, sampling: str, seed: int) -> ShiftedGrids:
    """The masks of RISE (Petsiuk, Das & Saenko, 2018, section 3.2): a grid × grid of cells, each left with probability
    p, enlarged bilinearly to one cell more than the picture, from which the picture's size is cut out at a random shift
    of less than a cell.
    """
    cell = ceil(size[0] / grid), ceil(size[1] / grid)
    drawn = chances(samples, grid * grid + 2, sampling, seed)
    left = (drawn[:, 2:] < p).float().reshape(samples, grid, grid)
    if sampling == "antithetic":
        drawn[1::2, :2] = drawn[: samples // 2 * 2 : 2, :2]  # a pair is shifted alike, so that it is one another's rest
    shifts = (drawn[:, :2] * torch.tensor(cell)).long()
    down, across = (_from_each_shift(grid, c, n) for c, n in zip(cell, size))
    return ShiftedGrids(left, shifts, down, across, ("rise", size, samples, grid, p, sampling, seed))


def _from_each_shift(grid: int, cell: int, places: int) -> Tensor:
    """(shifts, places, grid): a row of cells at one cell more than the picture has, from each shift on."""
    whole = weights(grid, (grid + 1) * cell, torch.float64, torch.device("cpu"))
    return whole.unfold(0, places, 1)[:cell].mT.contiguous()
