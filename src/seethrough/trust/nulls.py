"""Null maps: maps that know nothing of the network, which a map must beat to mean anything.

Four of them, on the same picture: noise; blurred noise, which has the smoothness that scores reward for nothing; a hill
in the centre, where photographers put things; and the picture's own edges, which look like an explanation and are none.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from seethrough.attribution.fills import blurred

NULLS = ("random", "blurred", "centre", "edges")
"""In the order of `null_maps`."""

SMOOTH = 1 / 10
"""Standard deviation of the blur of blurred noise, as a part of the shorter side."""

HILL = 1 / 4
"""Standard deviation of the hill in the centre, as a part of each side."""


def null_maps(images: Tensor, seed: int = 0) -> Tensor:
    """The four null maps of each image, float64 (N, 4, H, W), on the network's input grid.

    Noise is the same for every picture of a size, so that a picture's figures don't depend on its company.
    """
    number, _, height, width = images.shape
    noise = random_map(height, width, seed)
    smooth = blurred_map(height, width, seed)
    maps = torch.stack([noise, smooth, centre(height, width)]).expand(number, 3, height, width)
    return torch.cat([maps, edges(images)[:, None]], 1)


def random_map(height: int, width: int, seed: int = 0) -> Tensor:
    """Uniform noise, float64 (H, W)."""
    return torch.rand(height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blurred_map(height: int, width: int, seed: int = 0) -> Tensor:
    """Gaussian noise under a Gaussian, float64 (H, W)."""
    chance = torch.Generator().manual_seed(seed + 1)
    noise = torch.randn(1, 1, height, width, generator=chance, dtype=torch.float64)
    return blurred(noise, max(1.0, min(height, width) * SMOOTH))[0, 0]


def centre(height: int, width: int) -> Tensor:
    """A Gaussian hill in the centre, float64 (H, W)."""
    y, x = (
        torch.exp(-(((torch.arange(n, dtype=torch.float64) + 0.5) / n - 0.5) ** 2) / (2 * HILL**2))
        for n in (height, width)
    )
    return y[:, None] * x[None, :]


def edges(images: Tensor) -> Tensor:
    """How steep each picture is, by Sobel's filters, summed over the channels; float64 (N, H, W)."""
    x = images.detach().double().cpu()
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    kernels = torch.stack([across, across.T])[:, None]
    flat = pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    steep = conv2d(flat, kernels).square().sum(1).sqrt()
    return steep.unflatten(0, x.shape[:2]).sum(1)
