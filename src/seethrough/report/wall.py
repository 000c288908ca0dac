"""The page of a wall: one sheet of thousands of images that is dragged, zoomed, filtered and asked; and its other files.

Everything travels in the order in which images hang, so that a place on the wall is a number and nothing more.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.gallery.confusion import Confusion, most_confused
from seethrough.gallery.wall import Wall
from seethrough.report.files import Writer, png, svg
from seethrough.report.frame import framed
from seethrough.report.payload import data_url, tables_payload
from seethrough.report.records import json_bytes
from seethrough.report.sprites import sprites
from seethrough.show.colour import FADE
from seethrough.show.language import Both, both, count, plain, share
from seethrough.show.wall_figure import overview
from seethrough.show.wall_words import WALL, facts, said, title
from seethrough.show.words import NOTES, WATERMARK, note_words

SCRIPT, STYLES = "wall.js", ("page.css", "wall.css")

BUDGET, BUDGET_EACH = 11_500_000, 2_300
"""Bytes of a page: so many at most, or so many for each image where there are more than five thousand."""

STILL = 1920
"""Pixels across the small picture of the whole wall."""

STILL_QUALITY = 66
CONFUSED = 12
"""Classes of the confusion matrix."""

LISTED = 20
"""Classes and unread images in tables."""

PROBABILITY = 10_000
"""A probability travels as a whole number of these parts."""


def wall_page(wall: Wall, language: str = "en") -> str:
    """A wall as a page that stands alone.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    order = np.lexsort((wall.cells[:, 1], wall.cells[:, 0]))
    still = overview(wall, STILL)
    still_url = data_url(Image.fromarray(still), "JPEG", quality=STILL_QUALITY)
    data = _packed(_columns(wall, order))
    table = wall.confusion
    budget = max(BUDGET, BUDGET_EACH * len(wall)) - len(still_url) - len(data) - 200_000
    payload = {
        "grid": wall.grid,
        "count": len(wall),
        "sprites": sprites(wall.thumbnails[order], budget).to_payload(),
        "still": still.shape[1] // wall.grid[1],
        "data": data,
        "maps": _maps(wall, order),
        "words": {key: {"en": text.en, "zh": text.zh} for key, text in WALL.items()},
        "tables": tables_payload(),
        "fade": FADE,
    }
    return framed(
        "wall.html",
        title=title(wall),
        eyebrow=WALL["eyebrow"],
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload=payload,
        facts=[(both(name), both(value), both(more)) for name, value, more in facts(wall)],
        notes=[(note.level, note_words(note)) for note in wall.notes if note.name != "random_weights"],
        random=any(note.name == "random_weights" for note in wall.notes),
        watermark=WATERMARK,
        random_line=NOTES["random_weights"],
        still={"url": still_url, "width": still.shape[1], "height": still.shape[0]},
        said=said(wall),
        confusion=None if table is None else _matrix(wall, table),
        classes=list(_classes(wall)),
        knows={"truth": any(wall.truth), "right": bool((wall.right >= 0).any()), "answers": wall.top is not None},
        has_maps=wall.maps is not None,
        passed=[(plain(p.name), plain(p.reason, longest=300)) for p in wall.passed],
        wall=WALL,
    )


def _columns(wall: Wall, order: NDArray[np.int64]) -> dict[str, Any]:
    """What the page knows of each image, in the order in which they hang; indices into that order too."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    truth = [None if wall.truth[i] is None else plain(_truth_name(wall, int(i))) for i in order]
    truths = list(dict.fromkeys(name for name in truth if name is not None))
    columns: dict[str, Any] = {
        "names": [plain(wall.names[i]) for i in order],
        "nearest": place[wall.nearest[order][:, :6]].tolist(),
        "right": wall.right[order].tolist(),
        "truths": truths,
        "truth": [-1 if name is None else truths.index(name) for name in truth],
        "numbers": {plain(name): _rounded(values[order]) for name, values in wall.numbers.items()},
    }
    if wall.top is not None and wall.chances is not None:
        used = np.unique(wall.top)
        columns["labels"] = [plain(wall.labels[i]) for i in used]
        columns["outputs"] = used.tolist()
        columns["top"] = np.searchsorted(used, wall.top[order]).tolist()
        columns["chance"] = [
            [None if np.isnan(p) else round(float(p) * PROBABILITY) for p in row] for row in wall.chances[order]
        ]
    return columns


def _truth_name(wall: Wall, image: int) -> str:
    """An image's class by the network's own name, where it is one of its classes."""
    index = int(wall.truth_index[image])
    return wall.labels[index] if 0 <= index < len(wall.labels) else str(wall.truth[image])


def _rounded(values: NDArray[np.float32]) -> list[float | None]:
    return [None if np.isnan(v) else float(f"{v:.6g}") for v in values]


def _packed(record: Mapping[str, Any]) -> str:
    """JSON as base64 of zlib."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 8)).decode("ascii")


