"""Receptive field: which part of the picture each unit of a network can see, by arithmetic on the list of operations.

A unit at place ``i`` of a feature map sees the pixels from ``low + stride · i`` to ``high + stride · i``. A convolution
with kernel ``k``, stride ``s``, dilation ``d`` and padding ``p`` reads the places ``s · i − p`` to ``s · i − p + d (k −
1)`` of what it is given, so that

    stride' = stride · s,   low' = low − stride · p,   high' = high + stride · (d (k − 1) − p),

which unrolled is the known ``1 + Σ (kₗ − 1) Π sᵢ`` (Araujo, Norris and Sim, Computing Receptive Fields of Convolutional
Neural Networks, Distill 2019). The same line serves pooling, padding, slices, and, with a fractional stride, resizing
and transposed convolution. Where branches meet, the field is the smallest one that holds both; after an operation that
looks at all places of a map (global pooling, attention, a linear layer on the flattened map) it no longer moves:
``stride`` is 0.

The field is what a unit *can* see by the network's structure. At the border part of it lies on padding, outside of the
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from seethrough.graph.arguments import Arguments
from seethrough.graph.graph import Graph
from seethrough.graph.receptive_rules import Step
from seethrough.graph.windows import Run, Shape, Window


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What the units of a value see of the picture, along each of the picture's spatial axes (height, width).

    Attributes
    ----------
    size
        In pixels; None where every unit sees the whole picture.
    stride
        By how many pixels the field moves from one unit to the next; 0 where it stands still, a fraction behind
        upsampling.
    start
        Where the field of the unit at place 0 begins; negative where it sees padding. The unit at place ``i`` sees the
        pixels ``p`` with ``start + stride · i ≤ p < start + stride · i + size``.
    """

    size: tuple[int | None, ...]
    stride: tuple[float, ...]
    start: tuple[float, ...]

    @property
    def center(self) -> tuple[float | None, ...]:
        """The middle, in pixels, of what the unit at place 0 sees; None where that is the whole picture."""
        return tuple(None if n is None else s + (n - 1) / 2 for n, s in zip(self.size, self.start))

    @property
    def whole(self) -> bool:
        """Whether every unit sees the whole picture."""
        return all(n is None for n in self.size)

    def to_dict(self) -> dict[str, list[float | None]]:
        """Plain data for JSON."""
        return {
            "size": list(self.size),
            "stride": list(self.stride),
            "start": list(self.start),
            "center": list(self.center),
        }


def receptive_fields(graph: Graph, spatial: tuple[int, ...] | None = None) -> dict[int, ReceptiveField]:
    """The receptive field of every value of a graph that depends on the picture, by the value's number.

    Empty for inputs without spatial axes.

    Parameters
    ----------
    spatial
        Which axes of the graph's input are the picture's; by default all behind (N, C). A graph of a channels-last
        network that isn't in canonical form has (1, 2).

    Notes
    -----
    Exact for convolution, pooling, padding, slices and everything that works place by place. Elsewhere it is the
    smallest field moving evenly that holds what is seen: resizing by an uneven factor, for instance, or adaptive
    pooling of a map that doesn't divide.
    """
    batch = 1 if graph.holds_for(1) else graph.batch or 2
    picture = graph.values[graph.input.value].at(batch)
    axes = tuple(range(2, len(picture))) if spatial is None else spatial
    extents = tuple(picture[a] for a in axes)
    if not extents:
        return {}
    windows: dict[int, Window] = {graph.input.value: _pixels(picture, axes)}
    for operation in graph:
        for position, value in enumerate(operation.outputs):
            if value is not None:
                seen = Step(operation, Arguments.of(operation, graph.values, batch), windows, value, position).trace()
                if seen is not None:
                    windows[value] = seen
    return {value: _field(window, extents) for value, window in windows.items()}


def _pixels(shape: Shape, spatial: tuple[int, ...]) -> Window:
    """The picture itself: each pixel sees itself."""
    axes = tuple((Run(n, tuple(int(a == s) for s in spatial)),) for a, n in enumerate(shape))
    return Window(axes, (0,) * len(spatial), (0,) * len(spatial))


def _field(window: Window, extents: Shape) -> ReceptiveField:
    """As a person reads it, for a picture of this extent."""
    whole = window.sees_all(extents)
    strides = [
        next((r.steps[d] for axis in window.axes for r in reversed(axis) if r.steps[d]), 0) for d in range(len(extents))
    ]
    return ReceptiveField(
        tuple(None if all_of_it else floor(h - w) + 1 for all_of_it, w, h in zip(whole, window.low, window.high)),
        tuple(0.0 if all_of_it else float(s) for all_of_it, s in zip(whole, strides)),
        tuple(0.0 if all_of_it else float(w) for all_of_it, w in zip(whole, window.low)),
    )
