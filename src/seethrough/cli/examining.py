"""``health``: what is to be noticed in a network that looks at many pictures, or in two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.counting import counting, say_passed
from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.condition.health import Health
    from seethrough.network import Network

KINDS = (".html", ".png", ".svg", ".npz", ".json")

PRINTED = 12
"""Findings that are printed in words."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the network; as typed."""

    layers: Sequence[str]
    truth: str | None
    folder: str | None
    batch: int | None


def health(words: Words, said: Sequence[str], asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Look at a network over pictures, print what is to be noticed, and write what ``-o`` names.

    Parameters
    ----------
    said
        The pictures' folder; before it another network to compare.

    Returns
    -------
    int
        1 where some pictures couldn't be read, else 0: findings are no failures.
    """
    from seethrough.show.language import known_language

    known_language(language)
    other, images = _told_apart(said)
    if asked.batch is not None and asked.batch < 1:
        raise UsageError(f"--batch is a whole number from 1, not {asked.batch}.")
    file = None if out is None else result_file(out, KINDS)
    found = _examined(words, other, images, asked)
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json({"file": None if file is None else str(file), **found.to_dict()})
    else:
        _say(found, language, file)
    return say_passed(found.passed)


def _told_apart(said: Sequence[str]) -> tuple[str | None, str]:
    """The other network, where there is one, and the pictures."""
    if len(said) > 2:
        raise UsageError(
            f"health takes a network, perhaps another one, and one folder of pictures; these are {len(said) + 1} words. "
            "Put the pictures into a folder."
        )
    return (said[0] if len(said) == 2 else None), said[-1]


def _examined(words: Words, other: str | None, images: str, asked: Question) -> Health:
    from seethrough.condition.health import health as examine
    from seethrough.datasets.collection import collect

    collection = collect(images, truth=asked.truth)
    net = open_to_ask(words) if other is None else _open_lacking(words)
    beside = None if other is None else _open_lacking(replace(words, model=other, weights=None))
    with counting("health") as step:
        return examine(
            net,
            collection,
            layers=list(asked.layers) or None,
            other=beside,
            folder=asked.folder,
            batch=asked.batch,
            seed=words.seed or 0,
            progress=step,
        )


def _open_lacking(words: Words) -> Network:
    """One of two networks: what was said of preprocessing and classes is for the one that doesn't know its own."""
    net = open_to_ask(replace(words, preprocessing=None, classes=None))
    lacks = {
        "preprocessing": words.preprocessing if net.opened.preprocessing is None else None,
        "classes": words.classes if net.opened.classes is None else None,
    }
    return open_to_ask(replace(words, **lacks)) if any(lacks.values()) else net


def _say(found: Health, language: str, file: Path | None) -> None:
    from seethrough.show import health_words

    say(health_words.said(found).in_(language))
    for finding in found.findings[:PRINTED]:
        level = health_words.LEVELS[finding.level].in_(language)
        say()
        say(f"{one_line(health_words.heading(finding).in_(language))} [{level}]")
        say(f"  {one_line(health_words.sentence(finding).in_(language))}")
        if finding.level != "info":
            for text in health_words.advice(finding):
                say(f"  {one_line(text.in_(language))}")
    if len(found.findings) > PRINTED:
        say()
        say(health_words.MORE_FINDINGS.say(language, n=len(found.findings) - PRINTED))
    if found.comparison is not None:
        say()
        say(health_words.compared(found).in_(language))
        _say_changes(found, language)
    say_notes(found.notes, language)
    if file is not None:
        say(f"written to {one_line(file)}")


def _say_changes(found: Health, language: str) -> None:
    from seethrough.show import health_words

    beside, other = found.comparison, found.other
    if beside is None or other is None:
        return
    for heading, changes in ((health_words.GONE, beside.gone), (health_words.NEW, beside.new)):
        for finding in changes[:PRINTED]:
            where = heading.fill(other=health_words.name_of(other))
            say(f"  {one_line(where.in_(language))}: {one_line(health_words.heading(finding).in_(language))}")
