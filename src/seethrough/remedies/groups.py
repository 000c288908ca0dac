"""Groups: on which class's side each picture's aspect stands, told by the network itself and not by hidden labels.

A picture's aspect is put into the same few pictures of each class, so that nothing but the aspect differs between what the network
then sees. Towards which class their answers are pulled says to which class the aspect belongs: a background of water pulls towards
water birds, on whatever picture. More is seen of it than the answers say: where what the last layer reads tells the classes of the
pictures that the aspects are from, the side is read off there (`telling.py`). A picture whose aspect stands on another class's side
than its own is a *counter-example*: it shows the network that the aspect isn't the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from seethrough.findings.aspect import Candidate
from seethrough.remedies.pool import AT_ONCE, as_they_are, digest_of, involved, keep, two_at_least
from seethrough.remedies.rung import Progress, Ward
from seethrough.remedies.telling import narrowed, surely_less, told

RECIPIENTS = 3
"""Pictures of each class into which an aspect is put, where that doesn't ask for more than `MOST` answers."""

MOST = 4000
"""Pictures at most that are sent through the network for a fault."""

SURE = 0.8
"""A picture is in a group only where it is so likely to be on that side; of the others nothing is said."""

FEW = 20
"""With fewer counter-examples to a fault nothing is learned from the pictures as they are; exchanged ones are needed."""

ROUNDS = 300

FAR = 0.5
"""A split that the classes don't go by must be likelier by so much a picture, as a logarithm."""

WIDTH = 64
"""Of what the last layer reads of each recipient so many directions are looked at, those in which aspects differ most."""

ALIKE = 0.3
"""What is read off must go with the pull, among pictures of a class, by this correlation: else something other than the aspect was
read, such as the shape of a hole.
"""

SURELY = 2.0
"""No aspect is taken to show its side with more than these log odds (88 in a hundred): of two that are as sure as that the answers
to their pictures say which is the surer.
"""

FURTHEST = 4.0
"""An answer further off than so many standard deviations counts as that."""

UNSURE = -1


