"""``explain``: why a network answered so about pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.destinations import Destination, destination
from seethrough.cli.items import each
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_answers, say_notes
from seethrough.cli.terminal import Step, one_line, progress, say, say_json

if TYPE_CHECKING:
    from seethrough.network import Network
    from seethrough.results import Explanation


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every picture."""

    methods: Sequence[str]
    targets: Sequence[str]
    layer: str | None
    probabilities: bool
    settings: Mapping[str, Any]
    memory_limit: str | None = None


def explain(
    words: Words, images: Sequence[str], asked: Question, *, out: str | None, language: str, as_json: bool
) -> int:
    """Explain each picture: print its answers and a sentence for each map, and write what ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    where = None if out is None else destination(out, images)
    _refuse_unknown_methods(asked.methods)
    _refuse_missing(images)
    net = open_to_ask(words)
    records: list[dict[str, Any]] = []

    def work(i: int, image: str) -> None:
        with progress() as step:
            explanation = _ask(net, image, asked, words.seed, step)
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


def _refuse_unknown_methods(names: Sequence[str]) -> None:
    from seethrough.attribution import method_named

    for name in names:
        method_named(name)


def _refuse_missing(images: Sequence[str]) -> None:
    """Before a network is opened, which may take long: whether there is a picture at all."""
    from seethrough.images import load_picture

    if len(images) == 1:
        load_picture(images[0])


def _ask(net: Network, image: str, asked: Question, seed: int | None, step: Step | None) -> Explanation:
    """One picture; with several targets it is asked about each, side by side."""
    from seethrough.attribution import METHODS
    from seethrough.explanation import DEFAULT_METHODS, explain

    settings = dict(asked.settings)
    if seed is not None and any("seed" in METHODS[_folded(m)].defaults for m in asked.methods or DEFAULT_METHODS):
        settings["seed"] = seed
    targets = [target(said) for said in asked.targets]
    return explain(
        net,
        [image] * max(1, len(targets)),
        methods=list(asked.methods) or None,
        target=targets or None,
        layer=asked.layer,
        probabilities=asked.probabilities,
        progress=step,
        memory_limit=asked.memory_limit,
        **settings,
    )


def _folded(method: str) -> str:
    from seethrough.attribution import method_named

    return method_named(method).name


def _write(explanation: Explanation, where: Destination | None, i: int, language: str) -> Path | None:
    if where is None:
        return None
    where.make_folder()
    return explanation.save(where.files[i], language=language)


def _say(explanation: Explanation, language: str, image: str, file: Path | None) -> None:
    from seethrough.show.reading import general_notes, read
    from seethrough.show.words import method_words

    say(one_line(image))
    say_answers(explanation.prediction.top(5))
    for i, asked in enumerate(explanation.target):
        if len(explanation.target) > 1:
            say(f"\n{one_line(asked.label)}")
        for name, attribution in explanation.items():
            reading = read(attribution, i)
            say(f"{method_words(name).name.in_(language)}: {one_line(reading.sentence.in_(language))}")
            say_notes(reading.notes, language)
    say_notes(general_notes(explanation), language)
    if file is not None:
        say(one_line(file))


def _record(image: str, explanation: Explanation, file: Path | None) -> dict[str, Any]:
    from seethrough.report.records import as_json

    written = None if file is None else str(file)
    return {"image": image, "file": written, "explanation": json.loads(as_json(explanation))}
