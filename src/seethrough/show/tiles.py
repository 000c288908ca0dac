"""Tiles: many small pictures of one size as one sheet, and numbers as tiles in the colours of maps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from seethrough.show.colour import STEPS, table

PAPER = 255
"""Grey of what lies between tiles."""


def coloured(values: NDArray[np.floating], limit: NDArray[np.floating] | float, *, signed: bool) -> NDArray[np.uint8]:
    """Numbers in the colours of maps.

    Parameters
    ----------
    values
        (…,) in any unit; what is not a number is grey.
    limit
        |value| at which the colours end, > 0: one for all, or an array that broadcasts against ``values``; where it is 0 all
        is neutral.
    signed
        Whether negative numbers have colours of their own.

    Returns
    -------
    uint8 (…, 3)
    """
    limit = np.asarray(limit, np.float64)
    at = np.divide(values, limit, out=np.zeros(np.broadcast_shapes(values.shape, limit.shape)), where=limit > 0)
    rows = np.rint(np.clip(np.nan_to_num(at), -1.0 if signed else 0.0, 1.0) * STEPS).astype(int)
    colours = table(signed)[rows + (STEPS if signed else 0)]
    colours[~np.isfinite(np.broadcast_to(values, colours.shape[:-1]))] = 128
    return colours


def sheet(tiles: NDArray[np.uint8], columns: int | None = None, *, gap: int = 2, enlarge: int = 1) -> NDArray[np.uint8]:
    """Tiles in rows.

    Parameters
    ----------
    tiles
        uint8 (N, H, W, 3).
    columns
        Tiles in a row; by default about as many as there are rows.
    gap
        Pixels between them, as drawn.
    enlarge
        Pixels a side that each pixel is drawn as.

    Returns
    -------
    uint8 (height, width, 3)
    """
    count, height, width = tiles.shape[:3]
    columns = columns or math.ceil(math.sqrt(count * height / width)) or 1
    rows = math.ceil(count / columns)
    high, wide = height * enlarge + gap, width * enlarge + gap
    out = np.full((rows * high - gap, columns * wide - gap, 3), PAPER, np.uint8)
    for k, tile in enumerate(tiles.repeat(enlarge, 1).repeat(enlarge, 2)):
        row, column = divmod(k, columns)
        out[row * high : row * high + high - gap, column * wide : column * wide + wide - gap] = tile
    return out


def fitting(height: int, width: int, wanted: int) -> int:
    """The whole number of times that a tile is enlarged to be about ``wanted`` pixels a side; at least 1."""
    return max(1, round(wanted / max(height, width)))
