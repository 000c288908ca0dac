"""``prove``: whether a repaired network is better than the first one, on pictures that nobody touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.auditing import classes_called
from seethrough.cli.counting import say_passed
from seethrough.cli.destinations import result_file
from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.remedies.proof import Proof

KINDS = (".html", ".json", ".png", ".svg")

WEIGHTS = (".safetensors", ".pt", ".pth", ".weights.h5")
"""How files end that hold the weights of a network that goes by its name."""

PRINTED = 12
"""Findings that are printed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as typed."""

    findings: str
    answers: Sequence[str]
    answers_file: str | None
    truth: str | None
    called: Sequence[str]
    masks: str | None
    boxes: str | None
    groups: str | None
    controls: bool = True
    force: bool = False
    strict: bool = False


def prove(
    words: Words, repaired: str, images: str, asked: Question, *, out: str | None, language: str, as_json: bool
) -> int:
    """Prove, print the verdict with its numbers, and write what ``-o`` names.

    Returns
    -------
    int
        1 where some pictures couldn't be read, or, if strict, where nothing improved; else 0: "no improvement" is an answer.
    """
    from seethrough.show.language import known_language

    known_language(language)
    called = classes_called(asked.called)
    if asked.answers and asked.answers_file is not None:
        raise UsageError("--answer and --answers both say what only happens to be there; leave one of them out.")
    file = None if out is None else result_file(out, KINDS)
    from seethrough.findings.record import record_of
    from seethrough.remedies.prove import prove as examine

    record_of(asked.findings)  # says what is wrong with it, before a network is opened
    before, after = open_to_ask(words), open_to_ask(repaired_words(words, repaired))
    answers = asked.answers_file if asked.answers_file is not None else list(asked.answers) or None
    with progress() as step:
        found = examine(
            before, after, images, findings=asked.findings, answers=answers, truth=asked.truth, masks=asked.masks,
            boxes=asked.boxes, called=called or None, groups=asked.groups, controls=asked.controls, force=asked.force,
            seed=words.seed or 0, progress=step,
        )  # fmt: skip
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json({"files": [] if file is None else [str(file)], **found.to_dict()})
    else:
        _say(found, language)
        if file is not None:
            say(f"written to {one_line(file)}")
    code = say_passed(found.passed)
    return SOME_FAILED if asked.strict and found.verdict != "improved" else code


def repaired_words(words: Words, repaired: str) -> Words:
    """What opens the repaired network: a network of its own, or weights for the one that goes by its name.

    >>> repaired_words(Words("demo:leopards"), "repaired.pt").model
    'demo:leopards'
    >>> repaired_words(Words("my.keras"), "repaired.keras").model
    'repaired.keras'
    """
    from seethrough.models.open import BY_NAME

    scheme, colon, _ = words.model.partition(":")
    if colon and (scheme in BY_NAME or scheme == "demo") and Path(repaired).name.lower().endswith(WEIGHTS):
        return replace(words, weights=repaired)
    return replace(words, model=repaired, weights=None)


def _say(found: Proof, language: str) -> None:
    from seethrough.show import proof_words as speak
    from seethrough.show.vocabulary.proof import STATES

    say(one_line(f"[{speak.VERDICTS[found.verdict].in_(language)}] {speak.said(found).in_(language)}"))
    for more in (speak.sure(found), speak.beside_controls(found)):
        if more is not None and more.in_(language):
            say(one_line(more.in_(language)))
    say()
    for figure in found.figures:
        name = speak.figure_name(found, figure).in_(language)
        shares = " → ".join(speak.in_shares(side).in_(language) for side in (figure.before, figure.after))
        say(one_line(f"{name}: {shares}"))
    told = [each for each in found.followed if each.fault or each in found.risen]
    for each in told[:PRINTED]:
        say()
        heading, state = speak.heading(found, each), STATES[each.state]
        number = "" if each.number is None else f"{each.number}. "
        say(one_line(f"{number}{heading.in_(language)} [{state.in_(language)}]"))
        say(f"   {one_line(speak.effect(each).in_(language))}")
    say_notes(found.notes, language)


__all__ = ["Question", "prove", "repaired_words"]
