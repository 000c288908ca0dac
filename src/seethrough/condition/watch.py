"""Watch: the one pass over the images in which everything is measured; what is kept doesn't grow with their number.

Of every unit sums, extremes and counts are kept; of every layer some activation vectors, at places that depend on the image's
number alone, so that batches and shards change nothing; of every stride the spectra on some of the images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.condition.sites import Site, chosen, sites, units_of
from seethrough.condition.strides import Stride, power_of, strides
from seethrough.errors import NetworkRefused
from seethrough.graph.graph import Graph
from seethrough.graph.passing import pass_by
from seethrough.graph.untouched import same_chance
from seethrough.jobs.work import Arrays, Batch, Results
from seethrough.network import Network

SAMPLE = 2048
"""Activation vectors that are kept of a layer, at most."""

PLACES = 32
"""Of one image at most as many."""

SPECTRA = 16
"""Images on which spectra are taken."""

KEPT = 4
"""Graphs of which it is kept what is watched on them."""

ENDS: Mapping[str, tuple[float, float]] = {
    "sigmoid": (0.01, 0.99),
    "tanh": (-0.99, 0.99),
    "hardtanh": (-1.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "relu6": (-math.inf, 6.0),
    "softsign": (-0.99, 0.99),
}
"""Where an activation has come to an end, below and above; that a rectifier is 0 is its use and no saturation."""


@dataclass(frozen=True, eq=False)
class Watched:
    """What is watched on one graph."""

    sites: tuple[Site, ...]
    strides: tuple[Stride, ...]


@dataclass(frozen=True, eq=False)
class Watching:
    """The work: a network's layers over many images.

    Attributes
    ----------
    net
        The network.
    images
        How many images there are in all: it settles how many vectors are kept of each.
    layers
        Patterns; all where there are none.
    truths
        The number of each image's class, −1 where nobody knows; empty where no classes are known.
    seed
        Of the places at which activation vectors are taken.
    """

    net: Network
    images: int
    layers: tuple[str, ...] = ()
    truths: tuple[int, ...] = ()
    seed: int = 0
    name: str = "health"
    _known: dict[Graph, Watched] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "layers": list(self.layers),
            "images": self.images,
            "truths": list(self.truths),
            "sample": SAMPLE,
            "spectra": SPECTRA,
            "seed": self.seed,
        }

    def part(self) -> Watcher:
        return Watcher(self)

    def watched(self, graph: Graph) -> Watched:
        """What is watched on a graph; the same sites on all graphs of one network."""
        if graph not in self._known:
            if len(self._known) >= KEPT:  # a network that is written down for each batch anew
                self._known.pop(next(iter(self._known)))
            names = list(self.net.opened.layers)
            found = chosen(sites(graph), self.layers, names)
            paths = {p for site in found for p in site.paths}
            steps = [s for s in strides(graph) if not self.layers or s.path in paths or _named(s, self.layers)]
            self._known[graph] = Watched(tuple(found), tuple(steps))
        return self._known[graph]

    def places(self, item: int) -> np.ndarray:
        """Where vectors are taken of an image: numbers in 0…1, a share of the way through the places row by row."""
        if item % max(1, math.ceil(self.images / SAMPLE)):
            return np.empty(0)
        count = min(PLACES, max(1, SAMPLE // self.images))
        return np.random.default_rng((self.seed, item)).random(count)

    def has_spectrum(self, item: int) -> bool:
        """Whether spectra are taken of an image."""
        return item % max(1, math.ceil(self.images / SPECTRA)) == 0


def _named(stride: Stride, layers: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(stride.path, pattern) for pattern in layers)


class Watcher:
    """A shard in the making."""

    def __init__(self, work: Watching) -> None:
        self.work = work
        self.tallies: dict[str, np.ndarray] = {}

    def add(self, batch: Batch) -> None:
        source = self.work.net.source_of(batch.prepared)
        graph = source.proved(batch.prepared.batch)
        if graph.source == "whole":
            _, reasons = source.why_not(batch.prepared.batch)
            raise NetworkRefused(
                "No layer of this network can be looked at, because it can't be written down: "
                f"{'; '.join(dict.fromkeys(reasons))}."
            )
        watched = self.work.watched(graph)
        at: dict[int, list[Callable[[Tensor], None]]] = {}
        for k, site in enumerate(watched.sites):
            at.setdefault(site.value, []).append(lambda t, k=k, site=site: self._site(k, site, graph, t, batch.items))
        rows = [i for i, item in enumerate(batch.items) if self.work.has_spectrum(item)]
        for k, stride in enumerate(watched.strides if rows else ()):
            at.setdefault(stride.value, []).append(lambda t, k=k, stride=stride: self._stride(k, stride, t[rows]))

        def shown(value: int, tensor: Tensor) -> None:
            for look in at[value]:
                look(tensor)

        given = source.given(graph, batch.prepared.batch)
        with same_chance() if graph.draws else nullcontext():
            pass_by(graph, given, at, shown)

    def arrays(self) -> Arrays:
        return self.tallies

    def _site(self, k: int, site: Site, graph: Graph, tensor: Tensor, items: Sequence[int]) -> None:
        units = units_of(site, graph, tensor).float()
        if units.device.type == "mps":
            units = units.cpu()  # there are no 64-bit numbers there
        merged(self.tallies, {f"site{k}.{name}": a for name, a in tally(units, site.activation, items).items()})
        merged(self.tallies, {f"site{k}.{name}": a for name, a in self._by_class(units, items).items()})
        rows = [(i, self.work.places(item)) for i, item in enumerate(items)]
        taken = [_at(units[i], shares) for i, shares in rows if len(shares)]
        if taken:
            of = [np.full(len(t), items[i]) for t, i in zip(taken, (i for i, s in rows if len(s)))]
            merged(self.tallies, {f"site{k}.sample": np.concatenate(taken), f"site{k}.of": np.concatenate(of)})

    def _by_class(self, units: Tensor, items: Sequence[int]) -> dict[str, np.ndarray]:
        """The sum of each class' mean activations, a row a class that was met."""
        if not self.work.truths:
            return {}
        truths = np.array([self.work.truths[item] for item in items])
        means = units.mean(2).double().cpu().numpy()
        met = [c for c in np.unique(truths) if c >= 0]
        sums = [means[truths == c].sum(0) for c in met]
        return {f"class{c}": np.append(s, (truths == c).sum()) for c, s in zip(met, sums)}

    def _stride(self, k: int, stride: Stride, tensor: Tensor) -> None:
        found = power_of(stride, tensor)
        if found is not None:
            merged(self.tallies, {f"stride{k}.{name}": a for name, a in found.items()})


