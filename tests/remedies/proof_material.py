"""Pictures of which it is known what is in them, and networks of which it is known what they read."""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
from PIL import Image

import seethrough as st

SIDE = 24
THING, MARK, CORNER = (slice(9, 15), slice(9, 15)), (slice(0, 5), slice(0, 5)), (slice(19, 24), slice(19, 24))
BOX = (9, 9, 14, 14)


class Reads(nn.Module):
    """Its answer is 1 where places of the picture are bright, each weighing as much as is said."""

    def __init__(self, *reads: tuple[tuple[slice, slice], float]) -> None:
        super().__init__()
        self.grey, self.act = nn.Conv2d(3, 1, 1, bias=False), nn.ReLU()
        self.grey.weight.data.fill_(1 / 3)
        self.read = nn.Linear(SIDE * SIDE, 2)
        weight = torch.zeros(2, SIDE, SIDE)
        for place, strength in reads:
            weight[(1, *place)] = strength / weight[(1, *place)].numel()
        total = sum(strength for _, strength in reads)
        self.read.weight.data, self.read.bias.data = weight.flatten(1), torch.tensor([0.0, -total / 2])

    def forward(self, x):
        return self.read(self.act(self.grey(x)).flatten(1))


BIASED = ((MARK, 14.0), (THING, 6.0))
MENDED = ((MARK, 0.1), (THING, 20.0))


def opened(*reads):
    """A network that reads these places."""
    return st.open(Reads(*reads).eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["dark", "light"])


def write(home: Path, count: int, seed: int = 0, usual: float = 0.9, corner: float = 0.5) -> dict[str, str]:
    """A folder for each class: the thing is bright in one; so is a mark at the top left as often as ``usual`` says, and one at
    the bottom right as often as ``corner`` does. From each picture's name to its group: ``"usual"`` or ``"unusual"``.
    """
    chance = np.random.default_rng(seed)
    groups = {}
    for k in range(count):
        label = k % 2
        x = chance.uniform(0.3, 0.6, (SIDE, SIDE, 3))
        x[THING] = 0.85 if label else 0.15
        is_usual = chance.random() < usual
        x[MARK] = 0.9 if label == is_usual else 0.1
        x[CORNER] = 0.9 if label == (chance.random() < corner) else 0.1
        name = f"{('dark', 'light')[label]}/{seed}-{k:03}.png"
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((x * 255).astype(np.uint8)).save(home / name)
        groups[name] = "usual" if is_usual else "unusual"
    return groups


def boxes_of(home: Path) -> dict[str, tuple[int, int, int, int]]:
    """Where the things are."""
    return {f"{p.parent.name}/{p.name}": BOX for p in home.glob("*/*.png")}
