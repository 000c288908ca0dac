"""Findings: what is to be noticed in a layer, as data; few, and each with the units and numbers that it rests on.

The thresholds were settled on trained networks (MobileNets, SqueezeNets, residual networks), so that what training usually leaves
behind isn't called a fault; `benchmarks/findings.py` prints what is found on them, clean and with defects planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seethrough.condition.layer import Floats, LayerHealth, StrideHealth
from seethrough.condition.twins import groups

LEVELS = ("info", "warning", "error")
"""From what is good to know, through what probably costs accuracy or speed, to what can't be meant."""

FEWEST_IMAGES = 24
"""Of fewer images nothing is said about units that never fire: silence on a few pictures is no finding."""

MANY_DEAD = 0.1
MOSTLY_ON, FEWEST_UNITS = 0.5, 8
DOMINATES = 10.0
"""Times the layer's median, of weights or activations; of trained networks none came above 8."""
LOW_RANK, FEWEST_FOR_RANK = 0.25, 16
ALIASES_FIRST = 0.2
"""Share of what a first layer hears that its stride can't keep; trained first layers of stride 2 lie under 0.16."""
ALIASES = 0.5
PATCH = 4
"""Pixels a side from which windows side by side are patches."""
SATURATED, MANY_SATURATED = 0.5, 0.25
HALF_PRECISION = 65504.0
EXPLODES = 1e3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to be noticed.

    Attributes
    ----------
    name
        ``"bad_numbers"``, ``"dead"``, ``"always_on"``, ``"duplicates"``, ``"alike_weights"``, ``"alike_activations"``,
        ``"dominating"``, ``"low_rank"``, ``"aliasing"``, ``"saturation"``, ``"exploding"``, ``"half_precision"``.
    level
        One of `LEVELS`.
    layer
        The layer's path.
    units
        Which of its units; empty where it is about the layer as a whole.
    numbers
        What it rests on.
    weight
        How much of the layer it is about, 0…1: the order among those of one level.
    """

    name: str
    level: str
    layer: str
    units: tuple[int, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "level": self.level,
            "layer": self.layer,
            "units": list(self.units),
            "numbers": dict(self.numbers),
        }


def findings(layers: Sequence[LayerHealth], strides: Sequence[StrideHealth]) -> tuple[Finding, ...]:
    """All findings, the gravest first; among equals the larger, then the earlier."""
    found = [f for layer in layers for look in LOOKS for f in look(layer)]
    found += [f for stride in strides for f in aliasing(stride)]
    found += exploding(layers)
    return tuple(sorted(found, key=lambda f: (-LEVELS.index(f.level), -f.weight)))


def bad_numbers(layer: LayerHealth) -> Iterator[Finding]:
    """NaN and infinities; of several layers the first stands before the others, since it is where they come from."""
    units = np.flatnonzero(layer.bad)
    if len(units):
        numbers = {"values": int(layer.bad.sum()), "units": len(units), "channels": layer.channels}
        yield Finding("bad_numbers", "error", layer.path, _ints(units), numbers, 1.0)


def dead(layer: LayerHealth) -> Iterator[Finding]:
    """Units that say nothing. That n images found a unit silent leaves room for one in n / 3 of such images (the rule of three)."""
    units = np.flatnonzero(layer.dead)
    if not len(units) or layer.images < FEWEST_IMAGES or layer.role == "answer":
        return
    share = len(units) / layer.channels
    numbers = {
        "units": len(units),
        "channels": layer.channels,
        "images": layer.images,
        "may_fire": 3 / layer.images,
        "no_weights": int((layer.weight_rms[units] <= 1e-3 * np.nanmedian(layer.weight_rms)).sum())
        if layer.inputs
        else 0,
        "has_weights": layer.inputs > 0,
        "rectified": bool((layer.largest[units] <= 0).all()),
    }
    yield Finding("dead", "warning" if share >= MANY_DEAD else "info", layer.path, _ints(units), numbers, share)


def always_on(layer: LayerHealth) -> Iterator[Finding]:
    """A layer most of whose rectifiers never close; behind a residual sum they carry what came before, and may."""
    units, living = np.flatnonzero(layer.always_on), int(layer.living.sum())
    if layer.role or layer.channels < FEWEST_UNITS or layer.places == 1 or layer.images < FEWEST_IMAGES:
        return
    if living and len(units) > MOSTLY_ON * living:
        numbers = {"units": len(units), "channels": layer.channels, "images": layer.images}
        yield Finding("always_on", "info", layer.path, _ints(units), numbers, len(units) / layer.channels)


def duplicates(layer: LayerHealth) -> Iterator[Finding]:
    """Units that do the same."""
    if layer.role == "answer":
        return
    for kind, name in (("same", "duplicates"), ("weights", "alike_weights"), ("activations", "alike_activations")):
        pairs = tuple(p for p in layer.pairs if p.kind == kind)
        if not pairs:
            continue
        families = tuple(groups(pairs))
        spare = sum(len(family) - 1 for family in families)
        numbers = {
            "pairs": [[p.first, p.second] for p in pairs],
            "families": len(families),
            "spare": spare,
            "channels": layer.channels,
            "correlation": pairs[0].correlation,
            "cosine": pairs[0].cosine,
        }
        units = tuple(sorted({u for family in families for u in family}))
        yield Finding(
            name, "warning" if name == "duplicates" else "info", layer.path, units, numbers, spare / layer.channels
        )


def dominating(layer: LayerHealth) -> Iterator[Finding]:
    """Units whose weights or values dwarf those of the others."""
    if layer.role == "answer" or layer.channels < FEWEST_UNITS:
        return
    values, weights = _times_median(layer.rms, layer), _times_median(layer.weight_rms, layer)
    if layer.kind == "depthwise convolution":
        weights[:] = 0  # each reads an input of its own, as strong or weak as that is
    units = np.flatnonzero(np.fmax(values, weights) > DOMINATES)
    if len(units):
        numbers = {
            "units": len(units),
            "channels": layer.channels,
            "values": float(values[units].max()),
            "weights": float(weights[units].max()),
        }
        yield Finding(
            "dominating",
            "warning",
            layer.path,
            _ints(units),
            numbers,
            min(1.0, float(np.fmax(values, weights).max()) / 1e3),
        )


def low_rank(layer: LayerHealth) -> Iterator[Finding]:
    """A layer that uses few of the directions that it has."""
    rank = layer.rank
    if rank is None or layer.role == "answer" or rank.possible < FEWEST_FOR_RANK or rank.share > LOW_RANK:
        return
    numbers = {
        "directions": rank.directions,
        "possible": rank.possible,
        "participation": rank.participation,
        "vectors": rank.vectors,
    }
    yield Finding("low_rank", "warning", layer.path, (), numbers, 1 - rank.share)


def saturation(layer: LayerHealth) -> Iterator[Finding]:
    """Units that have come to the end of their activation."""
    units = np.flatnonzero(np.nan_to_num(layer.saturated) > SATURATED)
    if not len(units) or layer.role == "answer":
        return
    share = len(units) / layer.channels
    numbers = {
        "units": len(units),
        "channels": layer.channels,
        "activation": layer.activation,
        "share": float(layer.saturated[units].mean()),
    }
    yield Finding(
        "saturation", "warning" if share >= MANY_SATURATED else "info", layer.path, _ints(units), numbers, share
    )


def half_precision(layer: LayerHealth) -> Iterator[Finding]:
    """Values that 16 bits can't hold."""
    size = np.fmax(np.abs(layer.largest), np.abs(layer.smallest))
    units = np.flatnonzero(size > HALF_PRECISION)
    if len(units):
        yield Finding(
            "half_precision",
            "warning",
            layer.path,
            _ints(units),
            {"largest": float(size.max()), "limit": HALF_PRECISION},
        )