def tally(units: Tensor, activation: str | None, items: Sequence[int]) -> dict[str, np.ndarray]:
    """What is kept of each unit over some images.

    Parameters
    ----------
    units
        (N, C, places).

    Returns
    -------
    dict
        ``images`` and ``places``; ``bad``, values that are no finite numbers, (C,), which count nowhere else; ``largest``,
        ``smallest``, ``sum``, ``squares``; ``on``, places above 0; ``fired``, images with one; ``low``, ``high``, places at the
        ends of the activation; ``best``, in which image the largest was.
    """
    bad = torch.zeros(units.shape[1], dtype=torch.int64)
    if not math.isfinite(float(units.sum())):
        wrong = ~torch.isfinite(units)
        bad, units = wrong.sum((0, 2)), units.masked_fill(wrong, 0.0)
    peaks = units.amax(2)
    low, high = ENDS.get(activation or "", (-math.inf, math.inf))
    of_units = {
        "bad": bad,
        "largest": peaks.amax(0),
        "smallest": units.amin((0, 2)),
        "sum": units.sum((0, 2), dtype=torch.float64),
        "squares": units.square().sum((0, 2), dtype=torch.float64),
        "on": (units > 0).sum((0, 2)),
        "fired": (peaks > 0).sum(0),
        "low": (units <= low).sum((0, 2)) if low > -math.inf else torch.zeros_like(bad),
        "high": (units >= high).sum((0, 2)) if high < math.inf else torch.zeros_like(bad),
    }
    return {
        "images": np.array([len(units)]),
        "places": np.array([len(units) * units.shape[2]]),
        "best": np.asarray(items)[peaks.argmax(0).cpu().numpy()],
        **{name: numbers.cpu().numpy() for name, numbers in of_units.items()},
    }


def merged(into: dict[str, np.ndarray], more: Mapping[str, np.ndarray]) -> None:
    """Add the tallies of further images: sums add up, extremes are taken, samples follow each other."""
    best = [name for name in more if name.endswith(".best")]
    for name in best:  # before the largest are joined: whose they are hangs on them
        head = name.removesuffix("best")
        into[name] = (
            np.where(more[f"{head}largest"] > into[f"{head}largest"], more[name], into[name])
            if name in into
            else more[name]
        )
    for name, array in more.items():
        if name in best:
            continue
        into[name] = _JOIN.get(name.rpartition(".")[2], np.add)(into[name], array) if name in into else array


_JOIN: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "largest": np.maximum,
    "smallest": np.minimum,
    "sample": lambda a, b: np.concatenate([a, b]),
    "of": lambda a, b: np.concatenate([a, b]),
}


def joined(results: Results) -> dict[str, np.ndarray]:
    """The tallies of all shards."""
    whole: dict[str, np.ndarray] = {}
    for _, arrays in results.shards():
        merged(whole, arrays)
    return whole


def _at(units: Tensor, shares: np.ndarray) -> np.ndarray:
    """Activation vectors of one image, (C, places), at shares of the way through its places: (n, C)."""
    places = np.unique((shares * units.shape[1]).astype(int))
    return units[:, torch.from_numpy(places)].T.cpu().numpy()
