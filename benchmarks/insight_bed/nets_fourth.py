"""The networks of the fourth generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from insight_bed.layers import conv, headed, normed


class Branched(nn.Module):
    """Looks near, further, furthest and at what is strongest nearby, side by side (Inception: Szegedy et al., 2015)."""

    def __init__(self, into: int, each: int) -> None:
        super().__init__()
        self.near = normed(into, each, 1)
        self.further = nn.Sequential(normed(into, each, 1), normed(each, each, 3))
        self.furthest = nn.Sequential(normed(into, each // 2, 1), normed(each // 2, each, 5))
        self.strongest = nn.Sequential(nn.MaxPool2d(3, 1, 1), normed(into, each, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.near(x), self.further(x), self.furthest(x), self.strongest(x)], 1)


def branched(classes: int) -> nn.Module:
    """Convolutions of several widths side by side."""
    stem = normed(3, 16, 5, 2), nn.MaxPool2d(3, 2, 1)
    return headed(*stem, Branched(16, 8), nn.MaxPool2d(3, 2, 1), Branched(32, 16), width=64, classes=classes)


class Modern(nn.Module):
    """Each channel alone over a wide field, then each place alone, scaled and added (ConvNeXt: Liu et al., 2022); normalised
    over pictures.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = conv(width, width, 7, groups=width, bias=True)
        self.norm = nn.BatchNorm2d(width)
        self.widen, self.narrow = conv(width, 3 * width, 1, bias=True), conv(3 * width, width, 1, bias=True)
        self.scale = nn.Parameter(torch.full((width, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(self.look(x)))))


def modern(classes: int) -> nn.Module:
    """A stem of two steps, blocks with wide fields, made smaller once."""
    stem = conv(3, 16, 5, 2), nn.BatchNorm2d(16), nn.GELU(), nn.Conv2d(16, 28, 2, 2)
    smaller = nn.BatchNorm2d(28), nn.Conv2d(28, 56, 2, 2)
    return headed(*stem, Modern(28), *smaller, Modern(56), nn.BatchNorm2d(56), nn.GELU(), width=56, classes=classes)


class Shuffled(nn.Module):
    """Half goes by, half is worked on, and then they are mixed like cards (ShuffleNet: Ma et al., 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.work = nn.Sequential(
            normed(half, half, 1), conv(half, half, 3, groups=half), nn.BatchNorm2d(half), normed(half, half, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        by, worked = x.chunk(2, 1)
        return torch.stack([by, self.work(worked)], 2).flatten(1, 2)


def shuffled(classes: int) -> nn.Module:
    """Channels that are shuffled, made smaller by strides, with hard swish in between."""
    layers: list[nn.Module] = [conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.Hardswish()]
    for into, out in ((16, 40), (40, 64)):
        layers += [conv(into, out, 3, 2), nn.BatchNorm2d(out), nn.Hardswish(), Shuffled(out), Shuffled(out)]
    return headed(*layers, width=64, classes=classes)


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {"branched": branched, "modern": modern, "shuffled": shuffled}
"""By name, from the number of classes."""
