"""From the rows of many images to what is known of each unit: two passes over the shards, one of them in memory at a
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.features.unit_best import NOBODY, Best
from seethrough.features.unit_layers import UnitLayer
from seethrough.features.unit_statistics import ClassSums, Extremes, Histograms, Preferences, Spread
from seethrough.features.unit_work import UNKNOWN, named
from seethrough.jobs import Results
from seethrough.jobs.work import Arrays


@dataclass(frozen=True, eq=False, slots=True)
class LayerUnits:
    """The units of one layer.

    Attributes
    ----------
    layer
        The layer: its path, places, receptive field.
    channels
        int64 (C,): which channels of it; in all that follows a unit stands where its channel stands here.
    best
        The images on which the largest activation over the places was largest, with the place.
    relevant
        Those on which its relevance (activation × gradient of the target, summed over the places) was largest, with the
        place where most of it lies; None where it wasn't asked for.
    spread
        How the largest activations lie over all images.
    preferences
        Which classes the units prefer.
    """

    layer: UnitLayer
    channels: NDArray[np.int64]
    best: Best
    relevant: Best | None
    spread: Spread
    preferences: Preferences

    @property
    def path(self) -> str:
        """The layer's path."""
        return self.layer.path

    def __len__(self) -> int:
        return len(self.channels)

    def row(self, channel: int) -> int:
        """Where a channel stands.

        Raises
        ------
        KeyError
            Where it isn't among these.
        """
        found = np.flatnonzero(self.channels == channel)
        if not len(found):
            raise KeyError(channel)
        return int(found[0])

    def to_dict(self, collection: Collection) -> dict[str, Any]:
        """Plain data for JSON: the layer, and of each unit its numbers and its best images by name."""
        return {**self.layer.to_dict(), "units": [self._unit(row, collection) for row in range(len(self))]}

    def _unit(self, row: int, collection: Collection) -> dict[str, Any]:
        spread, preferences = self.spread, self.preferences
        return {
            "channel": int(self.channels[row]),
            "fires": float(spread.fires[row]),
            "strong": float(spread.strong[row]),
            "mean": float(spread.mean[row]),
            "deviation": float(spread.deviation[row]),
            "largest": float(spread.largest[row]),
            "at_largest": int(spread.at_largest[row]),
            "histogram": {"edges": spread.edges[row].tolist(), "counts": spread.counts[row].tolist()},
            "selectivity": float(preferences.selectivity[row]),
            "selectivity_by_chance": float(preferences.by_chance[row]),
            "favourite": preferences.classes[preferences.favourite[row]] if preferences.classes else None,
            "best": _named(self.best, row, collection),
            "relevant": None if self.relevant is None else _named(self.relevant, row, collection),
        }


def _named(best: Best, row: int, collection: Collection) -> list[dict[str, Any]]:
    return [
        {"item": int(item), "name": collection[item].name, "value": float(value), "place": int(place)}
        for item, value, place in zip(best.items[row], best.values[row], best.places[row])
        if item != NOBODY
    ]


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What the network answered to each image of the collection.

    ``indices`` int64 (N,), −1 where nobody knows: an image that was passed by, outputs that are no classes; ``chances``
    float32 (N,), NaN likewise.
    """

    indices: NDArray[np.int64]
    chances: NDArray[np.float32]


def answers_of(results: Results) -> Answers:
    """The answers to all images."""
    number = len(results.collection)
    indices, chances = np.full(number, UNKNOWN, np.int64), np.full(number, np.nan, np.float32)
    for items, arrays in results.shards():
        if len(items):
            indices[items], chances[items] = arrays["answer"], arrays["chance"]
    return Answers(indices, chances)


def tally(
    results: Results,
    layers: Sequence[UnitLayer],
    channels: Sequence[int] | None,
    *,
    top: int,
    relevance: bool,
    classes: tuple[str | None, ...],
) -> tuple[LayerUnits, ...]:
    """All that is known of the units of some layers.

    Parameters
    ----------
    top
        Best images that are kept of each unit.
    classes
        Of each image in the collection, by name.
    """
    tallies = [_Tally(i, layer, channels, top, relevance) for i, layer in enumerate(layers)]
    for items, arrays in results.shards():
        if len(items):
            for each in tallies:
                each.first(items, arrays)
    for each in tallies:
        each.turn(classes)
    for items, arrays in results.shards():
        if len(items):
            for each in tallies:
                each.second(items, arrays)
    return tuple(each.units() for each in tallies)


class _Tally:
    """One layer's units while the rows pass by."""

    def __init__(
        self, number: int, layer: UnitLayer, channels: Sequence[int] | None, top: int, relevance: bool
    ) -> None:
        self.number, self.layer = number, layer
        self.channels = np.arange(layer.channels) if channels is None else np.array(channels, np.int64)
        count = len(self.channels)
        self.best = Best.none(count, top)
        self.relevant = Best.none(count, top) if relevance else None
        self.extremes = Extremes(count)

    def first(self, items: NDArray[np.int64], arrays: Arrays) -> None:
        largest = arrays[named(self.number, "largest")]
        self.extremes.add(largest)
        self.best = self.best.merged(items, largest, arrays[named(self.number, "at")])
        if self.relevant is not None:
            relevance, at = (arrays[named(self.number, what)] for what in ("relevance", "relevant_at"))
            self.relevant = self.relevant.merged(items, relevance, at)

    def turn(self, classes: tuple[str | None, ...]) -> None:
        """Between the two passes."""
        self.histograms = Histograms(self.extremes)
        self.sums = ClassSums(classes, len(self.channels))

    def second(self, items: NDArray[np.int64], arrays: Arrays) -> None:
        largest = arrays[named(self.number, "largest")]
        self.histograms.add(largest)
        self.sums.add(items, largest)

    def units(self) -> LayerUnits:
        return LayerUnits(
            self.layer, self.channels, self.best, self.relevant, self.histograms.spread(), self.sums.preferences()
        )