def aliasing(stride: StrideHealth) -> Iterator[Finding]:
    """A stride that throws away much of what the layer hears, or that steps over places which nobody looks at.

    A first layer that cuts the picture into patches side by side is none of these: its units describe a patch, they are no map
    that is thinned out.
    """
    skips = stride.first and stride.skipped > 0
    if stride.first and stride.kind == "convolution" and stride.reach == stride.step and min(stride.step) >= PATCH:
        return
    if stride.whole < (ALIASES_FIRST if stride.first else ALIASES) and not skips:
        return
    numbers = {
        "lost": stride.whole,
        "step": max(stride.step),
        "reach": max(stride.reach),
        "skipped": stride.skipped,
        "first": stride.first,
        "images": stride.images,
        "worst": int(stride.share.argmax()),
        "lost_of_worst": float(stride.share.max()),
    }
    units = _ints(np.flatnonzero(stride.share > ALIASES))
    yield Finding("aliasing", "warning", stride.path, units, numbers, max(stride.whole, stride.skipped if skips else 0))


def exploding(layers: Sequence[LayerHealth]) -> list[Finding]:
    """Layers whose values are a thousand times larger, or smaller, than is usual in this network."""
    sizes = np.array([np.sqrt(np.mean(np.square(layer.rms))) for layer in layers])
    usual = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 0.0
    found = []
    for layer, size in zip(layers, sizes):
        if size > 0 and max(size / usual, usual / size) > EXPLODES:
            numbers = {"rms": float(size), "usual": usual, "large": bool(size > usual)}
            found.append(Finding("exploding", "warning", layer.path, (), numbers, 1.0))
    return found


Look = Callable[[LayerHealth], Iterator[Finding]]

LOOKS: tuple[Look, ...] = (bad_numbers, dead, always_on, duplicates, dominating, low_rank, saturation, half_precision)
"""What is looked for in each layer."""


def _times_median(numbers: Floats, layer: LayerHealth) -> Floats:
    """Each unit's number beside the median of the living ones; 0 for the others."""
    living = layer.living & np.isfinite(numbers)
    median = float(np.median(numbers[living])) if living.any() else 0.0
    return np.where(living, numbers / median, 0.0) if median > 0 else np.zeros(layer.channels)


def _ints(units: np.ndarray) -> tuple[int, ...]:
    return tuple(int(u) for u in units)
