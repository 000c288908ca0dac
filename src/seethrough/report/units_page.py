"""The page of units: all of them as cards, each with an address of its own (``units.html#LAYER/CHANNEL``) at which it is
told in full. It reads without scripts; with them it can be sorted and searched.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seethrough.features.units import LayerUnits, Units
from seethrough.report.files import Writer, png, svg
from seethrough.report.frame import framed
from seethrough.report.records import json_bytes, plain_data
from seethrough.report.unit_pictures import Carried, Pictured, as_webp, carried, shared
from seethrough.show.language import Both, count, measured, plain
from seethrough.show.units_words import (
    PAGE,
    crops_words,
    item_words,
    layer_words,
    number,
    reached_words,
    reading_words,
    short_class,
    unit_words,
)
from seethrough.show.words import note_words

SCRIPT, STYLES = "units.js", ("page.css", "units.css")
CLASSES = 3
"""Classes listed of a unit."""

LISTED = 20
"""Unreadable pictures that are named."""

WIDE, HIGH = 160, 40
"""Of a histogram, in its own units."""


def units_page(units: Units, language: str = "en") -> str:
    """What each unit looks for, as a page that stands alone.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    held = carried(units)
    return framed(
        "units.html",
        title=PAGE["title_one"].fill(layer=plain(next(iter(units)))) if len(units) == 1 else PAGE["title"],
        eyebrow=PAGE["eyebrow"],
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload={"words": {key: {"en": text.en, "zh": text.zh} for key, text in PAGE.items()}},
        notes=[(note.level, note_words(note)) for note in units.notes],
        layers=[_layer(units, layer, held) for layer in units.values()],
        reading=reading_words(units),
        smaller=_smaller(units, held),
        passed=[(plain(p.name), plain(p.reason, longest=300)) for p in units.passed[:LISTED]],
        provenance=[(str(k), _shown(v)) for k, v in units.provenance.items()],
        page=PAGE,
        wide=WIDE,
        high=HIGH,
    )


def address(layer: str, channel: int) -> str:
    """A unit's address on the page: the same in every run.

    >>> address("mixed_7", 12)
    'mixed_7/12'
    """
    return f"{layer}/{channel}"


def _layer(units: Units, layer: LayerUnits, held: Carried) -> dict[str, Any]:
    return {
        "path": plain(layer.path),
        "said": layer_words(units, layer),
        "crops": crops_words(layer.layer),
        "units": [_unit(units, layer, row, held) for row in range(len(layer))],
    }


def _unit(units: Units, layer: LayerUnits, row: int, held: Carried) -> dict[str, Any]:
    spread, preferences, key = layer.spread, layer.preferences, (layer.path, row)
    channel, also = int(layer.channels[row]), shared(layer, row, held.detail)
    maximized = units.maximized.get(layer.path)
    selectivity = float(preferences.selectivity[row])
    favourite = preferences.classes[preferences.favourite[row]] if preferences.classes else ""
    return {
        "id": address(layer.path, channel),
        "channel": channel,
        "said": unit_words(units, layer, row),
        "silent": bool(spread.silent[row]),
        "best": [_crop(units, held, each, layer.best.values[row, each.rank]) for each in held.best[key]],
        "relevant": [_crop(units, held, each, _relevance(layer, row, each)) for each in held.relevant[key]],
        "shared": PAGE["shared"].fill(count=also) if also else None,
        "maximized": None if maximized is None else _url(as_webp(maximized.pictures[row])),
        "reached": None if maximized is None else reached_words(maximized.strongest[row], spread.largest[row]),
        "classes": list(_classes(layer, row)),
        "histogram": _histogram(spread.counts[row]),
        "spread": PAGE["spread_said"].fill(
            low=float(spread.smallest[row]), high=float(spread.largest[row]), mean=float(spread.mean[row])
        ),
        # What it is sorted and searched by.
        "fires": f"{spread.fires[row]:.6f}",
        "strong": f"{spread.strong[row] if spread.fires[row] else -1:.6f}",
        "selectivity": f"{selectivity:.4f}" if np.isfinite(selectivity) else "-1",
        "largest": f"{float(spread.largest[row]):.6g}",
        "find": " ".join(dict.fromkeys([plain(favourite), *_labels(units, held.best[key])])),
    }


@dataclass(frozen=True, slots=True)
class _Crop:
    """A crop as the template takes it."""

    url: str
    label: str
    value: str
    words: Both


def _crop(units: Units, held: Carried, pictured: Pictured, value: float) -> _Crop:
    item = pictured.sight.item
    return _Crop(_url(held.webp[pictured.sight]), short_class(units, item), number(value), item_words(units, item))


def _relevance(layer: LayerUnits, row: int, pictured: Pictured) -> float:
    return float("nan") if layer.relevant is None else float(layer.relevant.values[row, pictured.rank])


def _labels(units: Units, best: Any) -> list[str]:
    return [short_class(units, pictured.sight.item) for pictured in best]


def _classes(layer: LayerUnits, row: int) -> Iterator[tuple[str, str, str]]:
    """The classes that a unit fires on most: name, mean of the largest activation, how many pictures."""
    preferences = layer.preferences
    if layer.spread.silent[row]:
        return
    for k in np.argsort(-preferences.means[:, row], kind="stable")[:CLASSES]:
        yield (
            plain(preferences.classes[k]),
            measured(float(preferences.means[k, row])),
            count(int(preferences.images[k])),
        )


def _histogram(counts: np.ndarray) -> str:
    """The outline of a histogram as an SVG path; heights as square roots, so that few pictures are seen beside many."""
    heights = np.sqrt(counts / max(counts.max(), 1)) * HIGH
    step = WIDE / len(heights)
    tops = "".join(f"V{HIGH - h:.1f}H{step * (i + 1):.1f}" for i, h in enumerate(heights))
    return f"M0 {HIGH}{tops}V{HIGH}Z"


def _smaller(units: Units, held: Carried) -> Both | None:
    most = max(layer.best.items.shape[1] for layer in units.values())
    if held.detail.side >= 96 and held.detail.best >= min(most, 9):
        return None
    return PAGE["smaller"].fill(side=held.detail.side, best=min(held.detail.best, most))


def _url(webp: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def _shown(thing: object) -> str:
    return str(plain_data(thing))


def units_npz(units: Units) -> bytes:
    """Every array: by layer and name, ``0.best.items``…; ``layers`` has the paths, ``names`` those of the images."""
    arrays: dict[str, np.ndarray] = {
        "layers": np.array(list(units)),
        "names": np.array([item.name for item in units.collection]),
        "answer": units.answers.indices,
        "chance": units.answers.chances,
    }
    for i, layer in enumerate(units.values()):
        arrays[f"{i}.channels"] = layer.channels
        for name, best in (("best", layer.best), ("relevant", layer.relevant)):
            if best is not None:
                arrays |= {f"{i}.{name}.{part}": getattr(best, part) for part in ("items", "values", "places")}
        spread = layer.spread
        arrays |= {f"{i}.{name}": getattr(spread, name) for name in ("fires", "mean", "deviation", "counts", "edges")}
        preferences = layer.preferences
        arrays[f"{i}.classes"] = np.array(preferences.classes)
        arrays |= {f"{i}.{name}": getattr(preferences, name) for name in ("means", "selectivity", "by_chance")}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


WRITERS: Mapping[str, Writer] = {
    ".html": lambda units, language: units_page(units, language).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda units, language: units_npz(units),
    ".json": lambda units, language: json_bytes(units.to_dict()),
}
"""How `Units` are written."""
