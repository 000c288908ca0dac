"""Thumbnails: the middle square of a picture, small; and a map on the same square."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.images import Geometry

SIDES = ((400, 224), (1_200, 160), (2_600, 128), (8_000, 96))
"""Up to how many images thumbnails have how many pixels a side; beyond, `SMALLEST`."""

SMALLEST = 64


def side_for(images: int) -> int:
    """Pixels a side of a thumbnail, so that all of them together can be held and sent."""
    return next((side for most, side in SIDES if images <= most), SMALLEST)


def thumbnail(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The middle square of a picture, uint8 (side, side, 3); one much smaller keeps its pixels as squares."""
    height, width = pixels.shape[:2]
    top, left, edge = middle_square(height, width)
    box = (left, top, left + edge, top + edge)
    how = Image.Resampling.NEAREST if 2 * edge <= side else Image.Resampling.LANCZOS
    image = Image.fromarray(pixels).resize((side, side), how, box=box, reducing_gap=2.0)
    return np.asarray(image)


def middle_square(height: int, width: int) -> tuple[int, int, int]:
    """Where the middle square lies: top, left and edge in pixels."""
    edge = min(height, width)
    return (height - edge) // 2, (width - edge) // 2, edge


def small_map(values: NDArray[np.floating], geometry: Geometry, cells: int) -> tuple[NDArray[np.uint8], float]:
    """A map on the square that the thumbnail shows.

    Parameters
    ----------
    values
        (h, w) ≥ 0 on a layer's grid.
    geometry
        Where the network's input lies on the picture.

    Returns
    -------
    codes
        uint8 (cells, cells): 255 at the largest value, 0 also where the network saw nothing.
    largest
        That value; 0 for a map of nothing, or of no numbers.
    """
    height, width = geometry.picture
    shorter = min(height, width)
    size = (max(cells, round(height * cells / shorter)), max(cells, round(width * cells / shorter)))
    coarse, _ = replace(geometry, picture=size).to_picture(np.nan_to_num(values, posinf=0.0))
    top, left, _ = middle_square(*size)
    square = np.maximum(coarse[top : top + cells, left : left + cells], 0)
    largest = float(square.max())
    codes = np.rint(square * (255 / largest)) if largest > 0 else np.zeros_like(square)
    return codes.astype(np.uint8), largest
