"""Touching: what lies along the edge of the thing, or over a part of it, in pictures that are answered so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.thing import thing
from seethrough.findings.aspects.touching import FINE, averaged, edge_places, touching, without_thing
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import AT_ONCE, chosen, main_directions, rows_among
from seethrough.findings.finders.finder import both_ways
from seethrough.findings.finders.placed import levels, placed
from seethrough.findings.finders.pointed import pointed
from seethrough.findings.finders.things import WEAK, halves
from seethrough.findings.foreground import Drawn
from seethrough.findings.inside import CELLS, Inside, layer_with_places

SAMPLE = 96
"""Pictures, from all over, from which the main directions are taken."""

WHOLE, LARGEST = 1.5, 0.6
"""So many times what is seen of it is exchanged, so that little of it stays; and no more than that of the picture's side."""


FINER = 0.05
"""So much better coarse places must tell answers apart to be taken before fine ones, which say better where it lies."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Of n pictures what a layer gives at h × w places, the things continued to their very edge from around them.

    Attributes
    ----------
    numbers
        int64 (n,), the pictures, in order.
    z
        float32 (n, h·w, d), in their main directions.
    free
        bool (n, h·w): along the thing's edge.
    turned
        (C, d), from what the layer gives to these directions.
    grid
        h and w.
    """

    inside: Inside
    numbers: NDArray[np.int64]
    z: NDArray[np.float32]
    free: NDArray[np.bool_]
    turned: NDArray[np.float32]
    grid: tuple[int, int]


@dataclass(frozen=True)
class Touches:
    """Among the values of a layer with places, and of one with fine places, a direction is sought such that the place furthest along it, of those along the
    thing's edge, tells answers apart. Only where somebody drew the things to their edge: a piece of the thing that an estimate
    leaves over would be taken for what touches it.
    """

    name: str = "touching"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        best: dict[int, tuple[float, Candidate]] = {}
        for edges in edges_of(facts, canvas):
            for candidate in self._along(edges, facts, np.unique(numbers), chance):
                worth = candidate.strength + (FINER if min(edges.grid) >= FINE else 0)
                if worth > best.get(candidate.answer, (0.0,))[0]:
                    best[candidate.answer] = worth, candidate
        return [candidate for _, candidate in best.values()]

    def _along(
        self, edges: Edges, facts: Facts, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> Iterator[Candidate]:
        for answer, rivals, own, rival, against in both_ways(facts, numbers):
            mine, theirs = rows_among(edges.numbers, own), rows_among(edges.numbers, rival)
            half = halves(facts, edges, chance)
            seen = pointed(
                edges.z[mine], edges.z[theirs], (edges.free[mine], edges.free[theirs]), (half[mine], half[theirs]), chance
            )  # fmt: skip
            if seen is None or seen.auc < WEAK:
                continue
            along, beside = ((edges.z[rows] @ seen.vector).reshape(-1, *edges.grid) for rows in (mine, theirs))
            free, free_too = (edges.free[rows].reshape(-1, *edges.grid) for rows in (mine, theirs))
            level, usual = levels(along, beside, free, free_too)
            where = placed(along, free, level=level, usual=usual)
            if where is None:
                continue
            high, wide = (min(WHOLE * size, LARGEST) for size in where.size)
            what = touching(thing(edges.inside, edges.turned @ seen.vector, level, (high, wide), against=against))
            yield Candidate(what, answer, rivals, (self.name,), seen.auc, 1.0, {"thing": where.to_dict()})


_READ: WeakKeyDictionary[Canvas, tuple[tuple[int, ...], tuple[Edges, ...]]] = WeakKeyDictionary()


def edges_of(facts: Facts, canvas: Canvas) -> tuple[Edges, ...]:
    """What lies along the things' edges in the finding pictures, by each layer that is looked into; none where no layer has places, or
    nobody drew the things.
    """
    wanted = chosen(facts)
    kept = _READ.get(canvas)
    if kept is None or kept[0] != tuple(wanted):
        kept = tuple(wanted), _read(facts, canvas, wanted)
        _READ[canvas] = kept
    return kept[1]


def _read(facts: Facts, canvas: Canvas, numbers: NDArray[np.int64]) -> tuple[Edges, ...]:
    if facts.fore is None or not isinstance(canvas.foreground, Drawn) or not len(numbers):
        return ()
    layers = dict.fromkeys(layer_with_places(canvas, cells) for cells in (CELLS, FINE))
    found = (_of_layer(Inside(canvas, layer), numbers) for layer in layers if layer is not None)
    return tuple(edges for edges in found if edges is not None)


def _of_layer(inside: Inside, numbers: NDArray[np.int64]) -> Edges | None:
    """None where nothing lies along any edge."""
    some = numbers[np.unique(np.linspace(0, len(numbers) - 1, SAMPLE).round().astype(int))]
    cells = [
        values[free]
        for values, free in (_looked(inside, some[at : at + AT_ONCE]) for at in range(0, len(some), AT_ONCE))
    ]
    if not sum(map(len, cells)):
        return None
    turned = main_directions(np.concatenate(cells))
    parts, frees, grid = [], [], (0, 0)
    for at in range(0, len(numbers), AT_ONCE):
        values, free = _looked(inside, numbers[at : at + AT_ONCE])
        grid = free.shape[1], free.shape[2]
        parts.append((values @ turned).reshape(len(free), -1, turned.shape[1]))
        frees.append(free.reshape(len(free), -1))
    return Edges(inside, numbers, np.concatenate(parts), np.concatenate(frees), turned, grid)


def _looked(inside: Inside, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What the layer gives, (n, h, w, C), and which places lie along the edge."""
    pictures = inside.canvas.load(numbers)
    values: Tensor = averaged(inside.of(without_thing(pictures)))
    return values.permute(0, 2, 3, 1).numpy(), edge_places(pictures, values.shape[2:])
