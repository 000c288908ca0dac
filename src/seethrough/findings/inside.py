"""Inside: what a layer with places gives for pictures on the canvas, and what the network answers to such values."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from seethrough.attribution.layers import last_spatial, spatial_layers
from seethrough.errors import NetworkRefused
from seethrough.findings.canvas import TOGETHER, Canvas
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import MANY, Ways

CELLS = 6
"""So many places a side at least, where a network has a layer with as many."""


@dataclass(frozen=True, eq=False)
class Inside:
    """A layer of the canvas's network.

    Attributes
    ----------
    layer
        Its path; its value is (n, C, h, w).
    """

    canvas: Canvas
    layer: str
    _ways: Ways = field(default_factory=Ways)

    def of(self, x: Tensor) -> Tensor:
        """The layer's values for pictures (n, 3, H, W) from black 0 to white 1, float32 (n, C, h, w)."""
        return torch.cat([self._values(x[at : at + TOGETHER]) for at in range(0, len(x), TOGETHER)])

    def onward(self, x: Tensor, values: Tensor) -> Tensor:
        """The outputs before a softmax, float32 (n, K), where the layer's values (n, C, h, w) stand for those of the pictures
        ``x``; what else the answer reads of a picture is its own.
        """
        source, batch = self.canvas.net.source, self.canvas.as_seen(x)
        graph = source.proved(batch)
        place = graph.place(self.layer)
        assert place is not None
        given = source.given(graph, batch) | {place.value: place.back(values).contiguous()}
        out = graph.logits.of(execute(graph, given, [graph.logits.value])[graph.logits.value]).float()
        return out.flatten(2).mean(2) if out.dim() > 2 else out

    def _values(self, x: Tensor) -> Tensor:
        source, batch = self.canvas.net.source, self.canvas.as_seen(x)
        graph = source.proved(batch)
        given, place = source.given(graph, batch), graph.place(self.layer)
        assert place is not None
        wanted = [place.value]
        way = self._ways.of(graph, wanted, given, MANY, lambda: (given, execute(graph, given, wanted)))
        return place.of(execute(way, given, wanted)[place.value]).float()


def layer_with_places(canvas: Canvas, cells: int = CELLS) -> str | None:
    """The last layer whose places the answer reads; where those are fewer than so many a side, the last that has as many. None for a
    network in which no layer has places, or that can't be written down.
    """
    try:
        graph = canvas.net.graph()
    except NetworkRefused:
        return None

    def side(path: str) -> int:
        place = graph.place(path)
        assert place is not None
        return min(graph.grids[place.value].height, graph.grids[place.value].width)

    last = last_spatial(graph)
    paths = spatial_layers(graph)
    if last is None or graph.place(last) is None:
        return None
    if side(last) >= cells:
        return last
    return next((path for path in reversed(paths) if side(path) >= cells), last)
