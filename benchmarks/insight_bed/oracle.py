"""Oracle: what a network really uses, by drawing the same pictures again with another class's cue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from insight_bed.case import TEST, TESTED, TRAIN, TRAINED, Case, sheet
from insight_bed.nets import chances, network, train

USED = 10.0
"""Points from which on a network is said to use a shortcut."""


@dataclass(frozen=True)
class Truth:
    """What is so of a network.

    Attributes
    ----------
    effect
        Points: by how much an answer is more probable with its own cue than with another's, over all things and answers.
    usual, worst
        Shares of right answers: where thing and cue agree as often as in its training, and in the worst group of a thing
        and a cue.
    other
        Where they never agree.
    """

    effect: float
    usual: float
    worst: float
    other: float

    @property
    def used(self) -> bool:
        """Whether it uses the shortcut."""
        return self.effect >= USED


def truth(case: Case, module: nn.Module) -> Truth:
    """Of a case's network, on pictures that nobody else sees."""
    found, labels = answered(case, module)
    classes = np.arange(case.classes)
    own = np.array([found[k, :, k].mean() for k in classes])
    others = np.array([np.delete(found[:, :, k].mean(1), k).mean() for k in classes])
    right = found.argmax(2) == labels
    groups = np.array([[right[cue, labels == thing].mean() for cue in classes] for thing in classes])
    agree = np.diag(groups).mean()
    other = (groups.sum() - np.trace(groups)) / (groups.size - len(groups))
    share = case.correlation / 100 if case.correlation else 1 / case.classes
    return Truth(
        float(100 * (own - others).mean()),
        float(share * agree + (1 - share) * other),
        float(groups.min()),
        float(other),
    )


def answered(case: Case, module: nn.Module) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities (cues, pictures, classes) of the same things with each cue, and what the things are."""
    found, labels = [], np.zeros(0, np.int64)
    for cue in range(case.classes):
        pictures = sheet(case, TEST, TESTED, cues=lambda given, cue=cue: np.full_like(given, cue))
        found.append(chances(module, pictures.pictures))
        labels = pictures.labels
    return np.stack(found), labels


def made(case: Case) -> tuple[nn.Module, dict[str, Any]]:
    """A case's network, trained, and what is known of it: the truth, and how many of its training pictures it answers
    rightly.
    """
    module = network(case.bed, case.architecture, case.classes, case.seed)
    pictures = sheet(case, TRAIN, TRAINED)
    train(module, pictures.pictures, pictures.labels, case.seed)
    fitted = float((chances(module, pictures.pictures).argmax(1) == pictures.labels).mean())
    found = truth(case, module)
    return module, {
        "effect": found.effect,
        "usual": found.usual,
        "worst": found.worst,
        "other": found.other,
        "fitted": fitted,
    }
