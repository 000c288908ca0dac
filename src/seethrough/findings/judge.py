"""Judge: the thing itself is put in and taken out, beside a matched control.

A picture of another class is given the aspect from a picture of the answer's class; the control is given it from another
picture of its own class. A picture of the class is given it from another class; the control from its own. What the answer's
probability changes by beyond the control is the aspect's *effect*, in points of a hundred: on a network for which the aspect
means nothing the two exchanges differ by chance alone, however unnatural an exchanged picture looks. What is behind a donor's
thing is guessed, and the guess shows where the thing was; so both donors lose the same places, those of both things: else the
shape of a class's things would tell it still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Candidate, control_of
from seethrough.findings.canvas import Canvas, Pictures
from seethrough.findings.statistics import DRAWS, Interval, bootstrap, holm, sign_flips

PROVEN, SUSPECTED, NOT_FOUND = "proven", "suspected", "not found"

CHANCE, POINTS = 0.01, 5.0
"""Proven: the corrected chance lies below the one, and the lower end of the effect's interval at the other, in points."""

MOST = 120
"""Pictures that are changed for a candidate, put in and taken out each."""

AFTER_ALL, ASKS = 40, 30_000
"""So many at least, put in and taken out each, however much there is to judge; and so many answers are asked for in all, before each
candidate gets fewer pictures.
"""

SURE = 400
"""Draws for each candidate that is judged: a chance that is corrected for all of them can then fall far below `CHANCE`."""

LEAST = 8
"""With fewer, nothing is proven."""

AT_ONCE = 64

WAY = "both donors lose the same places"
"""How pictures are changed: trials that were kept before it was so aren't taken up again."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Trials:
    """What became of each changed picture.

    Attributes
    ----------
    numbers, donors, control_donors
        int64 (n,), in the collection.
    put_in
        bool (n,): put in, else taken out.
    before, changed, control
        float32 (n,): the answer's probability as the picture is, with the aspect exchanged, and with the control.
    flipped, control_flipped
        bool (n,): whether the first answer became (put in) or ceased to be (taken out) this one.
    """

    numbers: NDArray[np.int64]
    donors: NDArray[np.int64]
    control_donors: NDArray[np.int64]
    put_in: NDArray[np.bool_]
    before: NDArray[np.float32]
    changed: NDArray[np.float32]
    control: NDArray[np.float32]
    flipped: NDArray[np.bool_]
    control_flipped: NDArray[np.bool_]

    @property
    def effects(self) -> NDArray[np.float64]:
        """In points: what each picture's answer changed by beyond its control, in the aspect's direction."""
        points = 100 * (self.changed.astype(np.float64) - self.control)
        return np.where(self.put_in, points, -points)


@dataclass(frozen=True, eq=False)
class Plan:
    """Which pictures are changed, and whose aspect each is given; as in `Trials`."""

    numbers: NDArray[np.int64]
    donors: NDArray[np.int64]
    control_donors: NDArray[np.int64]
    put_in: NDArray[np.bool_]


_NO_NUMBERS, _NO_CHANCES, _NO = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, bool)
_NOTHING = Trials(_NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO, _NO_CHANCES, _NO_CHANCES, _NO_CHANCES, _NO, _NO)

Recall = Callable[[Candidate, Callable[[], Trials]], Trials]
"""From a candidate, and what makes its trials, to its trials."""


@dataclass(frozen=True, eq=False)
class Finding:
    """A candidate, judged.

    Attributes
    ----------
    effect
        In points of probability, beyond the control; ``n`` counts pictures that aren't near-duplicates.
    chance
        Of an effect so large where there is none, uncorrected; ``corrected`` for all candidates that were judged.
    verdict
        `PROVEN`, `SUSPECTED` or `NOT_FOUND`.
    flips, control_flips
        Share of the pictures whose answer turned, exchanged and in the control.
    """

    candidate: Candidate
    trials: Trials
    effect: Interval
    chance: float
    corrected: float
    verdict: str
    flips: float
    control_flips: float


def judged(
    canvas: Canvas,
    candidates: Sequence[Candidate],
    pictures: NDArray[np.int64],
    classes: NDArray[np.int64],
    group: NDArray[np.int64],
    *,
    seed: int = 0,
    most: int = MOST,
    progress: Progress | None = None,
    recall: Recall | None = None,
) -> list[Finding]:
    """Judge candidates on pictures that found none of them.

    Parameters
    ----------
    pictures
        Numbers of the judging pictures.
    classes, group
        (N,), of the whole collection: the output that each belongs to; near-duplicates have the same number.
    recall
        Gives a candidate's trials, as they are kept from before, or made.
    """
    found = []
    for k, candidate in enumerate(candidates):
        make = partial(tried, canvas, candidate, pictures, classes, seed=seed, most=most)
        trials = make() if recall is None else recall(candidate, make)
        effects = trials.effects
        effect = bootstrap(effects, clusters=group[trials.numbers], seed=seed, draws=2000)
        together = _a_group_each(effects, group[trials.numbers])
        found.append(
            Finding(
                candidate, trials, effect, _chance(together, len(candidates), seed), 1.0, NOT_FOUND,
                _share(trials.flipped), _share(trials.control_flipped),
            )
        )  # fmt: skip
        if progress:
            progress(k + 1, len(candidates))
    corrected = holm([finding.chance for finding in found])
    return [replace(f, corrected=p, verdict=verdict(f, p)) for f, p in zip(found, corrected)]


def most_of(candidates: int) -> int:
    """Pictures that each of so many candidates gets, put in and taken out each: `MOST`, and fewer where there is much to judge.

    >>> most_of(20), most_of(100), most_of(1000)
    (120, 75, 40)
    """
    return max(AFTER_ALL, min(MOST, ASKS // (4 * max(1, candidates))))


def _chance(effects: NDArray[np.float64], candidates: int, seed: int) -> float:
    """Of effects so large by chance; where it could count among so many candidates, by as many draws as that takes."""
    found = sign_flips(effects, seed=seed)
    if found * candidates >= 1 or SURE * candidates <= DRAWS:
        return found
    return sign_flips(effects, draws=SURE * candidates, seed=seed)


def verdict(finding: Finding, corrected: float) -> str:
    """What may be said of an effect."""
    if corrected < CHANCE and finding.effect.low >= POINTS and finding.effect.n >= LEAST:
        return PROVEN
    return SUSPECTED if finding.chance < 0.05 and finding.effect.value >= POINTS / 2 else NOT_FOUND


def tried(
    canvas: Canvas,
    candidate: Candidate,
    pictures: NDArray[np.int64],
    classes: NDArray[np.int64],
    *,
    seed: int = 0,
    most: int = MOST,
) -> Trials:
    """Exchange a candidate's aspect on so many pictures at most, put in and taken out."""
    return tried_so(canvas, candidate, drawn(candidate, pictures, classes, seed=seed, most=most))


