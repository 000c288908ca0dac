"""Fills: what stands where a picture is taken away — the baseline of a path, the cover of a window or a mask."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from numbers import Real

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from seethrough.attribution.inpaint import inpainted
from seethrough.errors import UsageError
from seethrough.graph.run import Run

FILLS = ("black", "white", "zero", "mean", "blur", "noise")
"""Of a whole picture."""

COVERS = (*FILLS, "inpaint")
"""Of a part of it."""

BLUR = 1 / 16
"""Standard deviation of the blur, as a part of the shorter side."""

FAR = 0.5
"""A fill lies far outside what the network is given from so much of its range beyond black or white on."""


Fill = float | str | Tensor | np.ndarray
"""What a person may say for a fill; see `fill`."""


def fill(run: Run, wanted: Fill) -> Tensor:
    """A tensor that broadcasts against the run's images, in the network's own units.

    Parameters
    ----------
    wanted
        ``"black"`` (a black picture as the network sees it; zero where nobody knows the preprocessing), ``"white"``
        (known preprocessing only), ``"zero"``, ``"mean"`` (each picture's own mean, a channel), ``"blur"`` (each
        picture, blurred by a Gaussian of a sixteenth of its shorter side), ``"noise"`` (Gaussian, with each picture's
        own mean and standard deviation, a channel; always the same draw), a number, or a tensor or array in the layout
        of the network's input.

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
    if wanted == "white":
        return _white(run)
    if wanted == "mean":
        return _mean(x)
    if wanted == "noise":
        return _noise(x)
    if wanted == "blur" and x.dim() == 4:
        return blurred(x, max(1.0, min(x.shape[2:]) * BLUR))
    if wanted == "inpaint":
        raise UsageError("fill='inpaint' continues what is left of a picture, so it is for masks, not for a whole one.")
    raise UsageError(f"A fill is a number, a tensor or one of {', '.join(FILLS)}, not {wanted!r}.")


Cover = Callable[[Tensor], Tensor]
"""From k masks, (k, 1 or N, H, W) from 0 (covered) to 1 (as it is), to k · N pictures: the first N under the first
mask, and so on.
"""


def cover(run: Run, wanted: Fill) -> Cover:
    """How masks take the run's images away: ``mask · image + (1 − mask) · fill``.

    Parameters
    ----------
    wanted
        As for `fill`; or ``"inpaint"``, by which what a mask covers more than half is continued harmoniously from what
        it leaves, so that no edge gives the mask away (`inpainted`).

    Raises
    ------
    UsageError
        As `fill`.
    """
    x = run.images
    if isinstance(wanted, str) and wanted == "inpaint":
        return lambda masks: continued(x, masks)
    if isinstance(wanted, str) and wanted not in COVERS:
        raise UsageError(f"A fill is a number, a tensor or one of {', '.join(COVERS)}, not {wanted!r}.")
    y = filling(run, wanted)

    def covered(masks: Tensor) -> Tensor:
        return torch.lerp(y.to(x), x, masks[:, :, None].to(x)).flatten(0, 1)

    return covered


def filling(run: Run, wanted: Fill) -> Tensor:
    """`fill`, made once a run."""
    return run.once(("fill", key(wanted)), lambda: fill(run, wanted))


def filled(run: Run, wanted: Fill, masks: Tensor) -> Tensor:
    """The run's pictures under masks, (k · N, C, H, W); see `cover`."""
    return cover(run, wanted)(masks)


def key(wanted: Fill) -> Hashable:
    """By which two fills are the same: a tensor by what is in it."""
    if not isinstance(wanted, (Tensor, np.ndarray)):
        return wanted
    array = np.ascontiguousarray(torch.as_tensor(wanted).detach().cpu().numpy())
    return array.shape, str(array.dtype), hashlib.blake2b(array.tobytes(), digest_size=16).hexdigest()


def out_of_range(run: Run, wanted: object) -> Mapping[str, float] | None:
    """``smallest`` and ``largest`` of a number or tensor that was given for a fill, and ``low`` and ``high``, between
    which pictures lie as the network sees them, where it lies far outside; None otherwise, and where nobody knows the
    preprocessing.
    """
    told = isinstance(wanted, (Real, Tensor, np.ndarray)) and not isinstance(wanted, bool)
    if not told or run.black is None or run.white is None:
        return None
    given = torch.as_tensor(wanted)
    low, high = (float(edge) for edge in torch.stack([run.black, run.white]).aminmax())
    smallest, largest = float(given.min()), float(given.max())
    margin = FAR * (high - low)
    if low - margin <= smallest and largest <= high + margin:
        return None
    return {"smallest": smallest, "largest": largest, "low": low, "high": high}


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


def _white(run: Run) -> Tensor:
    if run.white is None:
        raise UsageError(
            "Nobody knows what white is to this network; say its preprocessing when opening it, or give a number."
        )
    return run.white.to(run.images).expand_as(run.images[:1])


def _mean(x: Tensor) -> Tensor:
    """Each picture's own, a channel."""
    return x.mean(tuple(range(2, x.dim())), keepdim=True) if x.dim() > 2 else x.mean(1, keepdim=True)


def _noise(x: Tensor) -> Tensor:
    """The same draw for every picture, on its own mean and deviation."""
    each = tuple(range(2, x.dim())) or (1,)
    draw = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(x)
    return _mean(x) + x.std(each, correction=0, keepdim=True) * draw


def continued(x: Tensor, masks: Tensor) -> Tensor:
    """What masks cover, continued from what they leave."""
    many, images = len(masks), len(x)
    m = masks[:, :, None].to(x).expand(many, images, 1, *x.shape[2:]).flatten(0, 1)
    x = x.repeat(many, 1, 1, 1)
    return m * x + (1 - m) * inpainted(x, m >= 0.5)
