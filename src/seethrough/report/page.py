"""One self-contained page: it works from a disk or a mail, asks nothing of any server, and reads well without scripts."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seethrough.errors import UsageError
from seethrough.report.blocks import Compared, Drawing, Explained, Notes, Paragraph, Section, Table, Tiles
from seethrough.report.compared_views import compared_view
from seethrough.report.frame import framed
from seethrough.report.payload import DETAILS, tables_payload
from seethrough.report.tiles import tiles_payload, tiles_view
from seethrough.report.views import Views, cell
from seethrough.show.colour import FADE
from seethrough.show.compare_words import PAGE as COMPARE
from seethrough.show.interface import INTERFACE
from seethrough.show.language import Text, both, known_language
from seethrough.show.tiles_words import TILES
from seethrough.show.trust_words import TRUST
from seethrough.show.words import WATERMARK, note_words
from seethrough.writing import refuse_unwritable, write_whole

BUDGET = 1_500_000
"""A page's size in bytes that it keeps to by carrying maps and pictures less finely."""


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """A page of sections.

    Attributes
    ----------
    title
        The heading, and the window's title.
    sections
        What it holds, from top to bottom.
    eyebrow
        A few words above the title: what kind of page this is.
    language
        ``"en"`` or ``"zh"``: the language the page opens in. It holds both, and switches without a request.
    provenance
        What the page was made from, printed at its end.
    """

    title: Text
    sections: tuple[Section, ...]
    eyebrow: Text = ""
    language: str = "en"
    provenance: Mapping[str, Any] | None = None

    def html(self, *, budget: int = BUDGET) -> str:
        """The page as one text, in the finest detail that fits ``budget`` bytes (the coarsest where none does)."""
        known_language(self.language)
        text, readings = "", {}
        for detail in DETAILS:
            text = _render(self, Views(detail, readings))
            if len(text.encode("utf-8")) <= budget:
                break
        return text

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; the name ends in ``.html``.

        Raises
        ------
        UsageError
            For another suffix.
        EnvironmentLacks
            Where the folder is missing or can't be written, or the disk is full.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise UsageError(f"A page is written to a name that ends in .html, not {path.name!r}.")
        refuse_unwritable(path)
        write_whole(path, self.html().encode("utf-8"))
        return path


def _render(page: Page, views: Views) -> str:
    sections = [
        {"heading": both(section.heading), "blocks": [_block(block, views) for block in section.blocks]}
        for section in page.sections
    ]
    return framed(
        "page.html",
        title=page.title,
        eyebrow=page.eyebrow,
        language=page.language,
        styles=("page.css", "tiles.css") if views.tiles else ("page.css",),
        script="tiles-page.js" if views.tiles else "page.js",
        payload=_payload(views),
        provenance=[(str(k), _shown(v)) for k, v in (page.provenance or {}).items()],
        sections=sections,
        has_maps=bool(views.maps),
        interface=INTERFACE,
        tile_words=TILES,
        trust_words=TRUST,
        compare_words=COMPARE,
        watermark=WATERMARK,
    )


def _block(block: object, views: Views) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": both(block.text), "style": block.style}
    if isinstance(block, Notes):
        notes = [(note.level, note_words(note)) for note in block.notes]
        return {"kind": "notes", "notes": notes, "folded": both(block.folded)}
    if isinstance(block, Table):
        return {
            "kind": "table",
            "caption": both(block.caption),
            "columns": [both(column) for column in block.columns],
            "rows": [[cell(content) for content in row] for row in block.rows],
        }
    if isinstance(block, Drawing):
        url = "data:image/png;base64," + base64.b64encode(block.png).decode("ascii")
        return {"kind": "drawing", "url": url, "shows": both(block.shows)}
    if isinstance(block, Explained):
        return {"kind": "explained", "view": views.explained(block)}
    if isinstance(block, Compared):
        return {"kind": "compared", "view": compared_view(block, views)}
    if isinstance(block, Tiles):
        view = tiles_view(block, f"tiles-{len(views.tiles)}", views.detail)
        views.tiles.append(tiles_payload(block, view, views.detail))
        return {"kind": "tiles", "view": view}
    raise UsageError(f"A page has no block of type {type(block).__name__}.")


def _payload(views: Views) -> dict[str, Any]:
    """What the script reads."""
    words = {**INTERFACE, **(TILES if views.tiles else {})}
    return {
        "fade": FADE,
        "tables": tables_payload(),
        "words": {key: {"en": text.en, "zh": text.zh} for key, text in words.items()},
        "maps": views.maps,
        "tiles": views.tiles,
    }


def _shown(thing: object) -> str:
    return (
        json.dumps(thing, ensure_ascii=False, default=str) if isinstance(thing, Mapping | list | tuple) else str(thing)
    )
