"""Tiny networks with a defect that is known in closed form, and pictures for them."""

import numpy as np
import torch
import torch.nn as nn

import seethrough as st


def pictures(count=32, size=32, seed=0):
    """Shaded blobs and some grain, uint8 (N, size, size, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    out = np.empty((count, size, size, 3))
    for k in range(count):
        at, wide = random.random((3, 2)), 0.1 + 0.2 * random.random(3)
        blobs = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / w**2) for (a, b), w in zip(at, wide)]
        out[k] = 0.2 + 0.6 * np.stack(blobs, -1) + random.normal(0, 0.05, (size, size, 3))
    return (np.clip(out, 0, 1) * 255).astype(np.uint8)


def opened(module, size=32):
    """A network on pictures between 0 and 1."""
    return st.open(module.eval(), input_size=(3, size, size), preprocessing="unit")


def small(seed=0, **settings):
    """Two convolutions with rectifiers and a linear layer, all units alive and unlike each other."""
    torch.manual_seed(seed)
    first = nn.Conv2d(3, 16, 3, padding=1, **settings)
    second = nn.Conv2d(16, 24, 3, padding=1)
    net = nn.Sequential(
        first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 5)
    )
    with torch.no_grad():
        for layer in (first, second):
            layer.weight -= layer.weight.mean((1, 2, 3), keepdim=True)
            layer.bias.fill_(0.02)
    return net


def names(health, *, layer=None):
    """The findings' names, of one layer where it is named."""
    return [f.name for f in health.findings if layer in (None, f.layer)]


def finding(health, name, layer):
    """The one finding of a name about a layer."""
    (found,) = [f for f in health.findings if (f.name, f.layer) == (name, layer)]
    return found
