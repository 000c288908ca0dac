"""The layer of a class activation map is found on the graph, however the network is built; any other goes by name."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused, UsageError


class VGGLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(nn.Linear(24, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2, self.relu = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x
        return self.relu(out)


class ResNetLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.layer1 = nn.Sequential(Residual(6), Residual(6))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 5)

    def forward(self, x):
        return self.fc(torch.flatten(self.avgpool(self.layer1(self.conv1(x))), 1))


class DenseNetLike(nn.Module):
    """Concatenations, and the last activation a function without a module."""

    def __init__(self):
        super().__init__()
        self.conv0, self.conv1 = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.conv2 = nn.Conv2d(8, 4, 3, 1, 1)
        self.norm5, self.classifier = nn.BatchNorm2d(12), nn.Linear(12, 5)

    def forward(self, x):
        x = self.conv0(x)
        x = torch.cat([x, self.conv1(x)], 1)
        x = torch.cat([x, self.conv2(x)], 1)
        x = F.relu(self.norm5(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.pool, self.fc1, self.fc2 = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(self.pool(x)))))


class MobileNetLike(nn.Module):
    """Depthwise convolution, hardswish, and a gate with 1 × 1 places behind the last wide one."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish())
        self.depthwise, self.gate = nn.Conv2d(8, 8, 3, 1, 1, groups=8), SqueezeExcite(8)
        self.head, self.classifier = nn.Conv2d(8, 10, 1), nn.Conv2d(10, 5, 1)

    def forward(self, x):
        x = self.gate(self.depthwise(self.stem(x)))
        x = F.adaptive_avg_pool2d(F.relu6(self.head(x)), 1)
        return self.classifier(x).flatten(1)


class InceptionLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.one, self.three = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 3, padding=1)
        self.fc = nn.Linear(10, 5)

    def forward(self, x):
        x = F.relu(self.stem(x))
        branches = [F.relu(self.one(x)), F.relu(self.three(x)), F.avg_pool2d(x, 3, stride=1, padding=1)]
        return self.fc(torch.cat(branches, 1).mean((2, 3)))


class Functional(nn.Module):
    """No module but itself."""

    def __init__(self):
        super().__init__()
        self.kernel, self.weight = nn.Parameter(torch.randn(6, 3, 3, 3)), nn.Parameter(torch.randn(5, 6))

    def forward(self, x):
        return torch.tanh(F.conv2d(x, self.kernel)).mean((2, 3)) @ self.weight.T


class Reused(nn.Module):
    """One ReLU called three times."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Linear(6, 5)

    def forward(self, x):
        x = self.relu(self.b(self.relu(self.a(x))))
        return self.fc(self.relu(x.mean((2, 3))))


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(3 * 16 * 16, 7), nn.Linear(7, 5)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def opened(build):
    torch.manual_seed(0)
    return st.open(build(), input_size=(3, 16, 16), classes=["ant", "bee", "cat", "dog", "eel"])


IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("build", "layer", "grid"),
    [
        (VGGLike, "features.4", (8, 8)),
        (ResNetLike, "layer1", (8, 8)),
        (DenseNetLike, "DenseNetLike/relu", (16, 16)),
        (MobileNetLike, "MobileNetLike/relu6", (8, 8)),
        (InceptionLike, "InceptionLike/cat", (14, 14)),
        (Functional, "Functional/tanh", (14, 14)),
        (Reused, "relu:2", (12, 12)),
    ],
)
def test_the_last_value_with_places_is_found(build, layer, grid):
    found = st.gradcam(opened(build), IMAGE, target=1)
    assert found.layer == layer and found.values.shape == (1, *grid) and found.map.shape == (1, 16, 16)
    assert [n.numbers["layer"] for n in found.checks if n.name == "layer_chosen"] == [layer]


class PoolInputs(torch.overrides.TorchFunctionMode):
    """Keeps what a forward gives to its pools, so independently of graph and names."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        pools = function in (F.adaptive_avg_pool2d, F.max_pool2d, torch.Tensor.mean, torch.max_pool2d)
        if pools and arguments[0].dim() == 4:
            self.seen.append(arguments[0])
        return function(*arguments, **(keywords or {}))


@pytest.mark.parametrize("build", [VGGLike, ResNetLike, DenseNetLike, MobileNetLike, InceptionLike, Reused])
def test_the_map_of_the_layer_found_is_that_of_what_is_pooled_last(build):
    net = opened(build)
    with PoolInputs() as pools:
        score = net.module.eval()(IMAGE.clone().requires_grad_())[0, 2]
    a = pools.seen[-2 if build is VGGLike else -1]  # VGG pools twice in a row; what stands before both is meant
    (g,) = torch.autograd.grad(score, a)
    expected = F.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).detach().numpy()
    np.testing.assert_allclose(st.gradcam(net, IMAGE, target=2).values, expected, rtol=1e-4, atol=1e-6)


def test_a_call_and_an_operation_go_by_their_paths():
    net = opened(Reused)
    first, second = (st.gradcam(net, IMAGE, target=1, layer=path) for path in ("relu", "relu:2"))
    assert first.values.shape == (1, 14, 14) and second.values.shape == (1, 12, 12)
    inside = st.gradcam(opened(DenseNetLike), IMAGE, target=1, layer="DenseNetLike/cat:2")
    assert inside.layer == "DenseNetLike/cat:2" and inside.values.shape == (1, 16, 16)
    assert not [note for note in inside.checks if note.name == "layer_chosen"]


