"""The page of a check: what was meant against what is, and a sentence for each finding."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.anatomy.findings import Check
from seethrough.report.blocks import Paragraph, Section, Table
from seethrough.report.files import Writer
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show.check_text import conclusion, labelled, row, sentences, title
from seethrough.show.check_words import HEAD
from seethrough.show.language import Both


def check_page(check: Check, language: str = "en") -> Page:
    """A check as a page that stands alone."""
    said = tuple(Paragraph(labelled(level, text)) for level, text in sentences(check))
    table = Table(HEAD, tuple(row(claim) for claim in check.claims))
    return Page(
        title=title(check),
        sections=(Section("", (Paragraph(conclusion(check), lead=True), table)), Section("", said)),
        eyebrow=Both("Check", "检查"),
        language=language,
    )


WRITERS: Mapping[str, Writer] = {
    ".html": lambda check, language: check_page(check, language).html().encode("utf-8"),
    ".json": lambda check, language: json_bytes(check.to_dict()),
}
"""How a `Check` is written."""
