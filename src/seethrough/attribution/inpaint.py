"""Inpainting: what is hidden of a picture is continued harmoniously from what isn't, so that no edge tells where a mask
lies.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

BESIDE, ACROSS = 1 / 6, 1 / 12
"""What the four nearest and the four diagonal neighbours of a pixel count for in its mean."""

CLOSE = 1e-5
"""The system is solved when what it lacks has fallen to so much of its right side."""

MOST_STEPS = 500


def inpainted(x: Tensor, known: Tensor, *, close: float = CLOSE) -> Tensor:
    """Every hidden pixel as the weighted mean of its eight neighbours: the linear system of "ROAD" (Rong, Leemann,
    Borisov, Kasneci & Kasneci, 2022, section 4.2), without the noise that is added there.

    It is solved on a pyramid, from coarse to fine, by conjugate gradients on all pictures at once; how far one is
    solved doesn't depend on the others.

    Parameters
    ----------
    x
        (N, C, H, W); what it holds at hidden pixels doesn't matter.
    known
        (N, 1, H, W), bool.
    close
        The system is solved when what it lacks has fallen to so much of its right side.

    Returns
    -------
    Tensor, (N, C, H, W): x where it is known. A picture of which nothing is known gets its own mean colour.
    """
    if known.all():
        return x
    nothing = ~known.flatten(1).any(1)[:, None, None, None]
    precise = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = precise.mean((2, 3), keepdim=True)
    return torch.where(nothing, mean, _solved(precise, known | nothing, close)).to(x.dtype)


def _solved(x: Tensor, known: Tensor, close: float) -> Tensor:
    x = torch.where(known, x, 0)
    if known.all():
        return x
    guess = torch.where(known, x, _coarsely(x, known, close))
    return _by_conjugate_gradients(x, ~known, torch.where(known, 0, guess), close)


def _coarsely(x: Tensor, known: Tensor, close: float) -> Tensor:
    """The same at half the size, where a pixel is known of which any of its four is."""
    size = x.shape[2:]
    odd = (0, size[1] % 2, 0, size[0] % 2)
    share = avg_pool2d(pad(known.to(x), odd), 2)
    coarse = avg_pool2d(pad(x, odd), 2) / share.clamp(min=0.25)
    fine = interpolate(_solved(coarse, share > 0, close), scale_factor=2, mode="bilinear", align_corners=False)
    return fine[:, :, : size[0], : size[1]]


def _by_conjugate_gradients(x: Tensor, hidden: Tensor, start: Tensor, close: float) -> Tensor:
    """x with ``degree · u − Σ weight · neighbour = 0`` at what is hidden; pixels at the edge have fewer neighbours."""
    degree = _neighbours(torch.ones_like(x[:1, :1]))

    def system(u: Tensor) -> Tensor:
        return torch.where(hidden, degree * u - _neighbours(u), 0)

    right = torch.where(hidden, _neighbours(x), 0)
    u, lack = start, right - system(start)
    way, size = lack, _dot(lack, lack)
    enough = close**2 * _dot(right, right)
    for _ in range(MOST_STEPS):
        going = size > enough
        if not going.any():
            break
        along = system(way)
        step = torch.where(going, size / _dot(way, along).clamp(min=torch.finfo(x.dtype).tiny), 0)
        u, lack = u + step * way, lack - step * along
        before, size = size, torch.where(going, _dot(lack, lack), size)
        way = torch.where(going, lack + size / before.clamp(min=torch.finfo(x.dtype).tiny) * way, way)
    return x + u


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((2, 3), keepdim=True)


def _neighbours(u: Tensor) -> Tensor:
    """The weighted sum of each pixel's neighbours, those outside being 0."""
    weights = u.new_tensor([[ACROSS, BESIDE, ACROSS], [BESIDE, 0, BESIDE], [ACROSS, BESIDE, ACROSS]])
    n, c, *size = u.shape
    return conv2d(u.reshape(n * c, 1, *size), weights[None, None], padding=1).reshape(n, c, *size)
