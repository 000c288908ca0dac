"""Games: networks that are a known function of how much of each cell of a picture is left."""

import itertools
import math

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from seethrough.attribution.method import Outcome
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource


class Game(nn.Module):
    """``worth`` of what is left of the cells of white pictures, (N, cells): (N, 1, H, W) → (N, 1)."""

    def __init__(self, worth, along):
        super().__init__()
        self.worth, self.along = worth, along

    def forward(self, x):
        return self.worth(adaptive_avg_pool2d(x, self.along).flatten(1))[:, None]


def run_of(module, x, target=lambda out, rows: out[:, 0], **options):
    """A run of a network that stands nowhere."""
    return Run(GraphSource(module, module, {id(m): name for name, m in module.named_modules()}), x, target, **options)


def game(worth, along=(2, 4), pictures=1, side=4, **options):
    """A run of a game on white pictures of cells of side × side pixels, float64."""
    white = torch.ones(pictures, 1, along[0] * side, along[1] * side, dtype=torch.float64)
    return run_of(Game(worth, along), white, **options)


def values_of(outcome, along, picture=0):
    """The value of each cell of a map, flat; every cell must have one value."""
    values = (outcome.values if isinstance(outcome, Outcome) else outcome)[picture]
    cells = values.unflatten(0, (along[0], -1)).unflatten(2, (along[1], -1)).movedim(2, 1).flatten(2)
    assert bool((cells == cells[..., :1]).all())
    return cells[..., 0].flatten()


def tangled(d, seed=0):
    """A game in which everything depends on everything: a random network of two layers."""
    chance = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(d, 12, generator=chance).double(), torch.randn(12, generator=chance).double())
    return lambda z: torch.tanh(z @ first.to(z)) @ second.to(z) + z @ first[:, 0].to(z)


def shapley(worth, d):
    """Shapley values by their definition, over all subsets, written down without us."""
    players, values = range(d), []

    def v(members):
        z = torch.zeros(1, d, dtype=torch.float64)
        z[0, list(members)] = 1
        return float(worth(z)[0])

    for i in players:
        others = [j for j in players if j != i]
        total = 0.0
        for size in range(d):
            weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
            for members in itertools.combinations(others, size):
                total += weight * (v({*members, i}) - v(members))
        values.append(total)
    return torch.tensor(values, dtype=torch.float64)


def correlation(a, b):
    return float(torch.corrcoef(torch.stack([a.flatten().double(), b.flatten().double()]))[0, 1])
