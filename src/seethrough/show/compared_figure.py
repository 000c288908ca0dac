"""Two answers side by side as a figure: of each method both maps, their difference, and the contrast."""

from __future__ import annotations

from matplotlib.figure import Figure

from seethrough.errors import UsageError
from seethrough.explanation.compare import Comparison
from seethrough.show.colour import faded, overlay, table
from seethrough.show.compare_words import MORE, PAGE
from seethrough.show.comparing import differ, difference_reading, side, title
from seethrough.show.language import Both, Text, both, measured, plain
from seethrough.show.lettering import wrap
from seethrough.show.paper import LETTERS_PER_INCH, QUIET, Paper, spoken
from seethrough.show.reading import Reading, has_random_weights, leading, read
from seethrough.show.shrink import shrink_map, shrink_pixels
from seethrough.show.trusting import Judgement
from seethrough.show.words import WATERMARK, method_words

CELL, GAP, MARGIN = 3.0, 0.3, 0.45  # inches
TALLEST, LINE = 3.6, 0.155
MOST_METHODS, MOST_IMAGES, FINEST = 6, 8, 900


def draw(comparison: Comparison, *, language: str = "en") -> Figure:
    """A row for each method of each picture.

    Raises
    ------
    UsageError
        More than `MOST_IMAGES` pictures.
    """
    count = len(comparison.pictures)
    if count > MOST_IMAGES:
        raise UsageError(
            f"A figure shows at most {MOST_IMAGES} compared pictures, and there are {count}; save them as .html."
        )
    language, remark = spoken(language)
    methods = tuple(comparison.differences)
    rows = [
        (image, method)
        for image in range(count)
        for method in (methods if len(methods) <= MOST_METHODS else leading(comparison.first, image, MOST_METHODS))
    ]
    cells = [_cells(comparison, method, image) for image, method in rows]
    columns = max(len(row) for row in cells)
    tall = [min(TALLEST, CELL * p.size[0] / p.size[1]) for p in comparison.pictures]
    heights = [tall[image] + 1.75 for image, _ in rows]
    width = 2 * MARGIN + columns * CELL + (columns - 1) * GAP
    paper = Paper(width, 2 * MARGIN + 0.5 + sum(heights) + 0.4)
    paper.write(MARGIN, MARGIN, both(title(comparison)).in_(language), size=15, weight="bold")
    top = MARGIN + 0.55
    for (image, method), row, height in zip(rows, cells, heights):
        name = method_words(method).name.in_(language)
        picture = plain(comparison.pictures[image].name, longest=60)
        paper.write(MARGIN, top, f"{name} · {picture}" if count > 1 else name, size=11, weight="bold")
        sentence = differ(comparison, method, image).in_(language)
        _lines(paper, MARGIN, top + 0.26, sentence, width - 2 * MARGIN)
        for k, (heading, reading) in enumerate(row):
            _map(
                paper, comparison, image, MARGIN + k * (CELL + GAP), top + 0.68, tall[image], heading, reading, language
            )
        top += height
    more = MORE.say(language, shown=MOST_METHODS, all=len(methods)) if len(methods) > MOST_METHODS else ""
    foot = " ".join(filter(None, [PAGE["difference_is"].in_(language), more, remark]))
    _lines(paper, MARGIN, top, foot, width - 2 * MARGIN, colour=QUIET)
    return paper.figure


def said(comparison: Comparison) -> Both:
    """What the figure shows, for those who can't see it."""
    texts = [
        differ(comparison, method, image)
        for image in range(len(comparison.pictures))
        for method in comparison.differences
    ]
    return Both(" ".join(text.en for text in texts), "".join(text.zh for text in texts))


def _cells(comparison: Comparison, method: str, image: int) -> list[tuple[Text, Reading]]:
    """The maps of a row, each with its heading."""
    names = [side(name) for name in comparison.names[image]]
    found: list[tuple[Text, Reading]] = [
        (names[0], read(comparison.first[method], image)),
        (names[1], read(comparison.second[method], image)),
        (PAGE["difference"], difference_reading(comparison, method, image)),
    ]
    if comparison.contrast is not None and method in comparison.contrast:
        found.append((PAGE["contrast"], read(comparison.contrast[method], image)))
    return found


def _map(
    paper: Paper, comparison: Comparison, image: int, left: float, top: float, tall: float, heading: Text,
    reading: Reading, language: str,
) -> None:  # fmt: skip
    paper.write(left, top, both(heading).in_(language), size=9, weight="bold")
    if reading.trust:
        _verdict(paper, left + CELL, top, reading.trust, language)
    pixels = shrink_pixels(comparison.pictures[image].pixels, FINEST)
    axes = paper.bare(left, top + 0.2, CELL, tall)
    below = top + 0.2 + tall + 0.08
    if reading.scale is None:
        axes.imshow(faded(pixels))
        paper.write(left, below, reading.sentence.in_(language), colour=QUIET, size=7)
    else:
        values, seen = shrink_map(reading.values, reading.seen, FINEST)
        axes.imshow(overlay(pixels, values, seen, reading.scale))
        paper.bare(left, below, CELL, 0.08).imshow(table(reading.signed)[None], aspect="auto", interpolation="nearest")
        limit = measured(reading.scale.limit)
        for text, place, align in (
            (f"−{limit}" if reading.signed else "0", left, "left"),
            (limit, left + CELL, "right"),
            (reading.ends.in_(language), left + CELL / 2, "center"),
        ):
            paper.write(place, below + 0.12, text, size=7, colour=QUIET, align=align)
    if has_random_weights(comparison.first) or has_random_weights(comparison.second):
        axes.text(
            0.5, 0.5, WATERMARK.in_(language), transform=axes.transAxes, ha="center", va="center", rotation=24,
            fontsize=18, weight="bold", color="white", bbox={"facecolor": "#b3261e", "edgecolor": "none", "alpha": 0.6},
        )  # fmt: skip


def _verdict(paper: Paper, right: float, top: float, judged: Judgement, language: str) -> None:
    paper.write(right, top, f"{judged.mark} {judged.words.in_(language)}", size=8, align="right")


def _lines(paper: Paper, left: float, top: float, text: str, width: float, **style: str) -> None:
    for i, line in enumerate(wrap(text, width * LETTERS_PER_INCH)):
        paper.write(left, top + i * LINE, line, **style)  # type: ignore[arg-type]
