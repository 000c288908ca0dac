"""From tallies to the health of each layer and stride."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from seethrough.condition.layer import Bools, Floats, LayerHealth, StrideHealth, tallies_of
from seethrough.condition.rank import rank_of
from seethrough.condition.selectivity import selectivity
from seethrough.condition.sites import Site
from seethrough.condition.strides import Stride
from seethrough.condition.twins import twins
from seethrough.condition.watch import ENDS, Watched

NEARLY_ALWAYS = 0.999
"""Share of places from which a unit counts as always on."""

STILL = 1e-6
"""A unit's range, beside the layer's median one, under which it doesn't change."""

Tallies = Mapping[str, np.ndarray]


def layers_of(watched: Watched, whole: Tallies) -> tuple[LayerHealth, ...]:
    """Every layer, in the network's order."""
    return tuple(_layer(site, tallies_of(whole, f"site{k}")) for k, site in enumerate(watched.sites))


def strides_of(watched: Watched, whole: Tallies) -> tuple[StrideHealth, ...]:
    """Every stride whose maps are large enough for a spectrum, in the network's order."""
    found = ((stride, tallies_of(whole, f"stride{k}")) for k, stride in enumerate(watched.strides))
    return tuple(
        replace(_stride(stride, t), before=sum(site.position < stride.position for site in watched.sites))
        for stride, t in found
        if t
    )


def _layer(site: Site, t: Tallies) -> LayerHealth:
    places = t["places"].item()
    numbers = np.maximum(places - t["bad"], 1)
    dead = _dead(site, t)
    usable = ~dead & (t["bad"] == 0)
    vectors, of = t["sample"], t["of"]
    units = len(dead)
    inputs = 0 if site.weights is None else site.weights[0].numel()
    bounded = site.activation is None and inputs > 0 and site.kind != "depthwise convolution"
    possible = min(int(usable.sum()), inputs) if bounded else int(usable.sum())
    return LayerHealth(
        path=site.path,
        kind=site.kind,
        activation=site.activation,
        role=site.role,
        inputs=inputs,
        images=t["images"].item(),
        places=places // t["images"].item(),
        frequency=t["on"] / numbers,
        reach=t["fired"] / t["images"].item(),
        largest=t["largest"].astype(np.float64),
        smallest=t["smallest"].astype(np.float64),
        mean=t["sum"] / numbers,
        rms=np.sqrt(t["squares"] / numbers),
        weight_rms=_weight_rms(site, units),
        bad=t["bad"],
        dead=dead,
        always_on=(t["on"] >= NEARLY_ALWAYS * numbers) & usable & site.rectified,
        saturated=(t["low"] + t["high"]) / numbers if site.activation in ENDS else np.full(units, np.nan),
        selectivity=selectivity({n: a for n, a in t.items() if n.startswith("class")}, units),
        best=t["best"],
        pairs=twins(vectors, of, site.weights if site.comparable else None, usable, site.groups),
        rank=rank_of(vectors[:, usable], possible),
    )


def _dead(site: Site, t: Tallies) -> Bools:
    """Units that never change, and rectified ones that are never above 0."""
    span = t["largest"].astype(np.float64) - t["smallest"]
    dead = span <= STILL * np.median(span)
    if site.rectified:
        dead |= t["largest"] <= 0
    return dead & (t["bad"] == 0)


def _weight_rms(site: Site, units: int) -> Floats:
    if site.weights is None:
        return np.full(units, np.nan)
    rms = site.weights.cpu().flatten(1).double().square().mean(1).sqrt()
    return (rms if site.scale is None else rms * site.scale.cpu().double().abs()).numpy()


def _stride(stride: Stride, t: Tallies) -> StrideHealth:
    total, gone = t["total"], t["lost"]
    return StrideHealth(
        path=stride.path,
        kind=stride.kind,
        step=stride.step,
        reach=stride.reach,
        first=stride.first,
        share=np.divide(gone, total, out=np.zeros_like(gone), where=total > 0),
        whole=float(gone.sum() / total.sum()) if total.sum() > 0 else 0.0,
        spectrum=t["spectrum"] / t["images"].item(),
        images=t["images"].item(),
    )
