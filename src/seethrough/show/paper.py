"""Paper: a figure whose places are inches from its upper left corner, and what is written on it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seethrough.show.language import known_language
from seethrough.show.lettering import NO_CHINESE_FONT, chinese_font, families

INK, QUIET, LINE = "#1d1d1f", "#6e6e73", "#d9d9de"
LETTERS_PER_INCH = 15.6
"""Average Latin characters of 8 points."""


class Paper:
    """A white sheet of some inches."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes at a place."""
        return self.figure.add_axes(
            (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        )

    def bare(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes without lines, ticks or numbers, for a picture."""
        axes = self.axes(left, top, width, height)
        axes.set_axis_off()
        return axes

    def write(
        self,
        left: float,
        top: float,
        text: str,
        *,
        size: float = 8,
        colour: str = INK,
        weight: str = "normal",
        align: str = "left",
    ) -> None:
        """A line of text below a place; nothing in it is read as mathematics."""
        self.figure.text(
            left / self.width, 1 - top / self.height, text, parse_math=False, family=families(), fontsize=size,
            color=colour, weight=weight, ha=align, va="top",
        )  # fmt: skip


def spoken(language: str) -> tuple[str, str]:
    """The language that a figure can speak, and a remark where it isn't the one asked for: no installed font has its
    characters.
    """
    if known_language(language) == "en" or chinese_font():
        return language, ""
    return "en", NO_CHINESE_FONT
