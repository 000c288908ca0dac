"""Reweighted: the last layer learned anew, where what the network was wrong about counts most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from seethrough.remedies.groups import too_few
from seethrough.remedies.pool import as_they_are
from seethrough.remedies.rung import HEAD, Attempt, Progress, Ward
from seethrough.remedies.rungs.choosing import best_head, exam_of
from seethrough.remedies.rungs.fitting import fitted, last_of

SHARPNESS = (1.0, 2.0, 4.0, 8.0, 16.0)
PULLS = (1.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Reweighted:
    """Automatic feature reweighting: a picture's weight is ``exp(−γ · p)``, p the probability of its own class, and each class
    counts alike; the layer is pulled towards the network's own (Qiu, Potapczynski, Izmailov & Wilson, ICML 2023). Where the
    network is right about its counter-examples too, nothing tells them apart and nothing is gained.
    """

    name: str = "reweighted"
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

        def fit(each: dict[str, Any], weights: NDArray | None = None):
            weights = afr_weights(pool.logits, pool.classes, each["sharpness"]) if weights is None else weights
            return fitted(last, pool.features, places, weights, pull=each["pull"], towards=last.own)

        tried = [{"pull": pull, "sharpness": sharpness} for pull in PULLS for sharpness in SHARPNESS]
        settings, whole, marks = best_head(ward, last, exam_of(ward), tried, fit, progress)
        chance = np.random.default_rng([ward.seed, 13])
        weights = afr_weights(pool.logits, pool.classes, settings["sharpness"])
        others = {
            "shuffled": fit(settings, dealt_anew(weights, pool.classes, chance)),
            "plain": fit({**settings, "sharpness": 0.0}),
        }
        controls = {name: last.edit(last.put(learned, pool.features)) for name, learned in others.items()}
        return Attempt(last.edit(whole), {**settings, **marks.to_dict()}, controls)


def afr_weights(logits: NDArray, classes: NDArray[np.int64], sharpness: float) -> NDArray[np.float64]:
    """``exp(−γ · p)``, p the probability of the picture's own class, over the number of pictures of its class; they add up to
    1.
    """
    own = softmax(logits.astype(np.float64), axis=1)[np.arange(len(classes)), classes]
    weights = np.exp(-sharpness * own) / np.bincount(classes)[classes]
    return weights / weights.sum()


def dealt_anew(values: NDArray, classes: NDArray[np.int64], chance: np.random.Generator) -> NDArray:
    """The same values for other pictures of the same class."""
    found = values.copy()
    for k in np.unique(classes):
        rows = np.flatnonzero(classes == k)
        found[rows] = values[chance.permutation(rows)]
    return found
