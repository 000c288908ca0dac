"""What a page is made of: sections with paragraphs, tables of numbers, notes and explained pictures.

A page is plain data until it is asked for its HTML, so a report of any kind (one explanation, a comparison of two
networks, later an audit) is the same few blocks in another order. All text may be given in both languages (`Both`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.explanation.compare import Comparison
from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry
from seethrough.results import Explanation, Note, Picture
from seethrough.show.language import Text

Cell = Text | int | float
"""A cell of a table: text, a whole number, or a measured one (three significant digits)."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; ``lead`` sets it larger, as the answer that a reader came for, ``quiet`` as an aside."""

    text: Text
    lead: bool = False
    quiet: bool = False

    @property
    def style(self) -> str:
        """The name of its style."""
        return "lead" if self.lead else "text quiet" if self.quiet else "text"


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes in words, each with its level; under ``folded``, a few words that open to them, where there are such."""

    notes: tuple[Note, ...]
    folded: Text = ""


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


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """One picture and two answers about it, method by method: both maps, their difference, and the contrast."""

    comparison: Comparison
    image: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """What tiles are looked at under, one at a time: a picture, or a summary of several (their mean).

    ``picture`` and ``geometry`` let what a unit sees be drawn; without them only the tiles change.
    """

    name: Text
    picture: Picture | None = None
    geometry: Geometry | None = None


@dataclass(frozen=True, eq=False, slots=True)
class TileSet:
    """Small maps of one size in one unit: the channels of a layer, the kernels of a convolution.

    Attributes
    ----------
    name
        What they belong to: a layer's path.
    maps
        float (F, K, h, w): tile k under frame f. One place (1 × 1) is drawn as a bar.
    numbers
        int (K,): the number that each tile goes by.
    sorts
        By what the tiles may be sorted, the largest first: from a heading to (K,) numbers. They open by the first; the
        tile's own number is always offered.
    caption
        What is to be noticed, above the tiles.
    remarks
        A few words about each tile, shown with its values; as many as tiles, or none.
    field
        What a unit sees of the network's input; drawn on the frame's picture where all three are known.
    """

    name: Text
    maps: NDArray[np.floating]
    numbers: NDArray[np.integer]
    sorts: Mapping[Text, NDArray[np.floating]]
    caption: Text = ""
    remarks: tuple[Text, ...] = ()
    field: ReceptiveField | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Tiles:
    """Sets of tiles with one choice of frame, order and scale for all; ``scale`` (``"unit"``, ``"layer"`` or
    ``"network"``: what shares an end of the colours) is what they open with, ``stamp`` what is written across the pictures.
    """

    sets: tuple[TileSet, ...]
    frames: tuple[Frame, ...] = (Frame(""),)
    scale: str = "layer"
    stamp: Text = ""


Block = Paragraph | Notes | Table | Drawing | Explained | Compared | Tiles


@dataclass(frozen=True, eq=False, slots=True)
class Section:
    """A heading and what stands under it; without a heading the blocks simply follow."""

    heading: Text
    blocks: tuple[Block, ...]
