"""Proof: what a repair is worth on pictures that nobody touched, as data; and what may be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.judge import PROVEN
from seethrough.jobs import Passed
from seethrough.remedies.follow import GONE, LESS, NEW, STRONGER, Followed
from seethrough.remedies.measure import RIGHT, WORST_CLASS, WORST_GROUP, WORST_SLICE, Row, Versus
from seethrough.results import Note, Shown

IMPROVED, NO_IMPROVEMENT, WORSE = "improved", "no improvement", "worse"

CHANCE = 0.025
"""A gain may show in the worst part or in the effects; so each is held to half of one in twenty."""

HALF = 0.5
"""An effect that is left counts as less where it is at most this part of what it was."""

COST = 0.015
"""A loss of so many right answers, of all, is said together with the verdict."""

FORMAT = "seethrough proof 1"


@dataclass(frozen=True, eq=False)
class Pair:
    """One proving picture as it is and with an aspect of another class, as both networks see it.

    Attributes
    ----------
    name, truth
        The picture's, and the class that it belongs to, by name.
    own, changed
        uint8 (H, W, 3).
    chances
        By network the probability of the class that it belongs to: as it is, and changed.
    """

    name: str
    truth: str
    own: NDArray[np.uint8] = field(repr=False)
    changed: NDArray[np.uint8] = field(repr=False)
    chances: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Proof(Shown):
    """The repaired network beside the first.

    Attributes
    ----------
    verdict
        `IMPROVED`, `NO_IMPROVEMENT` or `WORSE`.
    reason
        Why: ``"gain"`` (the worst part gained), ``"less effect"`` (answers hang less on it, and no part lost), ``"no gain"``,
        ``"moved"`` (something else came in its place), ``"worst lost"``, ``"right lost"``.
    figures
        All pictures, and the worst class, slice and group, before and after; those that can be told.
    rows
        Every class, group and slice in numbers.
    followed
        Every finding before and after: those of the audit first, then what was found in the repaired network alone.
    pairs
        For each finding that a person called background some pictures, those that changed most before; else none.
    labels
        A name for each output.
    count
        Pictures that prove.
    own_part
        Whether they are a part of the audit's own pictures, else a folder of others.
    controls
        Names of the controls that were asked.
    passed
        Pictures that could not be read, with the reason.
    """

    verdict: str
    reason: str
    figures: tuple[Versus, ...]
    rows: tuple[Row, ...]
    followed: tuple[Followed, ...]
    pairs: tuple[tuple[Pair, ...], ...]
    labels: tuple[str, ...]
    count: int
    own_part: bool
    controls: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> Versus:
        """All pictures."""
        return next(figure for figure in self.figures if figure.name == RIGHT)

    @property
    def primary(self) -> Versus | None:
        """What the verdict goes by."""
        return primary_of(self.figures)

    @property
    def faults(self) -> tuple[Followed, ...]:
        """The findings that a person called background."""
        return tuple(each for each in self.followed if each.fault)

    @property
    def risen(self) -> tuple[Followed, ...]:
        """What the repaired network goes by more than the first did."""
        return tuple(each for each in self.followed if each.state in (NEW, STRONGER))

    def figure(self, name: str) -> Versus | None:
        """One of the figures; None where it couldn't be told."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "reason": self.reason,
            "provenance": dict(self.provenance),
            "notes": [asdict(note) for note in self.notes],
            "passed": [{"name": p.name, "reason": p.reason} for p in self.passed],
            "labels": list(self.labels),
            "count": self.count,
            "own_part": self.own_part,
            "controls": list(self.controls),
            "figures": [figure.to_dict() for figure in self.figures],
            "parts": [row.to_dict() for row in self.rows],
            "findings": [each.to_dict() for each in self.followed],
        }


def primary_of(figures: Sequence[Versus]) -> Versus | None:
    """What a verdict goes by, settled before anything is seen: the worst of the groups that a person knows; without such the
    worst slice; without findings the worst class.
    """
    by_name = {figure.name: figure for figure in figures}
    return next((by_name[name] for name in (WORST_GROUP, WORST_SLICE, WORST_CLASS, RIGHT) if name in by_name), None)


def verdict_of(figures: Sequence[Versus], followed: Sequence[Followed]) -> tuple[str, str]:
    """What may be said, and why.

    The worst part, or all pictures together, have lost: *worse*, unless the worst part gained more than all lost. The worst part
    gained, or the answers hang clearly less on what a person called background: *improved*, unless something else came in its
    place that counts for half as much as was taken away. Else: *no improvement*.
    """
    primary = primary_of(figures)
    right = next((figure for figure in figures if figure.name == RIGHT), None)
    if primary is None:
        return NO_IMPROVEMENT, "no gain"
    gained = primary.change.low > 0 and primary.chance < CHANCE
    if primary.change.high < 0 and primary.chance < CHANCE:
        return WORSE, "worst lost"
    lost = right is not None and right.change.high < 0 and right.chance < CHANCE
    if right is not None and lost and (not gained or -right.change.value >= primary.change.value):
        return WORSE, "right lost"
    if not gained and not _hangs_less(followed):
        return NO_IMPROVEMENT, "no gain"
    if _moved(followed):
        return NO_IMPROVEMENT, "moved"
    return (IMPROVED, "gain") if gained else (IMPROVED, "less effect")


def _hangs_less(followed: Sequence[Followed]) -> bool:
    """Whether of everything that was called background, and that the first network goes by here too, at most half is left."""
    there = [each for each in followed if each.fault and each.before.verdict == PROVEN]
    return bool(there) and all(
        each.state in (GONE, LESS)
        and each.chance < CHANCE
        and each.after.effect.value <= HALF * each.before.effect.value
        for each in there
    )


def _moved(followed: Sequence[Followed]) -> bool:
    """Whether something rose by half of the most that was taken away, or by more."""
    taken = max((-each.change.value for each in followed if each.fault), default=0.0)
    risen = max((each.change.value for each in followed if each.state in (NEW, STRONGER)), default=0.0)
    return risen > 0 and risen >= HALF * taken