@dataclass(frozen=True, eq=False)
class Groups:
    """On which side the pictures of a ward stand, those to learn from and those to choose by.

    Attributes
    ----------
    sides
        int64 (F, N), for each fault and picture of the collection the class to which its aspect belongs; `UNSURE` where that
        can't be told, or the fault doesn't concern the picture's class.
    pulls
        float32 (F, N): by how much the aspect pulls towards the fault's answer and away from its rivals, in log odds: what it
        does in other pictures, and in its own, whose answer suffers where its aspect speaks for another class. This puts
        pictures in order, those first that go against the fault most surely; ``sides`` don't hang on whether an answer is
        right, so that what is right can be counted by them. NaN where it wasn't asked.
    """

    sides: NDArray[np.int64]
    pulls: NDArray[np.float32]

    def joint(self, classes: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The group of each picture, int64 (n,): the same for pictures of the same class and the same sides of all faults;
        `UNSURE` where one of these is unsure. A fault that doesn't concern a class says nothing of it.
        """
        code = classes[numbers].copy()
        known = np.ones(len(numbers), bool)
        outputs = int(max(classes.max(), self.sides.max())) + 2
        for side, pull in zip(self.sides[:, numbers], self.pulls[:, numbers]):
            asked = np.isfinite(pull)
            known &= ~asked | (side != UNSURE)
            code = code * outputs + np.where(asked, side + 1, 0)
        return np.where(known, code, UNSURE)


_groups: WeakKeyDictionary[Ward, Groups] = WeakKeyDictionary()


def groups_of(ward: Ward, progress: Progress | None = None) -> Groups:
    """The groups of a ward's pictures, asked once; what separates two sides is learned from the pictures to learn from."""
    if ward not in _groups:
        count, faults = len(ward.facts), len(ward.faults)
        sides, pulls = np.full((faults, count), UNSURE), np.full((faults, count), np.nan, np.float32)
        label = ward.facts.classes
        for row, fault in enumerate(ward.faults):
            known = np.isin(label, involved(fault))
            learn, choose = ward.learn[known[ward.learn]], ward.choose[known[ward.choose]]
            numbers = np.unique(np.concatenate([learn, choose]))
            if not len(learn):
                continue
            shown = shown_by(ward, fault, numbers, progress)
            odds = _read_off(ward, fault, numbers, shown)
            towards = odds[:, 0] - odds[:, 1:].mean(1)
            own = label[numbers] == fault.answer
            split = two_sides(towards[np.isin(numbers, learn)], own[np.isin(numbers, learn)])
            rival = np.array(fault.rivals)[odds[:, 1:].argmax(1)]
            chance = split(towards)
            sides[row, numbers] = np.select([chance >= SURE, chance <= 1 - SURE], [fault.answer, rival], UNSURE)
            shows = np.clip(split.odds(towards), -SURELY, SURELY)
            pulls[row, numbers] = shows + np.where(own, 1, -1) * _suits(ward, fault, numbers)
        _groups[ward] = Groups(sides, pulls)
    return _groups[ward]


def counter_examples(ward: Ward, fault: Candidate, progress: Progress | None = None) -> int:
    """How many of the pictures to learn from stand surely on the other side: of the answer's class with a rival's aspect, or
    the other way round. Of two rivals' aspects exchanged for each other this fault says nothing.
    """
    side = groups_of(ward, progress).sides[_place(ward, fault)][ward.learn]
    label = ward.facts.classes[ward.learn]
    own = label == fault.answer
    return int(((side != UNSURE) & np.where(own, side != fault.answer, side == fault.answer)).sum())


def too_few(ward: Ward) -> bool:
    """Whether there are fewer than `FEW` counter-examples to any fault."""
    return any(counter_examples(ward, fault) < FEW for fault in ward.faults)


@dataclass(frozen=True, eq=False)
class Shown:
    """What pictures' aspects do to the same other pictures.

    Attributes
    ----------
    pulled
        float32 (n, C): what the outputs before a softmax change by, of the fault's answer first, then of its rivals; their mean
        over C is 0. The mean over the recipients.
    seen
        float32 (n, P): what the last layer then reads of each recipient, as `seethrough.remedies.telling.narrowed` has it.
    """

    pulled: NDArray[np.float32]
    seen: NDArray[np.float32]


def shown_by(ward: Ward, fault: Candidate, numbers: NDArray[np.int64], progress: Progress | None = None) -> Shown:
    """What each picture's aspect, put into the same recipients of each class, does to them."""
    classes = involved(fault)
    into = _recipients(ward, classes, len(numbers))
    path = None
    if ward.folder is not None:
        said = ["shown", WIDTH, fault.aspect.to_dict(), list(classes)]
        path = ward.folder / "exchanged" / f"{digest_of(ward, said, numbers, into)}.npz"
        found = _read(path, len(numbers))
        if found is not None:
            return found
    pulled = np.zeros((len(numbers), len(classes)), np.float32)
    seen = [np.zeros((len(numbers), 0), np.float32)]
    for turn, each in enumerate(into):
        features, logits = [], []
        for at in range(0, len(numbers), AT_ONCE):
            donors = numbers[at : at + AT_ONCE]
            own = ward.canvas.load(np.full(len(donors), each))
            x = fault.aspect.exchange(own, ward.canvas.load(donors)).clamp(0, 1)
            for part, of in zip((features, logits), ward.canvas.features(x)):
                part.append(of)
            if progress:
                progress(turn * len(numbers) + min(at + AT_ONCE, len(numbers)), len(into) * len(numbers))
        before = _centred(ward.canvas.features(ward.canvas.load([each]).x)[1], classes)
        pulled += (_centred(np.concatenate(logits), classes) - before) / len(into)
        seen.append(narrowed(np.concatenate(features), WIDTH))
    shown = Shown(pulled, np.concatenate(seen, 1))
    if path is not None:
        keep(path, pulled=shown.pulled, seen=shown.seen)
    return shown


class Split:
    """Two sides of a number: two normal distributions of one width.

    Attributes
    ----------
    low, high
        Their means.
    width
        Their standard deviation.
    """

    def __init__(self, low: float, high: float, width: float) -> None:
        self.low, self.high, self.width = low, high, width

    def __call__(self, x: NDArray) -> NDArray[np.float64]:
        """The chance to be on the upper side, (n,), for one of which nothing else is known, not its class either: so it doesn't
        depend on how many go against a habit.
        """
        return expit(self.odds(x))

    def odds(self, x: NDArray) -> NDArray[np.float64]:
        """That chance as log odds."""
        return (self.high - self.low) / self.width**2 * (x - (self.high + self.low) / 2)


def two_sides(x: NDArray, own: NDArray[np.bool_]) -> Split:
    """Split numbers into two sides by their likelihood (expectation and maximisation). One width for both, so that the further a
    number lies the surer its side is. How many of the class and how many of the others are on a side is found for each,
    beginning with most of the class on the upper and most of the others on the lower one; where numbers fall apart into two by
    themselves, and far more clearly, that is taken.

    Parameters
    ----------
    x
        (n,): pulls.
    own
        bool (n,): of the class towards which they pull.
    """
    x = np.asarray(x, np.float64)
    split, likely = _settled(x, own, (x > x.mean()).astype(np.float64))
    if own.any() and not own.all():
        by_class, as_likely = _settled(x, own, np.where(own, 0.9, 0.1))
        split = by_class if as_likely > likely - FAR * len(x) else split
    # where the class's own aspects pull away from it: which is the upper side is said by the numbers, not by the class
    return split if split.high > split.low else Split(split.high, split.low, split.width)


def _settled(x: NDArray[np.float64], own: NDArray[np.bool_], upper: NDArray[np.float64]) -> tuple[Split, float]:
    """Where that leads from a first guess of the chances to be on the upper side; and how likely the numbers then are."""
    floor = 1e-6 * max(1e-6, float(np.abs(x).max(initial=0.0)))
    split, likely = Split(0.0, 0.0, 1.0), -np.inf
    for _ in range(ROUNDS):
        high, low = (float((w * x).sum() / max(w.sum(), 1e-12)) for w in (upper, 1 - upper))
        spread = float((upper * (x - high) ** 2 + (1 - upper) * (x - low) ** 2).mean())
        split = Split(low, high, max(np.sqrt(spread), floor))
        share = np.full(len(x), 0.5)
        for rows in (own, ~own):
            share[rows] = np.clip(upper[rows].mean(), 1e-3, 1 - 1e-3) if rows.any() else 0.5
        up, down = (np.log(p) - (x - m) ** 2 / (2 * split.width**2) for p, m in ((share, high), (1 - share, low)))
        likely = float((np.logaddexp(up, down) - np.log(split.width)).sum())
        upper, before = expit(up - down), upper
        if np.abs(upper - before).max() < 1e-6:
            break
    return split, likely


def _read_off(ward: Ward, fault: Candidate, numbers: NDArray[np.int64], shown: Shown) -> NDArray:
    """On which class's side each aspect stands, (n, C), as log odds: what was seen of it where that says more of the pictures'
    classes than nothing, no less than the pull, and goes with the pull; else the pull itself, which needs nobody's classes.
    """
    classes = np.array(involved(fault))
    label, groups = ward.facts.classes[numbers], ward.facts.split.group[numbers]
    places, learn = (label[:, None] == classes).argmax(1), np.isin(numbers, ward.learn)
    of_seen, of_pull = (told(x, places, groups, learn, ward.seed) for x in (shown.seen, shown.pulled))
    if of_seen is None or of_pull is None:
        return shown.pulled
    less_than_pull = surely_less(of_pull.surprise, of_seen.surprise)
    if less_than_pull or not surely_less(of_seen.surprise, float(np.log(len(classes)))):
        return shown.pulled
    a, b = (odds[:, 0] - odds[:, 1:].mean(1) for odds in (of_seen.odds, shown.pulled))
    for k in range(len(classes)):
        rows = places == k
        a, b = (x - np.where(rows, x[rows].mean() if rows.any() else 0, 0) for x in (a, b))
    alike = float((a * b).sum()) / max(float(np.sqrt((a**2).sum() * (b**2).sum())), 1e-12)
    return of_seen.odds if alike >= ALIKE else shown.pulled


def _suits(ward: Ward, fault: Candidate, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far the network's answer to each picture is on its own class's side, beside others of the class, in standard
    deviations: against the fault's answer for a rival's picture, against the likeliest rival for one of the answer.
    """
    classes = np.array(involved(fault))
    label = ward.facts.classes[numbers]
    odds = two_at_least(as_they_are(ward, numbers).logits)[:, classes]
    places = (label[:, None] == classes).argmax(1)
    other = np.where(places == 0, odds[:, 1:].max(1), odds[:, 0])
    found = (odds[np.arange(len(numbers)), places] - other).astype(np.float64)
    for k in range(len(classes)):
        rows = places == k
        if rows.any():
            found[rows] = (found[rows] - found[rows].mean()) / (found[rows].std() or 1.0)
    return found.clip(-FURTHEST, FURTHEST)


def _recipients(ward: Ward, classes: tuple[int, ...], count: int) -> NDArray[np.int64]:
    """The same few pictures of each class, of those to learn from."""
    each = int(np.clip(MOST // max(1, count * len(classes)), 1, RECIPIENTS))
    chance = np.random.default_rng([ward.seed, 11])
    label = ward.facts.classes[ward.learn]
    return np.concatenate([chance.permutation(ward.learn[label == k])[:each] for k in classes])


def _centred(logits: NDArray[np.float32], classes: tuple[int, ...]) -> NDArray[np.float32]:
    some = two_at_least(logits)[:, list(classes)]
    return some - some.mean(1, keepdims=True)


def _place(ward: Ward, fault: Candidate) -> int:
    return next(k for k, each in enumerate(ward.faults) if each is fault or each.key == fault.key)


def _read(path: Path, count: int) -> Shown | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            found = Shown(held["pulled"], held["seen"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return found if len(found.pulled) == len(found.seen) == count else None
