"""Foreground: where the thing that a picture is about is, as a person drew it, in the box that he drew, or estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.attribution.layers import last_spatial
from seethrough.datasets.collection import Collection
from seethrough.errors import NetworkRefused, SeethroughError, UsageError
from seethrough.evaluation.objects import Objects, objects
from seethrough.findings.canvas import Canvas, Foreground
from seethrough.findings.estimate import Guess, Plane, alone, in_box
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.network import Network, Prepared

ESTIMATE = "estimate"
"""As masks: nobody drew any, and they are estimated."""

SAMPLE, HALF = 24, 0.5
"""Pictures on which it is tried whether estimating is worth it, and the share of them on which it has to be."""

FEW_PLACES = 3
"""Of a side: with fewer a network doesn't tell where it finds what."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Masks that somebody drew.

    Attributes
    ----------
    objects
        `seethrough.evaluation.objects.objects`.
    """

    objects: Objects

    def on(self, number: int, prepared: Prepared, x: Tensor) -> Tensor | None:
        mask = self.objects(number, prepared.pictures[0])
        if mask is None:
            return None
        height, width = x.shape[1:]
        return torch.from_numpy(prepared.geometries[0].on_grid(mask, (height, width))).float()[None]


@dataclass(frozen=True, eq=False)
class Boxed:
    """Boxes that somebody drew: the thing in them is told from the ground by its colours (`seethrough.findings.estimate.in_box`).

    Attributes
    ----------
    boxes
        `seethrough.evaluation.objects.objects`, of boxes.
    """

    boxes: Objects

    def on(self, number: int, prepared: Prepared, x: Tensor) -> Tensor | None:
        box = Drawn(self.boxes).on(number, prepared, x)
        if box is None:
            return None
        return torch.from_numpy(in_box(x.numpy(), box[0].numpy() > 0)).float()[None]


@dataclass(frozen=True, eq=False)
class Estimated:
    """Things that nobody drew. Where an estimate is worth nothing, nobody knows where the thing is."""

    net: Network
    _kept: dict[int, tuple[NDArray[np.uint8], float, bool]] = field(default_factory=dict)

    def on(self, number: int, prepared: Prepared, x: Tensor) -> Tensor | None:
        if number not in self._kept:
            guess = self.guess(prepared, x)
            self._kept[number] = np.packbits(guess.mask), guess.agreement, guess.good
        bits, _, good = self._kept[number]
        if not good:
            return None
        shape = x.shape[1:]
        return torch.from_numpy(np.unpackbits(bits, count=shape.numel()).reshape(shape)).float()[None]

    def agreement(self, number: int) -> float:
        """How far the guesses about a picture agree, 0…1, after `on`."""
        return self._kept[number][1]

    def guess(self, prepared: Prepared, x: Tensor) -> Guess:
        """What is estimated of one picture."""
        return alone(x.numpy(), _spots(self.net, prepared))


def _spots(net: Network, prepared: Prepared) -> Plane | None:
    """How much the network finds where, (h, w): the sum of what its last layer with places lets through; None where there is
    none, or too few places.
    """
    source = net.source_of(prepared)
    try:
        graph = source.proved(prepared.batch)
        layer = last_spatial(graph)
    except NetworkRefused:
        return None
    place = None if layer is None else graph.place(layer)
    if place is None:
        return None
    value = _value(graph, source.given(graph, prepared.batch), place)
    return None if min(value.shape[2:]) < FEW_PLACES else value[0].relu().sum(0).numpy()


def _value(graph: Graph, given: dict[int, Tensor], place: Any) -> Tensor:
    return place.of((given | execute(graph, given, [place.value]))[place.value]).detach().float().cpu()


def foreground_of(net: Network, collection: Collection, masks: Any = None, boxes: Any = None) -> Foreground | None:
    """Where the things of a collection are; None where nobody knows.

    Parameters
    ----------
    masks, boxes
        As for `seethrough.evaluation.objects.objects`; ``"estimate"`` instead of masks where there are none.

    Raises
    ------
    UsageError, InputRefused
        As there.
    """
    if isinstance(masks, str) and masks == ESTIMATE:
        if boxes is not None:
            raise UsageError("Boxes say where the things are, so nothing is left to estimate; give one of them.")
        estimated = Estimated(net)
        return estimated if _worth_it(estimated, net, collection) else None
    drawn = objects(collection, masks, boxes)
    if drawn is None:
        return None
    return Drawn(drawn) if boxes is None else Boxed(drawn)


def _worth_it(estimated: Estimated, net: Network, collection: Collection) -> bool:
    """Whether estimates are good on half of some pictures, from all over the collection."""
    numbers: Sequence[int] = np.unique(np.linspace(0, len(collection) - 1, SAMPLE).astype(int)).tolist()
    canvas, good = Canvas(net, collection), []
    for number in numbers:
        try:
            prepared = net.prepare([collection[number].source])
        except SeethroughError:
            continue  # who looks at all of them says which can't be read
        good.append(estimated.on(number, prepared, canvas.unseen(prepared.batch)[0]) is not None)
    return bool(good) and float(np.mean(good)) >= HALF


__all__ = ["ESTIMATE", "Boxed", "Drawn", "Estimated", "foreground_of"]