def tried_so(canvas: Canvas, candidate: Candidate, plan: Plan) -> Trials:
    """Exchange a candidate's aspect as a plan says."""
    chances, at = [], 0
    for own, *versions in versions_of(canvas, candidate, plan):
        before = canvas.unchanged(plan.numbers[at : at + len(own)])
        chances.append(np.stack([before, *map(canvas.ask, versions)], 1))
        at += len(own)
    return trials_of(candidate, plan, np.concatenate(chances)) if chances else _NOTHING


def drawn(
    candidate: Candidate,
    pictures: NDArray[np.int64],
    classes: NDArray[np.int64],
    *,
    seed: int = 0,
    most: int = MOST,
) -> Plan:
    """Which pictures are changed for a candidate, and whose aspect each is given."""
    chance = np.random.default_rng(
        [seed, candidate.answer, *candidate.aspect.kind.encode(), *candidate.aspect.name.encode()]
    )
    label = classes[pictures]
    own, others = pictures[label == candidate.answer], pictures[np.isin(label, candidate.rivals)]
    into = chance.permutation(others)[:most]
    out = chance.permutation(own)[:most]
    parts: list[Plan] = []
    if len(own) and len(into):
        donors = chance.choice(own, len(into))
        parts.append(Plan(into, donors, _of_same_class(into, others, classes, chance), np.ones(len(into), bool)))
    if len(others) and len(out):
        donors = chance.choice(others, len(out))
        parts.append(Plan(out, donors, _of_same_class(out, own, classes, chance), np.zeros(len(out), bool)))
    if not parts:
        return Plan(_NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO)
    return Plan(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Plan)))


def versions_of(canvas: Canvas, candidate: Candidate, plan: Plan) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The pictures of a plan, some at a time: as they are, with the aspect exchanged, and the control."""
    for at in range(0, len(plan.numbers), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        own = canvas.load(plan.numbers[rows])
        donors, controls = donors_of(canvas, plan, rows)
        yield own.x, candidate.aspect.exchange(own, donors), control_of(candidate.aspect, own, donors, controls)


def donors_of(canvas: Canvas, trials: Plan | Trials, rows: slice | NDArray[np.int64]) -> tuple[Pictures, Pictures]:
    """Donors and control donors of some rows, which lose the same places."""
    donors, controls = (canvas.load(from_[rows]) for from_ in (trials.donors, trials.control_donors))
    return donors.losing(controls), controls.losing(donors)


def trials_of(candidate: Candidate, plan: Plan, chances: NDArray[np.float32]) -> Trials:
    """What became of each picture of a plan.

    Parameters
    ----------
    chances
        (n, 3, outputs): a network's probabilities for the three versions of `versions_of`.
    """
    is_first = chances.argmax(2) == candidate.answer
    turned = is_first != is_first[:, :1]
    flipped = turned & (is_first == plan.put_in[:, None])
    before, changed, control = chances[:, :, candidate.answer].T
    return Trials(
        plan.numbers, plan.donors, plan.control_donors, plan.put_in, before, changed, control, flipped[:, 1], flipped[:, 2]
    )  # fmt: skip


def _of_same_class(
    numbers: NDArray[np.int64], among: NDArray[np.int64], classes: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """For each picture another of its class, itself where there is none."""
    found = np.empty_like(numbers)
    for row, number in enumerate(numbers):
        same = among[(classes[among] == classes[number]) & (among != number)]
        found[row] = chance.choice(same) if len(same) else number
    return found


def _a_group_each(effects: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean effect of each group of near-duplicates."""
    return np.array([effects[group == name].mean() for name in np.unique(group)])


def _share(of: NDArray[np.bool_]) -> float:
    return float(of.mean()) if len(of) else float("nan")
