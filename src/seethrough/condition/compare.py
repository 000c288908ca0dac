"""Compare: two networks over the same images, layer beside layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seethrough.condition.findings import Finding
from seethrough.condition.layer import LayerHealth, StrideHealth

MEASURES = ("dead", "always_on", "alike", "rank", "saturated", "selectivity", "frequency", "rms")
"""What is compared of each layer, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A layer of one network beside that of the other; ``first`` and ``second`` are their numbers by `MEASURES`, NaN where
    there is none.
    """

    layer: str
    other: str
    first: tuple[float, ...]
    second: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two networks.

    Attributes
    ----------
    matched
        Layers beside each other, in the first network's order.
    alone, other_alone
        Layers that have no counterpart.
    gone, new
        Findings of the first that the second doesn't have, and the other way.
    """

    matched: tuple[Matched, ...]
    alone: tuple[str, ...]
    other_alone: tuple[str, ...]
    gone: tuple[Finding, ...]
    new: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "matched": [
                {
                    "layer": m.layer,
                    "other": m.other,
                    "first": dict(zip(MEASURES, m.first)),
                    "second": dict(zip(MEASURES, m.second)),
                }
                for m in self.matched
            ],
            "alone": list(self.alone),
            "other_alone": list(self.other_alone),
            "gone": [f.to_dict() for f in self.gone],
            "new": [f.to_dict() for f in self.new],
        }


def compare(
    layers: Sequence[LayerHealth],
    others: Sequence[LayerHealth],
    findings: Sequence[Finding],
    other_findings: Sequence[Finding],
    strides: Sequence[StrideHealth] = (),
    other_strides: Sequence[StrideHealth] = (),
) -> Comparison:
    """Match layers by path, the rest by their order where kinds and units agree; then compare numbers and findings."""
    pairs = matching(layers, others)
    names = {layers[i].path: others[j].path for i, j in pairs}
    names |= {a.path: b.path for a, b in zip(strides, other_strides) if a.path not in names and a.kind == b.kind}
    taken = {j for _, j in pairs}
    return Comparison(
        matched=tuple(
            Matched(layers[i].path, others[j].path, measures(layers[i]), measures(others[j])) for i, j in pairs
        ),
        alone=tuple(layer.path for i, layer in enumerate(layers) if i not in {i for i, _ in pairs}),
        other_alone=tuple(layer.path for j, layer in enumerate(others) if j not in taken),
        gone=_without(findings, other_findings, names),
        new=_without(other_findings, findings, {b: a for a, b in names.items()}),
    )


def matching(layers: Sequence[LayerHealth], others: Sequence[LayerHealth]) -> list[tuple[int, int]]:
    """Which layer stands beside which, by their numbers."""
    by_path = {other.path: j for j, other in enumerate(others)}
    pairs = {i: by_path[layer.path] for i, layer in enumerate(layers) if layer.path in by_path}
    start = 0
    for i, layer in enumerate(layers):
        if i in pairs:
            start = max(start, pairs[i] + 1)
            continue
        form = (layer.kind, layer.channels, layer.inputs)
        free = (
            j
            for j in range(start, len(others))
            if j not in pairs.values() and (others[j].kind, others[j].channels, others[j].inputs) == form
        )
        j = next(free, None)
        if j is not None:
            pairs[i], start = j, j + 1
    return sorted(pairs.items())


def measures(layer: LayerHealth) -> tuple[float, ...]:
    """A layer's numbers by `MEASURES`: shares of its units, of its directions and of its places, and its values' size."""
    spare = {p.second for p in layer.pairs if p.kind == "same"}
    return (
        float(layer.dead.mean()),
        float(layer.always_on.mean()),
        len(spare) / layer.channels,
        np.nan if layer.rank is None else layer.rank.share,
        _mean(layer.saturated),
        _mean(layer.selectivity),
        _mean(layer.frequency),
        float(np.sqrt(np.mean(np.square(layer.rms)))),
    )


def _without(findings: Sequence[Finding], others: Sequence[Finding], names: dict[str, str]) -> tuple[Finding, ...]:
    """Findings, or those of their units, that the other network doesn't have."""
    known = {(f.name, f.layer): set(f.units) for f in others}
    left = []
    for finding in findings:
        units = known.get((finding.name, names.get(finding.layer, finding.layer)))
        if units is None or (finding.units and not set(finding.units) & units):
            left.append(finding)
    return tuple(left)


def _mean(numbers: np.ndarray) -> float:
    known = numbers[np.isfinite(numbers)]
    return float(known.mean()) if known.size else np.nan
