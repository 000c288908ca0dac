"""Networks whose answers are known in closed form, and questions to them."""

import numpy as np
import torch
from torch import nn

import seethrough as st
from seethrough.graph.run import Run

SIDE = 24


class Sum(nn.Module):
    """All pixels added up, in the precision of its only weight, which is 1; a second output has nothing."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x):
        total = self.one * x.flatten(1).sum(1, keepdim=True)
        return torch.cat([total, torch.zeros_like(total)], 1)


class Anything(nn.Module):
    """1 as long as any pixel is lit."""

    def forward(self, x):
        lit = (x.flatten(1).amax(1, keepdim=True) > 0).to(x)
        return torch.cat([lit, 0 * x.flatten(1)[:, :1]], 1)


class Weighted(nn.Module):
    """A weight for each number of a picture (C, H, W), for each of three outputs."""

    def __init__(self, channels=1, side=8, seed=0):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(3, channels * side * side, generator=chance, dtype=torch.float64))

    def forward(self, x):
        return torch.nn.functional.linear(x.flatten(1), self.weight)


def asked(module, images, index=0):
    """A run about images (N, C, H, W) whose target is one output."""
    net = st.open(module, input_size=tuple(images.shape[1:]))
    prepared = net.prepare(images)
    return Run(net.source_of(prepared), prepared.batch, lambda out, rows: out[:, index])


def numbers(*rows):
    """One picture of one channel, float64 (1, 1, H, W)."""
    return torch.tensor([[list(rows)]], dtype=torch.float64)


class Reds(nn.Module):
    """How much red there is, and how much blue."""

    def __init__(self):
        super().__init__()
        self.pick = nn.Conv2d(3, 2, 1, bias=False)
        with torch.no_grad():
            self.pick.weight.copy_(torch.tensor([[2.0, -1, -1], [-1, -1, 2.0]])[:, :, None, None])

    def forward(self, x):
        return torch.relu(self.pick(x)).mean((2, 3)) * 4


def spot(seed):
    """A red square on grey noise, and where it is."""
    random = np.random.default_rng(seed)
    picture = random.integers(90, 110, (SIDE, SIDE, 3)).astype(np.uint8)
    top, left = random.integers(1, SIDE - 9, 2)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top : top + 8, left : left + 8] = True
    picture[mask] = (220, 30, 30)
    return picture, mask
