"""An evaluation as text and as sentences: a table of means, what is best, and where nothing is better than knowing nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from seethrough.evaluation import METRICS
from seethrough.evaluation.evaluation import Evaluation
from seethrough.evaluation.recommend import Recommendation
from seethrough.results import Note
from seethrough.show.language import Both, measured, plain
from seethrough.show.vocabulary import metrics as words
from seethrough.show.words import method_words, note_words

ARROWS = {"higher": "↑", "lower": "↓"}
NOTHING = "·"


def row_name(found: Evaluation, row: int) -> Both:
    """What a row is called; a null map says that it is one."""
    name = found.methods[row]
    if row < len(found.methods) - found.nulls:
        return method_words(name).name
    return words.NULL_MARK.fill(name=words.NULLS[name].name)


def metric_name(metric: str) -> Both:
    """What a metric is called, with an arrow for which way is better."""
    said, arrow = words.METRICS[metric].name, ARROWS[METRICS[metric].better]
    return Both(f"{said.en} {arrow}", f"{said.zh} {arrow}")


def figure_of(found: Evaluation, row: int, column: int) -> str:
    """A mean with its standard error, as text."""
    mean, error = found.means[row, column], found.errors[row, column]
    if not math.isfinite(mean):
        return NOTHING
    return measured(mean) if not math.isfinite(error) else f"{measured(mean)} ± {measured(error, 2)}"


def table(found: Evaluation, language: str = "en") -> str:
    """The means as lines of text, columns under each other."""
    heads = [words.METHOD.in_(language), *(metric_name(m).in_(language) for m in found.metrics)]
    rows = [
        [row_name(found, i).in_(language), *(figure_of(found, i, k) for k in range(len(found.metrics)))]
        for i in range(len(found.methods))
    ]
    widths = [max(_width(line[k]) for line in [heads, *rows]) for k in range(len(heads))]

    def lined(cells: list[str]) -> str:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths)]
        return "  ".join(padded).rstrip()

    return "\n".join([lined(heads), *map(lined, rows)])


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if "\u2e80" <= c <= "\uffef" else 1 for c in text)


def html_table(found: Evaluation, language: str = "en") -> str:
    """The means as an HTML table, for a notebook."""
    heads = "".join(f"<th>{escape(metric_name(m).in_(language))}</th>" for m in found.metrics)
    rows = "".join(
        f"<tr><th>{escape(row_name(found, i).in_(language))}</th>"
        + "".join(f"<td>{escape(figure_of(found, i, k))}</td>" for k in range(len(found.metrics)))
        + "</tr>"
        for i in range(len(found.methods))
    )
    return f"<table><thead><tr><th>{escape(words.METHOD.in_(language))}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"


@dataclass(frozen=True, slots=True)
class Best:
    """By one metric: the row of the best method, and that of the best map that knows nothing, or None."""

    metric: str
    column: int
    method: int
    null: int | None

    def beaten(self, found: Evaluation) -> bool:
        """Whether no method is better than knowing nothing."""
        if self.null is None:
            return False
        method, null = found.means[self.method, self.column], found.means[self.null, self.column]
        return bool(null >= method if METRICS[self.metric].better == "higher" else null <= method)


def best_of(found: Evaluation) -> Iterator[Best]:
    """For each metric that says something of a method, in order."""
    first_null = len(found.methods) - found.nulls
    for k, metric in enumerate(found.metrics):
        column = found.means[:, k] if METRICS[metric].better == "higher" else -found.means[:, k]
        own, nulls = column[:first_null], column[first_null:]
        if np.isfinite(own).any():
            null = first_null + int(np.nanargmax(nulls)) if np.isfinite(nulls).any() else None
            yield Best(metric, k, int(np.nanargmax(own)), null)


def sentences(found: Evaluation) -> Iterator[Both]:
    """For each metric what is best, or that nothing is better than a map that knows nothing."""
    for best in best_of(found):
        name = words.METRICS[best.metric].name
        if best.null is not None and best.beaten(found):
            said = words.NULLS[found.methods[best.null]].name
            yield words.NO_BETTER.fill(metric=name, null=said, value=found.means[best.null, best.column])
        else:
            value = found.means[best.method, best.column]
            yield words.BEST.fill(metric=name, method=row_name(found, best.method), value=value)


def lead(found: Evaluation) -> Both:
    """How much was measured."""
    return words.LEAD.fill(
        methods=len(found.methods) - found.nulls, metrics=len(found.metrics), images=len(found.images)
    )


def passed(found: Evaluation) -> Both:
    """Which pictures were passed by."""
    names = ", ".join(plain(p.name) for p in found.passed[:5]) + (" …" if len(found.passed) > 5 else "")
    return words.PASSED.fill(count=len(found.passed), names=names)


def recommendation(found: Recommendation, language: str = "en") -> str:
    """The methods, each with its reasons, and why others gave way."""

    def line(method: str, notes: tuple[Note, ...]) -> str:
        return f"{method_words(method).name.in_(language)}: {_reasons(notes, language)}"

    chosen = [line(m, found.reasons[m]) for m in found.methods]
    others = [f"({line(m, notes)})" for m, notes in found.against.items()]
    return "\n".join([words.KINDS[found.kind.value].in_(language), *chosen, *others])


def _reasons(notes: tuple[Note, ...], language: str) -> str:
    said = [note for note in notes if note.name != "recommended_kind"]
    return ("" if language == "zh" else " ").join(note_words(note).in_(language) for note in said)
