"""Activations are what the network's own layers give; measures, fields and memory are as said; what makes no sense is
refused.
"""

import os
import weakref

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from numpy.testing import assert_allclose, assert_array_equal

import seethrough as st
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.features import activation_gather
from seethrough.features.activation_ends import ends_of
from token_networks import ViT


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Net(nn.Module):
    """One rectifier for two calls, written in place; a pool, a sigmoid, a linear layer; a constant beside."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.a, self.b = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 9, 3, stride=2, padding=1)
        self.relu, self.pool, self.gate, self.fc = nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Sigmoid(), nn.Linear(9, 4)
        self.constant, self.unused = nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, x):
        y = self.pool(self.relu(self.a(x)))
        y = self.gate(6 * self.relu(self.b(y)))
        return self.fc(y.mean((2, 3))) + self.constant(torch.ones(1, 1, dtype=x.dtype))


@pytest.fixture(scope="module")
def module():
    return Net().eval()


@pytest.fixture(scope="module")
def net(module):
    return st.open(module, input_size=(3, 16, 20), preprocessing="unit")


@pytest.fixture(scope="module")
def images():
    return torch.rand(5, 3, 16, 20, generator=torch.Generator().manual_seed(7))


def hooked(module, images):
    """What each layer returned, call by call, by plain forward hooks."""
    kept, hooks = {}, []
    for name, layer in module.named_modules():

        def keep(layer, given, out, name=name):
            again = sum(key.partition(":")[0] == name for key in kept)
            kept[f"{name}:{again + 1}" if again else name] = out.detach().clone()

        hooks.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        module(images)
    for hook in hooks:
        hook.remove()
    return kept


# --- values -----------------------------------------------------------------------------------------------------------


def test_they_are_what_plain_hooks_see(net, module, images):
    found = st.activations(net, images, "*", most=None, values=True)
    expected = hooked(module, images)
    assert set(found) == {"Net", "a", "b", "relu", "relu:2", "pool", "gate", "fc"}
    for path, layer in found.items():
        assert_allclose(layer.maps, expected["" if path == "Net" else path].numpy(), rtol=1e-5, atol=1e-6)
        assert_array_equal(layer.values, layer.maps)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_batches_change_nothing(net, images, size):
    whole = st.activations(net, images, "*", most=3)
    parts = st.activations(net, images, "*", most=3, batch_size=size)
    assert parts.passes.forward == (5 if size >= 5 else 10)
    for path, layer in whole.items():
        assert_array_equal(parts[path].channels, layer.channels)
        assert_allclose(parts[path].maps, layer.maps, rtol=1e-5, atol=1e-6)
        assert_allclose(parts[path].measures.zeros, layer.measures.zeros, atol=1e-6)


def test_where_channels_are_named_or_all_are_kept_batches_go_through_once(net, images):
    for asked in ({"channels": [2, 0]}, {"most": None}):
        assert st.activations(net, images, "a", batch_size=2, **asked).passes.forward == 5
    assert_array_equal(st.activations(net, images, "a", channels=[2, 0])["a"].channels, [2, 0])


def test_the_strongest_channels_are_kept_and_mean_and_spread_are_of_the_images(net, module, images):
    layer = st.activations(net, images, "relu", most=4)["relu"]
    expected = hooked(module, images)["relu"].numpy()
    order = np.argsort(-np.abs(expected).mean((0, 2, 3)), kind="stable")[:4]
    assert_array_equal(layer.channels, order)
    assert layer.count == 6 and layer.maps.shape == (5, 4, 16, 20)
    assert_allclose(layer.mean, expected[:, order].mean(0), rtol=1e-4, atol=1e-6)
    assert_allclose(layer.spread, expected[:, order].std(0), rtol=1e-3, atol=1e-6)


def test_of_keras_they_are_what_a_sub_model_gives_in_its_own_layout():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(2)
    model = keras.Sequential([
        keras.Input((12, 10, 3)),
        keras.layers.Conv2D(5, 3, activation="relu", name="first"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Conv2D(7, 3, padding="same", activation="tanh", name="second"),
        keras.layers.GlobalAveragePooling2D(name="gap"),
        keras.layers.Dense(4, activation="softmax", name="out"),
    ])  # fmt: skip
    batch = np.random.default_rng(0).random((2, 12, 10, 3), dtype=np.float32)
    found = st.activations(
        st.open(model, preprocessing="unit"), batch, ["first", "pool", "second", "gap", "out"], values=True
    )
    for name, layer in found.items():
        outputs = keras.Model(model.inputs, model.get_layer(name).output)(batch)
        assert_allclose(layer.values, outputs.detach().numpy(), rtol=1e-4, atol=1e-5)
        if layer.values.ndim == 4:
            assert_allclose(layer.maps, layer.values.transpose(0, 3, 1, 2)[:, layer.channels], atol=1e-6)
    assert [found[n].function for n in ("first", "pool", "second", "gap", "out")] == [
        "relu",
        "relu",
        "tanh",
        None,
        "softmax",
    ]


def test_tokens_stand_on_the_pictures_grid_and_come_back_whole():
    torch.manual_seed(0)
    module = ViT(extra=2, side=(24, 16)).eval()
    images = torch.rand(2, 3, 24, 16)
    net = st.open(module, input_size=(3, 24, 16), preprocessing="unit")
    found = st.activations(net, images, ["patches", "blocks.1"], most=None, values=True)
    expected = hooked(module, images)["blocks.1"]
    assert found["blocks.1"].maps.shape == (2, 8, 6, 4)
    assert_allclose(found["blocks.1"].values, expected.numpy(), rtol=1e-4, atol=1e-5)
    on_grid = expected[:, 2:].transpose(1, 2).reshape(2, 8, 6, 4)
    assert_allclose(found["blocks.1"].maps, on_grid.numpy(), rtol=1e-4, atol=1e-5)
    assert found["blocks.1"].field.whole and found["patches"].field.size == (4, 4)


# --- measures ---------------------------------------------------------------------------------------------------------


def test_measures_are_of_every_channel_and_as_counted_directly(net, module, images):
    layer = st.activations(net, images, "relu", most=1)["relu"]
    a = hooked(module, images)["relu"].numpy()
    m = layer.measures
    assert layer.rectified and m.saturated is None and m.mean.shape == (5, 6)
    for name, expected in (
        ("mean", a.mean((2, 3))), ("max", a.max((2, 3))), ("min", a.min((2, 3))), ("strength", np.abs(a).mean((2, 3))),
        ("zeros", (a == 0).mean((2, 3))), ("finite", np.ones((5, 6))),
    ):  # fmt: skip
        assert_allclose(getattr(m, name), expected, rtol=1e-4, atol=1e-6)
    ring = np.abs(a).sum((2, 3)) - np.abs(a[:, :, 1:-1, 1:-1]).sum((2, 3))
    assert_allclose(m.rim * np.abs(a).sum((2, 3)), ring, rtol=1e-3, atol=1e-3)
    assert_array_equal(m.dead, (a == 0).all((2, 3)))


def test_a_channel_that_cannot_fire_is_dead_and_one_pushed_far_is_saturated(images):
    module = Net().eval()
    with torch.no_grad():
        module.a.bias[1], module.b.bias[4] = -100, 100
    found = st.activations(st.open(module, input_size=(3, 16, 20), preprocessing="unit"), images, ["relu", "gate"])
    assert found["relu"].measures.dead[:, 1].all()
    assert_array_equal(found["relu"].measures.dead, (hooked(module, images)["relu"] == 0).all(3).all(2).numpy())
    assert (found["gate"].measures.saturated[:, 4] == 1).all()
    gate = hooked(module, images)["gate"].numpy()
    assert_allclose(found["gate"].measures.saturated, ((gate <= 0.01) | (gate >= 0.99)).mean((2, 3)), atol=1e-6)


FUNCTIONS = {
    "relu": (F.relu, lambda a: np.zeros_like(a, bool), True),
    "relu6": (F.relu6, lambda a: a >= 6, True),
    "hardtanh": (lambda x: F.hardtanh(x, -2.0, 3.0), lambda a: (a <= -2) | (a >= 3), False),
    "rectified by hardtanh": (lambda x: F.hardtanh(x, 0.0, 4.0), lambda a: a >= 4, True),
    "clamp": (lambda x: torch.clamp(x, min=0, max=2.5), lambda a: a >= 2.5, True),
    "clamp_min": (lambda x: x.clamp_min(0), lambda a: np.zeros_like(a, bool), True),
    "sigmoid": (torch.sigmoid, lambda a: (a <= 0.01) | (a >= 0.99), False),
    "tanh": (torch.tanh, lambda a: np.abs(a) >= 0.98, False),
    "softsign": (F.softsign, lambda a: np.abs(a) >= 0.98, False),
    "hardsigmoid": (F.hardsigmoid, lambda a: (a == 0) | (a == 1), False),
    "hardswish": (F.hardswish, lambda a: np.zeros_like(a, bool), True),
    "elu": (lambda x: F.elu(x, 2.0), lambda a: a <= -1.98, False),
    "selu": (F.selu, lambda a: a <= -1.7580993 * 0.99, False),
    "gelu": (F.gelu, lambda a: np.zeros_like(a, bool), False),
    "pooled and flattened": (lambda x: F.max_pool2d(F.relu6(x), 2).flatten(2)[..., None], lambda a: a >= 6, True),
    "two of one kind together": (lambda x: torch.cat([F.relu6(x), F.relu6(-x)], 1), lambda a: a >= 6, True),
    "two kinds together": (
        lambda x: torch.cat([F.relu6(x), torch.tanh(x)], 1),
        lambda a: np.zeros_like(a, bool),
        False,
    ),
    "nothing of the sort": (lambda x: x * 2, lambda a: np.zeros_like(a, bool), False),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_and_its_ends_are_found_in_the_graph(name):
    function, ended, rectified = FUNCTIONS[name]

    class Layer(nn.Module):
        def forward(self, x):
            return function(x)

    module = nn.Sequential(nn.Conv2d(3, 8, 1), Layer())
    nn.init.normal_(module[0].weight, std=8)
    net = st.open(module.eval(), input_size=(3, 6, 6), preprocessing="unit")
    layer = st.activations(net, torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)), "1")["1"]
    a = np.empty((2, layer.count, *layer.maps.shape[2:]), np.float32)
    a[:, layer.channels] = layer.maps
    expected = ended(a).reshape(2, layer.count, -1).mean(2)
    assert layer.rectified is rectified
    found = np.zeros_like(expected) if layer.measures.saturated is None else layer.measures.saturated
    assert_allclose(found, expected, atol=1e-6)


def test_what_the_graph_says_of_a_value_without_a_producer(net, images):
    graph = net.source.proved(images)
    assert ends_of(graph, graph.input.value) is None


def test_numbers_that_are_none_are_said_and_the_rest_stays(images):
    class Odd(nn.Module):
        def forward(self, x):
            return torch.log(x - 0.5)

    net = st.open(nn.Sequential(nn.Conv2d(3, 2, 1), Odd()).eval(), input_size=(3, 16, 20), preprocessing="unit")
    found = st.activations(net, images, "*")
    (note,) = [n for n in found.notes if n.name == "activations_not_finite"]
    assert note.level == "error" and found["1"].measures.finite.min() < 1 and (found["0"].measures.finite == 1).all()


# --- what a unit sees --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "places"), [("a", [(0, 0), (7, 9)]), ("pool", [(0, 3), (7, 9)]), ("gate", [(0, 0), (2, 3)])]
)
def test_the_rectangle_holds_the_pixels_that_move_the_unit(net, module, path, places):
    """By finite differences through the network's own layers; no padding is counted, so the rectangle is cut to it."""
    images = torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(4), dtype=torch.float32)
    found = st.activations(net, images, path, most=None)
    double = Net().double().eval()
    double.load_state_dict(module.state_dict())
    double.relu = nn.Softplus()  # a rectifier that lets everything through a little, so that every pixel shows
    double.pool = nn.AvgPool2d(2)
    before = hooked(double, images.double())[path]
    changed = images.double().repeat(320, 1, 1, 1)
    for pixel in range(320):
        changed[pixel, :, pixel // 20, pixel % 20] += 0.3
    after = hooked(double, changed)[path]
    for row, column in places:
        moved = (after[:, :, row, column] - before[:, :, row, column]).abs().amax(1).reshape(16, 20) > 1e-12
        rows, columns = torch.nonzero(moved.any(1)), torch.nonzero(moved.any(0))
        seen = found.seen(path, row, column)
        assert (seen.top, seen.bottom) == (rows.min(), rows.max() + 1)
        assert (seen.left, seen.right) == (columns.min(), columns.max() + 1)


def test_the_rectangle_is_on_the_pixels_of_the_picture_that_was_given(net):
    picture = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    stretched = st.open(Net().eval(), input_size=(3, 16, 20), preprocessing={"scale": 1 / 255, "fit": "stretch"})
    seen = st.activations(stretched, picture, "a").seen("a", 5, 6)
    assert (seen.top, seen.bottom, seen.left, seen.right) == (16, 28, 20, 32)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_of_a_pattern_of_twenty_layers_only_what_is_kept_stays(monkeypatch, images):
    layers = [m for k in range(20) for m in (nn.Conv2d(3 if k == 0 else 16, 16, 3, padding=1), nn.ReLU())]
    net = st.open(nn.Sequential(*layers).eval(), input_size=(3, 16, 20), preprocessing="unit")
    refs, alive = [], []
    plain = activation_gather.Gathered.measure

    def measure(self, value):
        refs.append(weakref.ref(value))
        alive.append(sum(r() is not None for r in refs))
        plain(self, value)

    monkeypatch.setattr(activation_gather.Gathered, "measure", measure)
    found = st.activations(net, images, [str(2 * k + 1) for k in range(20)], most=2)
    assert len(alive) == 20 and max(alive) <= 2
    held = sum(layer.maps.nbytes for layer in found.values())
    assert held == 20 * 5 * 2 * 16 * 20 * 4
    assert all(layer.maps.base is None or layer.maps.base.nbytes == layer.maps.nbytes for layer in found.values())


# --- which layers -----------------------------------------------------------------------------------------------------


def test_where_no_layer_is_named_the_last_of_each_size_is_shown(net, images):
    found = st.activations(net, images)
    assert list(found) == ["relu", "pool", "gate"]
    assert [n.name for n in found.notes if n.level == "info" and n.name.startswith("layers")] == ["layers_by_size"]


def test_an_operation_can_be_asked_for_by_its_own_path(net, module, images):
    (path,) = [o.path for o in net.source.proved(images).operations if o.name == "mean"]
    layer = st.activations(net, images, path, values=True)[path]
    assert_allclose(layer.values, hooked(module, images)["gate"].mean((2, 3)).numpy(), rtol=1e-5)
    assert layer.places == () and layer.drawn.shape == (5, 9, 1, 1)


def test_a_pattern_passes_over_what_does_not_depend_on_the_image_and_says_so(net, images):
    found = st.activations(net, images, ["a", "*un*", "*constant*"])
    (note,) = [n for n in found.notes if n.name == "layers_left_out"]
    assert list(found) == ["a"] and note.numbers["layers"] == 2


@pytest.mark.parametrize("path", ["constant", "unused"])
def test_a_layer_that_does_not_depend_on_the_image_is_refused(net, images, path):
    with pytest.raises(NetworkRefused, match=f"layer '{path}' gives no value that depends on the image"):
        st.activations(net, images, path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layers": "gates"}, "no layer 'gates'.*Nearest: gate"),
        ({"layers": "poo?x*"}, "no layer 'poo"),
        ({"layers": "a", "channels": [0, 6]}, "Layer 'a' has the channels 0…5; there is no channel 6"),
        ({"layers": "a", "channels": -1}, "there is no channel -1"),
        ({"layers": "a", "channels": []}, "No channel was named"),
        ({"layers": "a", "most": 0}, "most is at least 1"),
        ({"layers": "a", "batch_size": 0}, "batch_size is at least 1"),
        ({"layers": "a", "scale": "image"}, "'unit', 'layer' or 'network', not by 'image'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(net, images, asked, message):
    with pytest.raises(UsageError, match=message):
        st.activations(net, images, **asked)


def test_a_network_without_places_gives_numbers_where_a_layer_is_named_and_is_refused_where_none_is():
    net = st.open(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)), input_size=(6,))
    with pytest.raises(NetworkRefused, match="no layer of this network has height and width"):
        st.activations(net, torch.randn(2, 6))
    layer = st.activations(net, torch.randn(2, 6), "1")["1"]
    assert layer.maps.shape == (2, 5) and layer.field is None and layer.measures.rim is None


def test_a_network_that_runs_only_as_a_whole_is_refused(images):
    def answers(batch):
        return np.asarray(batch).mean((2, 3))

    with pytest.raises(InputRefused, match="can't be written down"):
        st.activations(st.open(answers, input_size=(3, 16, 20), preprocessing="unit"), images, "*")
