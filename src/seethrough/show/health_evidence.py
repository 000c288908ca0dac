"""Evidence as pictures: kernels, maps, what a stride makes of a map, spectra; uint8 (H, W, 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seethrough.condition.evidence import Evidence
from seethrough.condition.layer import StrideHealth
from seethrough.condition.strides import BINS
from seethrough.show import health_words as words
from seethrough.show.colour import STEPS, table
from seethrough.show.language import Both, plain
from seethrough.show.shrink import shrink_pixels
from seethrough.show.tiles import PAPER, coloured, fitting, sheet

TILE = 132
"""Pixels a side that a tile is drawn with, about."""

COLUMNS, GAP = 9, 6
"""Tiles in a row, and pixels between them."""

FRAME = (255, 255, 255)
DECADES = 4
"""Powers of ten from the brightest of a spectrum to black."""


def picture_of(evidence: Evidence) -> NDArray[np.uint8]:
    """What there is to see."""
    if evidence.kind == "kernels":
        return _sheet(_kernels(evidence.arrays["kernels"]))
    if evidence.kind == "maps":
        return _beside_picture(evidence, evidence.arrays["maps"])
    return _beside_picture(evidence, *(evidence.arrays[name][None] for name in ("dense", "kept", "smooth")))


def caption_of(evidence: Evidence) -> Both:
    """What it shows."""
    name = plain(evidence.picture.name) if evidence.picture is not None else ""
    if evidence.kind == "aliasing":
        return words.ALIASED.fill(unit=evidence.units[0], picture=name)
    text = words.KERNELS if evidence.kind == "kernels" else words.MAPS
    return text.fill(which=words.which(evidence.units), picture=name)


def spectrum_of(stride: StrideHealth) -> NDArray[np.uint8]:
    """The power before a stride by frequency, on a logarithmic scale, with a box round what the stride can keep."""
    power = stride.spectrum / max(stride.spectrum.max(), 1e-30)
    at = 1 + np.log10(np.maximum(power, 10.0**-DECADES)) / DECADES
    enlarge = 6
    picture = table(False)[np.rint(at * STEPS).astype(int)].repeat(enlarge, 0).repeat(enlarge, 1)
    down, across = (_box(step, enlarge) for step in stride.step)
    top, bottom, left, right = down[0], down[1], across[0], across[1]
    picture[[top, bottom], left : right + 1] = FRAME
    picture[top : bottom + 1, [left, right]] = FRAME
    return picture


def _box(step: int, enlarge: int) -> tuple[int, int]:
    """The first and last pixel of the frequencies that a stride can keep."""
    size = BINS * enlarge
    half = size / (2 * step)
    return max(0, round(size / 2 - half)), min(size - 1, round(size / 2 + half) - 1)


def _kernels(kernels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Kernels as tiles: those that read colours in their own, others signed."""
    limits = np.abs(kernels).reshape(len(kernels), -1).max(1)
    if kernels.ndim == 4:
        scaled = np.divide(
            kernels, limits[:, None, None, None], out=np.zeros_like(kernels), where=limits[:, None, None, None] > 0
        )
        return np.rint((0.5 + 0.5 * scaled) * 255).astype(np.uint8)
    return coloured(kernels, limits[:, None, None], signed=True)


def _beside_picture(evidence: Evidence, *stacks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture, and maps of each stack on one scale a map; all drawn at one size."""
    tiles = [] if evidence.picture is None else [_square(shrink_pixels(evidence.picture.pixels, TILE))]
    for maps in stacks:
        signed = bool((maps < 0).any())
        for each in maps:
            limit = float(np.percentile(np.abs(each), 99.5)) or float(np.abs(each).max())
            tiles.append(_square(coloured(each, limit, signed=signed)))
    return _widened(sheet(np.stack(tiles), min(len(tiles), COLUMNS), gap=GAP), COLUMNS * (TILE + GAP))


def _square(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture on a square of `TILE` pixels, each of its pixels a block."""
    rows = (np.arange(TILE) * picture.shape[0] / TILE).astype(int)
    columns = (np.arange(TILE) * picture.shape[1] / TILE).astype(int)
    return picture[rows][:, columns]


def _sheet(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    enlarge = fitting(tiles.shape[1], tiles.shape[2], TILE // 2)
    drawn = sheet(tiles, min(len(tiles), COLUMNS), gap=GAP, enlarge=enlarge)
    return _widened(drawn, COLUMNS * (TILE + GAP))


def _widened(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """With paper to its right, so that pictures of few tiles and of many are seen at one scale."""
    more = max(0, width - picture.shape[1])
    return np.pad(picture, ((0, 0), (0, more), (0, 0)), constant_values=PAPER)