def test_an_unknown_layer_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"no layer 'layer2'\. Nearest: layer1"):
        st.gradcam(opened(ResNetLike), IMAGE, target=1, layer="layer2")


def test_a_layer_without_places_is_answered_with_those_that_have_them():
    with pytest.raises(UsageError, match=r"'relu:3' has no height and width.*These have: a, relu, b, relu:2\."):
        st.gradcam(opened(Reused), IMAGE, target=1, layer="relu:3")


def test_a_network_without_places_has_no_gradcam_but_the_rest():
    net = opened(Perceptron)
    with pytest.raises(UsageError, match="no layer with height and width"):
        st.gradcam(net, IMAGE)
    found = st.explain(net, IMAGE)
    assert list(found) == ["smoothgrad", "integrated_gradients", "occlusion"]
    (why,) = [n.numbers for n in found.notes if n.name == "methods_chosen"]
    assert why == {"kind": "no layers that can be looked at", "methods": list(found)}


def test_inputs_without_places_have_neither_gradcam_nor_occlusion():
    net = st.open(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)), input_size=(6,))
    x = torch.randn(2, 6)
    with pytest.raises(UsageError, match="occlusion needs inputs with height and width"):
        st.occlusion(net, x)
    found = st.explain(net, x)
    assert list(found) == ["saliency", "integrated_gradients", "deeplift"]
    assert {attribution.map.shape for attribution in found.values()} == {(2, 1, 6)}


def test_a_layer_that_no_method_takes_is_refused():
    with pytest.raises(UsageError, match="layer='features' says nothing to saliency"):
        st.explain(opened(VGGLike), IMAGE, ["saliency"], layer="features")


def test_a_network_that_cannot_be_written_down_has_no_layers_and_says_why():
    class Unwritable(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 3)

        def forward(self, x):
            return torch.from_numpy(self.conv(x).detach().numpy() * 2).mean((2, 3))

    net = st.open(Unwritable(), input_size=(3, 16, 16))
    with pytest.raises(NetworkRefused, match="can't be written down"):
        st.gradcam(net, IMAGE, target=1)
    for method in (st.guided_backprop, st.deconvnet):
        with pytest.raises(NetworkRefused, match="can't be written down"):
            method(net, IMAGE, target=1)
    for method in (st.saliency, st.integrated_gradients):
        with pytest.raises(UsageError, match=r"needs a gradient .* use occlusion"):
            method(net, IMAGE, target=1)
    found = st.explain(net, IMAGE, target=1, window=8)
    assert list(found) == ["occlusion"] and "black_box" in {note.name for note in found.notes}
    left_out = [n.numbers["method"] for n in found.notes if n.name == "left_out"]
    assert left_out == ["smoothgrad", "integrated_gradients"]
    by_hand = net.module(IMAGE)[0, 1] - net.module(F.pad(IMAGE[:, :, 8:], (0, 0, 8, 0)))[0, 1]
    covered = st.occlusion(net, IMAGE, target=1, window=(8, 16), stride=(8, 16), fill=0.0)
    assert covered.map[0, 0, 0] == pytest.approx(float(by_hand), rel=1e-4)


def test_an_answer_cut_off_from_the_image_has_no_gradient_methods():
    class Detached(VGGLike):
        def forward(self, x):
            return super().forward(x).detach()

    net = opened(Detached)
    with pytest.raises(UsageError, match="saliency needs a gradient"):
        st.saliency(net, IMAGE, target=1)
    assert np.any(st.occlusion(net, IMAGE, target=1, window=8).map)


def test_keras_layers_are_found_by_their_names_and_maps_come_in_their_layout():
    keras = pytest.importorskip("keras")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((20, 12, 3)), layers.Conv2D(4, 3, activation="relu", name="first"), layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation="relu", name="last"), layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax", name="answer"),
    ])  # fmt: skip
    net, x = st.open(model), np.random.default_rng(0).random((2, 20, 12, 3), np.float32)
    found = st.explain(net, x, ["gradcam", "saliency", "occlusion"], target=2, window=5)
    assert found["gradcam"].layer == "last" and found["gradcam"].values.shape == (2, 7, 3)
    assert found["saliency"].values.shape == (2, 20, 12, 3) and found["saliency"].map.shape == (2, 20, 12)
    images = torch.from_numpy(x).requires_grad_()
    features = model.get_layer("first")(images)
    a = model.get_layer("last")(model.layers[1](features))
    logits = a.mean((1, 2)) @ model.get_layer("answer").kernel.value + model.get_layer("answer").bias.value
    g, slope = torch.autograd.grad(logits[:, 2].sum(), (a, images))
    weighted = F.relu((g.mean((1, 2), keepdim=True) * a).sum(3)).detach().numpy()
    np.testing.assert_allclose(found["gradcam"].values, weighted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["saliency"].values, slope.numpy(), rtol=1e-4, atol=1e-6)
    baseline = np.random.default_rng(1).random((20, 12, 3), np.float32)
    path = st.integrated_gradients(net, x, target=2, baseline=baseline[None])
    rises = [n.numbers["rise"] for n in path.checks if n.name == "completeness"]
    lacking = np.abs(path.values.sum((1, 2, 3)) - rises)
    assert (lacking < 0.02 * np.abs(path.values).sum((1, 2, 3))).all()
    with pytest.raises(UsageError, match=r"fill of shape \(1, 12, 20, 3\) doesn't fit images of shape \(2, 20, 12"):
        st.integrated_gradients(net, x, target=2, baseline=baseline.transpose(1, 0, 2)[None])
