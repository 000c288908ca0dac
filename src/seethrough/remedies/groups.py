"""Groups: on which class's side each picture's aspect stands, told by the network itself and not by hidden labels.

A picture's aspect is put into the same few pictures of each class. Towards which class their answers are pulled says to which
class the aspect belongs: a background of water pulls towards water birds, on whatever picture. A picture whose aspect pulls
towards another class than its own is a *counter-example*: it shows the network that the aspect isn't the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.remedies.pool import AT_ONCE, digest_of, involved, keep
from seethrough.remedies.rung import Progress, Ward

RECIPIENTS = 3
"""Pictures of each class into which an aspect is put, where that doesn't ask for more than `MOST` answers."""

MOST = 4000
"""Pictures at most that are sent through the network for a fault."""

SURE = 0.9
"""A picture is in a group only where it is so likely to be on that side; of the others nothing is said."""

FEW = 20
"""With fewer counter-examples to a fault nothing is learned from the pictures as they are; exchanged ones are needed."""

ROUNDS = 100
LEAST_CHANCE = 1e-9
"""Below this probabilities are rounding."""

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
        float32 (F, N): by how much the aspect pulls towards the fault's answer and away from its rivals, in log odds; NaN
        where it wasn't asked.
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
            towards = pulled(ward, fault, numbers, progress)
            pulls[row, numbers] = towards[:, 0] - towards[:, 1:].mean(1)
            split = two_sides(pulls[row, learn], label[learn] == fault.answer)
            rival = np.array(fault.rivals)[towards[:, 1:].argmax(1)]
            chance = split(pulls[row, numbers])
            sides[row, numbers] = np.select([chance >= SURE, chance <= 1 - SURE], [fault.answer, rival], UNSURE)
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


def pulled(
    ward: Ward, fault: Candidate, numbers: NDArray[np.int64], progress: Progress | None = None
) -> NDArray[np.float32]:
    """What each picture's aspect, put into others, changes the log probabilities by, float32 (n, C): of the fault's answer
    first, then of its rivals; their mean over C is 0. The mean over the same recipients of each class for all pictures.
    """
    classes = involved(fault)
    into = _recipients(ward, classes, len(numbers))
    path = None
    if ward.folder is not None:
        said = ["pull", fault.aspect.to_dict(), list(classes)]
        path = ward.folder / "exchanged" / f"{digest_of(ward, said, numbers, into)}.npz"
        found = _read(path, (len(numbers), len(classes)))
        if found is not None:
            return found
    before = _log_odds(ward.canvas.ask(ward.canvas.load(into).x), classes).mean(0) if len(into) else 0.0
    found = np.zeros((len(numbers), len(classes)), np.float32)
    for at in range(0, len(numbers), AT_ONCE):
        donors = numbers[at : at + AT_ONCE]
        for each in into:
            own = ward.canvas.load(np.full(len(donors), each))
            x = fault.aspect.exchange(own, ward.canvas.load(donors)).clamp(0, 1)
            found[at : at + AT_ONCE] += _log_odds(ward.canvas.ask(x), classes) / len(into)
        if progress:
            progress(min(at + AT_ONCE, len(numbers)), len(numbers))
    found -= before
    if path is not None:
        keep(path, pulled=found)
    return found


class Split:
    """Two sides of a number: two normal distributions of one width.

    Attributes
    ----------
    low, high
        Their means.
    width
        Their standard deviation.
    share
        Of the upper one.
    """

    def __init__(self, low: float, high: float, width: float, share: float) -> None:
        self.low, self.high, self.width, self.share = low, high, width, share

    def __call__(self, x: NDArray) -> NDArray[np.float64]:
        """The chance to be on the upper side, (n,)."""
        up, down = (
            np.log(p) - (x - mean) ** 2 / (2 * self.width**2)
            for p, mean in ((self.share, self.high), (1 - self.share, self.low))
        )
        return 1 / (1 + np.exp(np.clip(down - up, -700, 700)))


def two_sides(x: NDArray, own: NDArray[np.bool_]) -> Split:
    """Split numbers into two sides by their likelihood (expectation and maximisation), beginning with those of the class as
    one and the others as the other. One width for both, so that the further a number lies the surer its side is.

    Parameters
    ----------
    x
        (n,): pulls.
    own
        bool (n,): of the class towards which they pull.
    """
    x = np.asarray(x, np.float64)
    upper = own.astype(np.float64) if own.any() and not own.all() else (x > x.mean()).astype(np.float64)
    floor = 1e-6 * max(1e-6, float(np.abs(x).max(initial=0.0)))
    split = Split(0.0, 0.0, 1.0, 0.5)
    for _ in range(ROUNDS):
        share = float(np.clip(upper.mean(), 1e-3, 1 - 1e-3))
        high, low = (float((w * x).sum() / max(w.sum(), 1e-12)) for w in (upper, 1 - upper))
        spread = float((upper * (x - high) ** 2 + (1 - upper) * (x - low) ** 2).mean())
        split = Split(low, high, max(np.sqrt(spread), floor), share)
        upper, before = split(x), upper
        if np.abs(upper - before).max() < 1e-6:
            break
    if split.high > split.low:
        return split
    # the class's own aspects pull away from it: which is the upper side is said by the numbers, not by the class
    return Split(split.high, split.low, split.width, 1 - split.share)


def _recipients(ward: Ward, classes: tuple[int, ...], count: int) -> NDArray[np.int64]:
    """The same few pictures of each class, of those to learn from."""
    each = int(np.clip(MOST // max(1, count * len(classes)), 1, RECIPIENTS))
    chance = np.random.default_rng([ward.seed, 11])
    label = ward.facts.classes[ward.learn]
    return np.concatenate([chance.permutation(ward.learn[label == k])[:each] for k in classes])


def _log_odds(chances: NDArray[np.float32], classes: tuple[int, ...]) -> NDArray[np.float32]:
    logs = np.log(np.maximum(chances[:, list(classes)], LEAST_CHANCE))
    return logs - logs.mean(1, keepdims=True)


def _place(ward: Ward, fault: Candidate) -> int:
    return next(k for k, each in enumerate(ward.faults) if each is fault or each.key == fault.key)


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            found = held["pulled"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return found if found.shape == shape else None
