"""What a finder is, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from seethrough.findings.aspect import Aspect, Candidate
from seethrough.findings.aspects.region import Region
from seethrough.findings.aspects.thing import Thing
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts

FEW_CLASSES = 8
"""Up to so many, every class's rivals are all the others."""

RIVALS = 4
"""Of more, so many that it is most often taken for."""

POINTED = "things"
"""The way whose directions were drawn to point at a thing; those of others only happen to, and are taken after it."""

LEAST = 6
"""Pictures of an answer, and of its rivals, with which something can be seen."""


class Finder(Protocol):
    """A way to see what an answer may go by."""

    @property
    def name(self) -> str: ...

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        """Candidates, each with this finder's name as its only way.

        Parameters
        ----------
        numbers
            Pictures to be looked at; some of them several times.
        """
        ...


def questions(facts: Facts, numbers: NDArray[np.int64]) -> Iterator[tuple[int, tuple[int, ...], NDArray, NDArray]]:
    """Each answer that is asked about, its rivals, and the pictures that are answered with the one and with the others.
    Of two classes only the second: what speaks for it speaks against the first.
    """
    asked = facts.asked
    shares = facts.answers[numbers][:, list(asked)]
    said = np.array(asked)[shares.argmax(1)]
    for answer in asked[1:] if len(asked) == 2 else asked:
        others = [k for k in asked if k != answer]
        if len(asked) > FEW_CLASSES:
            mine = shares[facts.classes[numbers] == answer]
            likely = sorted(others, key=lambda k: -float(mine[:, asked.index(k)].sum()))
            others = likely[:RIVALS]
        own, rival = numbers[said == answer], numbers[np.isin(said, others)]
        if min(len(own), len(rival)) >= LEAST:
            yield answer, tuple(others), own, rival


def both_ways(
    facts: Facts, numbers: NDArray[np.int64]
) -> Iterator[tuple[int, tuple[int, ...], NDArray[np.int64], NDArray[np.int64], bool]]:
    """`questions`, each with the pictures in which something is sought and those that it is told from; of two classes the other
    way round as well, since what speaks against the second is another thing. The last says so.
    """
    for answer, rivals, own, rival in questions(facts, numbers):
        yield answer, rivals, own, rival, False
        if len(facts.asked) == 2:
            yield answer, rivals, rival, own, True


def strongest(found: Iterable[Candidate]) -> list[Candidate]:
    """Of candidates that are the same the strongest, in the order in which they were first seen: of regions with all their
    places, since a mark is often seen in pieces; of things with what speaks for the answer and what speaks against it.
    """
    same: dict[tuple[str, str, int], list[Candidate]] = {}
    for candidate in found:
        same.setdefault(candidate.key, []).append(candidate)
    return [replace(max(each, key=lambda c: c.strength), aspect=_whole(each)) for each in same.values()]


def _whole(same: Sequence[Candidate]) -> Aspect:
    first, *others = (c.aspect for c in sorted(same, key=lambda c: (POINTED not in c.ways, -c.strength)))
    if isinstance(first, Thing):
        for other in others:
            first = first.joined(other) if isinstance(other, Thing) else first
        return first
    regions = [c.aspect for c in same if isinstance(c.aspect, Region)]
    boxes = [region.box for region in regions]
    if len(boxes) < 2 or any(r.also or r.box[0] > r.box[1] for r in regions):  # of borders, and of corners, the one
        return first
    top, bottom, left, right = zip(*boxes)
    return Region(first.name, (min(top), max(bottom), min(left), max(right)))


def told_apart(own: NDArray, rival: NDArray) -> float:
    """How well a number tells the two apart: the area under the ROC curve, 0.5 where not at all; below, the other way."""
    ranks = rankdata(np.concatenate([own, rival]))
    return float((ranks[: len(own)].sum() - len(own) * (len(own) + 1) / 2) / (len(own) * len(rival)))
