"""Networks that a check of what was meant has nothing to say against, and each with one fault."""

import torch
import torch.nn as nn
from torch.nn import functional as F

import seethrough as st


def trained(module, seed=0):
    """Weights as training leaves them: not within the bounds they were drawn from; statistics that ran."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        for weight in layer.parameters(recurse=False):
            weight.data = torch.randn(weight.shape, generator=generator) * 0.1
        if getattr(layer, "running_mean", None) is not None:
            layer.running_mean.normal_(0, 0.5, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
    return module.eval()


class Small(nn.Module):
    """Convolution, normalisation, rectifier, twice; a head of five."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.block = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(16, 5)

    def features(self, x):
        return self.block(F.relu(self.norm(self.stem(x)))).mean((2, 3))

    def forward(self, x):
        return self.head(self.features(x))


def small(kind=Small, **more):
    return trained(kind(**more))


def check(module, size=(3, 16, 16), **meant):
    """A check of a live network; by default of pictures of 16 × 16."""
    return st.open(module, input_size=size).check(**meant)


def finding(found, name):
    """The one finding of a name; its level and layers and numbers are what tests look at."""
    (one,) = [f for f in found.findings if f.name == name]
    return one


def names(found, level=None):
    return [f.name for f in found.findings if level in (None, f.level)]
