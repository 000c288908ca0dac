"""Layers with units, found on the graphs of networks built in several ways."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from health_networks import opened, pictures, small

import seethrough as st
from seethrough.condition.sites import sites, units_of


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.wise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.act = nn.ReLU()
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = self.act(self.norm(self.stem(x)))
        x = self.act(self.wise(x) + x)
        return self.head(self.up(x).mean((2, 3))).softmax(1)


def test_convolution_normalisation_and_activation_are_one_layer():
    found = sites(opened(Residual()).graph())
    told = [(s.path, s.kind, s.activation, s.role) for s in found]
    assert told == [
        ("stem", "convolution", "relu", ""),
        ("wise", "depthwise convolution", None, ""),
        ("act:2", "activation", "relu", "sum"),
        ("up", "transposed convolution", None, ""),
        ("head", "linear", None, "answer"),
    ]


def test_normalisation_scales_the_filters_in_front_of_it():
    net = Residual()
    with torch.no_grad():
        net.norm.running_var[:] = 4.0
        net.norm.weight[:] = torch.arange(1.0, 9.0)
    (stem, *_) = sites(opened(net).graph())
    assert stem.scale is not None and torch.allclose(stem.scale, torch.arange(1.0, 9.0) / 2, rtol=1e-4)


def test_a_transposed_convolution_has_a_row_a_unit():
    net = Residual()
    found = {s.path: s for s in sites(opened(net).graph())}
    assert found["up"].weights.shape == (6, 8, 2, 2)
    assert torch.equal(found["up"].weights[3, 5], net.up.weight[5, 3])


def test_tokens_of_a_transformer_are_places():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 12, 8, stride=8)
            self.mlp, self.out = nn.Linear(12, 20), nn.Linear(20, 3)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            return self.out(nn.functional.gelu(self.mlp(x)).mean(1))

    net = opened(Tokens())
    graph = net.graph()
    found = {s.path: s for s in sites(graph)}
    assert found["mlp"].activation == "gelu"
    value = torch.arange(2 * 16 * 20.0).reshape(2, 16, 20)
    assert torch.equal(units_of(found["mlp"], graph, value), value.transpose(1, 2))
    health = st.health(net, pictures(26))
    assert health["mlp"].places == 16 and health["mlp"].channels == 20


def test_a_keras_twin_has_the_same_health():
    keras = pytest.importorskip("keras", reason="Keras is of the extra keras")
    torch_net = small()
    layers = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="first")(inputs)
    x = layers.Conv2D(24, 3, padding="same", activation="relu", name="second")(layers.MaxPooling2D(2)(x))
    twin = keras.Model(inputs, layers.Dense(5, name="head")(layers.GlobalAveragePooling2D()(x)))
    for name, layer in (("first", torch_net[0]), ("second", torch_net[3])):
        twin.get_layer(name).set_weights(
            [layer.weight.detach().permute(2, 3, 1, 0).numpy(), layer.bias.detach().numpy()]
        )
    twin.get_layer("head").set_weights([torch_net[7].weight.detach().T.numpy(), torch_net[7].bias.detach().numpy()])
    with torch.no_grad():
        torch_net[3].bias[5] = -1e9
    kernel, bias = twin.get_layer("second").get_weights()
    bias[5] = -1e9
    twin.get_layer("second").set_weights([kernel, bias])
    ours = st.health(opened(torch_net), pictures())
    theirs = st.health(st.open(twin, preprocessing="unit"), pictures())
    assert [layer.path for layer in theirs.layers] == ["first", "second", "head"]
    for a, b in zip(ours.layers, theirs.layers):
        assert np.allclose(a.mean, b.mean, atol=1e-5) and np.allclose(a.rms, b.rms, atol=1e-5)
        assert np.array_equal(a.dead, b.dead) and np.allclose(a.weight_rms, b.weight_rms)
    assert [(f.name, f.units) for f in ours.findings] == [(f.name, f.units) for f in theirs.findings]
    assert np.allclose(ours.strides[0].share, theirs.strides[0].share, atol=1e-4)


def test_filters_of_different_groups_are_not_compared_by_their_weights():
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.ReLU())
    with torch.no_grad():
        module[2].weight[6] = module[2].weight[1]  # of the other group
        module[2].weight[3] = module[2].weight[1]
        module[2].bias[:] = 0.1
    whole = nn.Sequential(module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    pairs = [(p.first, p.second) for p in st.health(opened(whole), pictures())["0.2"].pairs if p.cosine > 0.95]
    assert pairs == [(1, 3)]
