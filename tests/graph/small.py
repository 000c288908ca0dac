"""Small networks that several files of tests look at, and how to ask them."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from seethrough.graph.fakes import fake_tensors
from seethrough.graph.record import record
from seethrough.graph.source import GraphSource
from seethrough.graph.unite import unite


class Calls(nn.Module):
    """A function as a network: ``function(x, *modules)``."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.inside = function, nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.inside)


class Residual(nn.Module):
    """Convolution, batch normalisation, one rectifier for all, a value used twice, two pools, a linear layer."""

    def __init__(self, inplace=False, bias=True):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3, padding=1, bias=bias), nn.Conv2d(6, 6, 3, padding=1, bias=bias)
        self.norm, self.relu, self.pool = nn.BatchNorm2d(6), nn.ReLU(inplace), nn.MaxPool2d(2)
        self.fc = nn.Linear(6, 4, bias=bias)

    def forward(self, x):
        y = self.relu(self.norm(self.a(x)))
        z = self.relu(self.b(y)) + y
        return self.fc(F.relu(self.pool(z) - 0.2).mean((2, 3)))


def residual(**settings):
    """A `Residual` in inference with statistics that aren't 0 and 1."""
    torch.manual_seed(0)
    network = Residual(**settings).eval()
    network.norm.running_mean.uniform_(-0.3, 0.3)
    network.norm.running_var.uniform_(0.5, 2)
    return network


def paths(module):
    return {id(m): name for name, m in module.named_modules()}


def source_of(module, **settings):
    return GraphSource(module, module, paths(module), **settings)


def recorded(module, *size, batch=2, **settings):
    return record(
        module, module, torch.zeros(1, *size), batch=batch, paths=paths(module), fake_mode=fake_tensors(), **settings
    )


def written_down(module, *size, batches=(2, 3)):
    """The graph of a network for inputs of this size, not in canonical form."""
    return unite([recorded(module, *size, batch=batch) for batch in batches])


def first_output(out, rows):
    """A target: output 0, whatever the shape."""
    return out.flatten(1)[:, 0]


def all_outputs(out, rows):
    """A target in which every output has another weight."""
    flat = out.flatten(1)
    return (flat * torch.linspace(1, 2, flat.shape[1]).to(flat)).sum(1)
