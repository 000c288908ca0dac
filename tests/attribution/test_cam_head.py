"""CAM: weights read off a pooled head, however it is written, and what is said where there is none."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from cam_networks import LAYER, TARGETS, X, asked, close, layer_and_gradient, network, pooled
from seethrough.errors import UsageError


def test_the_mean_of_a_cam_is_the_target_less_its_bias():
    module = pooled()
    found = asked("cam", module)
    bias = module[6].bias.detach()[TARGETS]
    close(found.values.mean((1, 2)), module(X)[[0, 1], TARGETS].detach() - bias)
    said = [note.numbers for note in found.checks if note.name == "pooled_head"]
    close([n["mean"] for n in said], found.values.mean((1, 2)))
    close([n["score"] for n in said], found.scores)
    assert found.layer in ("1", LAYER)  # the identity hands on what the activation gives


def test_gradcam_and_hirescam_are_cam_over_the_number_of_places():
    module = pooled()
    cam = asked("cam", module).values
    assert cam.shape == (2, 4, 5) and cam.min() < 0 < cam.max()
    for name in ("gradcam", "hirescam"):
        close(asked(name, module).values, np.maximum(cam, 0) / 20)


def test_a_contrast_has_the_difference_of_two_cams_and_a_function_its_slope():
    module = pooled()
    one, other, both = (asked("cam", module, target=t).values for t in (3, 1, "3 - 1"))
    close(both, one - other)
    close(asked("cam", module, target=lambda out: 2 * out[:, 3] - 0.5 * out[:, 1]).values, 2 * one - 0.5 * other)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ([nn.Conv2d(7, 6, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)], "'relu' in layer '4'|'flatten'"),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 6), nn.Linear(6, 4)], "'5' is a second one"),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 4)], "'relu' in layer '6'"),
        ([nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(7, 4)], "'adaptive_max_pool2d' in layer '3'"),
        ([nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(28, 4)], "stands between"),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(7), nn.Linear(7, 4)], "'layer_norm' in layer '5'"),
    ],
)
def test_cam_says_what_stands_between_the_pooling_and_the_answer(head, words):
    with pytest.raises(UsageError, match=rf"cam needs average pooling.*({words}).*use gradcam"):
        asked("cam", network(head))


@pytest.mark.parametrize(
    "head",
    [
        [nn.AdaptiveAvgPool2d(1), nn.Conv2d(7, 4, 1), nn.Flatten()],
        [nn.AvgPool2d((4, 5)), nn.Flatten(), nn.Linear(7, 4)],
        [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 4), nn.Softmax(1)],
    ],
)
def test_cam_reads_its_weights_however_the_head_is_written(head):
    module = network(head)
    plain = nn.Sequential(*(layer for layer in module if not isinstance(layer, nn.Softmax)))
    a, g = layer_and_gradient(plain)
    close(asked("cam", module).values, 20 * (g * a).sum(1))


def test_cam_of_class_maps_that_are_averaged_is_the_class_map():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = st.cam(st.open(module, input_size=(3, 9, 11)), X, target=TARGETS)
    close(found.values, module[:2](X).detach()[[0, 1], TARGETS])


def test_cam_reads_a_keras_network_in_its_own_layout():
    keras = pytest.importorskip("keras", reason="Keras isn't installed (the extra 'keras')")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(7, 3, activation="relu", name="conv"), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential(
        [keras.Input((9, 11, 3)), *layers, keras.layers.Dense(4, activation="softmax", name="head")]
    )
    x = X.permute(0, 2, 3, 1).numpy()
    found = st.cam(st.open(model), x, target=TARGETS)
    a = keras.Model(model.inputs, model.get_layer("conv").output)(x).detach()
    weights = torch.as_tensor(model.get_layer("head").get_weights()[0])[:, TARGETS]
    close(found.values, torch.einsum("nhwc,cn->nhw", a, weights))
    assert found.layer == "conv"
