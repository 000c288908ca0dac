"""The fourth generator: kettles, vases and pots, flat and outlined, on floors before bricks, hedges and wallpaper.

Drawn after what finds was changed once more, by somebody who knew nothing of it. Its shortcuts are those of real folders: what
holds and labels things, what lies about, how cameras, scanners and films make pictures, weather and time of day. Some kinds
others have too, in other looks (`SEEN`); those of its own are `UNSEEN`. The class is the thing; whatever else differs is any
class's, unless it is the shortcut. Random numbers are drawn before anybody asks for the cue, so that the same pictures can be
had with another. The room and its things are in `fourth_room.py`, what is laid over them in `fourth_laid.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.fourth_laid import (
    CORNERS,
    Box,
    held,
    lights,
    litter,
    logo,
    scratches,
    stickers,
    tags,
    toys,
    weather,
)
from insight_bed.fourth_room import SIDE, Planes, X, Y, grounded, of, over, over_pixels, spread, things, walls

AT_ONCE = 64

THINGS = ("kettle", "vase", "pot")
SEEN = ("background", "logo", "balance", "toy", "static")
UNSEEN = (
    "litter", "horizon", "hand", "tag", "sticker", "gutter", "flare", "rain", "scratches", "motion", "interlacing",
    "sharpened", "exposure", "dusk",
)  # fmt: skip
KINDS = (*SEEN, *UNSEEN)

BEHIND = {"toy": toys, "litter": litter}
OVER = {"hand": held, "tag": tags, "sticker": stickers}
ALL_OVER = {"flare": lights, "rain": weather, "scratches": scratches}
LAID = {**BEHIND, **OVER, **ALL_OVER}
"""What lies behind the thing, over it, or over everything and hides nothing."""

NOISE = 0.012
HORIZONS = (0.4, 0.66, 0.53)
"""How far down a wall ends where that is the shortcut; else anywhere between."""
BALANCES = ((1.13, 1.0, 0.8), (0.87, 1.0, 1.2), (0.92, 1.08, 0.92))
"""By which red, green and blue are multiplied: a camera's white under lamps, in the shade, under tubes."""
STATIC = (0.0, 0.09, 0.045)
"""Coloured noise of a small sensor, in blots of some pixels."""
SHAKEN = ((0, 0), (5, 0), (0, 5))
"""Over so many pixels across and down the camera moved."""
COMBED = 3
"""Pixels by which every second line comes late."""
HALOS = (0.0, 0.95, 0.45)
EVENING = ((1.0, 1.0, 1.0), (0.68, 0.73, 0.88), (0.95, 0.78, 0.6))
"""What of the day's light is left at dusk, and of an evening's sun."""
GUTTER = 0.17


def place(kind: str, seed: int) -> Box | tuple[Box, ...] | None:
    """Top, bottom, left and right of what always lies at one place, or at one of several."""
    if kind == "logo":
        return _logo(seed)
    if kind == "gutter":
        return (0.0, 1.0, 0.0, GUTTER) if seed // 1000 % 2 == 0 else (0.0, 1.0, 1 - GUTTER, 1.0)
    return CORNERS if kind == "sticker" else None


def _logo(seed: int) -> Box:
    return (0.05, 0.21, 0.73, 0.97) if seed // 1000 % 2 == 0 else (0.79, 0.95, 0.73, 0.97)