def _maps(wall: Wall, order: NDArray[np.int64]) -> dict[str, Any] | None:
    if wall.maps is None:
        return None
    codes = wall.maps.codes[order]
    return {
        "cells": codes.shape[1],
        "largest": _rounded(wall.maps.largest[order]),
        "data": base64.b64encode(zlib.compress(codes.tobytes(), 8)).decode("ascii"),
    }


def _matrix(wall: Wall, table: Confusion) -> dict[str, Any]:
    """The most confused part of the table, as the template prints it."""
    part = most_confused(table, CONFUSED)
    largest = max(1, int(np.where(part.own[:, None] == part.predicted[None], 0, part.counts).max(initial=0)))
    names = [plain(wall.labels[i]) for i in part.predicted]
    rows = [
        {
            "name": plain(label),
            "cells": [_cell(plain(label), names[c], int(n), int(n) / largest, part.own[r] == part.predicted[c])
                      for c, n in enumerate(part.counts[r])],
        }
        for r, label in enumerate(part.truth)
    ]  # fmt: skip
    whole = WALL["confusion_part"].fill(rows=len(part.truth), all=len(table.truth))
    return {"columns": names, "rows": rows, "part": whole if len(part.truth) < len(table.truth) else Both("", "")}


def _cell(true: str, predicted: str, number: int, weight: float, right: bool) -> dict[str, Any]:
    return {
        "count": number,
        "true": true,
        "predicted": predicted,
        "right": bool(right),
        "depth": min(5, int(np.ceil(5 * weight))) if number and not right else 0,
        "says": WALL["cell"].fill(count=number, true=true, predicted=predicted),
    }


def _classes(wall: Wall) -> Iterator[tuple[str, str, Both | None, Both | None]]:
    """The classes predicted most: name, images, share of them right, mean confidence."""
    if wall.top is None or wall.chances is None:
        return
    first, right = wall.top[:, 0], wall.right
    found, times = np.unique(first, return_counts=True)
    for k in np.argsort(-times, kind="stable")[:LISTED]:
        mine = first == found[k]
        known, chances = right[mine & (right >= 0)], wall.chances[mine, 0]
        yield (
            plain(wall.labels[found[k]]),
            count(int(times[k])),
            share(float(known.mean())) if len(known) else None,
            share(float(chances.mean())) if np.isfinite(chances).all() else None,
        )


def as_npz(wall: Wall) -> bytes:
    """All arrays but the thumbnails, compressed; ``numpy.load`` opens it with its defaults.

    ``embeddings``, ``points``, ``cells``, ``nearest``, ``names``, ``truth`` (empty where nobody said), ``truth_index``;
    ``top``, ``chances`` and ``labels`` where the network answers; ``numbers.NAME``; ``maps`` and ``maps.largest``.
    """
    arrays: dict[str, NDArray[Any]] = {
        "embeddings": wall.embeddings,
        "points": wall.points,
        "cells": wall.cells,
        "nearest": wall.nearest,
        "names": _texts(wall.names),
        "truth": _texts([t or "" for t in wall.truth]),
        "truth_index": wall.truth_index,
        **{f"numbers.{name}": values for name, values in wall.numbers.items()},
    }
    if wall.top is not None and wall.chances is not None:
        arrays |= {"top": wall.top, "chances": wall.chances, "labels": _texts(wall.labels)}
    if wall.maps is not None:
        arrays |= {"maps": wall.maps.codes, "maps.largest": wall.maps.largest}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _texts(texts: Sequence[str]) -> NDArray[np.str_]:
    return np.array([t.encode("utf-8", "replace").decode("utf-8") for t in texts], np.str_)


WRITERS: Mapping[str, Writer] = {
    ".html": lambda wall, language: wall_page(wall, language).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda wall, language: as_npz(wall),
    ".json": lambda wall, language: json_bytes(wall.to_dict()),
}
"""How a `Wall` is written."""
