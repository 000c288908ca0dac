"""The networks of the second generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from insight_bed.layers import Centred, conv, headed


class Gathering(nn.Module):
    """What it makes is laid beside what it was given."""

    def __init__(self, into: int, more: int) -> None:
        super().__init__()
        self.make = nn.Sequential(nn.BatchNorm2d(into), nn.SiLU(), conv(into, more, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.make(x)], 1)


def gathering(classes: int) -> nn.Module:
    """Densely connected, with smooth activations and mean pooling (DenseNet: Huang et al., 2017)."""
    return headed(
        conv(3, 12, 5, 2), Gathering(12, 12), nn.AvgPool2d(2), Gathering(24, 16), nn.AvgPool2d(2), Gathering(40, 24),
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
        layers += [Around(conv(40, 40, 5, groups=40), nn.GELU(), nn.BatchNorm2d(40))]
        layers += [conv(40, 40, 1, bias=True), nn.GELU(), nn.BatchNorm2d(40)]
    return headed(*layers, width=40, classes=classes)


def pooled(classes: int) -> nn.Module:
    """Maximum pooling, and a hidden layer that sees every place (VGG: Simonyan & Zisserman, 2015)."""
    layers: list[nn.Module] = [Centred(), conv(3, 12, 5, 2, bias=True), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [conv(12, 20, 3, bias=True), nn.ReLU(), conv(20, 24, 3, bias=True), nn.ReLU(), nn.AdaptiveMaxPool2d(5)]
    layers += [nn.Flatten(), nn.Linear(24 * 25, 48), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(48, classes))


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {"gathering": gathering, "patches": patches, "pooled": pooled}
"""By name, from the number of classes."""
