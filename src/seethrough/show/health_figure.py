"""The figure of a network's health: every unit of every layer by how often it fires, and the layers' measures under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from seethrough.condition.compare import MEASURES as NUMBERS
from seethrough.condition.compare import measures
from seethrough.condition.health import Health
from seethrough.condition.layer import LayerHealth
from seethrough.show import health_words as words
from seethrough.show.colour import STEPS, table
from seethrough.show.language import measured, percent, plain
from seethrough.show.lettering import families, wrap
from seethrough.show.paper import INK, LETTERS_PER_INCH, LINE, QUIET, Paper, spoken

DEAD, OTHER = (200, 40, 40), "#c8663b"
BAR = "#3a6ea5"
LINEAR = (228, 228, 232)
"""Units without a rectifier, of which it says nothing that they are above zero half of the time."""

WIDTH, MARGIN, NAMES = 11.5, 0.5, 1.25  # inches; NAMES: for the measures' names
STRIP, ROW, GAP = 2.9, 0.42, 0.16  # inches
CELLS = 240  # units drawn of a layer, down
LINE_HEIGHT = 0.165
TOLD = 7  # findings in words
MOST_NAMES = 60  # layers' names under the strip

said = words.said
"""The sentence for those who can't see the figure."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """A row under the strip."""

    name: str
    logarithmic: bool = False


ROWS = (_Measure("alike"), _Measure("rank"), _Measure("saturated"), _Measure("selectivity"), _Measure("rms", True))


