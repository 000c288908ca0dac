"""Gathering: what is kept of each layer while the batches go by.

Of every channel its measures are taken; of some the map is kept. Which ones are the strongest is known when all images have
been measured, so that several batches go through twice where only the strongest are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError
from seethrough.features.activation_layers import Site
from seethrough.features.activation_measures import Measures, joined, measure
from seethrough.graph.graph import Graph
from seethrough.graph.passing import pass_by
from seethrough.graph.untouched import same_chance
from seethrough.network import Network, Prepared

Look = Callable[["Gathered", Tensor, Callable[[], Tensor]], None]
"""Given a layer, its value (N, C, …), and how to have that in the network's own layout."""


class Gathered:
    """One layer's numbers as the batches go by.

    Attributes
    ----------
    channels
        int (K,), which maps are kept; None as long as that isn't settled.
    """

    def __init__(self, site: Site, channels: Sequence[int] | None, most: int | None, *, whole: bool) -> None:
        self.site, self.asked, self.most, self.whole = site, channels, most, whole
        self.channels: NDArray[np.intp] | None = None
        self._measures: list[Measures] = []
        self._maps: list[NDArray[np.float32]] = []
        self._values: list[NDArray[np.float32]] = []

    @property
    def by_strength(self) -> bool:
        """Whether only the measures of all images tell whose maps are kept."""
        return self.asked is None and self.most is not None

    def measure(self, value: Tensor) -> None:
        self._measures.append(measure(value, self.site.ends))

    def settle(self) -> None:
        """Choose whose maps are kept: those asked for, the strongest, or all in their own order."""
        strength = self.measures.strength.mean(0)
        if self.asked is not None:
            self.channels = _checked(self.asked, self.site.path, len(strength))
        elif self.most is None:
            self.channels = np.arange(len(strength))
        else:
            self.channels = np.argsort(-np.nan_to_num(strength, nan=-np.inf), kind="stable")[: self.most]

    def keep(self, value: Tensor, own: Callable[[], Tensor]) -> None:
        kept = value[:, torch.from_numpy(np.asarray(self.channels)).to(value.device)]
        self._maps.append(kept.float().cpu().numpy())
        if self.whole:
            self._values.append(own().float().cpu().numpy().copy())

    @property
    def measures(self) -> Measures:
        return joined(self._measures)

    @property
    def maps(self) -> NDArray[np.float32]:
        return np.concatenate(self._maps)

    @property
    def values(self) -> NDArray[np.float32] | None:
        return np.concatenate(self._values) if self.whole else None


def gather(net: Network, prepared: Prepared, layers: Sequence[Gathered], batch_size: int) -> int:
    """Fill layers with what they give for images; returns how many images went through the network."""
    number = len(prepared.batch)
    if number > batch_size and any(layer.by_strength for layer in layers):
        _pass(net, prepared, layers, batch_size, lambda layer, value, own: layer.measure(value))
        for layer in layers:
            layer.settle()
        _pass(net, prepared, layers, batch_size, Gathered.keep)
        return 2 * number

    def at_once(layer: Gathered, value: Tensor, own: Callable[[], Tensor]) -> None:
        layer.measure(value)
        if layer.channels is None:
            layer.settle()
        layer.keep(value, own)

    _pass(net, prepared, layers, batch_size, at_once)
    return number


def batches(prepared: Prepared, size: int) -> Iterator[Prepared]:
    """The images, some at a time."""
    for start in range(0, len(prepared.batch), size):
        yield prepared.part(slice(start, start + size))


def graph_for(net: Network, prepared: Prepared) -> Graph:
    """A proved graph of a batch, with layers.

    Raises
    ------
    NetworkRefused
        Where the network can only be run as a whole.
    """
    source = net.source_of(prepared)
    graph = source.proved(prepared.batch)
    if graph.source == "whole":
        _, reasons = source.why_not(prepared.batch)
        raise NetworkRefused(
            "no layer of this network can be looked at, because it can't be written down: "
            f"{'; '.join(dict.fromkeys(reasons))}"
        )
    return graph


def _pass(net: Network, prepared: Prepared, layers: Sequence[Gathered], batch_size: int, look: Look) -> None:
    for part in batches(prepared, batch_size):
        graph = graph_for(net, part)
        at: dict[int, list[Gathered]] = {}
        for layer in layers:
            at.setdefault(_value(graph, layer.site.path), []).append(layer)

        def show(value: int, tensor: Tensor, graph: Graph = graph, at: dict[int, list[Gathered]] = at) -> None:
            for layer in at[value]:
                path = layer.site.path
                place = graph.place(path)
                own = graph.native(path) if path in graph.layers else place
                assert place is not None and own is not None, path
                look(layer, place.of(tensor), lambda own=own: own.of(tensor))

        with same_chance() if graph.draws else nullcontext():
            pass_by(graph, net.source_of(part).given(graph, part.batch), at, show)


def _value(graph: Graph, path: str) -> int:
    place = graph.place(path)
    if place is None:
        raise NetworkRefused(f"layer {path!r} gives no value that depends on the image for some of the images")
    return place.value


def _checked(channels: Sequence[int], path: str, count: int) -> NDArray[np.intp]:
    beyond = [c for c in channels if not 0 <= c < count]
    if beyond:
        raise UsageError(f"Layer {path!r} has the channels 0…{count - 1}; there is no channel {beyond[0]}.")
    return np.array(channels, np.intp)
