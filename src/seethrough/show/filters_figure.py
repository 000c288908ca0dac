"""The figure of filters: every kernel as a tile with its number, the scale they share, and what is to be noticed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seethrough.anatomy.filter_findings import DEAD, DOMINATING
from seethrough.anatomy.filters import Filters, LayerFilters
from seethrough.show.colour import table
from seethrough.show.filter_finding_words import name_of, otherwise, sentence
from seethrough.show.filters_tiles import MID_GREY, Drawn, draw_tiles, enlarged
from seethrough.show.filters_words import (
    COMPOSED,
    COMPOSED_EXACT,
    FIRST,
    FIRST_LAYERS,
    OWN_SCALES,
    SIZES,
    form,
    said,
    title,
)
from seethrough.show.language import Both, measured, plain
from seethrough.show.lettering import families, wrap
from seethrough.show.paper import INK, LETTERS_PER_INCH, LINE, QUIET, Paper, spoken
from seethrough.show.words import WATERMARK, note_words

CAREFUL = "#8a4b00"
BAR = "#3a6ea5"
WIDTH, MARGIN = 10.4, 0.5  # inches
LINE_HEIGHT = 0.155
GAP, NUMBER = 0.1, 0.17  # inches, between tiles and for their numbers
MOST_TILES, MOST_STRIPS, MOST_LAYERS = 128, 48, 4
NARROWEST, WIDEST = 0.5, 0.86  # inches, of a tile
STRIP, LEAD = 2.25, 0.34  # inches, of a strip, and in front of it for its number


def draw(filters: Filters, *, language: str = "en") -> Figure:
    """Draw the filters of some layers: at most `MOST_LAYERS` of them, and the first filters of each.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    return _Sheet(filters, *spoken(language)).draw()


@dataclass(frozen=True, eq=False)
class _Grid:
    """How the tiles of a layer stand, in inches.

    ``lead`` is the width in front of a strip that holds its number; ``beside`` that of the composed kernel and its gap. Both are 0 for
    tiles whose number stands below.
    """

    drawn: Drawn
    columns: int
    wide: float
    high: float
    lead: float = 0.0
    beside: float = 0.0

    @property
    def rows(self) -> int:
        return math.ceil(len(self.drawn.tiles) / self.columns)

    @property
    def below(self) -> float:
        """For the numbers under a tile."""
        return NUMBER if not self.lead or any(tile.parts for tile in self.drawn.tiles) else 0.04

    @property
    def cell(self) -> float:
        """The width of a tile with what belongs to it."""
        return self.lead + self.beside + self.wide

    @property
    def height(self) -> float:
        return self.rows * (self.high + self.below + GAP)


def _grid(layer: LayerFilters) -> _Grid:
    kernels, inner = layer.kernels, WIDTH - 2 * MARGIN
    strips = layer.composed is not None or (
        len(kernels.places) > 1 and kernels.weights.shape[1] > 1 and not kernels.in_colour
    )
    drawn = draw_tiles(layer, MOST_STRIPS if strips else MOST_TILES)
    height, width = drawn.tiles[0].pixels.shape[:2]
    if strips:
        high = min(0.5, STRIP * height / width)
        beside = high + 0.06 if any(tile.composed is not None for tile in drawn.tiles) else 0.0
        wide = high * width / height
        columns = max(1, int((inner + GAP) / (LEAD + beside + wide + GAP)))
        return _Grid(drawn, columns, wide, high, LEAD, beside)
    across = math.ceil(math.sqrt(2 * len(drawn.tiles) * height / width))
    wide = min(WIDEST * max(1, math.sqrt(width / height)), max(NARROWEST, inner / across - GAP))
    return _Grid(drawn, max(1, int((inner + GAP) / (wide + GAP))), wide, wide * height / width)


