"""What a convolution reads: the picture itself, in which colours, or the values of other layers.

Whether a layer reads the picture is found by walking up the operations that only scale, pad, move or choose numbers. Which
pixel, or which colour, arrives where is then not reasoned about but tried: numbers that are addresses are sent down the
operations that move them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation

MOVES = frozenset((Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.CAST))
SCALES = frozenset((Kind.AFFINE, Kind.ADD, Kind.MULTIPLY, Kind.NORMALISATION))
EXACT = 2**24
"""float32 holds every whole number up to here."""


@dataclass(frozen=True, eq=False)
class Source:
    """What a layer reads.

    Attributes
    ----------
    channels
        How many channels it is given.
    picture
        Whether they are the picture's own, at most scaled, padded and put in another order.
    colours
        Where they are red, green and blue: the position of each among the channels, ``(2, 1, 0)`` for BGR; else None.
    scaled
        Whether the network itself scales the picture before.
    pixels
        For a layer that reads the flattened picture: int, the position in the picture (C, H, W) that each of its inputs is;
        else None.
    shape
        (C, H, W) of that picture.
    layer
        Path of the layer whose values it reads; ``""`` for the picture.
    """

    channels: int
    picture: bool = False
    colours: tuple[int, int, int] | None = None
    scaled: bool = False
    pixels: NDArray[np.int64] | None = None
    shape: tuple[int, ...] | None = None
    layer: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "channels": self.channels,
            "picture": self.picture,
            "colours": None if self.colours is None else dict(zip(("red", "green", "blue"), self.colours)),
            "scaled": self.scaled,
            "layer": self.layer,
        }


def source_of(graph: Graph, operation: Operation, order: str | None) -> Source:
    """What an operation reads through its first argument.

    Parameters
    ----------
    order
        ``"RGB"`` or ``"BGR"``: which colours the channels of the network's input are; None where they are none.
    """
    value = operation.inputs[0]
    shape = graph.values[value].at(graph.batch or 1)
    flat = operation.kind not in (Kind.CONVOLUTION, Kind.TRANSPOSED)
    channels = shape[-1] if flat else shape[1]
    way = _way_up(graph, value)
    if way is None:
        return Source(channels, layer=_layer_of(graph, value))
    scaled = any(step.kind in SCALES for step in way)
    entry = graph.values[graph.input.value].at(graph.batch or 1)[1:]
    if flat:
        pixels = _pixels(graph, value, way, entry)
        if pixels is None:
            return Source(channels, layer=_layer_of(graph, value))
        return Source(channels, True, _colours(list(range(entry[0])), order, entry), scaled, pixels, entry)
    arrived = _order_down(graph, value, way, entry)
    if arrived is None:
        return Source(channels, layer=_layer_of(graph, value))
    return Source(channels, True, _colours(arrived, order, entry), scaled)


def _colours(arrived: list[int], order: str | None, entry: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Where red, green and blue are among channels of which each is one of the picture's."""
    if order is None or sorted(arrived) != [0, 1, 2] or len(entry) != 3:
        return None
    red, green, blue = (arrived.index(order.index(colour)) for colour in "RGB")
    return red, green, blue


def _way_up(graph: Graph, value: int) -> tuple[Operation, ...] | None:
    """The operations between the picture and a value, the picture's first, where all of them only move, pad or scale."""
    way: list[Operation] = []
    while value != graph.input.value:
        at = graph.producer.get(value)
        step = None if at is None else graph.operations[at]
        if step is None or len(step.inputs) != 1 or step.kind not in MOVES | SCALES | {Kind.PAD}:
            return None
        if step.kind is Kind.NORMALISATION and step.name != "batch_norm":
            return None
        way.append(step)
        value = step.inputs[0]
    return tuple(reversed(way))


def _sent_down(value: int, way: tuple[Operation, ...], addresses: torch.Tensor, start: int) -> torch.Tensor | None:
    """Where addresses arrive; operations that scale are passed by, padding is -1."""
    values = {start: addresses}
    for step in way:
        read, given = step.inputs[0], step.outputs[0]
        if given is None:
            return None
        if step.kind in SCALES:
            values[given] = values[read]
        elif step.kind is Kind.PAD:
            values[given] = step.call({read: values[read] + 1}, len(addresses)) - 1
        else:
            result = step.call({read: values[read]}, len(addresses))
            parts = [result] if isinstance(result, torch.Tensor) else list(result)
            values |= {number: part for number, part in zip(step.outputs, parts) if number is not None}
    return values.get(value)


def _order_down(graph: Graph, value: int, way: tuple[Operation, ...], entry: tuple[int, ...]) -> list[int] | None:
    """Which of the picture's channels each channel of a value is; None where one holds several."""
    tags = torch.arange(float(entry[0])).reshape(1, -1, *(1,) * (len(entry) - 1)).expand(graph.batch or 1, *entry)
    arrived = _sent_down(value, way, tags, graph.input.value)
    if arrived is None or arrived.dim() < 3:
        return None
    kept = [row[row >= 0].unique() for row in arrived[0].flatten(1)]
    return [int(row[0]) for row in kept] if all(len(row) == 1 for row in kept) else None


def _pixels(graph: Graph, value: int, way: tuple[Operation, ...], entry: tuple[int, ...]) -> NDArray[np.int64] | None:
    """Which number of the picture each number of a flattened value is; None where it isn't all of it, each once."""
    total = prod(entry)
    if total >= EXACT:
        return None
    addresses = torch.arange(float(total)).reshape(1, *entry).expand(graph.batch or 1, *entry)
    arrived = _sent_down(value, way, addresses, graph.input.value)
    if arrived is None or arrived.dim() != 2 or arrived.shape[1] != total:
        return None
    found = arrived[0].round().long().numpy()
    return found if np.array_equal(np.sort(found), np.arange(total)) else None


def _layer_of(graph: Graph, value: int) -> str:
    """The layer in which a value was made."""
    at = graph.producer.get(value)
    return "" if at is None else graph.operations[at].layer
