"""Grouped: the last layer learned anew on as many pictures of every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.remedies.groups import UNSURE, groups_of, too_few
from seethrough.remedies.pool import as_they_are
from seethrough.remedies.rung import HEAD, Attempt, Progress, Ward
from seethrough.remedies.rungs.choosing import best_head, exam_of
from seethrough.remedies.rungs.fitting import Last, Linear, fitted, last_of
from seethrough.remedies.rungs.reweighted import dealt_anew

DRAWS = 10
LEAST = 5
"""Pictures of a group that is drawn from."""

SETTINGS: tuple[dict[str, Any], ...] = tuple(
    {"penalty": penalty, "pull": pull}
    for penalty, pulls in {"own": (0.3, 0.1, 0.03, 0.01), "l2": (0.1, 0.01), "l1": (0.03, 0.01, 0.003)}.items()
    for pull in pulls
)
"""Towards the network's own layer, or towards 0 by squares or by absolute values."""


@dataclass(frozen=True)
class Grouped:
    """Deep feature reweighting: groups of equal size are drawn ten times, and the ten layers averaged (Kirichenko, Izmailov &
    Wilson, ICLR 2023); with pseudo-groups by the pull of each picture's aspects instead of labels.
    """

    name: str = "grouped"
    changes: str = HEAD

    def unfit(self, ward: Ward) -> str | None:
        if last_of(ward) is None:
            return "no_head"
        return "few_counter_examples" if too_few(ward) else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last = last_of(ward)
        assert last is not None
        pool = as_they_are(ward, ward.learn)
        places = last.places(pool.classes)
        codes = codes_of(ward)

        def fit(each: dict[str, Any], codes: NDArray[np.int64] = codes) -> Linear:
            return averaged(last, pool.features, places, even_draws(codes, ward.seed), each)

        settings, whole, marks = best_head(ward, last, exam_of(ward), SETTINGS, fit, progress)
        plain = plain_draws(codes, pool.classes, ward.seed)
        others = {
            "shuffled": fit(settings, shuffled_codes(codes, pool.classes, ward.seed)),
            "plain": averaged(last, pool.features, places, plain, settings),
        }
        controls = {name: last.edit(last.put(learned, pool.features)) for name, learned in others.items()}
        names, counts = np.unique(codes[codes >= 0], return_counts=True)
        said = {**settings, "draws": DRAWS, "groups": len(names), "smallest": int(counts.min()), **marks.to_dict()}
        return Attempt(last.edit(whole), said, controls)


def codes_of(ward: Ward) -> NDArray[np.int64]:
    """The group of each picture to learn from, int64 (n,); negative where it isn't sure, or too few are in it."""
    codes = groups_of(ward).joint(ward.facts.classes, ward.learn)
    names, counts = np.unique(codes, return_counts=True)
    return np.where(np.isin(codes, names[counts >= LEAST]), codes, UNSURE)


def shuffled_codes(codes: NDArray[np.int64], classes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Groups dealt out anew within each class: as many of each size, and nothing that they have in common."""
    return dealt_anew(codes, classes, np.random.default_rng([seed, 17]))


def even_draws(codes: NDArray[np.int64], seed: int, draws: int = DRAWS) -> list[NDArray[np.int64]]:
    """Rows with as many of every group as the smallest has, drawn several times."""
    chance = np.random.default_rng([seed, 19])
    names, counts = np.unique(codes[codes >= 0], return_counts=True)
    size = int(counts.min(initial=len(codes)))
    return [
        np.concatenate([chance.permutation(np.flatnonzero(codes == name))[:size] for name in names])
        for _ in range(draws)
    ]


def plain_draws(
    codes: NDArray[np.int64], classes: NDArray[np.int64], seed: int, draws: int = DRAWS
) -> list[NDArray[np.int64]]:
    """Rows with as many of every class, whatever the group, and about as many together as `even_draws` has."""
    chance = np.random.default_rng([seed, 19])
    names, counts = np.unique(codes[codes >= 0], return_counts=True)
    labels, have = np.unique(classes, return_counts=True)
    size = min(int(have.min()), int(counts.min(initial=len(codes))) * len(names) // len(labels))
    return [
        np.concatenate([chance.permutation(np.flatnonzero(classes == k))[:size] for k in labels]) for _ in range(draws)
    ]


def averaged(
    last: Last,
    features: NDArray[np.float32],
    places: NDArray[np.int64],
    draws: Sequence[NDArray[np.int64]],
    settings: dict[str, Any],
) -> Linear:
    """The mean of the layers that each draw gives."""
    each = [
        fitted(
            last,
            features[rows],
            places[rows],
            np.ones(len(rows)),
            pull=settings["pull"],
            towards=last.own if settings["penalty"] == "own" else None,
            sparse=settings["penalty"] == "l1",
        )
        for rows in draws
    ]
    return Linear(np.mean([layer.weight for layer in each], 0), np.mean([layer.bias for layer in each], 0))
