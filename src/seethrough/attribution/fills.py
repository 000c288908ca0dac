"""Fills: what stands where a picture is taken away — the baseline of a path, the cover of a window."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from seethrough.errors import UsageError
from seethrough.graph.run import Run

FILLS = ("black", "zero", "mean", "blur")
BLUR = 1 / 16
"""Standard deviation of the blur, as a part of the shorter side."""


Fill = float | str | Tensor | np.ndarray
"""What a person may say for a fill; see `fill`."""


def fill(run: Run, wanted: Fill) -> Tensor:
    """A tensor that broadcasts against the run's images, in the network's own units.

    Parameters
    ----------
    wanted
        ``"black"`` (a black picture as the network sees it; zero where nobody knows the preprocessing), ``"zero"``,
        ``"mean"`` (each picture's own mean, a channel), ``"blur"`` (each picture, blurred by a Gaussian of a sixteenth
        of its shorter side), a number, or a tensor or array in the layout of the network's input.

    Raises
    ------
    UsageError
        For anything else, or a tensor that doesn't fit.
    """
    x = run.images
    if isinstance(wanted, (Tensor, np.ndarray)):
        given = torch.as_tensor(wanted)
        try:
            return (run.source.internal(given) if given.dim() == x.dim() else given).to(x).expand_as(x)
        except RuntimeError:
            wants = tuple(run.source.native(x).shape)
            raise UsageError(f"The fill of shape {tuple(given.shape)} doesn't fit images of shape {wants}.") from None
    if isinstance(wanted, Real) and not isinstance(wanted, bool):
        return torch.full_like(x[:1], float(wanted))
    if wanted == "zero":
        return torch.zeros_like(x[:1])
    if wanted == "black":
        return torch.zeros_like(x[:1]) if run.black is None else run.black.to(x).expand_as(x[:1])
    if wanted == "mean":
        return x.mean(tuple(range(2, x.dim())), keepdim=True) if x.dim() > 2 else x.mean(1, keepdim=True)
    if wanted == "blur" and x.dim() == 4:
        return blurred(x, max(1.0, min(x.shape[2:]) * BLUR))
    raise UsageError(f"A fill is a number, a tensor or one of {', '.join(FILLS)}, not {wanted!r}.")


def blurred(x: Tensor, sigma: float) -> Tensor:
    """(N, C, H, W) under a Gaussian of this standard deviation in pixels; at the edges the picture is mirrored, or
    repeated where it is too small.
    """
    reach = int(3 * sigma + 0.5)
    places = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    weights = torch.exp(-(places**2) / (2 * sigma**2))
    weights = (weights / weights.sum()).repeat(x.shape[1], 1, 1, 1)
    mode = "reflect" if reach < min(x.shape[2:]) else "replicate"
    x = conv2d(pad(x, (reach, reach, 0, 0), mode=mode), weights, groups=x.shape[1])
    return conv2d(pad(x, (0, 0, reach, reach), mode=mode), weights.transpose(2, 3), groups=x.shape[1])
