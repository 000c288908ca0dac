"""Kernels are read as they run, in one layout whatever made them."""

import numpy as np
import pytest
import torch
from filter_networks import convolution, looked_at, one, random_weights
from torch import nn
from torch.nn import functional as F

from seethrough.errors import UsageError


def test_a_convolution_has_its_weights_with_outputs_first():
    w = random_weights(6, 3, 5, 5)
    kernels = one(convolution(w, stride=2, padding=1), (3, 16, 16)).kernels
    assert kernels.form == "convolution" and kernels.stride == (2, 2) and kernels.places == (5, 5)
    assert np.array_equal(kernels.weights, w.numpy())
    assert np.array_equal(kernels.channels, np.tile([0, 1, 2], (6, 1)))


@pytest.mark.parametrize(
    ("shape", "options", "form"),
    [
        ((6, 4, 1, 1), {}, "pointwise"),
        ((4, 1, 3, 3), {"groups": 4}, "depthwise"),
        ((8, 1, 3, 3), {"groups": 4}, "depthwise"),
        ((6, 2, 3, 3), {"groups": 2}, "grouped"),
        ((6, 4, 3), {}, "convolution"),
        ((6, 4, 3, 3, 3), {}, "convolution"),
    ],
)
def test_a_kernel_is_said_for_what_it_is(shape, options, form):
    rank = len(shape) - 2
    layer = convolution(random_weights(*shape), **options)
    found = one(layer, (layer.in_channels, *(8,) * rank)).kernels
    assert found.form == form
    assert found.channels.max() + 1 == layer.in_channels


def test_a_filter_of_a_group_reads_the_channels_of_its_group():
    kernels = one(convolution(random_weights(6, 2, 3, 3), groups=3), (6, 8, 8)).kernels
    assert kernels.channels.tolist() == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5]]


def test_a_transposed_kernel_stands_by_output_and_gives_what_the_layer_gives():
    layer = nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, bias=False)
    kernels = one(layer, (4, 5, 5)).kernels
    assert kernels.form == "transposed" and kernels.weights.shape == (6, 2, 3, 3) and kernels.stride == (2, 2)
    single = torch.zeros(1, 4, 1, 1)
    single[0, 3] = 1  # what input 3 paints: of the second group, so outputs 3, 4 and 5
    painted = layer(single)[0].detach().numpy()
    assert np.allclose(painted[3:], kernels.weights[3:, 1]) and not painted[:3].any()
    assert kernels.channels[3].tolist() == [2, 3]


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_red_green_and_blue_are_found_whatever_the_order(order):
    preprocessing = {"name": "caffe"} if order == "BGR" else {"name": "torch"}
    source = one(convolution(random_weights(4, 3, 3, 3)), (3, 8, 8), preprocessing=preprocessing).kernels.source
    assert source.picture and source.colours == ((0, 1, 2) if order == "RGB" else (2, 1, 0))


class Flipped(nn.Module):
    """Turns the channels round, scales and pads before its first convolution."""

    def __init__(self):
        super().__init__()
        self.conv = convolution(random_weights(4, 3, 3, 3))

    def forward(self, x):
        return self.conv(F.pad(x.flip(1) * 2 - 1, (1, 1, 1, 1)))


def test_channels_that_the_network_itself_turns_round_are_followed():
    source = one(Flipped(), (3, 8, 8), preprocessing="torch").kernels.source
    assert source.picture and source.scaled and source.colours == (2, 1, 0)


class Mixing(nn.Module):
    """Its convolution reads three channels that are no colours: sums of them."""

    def __init__(self):
        super().__init__()
        self.conv = convolution(random_weights(4, 3, 3, 3))

    def forward(self, x):
        return self.conv(x.cumsum(1).relu())


def test_three_channels_that_are_no_colours_are_not_taken_for_some():
    source = one(Mixing(), (3, 8, 8)).kernels.source
    assert not source.picture and source.colours is None


def test_a_linear_layer_on_the_flattened_picture_has_its_weights_on_the_pixels():
    layer = nn.Linear(48, 5)
    kernels = one(nn.Sequential(nn.Flatten(), layer), (3, 4, 4), preprocessing="torch").kernels
    assert kernels.form == "linear" and kernels.in_colour
    assert np.array_equal(kernels.weights, layer.weight.detach().numpy().reshape(5, 3, 4, 4))


