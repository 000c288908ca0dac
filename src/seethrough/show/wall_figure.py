"""The figure of a wall: every image in its place, with what was found above it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seethrough.gallery.wall import Wall
from seethrough.show.language import known_language
from seethrough.show.lettering import NO_CHINESE_FONT, chinese_font, families, wrap
from seethrough.show.shrink import shrink_pixels
from seethrough.show.wall_words import kept_words, said, title
from seethrough.show.words import WATERMARK

__all__ = ["draw", "overview", "said"]

INK, QUIET, PAPER, WRONG, RANDOM = "#1d1d1f", "#6e6e73", "white", "#e8590c", "#a4262c"
MARGIN, WIDTH = 0.35, 12.0  # inches
DOTS = 160  # per inch, what the sheet is made for
LETTERS_PER_INCH = 15.6  # average Latin characters of 8 points
LARGEST_TILE, SMALLEST_TILE = 112, 8


def overview(wall: Wall, width: int, *, paper: int = 255, gap: int = 1) -> NDArray[np.uint8]:
    """All images in their places as one picture.

    Parameters
    ----------
    width
        Pixels across that it fills at most; a tile has at least `SMALLEST_TILE`.
    paper
        Grey of empty places and of what lies between tiles.
    gap
        Pixels between tiles.

    Returns
    -------
    uint8 (height, width, 3)
    """
    rows, columns = wall.grid
    side = max(SMALLEST_TILE, min(width // columns, LARGEST_TILE))
    inside = min(side - gap, wall.thumbnails.shape[1])
    out = np.full((rows * side, columns * side, 3), paper, np.uint8)
    for (row, column), pixels in zip(wall.cells.tolist(), wall.thumbnails):
        top, left = row * side, column * side
        out[top : top + inside, left : left + inside] = shrink_pixels(pixels, inside)
    return out


def draw(wall: Wall, *, language: str = "en") -> Figure:
    """Draw the wall; images whose first answer is wrong have a stroke below.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    wanted = known_language(language)
    spoken = wanted if wanted == "en" or chinese_font() else "en"
    kept = kept_words(wall).in_(spoken) if wall.kept.near else ""
    told = [said(wall).in_(spoken), kept[:1].upper() + kept[1:]]
    told += [NO_CHINESE_FONT] if spoken != wanted else []
    lines = [line for text in told if text for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)]
    sheet = overview(wall, round((WIDTH - 2 * MARGIN) * DOTS))
    across, high = sheet.shape[1] / DOTS, sheet.shape[0] / DOTS
    scale = min(1.0, (WIDTH - 2 * MARGIN) / across)
    top = 0.75 + 0.16 * len(lines)
    height = top + high * scale + MARGIN
    figure = Figure(figsize=(WIDTH, height), facecolor=PAPER)
    _text(figure, 0.3, height, title(wall).in_(spoken), size=15, weight="bold")
    if any(note.name == "random_weights" for note in wall.notes):
        _text(figure, 0.1, height, WATERMARK.in_(spoken), colour=RANDOM, weight="bold")
    for i, line in enumerate(lines):
        _text(figure, 0.62 + 0.16 * i, height, line, colour=QUIET)
    axes = figure.add_axes(
        (MARGIN / WIDTH, 1 - (top + high * scale) / height, across * scale / WIDTH, high * scale / height)
    )
    axes.imshow(sheet, interpolation="antialiased", aspect="auto")
    axes.set_axis_off()
    _mark_wrong(axes, wall, sheet.shape[1] / wall.grid[1])
    return figure


def _mark_wrong(axes: Axes, wall: Wall, side: float) -> None:
    """A stroke along the lower edge of each image that is taken for something else."""
    wrong = wall.cells[wall.right == 0] * side
    ends = [((x + 0.5, y + side - 1.5), (x + side - 2.5, y + side - 1.5)) for y, x in wrong]
    axes.add_collection(LineCollection(ends, colors=WRONG, linewidths=max(0.6, side / 28), capstyle="butt"))


def _text(
    figure: Figure, top: float, height: float, text: str, *, size: float = 8, colour: str = INK, weight: str = "normal"
) -> None:
    figure.text(
        MARGIN / WIDTH, 1 - top / height, text, parse_math=False, family=families(), fontsize=size, color=colour,
        weight=weight, ha="left", va="top",
    )  # fmt: skip
