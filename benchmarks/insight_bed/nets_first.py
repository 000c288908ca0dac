"""The networks of the first generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from insight_bed.layers import conv, headed, normed


def plain(classes: int) -> nn.Module:
    """Convolutions and rectifiers."""
    layers: list[nn.Module] = []
    for into, out, side in ((3, 12, 5), (12, 32, 3), (32, 48, 3)):
        layers += [conv(into, out, side, 2, bias=True), nn.ReLU()]
    return headed(*layers, width=48, classes=classes)


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.first = normed(into, out, 3, 2)
        self.second = nn.Sequential(conv(out, out, 3), nn.BatchNorm2d(out))
        self.around = nn.Sequential(conv(into, out, 1, 2), nn.BatchNorm2d(out))
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.second(self.first(x)) + self.around(x))


def residual(classes: int) -> nn.Module:
    """Residual blocks with batch normalisation (He et al., 2016)."""
    return headed(normed(3, 12, 3, 2), Residual(12, 24), Residual(24, 32), width=32, classes=classes)


def depthwise(classes: int) -> nn.Module:
    """Convolutions of each channel alone, then of each place alone (MobileNet: Howard et al., 2017)."""
    layers: list[nn.Module] = [normed(3, 16, 3, 2)]
    for into, out in ((16, 32), (32, 64), (64, 64)):
        layers += [normed(into, into, 3, 2 if into < 64 else 1, groups=into), normed(into, out, 1)]
    return headed(*layers, width=64, classes=classes)


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {"plain": plain, "residual": residual, "depthwise": depthwise}
"""By name, from the number of classes."""
