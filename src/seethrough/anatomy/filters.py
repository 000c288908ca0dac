"""Filters: the kernels of a network's layers, what is measured of each, and what is to be noticed in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.filter_composed import Composed, compose
from seethrough.anatomy.filter_findings import FilterFinding, findings_of
from seethrough.anatomy.filter_measures import Measures, measure
from seethrough.anatomy.kernels import CONVOLUTIONS, Kernels, kernels_of, weights_of
from seethrough.anatomy.layers import find_layers
from seethrough.errors import UsageError
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation
from seethrough.models.opened import Opened
from seethrough.results import Note, Shown

STRONGEST = 6
"""So many slices of a deep kernel are shown."""


@dataclass(frozen=True, eq=False)
class LayerFilters:
    """The filters of one layer.

    Attributes
    ----------
    kernels
        Their weights, and what they read.
    measures
        Numbers of each filter.
    composed
        What each looks at in the picture, where it reads a layer that does, at most one rectifier below; else None.
    findings
        What is to be noticed among all of the layer's filters.
    channels
        int (n,): the filters that were asked for; the others are measured and not drawn.
    """

    kernels: Kernels
    measures: Measures
    composed: Composed | None
    findings: tuple[FilterFinding, ...]
    channels: NDArray[np.int64]

    @property
    def path(self) -> str:
        """The layer's."""
        return self.kernels.path

    def strongest(self, channel: int, count: int = STRONGEST) -> NDArray[np.int64]:
        """int (n,): the slices of a filter with the largest norms, the largest first (ties by number)."""
        slices = self.kernels.weights[channel]
        norms = np.linalg.norm(slices.reshape(len(slices), -1).astype(np.float64), axis=1)
        return np.argsort(-norms, kind="stable")[:count]

    def reads(self, channel: int, count: int = STRONGEST) -> tuple[tuple[int, float], ...]:
        """The input channels that a filter reads most, the strongest first, each with its share of the filter's energy under the
        sign of its sum.
        """
        w = self.kernels.weights[channel].astype(np.float64)
        w = w.reshape(len(w), -1)
        energy = (w**2).sum(axis=1)
        whole = energy.sum()
        return tuple(
            (int(self.kernels.channels[channel, k]), float(np.copysign(energy[k] / whole if whole else 0, w[k].sum())))
            for k in self.strongest(channel, count)
        )

    def noticed(self, channel: int) -> tuple[FilterFinding, ...]:
        """The findings that name a filter."""
        return tuple(finding for finding in self.findings if channel in finding.filters)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all but the weights."""
        composed = self.composed
        return {
            **self.kernels.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "composed": None
            if composed is None
            else {"through": list(composed.through), "rectifiers": composed.rectifiers},
            "measures": [self._row(int(k)) for k in self.channels],
        }

    def _row(self, k: int) -> dict[str, Any]:
        m = self.measures
        low, middle, high = (float(share) for share in m.bands[k])
        return {
            "filter": k,
            "rms": float(m.rms[k]),
            "size": float(m.size[k]),
            "relative": float(m.relative[k]),
            "total": float(m.total[k]),
            "like": int(m.like[k]),
            "cosine": float(m.cosine[k]),
            "bands": {"low": low, "middle": middle, "high": high},
            "checkerboard": float(m.checkerboard[k]),
            "beyond": float(m.beyond[k]),
            "unevenness": float(m.unevenness[k]),
            "kept": None if self.composed is None else float(self.composed.kept[k]),
            "reads": [{"channel": channel, "share": share} for channel, share in self.reads(k)],
        }


@dataclass(frozen=True, eq=False)
class Filters(Shown, Mapping[str, LayerFilters]):
    """The filters of some layers, in the network's order: a mapping from path to `LayerFilters`.

    ``notes`` say what holds for all (random weights, colours assumed).
    """

    layers: Mapping[str, LayerFilters]
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, path: str) -> LayerFilters:
        return self.layers[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def findings(self) -> tuple[FilterFinding, ...]:
        """What is to be noticed, layer by layer."""
        return tuple(finding for layer in self.values() for finding in layer.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all but the weights."""
        return {
            "layers": [layer.to_dict() for layer in self.values()],
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
            "provenance": dict(self.provenance),
        }


