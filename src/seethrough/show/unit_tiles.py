"""Tiles: what a unit saw, as square pictures of one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.features.unit_crops import Crop

BEYOND = 178
"""Grey of what the unit could see beyond the picture."""

HALF = 0.5
"""Where the activation is at least this share of its largest on the picture, the picture stays bright."""

DIMMED = 0.52
"""Brightness of the rest."""


def tile(crop: Crop, side: int) -> NDArray[np.uint8]:
    """A crop as uint8 (side, side, 3): where it lies in what the unit could see; a whole picture in its own proportions,
    dimmed where the unit is silent, with a line around what it fires on.
    """
    out = np.full((side, side, 3), BEYOND, np.uint8)
    top, left, bottom, right = _box(crop, side)
    drawn = np.asarray(Image.fromarray(crop.pixels).resize((right - left, bottom - top), Image.Resampling.LANCZOS))
    if crop.activation is not None:
        drawn = outlined(drawn, crop.activation)
    out[top:bottom, left:right] = drawn
    return out


def outlined(pixels: NDArray[np.uint8], activation: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) under a unit's activation on a coarser grid."""
    largest = float(activation.max())
    if not np.isfinite(largest) or largest <= 0:
        return pixels
    height, width = pixels.shape[:2]
    smooth = np.asarray(
        Image.fromarray(activation / largest, mode="F").resize((width, height), Image.Resampling.BICUBIC)
    )
    inside = smooth >= HALF * smooth.max()
    line = _rim(inside)
    light = np.where(inside, 1.0, DIMMED)[..., None]
    drawn = np.rint(pixels * light).astype(np.uint8)
    drawn[line] = 255
    return drawn


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels outside that touch the inside."""
    grown = inside.copy()
    for axis in (0, 1):
        for step in (1, -1):
            moved = np.roll(inside, step, axis)
            edge = [slice(None)] * 2
            edge[axis] = slice(0, 1) if step == 1 else slice(-1, None)
            moved[tuple(edge)] = False
            grown |= moved
    return grown & ~inside


def _box(crop: Crop, side: int) -> tuple[int, int, int, int]:
    """Where the crop goes on the tile, in pixels."""
    height, width = crop.pixels.shape[:2]
    box = crop.box
    if box == (0.0, 0.0, 1.0, 1.0):  # in its own proportions, in the middle
        high, wide = height / max(height, width), width / max(height, width)
        box = ((1 - high) / 2, (1 - wide) / 2, (1 + high) / 2, (1 + wide) / 2)
    low = [min(round(edge * side), side - 1) for edge in box[:2]]
    top = [min(max(round(edge * side), start + 1), side) for edge, start in zip(box[2:], low)]
    return low[0], low[1], top[0], top[1]
