"""Small networks of both frameworks of which it is known what they read, and pictures for them."""

from __future__ import annotations

import os

import numpy as np
import torch
import torch.nn as nn
from PIL import Image

os.environ.setdefault("KERAS_BACKEND", "torch")

import seethrough as st

SIDE, COUNT = 24, 240
THING, MARK = (slice(9, 15), slice(9, 15)), (slice(0, 5), slice(0, 5))
CLASSES = ("dark", "light")


class Reads(nn.Module):
    """Grey pixels through a convolution, then a linear layer over all places: class 1 where the mark and the thing are
    bright, each with a strength of its own.
    """

    def __init__(self, thing: float, mark: float) -> None:
        super().__init__()
        self.grey, self.act = nn.Conv2d(3, 1, 1, bias=False), nn.ReLU()
        self.grey.weight.data.fill_(1 / 3)
        self.read = nn.Linear(SIDE * SIDE, 2)
        weight = torch.zeros(2, SIDE, SIDE)
        for at, strength in ((THING, thing), (MARK, mark)):
            weight[(1, *at)] = strength / weight[(1, *at)].numel()
        self.read.weight.data, self.read.bias.data = weight.flatten(1), torch.tensor([0.0, -(thing + mark) / 2])

    def forward(self, x):
        return self.read(self.act(self.grey(x)).flatten(1))


class Normed(nn.Module):
    """Convolutions with normalisation in between and a head; two of the convolutions are the last block."""

    def __init__(self, outputs: int = 2, bias: bool = True) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(6, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5), nn.ReLU())
        self.head = nn.Linear(5, outputs, bias=bias)
        for layer in (self.first[1], self.second[1], self.third[1]):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 1.5)

    def forward(self, x):
        return self.head(self.third(self.second(self.first(x))).mean((2, 3)))


def keras_model(outputs: int = 2, dense: bool = True):
    """A Keras network with normalisation, whose head is a dense layer or a 1 × 1 convolution."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    given = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="first")(given)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(6, 3, activation="relu", name="second")(x)
    x = layers.Conv2D(5, 3, activation="relu", name="third")(x)
    x = layers.GlobalAveragePooling2D(keepdims=not dense)(x)
    final = "softmax" if outputs > 1 else "sigmoid"
    if dense:
        out = layers.Dense(outputs, activation=final, name="head")(x)
    else:
        out = layers.Activation(final)(layers.Flatten()(layers.Conv2D(outputs, 1, name="head")(x)))
    model = keras.Model(given, out)
    model.get_layer("norm").moving_mean.assign(np.linspace(-0.1, 0.1, 4))
    model.get_layer("norm").moving_variance.assign(np.linspace(0.5, 1.5, 4))
    return model


def opened(network, **said):
    if isinstance(network, nn.Module) and not hasattr(network, "get_config"):
        network = network.eval()
        said = {"input_size": (3, SIDE, SIDE), **said}
    return st.open(network, **{"preprocessing": "unit", "classes": CLASSES, **said})


def pictures(home, count: int = COUNT, agree: float = 0.9, seed: int = 0):
    """A folder for each class: the thing is bright in one; so is a mark in the corner, in ``agree`` of the pictures."""
    chance = np.random.default_rng(seed)
    for k in range(count):
        label = k % 2
        x = chance.uniform(0.3, 0.6, (SIDE, SIDE, 3))
        x[THING] = 0.85 if label else 0.15
        x[MARK] = 0.9 if (label if chance.random() < agree else 1 - label) else 0.1
        place = home / CLASSES[label]
        place.mkdir(exist_ok=True, parents=True)
        Image.fromarray((x * 255).astype(np.uint8)).save(place / f"{k:03}.png")
    return home


def boxes_of(home):
    """Where the thing is."""
    return {f"{p.parent.name}/{p.name}": (9, 9, 14, 14) for p in home.glob("*/*.png")}


def facts_of_noise(net, count: int = 24):
    """What is known of a few pictures of noise, as an audit knows it."""
    from seethrough.datasets.collection import collect
    from seethrough.findings.canvas import Canvas
    from seethrough.findings.facts import facts_of
    from seethrough.findings.looking import Looking
    from seethrough.jobs import run

    chance = np.random.default_rng(5)
    images = [chance.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count)]
    collection = collect(images)
    canvas = Canvas(net, collection)
    return facts_of(canvas, run(net, collection, Looking(canvas)), np.arange(count) % 2)
