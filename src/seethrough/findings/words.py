"""Words: what was found, in words of the person's own, each given with pictures that show it.

Words name what was found and judged; they find and judge nothing. What a word means is the mean of what the network's own features
say of its pictures, and how far these lie from it: a picture of the audit looks like the word whose mean is nearest, or like none
where it lies further off than the word's own pictures do. Before a word is used its pictures have to be told from the other words'
without having been seen (leave one out). The word is picked on the pictures that found, and how often it fits is counted on those
that judged: of many words one fits a few pictures better by chance.

Both sides are shown to the network alike (`seethrough.findings.views`). Where the words' pictures can be shown in two ways, the pictures
that found say which of the two they are more like.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection, Item, collect
from seethrough.errors import InputRefused, SeethroughError, UsageError
from seethrough.findings.aspects import Background, Region, Thing
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.judge import NOT_FOUND, Finding
from seethrough.findings.meaning import Meaning, difference, meaning
from seethrough.findings.naming import Group
from seethrough.findings.statistics import Interval, proportion
from seethrough.findings.views import Somewhere, of_pictures, of_words, seen_by, view
from seethrough.network import Network

FEWEST, MOST_WORDS = 2, 50
"""Words; one alone would be the nearest of all pictures."""

LEAST, EXAMPLES = 4, 40
"""Pictures of a word at least, and at most; of more some are taken from all over them."""

PICTURES = 60
"""Of the answer, and of its rivals, at most, in each part."""

MOSTLY = 0.5
"""From this share on the pictures look like none of the words."""

TOLD, ALIKE, NONE, UNTELLABLE = "told", "no difference", "none of them", "not told apart"
"""What came of it. `UNTELLABLE`: words that the network's features don't tell apart on their own pictures."""


@dataclass(frozen=True, slots=True)
class Word:
    """How often a word fits.

    Attributes
    ----------
    word
        The person's.
    own, rivals
        The share of the judging pictures of the answer, and of its rivals, that look like it.
    more
        The one less the other; the interval excludes 0.
    """

    word: str
    own: Interval
    rivals: Interval
    more: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "word": self.word, "own": self.own.to_dict(), "rivals": self.rivals.to_dict(), "more": self.more.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spoken:
    """A finding in the person's words.

    Attributes
    ----------
    outcome
        `TOLD`, `ALIKE`, `NONE` or `UNTELLABLE`.
    by
        `FEATURES` or `LOOKS`.
    words
        Where told: the word that fits the answer's pictures more often, the one that fits its rivals' more often, or both.
    right, of
        How many of the words' own pictures are taken for their word without having been seen, and of how many.
    none
        The share of the judging pictures that look like none of the words, both sides counting alike.
    """

    outcome: str
    by: str
    words: tuple[Word, ...]
    right: int
    of: int
    none: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "outcome": self.outcome, "by": self.by, "words": [word.to_dict() for word in self.words], "right": self.right,
            "of": self.of, "none": self.none,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words with their pictures.

    Attributes
    ----------
    canvas
        The pictures as the network sees them; every one of them can be read.
    words
        In the order in which they were given, of a folder by name.
    of
        int64 (M,): whose each picture is.
    """

    canvas: Canvas = field(repr=False)
    words: tuple[str, ...]
    of: NDArray[np.int64] = field(repr=False)

    def holes(self, facts: Facts) -> NDArray[np.int64]:
        """(M,): a judging picture for each, of all classes and the same ones for each word, whose things' places tell nothing so."""
        judges = np.random.default_rng(0).permutation(facts.split.of("judge"))
        within = np.concatenate([np.arange((self.of == k).sum()) for k in range(len(self.words))])
        return judges[within % len(judges)]

    def to_dict(self) -> dict[str, int]:
        """How many pictures each has."""
        return {word: int((self.of == k).sum()) for k, word in enumerate(self.words)}


def vocabulary(net: Network, given: Mapping[str, Any] | str | os.PathLike[str]) -> Vocabulary:
    """Read words and their pictures; nothing is asked of the network yet.

    Parameters
    ----------
    given
        From each word to its pictures, or to a folder of them; or a folder with a folder for each word.

    Raises
    ------
    UsageError
        Something else; a folder without folders; fewer than `FEWEST` words, or more than `MOST_WORDS`.
    InputRefused
        No such folder; a word of whose pictures fewer than `LEAST` can be read.
    """
    sources = _sources(given)
    if not FEWEST <= len(sources) <= MOST_WORDS:
        raise UsageError(
            f"Words are held against each other: give {FEWEST} to {MOST_WORDS} of them, and not {len(sources)}."
        )
    items: list[Item] = []
    of: list[int] = []
    for k, (word, source) in enumerate(sources.items()):
        read = _read(net, word, source)
        items += [Item(f"{word} {len(items) + at}", item.source) for at, item in enumerate(read)]
        of += [k] * len(read)
    canvas = Canvas(net, Collection(tuple(items), "words"))
    return Vocabulary(canvas, tuple(sources), np.array(of, np.int64))


