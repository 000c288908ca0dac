"""Pixels: pictures 0…1 as a network takes them, and back; the arithmetic of preprocessing, differentiable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.images.preprocessing import Preprocessing
from seethrough.network import Network

ASSUMED = (-2.0, 2.0)
"""The least and the greatest number of a network's input where nobody knows its preprocessing: that of pixels less their mean,
divided by their deviation, more or less.
"""

GREY = (0.299, 0.587, 0.114)
"""How red, green and blue make grey (ITU-R BT.601)."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """How pictures in the order of red, green and blue, or of one channel, become inputs: ``(picture − shift) · factor`` a
    channel, in the network's order.

    Attributes
    ----------
    channels
        Of the network's input.
    order
        For each of them, which of the picture's it is.
    shift, factor
        (1, C, 1, 1).
    assumed
        Whether nobody said so: pictures are `ASSUMED` numbers then.
    like
        A tensor of the network's device and dtype.
    """

    channels: int
    order: tuple[int, ...]
    shift: Tensor
    factor: Tensor
    assumed: bool
    like: Tensor

    def to_network(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W), from pictures (N, C, H, W), 0…1."""
        turned = pictures if self.order == tuple(range(self.channels)) else pictures[:, list(self.order)]
        return ((turned - self.shift) * self.factor).to(self.like)

    def from_network(self, batch: Tensor) -> Tensor:
        """Pictures 0…1, from what the network takes; cut where they go beyond."""
        turned = batch.cpu().float() / self.factor + self.shift
        return turned[:, [self.order.index(c) for c in range(self.channels)]].clamp(0, 1)

    def drawn(self, pictures: Tensor) -> np.ndarray:
        """uint8 (N, H, W, 3), to be looked at; grey where there is one channel, the mean where there are others than three."""
        shown = pictures if self.channels == 3 else pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        return (shown.detach() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def rounded(self, pictures: Tensor) -> Tensor:
        """As whole levels of 256, which is all that a picture file keeps."""
        return pictures if self.assumed else (pictures.detach() * 255).round() / 255


def pixels_of(net: Network, channels: int) -> Pixels:
    """How pictures become inputs of a network.

    Raises
    ------
    UsageError
        Where its preprocessing speaks of other channels than it has.
    """
    preprocessing = net.opened.preprocessing
    like = next((p.detach() for p in net.module.parameters() if p.is_floating_point()), torch.zeros(()))
    if preprocessing is None:
        return _assumed(channels, like)
    if len(preprocessing.channels) != channels:
        raise UsageError(
            f"{net.opened.source} takes {channels} channels, and its preprocessing is for {preprocessing.channels}; say "
            "another preprocessing when opening it."
        )
    order = (2, 1, 0) if preprocessing.channels == "BGR" else tuple(range(channels))
    return Pixels(channels, order, *_arithmetic(preprocessing, channels), assumed=False, like=like)


def _arithmetic(preprocessing: Preprocessing, channels: int) -> tuple[Tensor, Tensor]:
    """``(255 p · scale − mean) / std`` as shift and factor."""
    mean, std = (
        torch.tensor(np.broadcast_to(np.array(numbers, np.float32), (channels,)).copy()).reshape(1, channels, 1, 1)
        for numbers in (preprocessing.mean, preprocessing.std)
    )
    white = 255 * preprocessing.scale
    return mean / white, white / std


def _assumed(channels: int, like: Tensor) -> Pixels:
    low, high = ASSUMED
    shape = (1, channels, 1, 1)
    shift, factor = torch.full(shape, -low / (high - low)), torch.full(shape, high - low)
    return Pixels(channels, tuple(range(channels)), shift, factor, assumed=True, like=like)
