"""The page of a rehearsal: what came of each advice in a sentence, the numbers in a table, and what wasn't tried."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.remedies.rehearsal.rehearse import Rehearsal
from seethrough.report.blocks import Notes, Paragraph, Section, Table
from seethrough.report.files import Writer
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show import rehearsal_words as words


def rehearsal_page(found: Rehearsal, language: str = "en") -> Page:
    """A rehearsal as a page that stands alone.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    sections = [Section("", (Paragraph(words.NOTHING, lead=True),))] if not found.tried else []
    if found.tried:
        first = [Paragraph(words.said(found.tried[0]), lead=True), Paragraph(words.fault(found.tried[0]))]
        for tried in found.tried[1:]:
            first += [Paragraph(words.said(tried)), Paragraph(words.fault(tried), quiet=True)]
        table = Table(words.HEAD, tuple(words.row(tried) for tried in found.tried))
        how = Paragraph(words.how(found), quiet=True), Paragraph(words.SMALL, quiet=True)
        sections = [Section("", tuple(first)), Section("", (table, *how))]
    if found.untried:
        sections.append(Section(words.REST, (Table(words.UNTRIED_HEAD, tuple(words.untried(found))),)))
    if found.notes:
        sections.append(Section("", (Notes(found.notes),)))
    return Page(
        title=words.title(found), sections=tuple(sections), eyebrow=words.EYEBROW, language=language,
        provenance=found.provenance,
    )  # fmt: skip


WRITERS: Mapping[str, Writer] = {
    ".html": lambda found, language: rehearsal_page(found, language).html().encode("utf-8"),
    ".json": lambda found, language: json_bytes(found.to_dict()),
}
