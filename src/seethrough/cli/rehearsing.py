"""``repair --health``: what `health` advises on an architecture, tried on a small training with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seethrough.cli.auditing import classes_called
from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json
from seethrough.errors import UsageError

KINDS = (".html", ".json")

KEPT = "-runs"
"""Behind the name of what is written: the folder where each training is kept, so that the same command goes on."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as typed; ``unused`` are options that only go with findings."""

    truth: str | None
    called: Sequence[str]
    minutes: float | None
    unused: Sequence[str] = ()


def rehearse(words: Words, images: str, asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Try, print what came of each change, and write what ``-o`` names.

    Returns
    -------
    int
        0: that an advice doesn't help is an answer.
    """
    from seethrough.show.language import known_language

    known_language(language)
    if asked.unused:
        raise UsageError(f"--health mends no finding, so {', '.join(asked.unused)} can't go with it.")
    file = None if out is None else result_file(out, KINDS)
    called = classes_called(asked.called)
    from seethrough.remedies.rehearsal.rehearse import MINUTES
    from seethrough.remedies.rehearsal.rehearse import rehearse as try_it
    from seethrough.show import rehearsal_words as speak

    net = open_to_ask(words)
    with progress() as step:
        found = try_it(
            net,
            images,
            truth=asked.truth,
            called=called or None,
            minutes=MINUTES if asked.minutes is None else asked.minutes,
            folder=None if file is None else Path(f"{file.with_suffix('')}{KEPT}"),
            seed=words.seed or 0,
            progress=step,
        )
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json({"file": None if file is None else str(file), **found.to_dict()})
        return 0
    for tried in found.tried:
        say(one_line(f"[{speak.VERDICTS[tried.verdict].in_(language)}] {speak.said(tried).in_(language)}"))
        say(f"   {one_line(speak.fault(tried).in_(language))}")
    say(one_line((speak.how(found) if found.tried else speak.NOTHING).in_(language)))
    for advice, layer, why in found.untried:
        shown = speak.UNTRIED.get(why)
        say(
            one_line(
                f"{speak.REST.in_(language)}: {speak.name_of(advice).in_(language)}, {layer}: {shown.in_(language) if shown else why}"
            )
        )
    say_notes(found.notes, language)
    if file is not None:
        say(f"written to {one_line(file)}")
    return 0


__all__ = ["Question", "rehearse"]
