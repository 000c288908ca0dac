"""Things: what lies beside the thing, at changing places, in pictures that are answered so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import cells_of
from seethrough.findings.finders.finder import both_ways, strongest
from seethrough.findings.finders.placed import aspect_of_trait
from seethrough.findings.finders.pointed import pointed

WEAK = 0.62
"""What tells answers apart no better isn't handed on."""


@dataclass(frozen=True)
class Things:
    """Among the values of a layer with places a direction is sought such that the place furthest along it, beside the thing,
    tells answers apart: with every thing painted over, so that it doesn't say itself what lies beside it. Where such
    places are few and lie differently in each picture, that is a thing; at a fixed place a region; nearly everywhere the
    background.
    """

    name: str = "things"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        cells = cells_of(facts, canvas)
        if cells is None:
            return []
        z, turned = cells.main
        z = z.reshape(len(z), -1, z.shape[3])
        free = cells.free.reshape(len(z), -1)
        found: list[Candidate] = []
        for answer, rivals, own, rival, against in both_ways(facts, np.unique(numbers)):
            mine, theirs = cells.rows(own), cells.rows(rival)
            half = halves(facts, cells, chance)
            seen = pointed(
                z[mine], z[theirs], (free[mine], free[theirs]), (half[mine], half[theirs]), chance
            )  # fmt: skip
            if seen is None or seen.auc < WEAK:
                continue
            what = aspect_of_trait(cells, turned @ seen.vector, mine, theirs, against)
            if what is not None:
                measured = {"thing": what.where.to_dict()}
                found.append(Candidate(what.aspect, answer, rivals, (self.name,), seen.auc, 1.0, measured))
        return strongest(found)


class Numbered(Protocol):
    """What was read of some pictures, in order."""

    @property
    def numbers(self) -> NDArray[np.int64]: ...


def halves(facts: Facts, cells: Numbered, chance: np.random.Generator) -> NDArray[np.bool_]:
    """The read pictures in two halves, near-duplicates together."""
    group = facts.split.group[cells.numbers]
    names, at = np.unique(group, return_inverse=True)
    return (chance.permutation(len(names)) < len(names) / 2)[at]
