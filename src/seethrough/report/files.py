"""A result as a file: the suffix says which kind, and the file is written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.errors import UsageError
from seethrough.report.explained import explanation_page
from seethrough.report.records import as_json, as_npz, json_bytes
from seethrough.results import Explanation
from seethrough.show import figure
from seethrough.show.language import known_language
from seethrough.show.reading import as_explanation
from seethrough.writing import refuse_unwritable, write_whole

if TYPE_CHECKING:
    from seethrough.anatomy import Summary
    from seethrough.anatomy.findings import Check
    from seethrough.anatomy.memory import MemoryUse

RESOLUTION = 160
"""Dots per inch of a PNG."""


Writer = Callable[[Any, str], bytes]
"""From a result and a language to what its file holds."""


def save(result: object, path: Path, *, language: str = "en") -> Path:
    """Write a result; the suffix chooses the kind.

    An `Explanation` or an `Attribution`: ``.html`` a page that stands alone; ``.png``, ``.svg`` the figure; ``.npz`` every
    array; ``.json`` every number but the arrays. A `Summary`: ``.html`` the whole tree, ``.json`` every row. A `Check`: ``.html`` a
    page, ``.json`` every claim. A `MemoryUse`: ``.html`` a
    page, ``.png``, ``.svg`` the figure, ``.json`` every layer.

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
    writers = _WRITERS.get(type(result).__name__, _OF_EXPLANATIONS)
    refuse_unknown_kind(path, writers)
    result = result if writers is not _OF_EXPLANATIONS else as_explanation(result)
    refuse_unwritable(path)
    write_whole(path, writers[path.suffix.lower()](result, language))
    return path


def refuse_unknown_kind(path: Path, kinds: Iterable[str] = ()) -> None:
    """Say before the work begins that no kind of file ends so.

    Parameters
    ----------
    kinds
        The suffixes that there are; by default those of an explanation.

    Raises
    ------
    UsageError
        Names the suffixes that there are.
    """
    kinds = tuple(kinds) or tuple(_OF_EXPLANATIONS)
    if path.suffix.lower() not in kinds:
        raise UsageError(f"{path.name!r} has no suffix that tells a kind of file; end it in {', '.join(kinds)}.")


def _html(explanation: Explanation, language: str) -> bytes:
    return explanation_page(explanation, language).html().encode("utf-8")


def _png(result: object, language: str) -> bytes:
    return _drawn(result, language, {"format": "png", "dpi": RESOLUTION})


def _svg(result: object, language: str) -> bytes:
    return _drawn(result, language, {"format": "svg", "metadata": {"Date": None}})


def _drawn(result: object, language: str, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    figure(result, language=language).savefig(out, **options)
    return out.getvalue()


def _tree(summary: Summary, language: str) -> bytes:
    from seethrough.report.tree import tree_page

    return tree_page(summary, language).encode("utf-8")


_OF_EXPLANATIONS: dict[str, Writer] = {
    ".html": _html,
    ".png": _png,
    ".svg": _svg,
    ".npz": lambda explanation, language: as_npz(explanation),
    ".json": lambda explanation, language: as_json(explanation),
}


def _memory(use: MemoryUse, language: str) -> bytes:
    from seethrough.report.memory_page import memory_page

    return memory_page(use, language).html().encode("utf-8")


def _checked(check: Check, language: str) -> bytes:
    from seethrough.report.check_page import check_page

    return check_page(check, language).html().encode("utf-8")


_WRITERS: dict[str, dict[str, Writer]] = {
    "Check": {".html": _checked, ".json": lambda check, language: json_bytes(check.to_dict())},
    "MemoryUse": {
        ".html": _memory,
        ".png": _png,
        ".svg": _svg,
        ".json": lambda use, language: json_bytes(use.to_dict()),
    },
    "Summary": {".html": _tree, ".json": lambda summary, language: json_bytes(summary.to_dict())},
}
"""By the kind of result; what isn't here is an explanation, or a part of one."""
