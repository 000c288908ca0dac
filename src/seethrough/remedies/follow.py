"""Follow: what became of each finding, judged by the same exchanges on both networks; and whether a new one came in its place.

Taking one wrong reason from a network can make it lean on another (Li et al., 2023, call it Whac-A-Mole), so the finders are asked
about the repaired network anew, and what they see is judged on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.judge import NOT_FOUND, POINTS, PROVEN, Finding, Plan, Trials, judged, trials_of
from seethrough.findings.statistics import Interval, bootstrap, mcnemar, sign_flips
from seethrough.remedies.measure import AFTER, BEFORE, DRAWS

GONE, LESS, SAME, STRONGER, NEW, NOTHING = "gone", "less", "same", "stronger", "new", "nothing"
"""What became of a finding; `NOTHING` where neither network can be shown to go by it."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate's exchanges, and what each network answered to them.

    Attributes
    ----------
    number
        Of the finding in the audit, from 1; None for what was found in the repaired network alone.
    fault
        Whether a person called it background.
    chances
        (n, 3, K) by network: as it is, with the aspect exchanged, and the control.
    """

    candidate: Candidate
    plan: Plan
    chances: Mapping[str, NDArray[np.float32]]
    number: int | None = None
    fault: bool = False

    def trials(self, network: str) -> Trials:
        """What became of each picture."""
        return trials_of(self.candidate, self.plan, self.chances[network])


@dataclass(frozen=True, eq=False)
class Followed:
    """A finding before and after.

    Attributes
    ----------
    number, fault
        As in `Tried`.
    before, after
        Judged as in an audit, on the same pictures with the same donors.
    change
        Of the effect, in points, after less before; paired.
    chance
        Of so large a change, to either side, were the networks alike (sign flips).
    flips_chance
        Of so uneven a change of the answers that turn (McNemar).
    state
        `GONE`, `LESS`, `SAME`, `STRONGER`, `NEW` or `NOTHING`.
    controls
        The effect in each control, where it was asked.
    """

    number: int | None
    fault: bool
    before: Finding
    after: Finding
    change: Interval
    chance: float
    flips_chance: float
    state: str
    controls: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def candidate(self) -> Candidate:
        """What is exchanged."""
        return self.after.candidate

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "number": self.number,
            "fault": self.fault,
            "aspect": self.candidate.aspect.to_dict(),
            "answer": self.candidate.answer,
            "rivals": list(self.candidate.rivals),
            "state": self.state,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "change": self.change.to_dict(),
            "chance": self.chance,
            "flips_chance": self.flips_chance,
            "controls": {name: effect.to_dict() for name, effect in self.controls.items()},
        }


def followed(
    tried: Sequence[Tried], canvas: Canvas, group: NDArray[np.int64], *, seed: int = 0
) -> tuple[Followed, ...]:
    """What became of each finding.

    Parameters
    ----------
    canvas
        Of either network; it is asked nothing.
    group
        (N,): near-duplicates have the same number.
    """
    before, after = (_judged(tried, canvas, group, network, seed) for network in (BEFORE, AFTER))
    return tuple(_followed(each, one, other, group, seed) for each, one, other in zip(tried, before, after))


def _judged(tried: Sequence[Tried], canvas: Canvas, group: NDArray[np.int64], network: str, seed: int) -> list[Finding]:
    """By the audit's own judge, of trials that were made already."""
    made = {id(each.candidate): each.trials(network) for each in tried}
    none = np.zeros(0, np.int64)
    return judged(
        canvas, [each.candidate for each in tried], none, none, group, seed=seed, recall=lambda c, _: made[id(c)]
    )  # fmt: skip


def _followed(each: Tried, before: Finding, after: Finding, group: NDArray[np.int64], seed: int) -> Followed:
    clusters = group[each.plan.numbers]
    difference = after.trials.effects - before.trials.effects
    change = bootstrap(difference, clusters=clusters, seed=seed, draws=DRAWS)
    _, first = np.unique(clusters, return_index=True)
    return Followed(
        number=each.number,
        fault=each.fault,
        before=before,
        after=after,
        change=change,
        chance=_either_way(difference, clusters, seed),
        flips_chance=mcnemar(before.trials.flipped[first], after.trials.flipped[first]),
        state=state_of(before, after, change),
        controls={
            name: bootstrap(each.trials(name).effects, clusters=clusters, seed=seed, draws=DRAWS)
            for name in each.chances
            if name not in (BEFORE, AFTER)
        },
    )


def state_of(before: Finding, after: Finding, change: Interval) -> str:
    """What may be said of a finding before and after."""
    if after.verdict == PROVEN:
        if change.low > 0:
            return STRONGER if before.verdict == PROVEN else NEW
        return LESS if change.high < 0 else SAME
    if before.verdict == PROVEN and after.effect.high < POINTS:
        return GONE
    if change.high < 0 and before.verdict != NOT_FOUND:
        return LESS
    return SAME if before.verdict == PROVEN else NOTHING


def _either_way(difference: NDArray[np.float64], clusters: NDArray[np.int64], seed: int) -> float:
    """Two-sided: twice the smaller of both directions' chances."""
    together = np.array([difference[clusters == name].mean() for name in np.unique(clusters)])
    return min(1.0, 2 * min(sign_flips(together, seed=seed), sign_flips(-together, seed=seed)))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "effect": finding.effect.to_dict(),
        "chance": finding.chance,
        "corrected": finding.corrected,
        "flips": finding.flips,
        "control_flips": finding.control_flips,
    }