def look_at_filters(
    opened: Opened, graph: Graph, layer: str | None, channels: Sequence[int] | None
) -> tuple[Mapping[str, LayerFilters], tuple[Note, ...]]:
    """The filters of the layers that a pattern names, and what must be known to read them.

    Parameters
    ----------
    layer
        A path, or a pattern with ``*``; a block stands for the convolutions inside of it. Linear layers are taken where no convolution is
        named. By default the network's first convolution.
    channels
        Which filters are asked for; by default all.

    Raises
    ------
    UsageError
        A layer that isn't there, or has no kernels, with the nearest that have; a filter that isn't there.
    """
    order, assumed = _colours(opened)
    named = _named(opened, graph, layer)
    found = {path: kernels for op, path in named.items() if (kernels := kernels_of(graph, op, path, order)) is not None}
    layers = {path: _layer(graph, kernels, order, channels) for path, kernels in found.items()}
    coloured = any(kernels.source.colours is not None for kernels in found.values())
    return layers, (assumed,) if coloured and assumed is not None else ()


def _layer(graph: Graph, kernels: Kernels, order: str | None, channels: Sequence[int] | None) -> LayerFilters:
    measures = measure(kernels)
    wanted = np.arange(kernels.count) if channels is None else np.array(channels, np.int64)
    beyond = wanted[(wanted < 0) | (wanted >= kernels.count)]
    if len(beyond) or not len(wanted):
        which = f"There is no filter {beyond[0]}" if len(beyond) else "No filter is named"
        raise UsageError(f"{which}: layer {kernels.path!r} has {kernels.count:,}, numbered from 0.")
    composed = compose(graph, kernels, order)
    return LayerFilters(kernels, measures, composed, findings_of(kernels, measures, composed), wanted)


def _colours(opened: Opened) -> tuple[str | None, Note | None]:
    """Which colours the channels of a picture are, and what was assumed."""
    if opened.preprocessing is not None:
        channels = opened.preprocessing.channels
        bgr = Note("kernels_in_bgr") if channels == "BGR" else None
        return (channels, bgr) if sorted(channels) == sorted("RGB") else (None, None)
    return "RGB", Note("kernels_assumed_rgb")


# --- which operations -------------------------------------------------------------------------------------------------


def _named(opened: Opened, graph: Graph, layer: str | None) -> dict[Operation, str]:
    """The operations with kernels that are asked for, each array once, with what they are called."""
    every = [op for op in graph if weights_of(op) is not None]
    convolutions = [op for op in every if op.kind in CONVOLUTIONS]
    if not every:
        why = f" ({graph.ended})" if graph.ended else ""
        raise UsageError(f"{opened.source} has no layer with kernels, neither convolution nor linear{why}.")
    if layer is None:
        chosen = convolutions[:1] or every[:1]
    else:
        inside = _inside(opened, graph, layer)
        chosen = [op for op in convolutions if op in inside] or [op for op in every if op in inside]
        if not chosen:
            raise UsageError(f"{layer!r} has no kernels.{_nearest(graph, every, layer)}")
    once = {_weights_in(graph, op): op for op in reversed(chosen)}
    return _called(graph, list(reversed(once.values())), every)


def _weights_in(graph: Graph, operation: Operation) -> tuple[object, str]:
    """Equal for operations of the same weights: calls of one layer, or uses of one array."""
    called = graph.layers.get(operation.layer)
    name = operation.path.removeprefix(operation.layer)
    array = weights_of(operation)
    return (called.module, name) if called is not None else (None if array is None else array.data_ptr(), "")


def _inside(opened: Opened, graph: Graph, layer: str) -> set[Operation]:
    """The operations of the layers that a pattern names."""
    if layer in graph.operation_at:
        return {graph.operation_at[layer]}
    paths = find_layers(dict.fromkeys((*opened.layers, *graph.layers)), layer)
    called = [call for path in paths for call in _calls(opened, graph, path)]
    return {op for call in called for op in graph.operations[slice(*call.span)]}


def _calls(opened: Opened, graph: Graph, path: str):
    if path in graph.layers:
        return [graph.layers[path]]
    return [call for call in graph.layers.values() if call.module == id(opened.layers.get(path))]


def _called(graph: Graph, chosen: Sequence[Operation], every: Sequence[Operation]) -> dict[Operation, str]:
    """Each operation by its layer's path, or by its own where the layer has several with kernels, or where there is no layer."""
    several = [op.layer for op in every]
    return {op: op.layer if op.layer and several.count(op.layer) == 1 else op.path for op in chosen}


def _nearest(graph: Graph, every: Sequence[Operation], layer: str) -> str:
    """The layers with kernels that come next before and behind."""
    names = _called(graph, every, every)
    at = {op: k for k, op in enumerate(graph.operations)}
    paths = [call.span for path, call in graph.layers.items() if path == layer]
    if not paths:
        return f" Those that have: {', '.join(list(names.values())[:5])}{', …' if len(names) > 5 else ''}."
    start, stop = paths[0]
    before = [names[op] for op in every if at[op] < start][-1:]
    behind = [names[op] for op in every if at[op] >= stop][:1]
    return f" Nearest that have: {', '.join(before + behind)}."
