"""The page of an evaluation: what is best by each metric, the table of means, and what the metrics say."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from seethrough.evaluation import METRICS
from seethrough.evaluation.evaluation import Evaluation
from seethrough.report.blocks import Notes, Paragraph, Section, Table
from seethrough.report.files import Writer
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show.language import Text, measured, plain
from seethrough.show.metrics_text import NOTHING, best_of, figure_of, lead, metric_name, passed, row_name
from seethrough.show.vocabulary import metrics as words


def evaluation_page(found: Evaluation, language: str = "en") -> Page:
    """An evaluation as a page that stands alone."""
    opening: list[Paragraph | Notes | Table] = [Paragraph(lead(found), lead=True), _best(found)]
    if found.passed:
        opening.append(Paragraph(passed(found)))
    if found.notes:
        opening.append(Notes(found.notes))
    return Page(
        title=words.TITLE.fill(network=plain(Path(str(found.provenance.get("network", ""))).name)),
        sections=(
            Section("", tuple(opening)),
            Section(words.MEANS, (_means(found),)),
            Section(words.MEANINGS, (_meanings(found),)),
        ),
        eyebrow=words.EYEBROW,
        language=language,
        provenance={**found.provenance, "settings": dict(found.settings)},
    )


def _best(found: Evaluation) -> Table:
    """By each metric the best method, beside the best map that knows nothing."""
    rows = tuple(
        (metric_name(b.metric), *(part for end in (b.method, b.null) for part in _end(found, end, b.column)))
        for b in best_of(found)
    )
    return Table((words.METRIC, words.BEST_METHOD, "", words.BEST_NULL, ""), rows, words.ERRORS)


def _end(found: Evaluation, row: int | None, column: int) -> tuple[Text, Text]:
    return (NOTHING, NOTHING) if row is None else (row_name(found, row), figure_of(found, row, column))


def _means(found: Evaluation) -> Table:
    rows = tuple(
        (
            row_name(found, i),
            *(figure_of(found, i, k) for k in range(len(found.metrics))),
            *_cost(found, i),
        )
        for i in range(len(found.methods))
    )
    heads = (words.METHOD, *(metric_name(m) for m in found.metrics), words.SECONDS, words.PASSES_COLUMN)
    return Table(heads, rows)


def _cost(found: Evaluation, row: int) -> tuple[str, str]:
    passes = found.passes[row]
    if not passes.forward:
        return NOTHING, NOTHING
    return measured(float(found.seconds[row])), f"{passes.forward} + {passes.backward}"


def _meanings(found: Evaluation) -> Table:
    rows = tuple(
        (
            words.METRICS[m].name,
            words.FAMILIES[METRICS[m].family],
            words.BETTER[METRICS[m].better],
            words.METRICS[m].line,
            METRICS[m].source,
        )
        for m in found.metrics
    )
    return Table((words.METRIC, words.FAMILY, words.WAY, words.SAYS, ""), rows)


def as_csv(found: Evaluation) -> bytes:
    """A line for each picture, method and metric; what a metric says nothing of is left empty."""
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(("image", "target", "method", "metric", "value"))
    for n, image in enumerate(found.images):
        for i, method in enumerate(found.methods):
            for k, metric in enumerate(found.metrics):
                value = float(found.values[i, k, n])
                lines.writerow((image, found.targets[n], method, metric, "" if value != value else repr(value)))
    return out.getvalue().encode("utf-8")


WRITERS: Mapping[str, Writer] = {
    ".html": lambda found, language: evaluation_page(found, language).html().encode("utf-8"),
    ".csv": lambda found, language: as_csv(found),
    ".json": lambda found, language: json_bytes(found.to_dict()),
}
"""How an `Evaluation` is written."""
