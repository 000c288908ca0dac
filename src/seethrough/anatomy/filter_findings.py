"""What is to be noticed in a layer's filters, as data: `seethrough.show.filters_words` has the sentences.

Only what means something for such kernels is looked for: sizes and angles are compared among filters that read the same channels,
since nothing says how large the channels themselves are; a checkerboard needs more than one slice of nine numbers; and in few
dimensions even random kernels are near each other, so that there they must be nearer to count as alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import betaincinv

from seethrough.anatomy.filter_composed import Composed
from seethrough.anatomy.filter_measures import Measures, cosines, has_frequencies, members_of, structure
from seethrough.anatomy.kernels import Kernels

DEAD = 1e-3
"""A filter under this share of the median size is dead: beside the others its output is next to constant."""

ALIKE = 0.95
"""Two filters whose cosine is over this are near-duplicates."""

BY_CHANCE = 0.01
"""At most so many pairs of a group may be expected to look alike, and so many filters to alternate, where kernels point anywhere."""

DOMINATING = 10.0
"""A filter over this many times the median size dominates (Zeiler and Fergus clipped the RMS of first-layer filters)."""

ENOUGH = 5
"""Fewer filters have no median to speak of."""

ALTERNATING = 0.5
"""A kernel more than half of whose energy is a checkerboard alternates (see `alternating_from`)."""

COARSE = 4
"""Strides from here on lose most of what a first layer looks at; Zeiler and Fergus went from 4 to 2."""

GAP = 0.1
"""Under this share of energy on average, a first layer has next to nothing at middle frequencies; white noise has 15 %."""

STANDARD_ERRORS, ENOUGH_WEIGHTS = 3.0, 200
"""Kernels within so many standard errors of random ones, in each way, look like such; fewer weights can't tell."""

UNEVEN = 0.1
"""A transposed convolution with more than this share of pattern paints it visibly."""


@dataclass(frozen=True, slots=True)
class FilterFinding:
    """One thing to be noticed in the filters of a layer.

    Attributes
    ----------
    name
        ``"dead"``, ``"duplicate"``, ``"dominating"``, ``"uneven_overlap"``, ``"uneven"``, ``"not_finite"``, ``"aliasing"`` (all
        warnings); ``"opposite"``, ``"checkerboard"``, ``"no_middle"``, ``"unfed"``, ``"unstructured"`` (good to know).
    level
        ``"warning"`` or ``"info"``.
    layer
        The kernels' path.
    filters
        Which filters.
    groups
        The filters group by group where they belong together.
    numbers
        What it is read from.
    sure
        ``"certain"`` where the weights alone settle it, ``"likely"`` where it also depends on what the layer is given.
    """

    name: str
    level: str
    layer: str
    filters: tuple[int, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    sure: str = "likely"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "level": self.level,
            "layer": self.layer,
            "filters": list(self.filters),
            "groups": [list(group) for group in self.groups],
            "numbers": dict(self.numbers),
            "sure": self.sure,
        }


def findings_of(kernels: Kernels, measures: Measures, composed: Composed | None = None) -> tuple[FilterFinding, ...]:
    """All that is to be noticed in a layer's filters, warnings first."""
    found = [
        finding
        for look in (
            not_finite,
            dead,
            duplicates,
            dominating,
            overlap,
            unevenly_painted,
            aliasing,
            checkerboards,
            no_middle,
            unstructured,
        )
        for finding in look(kernels, measures)
    ]
    found += unfed(kernels, measures, composed)
    return tuple(sorted(found, key=lambda one: one.level != "warning"))


def is_dead(measures: Measures) -> NDArray[np.bool_]:
    """bool (K,): nothing but zeros, or next to nothing beside the others."""
    return (measures.size == 0) | (measures.relative < DEAD)


