"""Colours of maps: two tables, one for signed maps and one for unsigned ones, the same in matplotlib and in the
browser.

Signed maps take a diverging table: blue speaks against, orange for; zero is exactly neutral, and colours at the same
distance from zero have the same lightness. Unsigned maps take a sequential, perceptually uniform one. In an overlay
the opacity follows the distance from zero, so that no evidence covers nothing of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

STEPS = 127
"""Steps of colour from zero to the end of a scale, on each side."""

PERCENTILE = 99.5
"""Where a few extreme pixels would leave all others pale, colours end at this percentile of |value|."""

OUTLIER = 1.25
"""Up to this many times the percentile, the largest |value| itself is the end of the colours."""

FADE = 0.75
"""Overlay opacity is ``(|value| / limit) ** FADE``: under 1, so that middling evidence can be seen over a photo."""

VEIL = 0.5
"""How much of the picture a grey veil hides where the network never saw it."""

AGAINST_HUE, FOR_HUE = 257.0, 46.0
"""Hues in OKLCH degrees: blue and orange, told apart by all common kinds of colour vision."""

_NEUTRAL, _END, _CHROMA = 0.965, 0.53, 0.147  # inside the sRGB gamut at both hues


@dataclass(frozen=True, slots=True)
class Scale:
    """From a map's values to a position on its colour table.

    Attributes
    ----------
    limit
        |value| at which the colours end, > 0, in units of the map: the `PERCENTILE` of |value| over the pixels seen,
        or the largest |value| where that percentile is 0.
    smallest, largest
        The map's own extremes over the pixels seen.
    signed
        Whether the table is the diverging one.
    """

    limit: float
    smallest: float
    largest: float
    signed: bool

    @property
    def clipped(self) -> bool:
        """Whether some values lie beyond the end of the colours."""
        return max(abs(self.smallest), abs(self.largest)) > self.limit

    def position(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Values as −1…1 (signed) or 0…1 (unsigned), 0 at zero, clipped at the limit."""
        return np.clip(values.astype(np.float64) / self.limit, -1.0 if self.signed else 0.0, 1.0)


def scale_of(values: NDArray[np.floating], *, signed: bool, seen: NDArray[np.bool_] | None = None) -> Scale:
    """The scale of one map by its own values; finite, and not all zero."""
    visible = values[seen] if seen is not None else values.ravel()
    sizes = np.abs(visible if signed else np.maximum(visible, 0))
    usual, largest = float(np.percentile(sizes, PERCENTILE)), float(sizes.max())
    limit = usual if 0 < usual * OUTLIER < largest else largest
    return Scale(limit, float(visible.min()), float(visible.max()), signed)


@cache
def table(signed: bool) -> NDArray[np.uint8]:
    """The colours: uint8 (255, 3) from −1 to 1 with zero in row 127 where signed; uint8 (128, 3) from 0 to 1 where
    not.
    """
    return _diverging() if signed else _sequential()


def paint(values: NDArray[np.floating], seen: NDArray[np.bool_], scale: Scale) -> NDArray[np.float64]:
    """A map as colours to lay over a picture: float64 (H, W, 4) in 0…1.

    Opacity is 0 at zero and where the network saw nothing. A signed map's colours start halfway along the table, since
    its pale middle would whiten the picture where it should only tint it.
    """
    at = scale.position(np.where(seen, values, 0))
    opacity = np.abs(at) ** FADE * seen
    tinted = np.sign(at) * (0.5 + 0.5 * np.abs(at)) if scale.signed else at
    rows = np.rint(tinted * STEPS).astype(int) + (STEPS if scale.signed else 0)
    return np.concatenate([table(scale.signed)[rows] / 255.0, opacity[..., None]], axis=-1)


def overlay(
    pixels: NDArray[np.uint8],
    values: NDArray[np.floating],
    seen: NDArray[np.bool_],
    scale: Scale,
    opacity: float = 0.85,
) -> NDArray[np.uint8]:
    """The map laid over its picture: uint8 (H, W, 3). What the network did not see is veiled in grey."""
    painted = paint(values, seen, scale)
    alpha = painted[..., 3:] * opacity
    ground = pixels / 255.0
    ground = np.where(seen[..., None], ground, (1 - VEIL) * ground + VEIL * 0.5)
    return np.rint((ground * (1 - alpha) + painted[..., :3] * alpha) * 255).astype(np.uint8)


def faded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, pale: under a map that is said in words and not drawn."""
    return np.rint(0.35 * pixels + 0.65 * 255).astype(np.uint8)


def _sequential() -> NDArray[np.uint8]:
    return np.rint(colormaps["inferno"](np.linspace(0, 1, STEPS + 1))[:, :3] * 255).astype(np.uint8)


def _diverging() -> NDArray[np.uint8]:
    distance = np.abs(np.arange(-STEPS, STEPS + 1)) / STEPS
    hue = np.deg2rad(np.where(np.arange(-STEPS, STEPS + 1) < 0, AGAINST_HUE, FOR_HUE))
    lightness = _NEUTRAL + (_END - _NEUTRAL) * distance
    chroma = _CHROMA * np.sin(distance * np.pi / 2) ** 0.9
    colours = _srgb_from_oklab(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
    colours[STEPS] = colours[STEPS].mean()  # exactly neutral, whatever the matrices round to
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def _srgb_from_oklab(
    lightness: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """OKLab to gamma-encoded sRGB (Ottosson, *A perceptual color space for image processing*, 2020)."""
    lms = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    matrix = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((matrix @ lms**3).T, 0, None)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