def draw(health: Health, *, language: str = "en", told: bool = True) -> Figure:
    """Draw a network's health.

    Parameters
    ----------
    told
        Whether its title stands above it and the worst findings under it in words.
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    return _Sheet(health, *spoken(language), told).draw()


class _Sheet:
    """The figure in the making; places are inches from the upper left corner."""

    def __init__(self, health: Health, language: str, remark: str, told: bool) -> None:
        self.health, self.language = health, language
        self.shown = [health] if health.other is None else [health, health.other]
        self.rows = [row for row in ROWS if self._has(row)]
        self.titled = told
        summary = [words.said(health), words.compared(health), words.passed(health)] if told else []
        self.told = self._lines([*(t.in_(language) for t in summary), remark])
        self.found = self._findings() if told else []
        self.strip_top = (1.15 if told else 0.4) + LINE_HEIGHT * len(self.told)
        self.rows_top = self.strip_top + len(self.shown) * (STRIP + 0.3)
        self.names_top = self.rows_top + len(self.rows) * (ROW + GAP) + (ROW + GAP if health.strides else 0)
        longest = max(len(plain(layer.path, longest=24)) for layer in health.layers)
        self.found_top = self.names_top + 0.35 + 0.075 * longest
        height = self.found_top + (LINE_HEIGHT * len(self.found) + MARGIN if self.found else 0)
        self.height = height
        self.paper = Paper(WIDTH, height)

    def draw(self) -> Figure:
        if self.titled:
            self.paper.write(MARGIN, 0.35, words.title(self.health).in_(self.language), size=15, weight="bold")
        for i, line in enumerate(self.told):
            self.paper.write(MARGIN, 0.78 + LINE_HEIGHT * i, line)
        for k, health in enumerate(self.shown):
            self._strip(health, self.strip_top + k * (STRIP + 0.3), named=len(self.shown) > 1)
        top = self.rows_top
        for row in self.rows:
            self._row(row, top)
            top += ROW + GAP
        if self.health.strides:
            self._strides(top)
        self._layer_names()
        for i, (line, weight) in enumerate(self.found):
            self.paper.write(MARGIN, self.found_top + LINE_HEIGHT * i, line, weight=weight)
        return self.paper.figure

    # --- the strip ----------------------------------------------------------------------------------------------------

    def _strip(self, health: Health, top: float, *, named: bool) -> None:
        legend = words.COLUMNS_OF_UNITS.in_(self.language)
        self.paper.write(MARGIN, top - 0.2, f"{words.name_of(health)} · {legend}" if named else legend, colour=QUIET)
        axes = self.paper.axes(self._strip_left, top, self._strip_width, STRIP)
        columns = [column(layer) for layer in health.layers]
        picture = np.full((CELLS, 5 * len(columns), 3), 255, np.uint8)
        for i, colours in enumerate(columns):
            picture[:, 5 * i : 5 * i + 4] = colours[:, None]
        axes.imshow(picture, aspect="auto", interpolation="nearest", extent=(-0.5, len(columns) - 0.5, 0, 1))
        axes.set_axis_off()
        counts = f"{health.layers[0].channels} … {health.layers[-1].channels}"
        self.paper.write(MARGIN, top + STRIP / 2, words.UNITS_HEAD.in_(self.language), weight="bold")
        self.paper.write(MARGIN, top + STRIP / 2 + 0.18, counts, colour=QUIET)

    # --- the measures -------------------------------------------------------------------------------------------------

    def _row(self, row: _Measure, top: float) -> None:
        self.paper.write(MARGIN, top + ROW / 2 - 0.06, words.MEASURES[row.name].in_(self.language), weight="bold")
        axes = self.paper.axes(self._strip_left, top, self._strip_width, ROW)
        at = NUMBERS.index(row.name)
        numbers = np.array([measures(layer)[at] for layer in self.health.layers])
        self._bars(axes, numbers, row)
        for other, here in self._beside(at):
            axes.plot(other, here, "_", color=OTHER, markersize=7, markeredgewidth=1.6)
        top_number = np.nanmax(numbers)
        self._end(top, measured(top_number) if row.logarithmic else "100 %")

    def _beside(self, at: int) -> list[tuple[int, float]]:
        """The other network's numbers, at the columns of the layers that they stand beside."""
        if self.health.comparison is None:
            return []
        columns = {layer.path: i for i, layer in enumerate(self.health.layers)}
        found = [(columns[m.layer], m.second[at]) for m in self.health.comparison.matched]
        return [(i, n) for i, n in found if np.isfinite(n)]

    def _bars(self, axes: Axes, numbers: NDArray[np.float64], row: _Measure) -> None:
        at = np.arange(len(numbers))
        known = np.isfinite(numbers) & (numbers > 0 if row.logarithmic else True)
        if row.logarithmic:
            axes.set_yscale("log")
            low, high = float(numbers[known].min()), float(numbers[known].max())
            axes.set_ylim(low / 2, high * 2)
            axes.bar(at[known], numbers[known] - low / 2, bottom=low / 2, width=0.8, color=BAR)
        else:
            axes.set_ylim(0, 1)
            axes.bar(at[known], numbers[known], width=0.8, color=BAR)
        self._quiet(axes, len(numbers))

    def _strides(self, top: float) -> None:
        self.paper.write(MARGIN, top + ROW / 2 - 0.06, words.MEASURES["lost"].in_(self.language), weight="bold")
        axes = self.paper.axes(self._strip_left, top, self._strip_width, ROW)
        conv = {layer.path: i for i, layer in enumerate(self.health.layers)}
        worst = {f.layer for f in self.health.findings if f.name == "aliasing"}
        for stride in self.health.strides:
            at = conv.get(stride.path, stride.before - 0.5)
            colour = "#b3261e" if stride.path in worst else BAR
            axes.bar(at, max(stride.whole, 0.01), width=0.5, color=colour)
            axes.annotate(
                f"÷{max(stride.step)}  {percent(stride.whole, self.language)}", (at, stride.whole), (0, 2),
                textcoords="offset points", ha="center", fontsize=6, color=INK, family=families(), annotation_clip=False,
            )  # fmt: skip
        axes.set_ylim(0, 1)
        self._quiet(axes, len(self.health.layers))
        self._end(top, "100 %")

    def _quiet(self, axes: Axes, layers: int) -> None:
        axes.set_xlim(-0.5, layers - 0.5)
        axes.xaxis.set_major_locator(NullLocator())
        axes.yaxis.set_major_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(LINE)

    def _end(self, top: float, text: str) -> None:
        self.paper.write(WIDTH - MARGIN + 0.04, top, text, colour=QUIET, size=6)

    def _layer_names(self) -> None:
        layers = self.health.layers
        every = -(-len(layers) // MOST_NAMES)
        width = self._strip_width / len(layers)
        for i in range(0, len(layers), every):
            x = self._strip_left + (i + 0.5) * width
            self.paper.figure.text(
                x / WIDTH, 1 - (self.names_top + 0.05) / self.height, plain(layers[i].path, longest=24), rotation=90, ha="center",
                va="top", fontsize=6.5, color=QUIET, family=families(), parse_math=False,
            )  # fmt: skip

    # --- pieces -------------------------------------------------------------------------------------------------------

    @property
    def _strip_left(self) -> float:
        return MARGIN + NAMES

    @property
    def _strip_width(self) -> float:
        return WIDTH - MARGIN - self._strip_left

    def _has(self, row: _Measure) -> bool:
        at = NUMBERS.index(row.name)
        numbers = np.array([measures(layer)[at] for layer in self.health.layers])
        known = numbers[np.isfinite(numbers)]
        return bool(known.size and (known > 0).any())

    def _findings(self) -> list[tuple[str, str]]:
        lines: list[tuple[str, str]] = []
        for finding in self.health.findings[:TOLD]:
            lines.append((words.heading(finding).in_(self.language), "bold"))
            lines += [(line, "normal") for line in self._lines([words.sentence(finding).in_(self.language)])]
        if not self.health.findings:
            lines.append((words.NOTHING.in_(self.language), "bold"))
        return lines

    def _lines(self, texts: Sequence[str]) -> list[str]:
        return [line for text in texts if text for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)]


def column(layer: LayerHealth) -> NDArray[np.uint8]:
    """A layer's units from top to bottom as colours, uint8 (`CELLS`, 3): those that fire most often above, the dead below."""
    order = np.lexsort((layer.frequency, ~layer.dead))
    colours = table(False)[np.rint(np.clip(layer.frequency[order], 0, 1) * STEPS).astype(int)]
    if layer.activation is None:
        colours[:] = LINEAR
    colours[layer.dead[order]] = DEAD
    rows = np.floor(np.linspace(layer.channels - 1e-9, 0, CELLS, endpoint=False)).astype(int)
    return colours[np.clip(rows, 0, layer.channels - 1)]
