"""Tiles in a page: small maps as values that the browser colours, sorts and reads, with stills beneath for when scripts
are off.

A tile travels as one byte a cell with its own largest |value| beside it, coded as in `seethrough.report.payload`. A map
with more places than a tile has cells is averaged over whole blocks of places, so that a cell stands for places that can
be named, and what they see together can be drawn.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry
from seethrough.report.blocks import Frame, Tiles, TileSet
from seethrough.report.payload import (
    SIGNED_STEPS,
    SIGNED_ZERO,
    UNSEEN,
    UNSIGNED_STEPS,
    UNSIGNED_ZERO,
    Detail,
    pack,
    picture_url,
)
from seethrough.show.colour import STEPS, scale_of, table
from seethrough.show.language import Both, both, measured, plain
from seethrough.show.tiles import coloured, fitting, sheet
from seethrough.show.tiles_words import TILES

STILLS = 24
"""Tiles of a set that are drawn as a still."""

COLUMNS = 12
"""Tiles in a row of a still."""

STILL_SIDE = 48
"""Pixels a side of a tile in a still, about."""


@dataclass(frozen=True, slots=True)
class SetView:
    """One set as the template prints it; ``low`` and ``high`` are where its colours end under the layer's scale."""

    name: Both
    caption: Both
    still: str
    shows: Both
    signed: bool
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class TilesView:
    """A block of tiles as the template prints it: its sets, and the picture of the first frame that has one."""

    id: str
    sets: tuple[SetView, ...]
    pictures: tuple[tuple[int, str, Both], ...]
    """(frame, URL, name) of each frame with a picture."""
    stamp: Both


def tiles_view(block: Tiles, name: str, detail: Detail) -> TilesView:
    """What stands in the page without scripts."""
    limits = [limit_of(tiles) for tiles in block.sets]
    shared = max(limits, default=0.0)
    ends = [shared if block.scale == "network" else limit for limit in limits]
    pictures = tuple(
        (i, picture_url(frame.picture.pixels, detail.picture, detail.quality), both(frame.name))
        for i, frame in enumerate(block.frames)
        if frame.picture is not None
    )
    sets = tuple(_set_view(tiles, end, block.scale) for tiles, end in zip(block.sets, ends))
    return TilesView(name, sets, pictures, both(block.stamp))


def tiles_payload(block: Tiles, view: TilesView, detail: Detail) -> dict[str, Any]:
    """What the script draws from, ready for JSON."""
    return {
        "id": view.id,
        "scale": block.scale,
        "frames": [_frame(frame) for frame in block.frames],
        "sets": [_set_payload(tiles, detail.tile) for tiles in block.sets],
    }


def is_signed(tiles: TileSet) -> bool:
    """Whether any of its numbers is negative, so that colours for those are needed."""
    return bool((tiles.maps < 0).any())


def limit_of(tiles: TileSet) -> float:
    """|value| at which the colours of the whole set end; 0 where it is flat."""
    finite = tiles.maps[np.isfinite(tiles.maps)]
    return scale_of(finite, signed=True).limit if finite.size and finite.any() else 0.0


def blocks_of(maps: NDArray[np.floating], side: int) -> tuple[NDArray[np.floating], int]:
    """Maps (…, h, w) averaged over blocks of k × k places (smaller at the far edges) so that none is longer than ``side``;
    and k.
    """
    height, width = maps.shape[-2:]
    step = math.ceil(max(height, width, 1) / side)
    if step == 1:
        return maps, 1
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    sums = np.add.reduceat(np.add.reduceat(maps, rows, axis=-2, dtype=np.float64), columns, axis=-1)
    sizes = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    return sums / sizes, step