class ChannelsLast(nn.Module):
    """Flattens the picture with its channels last."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(48, 5)

    def forward(self, x):
        return self.fc(x.permute(0, 2, 3, 1).reshape(len(x), -1))


def test_weights_find_their_pixels_whatever_the_order_of_flattening():
    net = ChannelsLast()
    kernels = one(net, (3, 4, 4)).kernels
    expected = net.fc.weight.detach().reshape(5, 4, 4, 3).permute(0, 3, 1, 2).numpy()
    assert np.array_equal(kernels.weights, expected)


def test_the_factor_of_a_batch_normalisation_is_kept_beside_the_weights():
    conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.running_var.copy_(torch.tensor([1.0, 4.0, 1e-4, 9.0]))
        norm.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5, 0.0]))
        norm.weight.copy_(torch.tensor([1.0, -3.0, 1e-6, 2.0]))
        norm.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    kernels = one(nn.Sequential(conv, norm, nn.ReLU()), (3, 8, 8)).kernels
    expected = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    assert np.allclose(kernels.gain, expected.detach(), rtol=1e-3, atol=1e-8)
    shift = norm(conv.bias.reshape(1, 4, 1, 1)).flatten()
    assert np.allclose(kernels.shift, shift.detach(), atol=1e-4)
    assert np.array_equal(kernels.weights, conv.weight.detach().numpy())


def test_a_normalisation_by_the_batch_itself_has_no_factor():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    assert one(net, (3, 8, 8)).kernels.gain is None


def test_by_default_it_is_the_first_convolution():
    net = nn.Sequential(nn.Identity(), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
    assert list(looked_at(net, (3, 8, 8))) == ["1"]


def test_a_pattern_or_a_block_names_the_convolutions_inside():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(80, 2)
    )
    assert list(looked_at(net, (3, 8, 8), "*")) == ["0.0", "1"]
    assert list(looked_at(net, (3, 8, 8), "0")) == ["0.0"]
    assert list(looked_at(net, (3, 8, 8), "3")) == ["3"]


def test_a_convolution_that_is_called_twice_is_one():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    assert len(looked_at(nn.Sequential(conv, nn.ReLU(), conv), (3, 8, 8), "*")) == 1


class Functional(nn.Module):
    """Two convolutions without layers of their own."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(random_weights(4, 3, 3, 3)), nn.Parameter(random_weights(5, 4, 3, 3))

    def forward(self, x):
        return F.conv2d(F.conv2d(x, self.a), self.b)


def test_convolutions_without_a_layer_go_by_their_own_names():
    net = Functional()
    found = looked_at(net, (3, 8, 8))
    ((path, layer),) = found.items()
    assert "conv2d" in path and np.array_equal(layer.kernels.weights, net.a.detach().numpy())


def test_a_layer_without_kernels_is_refused_with_the_nearest_that_have():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
    with pytest.raises(UsageError, match=r"'1' has no kernels\. Nearest that have: 0, 2\."):
        looked_at(net, (3, 8, 8), "1")


def test_a_network_without_kernels_is_refused():
    with pytest.raises(UsageError, match="no layer with kernels"):
        looked_at(nn.Sequential(nn.ReLU(), nn.Flatten()), (3, 8, 8))


@pytest.mark.parametrize("channels", [[4], [-1], []])
def test_a_filter_that_is_not_there_is_refused(channels):
    with pytest.raises(UsageError, match="has 4, numbered from 0"):
        looked_at(nn.Conv2d(3, 4, 3), (3, 8, 8), channels=channels)


def test_keras_and_torch_twins_have_the_same_filters():
    keras = pytest.importorskip("keras", reason="the extra keras is not installed")
    w, depth = random_weights(6, 3, 3, 3), random_weights(6, 1, 3, 3, seed=1)
    inputs = keras.Input((8, 8, 3))
    first = keras.layers.Conv2D(6, 3, use_bias=False, activation="relu", name="first")
    second = keras.layers.DepthwiseConv2D(3, use_bias=False, name="second")
    model = keras.Model(inputs, second(first(inputs)))
    first.set_weights([w.permute(2, 3, 1, 0).numpy()])
    second.set_weights([depth.permute(2, 3, 0, 1).numpy()])
    torch_net = nn.Sequential(convolution(w), nn.ReLU(), convolution(depth, groups=6))
    ours = list(looked_at(torch_net, (3, 8, 8), "*").values())
    theirs = list(looked_at_keras(model).values())
    assert [layer.path for layer in theirs] == ["first", "second"]
    for a, b in zip(ours, theirs):
        assert a.kernels.form == b.kernels.form and np.array_equal(a.kernels.weights, b.kernels.weights)
        for name in type(a.measures).__slots__:
            assert np.array_equal(getattr(a.measures, name), getattr(b.measures, name), equal_nan=True), name
        assert [f.to_dict() | {"layer": ""} for f in a.findings] == [f.to_dict() | {"layer": ""} for f in b.findings]
    assert np.array_equal(ours[1].composed.weights, theirs[1].composed.weights)


def looked_at_keras(model):
    from seethrough.anatomy.filters import look_at_filters
    from seethrough.network import open as open_network

    net = open_network(model)
    return look_at_filters(net.opened, net.graph(), "*", None)[0]


def test_a_separable_layer_of_keras_shows_both_its_kernels():
    keras = pytest.importorskip("keras", reason="the extra keras is not installed")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.SeparableConv2D(5, 3, name="both")(inputs))
    found = looked_at_keras(model)
    assert [layer.kernels.form for layer in found.values()] == ["depthwise", "pointwise"]
    assert all(path.startswith("both/") for path in found)


def test_a_transposed_layer_of_keras_is_the_kernel_that_it_paints():
    keras = pytest.importorskip("keras", reason="the extra keras is not installed")
    inputs = keras.Input((4, 4, 1))
    layer = keras.layers.Conv2DTranspose(2, 3, strides=3, use_bias=False, name="up")
    model = keras.Model(inputs, layer(inputs))
    (found,) = looked_at_keras(model).values()
    spot = np.zeros((1, 4, 4, 1), np.float32)
    spot[0, 1, 1, 0] = 1
    painted = keras.ops.convert_to_numpy(model(spot))[0, 3:6, 3:6].transpose(2, 0, 1)
    assert np.allclose(found.kernels.weights[:, 0], painted)
