"""Exchanged: the last layer learned anew on pictures whose aspects were exchanged, so that they say nothing of the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from seethrough.remedies.pool import NOBODY, Pool, learning
from seethrough.remedies.rung import HEAD, Attempt, Progress, Ward
from seethrough.remedies.rungs.choosing import Exam, balanced, best_head, cells, exam_of
from seethrough.remedies.rungs.fitting import Last, Linear, fitted, last_of, within

PULLS: tuple[tuple[str, float], ...] = tuple(
    (penalty, pull) for penalty in ("own", "l2") for pull in (3.0, 1.0, 0.3, 0.1)
)
"""Towards the network's own layer, or towards 0."""

STEADY = (0.0, 6.0, 20.0)
"""What it costs that versions of the same picture are told apart, half the mean square of their logits being 1."""

FREE: tuple[tuple[str, float], ...] = (("own", 0.01), ("own", 0.001), ("l1", 0.01), ("l1", 0.003))
"""Hardly pulled, or towards 0 by absolute values; these without that price."""

NEAR = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Pulls towards the network's own layer of which one is where `near_own` lies."""

ORIGINALS = (0.2, 0.0)
"""What pictures as they are count for, of all."""


@dataclass(frozen=True, eq=False)
class Learned:
    """Last layers on exchanged pictures.

    Attributes
    ----------
    whole
        All rows.
    settings
        What was chosen, with its marks.
    controls
        The same of `CONTROLS`.
    """

    whole: Linear
    settings: dict[str, Any]
    controls: dict[str, Linear]


@dataclass(frozen=True)
class Exchanged:
    """Counterfactual data: pictures as they are and exchanged, every class with the aspect of every class alike. It needs no
    counter-example among the pictures; it makes them. That something was exchanged tells nothing either, since a part are
    given an aspect of their own class.
    """

    name: str = "exchanged"
    changes: str = HEAD

    def unfit(self, ward: Ward) -> str | None:
        return "no_head" if last_of(ward) is None else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last = last_of(ward)
        assert last is not None
        found = learned_on_exchanged(ward, last, exam_of(ward), progress)
        controls = {name: last.edit(whole) for name, whole in found.controls.items()}
        return Attempt(last.edit(found.whole), found.settings, controls)


_learned: WeakKeyDictionary[Ward, Learned] = WeakKeyDictionary()
_near: WeakKeyDictionary[Ward, Linear] = WeakKeyDictionary()


def learned_on_exchanged(ward: Ward, last: Last, exam: Exam, progress: Progress | None = None) -> Learned:
    """The last layer with the best settings, and its controls; learned once for a ward."""
    if ward not in _learned:
        _learned[ward] = _fitted(ward, last, exam, progress)
    return _learned[ward]


def _fitted(ward: Ward, last: Last, exam: Exam, progress: Progress | None) -> Learned:
    pool = learning(ward)
    fit = _fits(last, pool)
    ways = [(penalty, pull, steady) for penalty, pull in PULLS for steady in STEADY]
    ways += [(penalty, pull, 0.0) for penalty, pull in FREE]
    settings, whole, marks = best_head(ward, last, exam, _settings(ways), fit, progress, least=True)
    plain = pool.features[~pool.exchanged]
    controls = {name: last.put(fit(settings, rows), plain) for name, rows in control_rows(pool).items()}
    said = {**settings, "exchanged": int(pool.exchanged.sum()), **marks.to_dict()}
    return Learned(whole, said, controls)


def near_own(ward: Ward, last: Last, exam: Exam) -> Linear:
    """All rows of the best last layer near the network's own, from which the layers below learn on: where no last layer can tell classes
    without the aspect, the best of all answers next to nothing, and nothing would be learned through it. Found once for a ward.
    """
    if ward not in _near:
        ways = [("own", pull, 0.0) for pull in NEAR]
        _near[ward] = best_head(ward, last, exam, _settings(ways), _fits(last, learning(ward)))[1]
    return _near[ward]


def _settings(ways: Sequence[tuple[str, float, float]]) -> list[dict[str, Any]]:
    return [
        {"penalty": penalty, "pull": pull, "steady": steady, "originals": share}
        for penalty, pull, steady in ways
        for share in ORIGINALS
    ]


class _Fit(Protocol):
    """A last layer with such settings, of all pictures or of some rows."""

    def __call__(self, each: dict[str, Any], rows: NDArray[np.bool_] | None = None) -> Linear: ...


def _fits(last: Last, pool: Pool) -> _Fit:
    places = last.places(pool.classes)
    versions = within(last, pool.features, pool.numbers)

    def fit(each: dict[str, Any], rows: NDArray[np.bool_] | None = None) -> Linear:
        weights = weights_of(pool, each["originals"], rows)
        used = weights > 0
        apart = versions if rows is None else within(last, pool.features[rows], pool.numbers[rows])
        return fitted(
            last, pool.features[used], places[used], weights[used], pull=each["pull"],
            towards=last.own if each["penalty"] == "own" else None, sparse=each["penalty"] == "l1",
            apart=apart, steady=each["steady"],
        )  # fmt: skip

    return fit


def control_rows(pool: Pool) -> dict[str, NDArray[np.bool_]]:
    """What the controls learn from: ``"shuffled"``, exchanged with pictures of their own class alone, so that the aspect tells
    the class as before; ``"plain"``, as they are.
    """
    own = (pool.donor_classes == pool.classes[:, None]) | (pool.donors == NOBODY)
    return {"shuffled": ~pool.exchanged | own.all(1), "plain": ~pool.exchanged}


def weights_of(pool: Pool, originals: float, rows: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """A weight for each picture, (n,), adding up to 1: of those as they are every class counts alike, and together they count
    ``originals``; of the exchanged every class with every donor's class counts alike.

    Parameters
    ----------
    rows
        Those that are used; by default all. Where no exchanged one is, originals count for all.
    """
    used = np.ones(len(pool), bool) if rows is None else rows
    codes = np.where(used, cells(pool), -1)
    plain = balanced(np.where(pool.exchanged, -1, codes))
    changed = balanced(np.where(pool.exchanged, codes, -1))
    share = 1.0 if not changed.any() else originals
    return share * plain + (1 - share) * changed
