"""Each rule gives what its operation gives, wherever the boxes lie and whatever their sizes, and leaves alone what isn't
reached.
"""

from functools import cache

import pytest
import torch
import torch.nn as nn
from boxes_by_hand import between, by_rule, put
from hypothesis import given, settings
from hypothesis import strategies as st
from small import Calls, source_of
from torch.nn import functional as F

from seethrough.graph.execute import execute
from seethrough.graph.fast.boxes.rules import rule_of
from seethrough.graph.fast.fused import fused

C = 4


class Held(nn.Module):
    """A constant of a network, as long as it is asked for."""

    def __init__(self, *shape):
        super().__init__()
        self.register_buffer("held", torch.randn(shape))

    def forward(self, height, width):
        held = self.held[..., :height, :] if self.held.dim() > 1 else self.held
        return held[..., :width]


def conv(*args, **kwargs):
    torch.manual_seed(0)
    return nn.Conv2d(C, *args, **kwargs)


def norm():
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(C)
    for tensor in (layer.running_mean, layer.weight, layer.bias):
        tensor.data.normal_()
    layer.running_var.uniform_(0.5, 2)
    return layer


CASES = {
    # name: (the operation, a network that ends in it)
    "convolution": ("conv2d", conv(6, 3, padding=1)),
    "strided": ("conv2d", conv(6, 3, stride=2, padding=1)),
    "strided more than wide": ("conv2d", conv(6, 2, stride=3)),
    "one place, strided": ("conv2d", conv(6, 1, stride=2)),
    "one by one": ("conv2d", conv(6, 1)),
    "oblong": ("conv2d", conv(6, (1, 5), stride=(2, 1), padding=(0, 2))),
    "dilated": ("conv2d", conv(6, 3, padding=2, dilation=2)),
    "in groups": ("conv2d", conv(8, 3, padding=1, groups=4)),
    "padded unevenly": ("conv2d", Calls(lambda x, a: F.relu(a(F.pad(x, (0, 2, 1, 0)))), conv(6, 3, stride=2))),
    "with a residual": ("conv2d", Calls(lambda x, a: F.relu(a(x) + x), conv(C, 3, padding=1))),
    "one by one, with a residual": ("conv2d", Calls(lambda x, a: F.relu6(a(x) + x), conv(C, 1))),
    "strided, with a residual": (
        "conv2d",
        Calls(lambda x, a, p: a(x) + p(x), conv(C, 3, stride=2, padding=1), nn.MaxPool2d(2, ceil_mode=True)),
    ),
    "largest": ("max_pool2d", nn.MaxPool2d(3, 2, 1)),
    "largest, rounded up": ("max_pool2d", nn.MaxPool2d(3, 2, ceil_mode=True)),
    "largest, dilated": ("max_pool2d", nn.MaxPool2d((2, 3), (1, 2), (0, 1), dilation=(2, 1))),
    "mean": ("avg_pool2d", nn.AvgPool2d(2)),
    "mean, padded": ("avg_pool2d", nn.AvgPool2d(3, 2, 1)),
    "mean, padded, rounded up": ("avg_pool2d", nn.AvgPool2d(3, 2, 1, ceil_mode=True)),
    "mean of what is there": ("avg_pool2d", nn.AvgPool2d((3, 2), 2, (1, 0), ceil_mode=True, count_include_pad=False)),
    "sum by a number": ("avg_pool2d", nn.AvgPool2d(3, 1, 1, divisor_override=5)),
    "batch normalisation": ("batch_norm", norm()),
    "rectifier": ("relu", nn.ReLU()),
    "leaky by channel": ("prelu", nn.PReLU(C, 0.3)),
    "gated linear unit": ("glu", nn.GLU(1)),
    "softmax of channels": ("softmax", nn.Softmax(1)),
    "unit vectors": ("normalize", Calls(lambda x: F.normalize(x, dim=1))),
    "order of memory": ("contiguous", Calls(lambda x: torch.tanh(x).flip(2).contiguous())),
    "sum of two": ("add", Calls(lambda x: x + torch.tanh(x))),
    "difference": ("sub", Calls(lambda x: x - torch.tanh(x))),
    "product": ("mul", Calls(lambda x: x * torch.sigmoid(x))),
    "product with a plane": ("mul", Calls(lambda x: x * torch.sigmoid(x[:, :1]))),
    "times a gate": ("mul", Calls(lambda x: x * torch.sigmoid(x.amax((2, 3), keepdim=True)))),
    "quotient": ("div", Calls(lambda x: x / (1 + torch.exp(x)))),
    "one minus": ("rsub", Calls(lambda x: torch.rsub(torch.tanh(x), 1.0))),
    "plus a number a channel": ("add", Calls(lambda x, c: torch.tanh(x) + c(1, 1), Held(C, 1, 1))),
    "plus a number a row": ("add", Calls(lambda x, c: torch.tanh(x) + c(*x.shape[2:]), Held(C, 40, 1))),
    "times a number a column": ("mul", Calls(lambda x, c: torch.tanh(x) * c(*x.shape[2:]), Held(40))),
    "between bounds": ("clamp", Calls(lambda x: torch.clamp(x, -0.1, 0.7))),
    "smaller of two": ("minimum", Calls(lambda x: torch.minimum(x, torch.sin(x)))),
    "side by side": ("cat", Calls(lambda x: torch.cat([torch.tanh(x), x, torch.sigmoid(x)], 1))),
    "mean of the channels": ("mean", Calls(lambda x: torch.tanh(x).mean(1, keepdim=True))),
    "largest of the channels": ("amax", Calls(lambda x: torch.tanh(x).amax(1, keepdim=True))),
    "among neighbouring channels": ("local_response_norm", nn.LocalResponseNorm(3)),
    "padded by a number": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (1, 2, 0, 3), value=0.7))),
    "padded by a mirror": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (1, 2, 3, 0), mode="reflect"))),
    "padded by the edge": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (1, 2, 3, 0), mode="replicate"))),
    "padded around": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (1, 2, 3, 0), mode="circular"))),
    "padded by channels": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (0, 0, 1, 0, 1, 2), value=2.0))),
    "cropped": ("pad", Calls(lambda x: F.pad(torch.tanh(x), (-1, 0, 2, -2)))),
    "a slice": ("getitem", Calls(lambda x: torch.tanh(x)[:, :, 1:-1, 2:])),
    "every second": ("getitem", Calls(lambda x: torch.tanh(x)[:, :, ::2, 1::2])),
    "some channels": ("getitem", Calls(lambda x: torch.tanh(x)[:, 1:3])),
    "every second channel": ("getitem", Calls(lambda x: torch.tanh(x)[:, ::2])),
    "flipped": ("flip", Calls(lambda x: torch.tanh(x).flip(3))),
    "repeated": ("repeat_interleave", Calls(lambda x: torch.tanh(x).repeat_interleave(2, 2))),
    "resized to the nearest": ("interpolate", nn.UpsamplingNearest2d(scale_factor=2)),
    "resized to the nearest, exactly": (
        "interpolate",
        Calls(lambda x: F.interpolate(x, (11, 5), mode="nearest-exact")),
    ),
    "resized": ("interpolate", Calls(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))),
    "resized by the corners": (
        "interpolate",
        Calls(lambda x: F.interpolate(x, (13, 19), mode="bilinear", align_corners=True)),
    ),
    "resized by an odd factor": ("interpolate", Calls(lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"))),
    "resized to less": ("interpolate", Calls(lambda x: F.interpolate(x, (4, 3), mode="bilinear", antialias=True))),
    "resized by cubes": ("interpolate", Calls(lambda x: F.interpolate(x, (11, 8), mode="bicubic"))),
    "pooled to a size": ("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((3, 4))),
    "largest to a size": ("adaptive_max_pool2d", nn.AdaptiveMaxPool2d((3, 4))),
    "pooled to its own size": ("adaptive_avg_pool2d", Calls(lambda x: F.adaptive_avg_pool2d(x, x.shape[2:]))),
    "transposed": ("conv_transpose2d", nn.ConvTranspose2d(C, 6, 2, stride=2)),
    "transposed, overlapping": ("conv_transpose2d", nn.ConvTranspose2d(C, 6, 4, stride=2, padding=1, bias=False)),
    "transposed, uneven": (
        "conv_transpose2d",
        nn.ConvTranspose2d(C, 4, (3, 2), (3, 1), (2, 0), output_padding=(1, 0), groups=2, dilation=(2, 1)),
    ),
    "transposed, with gaps": ("conv_transpose2d", nn.ConvTranspose2d(C, 6, 2, stride=3, output_padding=2)),
    "channels as places": ("pixel_shuffle", nn.PixelShuffle(2)),
    "places as channels": (
        "pixel_unshuffle",
        Calls(lambda x: F.pixel_unshuffle(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)), 2)),
    ),
    "normalised channels": (
        "channel_norm",
        Calls(lambda x, n: n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), nn.LayerNorm(C)),
    ),
    "channels shuffled": (
        "moved",
        Calls(lambda x: torch.tanh(x).view(len(x), 2, 2, *x.shape[2:]).transpose(1, 2).reshape(x.shape)),
    ),
    "a part of the channels": ("moved", Calls(lambda x: torch.tanh(x).chunk(2, 1)[1])),
    "the same beside itself": ("cat", Calls(lambda x: torch.cat([x, x], 1))),
}


