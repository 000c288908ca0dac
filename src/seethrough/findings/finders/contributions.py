"""Contributions: what adds up to an answer, taken apart into its main components (class-wise principal components of
``w · φ(x)``; Neuhaus et al., ICCV 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import Cells, cells_of
from seethrough.findings.finders.finder import both_ways, strongest, told_apart
from seethrough.findings.finders.placed import aspect_of_trait

COMPONENTS = 6
"""The main ones, of each answer."""

WEAK = 0.62
"""What tells answers apart no better isn't handed on."""

BESIDE = 0.6
"""Of what a component adds, the part that has to lie beside the thing."""

SAME = 1e-2
"""How far the mean over places may be off the features, in parts of the largest, for what they add to be had place by place."""


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to an answer beyond its rivals is taken apart into components; one that tells answers apart and
    whose part lies mostly beside the thing is a candidate: as a thing, a region or the background, by where it lies.
    """

    name: str = "contributions"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        cells = cells_of(facts, canvas)
        if cells is None or facts.head is None or not pooled(facts, cells):
            return []
        found: list[Candidate] = []
        for answer, rivals, own, rival, against in both_ways(facts, np.unique(numbers)):
            mine, theirs = cells.rows(own), cells.rows(rival)
            if min(len(mine), len(theirs)) < 2:
                continue
            weight = facts.head[0][answer] - facts.head[0][list(rivals)].mean(0)
            weight = -weight if against else weight
            for direction, auc in components(facts.features[own] * weight, facts.features[rival] * weight):
                share = share_beside(cells, direction * weight, mine, theirs)
                if auc < WEAK or share < BESIDE:
                    continue
                what = aspect_of_trait(cells, direction * weight, mine, theirs, against)
                if what is None or what.auc < WEAK:
                    continue
                measured = {"contributions.share": share, "thing": what.where.to_dict()}
                found.append(Candidate(what.aspect, answer, rivals, (self.name,), min(auc, what.auc), 1.0, measured))
        return strongest(found)


def pooled(facts: Facts, cells: Cells) -> bool:
    """Whether features are the mean over the layer's places, so that what they add is the sum of what places add."""
    features = facts.features[cells.numbers]
    if features.shape[1] != cells.plain.shape[3]:
        return False
    means = cells.plain.mean((1, 2), dtype=np.float32)
    return bool(abs(means - features).max() <= SAME * max(float(abs(features).max()), 1e-6))


def components(own: NDArray[np.float32], rival: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], float]]:
    """The main components of what adds to an answer, (D,) each, so turned that more of it raises the answer; with how well
    each tells the answer's pictures from the others.

    Parameters
    ----------
    own, rival
        (n, D) and (m, D): what each feature adds to the answer.
    """
    both = np.concatenate([own, rival])
    _, _, rows = np.linalg.svd(both - both.mean(0), full_matrices=False)
    found = []
    for u in rows[:COMPONENTS]:
        u = u if u.sum() >= 0 else -u  # a unit of it adds the sum of its parts to the answer
        found.append((u.astype(np.float32), told_apart(own @ u, rival @ u)))
    return found


def share_beside(
    cells: Cells, direction: NDArray[np.float32], own: NDArray[np.int64], rival: NDArray[np.int64]
) -> float:
    """Of what a direction adds in an answer's pictures beyond what is usual in the others, the part beside the things."""
    mine, theirs = (cells.plain[rows].astype(np.float32) @ direction for rows in (own, rival))
    added = np.maximum(mine - np.median(theirs), 0)
    total = float(added.sum())
    return float(added[cells.free[own]].sum()) / total if total > 0 else 0.0
