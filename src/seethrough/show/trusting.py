"""What is read from the checks of a map: its verdict, its reasons and figures, and how the methods of a picture agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.attribution.evidence import EVERYWHERE, Evidence, evidence_of, is_flat, widest_gap
from seethrough.results import Attribution, Explanation, Trust
from seethrough.show.language import Both, count, measured
from seethrough.show.trust_words import (
    DISAGREE,
    DISAGREE_NOWHERE,
    LIKE_LEAST,
    LIKE_MOST,
    MARKS,
    NULLS,
    THIS_MAP,
    VERDICTS,
    figure_words,
    group_words,
    verdict_words,
)
from seethrough.show.words import REGIONS, method_words, note_words

FIRST_REASONS = 2
"""Reasons that stand beside a map; the others are a click away."""

RIVALLED = "gain"
"""The figure of a group that is also measured for null maps."""

COUNTED = ("pictures",)
"""Figures that are whole numbers."""

DIFFERENT = 0.5
"""Two good methods whose rank correlation is below this are said to disagree."""

DISAGREEMENTS = 3
"""Pairs that are said in words, the furthest apart first."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was measured, or counted: its words and value."""

    words: Both
    value: float
    counts: bool = False

    @property
    def shown(self) -> str:
        """The value as it is written."""
        return count(self.value) if self.counts and math.isfinite(self.value) else measured(self.value)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a comparison with maps that know nothing: from ``start`` to ``end``, 0…1 of the width."""

    words: Both
    value: float
    start: float
    end: float
    own: bool

    @property
    def shown(self) -> str:
        """The value as it is written."""
        return measured(self.value)


@dataclass(frozen=True, slots=True)
class Group:
    """Figures about one thing; ``bars`` compare one of them with what maps reach that know nothing of the network."""

    words: Both
    figures: tuple[Figure, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How far to believe one map, in words: ``said`` are the weightiest reasons, ``reasons`` all of them."""

    verdict: str
    words: Both
    mark: str
    said: Both
    reasons: tuple[Both, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Agreement:
    """How the methods of one picture agree.

    ``matrix`` is float (M, M), in the order of ``methods``; ``apart`` says where two good ones disagree, ``extremes``
    which are most and least alike.
    """

    methods: tuple[str, ...]
    names: tuple[Both, ...]
    matrix: NDArray[np.floating]
    apart: tuple[Both, ...]
    extremes: tuple[Both, ...]

    @property
    def sentences(self) -> tuple[Both, ...]:
        """All that can be said of it."""
        return (*self.apart, *self.extremes)


def judgement_of(attribution: Attribution, image: int) -> Judgement | None:
    """How far to believe the map of one image; None where that was not asked."""
    return judgement(attribution.trust[image]) if image < len(attribution.trust) else None


def judgement(trust: Trust) -> Judgement:
    """A record of trust in words."""
    reasons = tuple(note_words(note) for note in trust.reasons)
    first = reasons[:FIRST_REASONS]
    return Judgement(
        trust.verdict,
        verdict_words(trust.verdict),
        MARKS.get(trust.verdict, "·"),
        Both(" ".join(r.en for r in first), "".join(r.zh for r in first)),
        reasons,
        tuple(_groups(trust.figures)),
    )


def rank(attribution: Attribution, image: int) -> int:
    """How early a map should be shown: 0 carries weight (or was not checked) … 2 says nothing, 3 is flat."""
    if is_flat(attribution.map[image], signed=attribution.signed, seen=attribution.seen[image]):
        return len(VERDICTS)
    if image >= len(attribution.trust) or attribution.trust[image].verdict not in VERDICTS:
        return 0
    return list(VERDICTS).index(attribution.trust[image].verdict)


def gain(attribution: Attribution, image: int) -> float:
    """How much faster covering in the map's order moves the answer than the reverse; 0 where that wasn't measured."""
    trust = attribution.trust[image : image + 1]
    return float(trust[0].figures.get(f"faithfulness.{RIVALLED}", 0.0)) if trust else 0.0


# --- figures ----------------------------------------------------------------------------------------------------------


def _groups(figures: Mapping[str, float]) -> Iterator[Group]:
    """``"faithfulness.insertion"`` belongs to the group of its first word. What null maps reach in a group's `RIVALLED`
    measure goes by their own names (``"faithfulness.edges"``), and stands beside it.
    """
    by_group: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        group, _, own = name.partition(".")
        by_group.setdefault(group, {})[own] = float(value)
    for group, own in by_group.items():
        rivals = {name: value for name, value in own.items() if name in NULLS} if RIVALLED in own else {}
        left = {name: v for name, v in own.items() if not rivals or (name not in rivals and name != RIVALLED)}
        yield Group(
            group_words(group),
            tuple(Figure(figure_words(f"{group}.{name}"), v, name in COUNTED) for name, v in left.items()),
            _bars(own[RIVALLED], rivals) if rivals else (),
        )


def _bars(own: float, nulls: Mapping[str, float]) -> tuple[Bar, ...]:
    rows = [(THIS_MAP, own, True), *((NULLS[name], value, False) for name, value in nulls.items())]
    finite = [value for _, value, _ in rows if math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    width = high - low or 1.0

    def at(value: float) -> float:
        return (value - low) / width if math.isfinite(value) else -low / width

    return tuple(Bar(words, v, min(at(0.0), at(v)), max(at(0.0), at(v)), mine) for words, v, mine in rows)


# --- agreement --------------------------------------------------------------------------------------------------------


def agreement_of(explanation: Explanation, image: int, methods: Sequence[str] | None = None) -> Agreement | None:
    """How the methods (all, or those named) agree about one picture; None where that was not asked, or there is one."""
    all_methods = list(explanation)
    chosen = [m for m in (methods if methods is not None else all_methods) if m in explanation]
    if explanation.agreement is None or len(chosen) < 2:
        return None
    rows = [all_methods.index(m) for m in chosen]
    matrix = np.asarray(explanation.agreement[image], np.float64)[np.ix_(rows, rows)]
    names = tuple(method_words(m).name for m in chosen)
    apart = tuple(_apart(explanation, image, chosen, matrix))
    return Agreement(tuple(chosen), names, matrix, apart, tuple(_extremes(names, matrix)))


def _pairs(matrix: NDArray[np.floating]) -> list[tuple[float, int, int]]:
    """Each two methods with their correlation, the furthest apart first."""
    number = len(matrix)
    found = [(float(matrix[i, j]), i, j) for i in range(number) for j in range(i + 1, number)]
    return sorted(pair for pair in found if math.isfinite(pair[0]))


def _extremes(names: Sequence[Both], matrix: NDArray[np.floating]) -> Iterator[Both]:
    pairs = _pairs(matrix)
    if len(pairs) < 2:
        return
    for template, (correlation, i, j) in ((LIKE_MOST, pairs[-1]), (LIKE_LEAST, pairs[0])):
        yield template.fill(first=names[i], second=names[j], correlation=correlation)


def _apart(
    explanation: Explanation, image: int, methods: Sequence[str], matrix: NDArray[np.floating]
) -> Iterator[Both]:
    """Where two methods that both carry weight disagree."""
    good = [_is_good(explanation[m], image) for m in methods]
    far = [(c, i, j) for c, i, j in _pairs(matrix) if c < DIFFERENT and good[i] and good[j]]
    for correlation, i, j in far[:DISAGREEMENTS]:
        one, other = (evidence(explanation[methods[k]], image) for k in (i, j))
        region, here, there = widest_gap(one.support, other.support)
        names = {"first": method_words(methods[i]).name, "second": method_words(methods[j]).name}
        if region == EVERYWHERE:
            yield DISAGREE_NOWHERE.fill(correlation=correlation, **names)
        else:
            yield DISAGREE.fill(correlation=correlation, region=REGIONS[region], one=here, other=there, **names)


def _is_good(attribution: Attribution, image: int) -> bool:
    return image < len(attribution.trust) and attribution.trust[image].verdict == "carries_weight"


def evidence(attribution: Attribution, image: int) -> Evidence:
    """Where the evidence of one image's map lies."""
    return evidence_of(attribution.map[image], signed=attribution.signed, seen=attribution.seen[image])
