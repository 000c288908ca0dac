"""Small scenes in which it is known what lies where, and networks of which it is known what they read."""

import numpy as np
import torch
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.findings.canvas import Canvas, Pictures
from seethrough.findings.facts import facts_of
from seethrough.findings.foreground import Drawn
from seethrough.findings.looking import Looking
from seethrough.jobs import run

SIDE, CELL = 48, 4
WHOLE = {"scale": 1 / 255, "fit": "stretch"}
RED = np.array([0.9, 0.1, 0.1])


class Finds(nn.Module):
    """Its answer is 1 where, in any cell of the picture, a colour is there: through a layer with places, 12 × 12. Or, with
    ``mean``, where on the whole there is much of it.
    """

    def __init__(self, colour, strength=14.0, mean=False):
        super().__init__()
        self.read, self.act = nn.Conv2d(3, 2, CELL, stride=CELL), nn.ReLU()
        self.most = nn.AdaptiveAvgPool2d(1) if mean else nn.AdaptiveMaxPool2d(1)
        weight = torch.tensor([[1.0, -0.5, -0.5], [-0.5, -0.5, 1.0]])
        self.read.weight.data = (weight / CELL**2)[:, :, None, None].expand(2, 3, CELL, CELL).clone()
        self.read.bias.data.fill_(-0.1)
        self.head = nn.Linear(2, 2)
        self.head.weight.data = torch.zeros(2, 2)
        self.head.weight.data[1, colour] = strength * (60 if mean else 2)
        self.head.bias.data = torch.tensor([0.0, -strength / 2])

    def forward(self, x):
        return self.head(self.most(self.act(self.read(x))).flatten(1))


class Waves(nn.Module):
    """Its answer is 1 where the picture has waves of some frequency, at whatever phase."""

    def __init__(self, down, across, strength=200.0):
        super().__init__()
        y, x = np.mgrid[:8, :8]
        phase = 2 * np.pi * (down * y + across * x)
        filters = np.stack([np.cos(phase), -np.cos(phase), np.sin(phase), -np.sin(phase)])
        filters -= filters.mean((1, 2), keepdims=True)
        self.read, self.act, self.mean = nn.Conv2d(3, 4, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.read.weight.data = torch.tensor(filters / 192, dtype=torch.float32)[:, None].expand(4, 3, 8, 8).clone()
        self.read.bias.data.zero_()
        self.head = nn.Linear(4, 2)
        self.head.weight.data = torch.tensor([[0.0] * 4, [strength] * 4])
        self.head.bias.data = torch.tensor([0.0, -strength * 0.024])

    def forward(self, x):
        return self.head(self.mean(self.act(self.read(x))).flatten(1))


def scenes(count, agree=0.9, seed=0, mark=None, waves=None):
    """Scenes in grey, of class 0 and 1 in turn; a thing in the middle that is blue in class 1; and beside it, in class 1 as often
    as ``agree`` says and else in class 0, a red square at a changing place, or waves all over.

    Returns
    -------
    uint8 (n, S, S, 3); bool (n, S, S), the thing; int64 (n,), the class; (n, 2), the square's corner, −1 where there is none.
    """
    chance = np.random.default_rng(seed)
    label = np.arange(count) % 2
    there = np.where(chance.random(count) < agree, label, 1 - label)
    x = chance.uniform(0.35, 0.5, (count, 1, 1, 1)) + chance.normal(0, 0.03, (count, SIDE, SIDE, 1)) + np.zeros(3)
    on, at = np.zeros((count, SIDE, SIDE), bool), np.full((count, 2), -1)
    y, across = np.mgrid[:SIDE, :SIDE]
    for k in range(count):
        if there[k] and waves:
            phase = chance.uniform(0, 2 * np.pi)
            x[k] += 0.08 * np.sin(2 * np.pi * (waves[0] * y + waves[1] * across) + phase)[..., None]
        on[k, 18:30, 18:30] = True
        x[k, 18:30, 18:30] = (0.3, 0.3, 0.7) if label[k] else (0.4, 0.4, 0.4)
        if there[k] and mark:
            while True:
                at[k] = chance.integers(0, SIDE - mark, 2)
                if (at[k] + mark < 15).any() or (at[k] > 33).any():
                    break
            top, left = at[k]
            x[k, top : top + mark, left : left + mark] = RED
    return (x.clip(0, 1) * 255).astype(np.uint8), on, label, at


def opened(network):
    return st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing=WHOLE, classes=["grey", "blue"])


def canvas_of(network, x, on):
    collection = collect(list(x))
    return Canvas(opened(network), collection, Drawn(lambda number, picture: on[number].astype(np.float32)))


def facts_and_canvas(network, x, on, label):
    canvas = canvas_of(network, x, on)
    return facts_of(canvas, run(canvas.net, canvas.collection, Looking(canvas)), label), canvas


def as_pictures(x, on):
    return Pictures(
        torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255,
        torch.from_numpy(on)[:, None].float(),
        np.arange(len(x)),
    )
