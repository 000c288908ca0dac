"""Levels: what outputs begin with, set by the pictures to choose by, as they are and exchanged alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.remedies.rungs.choosing import Exam

CLASS = "class"
"""Groups whose name begins so are of all of a class."""

STEPS = 16
"""Levels that are tried, up and down; the furthest is as far as half of all pictures' answers lie from the next one."""

MOST = 20
"""Of more classes the levels stay as they are: of each there are too few pictures."""


def level_of(exam: Exam, logits: NDArray) -> NDArray[np.float64]:
    """What is added to each output (K,) so that classes are answered alike well, each the mean of its groups; of levels that do so
    equally the least.

    Parameters
    ----------
    logits
        (n, K), of the exam's pictures.
    """
    found = np.zeros(logits.shape[1])
    groups = {k: [rows for name, rows in exam.groups.items() if _class(name) == k] for k in map(_class, exam.groups)}
    if not 1 < len(groups) <= MOST:
        return found
    first, second = np.sort(logits, 1)[:, :-3:-1].T
    furthest = float(np.median(first - second))
    tried = sorted(furthest * np.arange(-STEPS, STEPS + 1) / STEPS, key=abs)

    def least(level: NDArray[np.float64]) -> float:
        hits = (logits + level).argmax(1) == exam.pool.classes
        return min(float(np.mean([hits[rows].mean() for rows in each])) for each in groups.values())

    for k in sorted(groups)[1:]:  # only differences count
        each = [found + by * (np.arange(len(found)) == k) for by in tried]
        found = each[int(np.argmax([least(level) for level in each]))]
    return found


def _class(name: tuple[Any, ...]) -> int:
    return int(name[1] if name[0] == CLASS else name[2])