def encode_tiles(maps: NDArray[np.floating], signed: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Bytes of maps (F, K, h, w), and the largest |value| of each tile, (F, K)."""
    finite = np.isfinite(maps)
    values = np.where(finite, maps, 0).astype(np.float64)
    largest = np.abs(values).max((2, 3)).astype(np.float32)
    end = largest.astype(np.float64)[:, :, None, None]
    root = np.sqrt(np.divide(np.abs(values), end, out=np.zeros_like(values), where=end > 0).clip(0, 1))
    zero, steps = (SIGNED_ZERO, SIGNED_STEPS) if signed else (UNSIGNED_ZERO, UNSIGNED_STEPS)
    codes = np.rint(np.sign(values) * root * steps) + zero
    return np.where(finite, codes, UNSEEN).astype(np.uint8), largest


# --- pieces -----------------------------------------------------------------------------------------------------------


def _set_payload(tiles: TileSet, side: int) -> dict[str, Any]:
    signed = is_signed(tiles)
    maps, step = blocks_of(tiles.maps, side)
    codes, largest = encode_tiles(maps, signed)
    return {
        "name": _json(both(tiles.name)),
        "signed": signed,
        "rows": maps.shape[2],
        "columns": maps.shape[3],
        "places": list(tiles.maps.shape[2:]),
        "step": step,
        "numbers": tiles.numbers.tolist(),
        "sorts": [{"name": _json(both(name)), "order": _order(numbers)} for name, numbers in tiles.sorts.items()],
        "remarks": [_json(both(remark)) for remark in tiles.remarks],
        "field": _field(tiles.field),
        "limit": limit_of(tiles),
        "largest": base64.b64encode(largest.astype("<f4").tobytes()).decode("ascii"),
        **pack(codes.reshape(-1, codes.shape[-1])),
    }


def _order(numbers: NDArray[np.floating]) -> list[int]:
    """Tiles from the largest number to the smallest, ties as they stand; what is no number comes last."""
    return np.argsort(-np.nan_to_num(np.asarray(numbers, np.float64), nan=-np.inf), kind="stable").tolist()


def _field(field: ReceptiveField | None) -> dict[str, Any] | None:
    if field is None or len(field.size) != 2:
        return None
    return {"size": list(field.size), "stride": list(field.stride), "start": list(field.start)}


def _frame(frame: Frame) -> dict[str, Any]:
    geometry = frame.geometry
    return {
        "name": _json(both(frame.name)),
        "fit": None if frame.picture is None or geometry is None else _fit(geometry),
    }


def _fit(geometry: Geometry) -> dict[str, Any]:
    """What brings pixels of the network's input to the picture's, down and across."""
    return {
        "picture": list(geometry.picture),
        "input": list(geometry.size),
        "ratio": [p / r for p, r in zip(geometry.picture, geometry.resized)],
        "offset": [geometry.top, geometry.left],
    }


def _set_view(tiles: TileSet, limit: float, scale: str) -> SetView:
    signed = is_signed(tiles)
    number = measured(limit)
    own = TILES["tiles_own_ends"] if scale == "unit" else None
    name = both(tiles.name)
    count = len(tiles.numbers)
    return SetView(
        name=name,
        caption=both(tiles.caption),
        still=_still(tiles, 0.0 if scale == "unit" else limit, signed),
        shows=TILES["tiles_still"].fill(shown=min(STILLS, count), count=count, name=name),
        signed=signed,
        low="" if own else f"−{number}" if signed else "0",
        high=number if own is None else "",
    )


def _still(tiles: TileSet, limit: float, signed: bool) -> str:
    """The first tiles by the first order; each by its own largest value where ``limit`` is 0."""
    order = next((_order(numbers) for numbers in tiles.sorts.values()), list(range(len(tiles.numbers))))[:STILLS]
    maps, _ = blocks_of(tiles.maps[0, order], STILL_SIDE)
    if not maps.size:
        return ""
    ends = limit or np.nan_to_num(np.abs(maps)).max(axis=(1, 2), keepdims=True)
    if maps.shape[1:] == (1, 1):
        pixels = bars(maps[:, 0, 0], limit or float(np.max(ends)), signed)
    else:
        times = fitting(maps.shape[1], maps.shape[2], STILL_SIDE)
        pixels = sheet(coloured(maps, ends, signed=signed), COLUMNS, enlarge=times)
    return picture_url(pixels, max(pixels.shape), 80)


def bars(values: NDArray[np.floating], limit: float, signed: bool) -> NDArray[np.uint8]:
    """Single numbers as bars from the zero line, uint8 (48 or 96, 14 a bar, 3)."""
    up = 2 * STILL_SIDE if signed else STILL_SIDE
    out = np.full((up, 14 * len(values), 3), 255, np.uint8)
    for k, value in enumerate(values):
        share = float(np.clip(np.nan_to_num(value) / limit if limit else 0.0, -1, 1))
        long = round(abs(share) * STILL_SIDE)
        top = STILL_SIDE - long if share >= 0 else STILL_SIDE
        row = round(share * STEPS) + (STEPS if signed else 0)
        out[top : top + long, 14 * k : 14 * k + 11] = table(signed)[row]
    return out


def _json(text: Both) -> dict[str, str]:
    return {"en": plain(text.en, 400), "zh": plain(text.zh, 400)}
