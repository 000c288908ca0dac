"""The figure of maximized pictures: a sheet, under each what it is for, what it reaches, and what the best real one does."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from seethrough.features.maximized import Maximized
from seethrough.show.language import measured
from seethrough.show.lettering import families, wrap
from seethrough.show.maximized_words import ONLY_SHOWN, REAL_BEST, STARTED, said, short_name, title, verdict
from seethrough.show.paper import LETTERS_PER_INCH, QUIET, Paper, spoken
from seethrough.show.words import WATERMARK, note_words

BAR, REAL, WRONG, GROUND = "#3a6ea5", "#c8663b", "#b3261e", "#ececf0"
WIDTH, MARGIN, GAP = 9.6, 0.45, 0.16  # inches
CAPTION = 0.52  # inches under a picture: name, bar, real best
LARGEST = 3.0  # inches a side of a picture
MOST = 64
COARSE = 64  # pixels a side up to which a picture is drawn smoother than it is
LINE = 0.16

__all__ = ["composed", "draw", "said"]


def draw(result: Maximized, *, language: str = "en", told: bool = True) -> Figure:
    """Draw the sheet.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    told
        With title and sentences; a page has its own.
    """
    return _Sheet(result, *spoken(language), told=told).draw()


def composed(result: Maximized) -> np.ndarray:
    """The pictures as they are drawn, uint8 (K, H, W, 3): MACO's on white by their opacity, others as they are."""
    if result.settings.get("parametrization") != "maco":
        return result.pictures
    alpha = result.opacity[..., None]
    return np.rint(result.pictures * alpha + 255 * (1 - alpha)).astype(np.uint8)


class _Sheet:
    """The figure in the making; places are inches from the upper left corner."""

    def __init__(self, result: Maximized, language: str, remark: str, *, told: bool) -> None:
        self.result, self.language, self.told = result, language, told
        self.cells: list[int | None] = [*([None] if result.started is not None else []), *range(min(MOST, len(result)))]
        self.random = any(note.name == "random_weights" for note in result.notes)
        sentences = [said(result).in_(language)] if told else []
        if len(result) > MOST:
            sentences.append(ONLY_SHOWN.say(language, shown=MOST, count=len(result)))
        sentences += [note_words(n).in_(language) for n in result.notes if n.level != "info"] if told else []
        wide = (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH
        self.lines = [line for text in [*sentences, *([remark] if remark else [])] for line in wrap(text, wide)]
        height, width = result.pictures.shape[1:3]
        self.columns = _columns(len(self.cells), width / height)
        self.across = min(LARGEST, (WIDTH - 2 * MARGIN - (self.columns - 1) * GAP) / self.columns)
        self.down = self.across * height / width
        self.top = (0.85 if told else MARGIN / 2) + LINE * len(self.lines) + (0.15 if self.lines else 0)
        rows = math.ceil(len(self.cells) / self.columns)
        self.height = self.top + rows * (self.down + CAPTION + GAP) + MARGIN / 2
        self.paper = Paper(WIDTH, self.height)

    def draw(self) -> Figure:
        if self.told:
            self.paper.write(MARGIN, 0.3, title(self.result).in_(self.language), size=15, weight="bold")
        first = 0.78 if self.told else MARGIN / 2
        for i, line in enumerate(self.lines):
            self.paper.write(MARGIN, first + LINE * i, line)
        pictures = composed(self.result)
        for at, k in enumerate(self.cells):
            row, column = divmod(at, self.columns)
            left = MARGIN + column * (self.across + GAP)
            top = self.top + row * (self.down + CAPTION + GAP)
            self._picture(left, top, self.result.started if k is None else pictures[k])
            if k is None:
                self.paper.write(left, top + self.down + 0.06, STARTED.in_(self.language), colour=QUIET)
            else:
                self._caption(left, top + self.down + 0.06, k)
        return self.paper.figure

    def _picture(self, left: float, top: float, pixels: np.ndarray | None) -> None:
        if pixels is None:
            return
        axes = self.paper.bare(left, top, self.across, self.down)
        fine = max(pixels.shape[:2]) > COARSE
        axes.imshow(pixels, aspect="auto", interpolation="antialiased" if fine else "bicubic")
        if self.random:
            axes.text(
                0.5, 0.5, WATERMARK.in_(self.language), transform=axes.transAxes, ha="center", va="center", rotation=24,
                fontsize=max(7, 6 * self.across), weight="bold", color="white", family=families(),
                bbox={"facecolor": WRONG, "edgecolor": "none", "alpha": 0.6, "pad": 3},
            )  # fmt: skip

    def _caption(self, left: float, top: float, k: int) -> None:
        """The name and the number reached, and beneath a bar with a mark where the best real picture is."""
        result = self.result
        reached = measured(float(result.reached[k]))
        room = int((self.across - 0.1) * LETTERS_PER_INCH) - len(reached)
        name = short_name(result, k)
        self.paper.write(left, top, name if len(name) <= room else name[: max(1, room - 1)] + "…", weight="bold")
        self.paper.write(left + self.across, top, reached, align="right")
        wrong = verdict(result, k)
        if result.best_real is not None:
            self._bar(left, top + 0.185, float(result.reached[k]), float(result.best_real[k]))
            real = REAL_BEST.say(self.language, value=measured(float(result.best_real[k])))
            self.paper.write(left + self.across, top + 0.25, real, size=6.5, colour=REAL, align="right")
        if wrong is not None:
            self.paper.write(
                left,
                top + (0.25 if result.best_real is not None else 0.17),
                wrong.in_(self.language),
                size=6.5,
                colour=WRONG,
            )

    def _bar(self, left: float, top: float, reached: float, real: float) -> None:
        axes = self.paper.bare(left, top, self.across, 0.055)
        low, high = min(0.0, reached, real), max(0.0, reached, real)
        axes.set_xlim(low, high if high > low else low + 1)
        axes.set_ylim(0, 1)
        axes.axhspan(0, 1, color=GROUND)
        axes.barh(0.5, reached, height=1, color=BAR)
        axes.axvline(real, color="white", linewidth=5)
        axes.axvline(real, color=REAL, linewidth=3)


def _columns(cells: int, aspect: float) -> int:
    """Few pictures large, many in rows of up to eight."""
    if cells <= 3:
        return cells
    return max(2, min(8, cells, round(math.sqrt(cells / aspect) * 1.3)))
