"""Naming: which of several proven findings of one answer are one habit, and which of them it should be called by.

A mark in a corner travels with the background; a scene's colour is its hue. So the one aspect is exchanged and the other put
back (mediation, as Baron & Kenny, 1986, asked it of a third quantity): what is left of the effect is what the first has beside
the second. Where nothing is left, the first counts only because it brings the second along. A place that bears everything is then the
name, and so is a thing that surely does more than the whole; a trait of the whole (its light, its detail) is it only where it does as much
by itself as the whole does, else it is what of the whole counts; where there is less detail of all sizes alike, that is contrast and no
focus (`veils.py`); and where detail of which the order is gone does much less, it is the pattern of the background. The same pictures are
asked with the same donors as when the first was judged, so that effects are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Aspect, control_of
from seethrough.findings.aspects.detail import Detail, Unordered
from seethrough.findings.aspects.look import Look
from seethrough.findings.canvas import Canvas, Pictures
from seethrough.findings.judge import NOT_FOUND, PROVEN, Finding, Plan, Recall, Trials, tried_so
from seethrough.findings.statistics import Interval, bootstrap
from seethrough.findings.veils import of_all_sizes

ALL, SURELY = 0.8, 0.6
"""So much of an effect goes away, and surely so much (the lower end of its interval), where all of it is another's."""

PARTLY, PARTLY_SURELY = 0.7, 0.45
"""The same where the other is a thing that may lie anywhere, which is missed in some pictures and stays; or a cast, which was seen on the
thing as well, so that the background alone can't be what counts.
"""

AS_MUCH: Mapping[str, float] = {"region": 0.6, "thing": 0.4, "look": 0.9}
"""So much of the whole's effect a finding has by itself, where it is the whole's name, by its kind: a place, of which perhaps a part
was found; a thing, which is missed in some pictures; a look, which is brought to the donor's level and not to its pixels.
"""
AS_MUCH_AT_ALL, CASTS_AS_MUCH = 0.95, 0.7
"""And any other trait of the whole; and a cast."""

UNORDERED = 0.75
"""So much of its effect a detail has with random phases, where it is focus or grain and not the pattern of a scene."""

MOST_OF_IT = 0.5
"""From so much on a finding is told with the one that it comes with."""

PAIRS = 30
"""Pictures that a pair is asked with, put in and taken out each."""

MOST = 8
"""Proven findings of an answer that are compared, the strongest."""

SOMEWHERE = ("region", "thing")
"""Kinds that are one place of a picture."""

MOVES = ("layout",)
"""Kinds that move the thing: what was put around it can't be put back to the pixel."""

Progress = Callable[[int, int], None]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class PutBack:
    """An aspect is the donor's, but for another that is the picture's own again."""

    exchanged: Aspect
    back: Aspect
    kind: str = "put back"

    @property
    def name(self) -> str:
        return f"{self.back.kind} {self.back.name} in {self.exchanged.kind} {self.exchanged.name}"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        return self._back(self.exchanged.exchange(pictures, donors), pictures)

    def control(self, pictures: Pictures, donors: Pictures, others: Pictures) -> Tensor:
        return self._back(control_of(self.exchanged, pictures, donors, others), pictures)

    def _back(self, changed: Tensor, pictures: Pictures) -> Tensor:
        back = self.back if _everywhere(self.exchanged) else _beside(self.back)
        return back.exchange(Pictures(changed, pictures.fore, pictures.numbers), pictures)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        return None

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "exchanged": self.exchanged.to_dict(),
            "back": self.back.to_dict(),
        }


