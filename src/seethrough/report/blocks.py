"""What a page is made of: sections with paragraphs, tables of numbers, notes and explained pictures.

A page is plain data until it is asked for its HTML, so a report of any kind (one explanation, a comparison of two
networks, later an audit) is the same few blocks in another order. All text may be given in both languages (`Both`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.results import Explanation, Note
from seethrough.show.language import Text

Cell = Text | int | float
"""A cell of a table: text, a whole number, or a measured one (three significant digits)."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; ``lead`` sets it larger, as the answer that a reader came for."""

    text: Text
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes in words, each with its level."""

    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers under headings.

    Attributes
    ----------
    columns
        A heading for each column; the first column names the row.
    rows
        Cells, as many in each row as there are columns.
    caption
        What the table shows.
    """

    columns: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: Text = ""


@dataclass(frozen=True, eq=False, slots=True)
class Drawing:
    """A figure as PNG bytes, and what it shows, for those who can't see it."""

    png: bytes
    shows: Text


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """What one network said about one picture, and why: image ``image`` of an explanation; ``heading`` names the
    network.

    ``methods`` chooses some of the explanation's methods, in that order; by default all are shown.
    """

    explanation: Explanation
    image: int = 0
    heading: Text = ""
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Explained:
    """One picture and the answers of one or more networks about it.

    Attributes
    ----------
    answers
        All about the same picture; it is drawn once.
    heading, caption
        Words above the picture and under it.
    mask, mask_name
        bool (H, W) on the picture's pixels and what it covers (``Both("the background", "背景")``): every sentence then
        says how much of the evidence lies on it.
    """

    answers: tuple[Answer, ...]
    heading: Text = ""
    caption: Text = ""
    mask: NDArray[np.bool_] | None = None
    mask_name: Text = ""


Block = Paragraph | Notes | Table | Drawing | Explained


@dataclass(frozen=True, eq=False, slots=True)
class Section:
    """A heading and what stands under it; without a heading the blocks simply follow."""

    heading: Text
    blocks: tuple[Block, ...]
