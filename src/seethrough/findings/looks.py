"""Looks: what can be measured of a picture as a whole — its light, its colours, how fine it is.

Where it is known where the thing is, only what lies beside it is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue count for in brightness (ITU-R BT.601)."""

EDGE = 0.15
"""The border is so much of each side."""

THING = 32
"""Pixels of a thing at least, of which anything is measured."""

FLOOR = 1e-4
"""Detail below this isn't told from none."""


def weights(x: Tensor, fore: Tensor | None) -> Tensor:
    """What each pixel counts for, (n, 1, H, W), adding up to 1 a picture: nothing on the thing, unless it is all there is."""
    off = torch.ones_like(x[:, :1]) if fore is None else 1 - fore
    total = off.sum((2, 3), keepdim=True)
    scarce = total < 0.02 * off.shape[2] * off.shape[3]
    off = torch.where(scarce, torch.ones_like(off), off)
    return off / off.sum((2, 3), keepdim=True)


def measured(x: Tensor, fore: Tensor | None = None) -> dict[str, Tensor]:
    """Every property of `LOOKS`, (n,) each.

    Parameters
    ----------
    x
        (n, 3, H, W), 0…1.
    fore
        (n, 1, H, W), 1 on the thing; None where nobody knows.
    """
    w = weights(x, fore)
    return {name: measure(x, w) for name, measure in LOOKS.items()}


def measured_on(x: Tensor, fore: Tensor) -> dict[str, Tensor]:
    """The same on the thing alone; no number where it has fewer than `THING` pixels."""
    total = fore.sum((2, 3), keepdim=True)
    w = fore / total.clamp(min=1)
    there = total[:, 0, 0, 0] >= THING
    return {name: torch.where(there, measure(x, w), torch.nan) for name, measure in LOOKS.items()}


def luma(x: Tensor) -> Tensor:
    """Brightness, (n, 1, H, W)."""
    return torch.einsum("nchw,c->nhw", x, x.new_tensor(LUMA))[:, None]


def chroma(x: Tensor) -> Tensor:
    """Colour apart from brightness, (n, 2, H, W): how much redder, and how much bluer, than grey."""
    y = luma(x)
    return torch.cat([x[:, :1] - y, x[:, 2:] - y], 1)


def coloured(y: Tensor, c: Tensor) -> Tensor:
    """The picture of this brightness (n, 1, H, W) and chroma (n, 2, H, W): `luma` and `chroma`, undone."""
    red, blue = y + c[:, :1], y + c[:, 1:]
    return torch.cat([red, (y - LUMA[0] * red - LUMA[2] * blue) / LUMA[1], blue], 1)


def band(x: Tensor, level: int, to: int | None = None) -> Tensor:
    """What of a picture is as fine as a level says, (n, C, H, W): 0 the finest, each further one twice as coarse; the
    difference of two Gaussians (Burt & Adelson, 1983). With ``to``, all levels up to that one together.
    """
    finer = x if level == 0 else smoothed(x, _sigma(level - 1))
    return finer - smoothed(x, _sigma(level if to is None else to))


def smoothed(x: Tensor, sigma: float) -> Tensor:
    """(n, C, H, W) under a Gaussian of this standard deviation in pixels; the edge is continued."""
    reach = max(1, int(3 * sigma + 0.5))
    at = torch.arange(-reach, reach + 1, dtype=x.dtype)
    one = torch.exp(-(at**2) / (2 * sigma**2))
    one = (one / one.sum()).expand(x.shape[1], 1, 1, -1)
    x = conv2d(pad(x, (reach, reach, 0, 0), mode="replicate"), one, groups=x.shape[1])
    return conv2d(pad(x, (0, 0, reach, reach), mode="replicate"), one.transpose(2, 3), groups=x.shape[1])


def ramps(x: Tensor) -> dict[str, Tensor]:
    """Planes (1, 1, H, W) of mean about 0 that light may follow: down, across, and from the middle outwards."""
    h, w = x.shape[2:]
    down = torch.linspace(-1, 1, h)[:, None].expand(h, w)
    across = torch.linspace(-1, 1, w)[None].expand(h, w)
    outwards = down**2 + across**2
    return {
        "down": down[None, None],
        "across": across[None, None],
        "outwards": (outwards - outwards.mean())[None, None],
    }


def _sigma(level: int) -> float:
    return 0.7 * 2**level


def _mean(of: Tensor, w: Tensor) -> Tensor:
    return (of * w).sum((2, 3))


def _spread(of: Tensor, w: Tensor) -> Tensor:
    mean = _mean(of, w)[..., None, None]
    return _mean((of - mean) ** 2, w).clamp(min=0).sqrt()


def _slope(ramp: str) -> Callable[[Tensor, Tensor], Tensor]:
    """By how much brightness rises along a ramp, by least squares."""

    def measure(x: Tensor, w: Tensor) -> Tensor:
        r, y = ramps(x)[ramp].to(x), luma(x)
        r = r - _mean(r, w)[..., None, None]
        return (_mean(r * y, w) / _mean(r * r, w).clamp(min=1e-9))[:, 0]

    return measure


def _detail(level: int) -> Callable[[Tensor, Tensor], Tensor]:
    def measure(x: Tensor, w: Tensor) -> Tensor:
        return torch.log10(_mean(band(luma(x), level) ** 2, w)[:, 0].sqrt() + FLOOR)

    return measure


LOOKS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": lambda x, w: _mean(luma(x), w)[:, 0],
    "contrast": lambda x, w: _spread(luma(x), w)[:, 0],
    "redness": lambda x, w: _mean(chroma(x), w)[:, 0],
    "blueness": lambda x, w: _mean(chroma(x), w)[:, 1],
    "saturation": lambda x, w: _mean(chroma(x).norm(dim=1, keepdim=True), w)[:, 0],
    "light from above": _slope("down"),
    "light from the side": _slope("across"),
    "vignette": _slope("outwards"),
    "fine detail": _detail(0),
    "medium detail": _detail(1),
    "coarse detail": _detail(2),
}
"""Of a picture (n, 3, H, W), 0…1, under weights (n, 1, H, W) that add up to 1: (n,). Brightness, contrast, redness, blueness,
saturation and light are in shares of white; detail is the decimal logarithm of its root mean square.
"""
