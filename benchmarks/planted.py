"""Defects planted into trained networks: dead, cloned and scaled filters, and a first layer that strides by four.

The networks are those of the folder that SEETHROUGH_DATA names (``../shared/data`` beside the project), and our own demo network;
each is opened anew, so that a defect harms nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import seethrough as st
from seethrough.anatomy.weights import own_weights
from seethrough.condition.sites import Site, sites
from seethrough.network import Network

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "shared/data"))

Pictures = Any
"""A list of paths, or uint8 (N, H, W, 3)."""


@dataclass(frozen=True)
class Subject:
    """A trained network to plant into.

    Attributes
    ----------
    name
        What it is called in the table.
    fresh
        Opens it anew.
    pictures
        Two disjoint sets of pictures like those that it was trained on.
    strided
        Opens it anew with a first layer that strides by four.
    """

    name: str
    fresh: Callable[[], Network]
    pictures: Callable[[], tuple[Pictures, Pictures]]
    strided: Callable[[], Network]


@dataclass(frozen=True)
class Planted:
    """A defect: what finding it should make, and where."""

    finding: str
    layer: str
    units: tuple[int, ...]


def plant(net: Network, seed: int = 0) -> list[Planted]:
    """Plant dead, cloned and scaled filters into three layers of a network, in its own weights.

    Only dense convolutions with a rectifier take part, and of these only units that the network uses.
    """
    rng = np.random.default_rng(seed)
    fit = [
        s for s in sites(net.graph()) if s.kind == "convolution" and s.activation in ("relu", "relu6") and not s.role
    ]
    fit = [s for s in fit if s.weights is not None and len(s.weights) >= 8]
    planted = []
    for site, finding in zip([fit[k * (len(fit) - 1) // 2] for k in range(3)], ("duplicates", "dead", "dominating")):
        a, b = _strong(site, rng)
        if finding == "dead":
            kill(net, site, a)
            planted.append(Planted("dead", site.path, (a,)))
        elif finding == "duplicates":
            clone(net, site, a, b)
            planted.append(Planted("duplicates", site.path, (a, b)))
        else:
            strengthen(net, site, a, 40.0)
            planted.append(Planted("dominating", site.path, (a,)))
    return planted


def kill(net: Network, site: Site, unit: int) -> None:
    """Take a unit's weights, bias and shift away."""
    for name, row in _rows(net, site, unit):
        if "var" not in name:
            row.zero_()


def clone(net: Network, site: Site, source: int, target: int, scale: float = 2.0) -> None:
    """Give a unit the weights of another, larger by a factor; its normalisation takes that back."""
    factors = {"kernel": scale, "weight": scale, "bias": scale, "mean": scale, "var": scale**2}
    given = dict(_rows(net, site, source, named=True))
    for name, row in _rows(net, site, target, named=True):
        layer, _, own = name.rpartition("|")
        norm = layer != site.path
        kind = next((k for k in ("mean", "var") if k in own), None) or (None if norm else own)
        row.copy_(given[name] * (factors.get(kind, 1.0) if kind else 1.0))


def strengthen(net: Network, site: Site, unit: int, factor: float) -> None:
    """Multiply a unit's weights and bias, behind which nothing takes that back."""
    for name, row in _rows(net, site, unit, named=True):
        if name.startswith(f"{site.path}|"):
            row.mul_(factor)


