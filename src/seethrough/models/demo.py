"""The networks that come with us: small, trained by `scripts/train_leopards.py`, opened without a download.

Both tell snow leopards from Arabian leopards (`seethrough.datasets.leopards`) and differ only in what they were shown:
``leopards`` learned on pictures whose background gives the answer away 95 times in 100, ``leopards-balanced`` on
pictures whose background says nothing.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from safetensors.torch import load
from torch import Tensor, nn

from seethrough.errors import EnvironmentLacks, UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.files import as_path, fingerprint, refuse_no_file
from seethrough.models.opened import Opened, Said
from seethrough.models.state import random_state_kept
from seethrough.models.torch import fill, open_live_torch, weights_in
from seethrough.results import Note

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


def open_demo(name: str, weights: str | Path | None = None) -> Opened:
    """Open one of the networks that come with us.

    Parameters
    ----------
    name
        One of `DEMOS`, without ``demo:``.
    weights
        A file of others for it, as a repair writes them; by default its own.

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
    InputRefused
        A file of weights that can't be read or doesn't fit.
    """
    if name not in DEMOS:
        known = ", ".join(f"demo:{each}" for each in DEMOS)
        raise UsageError(f"There is no network demo:{name}; there are {known}.{nearest(name, DEMOS)}")
    if weights is not None:
        return _with_weights(name, as_path(str(weights)))
    shipped = files("seethrough.models") / "weights" / f"{name}.safetensors"
    if not shipped.is_file():
        raise EnvironmentLacks(f"The weights of demo:{name} are not in this installation; install seethrough anew.")
    contents = shipped.read_bytes()
    module = _built()
    # Stored as float16 to be small; copied into the module they are float32 again.
    module.load_state_dict(load(contents))
    return _opened(name, module, f"{name}.safetensors", hashlib.sha256(contents).hexdigest())


def _with_weights(name: str, path: Path) -> Opened:
    refuse_no_file(path)
    module = _built()
    notes = fill(module, weights_in(path), repr(str(path)))
    return _opened(name, module, path.name, fingerprint(path), notes)


def _built() -> LeopardNet:
    with random_state_kept():
        return LeopardNet(len(CLASSES)).eval()


def _opened(name: str, module: LeopardNet, weights: str, digest: str, notes: tuple[Note, ...] = ()) -> Opened:
    return open_live_torch(
        module,
        Said(INPUT_SIZE, CLASSES, PREPROCESSING),
        source=f"demo:{name}",
        weights=weights,
        notes=notes,
        provenance={"file_sha256": digest},
    )
