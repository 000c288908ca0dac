"""``explain``: why a network answered so about pictures."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.destinations import Destination, destination
from seethrough.cli.items import each
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_answers, say_notes
from seethrough.cli.terminal import Step, one_line, progress, say, say_json
from seethrough.errors import InputRefused

if TYPE_CHECKING:
    from seethrough.network import Network
    from seethrough.results import Explanation, Note

WHOLE = 4
"""Maps whose sentences are said; of more, a line each."""

BOUGHT = ("budget_bought", "budget_exceeded")
COMPUTED = ("only_changes_computed", "boxes_not_believed", "computed_in_bf16", "bf16_unused", "bf16_not_here")
"""Notes that mislead nobody and are said all the same: of the question, and of a map."""

LEFT_OUT = 2
"""Reasons why methods were left out that are said; of more, how many methods."""

MAP_LINE = {"en": "{name}: {sentence}", "zh": "{name}：{sentence}"}
VERDICT_LINE = {"en": "{name}: {verdict}. {reason}", "zh": "{name}：{verdict}。{reason}"}

WHY_LEFT_OUT = {"en": "; the page and --json say why.", "zh": "；原因见页面或 --json。"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every picture; ``options`` are settings with an option of their own, ``settings`` those of
    ``--set``.
    """

    methods: Sequence[str]
    targets: Sequence[str]
    layers: Sequence[str]
    probabilities: bool
    options: Mapping[str, Any]
    settings: Sequence[str] = ()
    trust: bool = False
    budget: str | None = None

    def keywords(self, words: Words) -> dict[str, Any]:
        """What `explain` is told beside the network, the pictures and the target.

        Raises
        ------
        UsageError
            A method that there isn't, a setting of another type, a budget that is no time.
        """
        from seethrough.cli.settings import settings
        from seethrough.explanation.asked import chosen, seconds_of

        methods = list(self.methods) or None
        return {
            "methods": methods,
            "layer": self.layers[0] if len(self.layers) == 1 else list(self.layers) or None,
            "probabilities": self.probabilities,
            "memory_limit": words.memory_limit,
            "precision": words.precision,
            "trust": self.trust,
            "budget": seconds_of(self.budget),
            **settings(self.settings, self.options, chosen(methods).methods, seed=words.seed),
        }


def explain(
    words: Words, images: Sequence[str], asked: Question, *, out: str | None, language: str, as_json: bool
) -> int:
    """Explain each picture: print its answers and a sentence for each map, and write what ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    where = None if out is None else destination(out, images)
    keywords = asked.keywords(words)
    _refuse_folder(words.model, images)
    refuse_missing(images)
    net = open_to_ask(words)
    records: list[dict[str, Any]] = []

    def work(i: int, image: str) -> None:
        with progress() as step:
            explanation = _ask(net, image, asked.targets, keywords, step)
        file = _write(explanation, where, i, language)
        if as_json:
            records.append(_record(image, explanation, file))
        else:
            if i:
                say()
            _say(explanation, language, image, file)

    items = each(images, work)
    if as_json:
        say_json({"images": records, "failed": [f.to_dict() for f in items.failed]})
    return items.exit_code


def _refuse_folder(model: str, images: Sequence[str]) -> None:
    if len(images) == 1 and Path(images[0]).is_dir():
        raise InputRefused(
            f"{images[0]!r} is a folder; name pictures in it, or make a map of each of them: seethrough maps {model} "
            f"{images[0]} -o maps/"
        )


def refuse_missing(images: Sequence[str]) -> None:
    """Before a network is opened, which may take long: whether there is a picture at all."""
    from seethrough.images import load_picture

    if len(images) == 1:
        load_picture(images[0])


def _ask(net: Network, image: str, said: Sequence[str], keywords: Mapping[str, Any], step: Step | None) -> Explanation:
    """One picture; with several targets it is asked about each, side by side."""
    from seethrough.explanation import explain

    targets = [target(word) for word in said]
    return explain(net, [image] * max(1, len(targets)), target=targets or None, progress=step, **keywords)


def _write(explanation: Explanation, where: Destination | None, i: int, language: str) -> Path | None:
    if where is None:
        return None
    where.make_folder()
    return explanation.save(where.files[i], language=language)


def _say(explanation: Explanation, language: str, image: str, file: Path | None) -> None:
    from seethrough.show.reading import general_notes

    say(one_line(image))
    say_answers(explanation.prediction.top(5))
    for i, asked in enumerate(explanation.target):
        if len(explanation.target) > 1:
            say(f"\n{one_line(asked.label)}")
        say_maps(explanation, i, language)
    notes = general_notes(explanation)
    say_notes(notes, language)
    _say_bought(notes, language)
    if file is not None:
        say(one_line(file))


def say_maps(explanation: Explanation, image: int, language: str) -> None:
    """A line for each map: its verdict with the weightiest reason where trust was asked, and what it shows; of many maps
    only the first few say what they show.
    """
    from seethrough.show.reading import leading, read
    from seethrough.show.trusting import agreement_of

    whole = leading(explanation, image, WHOLE) if len(explanation) > WHOLE else tuple(explanation)
    for method in (*whole, *(m for m in explanation if m not in whole)):
        reading = read(explanation[method], image)
        name, sentence = (one_line(text.in_(language)) for text in (reading.words.name, reading.sentence))
        if reading.trust is None:
            say(MAP_LINE[language].format(name=name, sentence=sentence))
        else:
            reason = one_line(reading.trust.reasons[0].in_(language)) if reading.trust.reasons else ""
            verdict = VERDICT_LINE[language].format(name=name, verdict=reading.trust.words.in_(language), reason=reason)
            say(f"{reading.trust.mark} {verdict}".rstrip())
            if method in whole:
                say(f"  {sentence}")
        if reading.trust is None or method in whole:
            say_notes(reading.notes, language)
            _say_infos(reading.notes, COMPUTED, language)
    agreed = agreement_of(explanation, image)
    for text in agreed.apart if agreed else ():
        say(one_line(text.in_(language)))


def _say_bought(notes: Sequence[Note], language: str) -> None:
    """What a budget bought, and what was left out: what a person with a clock wants to know."""
    from seethrough.show.reading import left_out_words, without_left_out
    from seethrough.show.words import note_words

    notes, left = without_left_out(notes)
    _say_infos(notes, BOUGHT, language)
    for note in left if len(left) <= LEFT_OUT else ():
        say(one_line(note_words(note).in_(language)))
    if len(left) > LEFT_OUT:
        say(f"{one_line(left_out_words(left).in_(language))}{WHY_LEFT_OUT[language]}")


def _say_infos(notes: Sequence[Note], names: Collection[str], language: str) -> None:
    from seethrough.show.words import note_words

    for note in notes:
        if note.level == "info" and note.name in names:
            say(one_line(note_words(note).in_(language)))


def _record(image: str, explanation: Explanation, file: Path | None) -> dict[str, Any]:
    from seethrough.report.records import as_json

    written = None if file is None else str(file)
    return {"image": image, "file": written, "explanation": json.loads(as_json(explanation))}
