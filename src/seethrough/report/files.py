"""A result as a file: the suffix says which kind, and the file is written whole or not at all."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterable, Mapping
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


Writer = Callable[[Any, str], bytes]
"""From a result and a language to what its file holds."""


def save(result: object, path: Path, *, language: str = "en") -> Path:
    """Write a result; the suffix chooses the kind.

    ``.html`` is a page that stands alone and ``.json`` every number but the arrays, for all. Where a result has a figure, ``.png``
    and ``.svg`` are it; where it has arrays, ``.npz`` is every one of them.

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
    writers = writers_of(type(result).__name__)
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


def png(result: object, language: str) -> bytes:
    """The figure of any result that has one, as PNG."""
    return _drawn(result, language, {"format": "png", "dpi": RESOLUTION})


def svg(result: object, language: str) -> bytes:
    """The figure of any result that has one, as SVG."""
    return _drawn(result, language, {"format": "svg", "metadata": {"Date": None}})


def _drawn(result: object, language: str, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    figure(result, language=language).savefig(out, **options)
    return out.getvalue()


_OF_EXPLANATIONS: dict[str, Writer] = {
    ".html": _html,
    ".png": png,
    ".svg": svg,
    ".npz": lambda explanation, language: as_npz(explanation),
    ".json": lambda explanation, language: as_json(explanation),
}


_HOMES: dict[str, str] = {
    "Activations": "activations_page",
    "Audit": "audit_page",
    "Check": "check_page",
    "Comparison": "compared_page",
    "Evaluation": "evaluation_page",
    "Filters": "filters_page",
    "Health": "health_page",
    "Maximized": "maximized_page",
    "MemoryUse": "memory_page",
    "Proof": "proof_page",
    "Rehearsal": "rehearsal_page",
    "Summary": "tree",
    "Units": "units_page",
    "Wall": "wall",
}
"""By the kind of result, the module whose ``WRITERS`` say how it is written, suffix by suffix; what isn't here is an
explanation, or a part of one.
"""


def writers_of(kind: str) -> Mapping[str, Writer]:
    """From a suffix to what writes it, for a kind of result by the name of its class."""
    if kind not in _HOMES:
        return _OF_EXPLANATIONS
    return importlib.import_module(f"seethrough.report.{_HOMES[kind]}").WRITERS
