"""``evaluate``: how good methods' maps are by the metrics of the field, over a folder of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seethrough.cli.counting import counting, say_passed
from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json

KINDS = (".html", ".json", ".csv")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the methods; as typed."""

    methods: Sequence[str]
    metrics: Sequence[str]
    target: str | None
    masks: str | None
    boxes: str | None
    truth: str | None
    layer: str | None
    nulls: bool
    settings: Mapping[str, Any]


def evaluate(words: Words, images: str, asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Measure, print the table of means and what is best, and write what ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    file = None if out is None else result_file(out, KINDS)
    _refuse_unknown(asked)
    from seethrough.evaluation.evaluate import evaluate as measure

    net = open_to_ask(words)
    with counting("pictures") as step:
        found = measure(
            net,
            images,
            asked.methods or None,
            asked.metrics or None,
            None if asked.target is None else target(asked.target),
            masks=asked.masks,
            boxes=asked.boxes,
            truth=asked.truth,
            layer=asked.layer,
            nulls=asked.nulls,
            seed=words.seed or 0,
            memory_limit=words.memory_limit,
            progress=step,
            **asked.settings,
        )
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json({"file": None if file is None else str(file), **found.to_dict()})
    else:
        from seethrough.show.metrics_text import lead, sentences

        say(one_line(lead(found).in_(language)))
        say(found.table(language))
        for said in sentences(found):
            say(one_line(said.in_(language)))
        say_notes(found.notes, language)
        if file is not None:
            say(f"written to {one_line(file)}")
    return say_passed(found.passed)


def _refuse_unknown(asked: Question) -> None:
    """Before a network is opened, which may take long."""
    from seethrough.evaluation.evaluate import chosen_metrics
    from seethrough.explanation.asked import chosen

    chosen(asked.methods or None)
    chosen_metrics(asked.metrics or None, asked.masks is not None or asked.boxes is not None)


__all__ = ["Question", "evaluate"]
