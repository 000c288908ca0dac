"""Numbers: whether a network's weights are what trained weights are: finite, not all alike, no longer as they were drawn,
of one scale, one type, in one place.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import torch
from torch.nn.parameter import is_lazy

from seethrough.anatomy.checks.initial import as_drawn
from seethrough.anatomy.checks.parts import Part, by_identity, has_data, paths
from seethrough.anatomy.findings import Claim, Finding
from seethrough.anatomy.weights import Weight
from seethrough.models.opened import Opened

FAR = 1000
"""How many times the usual scale of a network's weights a layer's must be to be told."""

FEW = 4
"""Of fewer layers no usual scale is known."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the numbers of one array are spread; ``scale`` is their root mean square, ``nan`` and ``infinite`` count."""

    low: float
    high: float
    scale: float
    nan: int = 0
    infinite: int = 0


@torch.no_grad()
def spread_of(tensor: torch.Tensor) -> Spread:
    """Of an array that has data; two passes over finite numbers."""
    low, high = (float(n) for n in torch.aminmax(tensor))
    if isfinite(low) and isfinite(high):
        wide = torch.float32 if tensor.dtype.itemsize < 4 else None  # squares of half precision overflow
        scale = float(torch.linalg.vector_norm(tensor, dtype=wide)) / sqrt(tensor.numel())
        return Spread(low, high, scale)
    return Spread(low, high, float("nan"), int(tensor.isnan().sum()), int(tensor.isinf().sum()))


def weights_claim(opened: Opened, parts: tuple[Part, ...]) -> Claim:
    """The claim that goes without saying: a network's weights are those of a trained network."""
    tensors = {w.identity: w for p in parts for w in p.parameters}
    found = {"parameters": sum(w.count for w in tensors.values()), "arrays": len(tensors)}
    spreads = {
        w.identity: spread_of(w.tensor) for p in parts for w in (*p.parameters, *p.statistics) if has_data(w.tensor)
    }
    findings = [
        *_missing(parts),
        *_not_finite(parts, spreads),
        *_all_alike(parts, spreads),
        *_untrained(opened, parts, spreads),
        *_far(parts, spreads),
        *_types_and_places(parts),
        *_shared(parts),
    ]
    return Claim("weights", None, found, tuple(findings))


def _missing(parts: Sequence[Part]) -> Iterator[Finding]:
    """Weights that have no shape yet, and weights that have a shape and no data."""
    lazy = tuple(p for p in parts if any(is_lazy(w.tensor) for w in (*p.parameters, *p.statistics)))
    if lazy:
        yield Finding("weights_not_made", "error", paths(lazy))
    empty = tuple(
        p for p in parts if any(w.tensor.is_meta for w in (*p.parameters, *p.statistics) if not is_lazy(w.tensor))
    )
    if empty:
        yield Finding("weights_without_data", "error", paths(empty))


def _not_finite(parts: Sequence[Part], spreads: dict[int, Spread]) -> Iterator[Finding]:
    bad = tuple(p for p in parts if any(s.nan or s.infinite for s in _spreads(p, spreads)))
    if bad:
        found = [s for p in bad for s in _spreads(p, spreads)]
        numbers = {"nan": sum(s.nan for s in found), "infinite": sum(s.infinite for s in found)}
        yield Finding("weights_not_finite", "error", paths(bad), numbers)


def _all_alike(parts: Sequence[Part], spreads: dict[int, Spread]) -> Iterator[Finding]:
    """Kernels and matrices of one number; a bias of zeros or a scale of ones is how many begin, and some stay."""
    zero = tuple(p for p in parts if any(s.low == s.high == 0 for s in _spreads(p, spreads, kernels=True)))
    if zero:
        yield Finding("weights_zero", "warning", paths(zero))
    constant = tuple(p for p in parts if any(s.low == s.high != 0 for s in _spreads(p, spreads, kernels=True)))
    if constant:
        value = next(s.low for s in _spreads(constant[0], spreads, kernels=True) if s.low == s.high != 0)
        yield Finding("weights_constant", "warning", paths(constant), {"value": value})


