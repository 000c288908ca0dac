"""Statistics of units over many images: how often one fires, how its largest activations are spread, which classes it
prefers.

Rows pass by twice, shard by shard: once for the extremes, once for what needs them. Nothing grows with the number of
images but a few numbers an image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

BINS = 32
"""Bins of a histogram."""

FEWEST = 5
"""A class with fewer images says nothing about a unit's preferences."""

SHUFFLES = 19
"""Times that the classes are dealt out anew: a selectivity larger than in all of them happens by chance in one unit of
20.
"""


@dataclass(frozen=True, eq=False, slots=True)
class Spread:
    """How the largest activations of units lie over the images; each (C,).

    Attributes
    ----------
    fires
        float64: share of the images on which the unit is above 0 at some place.
    strong
        float64: share of the images on which it reaches half of its largest activation; 0 where that is not above 0.
    mean, deviation
        float64, of the largest activation in a picture, over the pictures; in units of the activation.
    smallest, largest
        float32: extremes of the same.
    at_largest
        int64: images that reach the largest; more than one where an activation has a ceiling (ReLU6), and then the best
        images are the first of these.
    counts
        int64 (C, 32): images in bins of equal width from ``smallest`` to ``largest``.
    """

    fires: NDArray[np.float64]
    strong: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    smallest: NDArray[np.float32]
    largest: NDArray[np.float32]
    at_largest: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the histograms, (C, 33)."""
        return np.linspace(self.smallest, self.largest, self.counts.shape[1] + 1, axis=1, dtype=np.float64)

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Units that fire on no image."""
        return self.fires == 0


class Extremes:
    """The first time that rows pass by: extremes, sums, how many fire. What is not a number counts as no image."""

    def __init__(self, channels: int) -> None:
        self.images = np.zeros(channels, np.int64)
        self.fired = np.zeros(channels, np.int64)
        self.sum, self.squares = np.zeros(channels), np.zeros(channels)
        self.smallest = np.full(channels, np.inf, np.float32)
        self.largest = np.full(channels, -np.inf, np.float32)

    def add(self, values: NDArray[np.float32]) -> None:
        """Further images, (n, C)."""
        finite = np.isfinite(values)
        numbers = np.where(finite, values, 0).astype(np.float64)
        self.images += finite.sum(0)
        self.fired += (finite & (values > 0)).sum(0)
        self.sum += numbers.sum(0)
        self.squares += (numbers**2).sum(0)
        self.smallest = np.minimum(self.smallest, np.where(finite, values, np.inf).min(0))
        self.largest = np.maximum(self.largest, np.where(finite, values, -np.inf).max(0))