@cache
def graph(name, height, width):
    """The fused graph of a case, the last operation of its name and its rule."""
    torch.manual_seed(0)
    wanted, network = CASES[name]
    network = network.double().eval().requires_grad_(False)
    x = torch.randn(2, C, height, width, dtype=torch.float64)
    plain = source_of(network).proved(x)
    whole = fused(plain, [plain.output.value])
    operation = [o for o in whole if o.name == wanted][-1]
    return whole, operation, rule_of(whole, operation)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_rule_gives_what_its_operation_gives(name, data):
    height, width = data.draw(st.sampled_from([(9, 12), (14, 7), (5, 6)]))
    whole, operation, rule = graph(name, height, width)
    assert rule is not None and set(rule.sources) == set(operation.inputs)
    random = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    clean, changed, boxes = {}, {}, {}
    unchanged = data.draw(st.sampled_from([None, *rule.sources])) if len(set(rule.sources)) > 1 else None
    for v in set(rule.sources):
        shape = whole.values[v].at(1)
        clean[v] = torch.randn(shape, generator=random, dtype=torch.float64)
        changed[v], boxes[v] = None, None
        if v != unchanged:
            boxes[v] = torch.tensor([data.draw(a_box(*shape[2:])) for _ in range(3)])
            changed[v] = between(clean[v], boxes[v], random)
    (output,) = operation.outputs
    dense = execute(
        whole, {v: clean[v].repeat(3, 1, 1, 1) if changed[v] is None else changed[v] for v in clean}, [output]
    )
    before = execute(whole, clean, [output])[output]
    args = [[d[v] for v in rule.sources] for d in (clean, changed, boxes)]
    top, left, out, true = by_rule(rule, *args, before.shape[2:])
    torch.testing.assert_close(put(before, top, left, out), dense[output], rtol=1e-10, atol=1e-10)
    exactly = torch.zeros_like(dense[output], dtype=torch.bool)
    for i in range(3):
        (t, b), (x, r) = ((first[i], last[i] + 1) for first, last in true)
        exactly[i, :, t:b, x:r] = True
    moved = dense[output] != before
    assert not bool((moved & ~exactly).any()), "a place is reached that the rule leaves out"


