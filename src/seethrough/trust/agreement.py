"""Agreement: how alike the maps of several methods are, and where two of them differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seethrough.attribution.evidence import CELLS as REGIONS
from seethrough.attribution.evidence import evidence_of
from seethrough.graph.run import Run
from seethrough.results import Trust
from seethrough.trust.maps import Case, Grid, spearman


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where two maps of one picture differ most.

    Attributes
    ----------
    first, second
        The methods.
    region
        The one of nine parts of the picture (`seethrough.attribution.evidence.CELLS`) whose share of the evidence differs
        most between them.
    shares
        That share in the first map and in the second, 0…1.
    correlation
        Spearman's, between the maps by cells.
    """

    first: str
    second: str
    region: str
    shares: tuple[float, float]
    correlation: float


def agreement(run: Run, cases: Sequence[Case]) -> np.ndarray:
    """Spearman's rank correlation between the maps of each two methods, float32 (N, M, M), by cells of the network's input.
    A map of slopes, whose sign means nothing, is compared with another's size; a flat one agrees with nothing but itself.
    """
    plain, size = _cells(run, cases)
    found = np.zeros((len(run.images), len(cases), len(cases)), np.float32)
    for i in range(len(run.images)):
        for a in range(len(cases)):
            found[i, a, a] = 1
            for b in range(a):
                maps = size if cases[a].unsigned or cases[b].unsigned else plain
                found[i, a, b] = found[i, b, a] = spearman(maps[a][i], maps[b][i])
    return found


def _cells(run: Run, cases: Sequence[Case]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The maps by cells, as they are and by size."""
    maps = [case.on_grid(tuple(run.images.shape[2:])) for case in cases]
    grid = Grid.of(*maps[0].shape[-2:]) if maps else Grid.of(1, 1)
    return [grid.means(m) for m in maps], [grid.means(m.abs()) for m in maps]


def disagreement(
    run: Run, cases: Sequence[Case], trust: Sequence[Sequence[Trust]], image: int = 0
) -> Disagreement | None:
    """Of the maps of one picture that carry weight, the two that agree least, and where; None where fewer than two do.

    Parameters
    ----------
    trust
        What `judged` said of the cases.
    """
    good = [k for k, each in enumerate(trust) if each[image].verdict == "carries_weight"]
    if len(good) < 2:
        return None
    table = agreement(run, cases)[image]
    a, b = min(((a, b) for n, a in enumerate(good) for b in good[n + 1 :]), key=lambda pair: table[pair])
    size = tuple(run.images.shape[2:])
    first, second = (
        np.array(evidence_of(cases[k].on_grid(size)[image].numpy(), signed=cases[k].method.signed).support.cells)
        for k in (a, b)
    )
    at = int(np.abs(first - second).argmax())
    return Disagreement(
        cases[a].method.name,
        cases[b].method.name,
        REGIONS[at],
        (float(first[at]), float(second[at])),
        float(table[a, b]),
    )
