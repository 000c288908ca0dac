"""The bed's networks, small and of six kinds, and how they are trained: seeded, with one thread, in seconds.

They take pictures from black 0 to white 1.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

EPOCHS, BATCH, RATE, DECAY = 8, 40, 4e-3, 1e-2


class Centred(nn.Module):
    """From 0…1 to about −2…2."""

    def forward(self, x: Tensor) -> Tensor:
        return 4 * x - 2


def _conv(into: int, out: int, side: int, stride: int = 1, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(into, out, side, stride, side // 2, groups=groups, bias=bias)


def _normed(into: int, out: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(_conv(into, out, side, stride, groups), nn.BatchNorm2d(out), nn.ReLU())


def _headed(*body: nn.Module, width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(Centred(), *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def plain(classes: int) -> nn.Module:
    """Convolutions and rectifiers."""
    layers: list[nn.Module] = []
    for into, out, side in ((3, 12, 5), (12, 32, 3), (32, 48, 3)):
        layers += [_conv(into, out, side, 2, bias=True), nn.ReLU()]
    return _headed(*layers, width=48, classes=classes)


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.first = _normed(into, out, 3, 2)
        self.second = nn.Sequential(_conv(out, out, 3), nn.BatchNorm2d(out))
        self.around = nn.Sequential(_conv(into, out, 1, 2), nn.BatchNorm2d(out))
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.second(self.first(x)) + self.around(x))


def residual(classes: int) -> nn.Module:
    """Residual blocks with batch normalisation (He et al., 2016)."""
    return _headed(_normed(3, 12, 3, 2), Residual(12, 24), Residual(24, 32), width=32, classes=classes)


def depthwise(classes: int) -> nn.Module:
    """Convolutions of each channel alone, then of each place alone (MobileNet: Howard et al., 2017)."""
    layers: list[nn.Module] = [_normed(3, 16, 3, 2)]
    for into, out in ((16, 32), (32, 64), (64, 64)):
        layers += [_normed(into, into, 3, 2 if into < 64 else 1, groups=into), _normed(into, out, 1)]
    return _headed(*layers, width=64, classes=classes)


class Gathering(nn.Module):
    """What it makes is laid beside what it was given."""

    def __init__(self, into: int, more: int) -> None:
        super().__init__()
        self.make = nn.Sequential(nn.BatchNorm2d(into), nn.SiLU(), _conv(into, more, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.make(x)], 1)


def gathering(classes: int) -> nn.Module:
    """Densely connected, with smooth activations and mean pooling (DenseNet: Huang et al., 2017)."""
    return _headed(
        _conv(3, 12, 5, 2), Gathering(12, 12), nn.AvgPool2d(2), Gathering(24, 16), nn.AvgPool2d(2), Gathering(40, 24),
        nn.BatchNorm2d(64), nn.SiLU(), width=64, classes=classes,
    )  # fmt: skip


class Around(nn.Module):
    """Adds to what it is given."""

    def __init__(self, *inside: nn.Module) -> None:
        super().__init__()
        self.inside = nn.Sequential(*inside)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inside(x)


def patches(classes: int) -> nn.Module:
    """Patches that are mixed by place and by channel (ConvMixer: Trockman & Kolter, 2022)."""
    layers: list[nn.Module] = [nn.Conv2d(3, 40, 6, 6), nn.GELU(), nn.BatchNorm2d(40)]
    for _ in range(3):
        layers += [Around(_conv(40, 40, 5, groups=40), nn.GELU(), nn.BatchNorm2d(40))]
        layers += [_conv(40, 40, 1, bias=True), nn.GELU(), nn.BatchNorm2d(40)]
    return _headed(*layers, width=40, classes=classes)


def pooled(classes: int) -> nn.Module:
    """Maximum pooling, and a hidden layer that sees every place (VGG: Simonyan & Zisserman, 2015)."""
    layers: list[nn.Module] = [Centred(), _conv(3, 12, 5, 2, bias=True), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [_conv(12, 20, 3, bias=True), nn.ReLU(), _conv(20, 24, 3, bias=True), nn.ReLU(), nn.AdaptiveMaxPool2d(5)]
    layers += [nn.Flatten(), nn.Linear(24 * 25, 48), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(48, classes))


ARCHITECTURES: Mapping[str, Mapping[str, Callable[[int], nn.Module]]] = {
    "first": {"plain": plain, "residual": residual, "depthwise": depthwise},
    "second": {"gathering": gathering, "patches": patches, "pooled": pooled},
}
"""By generator and name, from the number of classes."""


def network(bed: str, architecture: str, classes: int, seed: int) -> nn.Module:
    """Untrained."""
    torch.manual_seed(seed)
    module = ARCHITECTURES[bed][architecture](classes)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return module


def train(module: nn.Module, pictures: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> None:
    """On pictures (n, H, W, 3), in place: AdamW, its rate rising and falling once."""
    x, y = as_taken(pictures), torch.from_numpy(labels)
    chance = torch.Generator().manual_seed(seed)
    steps = EPOCHS * (len(x) // BATCH)
    chosen = torch.optim.AdamW(module.parameters(), RATE, weight_decay=DECAY)
    falls = torch.optim.lr_scheduler.OneCycleLR(chosen, RATE, total_steps=steps)
    module.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=chance).split(BATCH):
            if len(rows) < BATCH:
                continue
            chosen.zero_grad()
            F.cross_entropy(module(x[rows]), y[rows]).backward()
            chosen.step()
            falls.step()
    module.eval()


def as_taken(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (n, H, W, 3) as the networks take them."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)


@torch.no_grad()
def chances(module: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Its probabilities, (n, classes)."""
    parts = [module(as_taken(pictures[at : at + 128])) for at in range(0, len(pictures), 128)]
    return torch.cat(parts).double().softmax(1).numpy()


def kept(path: Path, make: Callable[[], tuple[nn.Module, dict[str, Any]]], empty: nn.Module) -> tuple[nn.Module, dict]:
    """What was trained before, or is now: weights in ``path``, what is known of it beside."""
    beside = path.with_suffix(".json")
    if beside.exists():
        empty.load_state_dict(load_file(path))
        return empty.eval(), json.loads(beside.read_text())
    start = time.process_time()
    module, known = make()
    known["seconds"] = time.process_time() - start
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    half = beside.with_suffix(".half")
    half.write_text(json.dumps(known))
    os.replace(half, beside)  # noqa: PTH105
    return module, known
