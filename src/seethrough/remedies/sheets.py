"""Sheets: right and wrong answers to the proving pictures, by class, by the groups a person knows, and by whose surroundings (or
whatever else was found) a picture has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.judge import Plan
from seethrough.remedies.groups import UNSURE
from seethrough.remedies.measure import ALL, CLASS, ENOUGH, GROUP, OTHER, OWN, SIDE, SLICE, Part, Sheet

SEVERAL = -2
"""As a part's class: small classes together."""

LEAST_OWN = 0.4
"""Of a class so many at least stand on its own side; half of them where pictures are balanced."""

Answers = Mapping[str, NDArray[np.float32]]
"""Probabilities (N, K) of the whole collection, by network."""


def whole(numbers: NDArray[np.int64], answers: Answers, classes: NDArray[np.int64], group: NDArray[np.int64]) -> Sheet:
    """All pictures as one part.

    Parameters
    ----------
    numbers
        Of the proving pictures.
    classes, group
        (N,), of the whole collection: the output that each belongs to; near-duplicates have the same number.
    """
    return Sheet((Part(ALL),), np.zeros(len(numbers), np.int64), group[numbers], _right(numbers, answers, classes))


def by_class(
    numbers: NDArray[np.int64], answers: Answers, classes: NDArray[np.int64], group: NDArray[np.int64]
) -> Sheet:
    """A part a class."""
    there, part = np.unique(classes[numbers], return_inverse=True)
    parts = tuple(Part(CLASS, int(k)) for k in there)
    return Sheet(parts, part, group[numbers], _right(numbers, answers, classes))


def by_group(
    numbers: NDArray[np.int64],
    answers: Answers,
    classes: NDArray[np.int64],
    group: NDArray[np.int64],
    named: Sequence[str | None],
) -> Sheet:
    """A part for each class and group that a person named; pictures without a group are left out.

    Parameters
    ----------
    named
        Of each picture of the collection; None where nothing was said.
    """
    numbers = np.array([k for k in numbers if named[k] is not None], np.int64)
    keys = sorted({(int(classes[k]), str(named[k])) for k in numbers})
    at = {key: row for row, key in enumerate(keys)}
    part = np.array([at[int(classes[k]), str(named[k])] for k in numbers], np.int64)
    parts = tuple(Part(GROUP, answer, name) for answer, name in keys)
    return Sheet(parts, part, group[numbers], _right(numbers, answers, classes))


def by_exchange(
    finding: int, plan: Plan, chances: Answers, classes: NDArray[np.int64], group: NDArray[np.int64]
) -> Sheet:
    """Slices that are known because they were made: pictures of each class with an aspect of their own class (the control) and
    of another one.

    Parameters
    ----------
    finding
        Its number among those that are followed, from 0.
    chances
        (n, 3, K) by network, for the pictures of the plan (`Panel.exchanged`).
    """
    numbers = np.concatenate([plan.numbers, plan.numbers])
    own = np.arange(len(numbers)) >= len(plan.numbers)
    part, parts = _parted(SLICE, _pooled(classes[numbers]), own, finding)
    right = {
        name: np.concatenate([each[:, version].argmax(1) for version in (1, 2)]) == classes[numbers]
        for name, each in chances.items()
    }
    return Sheet(parts, part, group[numbers], right)


def by_side(
    finding: int,
    numbers: NDArray[np.int64],
    sides: NDArray[np.int64],
    answers: Answers,
    classes: NDArray[np.int64],
    group: NDArray[np.int64],
) -> Sheet:
    """Slices of the pictures as they are, by the class on whose side their aspect stands, where that is sure.

    Parameters
    ----------
    sides
        int64 (N,): that class, or `UNSURE` (`seethrough.remedies.groups`).
    """
    numbers = numbers[sides[numbers] != UNSURE]
    own = sides[numbers] == classes[numbers]
    part, parts = _parted(SIDE, _pooled(classes[numbers]), own, finding)
    return Sheet(parts, part, group[numbers], _right(numbers, answers, classes))


def tells(sides: NDArray[np.int64], classes: NDArray[np.int64]) -> bool:
    """Whether sides can be what they are called. What speaks for a class comes with it more often than not; where most pictures of
    a class seem to stand on another's side, the sides are those of something else.
    """
    sure = sides != UNSURE
    own = [(sides[sure & (classes == k)] == k).mean() for k in np.unique(classes[sure])]
    return bool(own) and min(own) >= LEAST_OWN


def _parted(
    kind: str, label: NDArray[np.int64], own: NDArray[np.bool_], finding: int
) -> tuple[NDArray[np.int64], tuple[Part, ...]]:
    """A part for each class, and whose aspect it has."""
    keys = sorted({(int(k), bool(o)) for k, o in zip(label, own)})
    at = {key: row for row, key in enumerate(keys)}
    part = np.array([at[int(k), bool(o)] for k, o in zip(label, own)], np.int64)
    return part, tuple(Part(kind, answer, OWN if o else OTHER, finding) for answer, o in keys)


def _pooled(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Classes, those with few pictures together."""
    names, count = np.unique(label, return_counts=True)
    return np.where(np.isin(label, names[count < 2 * ENOUGH]), SEVERAL, label)


def _right(numbers: NDArray[np.int64], answers: Answers, classes: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    return {name: each[numbers].argmax(1) == classes[numbers] for name, each in answers.items()}
