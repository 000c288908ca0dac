"""What the bed's networks are built of. They take pictures from black 0 to white 1."""

from __future__ import annotations

from torch import Tensor, nn


class Centred(nn.Module):
    """From 0…1 to about −2…2."""

    def forward(self, x: Tensor) -> Tensor:
        return 4 * x - 2


def conv(into: int, out: int, side: int, stride: int = 1, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(into, out, side, stride, side // 2, groups=groups, bias=bias)


def normed(into: int, out: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(conv(into, out, side, stride, groups), nn.BatchNorm2d(out), nn.ReLU())


def headed(*body: nn.Module, width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(Centred(), *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
