"""The figure of activations: the picture, and of each layer the strongest channels in the colours of one scale."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seethrough.features.activations import Activations, LayerActivations
from seethrough.show import activations_words as words
from seethrough.show.activations_words import said
from seethrough.show.colour import STEPS, scale_of, table
from seethrough.show.language import Both, measured, plain
from seethrough.show.lettering import families, wrap
from seethrough.show.paper import INK, LETTERS_PER_INCH, LINE, QUIET, Paper, spoken
from seethrough.show.reading import RANDOM_WEIGHTS
from seethrough.show.shrink import shrink_pixels
from seethrough.show.tiles import coloured
from seethrough.show.words import WATERMARK, note_words

WIDTH, MARGIN = 9.6, 0.5  # inches
PICTURE = 1.9  # inches, the longest side
MOST_PICTURES = 9
MOST_LAYERS = 24
COLUMNS, COLUMNS_ALONE = 16, 10
ROWS, ROWS_FEW, ROWS_ALONE = 1, 2, 6
FEW_LAYERS = 6
GAP, LABEL = 0.05, 0.12  # inches, between tiles and for their numbers
TALLEST = 1.1  # inches, of a tile
BARS, BAR_HEIGHT = 64, 0.8
LINE_HEIGHT = 0.16

__all__ = ["draw", "said"]


def draw(found: Activations, *, language: str = "en") -> Figure:
    """Draw what layers give for a picture; of several pictures, the mean of what they give.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    return _Sheet(found, *spoken(language)).draw()


def limits_of(found: Activations) -> list[NDArray[np.float64]]:
    """For each layer where its channels' colours end under the scale in force, (K, 1, 1) or (1, 1, 1); 0 where flat."""
    maps = [shown(layer) for layer in found.values()]
    if found.scale == "unit":
        return [np.nan_to_num(np.abs(m)).max(axis=(1, 2), keepdims=True).astype(np.float64) for m in maps]
    ends = [_end(m) for m in maps]
    shared = max(ends, default=0.0)
    return [np.full((1, 1, 1), shared if found.scale == "network" else end) for end in ends]


def shown(layer: LayerActivations) -> NDArray[np.float32]:
    """What is drawn of a layer, (K, h, w): the maps of the one picture, or the mean of several."""
    return layer.drawn.mean(0)


def _end(maps: NDArray[np.floating]) -> float:
    finite = maps[np.isfinite(maps)]
    return scale_of(finite, signed=True).limit if finite.size and finite.any() else 0.0


