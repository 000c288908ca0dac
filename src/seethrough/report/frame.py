"""The frame that every page stands in: head, policy, language switch, foot; what a page carries, and what it may do."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from seethrough import __version__
from seethrough.report.link import link
from seethrough.show.colour import table
from seethrough.show.interface import PAGE
from seethrough.show.language import LANGUAGES, TAGS, Text, both, known_language

_HERE = Path(__file__).parent


def framed(
    template: str,
    *,
    title: Text,
    eyebrow: Text,
    language: str,
    styles: Sequence[str],
    script: str,
    payload: Mapping[str, Any],
    **values: Any,
) -> str:
    """A page as one text that stands alone.

    Parameters
    ----------
    template
        One that extends ``frame.html``.
    title, eyebrow
        The heading and the window's title; a few words above it that say what kind of page this is.
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    styles, script
        Style sheets of the templates' folder, one behind the other; the component that is run.
    payload
        What the script reads.
    values
        What the template asks for.

    Raises
    ------
    UsageError
        For another language.
    """
    known_language(language)
    style, code = style_of(*styles), script_of(script)
    text = (
        templates()
        .get_template(template)
        .render(
            title=both(title),
            eyebrow=both(eyebrow),
            language=language,
            policy=policy(style, code),
            style=Markup(style),
            script=Markup(code),
            payload=Markup(_as_script(payload)),
            tags=TAGS,
            languages=LANGUAGES,
            words=PAGE,
            version=__version__,
            **values,
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate in a file's name can't be written


def _as_script(payload: Mapping[str, Any]) -> str:
    """JSON that can't end its own element."""
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
