"""The figure of a wall: every image in its place, with what was found above it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seethrough.gallery.wall import Wall
from seethrough.show.lettering import wrap
from seethrough.show.paper import LETTERS_PER_INCH, QUIET, Paper, spoken
from seethrough.show.shrink import shrink_pixels
from seethrough.show.wall_words import kept_words, said, title
from seethrough.show.words import WATERMARK

__all__ = ["draw", "overview", "said"]

PAPER, WRONG, RANDOM = "white", "#e8590c", "#a4262c"
MARGIN, WIDTH = 0.35, 12.0  # inches
DOTS = 160  # per inch, what the sheet is made for
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
    language, remark = spoken(language)
    kept = kept_words(wall).in_(language) if wall.kept.near else ""
    told = [said(wall).in_(language), kept[:1].upper() + kept[1:]]
    told += [remark]
    lines = [line for text in told if text for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)]
    sheet = overview(wall, round((WIDTH - 2 * MARGIN) * DOTS))
    across, high = sheet.shape[1] / DOTS, sheet.shape[0] / DOTS
    scale = min(1.0, (WIDTH - 2 * MARGIN) / across)
    top = 0.75 + 0.16 * len(lines)
    height = top + high * scale + MARGIN
    paper = Paper(WIDTH, height)
    paper.write(MARGIN, 0.3, title(wall).in_(language), size=15, weight="bold")
    if any(note.name == "random_weights" for note in wall.notes):
        paper.write(MARGIN, 0.1, WATERMARK.in_(language), colour=RANDOM, weight="bold")
    for i, line in enumerate(lines):
        paper.write(MARGIN, 0.62 + 0.16 * i, line, colour=QUIET)
    axes = paper.bare(MARGIN, top, across * scale, high * scale)
    axes.imshow(sheet, interpolation="antialiased", aspect="auto")
    _mark_wrong(axes, wall, sheet.shape[1] / wall.grid[1])
    return paper.figure


def _mark_wrong(axes: Axes, wall: Wall, side: float) -> None:
    """A stroke along the lower edge of each image that is taken for something else."""
    wrong = wall.cells[wall.right == 0] * side
    ends = [((x + 0.5, y + side - 1.5), (x + side - 2.5, y + side - 1.5)) for y, x in wrong]
    axes.add_collection(LineCollection(ends, colors=WRONG, linewidths=max(0.6, side / 28), capstyle="butt"))