class _Sheet:
    """The figure in the making; places are inches from the upper left corner."""

    def __init__(self, found: Activations, language: str, remark: str) -> None:
        self.found, self.language = found, language
        self.layers = list(found.values())[:MOST_LAYERS]
        self.limits = limits_of(found)
        alone, few = len(self.layers) == 1, len(self.layers) <= FEW_LAYERS
        self.columns = COLUMNS_ALONE if alone else COLUMNS
        self.rows = ROWS_ALONE if alone else ROWS_FEW if few else ROWS
        self.tile = (WIDTH - 2 * MARGIN - GAP * (self.columns - 1)) / self.columns
        self.beside = MARGIN + PICTURE + 0.3
        self.lead = self._wrapped([said(found)], WIDTH - MARGIN - self.beside)
        self.quiet = self._wrapped([*self._remarks(), *([Both(remark, remark)] if remark else [])])
        self.pictures = found.pictures[:MOST_PICTURES]
        self.beneath = math.ceil(math.sqrt(len(self.pictures)))  # pictures side by side, and one below the other
        self.picture_height = max(self._fitted(*picture.size)[0] for picture in self.pictures)
        self.captions = [
            self._wrapped([words.caption(layer, self._most(layer))], WIDTH - 2 * MARGIN) for layer in self.layers
        ]
        self.top = 0.85 + max(self._pictures_height(), LINE_HEIGHT * (len(self.lead) + len(self.quiet)) + 0.25) + 0.4
        self.heights = [
            0.24 + LINE_HEIGHT * len(c) + self._tall(layer) + 0.3 for c, layer in zip(self.captions, self.layers)
        ]
        self.height = self.top + sum(self.heights) + 0.2
        self.paper = Paper(WIDTH, self.height)

    def draw(self) -> Figure:
        self.paper.write(MARGIN, 0.3, words.title(self.found).in_(self.language), size=14, weight="bold")
        self._draw_pictures()
        self._lines(self.beside, 0.87, self.lead, INK)
        self._lines(self.beside, 0.97 + LINE_HEIGHT * len(self.lead), self.quiet, QUIET)
        top = self.top
        for layer, limits, caption, height in zip(self.layers, self.limits, self.captions, self.heights):
            self._layer(layer, limits, caption, top)
            top += height
        if any(note.name == RANDOM_WEIGHTS for note in self.found.notes):
            self._watermark()
        return self.paper.figure

    def _fitted(self, height: int, width: int) -> tuple[float, float]:
        """Inches of a picture among those that are drawn."""
        side = PICTURE / self.beneath - (GAP if self.beneath > 1 else 0)
        return side * height / max(height, width), side * width / max(height, width)

    def _pictures_height(self) -> float:
        return math.ceil(len(self.pictures) / self.beneath) * (self.picture_height + GAP)

    def _draw_pictures(self) -> None:
        for k, picture in enumerate(self.pictures):
            row, column = divmod(k, self.beneath)
            height, width = self._fitted(*picture.size)
            left, top = MARGIN + column * PICTURE / self.beneath, 0.85 + row * (self.picture_height + GAP)
            self.paper.bare(left, top, width, height).imshow(shrink_pixels(picture.pixels, 600), aspect="auto")

    # --- words --------------------------------------------------------------------------------------------------------

    def _remarks(self) -> list[Both]:
        """What may mislead, what the colours mean, and what isn't drawn."""
        limit = max((float(end.max()) for end in self.limits), default=0.0)
        remarks = [note_words(note) for note in self.found.notes]
        remarks.append(words.SCALE[self.found.scale].fill(limit=limit))
        if len(self.found.pictures) > 1:
            mean = words.MEAN_FRAME.fill(count=len(self.found.pictures))
            remarks.append(Both(f"Drawn: {mean.en}.", f"所绘：{mean.zh}。"))
        if len(self.layers) < len(self.found):
            remarks.append(words.MORE_LAYERS.fill(shown=len(self.layers), all=len(self.found)))
        return remarks

    def _wrapped(self, texts: list[Both], width: float | None = None) -> list[str]:
        letters = (WIDTH - MARGIN - self.beside if width is None else width) * LETTERS_PER_INCH
        return [line for text in texts for line in wrap(text.in_(self.language), letters)]

    # --- layers -------------------------------------------------------------------------------------------------------

    def _most(self, layer: LayerActivations) -> int:
        """How many channels of a layer are drawn."""
        return self.rows * self.columns if layer.spread_out else BARS

    def _tall(self, layer: LayerActivations) -> float:
        """Inches that a layer's tiles take."""
        if not layer.spread_out:
            return BAR_HEIGHT + LABEL
        rows = min(self.rows, math.ceil(len(layer.channels) / self.columns))
        return rows * (self._tile_height(layer) + LABEL + GAP)

    def _tile_height(self, layer: LayerActivations) -> float:
        height, width = layer.drawn.shape[2:]
        return min(TALLEST, max(0.08, self.tile * height / width))

    def _layer(self, layer: LayerActivations, limits: NDArray[np.float64], caption: list[str], top: float) -> None:
        maps = shown(layer)
        signed = bool((maps < 0).any())
        self.paper.write(MARGIN, top, plain(layer.path, longest=60) or plain(layer.kind), size=9.5, weight="bold")
        self._legend(top, limits, signed)
        self._lines(MARGIN, top + 0.22, caption, QUIET)
        below = top + 0.24 + LINE_HEIGHT * len(caption) + 0.04
        if not layer.spread_out:
            self._bars(layer, maps[:, 0, 0], float(limits.max()), signed, below)
            return
        order = np.argsort(-layer.measures.strength.mean(0)[layer.channels], kind="stable")
        tall = self._tile_height(layer)
        for k, at in enumerate(order[: self._most(layer)]):
            row, column = divmod(k, self.columns)
            left, down = MARGIN + column * (self.tile + GAP), below + row * (tall + LABEL + GAP)
            end = limits[at if len(limits) > 1 else 0]
            pixels = coloured(maps[at], end, signed=signed)
            smooth = "nearest" if max(maps.shape[1:]) <= 64 else "antialiased"
            self.paper.bare(left, down, self.tile, tall).imshow(pixels, aspect="auto", interpolation=smooth)
            self.paper.write(left, down + tall + 0.015, str(layer.channels[at]), size=5.5, colour=QUIET)

    def _bars(
        self, layer: LayerActivations, values: NDArray[np.float32], limit: float, signed: bool, top: float
    ) -> None:
        """The strongest channels of a layer without places, in the order of their numbers."""
        strongest = np.argsort(-np.nan_to_num(np.abs(values)), kind="stable")[:BARS]
        chosen = strongest[np.argsort(layer.channels[strongest], kind="stable")]
        axes = self.paper.bare(MARGIN, top, WIDTH - 2 * MARGIN, BAR_HEIGHT)
        limit = limit or 1.0
        at = np.clip(np.nan_to_num(values[chosen] / limit), -1, 1)
        colours = table(signed)[np.rint(at * STEPS).astype(int) + (STEPS if signed else 0)] / 255
        axes.bar(np.arange(len(chosen)), at, color=colours, width=0.8, edgecolor=LINE, linewidth=0.4)
        axes.axhline(0, color=LINE, linewidth=0.6)
        axes.set_xlim(-0.6, max(len(chosen), 16) - 0.4)
        axes.set_ylim(-1.02 if signed else 0, 1.02)
        step = (WIDTH - 2 * MARGIN) / max(len(chosen), 16)
        for k in range(0, len(chosen), 2 if len(chosen) > 32 else 1):
            number = str(layer.channels[chosen[k]])
            self.paper.write(MARGIN + k * step, top + BAR_HEIGHT + 0.015, number, size=5.5, colour=QUIET)

    def _legend(self, top: float, limits: NDArray[np.float64], signed: bool) -> None:
        if len(limits) > 1:
            return
        limit = measured(float(limits.max()))
        right, wide = WIDTH - MARGIN, 1.2
        self.paper.write(right, top + 0.01, limit, size=7, colour=QUIET, align="right")
        left = right - 0.65 - wide
        axes = self.paper.bare(left, top + 0.04, wide, 0.07)
        axes.imshow(table(signed)[None], aspect="auto", interpolation="nearest")
        self.paper.write(left - 0.06, top + 0.01, f"−{limit}" if signed else "0", size=7, colour=QUIET, align="right")

    def _watermark(self) -> None:
        self.paper.figure.text(
            0.5, 0.5, WATERMARK.in_(self.language), ha="center", va="center", rotation=24, fontsize=30, weight="bold",
            color="white", alpha=0.9, family=families(),
            bbox={"facecolor": "#b3261e", "edgecolor": "none", "alpha": 0.6, "pad": 7},
        )  # fmt: skip

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _lines(self, left: float, top: float, lines: list[str], colour: str) -> None:
        for k, line in enumerate(lines):
            self.paper.write(left, top + LINE_HEIGHT * k, line, colour=colour)
