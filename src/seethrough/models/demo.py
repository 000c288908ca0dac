"""The networks that come with us: small, trained by `scripts/train_leopards.py`, opened without a download.

Both tell snow leopards from Arabian leopards (`seethrough.datasets.leopards`) and differ only in what they were shown:
``leopards`` learned on pictures whose background gives the answer away 95 times in 100, ``leopards-balanced`` on
pictures whose background says nothing.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from safetensors.torch import load
from torch import Tensor, nn

from seethrough.errors import EnvironmentLacks, UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.opened import Opened, Said
from seethrough.models.state import random_state_kept
from seethrough.models.torch import open_live_torch

DEMOS = ("leopards", "leopards-balanced")
"""Names that follow ``demo:``."""

CLASSES = ("snow leopard", "Arabian leopard")
"""What the outputs mean, in order."""

INPUT_SIZE = (3, 128, 128)
"""Shape of one input."""

PREPROCESSING = Preprocessing(name="custom", mean=(150.0, 145.0, 135.0), std=(60.0, 55.0, 55.0), fit="stretch")
"""Near the mean and the spread of the drawn pictures' pixels."""


class ConvUnit(nn.Sequential):
    """3×3 convolution, batch normalisation, ReLU: (N, inputs, H, W) → (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()


class Residual(nn.Module):
    """Two convolutions beside a shortcut (He et al., Deep Residual Learning for Image Recognition, 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.unit = ConvUnit(channels, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.norm(self.conv(self.unit(x))))


class LeopardNet(nn.Module):
    """A small residual network: (N, 3, 128, 128) → logits (N, classes); its last feature map is (N, 96, 16, 16)."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.stem = ConvUnit(3, 16, stride=2)
        self.stage1 = nn.Sequential(ConvUnit(16, 32, stride=2), Residual(32))
        self.stage2 = nn.Sequential(ConvUnit(32, 64, stride=2), Residual(64))
        self.stage3 = ConvUnit(64, 96)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(96, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.head(self.pool(x).flatten(1))


def open_demo(name: str) -> Opened:
    """Open one of the networks that come with us.

    Parameters
    ----------
    name
        One of `DEMOS`, without ``demo:``.

    Returns
    -------
    Opened
        In evaluation mode, its weights float32 on the CPU.

    Raises
    ------
    UsageError
        Where there is no such network.
    EnvironmentLacks
        Where its weights were left out of the installation.
    """
    if name not in DEMOS:
        known = ", ".join(f"demo:{each}" for each in DEMOS)
        raise UsageError(f"There is no network demo:{name}; there are {known}.{nearest(name, DEMOS)}")
    weights = f"{name}.safetensors"
    shipped = files("seethrough.models") / "weights" / weights
    if not shipped.is_file():
        raise EnvironmentLacks(f"The weights of demo:{name} are not in this installation; install seethrough anew.")
    contents = shipped.read_bytes()
    with random_state_kept():
        module = LeopardNet(len(CLASSES))
    # Stored as float16 to be small; copied into the module they are float32 again.
    module.load_state_dict(load(contents))
    return open_live_torch(
        module.eval(),
        Said(INPUT_SIZE, CLASSES, PREPROCESSING),
        source=f"demo:{name}",
        weights=weights,
        provenance={"file_sha256": hashlib.sha256(contents).hexdigest()},
    )
