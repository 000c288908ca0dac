"""The crops of a page of units: as fine, and as many, as the page may weigh."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.features.unit_best import Best
from seethrough.features.unit_crops import Sight, crops, shows_field
from seethrough.features.units import LayerUnits, Units
from seethrough.show.unit_tiles import tile
from seethrough.show.units_words import best_items

BUDGET = 15_000_000
"""Bytes that the crops of a page may take, as they are carried (base64)."""

QUALITY = 74
"""Of WebP."""

SAMPLE = 36
"""Crops by which their size is foreseen."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How fine a page is: pixels a side of a crop, and how many of the best and most relevant are carried of each
    unit.
    """

    side: int
    best: int
    relevant: int


DETAILS = (
    Detail(128, 9, 9), Detail(112, 9, 9), Detail(96, 9, 9), Detail(80, 9, 9), Detail(72, 9, 9), Detail(64, 9, 6),
    Detail(56, 9, 3), Detail(48, 9, 0), Detail(48, 6, 0), Detail(40, 4, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pictured:
    """A crop of a unit: where it stands among its best (or most relevant) images, and what it shows."""

    rank: int
    sight: Sight


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """What a page carries of each unit.

    ``best`` and ``relevant`` are by (layer's path, row); ``webp`` has the bytes of every sight.
    """

    detail: Detail
    best: Mapping[tuple[str, int], Sequence[Pictured]]
    relevant: Mapping[tuple[str, int], Sequence[Pictured]]
    webp: Mapping[Sight, bytes]


def carried(units: Units, *, budget: int = BUDGET) -> Carried:
    """The crops in the finest detail that fits the budget; in the coarsest where none does."""
    detail = _detail(units, budget)
    sights = _sights(units, detail)
    pictures = {sight: as_webp(drawn) for sight, drawn in _drawn(units, sights, detail.side)}
    rows = [(layer, row) for layer in units.values() for row in range(len(layer))]
    return Carried(
        detail,
        {(layer.path, row): _best(layer, row, detail) for layer, row in rows},
        {(layer.path, row): _relevant(layer, row, detail) for layer, row in rows},
        pictures,
    )


def _detail(units: Units, budget: int) -> Detail:
    """The finest that fits, as far as a sample tells."""
    every = _sights(units, DETAILS[0])
    sample = [drawn for _, drawn in _drawn(units, every[:: max(1, len(every) // SAMPLE)], DETAILS[0].side)]
    for detail in DETAILS:
        each = sum(len(as_webp(_shrunk(drawn, detail.side))) for drawn in sample) / max(len(sample), 1)
        if len(_sights(units, detail)) * each * 4 / 3 <= budget:
            return detail
    return DETAILS[-1]


def as_webp(pixels: NDArray[np.uint8]) -> bytes:
    """A tile as WebP."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=QUALITY, method=3)
    return out.getvalue()


def shared(layer: LayerUnits, row: int, detail: Detail) -> int:
    """How many of a unit's most relevant images are shown among its best."""
    if layer.relevant is None:
        return 0
    best = {int(layer.best.items[row, k]) for k in best_items(layer, row)[: detail.best]}
    return sum(int(item) in best for item in layer.relevant.items[row][: detail.relevant])


def _sights(units: Units, detail: Detail) -> list[Sight]:
    found = [
        shown.sight
        for layer in units.values()
        for row in range(len(layer))
        for shown in (*_best(layer, row, detail), *_relevant(layer, row, detail))
    ]
    return list(dict.fromkeys(found))


def _best(layer: LayerUnits, row: int, detail: Detail) -> list[Pictured]:
    return [Pictured(k, _sight(layer, row, layer.best, k)) for k in best_items(layer, row)[: detail.best]]


def _relevant(layer: LayerUnits, row: int, detail: Detail) -> list[Pictured]:
    """The most relevant images that aren't shown among the best already."""
    relevant = layer.relevant
    if relevant is None:
        return []
    best = {shown.sight.item for shown in _best(layer, row, detail)}
    ranks = [k for k in range(min(detail.relevant, relevant.items.shape[1])) if relevant.values[row, k] > 0]
    return [Pictured(k, _sight(layer, row, relevant, k)) for k in ranks if int(relevant.items[row, k]) not in best]


def _sight(layer: LayerUnits, row: int, best: Best, k: int) -> Sight:
    # Where a whole picture is shown, its place says nothing, and the same picture is the same sight.
    place = int(best.places[row, k]) if shows_field(layer.layer) else 0
    return Sight(layer.layer, int(layer.channels[row]), int(best.items[row, k]), place)


def _drawn(units: Units, sights: Sequence[Sight], side: int) -> Iterator[tuple[Sight, NDArray[np.uint8]]]:
    for number, crop in crops(units.net, units.collection, sights):
        yield sights[number], tile(crop, side)


def _shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))
