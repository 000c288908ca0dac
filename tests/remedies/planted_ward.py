"""Wards of which it is known what their network goes by: a thing, and a mark in the corner that agrees with it too often."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Region
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import facts_of
from seethrough.findings.looking import Looking
from seethrough.jobs import run
from seethrough.remedies.rung import Ward

SIDE, CELL, COUNT = 24, 6, 360
THING, MARK = (slice(6, 12), slice(6, 12)), (slice(0, 6), slice(0, 6))
IN_THING, IN_MARK = 5, 0
"""Features that are the mean brightness of the thing's cell and of the mark's, of 16."""

FAULT = Candidate(Region("top left", (0.0, 0.25, 0.0, 0.25)), 1, (0,), ("test",), 1.0, 1.0, {})


class Cells(nn.Module):
    """Features are the mean brightness of 4 × 4 cells; the last layer reads the thing, and the mark more than the thing.
    Outputs beyond the first two have weights by chance.
    """

    def __init__(self, thing: float = 10.0, mark: float = 14.0, outputs: int = 2, single: bool = False) -> None:
        super().__init__()
        self.see, self.act = nn.Conv2d(3, 1, CELL, stride=CELL, bias=False), nn.ReLU()
        self.see.weight.data.fill_(1 / (3 * CELL**2))
        self.read = nn.Linear((SIDE // CELL) ** 2, 1 if single else outputs)
        weight = 0.5 * torch.randn(self.read.weight.shape, generator=torch.Generator().manual_seed(1))
        weight[:2] = 0
        row = 0 if single else 1
        weight[row, IN_THING], weight[row, IN_MARK] = thing, mark
        bias = torch.full((len(weight),), -5.0)
        bias[: 1 if single else 2] = 0
        bias[row] = -(thing + mark) / 2
        self.read.weight.data, self.read.bias.data = weight, bias
        self.final = nn.Sigmoid() if single else nn.Identity()

    def forward(self, x):
        return self.final(self.read(self.act(self.see(x)).flatten(1)))


class Colours(nn.Module):
    """The thing is red and the mark is blue, and what the last layer reads is their sum: only the convolution before it can
    tell them apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 1, 1)
        for layer in (self.first, self.second):
            layer.weight.data, layer.bias.data = torch.eye(3)[:, :, None, None].clone(), torch.zeros(3)
        self.third.weight.data = torch.tensor([1.0, 0.0, 1.6])[None, :, None, None].clone()
        self.third.bias.data = torch.zeros(1)
        self.read = nn.Linear(1, 2)
        self.read.weight.data, self.read.bias.data = torch.tensor([[-60.0], [60.0]]), torch.tensor([7.0, -7.0])

    def forward(self, x):
        x = torch.relu(self.second(torch.relu(self.first(x))))
        return self.read(torch.relu(self.third(x)).mean((2, 3)))


def drawn(count: int, agree: float, colours: bool, seed: int = 0):
    """Pictures, their classes, and whether the mark of each is that of class 1."""
    chance = np.random.default_rng(seed)
    label = np.arange(count) % 2
    mark = np.where(chance.random(count) < agree, label, 1 - label)
    x = chance.uniform(0.0 if colours else 0.3, 0.02 if colours else 0.6, (count, SIDE, SIDE, 3))
    for k in range(count):
        thing = (0.7 if label[k] else 0.3) + chance.normal(0, 0.11)
        shown = (0.85 if mark[k] else 0.15) + chance.normal(0, 0.03)
        x[(k, *THING, 0 if colours else slice(None))] = thing
        x[(k, *MARK, 2 if colours else slice(None))] = shown
    return (x.clip(0, 1) * 255).astype(np.uint8), label, mark


class OnThing:
    """Where the thing is."""

    def on(self, number, prepared, x):
        found = torch.zeros(1, SIDE, SIDE)
        found[(0, *THING)] = 1
        return found


@lru_cache
def planted(kind: str = "cells", agree: float = 0.85, masks: bool = False):
    """A ward, its pictures' marks, and the network as it was opened."""
    network = {
        "cells": lambda: Cells(),
        "single": lambda: Cells(single=True),
        "many": lambda: Cells(outputs=12),
        "colours": lambda: Colours(),
    }[kind]()
    pictures, label, mark = drawn(COUNT, agree, kind == "colours")
    net = st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit")
    return ward_of(net, pictures, label, masks), mark, net


def ward_of(net, pictures, label, masks=False, folder=None, faults=(FAULT,)):
    """Pictures that found and judged learn, those of the repair's part choose."""
    collection = collect(list(pictures))
    canvas = Canvas(net, collection, OnThing() if masks else None)
    facts = facts_of(canvas, run(net, collection, Looking(canvas)), np.asarray(label, np.int64))
    learn = np.sort(np.concatenate([facts.split.of("find"), facts.split.of("judge")]))
    return Ward(canvas, facts, tuple(faults), learn, facts.split.of("repair"), folder=folder)
