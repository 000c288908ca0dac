"""The page of filters: every kernel as a tile, sorted and looked at closely, with what is to be noticed in each layer."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.anatomy.filters import Filters, LayerFilters
from seethrough.report.files import Writer, png, svg
from seethrough.report.frame import framed
from seethrough.report.records import json_bytes
from seethrough.show.filter_finding_words import name_of, otherwise, sentence
from seethrough.show.filters_figure import told_of_composed
from seethrough.show.filters_tiles import Drawn, Tile, draw_tiles
from seethrough.show.filters_words import EYEBROW, MEASURES, PAGE, READING, form, numbers_of, reads_of, said, title
from seethrough.show.language import Both, both, measured, plain
from seethrough.show.words import WATERMARK, note_words

SCRIPT, STYLES = "filters.js", ("page.css", "filters.css")
MOST_CARDS = 2048
"""Tiles on a page; layers beyond have their findings and numbers."""

SIDE, STRIP_HEIGHT, STRIP_WIDTH = 64, 40, 250
"""Pixels of a tile: of a square's longer side; of a strip at most."""


def filters_page(filters: Filters, language: str = "en") -> str:
    """The filters of some layers as a page that stands alone; it reads without its script.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    layers, cards = [], 0
    for layer in filters.values():
        fits = cards + len(layer.channels) <= MOST_CARDS
        cards += len(layer.channels) if fits else 0
        layers.append(_view(layer, drawn=fits))
    return framed(
        "filters.html",
        title=title(filters),
        eyebrow=EYEBROW,
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload={},
        lead=said(filters),
        notes=[(note.level, note_words(note)) for note in filters.notes],
        layers=layers,
        page=PAGE,
        reading=READING,
        watermark=WATERMARK if any(note.name == "random_weights" for note in filters.notes) else None,
        provenance=[(key, _shown(value)) for key, value in filters.provenance.items()],
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A filter as the page shows it: its number, its pictures, the input channels of their parts, what is noticed in it."""

    k: int
    url: str
    own: str
    composed: str
    parts: tuple[int, ...]
    marks: tuple[Both, ...]


def _view(layer: LayerFilters, *, drawn: bool) -> dict[str, Any]:
    """What the template prints of a layer."""
    columns, rows = _table(layer)
    view: dict[str, Any] = {
        "path": plain(layer.path),
        "form": form(layer),
        "findings": [
            {"level": f.level, "name": name_of(f.name), "says": sentence(f), "other": otherwise(f)}
            for f in layer.findings
        ],
        "columns": columns,
        "rows": rows,
        "sorts": [(key, name) for key, name in columns if key not in ("reads",)],
        "cards": [],
        "left_out": None if drawn else PAGE["left_out"].fill(most=MOST_CARDS),
    }
    return view | _pictures(layer) if drawn else view


def _pictures(layer: LayerFilters) -> dict[str, Any]:
    """A layer's tiles, and how they are read."""
    tiles = draw_tiles(layer)
    cards = [_card(layer, int(k), tile) for k, tile in zip(layer.channels, tiles.tiles)]
    wide, high, strips = _sizes(tiles)
    return {
        "cards": cards,
        "reading": [*tiles.reading, *told_of_composed(layer)],
        "limit": "" if tiles.scale is None else measured(tiles.scale.limit),
        "in_colour": tiles.in_colour,
        "marked": any(card.marks for card in cards),
        "wide": wide,
        "high": high,
        "strips": strips,
    }


def _sizes(drawn: Drawn) -> tuple[int, int, bool]:
    """Width and height of the tiles in pixels of the page, and whether they are strips."""
    tile = drawn.tiles[0]
    height, width = tile.pixels.shape[:2]
    if tile.parts or tile.composed is not None or width > 3 * height:
        times = min(STRIP_HEIGHT / height, STRIP_WIDTH / width)
        return round(width * times), max(4, round(height * times)), True
    times = SIDE / max(height, width / 1.5)
    return round(width * times), round(height * times), False


def _card(layer: LayerFilters, k: int, tile: Tile) -> Card:
    marks = tuple(name_of(f.name) for f in layer.noticed(k) if f.level == "warning")
    return Card(
        k, _url(tile.pixels), _url(tile.own), "" if tile.composed is None else _url(tile.composed), tile.parts, marks
    )


def _url(pixels: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels if (pixels[..., 3] < 255).any() else np.ascontiguousarray(pixels[..., :3])).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


# --- the table --------------------------------------------------------------------------------------------------------


def _table(layer: LayerFilters) -> tuple[list[tuple[str, Both]], list[dict[str, Any]]]:
    """Headings with their keys, and a row for each filter: its measures as numbers and in words, and what it reads most."""
    each = [{key: (value, text) for key, value, text in numbers_of(layer, int(k))} for k in layer.channels]
    keys = [key for key in MEASURES if any(key in row for row in each)]
    columns = [("number", MEASURES["number"]), *((key, MEASURES[key]) for key in keys)]
    reading = layer.kernels.weights.shape[1] > 1 and not layer.kernels.source.picture
    if reading:
        columns.append(("reads", PAGE["reads"]))
    rows = [
        {"k": int(k), "cells": [*_cells(row, keys), *([("", reads_of(layer, int(k)))] if reading else [])]}
        for k, row in zip(layer.channels, each)
    ]
    return columns, rows


def _cells(row: Mapping[str, tuple[float, Both]], keys: list[str]) -> Iterator[tuple[str, Both]]:
    for key in keys:
        value, text = row.get(key, (float("nan"), both("")))
        yield f"{value:.6g}", text


def _shown(thing: object) -> str:
    return (
        json.dumps(thing, ensure_ascii=False, default=str) if isinstance(thing, Mapping | list | tuple) else str(thing)
    )


# --- arrays -----------------------------------------------------------------------------------------------------------


def filters_npz(filters: Filters) -> bytes:
    """All kernels and measures, compressed; nothing is pickled, so ``numpy.load`` opens it with its defaults.

    ``PATH.weights`` (K, C, *places), ``PATH.bias``, ``PATH.gain``, ``PATH.channels`` and ``PATH.MEASURE`` for each layer, whole
    whatever was asked to be shown; ``PATH.composed``; ``about``, the record of the ``.json`` as text.
    """
    arrays: dict[str, NDArray[Any]] = {"about": np.array(json_bytes(filters.to_dict()).decode("utf-8"))}
    for path, layer in filters.items():
        kernels = layer.kernels
        found = {"weights": kernels.weights, "bias": kernels.bias, "gain": kernels.gain, "channels": kernels.channels}
        found |= {name: getattr(layer.measures, name) for name in type(layer.measures).__slots__}
        found["composed"] = None if layer.composed is None else layer.composed.weights
        arrays |= {f"{path}.{name}": array for name, array in found.items() if array is not None}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


WRITERS: Mapping[str, Writer] = {
    ".html": lambda filters, language: filters_page(filters, language).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda filters, language: filters_npz(filters),
    ".json": lambda filters, language: json_bytes(filters.to_dict()),
}
"""How `Filters` are written."""
