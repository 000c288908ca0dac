"""The figure of units: a row a unit, its best crops, and what it is in words."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seethrough.features.unit_crops import Sight, crops
from seethrough.features.units import LayerUnits, Units
from seethrough.show.language import Both, plain
from seethrough.show.lettering import wrap
from seethrough.show.paper import LETTERS_PER_INCH, QUIET, Paper, spoken
from seethrough.show.tiles import sheet
from seethrough.show.unit_tiles import tile
from seethrough.show.units_words import best_items, crops_words, layer_words, unit_words

MOST_ROWS = 12
"""Units drawn; with more of them, those that fire strongly most rarely, which say most."""

SIDE, GAP = 150, 6  # pixels, of a crop
CROP, WORDS, MARGIN, TOP = 1.0, 3.4, 0.4, 0.75  # inches: a crop's side, the words beside, the rim, the title
LINE = 0.16


def draw(units: Units, *, language: str = "en") -> Figure:
    """Draw some units of the first layer: its best crops, and a sentence.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    language, remark = spoken(language)
    layer = next(iter(units.values()))
    rows = telling(layer)
    pictures = _strips(units, layer, rows)
    shown = max(layer.best.items.shape[1], 1)
    width = 2 * MARGIN + shown * CROP + 0.25 + WORDS
    told = [said(units).in_(language), crops_words(layer.layer).in_(language)]
    lines = [line for text in told for line in wrap(text, (width - 2 * MARGIN) * LETTERS_PER_INCH)]
    lines += [remark] if remark else []
    top = TOP + LINE * len(lines) + 0.2
    height = top + len(rows) * CROP * 1.06 + MARGIN
    paper = Paper(width, height)
    paper.write(MARGIN, 0.3, plain(layer.path, longest=60), size=15, weight="bold")
    for i, line in enumerate(lines):
        paper.write(MARGIN, TOP + LINE * i, line, colour=QUIET)
    for i, (row, strip) in enumerate(zip(rows, pictures)):
        down = top + i * CROP * 1.06
        paper.bare(MARGIN, down, shown * CROP, CROP).imshow(strip, aspect="auto", interpolation="none")
        left = MARGIN + shown * CROP + 0.25
        paper.write(left, down + 0.02, str(layer.channels[row]), size=11, weight="bold")
        words = unit_words(units, layer, row).in_(language)
        for k, line in enumerate(wrap(words, WORDS * LETTERS_PER_INCH)[:5]):
            paper.write(left, down + 0.25 + LINE * k, line)
    return paper.figure


def said(units: Units) -> Both:
    """The figure for those who can't see it."""
    return layer_words(units, next(iter(units.values())))


def telling(layer: LayerUnits) -> list[int]:
    """The rows that are drawn, in order: all, or those that fire strongly most rarely; silent ones last."""
    if len(layer) <= MOST_ROWS:
        return list(range(len(layer)))
    order = np.lexsort((np.arange(len(layer)), layer.spread.strong, layer.spread.silent))
    return sorted(int(row) for row in order[:MOST_ROWS])


def _strips(units: Units, layer: LayerUnits, rows: list[int]) -> list[NDArray[np.uint8]]:
    """A row of crops for each unit; white where there is none."""
    top = layer.best.items.shape[1]
    tiles = np.full((len(rows) * top, SIDE, SIDE, 3), 255, np.uint8)
    where = [(i * top + k, row, k) for i, row in enumerate(rows) for k in best_items(layer, row)]
    sights = [
        Sight(layer.layer, int(layer.channels[row]), int(layer.best.items[row, k]), int(layer.best.places[row, k]))
        for _, row, k in where
    ]
    for number, crop in crops(units.net, units.collection, sights):
        tiles[where[number][0]] = tile(crop, SIDE)
    return [sheet(tiles[i * top : (i + 1) * top], top, gap=GAP) for i in range(len(rows))]
