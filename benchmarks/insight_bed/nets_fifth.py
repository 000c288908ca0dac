"""The networks of the fifth generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from insight_bed.layers import Centred, conv, headed, normed


class Fire(nn.Module):
    """Squeezed to few channels, then looked at point by point and more widely, side by side (SqueezeNet: Iandola et al., 2016)."""

    def __init__(self, into: int, few: int, each: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(conv(into, few, 1), nn.BatchNorm2d(few), nn.ELU())
        self.points, self.wide = conv(few, each, 1, bias=True), conv(few, each, 3, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        return F.elu(torch.cat([self.points(x), self.wide(x)], 1))


def squeezing(classes: int) -> nn.Module:
    """Fire modules between maximum pools; exponential below zero."""
    stem = conv(3, 20, 5, 2, bias=True), nn.ELU(), nn.MaxPool2d(3, 2, 1)
    return headed(*stem, Fire(20, 12, 20), nn.MaxPool2d(3, 2, 1), Fire(40, 16, 32), width=64, classes=classes)


class Pyramid(nn.Module):
    """What is seen coarsely is laid over what is seen finely (feature pyramids: Lin et al., 2017)."""

    def __init__(self, classes: int, width: int = 32) -> None:
        super().__init__()
        self.fine = nn.Sequential(Centred(), normed(3, 20, 5, 2), nn.MaxPool2d(3, 2, 1), normed(20, 24, 3))
        self.middle = nn.Sequential(nn.MaxPool2d(2), normed(24, 32, 3))
        self.coarse = nn.Sequential(nn.MaxPool2d(2), normed(32, 48, 3))
        self.ways = nn.ModuleList(conv(into, width, 1, bias=True) for into in (24, 32, 48))
        self.mend, self.head = normed(width, width, 3), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        middle = self.middle(fine)
        below = self.ways[2](self.coarse(middle))
        below = self.ways[1](middle) + F.interpolate(below, size=middle.shape[2:], mode="nearest")
        below = self.ways[0](fine) + F.interpolate(below, size=fine.shape[2:], mode="nearest")
        return self.head(self.mend(below).mean((2, 3)))


def pyramid(classes: int) -> nn.Module:
    """Three sizes, added from the coarsest to the finest."""
    return Pyramid(classes)


class Gated(nn.Module):
    """At each place a gate says how much of what is new goes on, and how much of what was (Srivastava et al., 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.both, self.norm = conv(width, 2 * width, 3), nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        new, gate = self.norm(self.both(x)).chunk(2, 1)
        gate = torch.sigmoid(gate - 1)
        return gate * F.softplus(new) + (1 - gate) * x


def gated(classes: int) -> nn.Module:
    """Highways of convolutions, made smaller by means."""
    stem = conv(3, 20, 5, 2), nn.BatchNorm2d(20), nn.PReLU(20), nn.AvgPool2d(2)
    smaller = nn.AvgPool2d(2), conv(20, 40, 1), nn.BatchNorm2d(40), nn.PReLU(40)
    return headed(*stem, Gated(20), *smaller, Gated(40), width=40, classes=classes)


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {"squeezing": squeezing, "pyramid": pyramid, "gated": gated}
"""By name, from the number of classes."""