def _untrained(opened: Opened, parts: Sequence[Part], spreads: dict[int, Spread]) -> Iterator[Finding]:
    """Weights that still are as a framework draws them, and running statistics that never ran."""
    if opened.weights == "random":
        yield Finding("weights_random", "warning")
        return
    judged = {p.path: drawn for p in parts if (drawn := as_drawn(p, opened.framework)) is not None}
    drawn = tuple(path for path, still in judged.items() if still)
    normed = tuple(p for p in parts if _running(p))
    untouched = tuple(p for p in normed if _never_ran(p))
    if drawn and len(drawn) == len(judged) and len(untouched) == len(normed):
        yield Finding("weights_all_as_drawn", "warning", drawn, {"normalisations": len(normed)})
        return
    if drawn:
        yield Finding("weights_as_drawn", "warning", drawn, {"judged": len(judged)})
    if untouched:
        yield Finding("statistics_untouched", "warning", paths(untouched), {"all": len(normed)})


def _running(part: Part) -> tuple[torch.Tensor, torch.Tensor] | None:
    """A batch normalisation's running mean and variance."""
    named = {w.name: w.tensor for w in part.statistics if has_data(w.tensor)}
    for mean, variance in (("running_mean", "running_var"), ("moving_mean", "moving_variance")):
        if mean in named and variance in named:
            return named[mean], named[variance]
    return None


def _never_ran(part: Part) -> bool:
    running = _running(part)
    return running is not None and bool((running[0] == 0).all()) and bool((running[1] == 1).all())


def _far(parts: Sequence[Part], spreads: dict[int, Spread]) -> Iterator[Finding]:
    """Layers whose numbers are a thousand times larger or smaller than is usual in this network."""
    scales = {
        p.path: max((s.scale for s in _spreads(p, spreads, kernels=True) if isfinite(s.scale)), default=0.0)
        for p in parts
    }
    scales = {path: scale for path, scale in scales.items() if scale}
    if len(scales) < FEW:
        return
    usual = statistics.median(scales.values())
    for name, far in (("weights_huge", lambda s: s >= FAR * usual), ("weights_tiny", lambda s: s * FAR <= usual)):
        found = {path: scale for path, scale in scales.items() if far(scale)}
        if found:
            furthest = max(found.values()) if name == "weights_huge" else min(found.values())
            yield Finding(name, "warning", tuple(found), {"times": furthest / usual, "usual": usual})


def _types_and_places(parts: Sequence[Part]) -> Iterator[Finding]:
    weights = [(p, w) for p in parts for w in (*p.parameters, *p.statistics) if not is_lazy(w.tensor)]
    floating = [(p, w.dtype) for p, w in weights if w.tensor.is_floating_point()]
    yield from _fewest(floating, "types_mixed", "types")
    yield from _fewest([(p, str(w.tensor.device)) for p, w in weights], "devices_several", "devices")


def _fewest(found: Sequence[tuple[Part, str]], name: str, what: str) -> Iterator[Finding]:
    """What is of more than one sort, with the layers that aren't of the commonest."""
    counts = {sort: sum(s == sort for _, s in found) for _, sort in found}
    if len(counts) > 1:
        common = max(counts, key=lambda sort: counts[sort])
        other = dict.fromkeys(p.path for p, sort in found if sort != common)
        yield Finding(name, "warning", tuple(other), {what: ", ".join(counts), "common": common})


def _shared(parts: Sequence[Part]) -> Iterator[Finding]:
    groups = [holders for holders in by_identity(parts).values() if len({p.path for p, _ in holders}) > 1]
    if groups:
        layers = dict.fromkeys(p.path for holders in groups for p, _ in holders)
        yield Finding("weights_shared", "info", tuple(layers), {"parameters": sum(h[0][1].count for h in groups)})


def _spreads(part: Part, spreads: dict[int, Spread], *, kernels: bool = False) -> Iterable[Spread]:
    """Of a part's arrays; of its kernels and matrices alone."""
    weights = filter(_is_kernel, part.parameters) if kernels else (*part.parameters, *part.statistics)
    return [spreads[w.identity] for w in weights if w.identity in spreads]


def _is_kernel(weight: Weight) -> bool:
    """A kernel or matrix, as the frameworks call it; tokens, positions and attention's biases may well begin at 0."""
    return len(weight.shape or ()) > 1 and weight.name.rpartition("_")[2] in ("weight", "kernel", "embeddings")
