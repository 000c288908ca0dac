"""Choosing: which settings a rung keeps, by pictures that it didn't learn from and without hidden labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from seethrough.remedies.groups import UNSURE, Groups, groups_of
from seethrough.remedies.pool import NOBODY, Pool, choosing, involved
from seethrough.remedies.rung import Progress, Ward
from seethrough.remedies.rungs.fitting import Last, Linear

FREE = 0.015
"""Of the usual accuracy so much may be lost for nothing; every point beyond costs a point."""

REMAINS = 0.5
"""What remains of a fault's effect costs so much of itself: of repairs that answer alike the one that goes by it less is better."""

ALIKE = 0.03
"""Marks that differ by more aren't alike, however few pictures there are."""

LEAST = 8
"""Pictures of a group of which the worst is spoken of: among fewer, one picture is more than a tenth."""

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Marks:
    """How a network does on the pictures to choose by.

    Attributes
    ----------
    worst
        The accuracy of the worst class, pseudo-group (class and side) or exchanged group (class and the donor's class).
    usual
        The accuracy on the pictures as they are.
    effect
        What is left of the faults: by how much less probable a picture's class is with the aspect of another class than with
        one of its own class, every class alike; of several faults the largest.
    value
        What settings are chosen by: the worst group's accuracy, less what is lost of the usual one beyond `FREE`, and less
        `REMAINS` of the effect.
    unsure
        The standard errors of ``worst`` and ``usual``.
    lost
        Of the usual accuracy beyond `FREE`.
    """

    worst: float
    usual: float
    effect: float
    value: float
    unsure: tuple[float, float] = (0.0, 0.0)
    lost: float = 0.0

    def as_good_as(self, best: Marks) -> bool:
        """Whether it does as well as what does best, for all that so few pictures tell: within one standard error, and within `ALIKE`,
        and as the usual accuracy goes within one of that.
        """
        worst, usual = best.unsure
        return self.value >= best.value - min(worst, ALIKE) and self.usual >= best.usual - usual

    def to_dict(self) -> dict[str, float]:
        """Plain data."""
        return {"worst": self.worst, "usual": self.usual, "effect": self.effect}


@dataclass(frozen=True, eq=False)
class Exam:
    """The pictures to choose by, as they are and exchanged, and their groups.

    Attributes
    ----------
    pool
        Of n pictures.
    groups
        From a group's name, such as ``("side", 0, 1, 0)``: of the first fault, class 1 on the side of class 0, to bool (n,).
    usual_before
        The accuracy of the network itself on the pictures as they are.
    """

    pool: Pool
    groups: dict[tuple[Any, ...], NDArray[np.bool_]]
    usual_before: float

    def marks(self, logits: NDArray) -> Marks:
        """Of a network with these outputs (n, K) for the pool's pictures."""
        hits = logits.argmax(1) == self.pool.classes
        usual = float(hits[~self.pool.exchanged].mean())
        each = [(float(hits[rows].mean()), int(rows.sum())) for rows in self.groups.values()]
        worst, count = min(each, default=(usual, len(hits)))
        effect = self._effect(softmax(logits, axis=1)[np.arange(len(logits)), self.pool.classes])
        lost = max(0.0, self.usual_before - usual - FREE)
        unsure = _standard_error(worst, count), _standard_error(usual, int((~self.pool.exchanged).sum()))
        return Marks(worst, usual, effect, worst - lost - REMAINS * max(0.0, effect), unsure, lost)

    def _effect(self, chances: NDArray) -> float:
        """Of the probability of each picture's own class."""
        found, classes = [0.0], self.pool.classes
        for given in self.pool.donor_classes.T:
            own, other = given == classes, (given != NOBODY) & (given != classes)
            parts = [(own & (classes == k), other & (classes == k)) for k in np.unique(classes)]
            apart = [chances[a].mean() - chances[b].mean() for a, b in parts if a.any() and b.any()]
            found += [float(np.mean(apart))] if apart else []
        return max(found)


