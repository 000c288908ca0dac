"""A network whose answers are known by eye, and pictures for it: it says whether a picture is red, green or blue."""

import numpy as np
import torch
from PIL import Image
from torch import nn

import seethrough as st

COLOURS = ("red", "green", "blue")


class Sees(nn.Module):
    """Means of the three channels of a smoothed picture, and a linear layer that takes them as they are."""

    def __init__(self):
        super().__init__()
        self.smooth = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(3, 3)
        with torch.no_grad():
            self.smooth.weight.fill_(1 / 9)
            self.head.weight.copy_(8 * torch.eye(3))
            self.head.bias.zero_()

    def forward(self, x):
        return self.head(self.pool(self.relu(self.smooth(x))).flatten(1))


def network(module=None, **said):
    said = {"input_size": (3, 16, 16), "preprocessing": "unit", "classes": COLOURS, **said}
    return st.open(module or Sees().eval(), **said)


def pictures(number, seed=0, size=(20, 28)):
    """uint8 (H, W, 3) each; picture i has the colour i mod 3, more or less strongly."""
    random = np.random.default_rng(seed)
    for i in range(number):
        pixels = random.integers(0, 70, (*size, 3))
        pixels[..., i % 3] += 60 + int(random.integers(0, 120))
        yield pixels.astype(np.uint8)


def folder_of(path, number, seed=0):
    """A folder with a folder for each colour."""
    for i, pixels in enumerate(pictures(number, seed)):
        (path / COLOURS[i % 3]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path / COLOURS[i % 3] / f"{i:04d}.png")
    return path
