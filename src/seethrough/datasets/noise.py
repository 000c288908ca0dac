"""Fractal noise: what makes drawn snow, sand, sky and fur look like themselves.

A tile is made once by shaping white noise in the frequency domain, so it repeats without a seam; a picture reads it at
coordinates of its own, which costs one lookup a pixel.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Plane = NDArray[np.floating]
"""Numbers on a plane, (H, W); float32 wherever it is as large as a picture."""

TILE = 512
"""Side of every tile, in texels; a power of two, so that wrapping is a bit mask."""


@lru_cache(maxsize=16)
def fractal_tile(slope: float, seed: int = 0, floor: float = 1.0) -> Plane:
    """Seamless noise with amplitude spectrum ``max(f, floor)^−slope``: mean 0, standard deviation 1.

    Parameters
    ----------
    slope
        0 is white noise, 1 looks like clouds, 2 like hills.
    seed
        Which noise.
    floor
        Waves a tile below which the spectrum is flat, so that no single wave rules the tile.

    Returns
    -------
    float32 (TILE, TILE), read-only since it is shared.
    """
    white = np.random.default_rng([seed, 77]).standard_normal((TILE, TILE))
    across = np.fft.rfftfreq(TILE) * TILE
    down = np.fft.fftfreq(TILE)[:, None] * TILE
    amplitude = np.maximum(np.hypot(across, down), floor) ** -slope
    amplitude[0, 0] = 0
    tile = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(TILE, TILE))
    tile = (tile / tile.std()).astype(np.float32)
    tile.flags.writeable = False
    return tile


@lru_cache(maxsize=16)
def slope_tile(slope: float, seed: int = 0, floor: float = 1.0) -> Plane:
    """The slope of `fractal_tile` from left to right, scaled to standard deviation 1: a hilly ground lit from the side."""
    tile = fractal_tile(slope, seed, floor)
    steep = np.roll(tile, -1, axis=1) - np.roll(tile, 1, axis=1)
    steep /= steep.std()
    steep.flags.writeable = False
    return steep


def read(tile: Plane, x: ArrayLike, y: ArrayLike) -> Plane:
    """The tile's value at the nearest texel of each ``(x, y)``, in texels, wrapped around."""
    columns = np.asarray(x).astype(np.int32) & (TILE - 1)
    rows = np.asarray(y).astype(np.int32) & (TILE - 1)
    return tile.ravel().take(rows * TILE + columns)


def profile(tile: Plane, row: int, x: Plane) -> Plane:
    """One row of the tile as a smooth curve over ``x`` in texels (linear between texels): a skyline, a crest."""
    left = np.floor(x)
    part = (x - left).astype(np.float32)
    line = tile[row & (TILE - 1)]
    first = left.astype(np.int32) & (TILE - 1)
    return line[first] * (1 - part) + line[(first + 1) & (TILE - 1)] * part


def smoothstep(low: float, high: float, value: Plane) -> Plane:
    """0 at and below ``low``, 1 at and above ``high``, an S between (``low`` may lie above ``high``)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
