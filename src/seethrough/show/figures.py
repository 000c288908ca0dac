"""One result, one figure: the picture with its answers, each method's map beside it with its own legend and sentence.

Figures are plain `matplotlib.figure.Figure` objects; pyplot and its global state are never touched, so drawing works
in threads and without a screen.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seethrough.errors import UsageError
from seethrough.results import Explanation, Guess, Picture
from seethrough.show.colour import faded, overlay, table
from seethrough.show.interface import PAGE
from seethrough.show.language import Both, known_language, measured, percent, plain
from seethrough.show.lettering import NO_CHINESE_FONT, chinese_font, families, wrap
from seethrough.show.reading import (
    Reading,
    as_explanation,
    bar_length,
    general_notes,
    has_random_weights,
    leading,
    left_out_words,
    read,
    was_checked,
    without_left_out,
)
from seethrough.show.shrink import shrink_map, shrink_pixels
from seethrough.show.trust_words import MORE_MAPS, NOT_ASKED
from seethrough.show.trusting import Judgement, agreement_of
from seethrough.show.words import WATERMARK, note_words

OWN_SCALES = Both(
    "Each map has its own scale, given in its legend: methods measure in different units.",
    "每张图各用自己的刻度（见图例）：各方法的单位不同。",
)

INK, QUIET, BAR = "#1d1d1f", "#6e6e73", "#3a6ea5"
VERDICT_COLOURS = {"carries_weight": INK, "with_care": "#8a4b00", "says_nothing": QUIET}
VERDICT_HEIGHT = 0.2  # inches
CELL, GAP, MARGIN = 3.0, 0.35, 0.45  # inches
TALLEST = 3.6  # inches, of a picture
LETTERS_PER_INCH = 15.6  # average Latin characters of 8 points
LINE_HEIGHT = 0.152  # inches, of 8 points
COLUMNS = 5
MOST_IMAGES = 32
MOST_MAPS = 14  # of one picture; with the picture itself three rows
FINEST = 900  # pixels a side of what is drawn
HEADING = 0.55  # inches, of an image's title and name


@dataclass(frozen=True, slots=True)
class _Box:
    """A place on the figure in inches from the upper left corner."""

    left: float
    top: float
    width: float
    height: float


_HOMES = {
    "Activations": "activations_figure",
    "Audit": "audit_figure",
    "Comparison": "compared_figure",
    "Filters": "filters_figure",
    "Health": "health_figure",
    "Maximized": "maximized_figure",
    "MemoryUse": "memory_figure",
    "Proof": "proof_figure",
    "Units": "units_figure",
    "Wall": "wall_figure",
}
"""By the kind of result, the module of this room that draws it: its ``draw(result, language=…)`` gives the figure and its
``said(result)`` the sentence for those who can't see it.
"""


def drawing(result: object) -> ModuleType | None:
    """The module that draws a kind of result; None for explanations, which this one draws."""
    home = _HOMES.get(type(result).__name__)
    return None if home is None else importlib.import_module(f"seethrough.show.{home}")


def figure(result: object, *, language: str = "en") -> Figure:
    """Draw an `Explanation`, an `Attribution`, or any other result that has a figure.

    Where the language is Chinese and no installed font has its characters, the words are English and the figure says
    so.

    Parameters
    ----------
    result
        What to draw; its images one below the other, `MOST_IMAGES` of them at most.
    language
        ``"en"`` or ``"zh"``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        For another kind of result, another language, or more than `MOST_IMAGES` images.
    """
    own = drawing(result)
    if own is not None:
        return own.draw(result, language=language)
    explanation = as_explanation(result)
    if len(explanation.pictures) > MOST_IMAGES:
        raise UsageError(
            f"A figure shows at most {MOST_IMAGES} images, and this result has {len(explanation.pictures)}; save it as "
            ".html, or explain fewer at a time."
        )
    wanted = known_language(language)
    spoken = wanted if wanted == "en" or chinese_font() else "en"
    remark = NO_CHINESE_FONT if spoken != wanted else ""
    return _Sheet(explanation, spoken, remark).draw()


class _Sheet:
    """A figure in the making: where things go, in inches, and the language they are said in."""

    def __init__(self, explanation: Explanation, language: str, remark: str) -> None:
        self.explanation, self.language, self.remark = explanation, language, remark
        self.random = has_random_weights(explanation)
        self.readings = [self._read(image) for image in range(len(explanation.pictures))]
        cells = 1 + min(len(explanation), MOST_MAPS)
        self.rows = math.ceil(cells / COLUMNS)
        self.columns = math.ceil(cells / self.rows)
        self.text_height = LINE_HEIGHT * max((self._lines_below(r) for row in self.readings for r in row), default=10)
        self.width = 2 * MARGIN + self.columns * CELL + (self.columns - 1) * GAP
        self.footer = self._footer_lines()
        tops = [MARGIN]
        for picture in explanation.pictures:
            tops.append(tops[-1] + HEADING + self.rows * self._row_height(picture))
        self.tops = tops
        self.height = tops[-1] + LINE_HEIGHT * len(self.footer) + MARGIN
        self.figure = Figure(figsize=(self.width, self.height), facecolor="white")

    def _read(self, image: int) -> list[Reading]:
        """The maps of an image: all, or of many those that carry most weight."""
        shown = tuple(self.explanation)
        if len(shown) > MOST_MAPS:
            shown = leading(self.explanation, image, MOST_MAPS)
        return [read(self.explanation[method], image) for method in shown]

    def draw(self) -> Figure:
        for image, picture in enumerate(self.explanation.pictures):
            self._draw_image(image, picture, self.tops[image])
        self._text(MARGIN, self.tops[-1], self.footer, colour=QUIET)
        return self.figure

    def _draw_image(self, image: int, picture: Picture, top: float) -> None:
        label = plain(self.explanation.target[image].label)
        self._text(MARGIN, top, [PAGE["why"].say(self.language, label=label)], size=15, weight="bold")
        self._text(MARGIN, top + 0.3, [plain(picture.name)], colour=QUIET)
        for place, reading in enumerate([None, *self.readings[image]]):
            row, column = divmod(place, self.columns)
            down = top + HEADING + row * self._row_height(picture)
            box = _Box(MARGIN + column * (CELL + GAP), down, CELL, self._tall(picture))
            if reading is None:
                self._picture(box, picture, self.explanation.prediction.top(5, image))
            else:
                self._map(box, picture, reading)

    def _picture(self, box: _Box, picture: Picture, answers: Sequence[Guess]) -> None:
        self._image(box, shrink_pixels(picture.pixels, FINEST))
        y = box.top + box.height + 0.22
        for guess in answers:
            self._answer(_Box(box.left, y, box.width, 0.22), guess)
            y += 0.27

    def _answer(self, box: _Box, guess: Guess) -> None:
        shown = measured(guess.value) if guess.probability is None else percent(guess.probability, self.language)
        self._text(box.left, box.top, [plain(guess.label, longest=38)])
        self._text(box.left + box.width, box.top, [shown], colour=QUIET, align="right")
        axes = self._axes(_Box(box.left, box.top + 0.155, box.width, 0.035))
        axes.set_xlim(0, 1)
        axes.add_patch(Rectangle((0, 0), 1, 1, color="#ececf0"))
        axes.add_patch(Rectangle((0, 0), bar_length(guess), 1, color=BAR))

    def _map(self, box: _Box, picture: Picture, reading: Reading) -> None:
        y = box.top + box.height + 0.12
        if reading.scale is None:
            self._image(box, faded(shrink_pixels(picture.pixels, FINEST)))
        else:
            values, seen = shrink_map(reading.values, reading.seen, FINEST)
            self._image(box, overlay(shrink_pixels(picture.pixels, FINEST), values, seen, reading.scale))
            self._legend(_Box(box.left, y, box.width, 0.08), reading)
        if self.random:
            self._watermark(box)
        name = reading.words.name.in_(self.language)
        heading = f"{name} · {plain(reading.layer, longest=28)}" if reading.layer else name
        self._text(box.left, y + 0.36, [heading], size=10, weight="bold")
        if reading.trust:
            self._verdict(box.left, y + 0.55, reading.trust)
            y += VERDICT_HEIGHT
        lines, quiet = self._sentence(reading), self._remarks(reading)
        self._text(box.left, y + 0.56, lines)
        self._text(box.left, y + 0.62 + LINE_HEIGHT * len(lines), quiet, colour=QUIET)

    def _verdict(self, left: float, top: float, judged: Judgement) -> None:
        """A verdict by its sign and in words."""
        colour = VERDICT_COLOURS.get(judged.verdict, QUIET)
        line = f"{judged.mark} {judged.words.in_(self.language)}"
        self._text(left, top, [line], size=9, weight="bold", colour=colour)

    def _sentence(self, reading: Reading) -> list[str]:
        """Why the map may be believed, and what it shows."""
        reasons = [reading.trust.said] if reading.trust else []
        texts = [text.in_(self.language) for text in (*reasons, reading.sentence)]
        return [line for text in texts for line in wrap(text, CELL * LETTERS_PER_INCH)]

    def _remarks(self, reading: Reading) -> list[str]:
        """How to read the method, where its colours end, and what it checked about itself."""
        texts = [reading.words.line, reading.limits, *map(note_words, reading.notes)]
        return [line for text in texts for line in wrap(text.in_(self.language), CELL * LETTERS_PER_INCH)]

    def _lines_below(self, reading: Reading) -> int:
        return len(self._sentence(reading)) + len(self._remarks(reading))

    def _legend(self, box: _Box, reading: Reading) -> None:
        axes = self._axes(box)
        axes.imshow(table(reading.signed)[None], aspect="auto", interpolation="nearest")
        limit = measured(reading.scale.limit) if reading.scale else ""
        low = f"−{limit}" if reading.signed else "0"
        below = box.top + box.height + 0.03
        self._text(box.left, below, [low], colour=QUIET, size=7)
        self._text(box.left + box.width, below, [limit], colour=QUIET, size=7, align="right")
        middle = f"{reading.ends.in_(self.language)}  ({reading.unit.in_(self.language)})"
        self._text(box.left + box.width / 2, below, [middle], colour=QUIET, size=7, align="center")

    def _image(self, box: _Box, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        scale = min(box.width / width, box.height / height)
        small = width * scale < box.width
        left = box.left + (box.width - width * scale) / 2 if small else box.left
        axes = self._axes(_Box(left, box.top + (box.height - height * scale), width * scale, height * scale))
        smooth = "nearest" if max(height, width) <= 64 else "antialiased"
        axes.imshow(pixels, aspect="auto", interpolation=smooth)

    def _watermark(self, box: _Box) -> None:
        self.figure.text(
            (box.left + box.width / 2) / self.width,
            1 - (box.top + box.height / 2) / self.height,
            WATERMARK.in_(self.language),
            ha="center", va="center", rotation=24, fontsize=21, weight="bold", color="white", alpha=0.85,
            family=families(), bbox={"facecolor": "#b3261e", "edgecolor": "none", "alpha": 0.6, "pad": 5},
        )  # fmt: skip

    def _axes(self, box: _Box) -> Axes:
        place = (
            box.left / self.width,
            1 - (box.top + box.height) / self.height,
            box.width / self.width,
            box.height / self.height,
        )
        axes = self.figure.add_axes(place)
        axes.set_axis_off()
        return axes

    def _text(
        self,
        left: float,
        top: float,
        lines: Sequence[str],
        *,
        size: float = 8,
        colour: str = INK,
        weight: str = "normal",
        align: str = "left",
    ) -> None:
        for i, line in enumerate(lines):
            self.figure.text(
                left / self.width, 1 - (top + i * LINE_HEIGHT) / self.height, line, parse_math=False, family=families(),
                fontsize=size, color=colour, weight=weight, ha=align, va="top",
            )  # fmt: skip

    def _row_height(self, picture: Picture) -> float:
        verdicts = VERDICT_HEIGHT * was_checked(self.explanation)
        return self._tall(picture) + 1.1 + verdicts + self.text_height

    def _tall(self, picture: Picture) -> float:
        height, width = picture.size
        return min(TALLEST, CELL * height / width)

    def _agreement(self) -> list[str]:
        """How the methods agree, where there is one picture to say it of."""
        found = agreement_of(self.explanation, 0) if len(self.explanation.pictures) == 1 else None
        return [sentence.in_(self.language) for sentence in (found.sentences if found else ())]

    def _footer_lines(self) -> list[str]:
        notes, left = without_left_out(general_notes(self.explanation))
        notes = [*notes, *(n for p in self.explanation.pictures for n in p.notes), *(left if len(left) == 1 else ())]
        said = dict.fromkeys(note_words(note).in_(self.language) for note in notes)
        if len(left) > 1:
            said[left_out_words(left).in_(self.language) + "."] = None
        many = len(self.explanation)
        more = [MORE_MAPS.say(self.language, shown=MOST_MAPS, all=many)] if many > MOST_MAPS else []
        asking = [] if was_checked(self.explanation) else [NOT_ASKED.in_(self.language)]
        texts = [OWN_SCALES.in_(self.language), *more, *self._agreement(), *asking, *said, *filter(None, [self.remark])]
        width = (self.width - 2 * MARGIN) * LETTERS_PER_INCH
        return [line for text in texts for line in wrap(text, width)]