def _sources(given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        if not all(isinstance(word, str) and word.strip() for word in given):
            raise UsageError("Each word is a text that isn't empty, with its pictures, such as {'snow': 'words/snow'}.")
        return {word.strip(): pictures for word, pictures in given.items()}
    if not isinstance(given, str | os.PathLike):
        raise UsageError(
            f"Words are a folder with a folder of pictures for each, or a mapping from each to its pictures, and not {given!r}."
        )
    path = Path(given)
    if not path.is_dir():
        raise InputRefused(f"There is no folder of words {str(path)!r}; check the path.")
    try:
        inside = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        raise InputRefused(f"The folder of words {str(path)!r} can't be entered: {error.strerror or error}.") from error
    if not inside:
        raise UsageError(f"There is no folder in {str(path)!r}; make one for each word, with pictures that show it.")
    return {os.fsencode(each.name).decode("utf-8", "backslashreplace"): each for each in inside}


def _read(net: Network, word: str, source: Any) -> list[Item]:
    """The pictures of a word that can be read; of many, some from all over them."""
    try:
        found: Sequence[Item] = collect(source)
    except SeethroughError:
        found = ()
    at = np.unique(np.linspace(0, len(found) - 1, min(len(found), EXAMPLES)).round().astype(int)) if found else ()
    read = []
    for number in at:
        try:
            net.prepare([found[int(number)].source])
        except SeethroughError:
            continue
        read.append(found[int(number)])
    if len(read) < LEAST:
        many = f"{len(read)} pictures" if len(read) > 1 else ("one picture" if read else "no picture")
        raise InputRefused(f"The word {word!r} has {many} that can be read; give {LEAST} at least that show it.")
    return read


def spoken_of(
    vocabulary: Vocabulary,
    canvas: Canvas,
    facts: Facts,
    findings: Sequence[Finding],
    groups: Sequence[Group],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Spoken | None, ...]:
    """Every finding in the person's words: those that groups are called by, that weren't refuted and lie somewhere one can look
    at; None of others.
    """
    main, by = {group.main for group in groups}, seen_by(canvas)
    known: dict[Any, list[Meaning]] = {}
    found: list[Spoken | None] = []
    for k, finding in enumerate(findings):
        if progress is not None:
            progress(k, len(findings))
        aspect = finding.candidate.aspect
        if k in main and finding.verdict != NOT_FOUND and isinstance(aspect, Background | Region | Thing):
            found.append(_spoken(vocabulary, canvas, facts, finding, aspect, by, known, seed))
        else:
            found.append(None)
    if progress is not None:
        progress(len(findings), len(findings))
    return tuple(found)


def _spoken(
    vocabulary: Vocabulary,
    canvas: Canvas,
    facts: Facts,
    finding: Finding,
    aspect: Somewhere,
    by: str,
    known: dict[Any, list[Meaning]],
    seed: int,
) -> Spoken:
    answer, rivals = finding.candidate.answer, finding.candidate.rivals
    key = view(aspect, vocabulary.canvas.load([0]).x.shape[2:])
    if key not in known:
        seen = of_words(vocabulary.canvas, canvas, vocabulary.holes(facts), aspect, by)
        known[key] = [meaning(each, vocabulary.of, len(vocabulary.words)) for each in seen]
    usable = [means for means in known[key] if means.tellable.any()]
    if not usable:
        most = max(int((means.taken_for == vocabulary.of).sum()) for means in known[key])
        return Spoken(UNTELLABLE, by, (), most, len(vocabulary.of), 0.0)
    shown = {
        (part, name): of_pictures(canvas, aspect, _some(facts, facts.split.of(part), classes, seed), by)
        for part in ("find", "judge")
        for name, classes in (("own", (answer,)), ("rivals", rivals))
    }
    means = max(
        usable, key=lambda each: sum((each.nearest(shown["find", name]) >= 0).sum() for name in ("own", "rivals"))
    )
    like = {at: means.nearest(seen) for at, seen in shown.items()}
    right, of = int((means.taken_for == vocabulary.of).sum()), len(vocabulary.of)
    words = tuple(_surely(vocabulary.words, like, picked) for picked in _picked(like, means.tellable))
    told = tuple(word for word in words if word is not None)
    none = float(
        np.mean([(like["judge", name] < 0).mean() if len(like["judge", name]) else 0.0 for name in ("own", "rivals")])
    )
    outcome = TOLD if told else (NONE if none >= MOSTLY else ALIKE)
    return Spoken(outcome, by, told, right, of, none)


def _picked(like: Mapping[tuple[str, str], NDArray[np.int64]], tellable: NDArray[np.bool_]) -> list[int]:
    """By the pictures that found: the word that fits the answer's more often by most, and the one that fits its rivals' so."""
    own, rivals = like["find", "own"], like["find", "rivals"]
    if not len(own) or not len(rivals):
        return []
    more = np.array([(own == k).mean() - (rivals == k).mean() if usable else 0.0 for k, usable in enumerate(tellable)])
    return [k for k, there in ((int(more.argmax()), more.max() > 0), (int(more.argmin()), more.min() < 0)) if there]


def _surely(words: Sequence[str], like: Mapping[tuple[str, str], NDArray[np.int64]], k: int) -> Word | None:
    """How often a word fits by the pictures that judged; None where it could be as often on both sides."""
    own, rivals = (
        proportion(int((like["judge", name] == k).sum()), len(like["judge", name])) for name in ("own", "rivals")
    )
    more = difference(own, rivals)
    return Word(words[k], own, rivals, more) if more.low > 0 or more.high < 0 else None


def _some(facts: Facts, part: NDArray[np.int64], classes: Sequence[int], seed: int) -> NDArray[np.int64]:
    """Some pictures of a part that belong to these outputs, one of each group of near-duplicates, in order."""
    mine = part[np.isin(facts.classes[part], classes)]
    mine = mine[np.unique(facts.split.group[mine], return_index=True)[1]]
    return np.sort(np.random.default_rng(seed).permutation(mine)[:PICTURES])


__all__ = ["ALIKE", "NONE", "TOLD", "UNTELLABLE", "Spoken", "Vocabulary", "Word", "spoken_of", "vocabulary"]
