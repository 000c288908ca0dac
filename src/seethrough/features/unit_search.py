"""Search: which units fire most unusually on a picture, held against how they fire on all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.results import Picture

ROUNDING = 1e-5
"""Relative difference up to which two activations are the same: in another batch a picture's last digits differ."""


@dataclass(frozen=True, slots=True)
class Found:
    """A unit on the picture that was searched with.

    Attributes
    ----------
    layer, channel
        Which unit.
    activation
        Its largest activation on the picture, and ``place`` where, (row, column) on the layer's grid; () where it has
        no places.
    rarer
        Share 0…1 of the images on which it fires as strongly or more strongly: 0 where none does.
    deviations
        By how many standard deviations the activation lies above its mean over the images; infinite where it was the
        same on all.
    """

    layer: str
    channel: int
    activation: float
    place: tuple[int, ...]
    rarer: float
    deviations: float


@dataclass(frozen=True, eq=False)
class UnitSearch:
    """Units by how unusually they fire on a picture, the most unusual first.

    Attributes
    ----------
    picture
        What was searched with.
    found
        The units: the rarest activation first, among equals the one that lies more deviations above its mean.
    images
        How many images they were held against.
    answer, chance
        What the network answers to the picture, and how likely it is; None and NaN where its outputs are no classes.
    """

    picture: Picture
    found: tuple[Found, ...]
    images: int
    answer: str | None
    chance: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "picture": self.picture.name,
            "images": self.images,
            "answer": self.answer,
            "chance": self.chance,
            "found": [{name: getattr(f, name) for name in Found.__slots__} for f in self.found],
        }


def deviations(
    values: NDArray[np.floating], mean: NDArray[np.floating], deviation: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(value − mean) / deviation; where nothing deviates, 0 for the mean itself and ±∞ for anything else."""
    above = np.asarray(values, np.float64) - mean
    flat = np.where(np.abs(above) > ROUNDING * np.abs(mean), np.copysign(np.inf, above), 0.0)
    return np.divide(above, deviation, out=flat, where=deviation > 0)


def ranked(rarer: NDArray[np.floating], unusual: NDArray[np.floating]) -> NDArray[np.intp]:
    """The order from the most unusual: rarest first, then most deviations above, then as they stand."""
    return np.lexsort((-unusual, rarer))
