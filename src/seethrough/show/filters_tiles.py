"""Kernels as small pictures: in colour where they read red, green and blue, else in the colours of maps.

All kernels of a layer share one scale, so that a faint one looks faint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.filters import STRONGEST, LayerFilters
from seethrough.show.colour import Scale, scale_of
from seethrough.show.filters_words import CLIPPED, DEPTHS, IN_COLOUR, LINES, ROWS, SIGNED, SLICES
from seethrough.show.language import Both
from seethrough.show.tiles import coloured

WIDE = 32
"""Squares in a row, for weights that have no places."""

MID_GREY = 127.5


@dataclass(frozen=True, eq=False)
class Tile:
    """A filter as a picture.

    Attributes
    ----------
    pixels
        uint8 (h, w, 4): opaque where there are weights; on the layer's scale.
    own
        The same on a scale of its own, up to its largest weight: what a faint filter looks at.
    parts
        The input channels of the pictures that stand side by side in it; none where it is one.
    composed
        uint8 (h, w, 4): what it looks at in the picture, or None.
    """

    pixels: NDArray[np.uint8]
    own: NDArray[np.uint8]
    parts: tuple[int, ...] = ()
    composed: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn of a layer.

    Attributes
    ----------
    tiles
        One for each filter that was asked for, or for the first of them.
    scale
        Of the layer; None where all weights are 0.
    in_colour
        Whether the tiles are in colour, zero in mid-grey.
    reading
        How the tiles are read, in sentences.
    """

    tiles: tuple[Tile, ...]
    scale: Scale | None
    in_colour: bool
    reading: tuple[Both, ...]


def draw_tiles(layer: LayerFilters, most: int | None = None) -> Drawn:
    """The pictures of a layer's filters; of the first ``most`` of them."""
    scale = _scale(layer)
    limit = 1.0 if scale is None else scale.limit
    draw, reading = _way(layer)
    tiles = []
    for k in map(int, layer.channels[:most]):
        pixels, parts = draw(layer, k, limit)
        own, _ = draw(layer, k, _largest(layer.kernels.weights[k]))
        tiles.append(Tile(pixels, own, parts, _composed(layer, k)))
    in_colour = layer.kernels.in_colour
    return Drawn(tuple(tiles), scale, in_colour, tuple(_scale_told(scale, in_colour)) + reading)


def in_colour(kernel: NDArray[np.floating], limit: float) -> NDArray[np.uint8]:
    """(3, H, W), red, green and blue, as uint8 (H, W, 3): zero in mid-grey, full at ±limit."""
    at = np.clip(np.nan_to_num(kernel) / (limit or 1.0), -1, 1)
    return np.rint(MID_GREY * (1 + at)).astype(np.uint8).transpose(1, 2, 0)


def enlarged(pixels: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Every pixel as a square of ``times`` pixels a side."""
    return pixels.repeat(times, 0).repeat(times, 1)


# --- kinds of tile ----------------------------------------------------------------------------------------------------


def _way(layer: LayerFilters):
    """How the filters of a layer are drawn, and what must be said to read it."""
    kernels = layer.kernels
    slices, places = kernels.weights.shape[1], kernels.places
    shown = min(slices, STRONGEST)
    if kernels.in_colour:
        return _colours, ()
    if math.prod(places) == 1:
        return _squares, (ROWS,)
    if len(places) == 1:
        return _lines, (LINES.fill(shown=min(slices, 2 * STRONGEST)),)
    if len(places) == 3:
        return _depths, (DEPTHS,)
    return _slices, (SLICES.fill(shown=shown),) if slices > 1 else ()


def _colours(layer: LayerFilters, k: int, limit: float) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    order = list(layer.kernels.source.colours or (0, 1, 2))
    return _opaque(in_colour(layer.kernels.weights[k][order], limit)), ()


def _slices(layer: LayerFilters, k: int, limit: float) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    strongest = layer.strongest(k)
    parts = [_signed(layer.kernels.weights[k, c], limit) for c in strongest]
    channels = tuple(int(layer.kernels.channels[k, c]) for c in strongest)
    return _side_by_side(parts), channels if len(channels) > 1 else ()


def _depths(layer: LayerFilters, k: int, limit: float) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    (strongest,) = layer.strongest(k, 1)
    return _side_by_side([_signed(step, limit) for step in layer.kernels.weights[k, strongest]]), ()


def _lines(layer: LayerFilters, k: int, limit: float) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    return _signed(layer.kernels.weights[k, layer.strongest(k, 2 * STRONGEST)], limit), ()


def _squares(layer: LayerFilters, k: int, limit: float) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    flat = layer.kernels.weights[k].ravel()
    wide = min(WIDE, max(1, math.ceil(math.sqrt(2 * len(flat)))))
    rows = math.ceil(len(flat) / wide)
    pixels = np.zeros((rows * wide, 4), np.uint8)
    pixels[: len(flat)] = _signed(flat[None], limit)[0]
    return pixels.reshape(rows, wide, 4), ()


def _composed(layer: LayerFilters, k: int) -> NDArray[np.uint8] | None:
    """On a scale of its own: how strong the picture is that is left says `Composed.kept`."""
    if layer.composed is None:
        return None
    kernel, colours = layer.composed.weights[k], layer.composed.bottom.source.colours
    largest = _largest(kernel)
    if colours is not None:
        return _opaque(in_colour(kernel[list(colours)], largest))
    return _signed(kernel[0], largest) if len(kernel) == 1 else None


# --- pieces -----------------------------------------------------------------------------------------------------------


def _scale(layer: LayerFilters) -> Scale | None:
    """The scale of a layer by what is drawn of it: of deep filters the strongest slices, beside which the others are pale."""
    weights = layer.kernels.weights
    if not np.isfinite(weights).all() or not weights.any():
        return None
    if weights.shape[1] > STRONGEST and math.prod(layer.kernels.places) > 1:
        strongest = np.stack([layer.strongest(k) for k in range(len(weights))])
        weights = weights[np.arange(len(weights))[:, None], strongest]
    return scale_of(weights, signed=True)


def _largest(weights: NDArray[np.floating]) -> float:
    return float(np.abs(np.nan_to_num(weights, posinf=0, neginf=0)).max()) or 1.0


def _scale_told(scale: Scale | None, in_colour: bool):
    if scale is None:
        return
    yield (IN_COLOUR if in_colour else SIGNED).fill(limit=scale.limit)
    if scale.clipped:
        yield CLIPPED.fill(largest=max(abs(scale.smallest), abs(scale.largest)))


def _signed(values: NDArray[np.floating], limit: float) -> NDArray[np.uint8]:
    return _opaque(coloured(values, limit, signed=True))


def _opaque(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)


def _side_by_side(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures with a gap of one pixel in thirds: each is enlarged by 3, so that the gap is thinner than a weight."""
    gap = np.zeros((3 * parts[0].shape[0], 2, 4), np.uint8)
    pieces = [piece for part in parts for piece in (enlarged(part, 3), gap)][:-1]
    return np.concatenate(pieces, axis=1)
