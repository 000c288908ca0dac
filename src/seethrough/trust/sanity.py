"""Sanity: does a method's map depend on what the network has learned?

The same method is asked the same of a copy of the network whose weights were drawn anew, all at once (`graph.redraw`). A
map that stays nearly the same shows the picture, and not the network: Adebayo et al. (2018) found this of guided
backpropagation. That maps differ proves little in return, and the order of methods by it means nothing (Binder et al.,
2023), so that it only ever speaks against a map. Beside the similarity stands the rise of complexity (eMPRT; Hedström et
al., 2024): with nothing learned a map should become less tidy.

It is a property of a method on a network rather than of a picture, and is kept for both: what was seen on several
pictures is averaged, and after `ENOUGH` of them nobody asks again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from seethrough.graph.graph import Graph
from seethrough.graph.redraw import RUNS, can_be_redrawn, redrawn
from seethrough.graph.run import Run
from seethrough.trust.maps import Case, Grid, spearman

BINS = 100
"""Of the histogram that complexity is taken from."""

ENOUGH = 8
"""Pictures after which a method is known on a network."""

ALIKE = 0.8
"""Maps this similar are looked at a second time."""

_SEEN: WeakKeyDictionary[Graph, dict[Hashable, list[tuple[float, float]]]] = WeakKeyDictionary()
"""By the graph (another one is written down when a weight changes), then by method, layer, settings and seed."""


class Redrawn:
    """The run's question to the network with weights drawn anew; each drawing is made when first asked for, since that may
    never be.
    """

    def __init__(self, run: Run, seed: int) -> None:
        self.run, self.seed = run, seed
        self._made: dict[int, Run] = {}

    def __call__(self, drawing: int = 0) -> Run:
        """The run on one of the drawings."""
        if drawing not in self._made:
            graph, run = self.run.graph, self.run
            given = {v: t[:1] for v, t in run.source.given(graph, run.images).items()}
            run.counter.forward += RUNS
            self._made[drawing] = run.on(redrawn(graph, self.seed + drawing, given))
        return self._made[drawing]


def sanity(case: Case, run: Run, other: Redrawn) -> dict[str, float]:
    """What a method shows without the weights.

    Returns
    -------
    ``sanity.similarity``: |Spearman| between the maps by cells, 0…1; ``sanity.rise``: by how much complexity grows, as a
    part of what it was; ``sanity.pictures``: over how many pictures both were averaged. Nothing where the network can't be
    redrawn. Where the maps of the first drawing are alike (`ALIKE`), a second one is asked, and the smaller similarity
    counts: with three numbers to a filter chance may draw what was there.
    """
    graph = run.graph
    if not case.again or not can_be_redrawn(graph):
        return {}
    kept = _SEEN.setdefault(graph, {}).setdefault(_key(case, other.seed), [])
    if len(kept) < ENOUGH:
        size, own = tuple(run.images.shape[2:]), case.cheap(run)
        found = _compared(case, size, own, case.ask(other(), case.dialled(run)))
        if max(similarity for similarity, _ in found) >= ALIKE:
            again = _compared(case, size, own, case.ask(other(1), case.dialled(run)))
            found = [min(pair) for pair in zip(found, again)]
        kept += found
    similarity, rise = np.mean(kept, axis=0)
    return {"sanity.similarity": float(similarity), "sanity.rise": float(rise), "sanity.pictures": float(len(kept))}


def _compared(case: Case, size: tuple[int, ...], own: Tensor, new: Tensor) -> list[tuple[float, float]]:
    maps, others = case.on_grid(size, own), case.on_grid(size, new)
    grid = Grid.of(*maps.shape[-2:])
    cells = grid.means(maps), grid.means(others)
    pairs = []
    for i in range(len(maps)):
        before, after = complexity(maps[i]), complexity(others[i])
        rise = (after - before) / before if before > 0 else 0.0
        pairs.append((abs(spearman(cells[0][i], cells[1][i])), rise))
    return pairs


def complexity(m: Tensor) -> float:
    """Entropy in nats of the histogram of |m| in `BINS` bins from 0 to its largest; 0 for a map that isn't finite or says
    nothing.
    """
    size = m.double().abs().flatten()
    top = float(size.max())
    if not np.isfinite(top) or top == 0:
        return 0.0
    share = torch.histc(size, BINS, 0.0, top) / size.numel()
    return float(-(share * share.clamp(min=1e-300).log()).sum())


def _key(case: Case, seed: int) -> Hashable:
    return case.method.name, repr(case.layer), _hashable(case.used), seed


def _hashable(settings: Mapping[str, Any]) -> Hashable:
    """Settings as a key; tensors by what they hold."""
    plain = []
    for name, value in sorted(settings.items()):
        if isinstance(value, (Tensor, np.ndarray)):
            array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
            value = array.shape, hash(np.ascontiguousarray(array).tobytes())
        plain.append((name, value))
    return repr(plain)
