"""Levels: what outputs begin with, set by the pictures to choose by, as they are and exchanged alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from seethrough.remedies.rungs.choosing import Exam

CLASS = "class"
"""Groups whose name begins so are of all of a class."""

MOST = 20
"""Of more classes the levels stay as they are: of each there are too few pictures."""


def level_of(exam: Exam, logits: NDArray) -> NDArray[np.float64]:
    """What is added to each output (K,) so that what pictures are is likeliest, every class and each of its groups alike; the first
    output's level is the others' measure and stays.

    It goes by likelihood, since how often few pictures are answered right is the same over a wide span of levels; nothing else of the
    network is fitted so (as where classes are more or less frequent than in training: Saerens, Latinne & Decaestecker, 2002).

    Parameters
    ----------
    logits
        (n, K), of the exam's pictures.
    """
    found = np.zeros(logits.shape[1])
    groups = {k: [rows for name, rows in exam.groups.items() if _class(name) == k] for k in map(_class, exam.groups)}
    classes = sorted(groups)
    if not 1 < len(classes) <= MOST:
        return found
    weight = np.zeros(len(logits))
    for each in groups.values():
        for rows in each:
            weight += rows / (len(each) * rows.sum())
    weight /= weight.sum()
    own = np.eye(logits.shape[1])[exam.pool.classes]
    free = classes[1:]  # only differences count

    def unlikely(level: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        moved = logits.astype(np.float64)
        moved[:, free] += level
        off = weight @ (softmax(moved, axis=1) - own)
        return float(weight @ (logsumexp(moved, axis=1) - (moved * own).sum(1))), off[free]

    found[free] = minimize(unlikely, np.zeros(len(free)), jac=True, method="BFGS").x
    return found


def _class(name: tuple[Any, ...]) -> int:
    return int(name[1] if name[0] == CLASS else name[2])
