"""Exchanged: the last layer learned anew on pictures whose aspects were exchanged, so that they say nothing of the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from seethrough.remedies.pool import NOBODY, Pool, learning
from seethrough.remedies.rung import HEAD, Attempt, Progress, Ward
from seethrough.remedies.rungs.choosing import Exam, balanced, best_head, cells, exam_of
from seethrough.remedies.rungs.fitting import Last, Linear, fitted, last_of

PULLS: tuple[tuple[str, float], ...] = (
    *(("own", pull) for pull in (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)),
    *(("l2", pull) for pull in (1.0, 0.3, 0.1, 0.03)),
    *(("l1", pull) for pull in (0.01, 0.003)),
)
"""Towards the network's own layer, or towards 0 by squares or by absolute values."""

ORIGINALS = (0.5, 0.2, 0.0)
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


def learned_on_exchanged(ward: Ward, last: Last, exam: Exam, progress: Progress | None = None) -> Learned:
    """The last layer with the best settings, and its controls; learned once for a ward."""
    if ward not in _learned:
        _learned[ward] = _fitted(ward, last, exam, progress)
    return _learned[ward]


def _fitted(ward: Ward, last: Last, exam: Exam, progress: Progress | None) -> Learned:
    pool = learning(ward)
    places = last.places(pool.classes)

    def fit(each: dict[str, Any], rows: NDArray[np.bool_] | None = None) -> Linear:
        weights = weights_of(pool, each["originals"], rows)
        used = weights > 0
        return fitted(
            last, pool.features[used], places[used], weights[used], pull=each["pull"],
            towards=last.own if each["penalty"] == "own" else None, sparse=each["penalty"] == "l1",
        )  # fmt: skip

    tried = [
        {"penalty": penalty, "pull": pull, "originals": share} for penalty, pull in PULLS for share in ORIGINALS
    ]  # fmt: skip
    settings, whole, marks = best_head(ward, last, exam, tried, fit, progress)
    plain = pool.features[~pool.exchanged]
    controls = {name: last.put(fit(settings, rows), plain) for name, rows in control_rows(pool).items()}
    said = {**settings, "exchanged": int(pool.exchanged.sum()), **marks.to_dict()}
    return Learned(whole, said, controls)


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
