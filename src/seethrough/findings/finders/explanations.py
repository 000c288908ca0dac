"""Explanations: pictures of an answer sorted by where the network looks (Lapuschkin et al., SpRAy, Nat. Commun. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d, zoom

from seethrough.findings.aspect import Aspect, Candidate
from seethrough.findings.aspects.background import Background
from seethrough.findings.aspects.region import Region
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import Cells, cells_of
from seethrough.findings.finders.finder import both_ways, strongest
from seethrough.findings.finders.grouping import agreement, kinds_of
from seethrough.findings.finders.placed import aspect_of_trait, box_of, placed
from seethrough.findings.finders.places import called
from seethrough.findings.finders.pointed import discriminant

BESIDE = 0.5
"""Of a cluster's evidence so much at least lies beside the thing."""

MOST = 5
"""Clusters of an answer."""

STABLE = 0.6
"""How far clusters of other draws of the pictures agree (adjusted Rand index), or they are none."""

DRAWS, DRAWN = 3, 0.8
"""How often, and of how much of the pictures, they are drawn again."""

WEAK = 0.62
"""What lies there must tell answers apart beside the things so well."""

SMALL = 6
"""A cluster of fewer pictures isn't believed."""

PICTURES = 300
"""Of an answer, as many at most are sorted."""


@dataclass(frozen=True)
class Explanations:
    """Maps of evidence are clustered within an answer by the spectrum of their neighbourhood graph; clusters that come again in
    other draws, and whose evidence lies beside the thing, are candidates by where it lies.
    """

    name: str = "explanations"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        if facts.fore is None or not facts.heat.any():
            return []
        cells, free = cells_of(facts, canvas), _free(facts)
        found: list[Candidate] = []
        for answer, rivals, own, rival, against in both_ways(facts, np.unique(numbers)):
            own = own[facts.heat[own].any((1, 2))][:PICTURES]
            if len(own) < 2 * SMALL:
                continue
            maps = _maps(facts.heat[own])
            of = clusters(maps, chance)
            for k in range(int(of.max()) + 1):
                rows = own[of == k]
                heat, off = _maps(facts.heat[rows]), free[rows]
                share = float((heat * off).sum((1, 2)).mean()) if len(rows) else 0.0
                if len(rows) < SMALL or share < BESIDE:
                    continue
                aspect = self._aspect(cells, heat, off, rows, rival, against)
                if aspect is None or (facts.agreement is not None and not isinstance(aspect, Background)):
                    continue  # of an estimated thing pieces are left over
                measured = {"explanations": {"beside": share, "of": len(rows) / len(own)}}
                strength = 0.5 + share * len(rows) / len(own) / 2  # evidence has no direction; see `Evidence`
                found.append(Candidate(aspect, answer, rivals, (self.name,), strength, 1.0, measured))
        return strongest(found)

    def _aspect(
        self,
        cells: Cells | None,
        heat: NDArray[np.float32],
        free: NDArray[np.bool_],
        rows: NDArray[np.int64],
        rival: NDArray[np.int64],
        against: bool,
    ) -> Aspect | None:
        where = placed(heat, free)
        if where is None:
            return None
        if where.wide:
            return Background()
        if where.fixed:
            box = box_of(where)
            return Region(called(box), box)
        return None if cells is None else _thing(cells, heat, rows, rival, against)


def clusters(maps: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.int64]:
    """Of which cluster each map is, (n,); all of one where no others come again in other draws.

    Parameters
    ----------
    maps
        (n, h, w), each adding up to 1.
    """
    rows = maps.reshape(len(maps), -1)
    of = _spectral(rows, None, chance)
    count = int(of.max()) + 1
    if count < 2:
        return of
    alike = []
    for _ in range(DRAWS):
        some = np.sort(chance.permutation(len(rows))[: round(DRAWN * len(rows))])
        alike.append(agreement(of[some], _spectral(rows[some], count, chance)))
    return of if float(np.mean(alike)) >= STABLE else np.zeros(len(rows), np.int64)


def _spectral(rows: NDArray, count: int | None, chance: np.random.Generator) -> NDArray[np.int64]:
    """Spectral clustering (von Luxburg, 2007): neighbours, normalised Laplacian, as many clusters as the widest gap among its
    smallest eigenvalues says.
    """
    n = len(rows)
    squares = (rows**2).sum(1)
    apart = np.maximum(squares[:, None] - 2 * rows @ rows.T + squares[None], 0)
    near = np.argsort(apart, axis=1, kind="stable")[:, 1 : max(4, round(np.log(n))) + 1]
    links = np.zeros((n, n))
    links[np.repeat(np.arange(n), near.shape[1]), near.ravel()] = 1
    links = np.maximum(links, links.T)
    degree = links.sum(1)
    values, vectors = np.linalg.eigh(np.eye(n) - links / np.sqrt(degree[:, None] * degree[None]))
    if count is None:
        gaps = np.diff(values[: min(MOST, n - 1) + 1])
        count = int(gaps.argmax()) + 1
    if count < 2:
        return np.zeros(n, np.int64)
    turned = vectors[:, :count]
    turned = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
    _, of = kinds_of(turned, count, chance)
    return np.unique(of, return_inverse=True)[1].reshape(-1)


def _thing(
    cells: Cells, heat: NDArray[np.float32], rows: NDArray[np.int64], rival: NDArray[np.int64], against: bool
) -> Aspect | None:
    """What lies where a cluster's evidence is highest beside the thing, told from places of other pictures."""
    kept = np.isin(rows, cells.numbers)
    mine, theirs = cells.rows(rows[kept]), cells.rows(rival)
    if min(len(mine), len(theirs)) < SMALL:
        return None
    z, turned = cells.main
    h, w = z.shape[1:3]
    on_cells = np.asarray(zoom(heat[kept], (1, h / heat.shape[1], w / heat.shape[2]), order=1))
    at = np.where(cells.free[mine], on_cells, -1).reshape(len(mine), -1).argmax(1)
    there = z[mine].reshape(len(mine), h * w, -1)[np.arange(len(mine)), at]
    others = z[theirs][cells.free[theirs]]
    what = aspect_of_trait(cells, turned @ discriminant(there, others), mine, theirs, against)
    return None if what is None or what.auc < WEAK else what.aspect


def _maps(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each adding up to 1, a place taken with its neighbours."""
    smooth = np.asarray(uniform_filter1d(uniform_filter1d(heat, 3, axis=1, mode="nearest"), 3, axis=2, mode="nearest"))
    return smooth / np.maximum(smooth.sum((1, 2), keepdims=True), 1e-12)


def _free(facts: Facts) -> NDArray[np.bool_]:
    """The places of the maps beside the things, (N, h, w)."""
    assert facts.fore is not None
    grid = facts.heat.shape[1] / facts.fore.shape[1]
    return np.asarray(zoom(facts.fore.astype(np.float32) / 255, (1, grid, grid), order=1)) < 0.5
