"""One self-contained page: it works from a disk or a mail, asks nothing of any server, and reads well without scripts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from seethrough import __version__
from seethrough.errors import UsageError
from seethrough.report.blocks import Drawing, Explained, Notes, Paragraph, Section, Table
from seethrough.report.link import link
from seethrough.report.payload import DETAILS, tables_payload
from seethrough.report.views import Views, cell
from seethrough.show.colour import FADE, table
from seethrough.show.interface import INTERFACE, PAGE
from seethrough.show.language import LANGUAGES, TAGS, Text, both, known_language
from seethrough.show.words import WATERMARK, note_words
from seethrough.writing import refuse_unwritable, write_whole

BUDGET = 1_500_000
"""A page's size in bytes that it keeps to by carrying maps and pictures less finely."""

_HERE = Path(__file__).parent


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
    style, script = style_of("page.css"), script_of("page.js")
    text = (
        templates()
        .get_template("page.html")
        .render(
            page=page,
            title=both(page.title),
            eyebrow=both(page.eyebrow),
            provenance=[(str(k), _shown(v)) for k, v in (page.provenance or {}).items()],
            sections=sections,
            has_maps=bool(views.maps),
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            payload=Markup(_payload(views)),
            tags=TAGS,
            languages=LANGUAGES,
            words=PAGE,
            interface=INTERFACE,
            watermark=WATERMARK,
            version=__version__,
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate in a file's name can't be written


def _block(block: object, views: Views) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": both(block.text), "lead": block.lead}
    if isinstance(block, Notes):
        return {"kind": "notes", "notes": [(note.level, note_words(note)) for note in block.notes]}
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
    raise UsageError(f"A page has no block of type {type(block).__name__}.")


def _payload(views: Views) -> str:
    """What the script reads, as JSON that can't end its own element."""
    payload = {
        "fade": FADE,
        "tables": tables_payload(),
        "words": {key: {"en": text.en, "zh": text.zh} for key, text in INTERFACE.items()},
        "maps": views.maps,
    }
    return json.dumps(payload, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def policy(style: str, script: str) -> str:
    """Nothing may be loaded from anywhere; only this style and this script may run."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def script_of(entry: str) -> str:
    """A component and all that it imports, as one script."""
    return "\n" + link(_HERE / "components", entry)


@cache
def style_of(*sheets: str) -> str:
    """Style sheets one behind the other, with the two colour tables as gradients, for legends that no script draws."""
    ramps = "\n".join(
        f".ramp-{name} {{ background: linear-gradient(to right, {_stops(signed)}); }}"
        for name, signed in (("signed", True), ("unsigned", False))
    )
    texts = [(_HERE / "templates" / sheet).read_text(encoding="utf-8") for sheet in sheets]
    return "\n" + "".join(texts) + ramps + "\n"


def _stops(signed: bool) -> str:
    colours = table(signed)
    rows = np.linspace(0, len(colours) - 1, 25).round().astype(int)
    return ", ".join("#" + bytes(colours[row].tolist()).hex() for row in rows)


@cache
def templates() -> Environment:
    """The templates of pages; every value is text until marked otherwise."""
    return Environment(
        loader=PackageLoader("seethrough.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(thing: object) -> str:
    return (
        json.dumps(thing, ensure_ascii=False, default=str) if isinstance(thing, Mapping | list | tuple) else str(thing)
    )
