"""Gradients of many pictures: on a twin in which what only scales and shifts is in the convolutions, and which keeps to
functions that have gradients.

For methods that ask for the gradient of a picture again and again, moved a little each time. The picture itself always goes on
the plain graph: of float32 a gradient is only known to some per mille of its length, since rounding puts units on the other
side of a rectifier's corner, and what is shown of one picture should be what anybody else finds. Of a mean over many
pictures such differences leave little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

import torch

from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.fused import fused, in_order
from seethrough.graph.fast.walked import Walked, by_tiles
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation


def fused_for_gradients(graph: Graph, wanted: Iterable[int], given: Iterable[int] = ()) -> Graph:
    """The graph fused, its convolutions with channels last where a processor convolves faster so, and by tiles where that
    pays both ways; the numbers of values are the same. Weights take part as numbers: they receive no gradient.
    """
    found = fused(graph, wanted, given, gradients=True)
    if not any(_faster_with_channels_last(operation) for operation in found):
        return found
    return replace(found, operations=[_with_channels_last(found, operation) for operation in found])


def _faster_with_channels_last(operation: Operation) -> bool:
    """Whether oneDNN carries it out."""
    if not isinstance(operation.function, Convolution):
        return False
    weight = operation.function.weight
    usable = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    return usable and weight.device.type == "cpu" and weight.dtype is torch.float32


def _with_channels_last(graph: Graph, operation: Operation) -> Operation:
    function = operation.function
    if not isinstance(function, Convolution):
        return in_order(operation)
    height, width = graph.values[operation.outputs[0] or 0].at(1)[2:]
    kind = Walked if by_tiles(function, height, width) else Convolution
    weight = function.folded().contiguous(memory_format=torch.channels_last)
    parts = {part.name: getattr(function, part.name) for part in fields(function)}
    return replace(operation, function=kind(**{**parts, "weight": weight, "scale": None}))
