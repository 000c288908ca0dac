"""Evidence: where it lies, against where the thing is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.background import Background
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.finder import questions

MUCH = 0.3
"""Of the evidence beside the thing, from which on what is there is asked about."""


@dataclass(frozen=True)
class Evidence:
    """The background is a candidate where much of the evidence lies on it."""

    name: str = "evidence"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        if facts.fore is None or not facts.heat.any():
            return []
        shares = beside(facts)
        found = []
        for answer, rivals, own, rival in questions(facts, numbers):
            share = float(np.nanmean(shares[np.concatenate([own, rival])]))
            if share >= MUCH:
                # evidence has no direction: how surely it lies there stands for how well it tells answers apart
                strength = 0.5 + share / 2
                measured = {"evidence.share": share}
                found.append(Candidate(Background(), answer, rivals, (self.name,), strength, 1.0, measured))
        return found


def beside(facts: Facts) -> NDArray[np.float32]:
    """Of each picture the share of its evidence that lies beside the thing, (N,); NaN where it has none."""
    assert facts.fore is not None
    cells = facts.heat.shape[1] / facts.fore.shape[1]
    on = np.asarray(zoom(facts.fore.astype(np.float32) / 255, (1, cells, cells), order=1))
    total = facts.heat.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (facts.heat * (1 - on)).sum((1, 2)) / np.where(total > 0, total, np.nan)