@dataclass(frozen=True)
class Instead:
    """An aspect as it is, exchanged where another was: on its pictures, with its donors."""

    exchanged: Aspect
    of: Aspect
    kind: str = "instead"

    @property
    def name(self) -> str:
        return f"{self.exchanged.kind} {self.exchanged.name} instead of {self.of.kind} {self.of.name}"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        return self.exchanged.exchange(pictures, donors)

    def control(self, pictures: Pictures, donors: Pictures, others: Pictures) -> Tensor:
        return control_of(self.exchanged, pictures, donors, others)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        return self.exchanged.amount(pictures)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "exchanged": self.exchanged.to_dict(), "of": self.of.to_dict()}


@dataclass(frozen=True, slots=True)
class Part:
    """A finding that is told with another.

    Attributes
    ----------
    number
        Of the finding, from 0.
    within
        Share of its own effect that is gone when the main one is put back; None where it is part of the main one by what
        it is (anything beside the thing is part of the background), or wasn't asked.
    through
        Share of the main one's effect that is gone when it is put back; None where that wasn't asked.
    carries
        Whether it is the wider of the two: it counts because it brings the main one along.
    """

    number: int
    within: Interval | None = None
    through: Interval | None = None
    carries: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that are one habit.

    Attributes
    ----------
    main
        Number of the finding that it is called by, from 0.
    parts
        The others, those first that tell most of it.
    """

    main: int
    parts: tuple[Part, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of all its findings, the main one first."""
        return self.main, *(part.number for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; findings count from 1 there."""
        return {
            "main": self.main + 1,
            "parts": [
                {
                    "finding": part.number + 1,
                    "within": None if part.within is None else part.within.to_dict(),
                    "through": None if part.through is None else part.through.to_dict(),
                    "carries": part.carries,
                }
                for part in self.parts
            ],
        }


def alone(findings: Sequence[Finding]) -> tuple[Group, ...]:
    """Each finding that is proven or suspected by itself."""
    return tuple(Group(k) for k, finding in enumerate(findings) if finding.verdict != NOT_FOUND)


def grouped(
    canvas: Canvas,
    findings: Sequence[Finding],
    group: NDArray[np.int64],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    recall: Recall | None = None,
) -> tuple[Group, ...]:
    """Which findings are one habit, and what each habit is called by: those with a proven main finding first, and by its
    effect; the numbers are those of the findings as they are given.

    Parameters
    ----------
    group
        (N,), of the whole collection: near-duplicates have the same number.
    recall
        Gives a pair's trials, as they are kept from before, or makes them.
    """
    asking = _Asking(canvas, findings, group, seed, recall)
    answers = sorted({f.candidate.answer for f in findings if f.verdict == PROVEN})
    found: list[Group] = []
    for k, answer in enumerate(answers):
        found += _of_answer(asking, [n for n, f in enumerate(findings) if f.candidate.answer == answer])
        if progress:
            progress(k + 1, len(answers))
    held = {number for each in found for number in each.numbers}
    found += [each for each in alone(findings) if each.main not in held]
    return tuple(sorted(found, key=lambda g: (findings[g.main].verdict != PROVEN, -findings[g.main].effect.value)))


def in_order(findings: Sequence[Finding], groups: Sequence[Group]) -> tuple[list[int], tuple[Group, ...]]:
    """The order in which findings are told — what groups are called by, then their parts, then the rest — as numbers of
    theirs, and the groups with the numbers that they have then.
    """
    mains = [group.main for group in groups]
    parts = [part.number for group in groups for part in group.parts]
    told = {*mains, *parts}
    order = [*mains, *parts, *(k for k in range(len(findings)) if k not in told)]
    place = {number: at for at, number in enumerate(order)}
    renamed = tuple(
        Group(place[group.main], tuple(replace(part, number=place[part.number]) for part in group.parts))
        for group in groups
    )
    return order, renamed


@dataclass(eq=False)
class _Asking:
    """The pairs that were asked."""

    canvas: Canvas
    findings: Sequence[Finding]
    group: NDArray[np.int64]
    seed: int
    recall: Recall | None
    shares: dict[tuple[int, int], Interval | None] = field(default_factory=dict)

    def whole(self, number: int) -> bool:
        """Whether a finding is all that isn't the thing."""
        return self.findings[number].candidate.aspect.kind == "background"

    def widest(self, number: int) -> bool:
        """Whether no other holds a finding: the background, or a look of everything, the thing too."""
        return self.whole(number) or self.cast(number)

    def cast(self, number: int) -> bool:
        """Whether a finding lies over the thing as well."""
        return _everywhere(self.findings[number].candidate.aspect)

    def somewhere(self, number: int) -> bool:
        """Whether a finding is one place of the picture: where that bears everything, what is measured all over it (its light,
        its detail) only sees the place.
        """
        return self.findings[number].candidate.aspect.kind in SOMEWHERE

    def moves(self, number: int) -> bool:
        return self.findings[number].candidate.aspect.kind in MOVES

    def flattens(self, number: int, detail: int) -> bool:
        """Whether a finding is the contrast, and another the detail by which alone it counts, and of all sizes there is less alike."""
        aspects = [self.findings[each].candidate.aspect for each in (number, detail)]
        if not isinstance(aspects[0], Look) or [a.name for a in aspects] != ["contrast", "sharpness"]:
            return False
        if not (_surely_all(self.gone(number, detail)) and _at_least(self.gone(detail, number), MOST_OF_IT)):
            return False
        trials = self.findings[detail].trials
        rows = _rows(trials)
        own, rival = (trials.numbers[rows][trials.put_in[rows] == side] for side in (False, True))
        return of_all_sizes(self.canvas.load(own), self.canvas.load(rival))

    def draws(self, number: int, detail: int) -> bool:
        """Whether a finding is the background, and another its detail, of which counts what it draws and not how much there is."""
        aspect = self.findings[detail].candidate.aspect
        if not (self.whole(number) and isinstance(aspect, Detail) and _surely_all(self.gone(detail, number))):
            return False
        return not _at_least(self._asked(self.findings[detail], Unordered(aspect), _share_left), UNORDERED)

    def bears(self, number: int, whole: int) -> bool:
        """Whether a finding is what another counts by, so that it is called by it."""
        kind, cast = self.findings[number].candidate.aspect.kind, self.cast(number)
        if self.whole(number) and self.cast(whole):  # no scene lies over the thing
            return False
        if kind == "thing" and self.findings[number].effect.low > self.findings[whole].effect.value:
            # of all that lies beside the thing it was lost with the edge; and what else a cast does is its own
            return self.whole(whole) or _at_least(self.gone(whole, number), MOST_OF_IT)
        enough = (PARTLY, PARTLY_SURELY) if cast or kind == "thing" else (ALL, SURELY)
        if not _surely_all(self.gone(whole, number), *enough):
            return False
        return _at_least(self.does(number, whole), CASTS_AS_MUCH if cast else AS_MUCH.get(kind, AS_MUCH_AT_ALL))

    def gone(self, of: int, by: int) -> Interval | None:
        """Share of a finding's effect that is gone when another's aspect is put back; None where there was none to go."""
        if (of, by) not in self.shares:
            whole, other = (self.findings[number].candidate.aspect for number in (of, by))
            self.shares[of, by] = self._asked(self.findings[of], PutBack(whole, other), _share_gone)
        return self.shares[of, by]

    def does(self, number: int, of: int) -> Interval | None:
        """What a finding does by itself where another was exchanged, as a share of that one's effect; None where it had none."""
        aspect, whole = (self.findings[each].candidate.aspect for each in (number, of))
        return self._asked(self.findings[of], Instead(aspect, whole), _share_left)

    def _asked(self, finding: Finding, aspect: Aspect, statistic: Statistic) -> Interval | None:
        """A statistic of a finding's effects and those of another aspect on the same pictures, with the same donors."""
        rows = _rows(finding.trials)
        kept = ("numbers", "donors", "control_donors", "put_in")
        plan = Plan(*(getattr(finding.trials, name)[rows] for name in kept))
        pair = replace(finding.candidate, aspect=aspect)
        make = partial(tried_so, self.canvas, pair, plan)
        other = make() if self.recall is None else self.recall(pair, make)
        effects = np.stack([finding.trials.effects[rows], other.effects], 1)
        if not len(rows) or effects[:, 0].mean() <= 0:
            return None
        return bootstrap(effects, statistic, clusters=self.group[plan.numbers], seed=self.seed, draws=1000)


def _everywhere(aspect: Aspect) -> bool:
    """Whether the thing's own pixels are exchanged as well."""
    return isinstance(aspect, Look | Detail) and aspect.whole


def _beside(aspect: Aspect) -> Aspect:
    """What of an aspect lies beside the thing: where the thing is as it was, nothing of it has to be put back."""
    return replace(aspect, whole=False) if isinstance(aspect, Look | Detail) else aspect


def _rows(trials: Trials) -> NDArray[np.int64]:
    """The first so many that were put in, and taken out: they are drawn in random order."""
    return np.concatenate([np.flatnonzero(trials.put_in == side)[:PAIRS] for side in (True, False)])


def _share_left(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """From (draws, n, 2), an effect and what is left of it, to the share that is left."""
    whole, left = drawn.mean(1).T
    return left / np.maximum(whole, 1e-9)


def _share_gone(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same, to the share that is gone."""
    return 1 - _share_left(drawn)


def _surely_all(share: Interval | None, all_of_it: float = ALL, surely: float = SURELY) -> bool:
    return share is not None and share.value >= all_of_it and share.low >= surely


def _at_least(share: Interval | None, least: float) -> bool:
    return share is not None and share.value >= least


def _of_answer(asking: _Asking, numbers: Sequence[int]) -> list[Group]:
    """The groups of one answer's findings."""
    findings = asking.findings
    proven = sorted((n for n in numbers if findings[n].verdict == PROVEN), key=lambda n: -findings[n].effect.value)
    still = [n for n in proven if not asking.moves(n)]
    rest, later = still[:MOST], still[MOST:]
    suspected = [n for n in numbers if findings[n].verdict not in (PROVEN, NOT_FOUND) and not asking.moves(n)]
    found: list[Group] = []
    while rest:
        wide = next((n for n in rest if asking.widest(n)), rest[0])
        others = [n for n in rest if n != wide]
        through = {n: asking.gone(wide, n) for n in others}
        bearers = [n for n in others if asking.bears(n, wide)]
        main = max(bearers, key=lambda n: (asking.somewhere(n), findings[n].effect.value), default=wide)
        main = next((n for n in rest if asking.flattens(n, main) or asking.draws(n, main)), main)
        parts = [_part(asking, main, wide, n, through) for n in others if n != main]
        if main != wide and _at_least(through[main], MOST_OF_IT):
            parts.append(Part(wide, within=through[main], carries=_at_least(through[main], ALL)))
        elif main == wide and asking.whole(wide):
            parts += [Part(n) for n in [*later, *suspected]]
            later = suspected = []
        kept = tuple(part for part in parts if part is not None)
        found.append(Group(main, tuple(sorted(kept, key=_telling))))
        rest = [n for n in rest if n not in found[-1].numbers]
    return found


def _part(asking: _Asking, main: int, wide: int, number: int, through: dict[int, Interval | None]) -> Part | None:
    """A finding as part of a group; None where it stands by itself."""
    if main == wide and asking.whole(wide):
        return Part(number, through=through[number])
    within = asking.gone(number, main)
    if not _at_least(within, MOST_OF_IT):
        return None
    return Part(number, within=within, through=through[number] if main == wide else None)


def _telling(part: Part) -> tuple[bool, float]:
    """What tells more of the main finding comes first; what only carries it first of all."""
    return not part.carries, -(part.through.value if part.through is not None else -np.inf)
