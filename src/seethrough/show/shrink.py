"""Pictures and maps made smaller, always to the same size together: what is drawn need not be finer than it is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def size_within(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) with the longest side brought down to ``side``; a smaller one stays as it is."""
    longest = max(height, width)
    if longest <= side:
        return height, width
    return max(1, round(height * side / longest)), max(1, round(width * side / longest))


def shrink_pixels(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture, uint8 (H, W, 3), within ``side``."""
    height, width = size_within(pixels.shape[0], pixels.shape[1], side)
    if (height, width) == pixels.shape[:2]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def shrink_map(
    values: NDArray[np.floating], seen: NDArray[np.bool_], side: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A map and its seen pixels within ``side``: each cell the mean over what was seen in it; seen where half of it
    was.
    """
    share = _averaged(seen, side)
    total = _averaged(np.where(seen, values, 0), side)
    mean = np.divide(total, share, out=np.zeros_like(total), where=share > 0)
    return mean, share >= 0.5


def _averaged(values: NDArray, side: int) -> NDArray[np.float32]:
    height, width = size_within(values.shape[0], values.shape[1], side)
    floats = values.astype(np.float32)
    if (height, width) == values.shape:
        return floats
    return np.asarray(Image.fromarray(floats, mode="F").resize((width, height), Image.Resampling.BOX))
