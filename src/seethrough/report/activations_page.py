"""The page of activations: every layer's strongest channels as tiles, and what each unit sees on the picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from seethrough.errors import UsageError
from seethrough.features.activations import Activations, LayerActivations
from seethrough.report.blocks import Frame, Notes, Paragraph, Section, Table, Tiles, TileSet
from seethrough.report.files import Writer, png, svg
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show.activations_words import (
    CHANNELS,
    CLASS,
    EYEBROW,
    FEW_FRAMES,
    HOW_TO_READ,
    LARGEST,
    LAYER,
    MEAN,
    MEAN_FRAME,
    PLACES,
    SATURATED_COLUMN,
    SILENT_COLUMN,
    SPREAD_FRAME,
    ZERO,
    caption,
    dead_of,
    remarks,
    said,
    saturated_of,
    sorts,
    title,
    zeros_of,
)
from seethrough.show.language import Both, plain, share
from seethrough.show.reading import RANDOM_WEIGHTS
from seethrough.show.words import WATERMARK

BUDGET = 6_000_000
"""Bytes that the page keeps to."""

MOST_FRAMES = 12
"""Pictures of a batch that can be looked at one by one on a page."""


def activations_page(found: Activations, language: str = "en") -> Page:
    """What layers give for some pictures, as a page that stands alone."""
    grave = tuple(note for note in found.notes if note.level != "info")
    mild = tuple(note for note in found.notes if note.level == "info")
    opening = [Paragraph(said(found), lead=True), *([Notes(grave)] if grave else []), *([Notes(mild)] if mild else [])]
    if len(found.pictures) > MOST_FRAMES:
        opening.append(Paragraph(FEW_FRAMES.fill(shown=MOST_FRAMES, all=len(found.pictures))))
    random = any(note.name == RANDOM_WEIGHTS for note in found.notes)
    tiles = Tiles(
        sets=tuple(_set(found, layer) for layer in found.values()),
        frames=_frames(found),
        scale=found.scale,
        stamp=WATERMARK if random else "",
    )
    return Page(
        title=title(found),
        sections=(
            Section("", tuple(opening)),
            Section("", (tiles,)),
            Section("", (_table(found), Paragraph(HOW_TO_READ))),
        ),
        eyebrow=EYEBROW,
        language=language,
        provenance=found.provenance,
    )


def _frames(found: Activations) -> tuple[Frame, ...]:
    """Each picture, and of several their mean and spread first."""
    number = len(found.pictures)
    each = tuple(
        Frame(plain(picture.name), picture, geometry)
        for picture, geometry in zip(found.pictures[:MOST_FRAMES], found.geometries)
    )
    if number == 1:
        return each
    return (*each, Frame(MEAN_FRAME.fill(count=number)), Frame(SPREAD_FRAME.fill(count=number)))


def _set(found: Activations, layer: LayerActivations) -> TileSet:
    maps = layer.drawn
    if len(maps) > 1:
        maps = np.concatenate([maps[:MOST_FRAMES], maps.mean(0, keepdims=True), maps.std(0, keepdims=True)])
    return TileSet(
        name=plain(layer.path) or plain(layer.kind),
        maps=maps,
        numbers=layer.channels,
        sorts=sorts(found, layer),
        caption=caption(layer),
        remarks=remarks(layer),
        field=layer.field if len(layer.places) in (0, 2) else None,
    )


def _table(found: Activations) -> Table:
    rows = tuple(
        (
            plain(layer.path),
            plain(layer.kind),
            layer.count,
            " × ".join(map(str, layer.places)) or "·",
            float(layer.measures.mean.mean()),
            float(layer.measures.max.max()),
            share(zeros_of(layer)),
            dead_of(layer),
            Both("·", "·") if layer.measures.saturated is None else share(saturated_of(layer)),
        )
        for layer in found.values()
    )
    return Table((LAYER, CLASS, CHANNELS, PLACES, MEAN, LARGEST, ZERO, SILENT_COLUMN, SATURATED_COLUMN), rows)


def as_npz(found: Activations) -> bytes:
    """What each layer returned, whole, under its path; nothing is pickled, so ``numpy.load`` opens it with its defaults.

    Raises
    ------
    UsageError
        Where the values weren't kept.
    """
    missing = [path for path, layer in found.items() if layer.values is None]
    if missing:
        raise UsageError(
            f"The whole values of {missing[0]!r} were not kept, so there is nothing to write as .npz; ask for them: "
            "activations(…, values=True)."
        )
    arrays: dict[str, Any] = {path: layer.values for path, layer in found.items()}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


WRITERS: Mapping[str, Writer] = {
    ".html": lambda found, language: activations_page(found, language).html(budget=BUDGET).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda found, language: as_npz(found),
    ".json": lambda found, language: json_bytes(found.to_dict()),
}
"""How `Activations` are written."""
