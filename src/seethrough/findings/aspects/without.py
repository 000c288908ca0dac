"""Pictures without their things, roughly: so that what is measured beside a thing doesn't hang on the thing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from seethrough.findings.aspects.background import MARGIN, ON
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import smoothed

GRID, REACH = 32, 3.0
"""Surroundings are mixed on so many places a side, with a Gaussian of so many of them."""

FAR = 1e-3
"""What the whole picture's mean counts for beside what lies near: it fills what is far from everything."""


def around(pictures: Pictures) -> Tensor:
    """1 beside the thing, what else is taken, and their edge, (n, 1, H, W), else 0; 1 everywhere where nobody knows where the thing
    is.
    """
    if pictures.hidden is None:
        return torch.ones_like(pictures.x[:, :1])
    reach = max(1, round(MARGIN * min(pictures.x.shape[2:])))
    return (max_pool2d(pictures.hidden, 2 * reach + 1, 1, reach) <= ON).float()


def painted_over(pictures: Pictures) -> Tensor:
    """The pictures, each thing painted over with the colours around it, (n, 3, H, W): `emptied`, without detail and in a
    hundredth of the time.
    """
    if pictures.hidden is None:
        return pictures.x
    off = around(pictures)
    colours = interpolate(pictures.x * off, (GRID, GRID), mode="area")
    share = interpolate(off, (GRID, GRID), mode="area")
    mean = colours.mean((2, 3), keepdim=True) / share.mean((2, 3), keepdim=True).clamp(min=1e-6)
    fill = (smoothed(colours, REACH) + FAR * mean) / (smoothed(share, REACH) + FAR)
    fill = interpolate(fill, pictures.x.shape[2:], mode="bilinear", align_corners=False)
    return off * pictures.x + (1 - off) * fill