class Histograms:
    """The second time: bins between the extremes, and how many reach the top."""

    def __init__(self, extremes: Extremes) -> None:
        self.extremes = extremes
        seen = extremes.images > 0
        self.low = np.where(seen, extremes.smallest, 0).astype(np.float64)
        self.high = np.where(seen, extremes.largest, 0).astype(np.float64)
        self.counts = np.zeros((len(self.low), BINS), np.int64)
        self.at_largest, self.strong = np.zeros(len(self.low), np.int64), np.zeros(len(self.low), np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Further images, (n, C)."""
        width = np.where(self.high > self.low, self.high - self.low, 1)
        finite = np.isfinite(values)
        bins = np.clip((np.where(finite, values, 0) - self.low) / width * BINS, 0, BINS - 1).astype(np.int64)
        flat = bins + BINS * np.arange(len(width))
        self.counts += np.bincount(flat[finite], minlength=self.counts.size).reshape(self.counts.shape)
        self.at_largest += (finite & (values == self.extremes.largest)).sum(0)
        self.strong += (finite & (values > 0) & (values >= self.extremes.largest / 2)).sum(0)

    def spread(self) -> Spread:
        """All that is known once every image has passed by."""
        e = self.extremes
        images = np.maximum(e.images, 1)
        mean = e.sum / images
        variance = np.clip(e.squares / images - mean**2, 0, None)
        return Spread(
            fires=e.fired / images,
            strong=self.strong / images,
            mean=mean,
            deviation=np.sqrt(variance),
            smallest=self.low.astype(np.float32),
            largest=self.high.astype(np.float32),
            at_largest=self.at_largest,
            counts=self.counts,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Preferences:
    """Which classes units prefer.

    Attributes
    ----------
    classes
        Names of the classes with at least 5 images, K of them.
    images
        int64 (K,): how many each has.
    means
        float64 (K, C): mean over a class's images of ``max(0, largest activation)``.
    selectivity
        float64 (C,), 0…1: ``(μ_max − μ_rest) / (μ_max + μ_rest)``, μ_max the mean of the class with the largest and
        μ_rest that of the others, each class counting once (Morcos et al., *On the importance of single directions for
        generalization*, 2018; they average the activation over its places, here its maximum is taken, as everywhere for
        units). NaN where fewer than two classes have images enough, or the unit never fires.
    by_chance
        float64 (C,): the largest selectivity in 19 runs with the classes dealt out to the images at random.
    """

    classes: tuple[str, ...]
    images: NDArray[np.int64]
    means: NDArray[np.float64]
    selectivity: NDArray[np.float64]
    by_chance: NDArray[np.float64]

    @property
    def favourite(self) -> NDArray[np.int64]:
        """(C,): the class with the largest mean, by its position in ``classes``."""
        return self.means.argmax(0) if len(self.classes) else np.zeros(self.means.shape[1], np.int64)

    @property
    def selective(self) -> NDArray[np.bool_]:
        """Units that are more selective than chance makes them."""
        return self.selectivity > self.by_chance


class ClassSums:
    """Sums of what fires by class, as the classes are and as they would be by chance.

    Parameters
    ----------
    classes
        Of each image in the collection, by name; None where nobody knows.
    """

    def __init__(self, classes: tuple[str | None, ...], channels: int) -> None:
        names, numbers = _enough(classes)
        chance = np.random.default_rng(0)
        known = np.flatnonzero(numbers >= 0)
        self.names = names
        self.dealt = [numbers]
        for _ in range(SHUFFLES if len(names) > 1 else 0):
            anew = numbers.copy()
            anew[known] = chance.permutation(numbers[known])
            self.dealt.append(anew)
        shape = len(self.dealt), len(names)
        self.sums = np.zeros((*shape, channels), np.float32)
        self.images = np.zeros(shape, np.int64)

    def add(self, items: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Further images: their numbers (n,), largest activations (n, C)."""
        fired = np.nan_to_num(np.maximum(values, 0), posinf=0)
        for i, numbers in enumerate(self.dealt):
            mine = numbers[items]
            rows = np.flatnonzero(mine >= 0)
            shape = len(self.names), len(items)
            member = csr_matrix((np.ones(len(rows), np.float32), (mine[rows], rows)), shape=shape)
            self.sums[i] += member @ fired
            self.images[i] += np.bincount(mine[rows], minlength=len(self.names))

    def preferences(self) -> Preferences:
        """All that is known once every image has passed by."""
        means = self.sums / np.maximum(self.images, 1)[..., None]
        found = [selectivity_of(each) for each in means]
        nothing = np.full(self.sums.shape[2], np.nan)
        by_chance = np.max(found[1:], axis=0) if len(found) > 1 else nothing
        return Preferences(self.names, self.images[0], means[0].astype(np.float64), found[0], by_chance)


def selectivity_of(means: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(μ_max − μ_rest) / (μ_max + μ_rest)`` of means (K, C) ≥ 0; NaN for fewer than two classes, or for a unit that is
    0 for all.
    """
    count, channels = means.shape
    if count < 2:
        return np.full(channels, np.nan)
    top = means.max(0).astype(np.float64)
    rest = (means.sum(0, dtype=np.float64) - top) / (count - 1)
    total = top + rest
    return np.divide(top - rest, total, out=np.full(channels, np.nan), where=total > 0)


def _enough(classes: tuple[str | None, ...]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes with images enough, sorted; and of each image the position of its own in them, −1 for another."""
    counts: dict[str, int] = {}
    for name in classes:
        if name is not None:
            counts[name] = counts.get(name, 0) + 1
    names = tuple(sorted(name for name, number in counts.items() if number >= FEWEST))
    at = {name: i for i, name in enumerate(names)}
    return names, np.array([-1 if name is None else at.get(name, -1) for name in classes], np.int64)
