"""A result as a file: the suffix says which kind, and the file is written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seethrough.errors import UsageError
from seethrough.report.explained import explanation_page
from seethrough.report.records import as_json, as_npz
from seethrough.results import Explanation
from seethrough.show import figure
from seethrough.show.language import known_language
from seethrough.show.reading import as_explanation
from seethrough.writing import refuse_unwritable, write_whole

RESOLUTION = 160
"""Dots per inch of a PNG."""


def save(result: object, path: Path, *, language: str = "en") -> Path:
    """Write an `Explanation` or an `Attribution`; the suffix chooses the kind.

    ``.html`` a page that stands alone; ``.png``, ``.svg`` the figure; ``.npz`` every array; ``.json`` every number but
    the arrays.

    Parameters
    ----------
    result, path
        What is written, and where. An existing file is replaced, at once and only when the new one is complete.
    language
        ``"en"`` or ``"zh"``, for the kinds that hold words.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UsageError
        For another suffix or language.
    EnvironmentLacks
        Where the folder is missing or can't be written, or the disk is full.
    """
    path = Path(path)
    known_language(language)
    refuse_unknown_kind(path)
    explanation = as_explanation(result)
    refuse_unwritable(path)
    write_whole(path, _WRITERS[path.suffix.lower()](explanation, language))
    return path


def refuse_unknown_kind(path: Path) -> None:
    """Say before the work begins that no kind of file ends so.

    Raises
    ------
    UsageError
        Names the suffixes that there are.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"{path.name!r} has no suffix that tells a kind of file; end it in {', '.join(_WRITERS)}.")


def _html(explanation: Explanation, language: str) -> bytes:
    return explanation_page(explanation, language).html().encode("utf-8")


def _png(explanation: Explanation, language: str) -> bytes:
    return _drawn(explanation, language, {"format": "png", "dpi": RESOLUTION})


def _svg(explanation: Explanation, language: str) -> bytes:
    return _drawn(explanation, language, {"format": "svg", "metadata": {"Date": None}})


def _drawn(explanation: Explanation, language: str, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    figure(explanation, language=language).savefig(out, **options)
    return out.getvalue()


_WRITERS: dict[str, Callable[[Explanation, str], bytes]] = {
    ".html": _html,
    ".png": _png,
    ".svg": _svg,
    ".npz": lambda explanation, language: as_npz(explanation),
    ".json": lambda explanation, language: as_json(explanation),
}
