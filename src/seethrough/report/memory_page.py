"""The page of what a network takes of memory: the answer, the figure, and every layer in a table."""

from __future__ import annotations

import io
from collections.abc import Mapping

from seethrough.anatomy.figures import NONE, size_in_words
from seethrough.anatomy.memory import MemoryUse
from seethrough.report.blocks import Drawing, Paragraph, Section, Table
from seethrough.report.files import Writer, png, svg
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show import figure
from seethrough.show.language import Both, plain
from seethrough.show.memory_words import (
    BY_LAYER,
    CLASS,
    ITSELF,
    LAYER,
    ON_TOP,
    PARTS,
    PEAK,
    TAKES,
    TOGETHER,
    WHAT,
    asked,
    parts_of,
    said,
    title,
)

RESOLUTION = 150
"""Dots per inch of the figure."""


def memory_page(use: MemoryUse, language: str = "en") -> Page:
    """What training or running a network takes, as a page that stands alone; its figure speaks ``language``."""
    return Page(
        title=title(use),
        sections=(
            Section("", (Paragraph(said(use), lead=True), Paragraph(asked(use)))),
            Section("", (Drawing(_figure(use, language), said(use)), _parts(use))),
            Section(BY_LAYER, (_layers(use),)),
        ),
        eyebrow=Both("Memory", "内存"),
        language=language,
        provenance=use.provenance,
    )


def _figure(use: MemoryUse, language: str) -> bytes:
    out = io.BytesIO()
    figure(use, language=language).savefig(out, format="png", dpi=RESOLUTION)
    return out.getvalue()


def _parts(use: MemoryUse) -> Table:
    rows = [(name, size_in_words(size)) for name, size in parts_of(use)]
    rows += [(PEAK, size_in_words(use.peak)), (ON_TOP, size_in_words(use.workspace[1]))]
    return Table((WHAT, TAKES), tuple(rows))


def _layers(use: MemoryUse) -> Table:
    columns = [c for c in ("parameters", "gradients", "optimizer", "activations") if getattr(use, c)]
    rows = tuple(
        (
            plain(row.path) or ITSELF,
            plain(row.kind),
            *(size_in_words(size) if (size := getattr(row, c)) else NONE for c in columns),
            size_in_words(row.total),
        )
        for row in use.by_layer
    )
    return Table((LAYER, CLASS, *(PARTS[c] for c in columns), TOGETHER), rows)


WRITERS: Mapping[str, Writer] = {
    ".html": lambda use, language: memory_page(use, language).html().encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".json": lambda use, language: json_bytes(use.to_dict()),
}
"""How a `MemoryUse` is written."""
