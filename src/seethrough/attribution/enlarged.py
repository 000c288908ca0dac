"""Enlarged: little grids of numbers at the size of a picture, by bilinear interpolation.

Interpolation is linear along each axis, ``large = D · small · Aᵀ`` with a weight for each place and cell, down and across.
So many grids can be weighed and added up, or cut, while they are still small.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def enlarged(small: Tensor, size: Sequence[int]) -> Tensor:
    """Grids (…, h, w) at a size (H, W): (…, H, W), edges laid upon edges."""
    down, across = (weights(n, to, small.dtype, small.device) for n, to in zip(small.shape[-2:], size))
    return down @ (small @ across.T)


@lru_cache(maxsize=32)
def weights(cells: int, places: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What each cell of a row counts for at each place of the row enlarged, (places, cells); each place's add up to 1."""
    each = torch.eye(cells, dtype=torch.float64)[None]
    return interpolate(each, size=places, mode="linear", align_corners=False)[0].T.contiguous().to(device, dtype)