@st.composite
def a_box(draw, height, width):
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return top, draw(st.integers(top + 1, height)), left, draw(st.integers(left + 1, width))


def into_a_part(x):
    y = torch.tanh(x)
    y[:, :2].relu_()
    return y


MIXING = {
    "softmax of the plane": ("softmax", nn.Softmax(3)),
    "side by side on the plane": ("cat", Calls(lambda x: torch.cat([torch.tanh(x), x], 2))),
    "mean of the rows": ("mean", Calls(lambda x: torch.tanh(x).mean(2, keepdim=True))),
    "mean of the plane, which has a head": ("mean", Calls(lambda x: torch.tanh(x).mean((2, 3), keepdim=True))),
    "normalised in groups": ("group_norm", nn.GroupNorm(2, C)),
    "normalised by the batch": ("batch_norm", nn.BatchNorm2d(C, track_running_stats=False)),
    "turned": ("permute", Calls(lambda x: (y := torch.tanh(x)[:, :, :5, :5]) + y.transpose(2, 3).softmax(3))),
    "a write into a part": ("relu", Calls(into_a_part)),
    "among vectors": ("normalize", Calls(lambda x: F.normalize(torch.tanh(x), dim=3))),
}


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_the_plane_has_no_rule(name):
    wanted, network = MIXING[name]
    plain = source_of(network.double().eval().requires_grad_(False)).written(torch.zeros(2, C, 5, 6).double())
    whole = fused(plain, [plain.output.value])
    (operation,) = (o for o in whole if o.name == wanted)
    assert rule_of(whole, operation) is None
