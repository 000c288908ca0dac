"""The page and the records of a `Comparison`: method by method both maps, their difference and the contrast."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from seethrough.explanation.compare import NETWORKS, Comparison
from seethrough.report.blocks import Compared, Notes, Paragraph, Section
from seethrough.report.explained import info_notes
from seethrough.report.files import Writer, png, svg
from seethrough.report.page import Page
from seethrough.report.records import explanation_record, in_both, json_bytes
from seethrough.show.compare_words import PAGE
from seethrough.show.comparing import differ, title
from seethrough.show.interface import PAGE as WORDS
from seethrough.show.language import Both, Text, plain, share
from seethrough.show.reading import general_notes, was_checked, without_left_out
from seethrough.show.trust_words import NOT_ASKED

FORMAT = "seethrough comparison 1"


def compared_page(comparison: Comparison, language: str = "en") -> Page:
    """Two answers side by side.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    count = len(comparison.pictures)
    sections = [Section("", tuple(_opening(comparison)))]
    for i, picture in enumerate(comparison.pictures):
        heading: Text = plain(picture.name) if count > 1 else ""
        sections.append(Section(heading, (Compared(comparison, i),)))
    closing = [Paragraph(PAGE["difference_is"], quiet=True)]
    closing += [] if was_checked(comparison.first) else [Paragraph(NOT_ASKED, quiet=True)]
    return Page(
        title=title(comparison),
        sections=(*sections, Section("", tuple(closing))),
        eyebrow=PAGE["eyebrow"],
        language=language,
        provenance=comparison.provenance,
    )


def _opening(comparison: Comparison) -> Iterator[Paragraph | Notes]:
    """What the network answered, and what must be known of both answers."""
    sides = [comparison.first, comparison.second] if comparison.of == NETWORKS else [comparison.first]
    if len(comparison.pictures) == 1 and len(sides) == 1:
        top = comparison.first.prediction.top(1)
        if top and top[0].probability is not None:
            text: Both = WORDS["answered"].fill(
                name=plain(comparison.pictures[0].name), label=plain(top[0].label), number=share(top[0].probability)
            )
            yield Paragraph(text, lead=True)
    found = [note for side in sides for note in general_notes(side)]
    notes, left = without_left_out([note for i, note in enumerate(found) if note not in found[:i]])
    grave = tuple(note for note in notes if note.level != "info")
    if grave:
        yield Notes(grave)
    yield from info_notes(notes, left)


def as_json(comparison: Comparison) -> bytes:
    """All numbers but the arrays: both explanations, and of each method how alike its maps are and where they differ."""
    return json_bytes(
        {
            "format": FORMAT,
            "compared": comparison.of,
            "names": comparison.names,
            "provenance": comparison.provenance,
            "differences": [_differences(comparison, i) for i in range(len(comparison.pictures))],
            "first": explanation_record(comparison.first),
            "second": explanation_record(comparison.second),
            "contrast": None if comparison.contrast is None else explanation_record(comparison.contrast),
        }
    )


def _differences(comparison: Comparison, image: int) -> dict[str, Any]:
    return {
        method: {
            "correlation": difference.correlation[image],
            "region": difference.region[image],
            "shares": difference.shares[image],
            "sentence": in_both(differ(comparison, method, image)),
        }
        for method, difference in comparison.differences.items()
    }


def as_npz(comparison: Comparison) -> bytes:
    """Every map: ``first.METHOD``, ``second.METHOD``, ``contrast.METHOD``, ``difference.METHOD`` (float32, (N, H, W)),
    ``correlation.METHOD`` (N,), ``picture.0``…; ``about``, the record of `as_json` as text.
    """
    arrays: dict[str, np.ndarray] = {"about": np.array(as_json(comparison).decode("utf-8"))}
    for name in ("first", "second", "contrast"):
        side = getattr(comparison, name)
        arrays |= {f"{name}.{method}": a.map for method, a in (side or {}).items()}
    for method, difference in comparison.differences.items():
        arrays |= {f"difference.{method}": difference.map, f"correlation.{method}": difference.correlation}
    arrays |= {f"picture.{i}": picture.pixels for i, picture in enumerate(comparison.pictures)}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


WRITERS: dict[str, Writer] = {
    ".html": lambda comparison, language: compared_page(comparison, language).html().encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda comparison, language: as_npz(comparison),
    ".json": lambda comparison, language: as_json(comparison),
}
