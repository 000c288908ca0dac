"""Layers and strides as they were measured: the numbers that findings are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.condition.rank import Rank

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two units of a layer that are much alike.

    ``correlation`` is that of their activations over places and images, ``cosine`` that of their weights; NaN where there is
    none to be had.
    """

    first: int
    second: int
    correlation: float
    cosine: float

    @property
    def kind(self) -> str:
        """``"same"`` (weights and activations), ``"weights"`` or ``"activations"`` alone."""
        from seethrough.condition.twins import ALIKE

        weights, activations = self.cosine > ALIKE, self.correlation > ALIKE
        return "same" if weights and activations else "weights" if weights else "activations"


@dataclass(frozen=True, eq=False)
class LayerHealth:
    """One layer over all images; arrays have a number a unit, (C,).

    Attributes
    ----------
    path, kind, activation, role, inputs
        As of `seethrough.condition.sites.Site`; ``inputs`` are the numbers that a unit reads at once, 0 for an activation
        alone.
    images, places
        Images, and places of one.
    frequency
        Share of the places of all images at which a unit is above 0.
    reach
        Share of the images in which it is anywhere.
    largest, smallest, mean, rms
        Of a unit's values, in its own units.
    weight_rms
        Root mean square of its weights, times what normalisation makes of them; NaN for an activation alone.
    bad
        Values that are no finite numbers.
    dead, always_on
        Units that never change on these images, or (rectified) are never above 0; rectified units that are above 0 nearly
        everywhere.
    saturated
        Share of the places at which the activation has come to an end; NaN where it has no ends.
    selectivity
        (μ_best − μ_rest) / (μ_best + μ_rest) over the means of each class, 0…1; NaN where classes aren't known well enough.
    best
        Number of the image with the unit's largest value.
    pairs
        Units much alike, the most alike first.
    rank
        How many directions the layer uses; None where there are too few vectors to tell.
    """

    path: str
    kind: str
    activation: str | None
    role: str
    inputs: int
    images: int
    places: int
    frequency: Floats
    reach: Floats
    largest: Floats
    smallest: Floats
    mean: Floats
    rms: Floats
    weight_rms: Floats
    bad: NDArray[np.int64]
    dead: Bools
    always_on: Bools
    saturated: Floats
    selectivity: Floats
    best: NDArray[np.int64]
    pairs: tuple[Pair, ...] = ()
    rank: Rank | None = None

    @property
    def channels(self) -> int:
        """How many units."""
        return len(self.mean)

    @property
    def living(self) -> Bools:
        """Units that aren't dead and whose values are numbers."""
        return ~self.dead & (self.bad == 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: what holds for the layer; its arrays are for ``.npz``."""
        return {
            "path": self.path,
            "kind": self.kind,
            "activation": self.activation,
            "role": self.role,
            "channels": self.channels,
            "places": self.places,
            "dead": np.flatnonzero(self.dead).tolist(),
            "always_on": np.flatnonzero(self.always_on).tolist(),
            "alike": [[p.first, p.second, p.correlation, p.cosine] for p in self.pairs],
            "rank": None if self.rank is None else self.rank.to_dict(),
            "saturated": _mean(self.saturated),
            "selectivity": _mean(self.selectivity),
            "mean_frequency": _mean(self.frequency),
            "rms": float(np.sqrt(np.mean(np.square(self.rms)))),
            "largest": float(self.largest.max()),
        }

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every array by name."""
        for name in _ARRAYS:
            yield name, getattr(self, name)


_ARRAYS = (
    "frequency", "reach", "largest", "smallest", "mean", "rms", "weight_rms", "bad", "dead", "always_on", "saturated",
    "selectivity", "best",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class StrideHealth:
    """One stride over some of the images.

    Attributes
    ----------
    path, kind, step, reach, first
        As of `seethrough.condition.strides.Stride`.
    share
        Share of each channel's power that the stride can't keep, (C,).
    whole
        The same of all channels together: loud ones count for more.
    spectrum
        Mean power by frequency, (33, 33), of channels that each sum to 1; down and across from −½ to ½ cycles a place.
    images
        On how many images.
    before
        How many of the layers begin before it.
    """

    path: str
    kind: str
    step: tuple[int, int]
    reach: tuple[int, int]
    first: bool
    share: Floats = field(repr=False)
    whole: float
    spectrum: Floats = field(repr=False)
    images: int
    before: int = 0

    @property
    def skipped(self) -> float:
        """Share of the places that no window reaches."""
        seen = [min(1.0, r / s) for r, s in zip(self.reach, self.step)]
        return 1 - seen[0] * seen[1]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "path": self.path,
            "kind": self.kind,
            "step": list(self.step),
            "reach": list(self.reach),
            "first": self.first,
            "lost": self.whole,
            "lost_of_each": self.share.tolist(),
            "skipped": self.skipped,
            "images": self.images,
        }


def tallies_of(whole: Mapping[str, np.ndarray], head: str) -> dict[str, np.ndarray]:
    """The tallies of one site or stride, by their own names."""
    return {name.removeprefix(f"{head}."): a for name, a in whole.items() if name.startswith(f"{head}.")}


def _mean(numbers: Floats) -> float | None:
    known = numbers[np.isfinite(numbers)]
    return float(known.mean()) if known.size else None