def not_finite(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Weights that are no numbers."""
    broken = np.flatnonzero(~np.isfinite(measures.size))
    if len(broken):
        yield FilterFinding("not_finite", "warning", kernels.path, _numbered(broken), sure="certain")


def dead(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Filters of zeros, and of next to nothing."""
    gone = np.flatnonzero(is_dead(measures))
    if not len(gone):
        return
    zeros = int((measures.rms[gone] == 0).sum())
    numbers = {"zeros": zeros, "largest": _largest(measures.relative[gone]), "normalised": kernels.gain is not None}
    sure = "certain" if zeros == len(gone) else "likely"
    yield FilterFinding("dead", "warning", kernels.path, _numbered(gone), numbers=numbers, sure=sure)


def duplicates(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Groups of filters that point the same way, and pairs that point opposite ways."""
    if not kernels.shared:
        return
    living = ~is_dead(measures) & np.isfinite(measures.size)
    groups: list[tuple[int, ...]] = []
    pairs: list[tuple[int, ...]] = []
    least: list[float] = []
    threshold = ALIKE
    for members in members_of(kernels.group):
        members = members[living[members]]
        threshold = alike_from(len(members), prod(kernels.weights.shape[1:]))
        if len(members) < 2 or threshold >= 1:
            continue
        angles = cosines(kernels.weights[members].astype(np.float64))
        for group in _groups(angles, threshold):
            groups.append(_numbered(members[group]))
            least.append(float(angles[np.ix_(group, group)].min()))
        rows, columns = np.nonzero(np.triu(angles < -threshold))
        pairs += [(int(members[a]), int(members[b])) for a, b in zip(rows, columns)]
    numbers = {"threshold": float(threshold)}
    if groups:
        flat = tuple(sorted(k for group in groups for k in group))
        redundant = len(flat) - len(groups)
        yield FilterFinding(
            "duplicate", "warning", kernels.path, flat, tuple(groups),
            {**numbers, "redundant": redundant, "cosines": least},
        )  # fmt: skip
    if pairs:
        flat = tuple(sorted({k for pair in pairs for k in pair}))
        yield FilterFinding("opposite", "info", kernels.path, flat, tuple(pairs), numbers, sure="certain")


def alike_from(count: int, dimensions: int) -> float:
    """The cosine from which on two of some filters count as alike: `ALIKE`, or more where `BY_CHANCE` asks for it.

    Of directions drawn at random in d dimensions, 1 − cosine² follows the beta distribution with (d − 1) / 2 and 1 / 2; 1 where there
    is one dimension only.
    """
    if dimensions < 2 or count < 2:
        return 1.0
    share = min(1.0, BY_CHANCE / (count * (count - 1) / 2))
    return max(ALIKE, float(np.sqrt(1 - betaincinv((dimensions - 1) / 2, 0.5, share))))


def dominating(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Filters far larger than the others that read the same channels."""
    if kernels.count // kernels.groups < ENOUGH:
        return
    large = np.flatnonzero(measures.relative > DOMINATING)
    if len(large):
        numbers = {
            "relative": [float(r) for r in measures.relative[large]],
            "normalised": kernels.gain is not None,
            "times": DOMINATING,
        }
        yield FilterFinding("dominating", "warning", kernels.path, _numbered(large), numbers=numbers)


def unfed(kernels: Kernels, measures: Measures, composed: Composed | None) -> Iterator[FilterFinding]:
    """Filters with weights that only read channels which nothing of the picture reaches, as dead filters below leave them."""
    if composed is None:
        return
    idle = (composed.reaching < DEAD * np.median(composed.reaching)) & ~is_dead(measures)
    if idle.any():
        yield FilterFinding("unfed", "info", kernels.path, _numbered(np.flatnonzero(idle)), sure="certain")


def overlap(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """A transposed convolution whose kernel isn't a whole number of strides paints some places more often than others."""
    uneven = any(places % step for places, step in zip(kernels.places, kernels.stride))
    if kernels.form == "transposed" and max(kernels.stride) > 1 and uneven:
        numbers = {
            "kernel": list(kernels.places),
            "stride": list(kernels.stride),
            "unevenness": _mean(measures.unevenness),
        }
        yield FilterFinding("uneven_overlap", "warning", kernels.path, numbers=numbers, sure="certain")


def unevenly_painted(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Filters of a transposed convolution that paint a pattern although their overlaps are even."""
    even = all(places % step == 0 for places, step in zip(kernels.places, kernels.stride))
    overlapping = any(places > step for places, step in zip(kernels.places, kernels.stride))
    if kernels.form != "transposed" or not even or not overlapping:
        return
    found = np.flatnonzero(measures.unevenness > UNEVEN)
    if len(found):
        numbers = {"unevenness": _mean(measures.unevenness[found])}
        yield FilterFinding("uneven", "info", kernels.path, _numbered(found), numbers=numbers)


def aliasing(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """A first layer that steps so far that most of what its kernels look at can't be told from something coarser."""
    patches = kernels.places == kernels.stride  # a transformer's, which lose nothing
    share = _mean(measures.beyond)
    if kernels.source.picture and not patches and max(kernels.stride) >= COARSE and share > 0.5:
        numbers = {"stride": list(kernels.stride), "kernel": list(kernels.places), "beyond": share}
        yield FilterFinding("aliasing", "warning", kernels.path, numbers=numbers)


def checkerboards(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Kernels that alternate from place to place."""
    if kernels.form in ("depthwise", "transposed"):
        return
    threshold = alternating_from(kernels.count, kernels.weights.shape[1], prod(kernels.places))
    found = np.flatnonzero((measures.checkerboard > threshold) & ~is_dead(measures))
    if len(found):
        numbers = {"share": [float(s) for s in measures.checkerboard[found]]}
        yield FilterFinding("checkerboard", "info", kernels.path, _numbered(found), numbers=numbers, sure="certain")


def alternating_from(count: int, slices: int, places: int) -> float:
    """The share of a checkerboard from which on a filter alternates: `ALTERNATING`, or more where of some random filters more than
    `BY_CHANCE` would.

    Of a random direction, its share in one of n dimensions a slice follows the beta distribution with C / 2 and C · (n − 1) / 2.
    """
    if places < 2:
        return 1.0
    return max(ALTERNATING, float(betaincinv(slices / 2, slices * (places - 1) / 2, 1 - min(1.0, BY_CHANCE / count))))


def no_middle(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """A first layer of very coarse and very fine kernels with little between, as Zeiler and Fergus saw in AlexNet's."""
    if (
        not kernels.source.picture
        or min(kernels.places) < ENOUGH
        or kernels.count < ENOUGH
        or np.isnan(measures.bands).all()
    ):
        return
    low, middle, high = (float(share) for share in np.nanmean(measures.bands, axis=0))
    if middle < GAP:
        yield FilterFinding("no_middle", "info", kernels.path, numbers={"low": low, "middle": middle, "high": high})


def unstructured(kernels: Kernels, measures: Measures) -> Iterator[FilterFinding]:
    """Kernels on a picture that nothing tells from random ones: neither do neighbouring weights go together, nor colours.

    Pictures are smooth, and so are the kernels of all that was trained on them for long.
    """
    on_picture = kernels.source.picture and (kernels.in_colour or kernels.weights.shape[1] == 1)
    if not on_picture or not has_frequencies(kernels) or kernels.weights.size < ENOUGH_WEIGHTS:
        return
    places, colours = structure(kernels.weights.astype(np.float64))
    if max(abs(places), abs(colours)) < STANDARD_ERRORS and not is_dead(measures).all():
        numbers = {"places": places, "colours": colours, "within": STANDARD_ERRORS}
        yield FilterFinding("unstructured", "info", kernels.path, numbers=numbers)


def _groups(angles: NDArray[np.float64], threshold: float) -> Iterator[NDArray[np.int64]]:
    """Groups of two and more in which any two are nearer than a cosine (complete linkage)."""
    near = np.triu(angles > threshold, 1)
    count, label = connected_components(coo_array(near), directed=False)
    sizes = np.bincount(label, minlength=count)
    for one in np.flatnonzero(sizes > 1):
        members = np.flatnonzero(label == one)
        apart = 1 - angles[np.ix_(members, members)]
        tree = linkage(apart[np.triu_indices(len(members), 1)], "complete")
        part = fcluster(tree, 1 - threshold, "distance")
        yield from (group for k in np.unique(part) if len(group := members[part == k]) > 1)


def _numbered(filters: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(k) for k in filters)


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
