"""A small residual network, windows over its picture, and what whole pictures give."""

import torch
import torch.nn as nn
from small import Calls, source_of

from seethrough.graph.execute import execute
from seethrough.graph.fast.boxes.engine import Boxes
from seethrough.graph.fast.fused import fused


def network(size=32, gate=False):
    """Two stages with a residual; ``gate``: the second is multiplied by what all its places say, as in squeeze-and-excite."""
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)]
    parts += [nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Linear(16, 5)]

    def forward(x, a, b, c, d, fc):
        y = torch.relu(a(x))
        y = d(torch.relu(c(b(y)) + y))
        if gate:
            y = y * torch.sigmoid(y.mean((2, 3), keepdim=True))
        return fc(torch.relu(y).mean((2, 3)))

    return Calls(forward, *parts).double().eval(), torch.rand(1, 3, size, size, dtype=torch.float64)


def windows(size, side, step):
    """Top, bottom, left, right of windows slid over a square picture."""
    first = torch.arange(0, size - side + 1, step)
    top, left = (a.flatten() for a in torch.meshgrid(first, first, indexing="ij"))
    return torch.stack([top, top + side, left, left + side], 1)


def opened(module, x, start=None):
    """The engine from a value (the picture) to the output, the fused graph, and both numbers."""
    graph = source_of(module).written(x)
    start, end = graph.input.value if start is None else start, graph.output.value
    kept = fused(graph, [end], {graph.input.value, start})
    return Boxes(kept, start, end), kept, start, end


def grey(x, boxes):
    """What is asked of the inside: 0.5 in each box and the picture around it."""

    def inside(numbers, top, left, height, width):
        found = []
        for n, t, e in zip(numbers.tolist(), top.tolist(), left.tolist()):
            part = x[0, :, t : t + height, e : e + width].clone()
            a, b, c, d = boxes[n].tolist()
            part[:, max(0, a - t) : max(0, b - t), max(0, c - e) : max(0, d - e)] = 0.5
            found.append(part)
        return torch.stack(found)

    return inside


def whole(graph, start, end, x, boxes):
    """The answers of whole pictures with grey boxes."""
    pictures = x.repeat(len(boxes), 1, 1, 1)
    for picture, (top, bottom, left, right) in zip(pictures, boxes.tolist()):
        picture[:, top:bottom, left:right] = 0.5
    return execute(graph, {start: pictures}, [end])[end]
