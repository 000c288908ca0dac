"""A network that can't be written down to its end is written down up to there, and says where that is."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from inspection import differences, everything
from small import Calls, paths

from seethrough.errors import NetworkRefused
from seethrough.graph.cost import count_macs
from seethrough.graph.source import GraphSource

X = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def suppressed(boxes, scores, most=0.5):
    """Non-maximum suppression in plain torch: the strongest box first, and none that overlaps a stronger one."""
    order, kept = scores.argsort(descending=True), []
    while order.numel():
        first, rest = order[0], order[1:]
        kept.append(first)
        corner = torch.maximum(boxes[first, :2], boxes[rest, :2])
        across = (torch.minimum(boxes[first, 2:], boxes[rest, 2:]) - corner).clamp(min=0).prod(1)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        order = rest[across / (areas[first] + areas[rest] - across) <= most]
    return torch.stack(kept)


class Boxes(nn.Module):
    """Scores and boxes at each place, and the boxes that stay."""

    def __init__(self):
        super().__init__()
        self.score, self.box = nn.Conv2d(8, 2, 1), nn.Conv2d(8, 4, 1)

    def forward(self, features):
        scores = self.score(features).flatten(2).amax(1)
        boxes = self.box(features).flatten(2).mT.sigmoid()
        boxes = torch.cat([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], 2)
        return [suppressed(b, s) for b, s in zip(boxes, scores)]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2))
        self.heads, self.last = Boxes(), nn.Linear(4, 4)

    def forward(self, x):
        return {"kept": self.heads(self.backbone(x))}


def so_far(network, x=X):
    return GraphSource(network, network, paths(network)).written_so_far(x)


def test_a_detector_is_written_down_until_it_looks_at_values():
    torch.manual_seed(0)
    network = Detector().eval()
    graph = so_far(network)
    assert graph.ended.startswith("in 'heads' at ") and "test_so_far.py" in graph.ended
    assert graph.ended.endswith("which needs the values of an image")
    assert {
        "backbone.0",
        "backbone.2",
        "heads.score",
        "heads.box",
    } <= graph.layers.keys() and "last" not in graph.layers
    assert graph.place("heads.box") is not None and graph.place("heads") is None
    convolutions = 64 * 8 * 27 + 9 * 8 * 72 + 9 * 8 * 2 + 9 * 8 * 4
    assert sum(n or 0 for n in count_macs(graph, 1)) // (graph.batch or 1) == convolutions


def test_a_step_that_the_network_catches_ends_the_graph_all_the_same():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.behind = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)

        def forward(self, x):
            y = self.before(x)
            try:
                y = y * float(y.mean())
            except Exception:
                y = y * 0
            return self.behind(y)

    graph = so_far(Careful().eval())
    assert list(graph.layers) == ["before"] and list(graph.outputs) == ["before"] and graph.batch is None
    assert graph.values[graph.outputs["before"].value].at(7) == (7, 4, 14, 14)


def test_what_the_network_raises_is_told_with_its_line():
    def forward(x, conv):
        y = F.relu(conv(x))
        raise ValueError("no place to go")
        return y

    graph = so_far(Calls(forward, nn.Conv2d(3, 4, 3)))
    assert "test_so_far.py" in graph.ended and graph.ended.endswith("ValueError: no place to go")
    assert list(graph.outputs) == ["inside.0"]


def test_a_whole_network_has_no_end():
    graph = so_far(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval())
    assert graph.ended == ""


def test_a_network_of_which_nothing_can_be_written_down_is_refused():
    with pytest.raises(NetworkRefused, match=r"ends .*values of an image"):
        so_far(Calls(lambda x: x * float(x.mean())))


def test_looking_so_far_leaves_the_network_as_it_was():
    network = Detector().train()
    before = everything(network)
    so_far(network)
    assert not differences(before, everything(network))