def draw(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures (n, SIDE, SIDE, 3) and masks of these things with these cues."""
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), bool)
    for at in range(0, len(labels), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        rng, other = np.random.default_rng([11, seed, at]), np.random.default_rng([12, seed, at])
        x, cover = _scene(kind, labels[rows], cues[rows], rng, other)
        x, cover = _taken(kind, x, cover, cues[rows], other, seed)
        pictures[rows] = np.rint(255 * x.clip(0, 1)).astype(np.uint8).transpose(0, 2, 3, 1)
        masks[rows] = cover > 0.02
    return pictures, masks


def _scene(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], rng: Generator, other: Generator
) -> tuple[Planes, Planes]:
    """The room with its thing and what lies about, and how much of each pixel is the thing's."""
    n, every = len(labels), np.arange(len(labels))
    families = rng.integers(0, 3, n)
    horizon = rng.uniform(HORIZONS[0] - 0.03, HORIZONS[1] + 0.03, n)
    jitter = rng.uniform(-0.03, 0.03, n)
    if kind == "horizon":
        horizon = np.array(HORIZONS)[cues] + jitter
    horizon = over_pixels(horizon)
    at = over_pixels(np.stack([rng.uniform(0.33, 0.67, n), rng.uniform(0.38, 0.66, n)]))
    size = over_pixels(rng.uniform(0.21, 0.3, n))
    x = walls(rng, cues if kind == "background" else families, horizon)
    x = grounded(x, at, size)
    cover, ink = things(rng, labels, at, size)
    covers, inks = np.zeros((n, SIDE, SIDE), np.float32), np.zeros((n, 3, 1, 1), np.float32)
    if kind in LAID:
        covers, inks = (part[every, cues] for part in LAID[kind](other, n, at, size, horizon))
    if kind in BEHIND:
        x = over(x, covers, inks)
    x = over(x, cover, ink)
    if kind in OVER:
        x, cover = over(x, covers, inks), cover * (covers < 0.5)
    if kind in ALL_OVER:
        x = over(x, covers, inks)
    return x + NOISE * rng.standard_normal(x.shape, np.float32), cover


def _taken(
    kind: str, x: Planes, cover: Planes, cues: NDArray[np.int64], other: Generator, seed: int
) -> tuple[Planes, Planes]:
    """The picture as it was taken, kept or scanned."""
    n = len(x)
    strength = over_pixels(other.uniform(0.75, 1.25, n))
    static = other.standard_normal(x.shape, np.float32)
    if kind == "logo":
        shape = logo(cues, _logo(seed))
        x, cover = over(x, shape, over_pixels(np.full((n, 3), 0.98))), cover * (shape < 0.5)
    elif kind == "balance":
        x = x * np.array(BALANCES, np.float32)[cues][..., None, None] ** strength[:, None]
    elif kind == "dusk":
        x = x.clip(0, 1) * np.array(EVENING, np.float32)[cues][..., None, None] ** strength[:, None]
    elif kind == "static":
        soft = spread(0.9)
        x = x + 2.4 * (of(STATIC, cues) * strength)[:, None] * (soft @ static @ soft.T)
    elif kind == "motion":
        for cue in np.unique(cues):
            across, down = (spread(far, even=True) if far else np.eye(SIDE, dtype=np.float32) for far in SHAKEN[cue])
            mine = cues == cue
            x[mine], cover[mine] = down @ x[mine] @ across.T, down @ cover[mine] @ across.T
    elif kind == "interlacing":
        late = x.copy()
        late[:, :, 1::2] = np.roll(x, COMBED, 3)[:, :, 1::2]
        dark = x * np.where(np.arange(SIDE) % 2, 0.62, 1.0).astype(np.float32)[:, None]
        x = np.stack([x, late, dark], 1)[np.arange(n), cues]
    elif kind == "sharpened":
        soft = spread(1.2)
        x = x + (of(HALOS, cues) * strength)[:, None] * (x - soft @ x @ soft.T)
    elif kind == "exposure":
        x = x.clip(0, 1)
        burnt, sunk = x * (1 + 0.42 * strength[:, None]), x - 0.2 * strength[:, None] * (1 - x)
        x = np.stack([x, burnt, sunk], 1)[np.arange(n), cues]
    elif kind == "gutter":
        inner = Y * 0 + (X if seed // 1000 % 2 == 0 else 1 - X)
        near = (1 - inner / GUTTER).clip(0, 1)
        shadow, glare = x * (1 - 0.7 * near**0.7), x + (0.98 - x) * (0.75 * near**0.7)
        x = np.stack([x, shadow, glare], 1)[np.arange(n), cues]
    return x, cover
