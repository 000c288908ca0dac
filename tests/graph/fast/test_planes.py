"""What is computed with its channels last, or through reshapes that move no place, is the same on planes."""

from functools import partial

import pytest
import torch
import torch.nn as nn
from small import Calls, source_of
from torch.nn import functional as F

from seethrough.graph.execute import execute
from seethrough.graph.fast.boxes.rules import rule_of
from seethrough.graph.fast.fused import fused
from seethrough.graph.fast.planes import Shuffle, on_planes
from seethrough.graph.source import GraphSource
from seethrough.models import open_model

C = 6


class NextBlock(nn.Module):
    """A ConvNeXt block: after a convolution in groups everything has its channels last."""

    def __init__(self):
        super().__init__()
        self.deep, self.norm = nn.Conv2d(C, C, 3, padding=1, groups=C), nn.LayerNorm(C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C, bias=False)
        self.scale = nn.Parameter(torch.randn(C))
        self.matrix = nn.Parameter(torch.randn(C, C))
        nn.init.normal_(self.norm.weight)

    def forward(self, x):
        y = self.norm(self.deep(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        y = x + y.permute(0, 3, 1, 2)
        last = torch.matmul(y.permute(0, 2, 3, 1), self.matrix) + self.scale
        return last.mean((1, 2))


def shuffled(x):
    y = x.view(len(x), 2, C // 2, *x.shape[2:]).transpose(1, 2).contiguous().view(x.shape)
    a, b = y.chunk(2, 1)
    return torch.cat([F.relu(a), b], 1)


def windows(x):
    """Reshapes that do move places: nothing that boxes could pass."""
    n, c, h, w = x.shape
    y = x.permute(0, 2, 3, 1).reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5)
    return F.layer_norm(y.reshape(n, -1, c), (c,)).mean(1)


def across(x):
    y = x.permute(0, 2, 3, 1)
    y = y * torch.rsqrt(y.var(-1, keepdim=True) + 0.1)
    a, b = y.split(C // 2, -1)
    y = torch.cat([F.gelu(a) * b, y], -1)
    return torch.relu((y.softmax(3) + F.normalize(y, dim=-1)).permute(0, 3, 1, 2)).mean((2, 3))


NETWORKS = {
    "next block": NextBlock(),
    "shuffled": Calls(lambda x, a: shuffled(a(x)), nn.Conv2d(C, C, 3, padding=1)),
    "windows": Calls(lambda x, a: windows(a(x)), nn.Conv2d(C, C, 3, padding=1)),
    "across the last axis": Calls(lambda x, a: across(a(x)), nn.Conv2d(C, C, 1)),
    "read in both ways": Calls(
        lambda x, a, fc: (y := fc(a(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2).mean((2, 3)) + y.flatten(1).mean(1)[:, None],
        nn.Conv2d(C, C, 1), nn.Linear(C, C),
    ),
}  # fmt: skip


def graph_of(name):
    torch.manual_seed(0)
    network = NETWORKS[name].double().eval().requires_grad_(False)
    x = torch.randn(3, C, 8, 6, dtype=torch.float64)
    return source_of(network).proved(x), x


@pytest.mark.parametrize("name", NETWORKS)
def test_on_planes_every_value_is_what_it_was(name):
    graph, x = graph_of(name)
    start, every = graph.input.value, [v for o in graph for v in o.outputs if v is not None]
    plain = execute(graph, {start: x}, every)
    for wanted in ([graph.output.value], every, *([v] for v in every)):
        for twin in (on_planes(graph, wanted, [start]), fused(graph, wanted, [start])):
            found = execute(twin, {start: x}, wanted)
            for v in wanted:
                torch.testing.assert_close(found[v], plain[v], rtol=1e-12, atol=1e-12)


def test_a_next_block_is_three_convolutions_and_a_norm():
    graph, _ = graph_of("next block")
    twin = fused(graph, [graph.output.value])
    assert [o.name for o in twin] == ["conv2d", "channel_norm", "conv2d", "conv2d", "conv2d", "mean"]
    assert all(rule_of(twin, o) is not None for o in twin.operations[:-1])


def test_channels_in_another_order_are_one_operation_that_boxes_pass():
    graph, _ = graph_of("shuffled")
    twin = fused(graph, [graph.output.value])
    assert [o.name for o in twin] == ["conv2d", "moved", "moved", "moved", "relu", "cat"]
    assert isinstance(twin.operations[1].function, Shuffle) and twin.operations[1].function.groups == 2
    assert all(rule_of(twin, o) is not None for o in twin)


def test_what_works_across_the_last_axis_works_across_channels():
    graph, _ = graph_of("across the last axis")
    twin = fused(graph, [graph.output.value])
    assert not any(o.name == "permute" for o in twin)
    assert all(rule_of(twin, o) is not None for o in twin.operations[:-1])


def test_places_in_another_order_are_passed_by_none():
    graph, _ = graph_of("windows")
    twin = fused(graph, [graph.output.value])
    assert [rule_of(twin, o) is None for o in twin] == [False, *[True] * (len(twin) - 1)]


def test_a_value_given_with_its_channels_last_is_taken_as_it_is():
    graph, x = graph_of("next block")
    plain = execute(graph, {graph.input.value: x}, [v for o in graph for v in o.outputs if v is not None])
    (norm,) = (o for o in graph if o.name == "layer_norm")
    start, end = norm.outputs[0], graph.output.value
    beside = {v: plain[v] for v in (start, graph.input.value) if v in plain} | {graph.input.value: x}
    twin = on_planes(graph, [end], beside)
    torch.testing.assert_close(execute(twin, beside, [end])[end], plain[end], rtol=1e-12, atol=1e-12)


def test_a_block_of_keras_too():
    keras = pytest.importorskip("keras")
    from keras.src.applications.convnext import LayerScale

    keras.utils.set_random_seed(0)
    layers = keras.layers
    x = keras.Input((8, 6, C))
    y = layers.LayerNormalization(epsilon=1e-6)(layers.DepthwiseConv2D(3, padding="same")(x))
    y = LayerScale(0.3, C)(layers.Dense(C)(layers.Dense(4 * C, activation="gelu")(y)))
    model = keras.Model(x, layers.GlobalAveragePooling2D()(layers.Add()([x, y])))
    images = torch.randn(3, C, 8, 6)
    source = GraphSource(model, partial(model, training=False), open_model(model).paths, layout="channels_last")
    graph = source.proved(images)
    twin = fused(graph, [graph.output.value])
    assert [o.name for o in twin] == ["conv2d", "channel_norm", "conv2d", "conv2d", "mean"]
    start, end = graph.input.value, graph.output.value
    torch.testing.assert_close(
        execute(twin, {start: images}, [end]), execute(graph, {start: images}, [end]), rtol=1e-5, atol=1e-6
    )