def _strong(site: Site, rng: np.random.Generator) -> tuple[int, int]:
    """Two units of a layer that it uses: of the stronger half."""
    assert site.weights is not None
    sizes = site.weights.flatten(1).norm(dim=1) * (1 if site.scale is None else site.scale.abs())
    strong = sizes.argsort(descending=True)[: len(sizes) // 2].tolist()
    a, b = rng.choice(strong, 2, replace=False)
    return int(a), int(b)


def _rows(net: Network, site: Site, unit: int, *, named: bool = False) -> list[tuple[str, torch.Tensor]]:
    """What belongs to a unit in the weights of its convolution and normalisation, as views."""
    keras = net.opened.framework == "keras"
    found = []
    for path in site.paths:
        if path not in net.layers:
            continue
        for weight in own_weights(net.layers[path], net.opened.framework):
            if weight.tensor.dim():
                row = weight.tensor.detach().select(-1 if keras and weight.tensor.dim() > 1 else 0, unit)
                found.append((f"{path}|{weight.name}" if named else weight.name, row))
    return found


# --- the networks -----------------------------------------------------------------------------------------------------


def subjects() -> list[Subject]:
    """Those that are here."""
    found = [Subject("demo:leopards", _leopards, _leopard_pictures, lambda: _torch_stride(_leopards(), "stem.conv"))]
    if not (DATA / "MANIFEST.md").exists():
        return found
    sys.path.insert(0, str(DATA / "code"))
    found.append(Subject("CIFAR ResNet-20", _cifar, _cifar_pictures, lambda: _torch_stride(_cifar(), "conv1")))
    found.append(Subject("Tiny VGG", _tiny, _tiny_pictures, _tiny_strided))
    found.append(Subject("MobileNet 128", _mobilenet, _photos, lambda: _keras_stride(_mobilenet(), "conv1")))
    found.append(Subject("SqueezeNet 1.1", _squeezenet, _photos, lambda: _keras_stride(_squeezenet(), "conv1")))
    return found


def _leopards() -> Network:
    return st.open("demo:leopards")


def _leopard_pictures() -> tuple[Pictures, Pictures]:
    from seethrough.datasets.leopards import leopards

    return leopards(120).pictures, leopards(120, start=120).pictures


def _cifar() -> Network:
    from nets import CifarResNet  # pyright: ignore[reportMissingImports]
    from safetensors.torch import load_file

    module = CifarResNet(20)
    module.load_state_dict(load_file(DATA / "cifar10/cifar10_resnet20.safetensors"))
    return st.open(module.eval(), input_size=(3, 32, 32), preprocessing="torch")


def _cifar_pictures() -> tuple[Pictures, Pictures]:
    return _halves(DATA / "cifar10/test_jpeg")


def _tiny() -> Network:
    return st.open(DATA / "tiny_vgg/tiny_vgg.keras", preprocessing="unit")


def _tiny_pictures() -> tuple[Pictures, Pictures]:
    first, second = _photos()
    return [*sorted((DATA / "tiny_vgg/images").iterdir()), *first[:80]], second[:100]


def _tiny_strided() -> Network:
    """Its linear layer wants its size, so that behind the stride the map is enlarged again."""
    import keras

    whole: Any = _tiny().module
    first, *rest = [layer for layer in whole.layers if not isinstance(layer, keras.layers.InputLayer)]
    x = inputs = keras.Input(whole.input_shape[1:])
    strided = keras.layers.Conv2D.from_config({**first.get_config(), "strides": (4, 4)})
    x = strided(x)
    strided.set_weights(first.get_weights())
    x = keras.layers.Resizing(*first.output.shape[1:3])(x)
    for layer in rest:
        x = layer(x)
    return st.open(keras.Model(inputs, x), preprocessing="unit")


def _mobilenet() -> Network:
    return st.open(DATA / "models/mobilenet_v1_025_128_imagenet.keras", preprocessing="tf")


def _squeezenet() -> Network:
    return st.open(DATA / "models/squeezenet1_1_imagenet.keras", preprocessing="torch")


def _photos() -> tuple[Pictures, Pictures]:
    return _halves(DATA / "boxes/val_227")


def _halves(folder: Path) -> tuple[Pictures, Pictures]:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return files[::2], files[1::2]


def _torch_stride(net: Network, layer: str) -> Network:
    first: Any = net.layers[layer]
    first.stride = (4, 4)
    return net


def _keras_stride(net: Network, layer: str) -> Network:
    first: Any = net.layers[layer]
    first.strides = (4, 4)
    return net
