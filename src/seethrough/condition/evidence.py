"""Evidence: for the worst findings what a person can see with their own eyes: kernels, maps, what a stride makes of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.condition.findings import Finding
from seethrough.condition.layer import LayerHealth
from seethrough.condition.sites import Site
from seethrough.condition.strides import Stride, lost
from seethrough.condition.watch import Watched, Watching
from seethrough.datasets.collection import Collection
from seethrough.graph.execute import execute
from seethrough.network import Network
from seethrough.results import Picture

MOST = 10
"""Findings that get evidence, the worst first."""

SHOWN = 8
"""Units that are shown of a finding."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Something to look at.

    Attributes
    ----------
    kind
        ``"kernels"``: ``kernels`` (n, kh, kw, 3) where they read a picture's colours, else (n, kh, kw) of the input that each
        reads most strongly. ``"maps"``: ``maps`` (n, H, W), the units' activations on ``picture``. ``"aliasing"``: ``dense`` (H,
        W), the map before the stride, ``kept`` what the stride keeps of it, ``smooth`` what it would keep of the map without the
        frequencies that it can't hold.
    units
        Which unit each is of.
    arrays
        By name, float32.
    picture
        On which the maps are.
    """

    kind: str
    units: tuple[int, ...]
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    picture: Picture | None = None


def evidence_of(
    net: Network,
    work: Watching,
    collection: Collection,
    found: Sequence[Finding],
    layers: Sequence[LayerHealth],
    watched: Watched,
    typical: int,
) -> dict[int, tuple[Evidence, ...]]:
    """Evidence for the worst findings, by their place among all.

    Parameters
    ----------
    typical
        The number of an image on which strides are shown.
    """
    sites = {site.path: site for site in watched.sites}
    by_path = {layer.path: layer for layer in layers}
    out: dict[int, tuple[Evidence, ...]] = {}
    for k, finding in enumerate(found):
        if len(out) == MOST:
            break
        shown: list[Evidence | None] = []
        if finding.name == "aliasing":
            shown.append(_aliasing(net, work, collection, typical, finding))
        elif finding.name in ("dead", "dominating", "duplicates", "alike_weights", "alike_activations"):
            units = _shown_units(finding)
            shown.append(_kernels(sites[finding.layer], units))
            if finding.name != "dead":
                item = int(by_path[finding.layer].best[units[0]])
                shown.append(_maps(net, work, collection, item, finding.layer, units))
        told = tuple(each for each in shown if each is not None)
        if told:
            out[k] = told
    return out


def _shown_units(finding: Finding) -> tuple[int, ...]:
    """Units that are worth showing: of pairs both, the most alike first."""
    pairs: Any = finding.numbers.get("pairs")
    if not pairs:
        return finding.units[:SHOWN]
    return tuple(dict.fromkeys(int(u) for pair in pairs for u in pair))[:SHOWN]


def _kernels(site: Site, units: Sequence[int]) -> Evidence | None:
    weights = site.weights
    if weights is None or weights.dim() != 4 or max(weights.shape[2:]) < 2:
        return None
    own = weights[list(units)].float().cpu()
    if own.shape[1] == 3:
        return Evidence("kernels", tuple(units), {"kernels": own.permute(0, 2, 3, 1).numpy()})
    strongest = own.square().sum((2, 3)).argmax(1)
    return Evidence("kernels", tuple(units), {"kernels": own[torch.arange(len(own)), strongest].numpy()})


def _maps(
    net: Network, work: Watching, collection: Collection, item: int, layer: str, units: Sequence[int]
) -> Evidence | None:
    picture = collection.picture(item)
    graph, value, tensor = _value(net, work, picture, layer, "sites")
    site = next(s for s in work.watched(graph).sites if s.value == value)
    grid = graph.grids.get(site.value)
    maps = grid.of(tensor) if grid is not None else tensor
    if maps.dim() != 4 or min(maps.shape[2:]) < 2:
        return None
    return Evidence("maps", tuple(units), {"maps": maps[0, list(units)].float().cpu().numpy()}, picture)


def _aliasing(net: Network, work: Watching, collection: Collection, item: int, finding: Finding) -> Evidence | None:
    picture = collection.picture(item)
    graph, value, tensor = _value(net, work, picture, finding.layer, "strides")
    stride = next(s for s in work.watched(graph).strides if s.value == value and s.path == finding.layer)
    unit = int(finding.numbers["worst"])
    dense = stride.dense(tensor)[0, unit].float().cpu()
    down, across = stride.step
    arrays = {"dense": dense, "kept": dense[::down, ::across], "smooth": _smooth(dense, stride)[::down, ::across]}
    return Evidence("aliasing", (unit,), {name: a.numpy() for name, a in arrays.items()}, picture)


def _smooth(dense: Tensor, stride: Stride) -> Tensor:
    """A map without the frequencies that its stride can't keep."""
    power = torch.fft.fftshift(torch.fft.fft2(dense))
    power[lost(dense.shape[0], dense.shape[1], stride.step)] = 0
    return torch.fft.ifft2(torch.fft.ifftshift(power)).real


def _value(net: Network, work: Watching, picture: Picture, layer: str, among: str) -> tuple[Any, int, Tensor]:
    """The graph for one picture, and the value on it that a site gives or a stride reads."""
    prepared = net.prepare([picture.pixels])
    source = net.source_of(prepared)
    graph = source.proved(prepared.batch)
    value = next(each.value for each in getattr(work.watched(graph), among) if each.path == layer)
    return graph, value, execute(graph, source.given(graph, prepared.batch), [value])[value]