class _Sheet:
    """The figure in the making; places are inches from the upper left corner."""

    def __init__(self, filters: Filters, language: str, remark: str) -> None:
        self.filters, self.language = filters, language
        self.layers = list(filters.values())[:MOST_LAYERS]
        self.grids = [_grid(layer) for layer in self.layers]
        self.random = any(note.name == "random_weights" for note in filters.notes)
        notes = [note_words(note).in_(language) for note in filters.notes]
        more = (
            [FIRST_LAYERS.say(language, shown=len(self.layers), all=len(filters))]
            if len(filters) > len(self.layers)
            else []
        )
        self.opening = self._wrapped([said(filters).in_(language), *more, *notes, *([remark] if remark else [])])
        self.texts = [self._reading(layer, grid) for layer, grid in zip(self.layers, self.grids)]
        self.found = [self._findings(layer) for layer in self.layers]
        tops = [0.95 + LINE_HEIGHT * len(self.opening)]
        for grid, text, found in zip(self.grids, self.texts, self.found):
            rows = LINE_HEIGHT * (len(text) + sum(len(lines) for _, lines in found))
            tops.append(tops[-1] + 0.3 + rows + 0.62 + grid.height + 1.25 + 0.08 * len(found) + 0.35)
        self.tops, self.height = tops, tops[-1] + 0.1
        self.paper = Paper(WIDTH, self.height)

    def draw(self) -> Figure:
        self.paper.write(MARGIN, 0.35, title(self.filters).in_(self.language), size=15, weight="bold")
        self._lines(MARGIN, 0.78, self.opening, INK)
        for at in range(len(self.layers)):
            self._layer(at)
        return self.paper.figure

    def _layer(self, at: int) -> None:
        layer, grid, y = self.layers[at], self.grids[at], self.tops[at]
        if len(self.layers) > 1:
            self.paper.write(MARGIN, y, plain(layer.path, 80), size=11, weight="bold")
            y += 0.3
        self._lines(MARGIN, y, self.texts[at], QUIET)
        y += LINE_HEIGHT * len(self.texts[at]) + 0.12
        self._legend(grid.drawn, y)
        y += 0.42
        self._tiles(layer, grid, y)
        y += grid.height + 0.12
        self._sizes(layer, y)
        y += 1.2
        for finding_level, lines in self.found[at]:
            self.paper.write(
                MARGIN,
                y,
                "▲" if finding_level == "warning" else "●",
                colour=CAREFUL if finding_level == "warning" else QUIET,
            )
            self._lines(MARGIN + 0.2, y, lines, INK)
            y += LINE_HEIGHT * len(lines) + 0.08

    def _tiles(self, layer: LayerFilters, grid: _Grid, top: float) -> None:
        """All tiles on one pair of axes, in inches."""
        width = WIDTH - 2 * MARGIN
        axes = self.paper.axes(MARGIN, top, width, grid.height)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(grid.height, 0)
        step = grid.cell + min(0.4, (width + GAP - grid.columns * grid.cell) / grid.columns)
        for i, (k, tile) in enumerate(zip(layer.channels, grid.drawn.tiles)):
            row, column = divmod(i, grid.columns)
            x, y = column * step, row * (grid.high + grid.below + GAP)
            self._number(axes, layer, int(k), grid, x, y)
            if tile.composed is not None:
                self._image(axes, tile.composed, x + grid.lead, y, grid.high, grid.high)
            x += grid.lead + grid.beside
            self._image(axes, tile.pixels, x, y, grid.wide, grid.high)
            for part, channel in enumerate(tile.parts):
                middle = x + grid.wide * (part + 0.5) / len(tile.parts)
                self._small(axes, middle, y + grid.high + 0.03, str(channel), size=5.5, align="center")

    def _image(self, axes: Axes, pixels: np.ndarray, x: float, y: float, wide: float, high: float) -> None:
        times = max(1, math.ceil(120 / max(pixels.shape[:2])))
        axes.imshow(enlarged(pixels, times), extent=(x, x + wide, y + high, y), aspect="auto", interpolation="nearest")
        axes.set_xlim(0, WIDTH - 2 * MARGIN)

    def _number(self, axes: Axes, layer: LayerFilters, k: int, grid: _Grid, x: float, y: float) -> None:
        """A filter's number, with what is noticed in it where there is room: in front of a strip, under any other tile."""
        warned = [f for f in layer.noticed(k) if f.level == "warning"]
        words = " ".join([str(k), *(name_of(f.name).in_(self.language) for f in warned)])
        room = (grid.lead or grid.wide + GAP) * 17
        label = words if len(words) <= room else f"{k} ▲"
        place = (x, y) if grid.lead else (x, y + grid.high + 0.03)
        self._small(axes, *place, label, colour=CAREFUL if warned else QUIET, weight="bold" if warned else "normal")

    def _small(
        self,
        axes: Axes,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 6.5,
        colour: str = QUIET,
        weight: str = "normal",
        align: str = "left",
    ) -> None:
        axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=colour,
            weight=weight,
            ha=align,
            va="top",
            family=families(),
            parse_math=False,
        )

    def _legend(self, drawn: Drawn, top: float) -> None:
        if drawn.scale is None:
            return
        axes = self.paper.axes(MARGIN, top, 2.6, 0.1)
        axes.set_axis_off()
        grey = np.rint(MID_GREY * (1 + np.linspace(-1, 1, 255))).astype(np.uint8)
        ramp = np.stack([grey] * 3, axis=1) if drawn.in_colour else table(True)
        axes.imshow(ramp[None], aspect="auto", interpolation="nearest")
        limit = measured(drawn.scale.limit)
        for place, text, align in ((0, f"−{limit}", "left"), (1.3, "0", "center"), (2.6, limit, "right")):
            self.paper.write(MARGIN + place, top + 0.13, text, size=7, colour=QUIET, align=align)
        if self.random:
            self.paper.write(MARGIN + 3.0, top, WATERMARK.in_(self.language), size=11, weight="bold", colour="#b3261e")

    def _sizes(self, layer: LayerFilters, top: float) -> None:
        """A bar for each filter of the layer: its size over the median, on a logarithmic axis."""
        self.paper.write(MARGIN, top, SIZES.in_(self.language), size=7.5, colour=QUIET)
        relative = np.nan_to_num(layer.measures.relative)
        axes = self.paper.axes(MARGIN + 0.42, top + 0.2, WIDTH - 2 * MARGIN - 0.42, 0.72)
        axes.set_yscale("log")
        floor, ceiling = DEAD / 3, max(DOMINATING * 2, float(relative.max(initial=1)) * 1.5)
        odd = (relative < DEAD) | ((relative > DOMINATING) & layer.kernels.shared)
        colours = [CAREFUL if one else BAR for one in odd]
        places = np.arange(len(relative))
        axes.vlines(
            places, floor, np.maximum(relative, floor * 1.3), colors=colours, linewidth=min(3.0, 420 / len(places))
        )
        axes.set_ylim(floor, ceiling)
        axes.set_xlim(-0.8, len(places) - 0.2)
        axes.axhline(1, color=INK, linewidth=0.5)
        axes.axhline(DOMINATING, color=LINE, linewidth=0.7)
        axes.axhline(DEAD, color=LINE, linewidth=0.7)
        axes.set_yticks([DEAD, 0.1, 1, DOMINATING], ["0.001", "0.1", "1", "10"], fontsize=6, color=QUIET)
        axes.minorticks_off()
        axes.tick_params(length=0, labelsize=6, labelcolor=QUIET)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(LINE)

    def _reading(self, layer: LayerFilters, grid: _Grid) -> list[str]:
        """What the layer's kernels are, and how its tiles are read."""
        texts = [form(layer), *grid.drawn.reading, *told_of_composed(layer)]
        if len(grid.drawn.tiles) < len(layer.channels):
            texts.append(FIRST.fill(shown=len(grid.drawn.tiles), all=len(layer.channels)))
        return self._wrapped([" ".join(t.en for t in texts) if self.language == "en" else "".join(t.zh for t in texts)])

    def _findings(self, layer: LayerFilters) -> list[tuple[str, list[str]]]:
        width = (WIDTH - 2 * MARGIN - 0.2) * LETTERS_PER_INCH
        join = " " if self.language == "en" else ""
        told = [(f.level, join.join(t.in_(self.language) for t in (sentence(f), otherwise(f)))) for f in layer.findings]
        return [(level, wrap(text, width)) for level, text in told]

    def _wrapped(self, texts: Sequence[str]) -> list[str]:
        return [line for text in texts for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)]

    def _lines(self, left: float, top: float, lines: Sequence[str], colour: str) -> None:
        for i, line in enumerate(lines):
            self.paper.write(left, top + LINE_HEIGHT * i, line, colour=colour)


def told_of_composed(layer: LayerFilters) -> tuple[Both, ...]:
    """How the composed kernels are read; nothing where there are none."""
    composed = layer.composed
    if composed is None:
        return ()
    through = ", ".join(plain(path, 60) for path in composed.through)
    if composed.rectifiers == 0:
        return COMPOSED_EXACT.fill(layers=through), OWN_SCALES
    return COMPOSED.fill(layers=through, kept=float(np.mean(composed.kept))), OWN_SCALES


__all__ = ["draw", "said", "told_of_composed"]