def exam_of(ward: Ward, *, sides: bool = True) -> Exam:
    """The exam of a ward.

    Parameters
    ----------
    sides
        With pseudo-groups, which ask the network for them; else by class, and by class and donor's class.
    """
    pool = choosing(ward)
    groups: dict[tuple[Any, ...], NDArray[np.bool_]] = {}
    plain = ~pool.exchanged
    for k in np.unique(pool.classes):
        groups["class", int(k)] = plain & (pool.classes == k)
    found: Groups | None = groups_of(ward) if sides else None
    for column, fault in enumerate(ward.faults):
        for k in involved(fault):
            own = pool.classes == k
            for other in involved(fault):
                given = pool.donor_classes[:, column]
                groups["given", column, k, other] = (given != NOBODY) & (given == other) & own
                if found is not None:
                    side = found.sides[column][pool.numbers]
                    groups["side", column, k, other] = plain & own & (side != UNSURE) & (side == other)
    groups = {name: rows for name, rows in groups.items() if rows.sum() >= LEAST}
    hits = pool.logits.argmax(1) == pool.classes
    return Exam(pool, groups, float(hits[plain].mean()) if plain.any() else float("nan"))


def best_of(
    ward: Ward,
    settings: Iterable[dict[str, Any]],
    make: Callable[[dict[str, Any]], Made],
    marks: Callable[[Made], Marks],
    told: Callable[[int], None] | None = None,
) -> tuple[dict[str, Any], Made, Marks]:
    """The settings with the best marks, and what was made by them; of equals the first. None more are tried once the ward's
    time is over.
    """
    best: tuple[dict[str, Any], Made, Marks] | None = None
    for k, each in enumerate(settings):
        if best is not None and ward.deadline is not None and time.monotonic() > ward.deadline:
            break
        made = make(each)
        found = marks(made)
        if best is None or found.value > best[2].value + 1e-9:
            best = each, made, found
        if told:
            told(k + 1)
    assert best is not None
    return best


def best_head(
    ward: Ward,
    last: Last,
    exam: Exam,
    settings: Sequence[dict[str, Any]],
    fit: Callable[[dict[str, Any]], Linear],
    progress: Progress | None = None,
    *,
    least: bool = False,
) -> tuple[dict[str, Any], Linear, Marks]:
    """The settings with which a last layer does best, all of its rows, and its marks.

    Parameters
    ----------
    least
        Of settings that do as well (`Marks.as_good_as`) take one that loses no more than is free, and of such the one that leaves
        least of what is wrong: a network that was trained on these pictures knows them, and staying near it looks better than it
        is (the rule of one standard error: Breiman, Friedman, Olshen & Stone, 1984).
    """
    own = ward.facts.features[ward.learn]
    seen: list[Marks] = []

    def marks(whole: Linear) -> Marks:
        seen.append(exam.marks(whole(exam.pool.features)))
        return seen[-1]

    best, whole, found = best_of(
        ward,
        settings,
        make=lambda each: last.put(fit(each), own),
        marks=marks,
        told=None if progress is None else lambda done: progress(done, len(settings)),
    )
    if not least:
        return best, whole, found
    alike = [k for k, each in enumerate(seen) if each.as_good_as(found)]
    at = min(alike, key=lambda k: (seen[k].lost > 0, seen[k].effect, -seen[k].value))
    chosen = settings[at]
    return (best, whole, found) if chosen is best else (chosen, last.put(fit(chosen), own), seen[at])


def _standard_error(share: float, count: int) -> float:
    return float(np.sqrt(share * (1 - share) / max(1, count)))


def balanced(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """A weight for each row with which every code counts alike, (n,), adding up to 1; none for a negative code."""
    weights = np.zeros(len(codes))
    names = np.unique(codes[codes >= 0])
    for name in names:
        rows = codes == name
        weights[rows] = 1 / (len(names) * rows.sum())
    return weights


def cells(pool: Pool) -> NDArray[np.int64]:
    """A code for each class, and class of each donor, int64 (n,); originals have one for each class."""
    code = pool.classes.copy()
    outputs = int(max(pool.classes.max(initial=0), pool.donor_classes.max(initial=0))) + 2
    for column in pool.donor_classes.T:
        code = code * outputs + column + 1
    return code
