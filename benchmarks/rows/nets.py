"""Networks of the table, as peers know them: torchvision's and Keras' own, with seeded weights, at the scale of trained ones.

Weights that are only drawn let activations die out or grow from block to block, and then results agree or differ for no
reason. So rectified layers are drawn as He et al. (2015) say, with biases (without any, a network of rectifiers is straight from black to
the picture, and integrating it no work), the last normalisation of a block gives little (else fifty layers are chaos, which
no trained network is), and batch normalisations are given the statistics of some pictures.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch
from torch import Tensor, nn

import seethrough as st
from seethrough.models.torchvision_import import make_torchvision_importable

NETWORKS = ("vgg16", "resnet50", "keras_mobilenetv2", "keras_vgg16", "keras_resnet50")
NAMES = {
    "vgg16": "VGG16",
    "resnet50": "ResNet-50",
    "keras_mobilenetv2": "MobileNetV2 (Keras)",
    "keras_vgg16": "VGG16 (Keras)",
    "keras_resnet50": "ResNet-50 (Keras)",
}
KERAS = {"keras_mobilenetv2": "MobileNetV2", "keras_vgg16": "VGG16", "keras_resnet50": "ResNet50"}
TARGET = 7
BIAS, LAST_OF_BLOCK = 0.1, 0.3
MIDDLE = {"vgg16": "features.12", "resnet50": "layer2"}
"""The middle convolution of the middle one of five blocks; what the second of four stages gives."""


def network(name: str, side: int = 224, device: str = "cpu") -> Any:
    """A network, in inference, its parameters frozen, its rectifiers not in place, which peers' hooks can't do with."""
    torch.manual_seed(0)
    return _keras(KERAS[name], side) if name in KERAS else _torchvision(name).to(device)


def _torchvision(name: str) -> nn.Module:
    make_torchvision_importable()
    import torchvision

    module = getattr(torchvision.models, name)(weights=None)
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.normal_(part.bias, std=BIAS)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.bias, std=BIAS)
            part.momentum = None  # the mean over what it is shown
        if isinstance(part, torchvision.models.resnet.Bottleneck):
            nn.init.constant_(part.get_parameter("bn3.weight"), LAST_OF_BLOCK)
    if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()):
        with torch.no_grad():
            module.train()(pictures(4))
    return module.eval().requires_grad_(False)


def _keras(name: str, side: int) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3), classifier_activation=None)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    kept = [layer.momentum for layer in norms]
    if norms:
        for layer in norms:
            layer.momentum = 0.0
        with torch.no_grad():
            model(pictures(4, side).permute(0, 2, 3, 1).contiguous(), training=True)
        for layer, momentum in zip(norms, kept):
            layer.momentum = momentum
    model.trainable = False
    return model


class Channels(nn.Module):
    """A Keras network as a peer for torch takes it: channels first in, its own forward, no gradients of weights."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x.permute(0, 2, 3, 1), training=False)


def for_peers(name: str, net: Any) -> nn.Module:
    """A network as torch's peers take it."""
    return Channels(net) if name in KERAS else net


def opening(name: str, net: Any, side: int = 224, **options: Any) -> Callable[[], Any]:
    """What gives a newly opened network each time; its weights stay the same.

    A copy, so that nothing that an earlier opening wrote down about the module is found again.
    """
    if name in KERAS:
        import keras

        def opened() -> Any:
            fresh = keras.models.clone_model(net)
            fresh.set_weights(net.get_weights())
            fresh.trainable = False
            return st.open(fresh, **options)

        return opened
    return lambda: st.open(copy.deepcopy(net), input_size=(3, side, side), **options)


def pictures(count: int, side: int = 224, seed: int = 1) -> Tensor:
    """Smooth pictures with some grain, (count, 3, side, side), roughly of mean 0 and deviation 1."""
    chance = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 9, 9, generator=chance)
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)
    return smooth + 0.2 * torch.randn(count, 3, side, side, generator=chance)


def as_taken(name: str, images: Tensor) -> Tensor:
    """Pictures in the layout that the network itself takes."""
    return images.permute(0, 2, 3, 1).contiguous() if name in KERAS else images


def warm(device: str = "cpu") -> None:
    """Have torch ready: threads started, kernels loaded, by another, tiny network, forward and back; and our own rooms
    imported, as the peers' are before a round.
    """
    import seethrough.explanation  # noqa: F401 - imported when first asked for, else in a round

    module = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 3)).to(device)
    for _ in range(3):
        x = torch.rand(4, 3, 64, 64, device=device, requires_grad=True)
        module(x).sum().backward()
