"""The fifth generator: rabbits, ducks and tortoises, in soft chalks, before hills, woods and shelves.

Drawn while what finds was changed a last time, by somebody who knew nothing of it. Its shortcuts are those of real folders: what
animals are led by, who stands by and who takes the picture, the season, windows and plants in the way, how prints, screens and
lenses wear. Some kinds others have too, in other looks (`SEEN`); those of its own are `UNSEEN`. The class is the thing; whatever
else differs is any class's, unless it is the shortcut. Random numbers are drawn before anybody asks for the cue, so that the
same pictures can be had with another. The scene and its things are in `fifth_scene.py`, what is laid over them in
`fifth_laid.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.fifth_laid import (
    CURTAIN,
    PLANTS,
    SHADOWS,
    Box,
    curtains,
    dappled,
    folded,
    fringes,
    grounds,
    icons,
    leads,
    onlookers,
    paper,
    photographers,
    plants,
    vessels,
)
from insight_bed.fifth_scene import (
    FOOT,
    SIDE,
    X,
    Y,
    grounded,
    moved,
    places,
    smooth,
    things,
    turned,
    unfocused,
)
from insight_bed.fourth_room import Planes, of, over, over_pixels

AT_ONCE = 64

THINGS = ("rabbit", "duck", "tortoise")
SEEN = ("background", "recorder", "toning", "vessel", "defocus")
UNSEEN = (
    "leash", "onlooker", "photographer", "curtain", "ruled", "snow", "foliage", "reflection", "flash", "dapple", "tilt",
    "fold", "smear", "monochrome", "moire", "posterised",
)  # fmt: skip
KINDS = (*SEEN, *UNSEEN)

BEHIND = {
    "vessel": vessels,
    "onlooker": onlookers,
    "photographer": photographers,
    "curtain": curtains,
    "ruled": paper,
    "snow": grounds,
}
OVER = {"foliage": plants, "leash": leads}
LAID = {**BEHIND, **OVER}
"""What lies behind the thing, or over it."""

NOISE = 0.012
TONED = (((0, 0, 0), (0, 0, 0)), ((0.02, 0, -0.03), (0.09, 0.02, -0.1)), ((-0.08, 0.02, 0.07), (0.0, 0.0, 0.01)))
"""What an app's filter adds to red, green and blue in the dark and in the light: none, a warm one, a cool one."""
DISCS = (0.0, 1.6, 0.9)
"""Radii in pixels of what a point out of focus becomes."""
MIRRORED = (0.0, 0.95, 0.8)
"""How much of a thing wet ground gives back; of the third, blurred."""
FLASHED = ((0.0, 0.0), (0.32, 0.16), (0.0, -0.3))
"""Across and down, in the thing's sizes, where its shadow falls: none, to one side, above it."""
TILTS, ZOOM = (0.0, 0.21, -0.21), 1.24
LIGHT = (0.3, 0.59, 0.11)
"""What red, green and blue count for in a black-and-white picture."""
SEPIA = (1.06, 0.95, 0.74)
STEPS = 4, 7
FRINGE = 0.075


def place(kind: str, seed: int) -> Box | tuple[Box, ...] | None:
    """Top, bottom, left and right of what always lies at one place, or at one of several."""
    return {
        "recorder": _icon(seed),
        "smear": _mark(seed),
        "photographer": tuple((SHADOWS, 1.0, left / 3, (left + 1) / 3) for left in range(3)),
        "curtain": ((0.0, 1.0, 0.0, CURTAIN), (0.0, 1.0, 1 - CURTAIN, 1.0)),
        "foliage": (PLANTS, 1.0, 0.0, 1.0),
        "fold": ((0.44, 0.56, 0.0, 1.0), (0.0, 1.0, 0.44, 0.56)),
    }.get(kind)


def _icon(seed: int) -> Box:
    top, left = (3, 3) if seed // 1000 % 2 == 0 else (54, 41)
    return top / SIDE, (top + 11) / SIDE, left / SIDE, (left + 24) / SIDE


def _mark(seed: int) -> Box:
    return (0.06, 0.34, 0.66, 0.94) if seed // 1000 % 2 == 0 else (0.62, 0.9, 0.06, 0.34)


def draw(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures (n, SIDE, SIDE, 3) and masks of these things with these cues."""
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), bool)
    for at in range(0, len(labels), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        rng, other = np.random.default_rng([21, seed, at]), np.random.default_rng([22, seed, at])
        x, cover = _scene(kind, labels[rows], cues[rows], rng, other)
        x, cover = _taken(kind, x, cover, cues[rows], other, seed)
        pictures[rows] = np.rint(255 * x.clip(0, 1)).astype(np.uint8).transpose(0, 2, 3, 1)
        masks[rows] = cover > 0.02
    return pictures, masks


def _scene(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], rng: Generator, other: Generator
) -> tuple[Planes, Planes]:
    """The scene with its thing and what is about it, and how much of each pixel is the thing's."""
    n, every = len(labels), np.arange(len(labels))
    families = rng.integers(0, 3, n)
    at = over_pixels(np.stack([rng.uniform(0.33, 0.67, n), rng.uniform(0.42, 0.6, n)]))
    size = over_pixels(rng.uniform(0.24, 0.31, n))
    horizon = at[1] + FOOT * size - over_pixels(rng.uniform(0.1, 0.24, n))
    x = grounded(places(rng, cues if kind == "background" else families, horizon), at, size)
    cover, ink = things(rng, labels, at, size)
    noise = rng.standard_normal(x.shape, np.float32)
    covers, inks = np.zeros((n, SIDE, SIDE), np.float32), np.zeros((n, 3, 1, 1), np.float32)
    if kind in LAID:
        covers, inks = (part[every, cues] for part in LAID[kind](other, n, at, size, horizon))
    if kind in BEHIND:
        x = over(x, covers, inks)
    elif kind == "reflection":
        x = _reflected(x, cover, ink, cues, np.rint((at[1] + FOOT * size)[:, 0, 0] * SIDE).astype(int))
    elif kind == "flash":
        side = other.choice((-1, 1), n)
        across, down = (size[:, 0, 0] * SIDE * np.array(FLASHED).T[k][cues] for k in (0, 1))
        shadow = moved(cover, np.rint(down).astype(int), np.rint(side * across).astype(int))
        x = x * (1 - 0.6 * shadow * (cues > 0)[:, None, None])[:, None]
    x = over(x, cover, ink)
    if kind in OVER:
        x, cover = over(x, covers, inks), cover * (covers < 0.5)
    return x + NOISE * noise, cover


def _reflected(x: Planes, cover: Planes, ink: Planes, cues: NDArray[np.int64], foot: NDArray[np.int64]) -> Planes:
    """With the thing upside down below its foot, as on a wet or polished ground."""
    rows = np.arange(SIDE) - foot[:, None]
    back = (foot[:, None] - 1 - rows).clip(0, SIDE - 1)
    seen = np.where(rows[:, :, None] >= 0, np.take_along_axis(cover, back[:, :, None], 1), 0)
    its = np.take_along_axis(ink, back[:, None, :, None], 2)
    dull = smooth(seen, 1.6), smooth(its, 1.6)
    seen, its = (np.where((cues == 2).reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in zip((seen, its), dull))
    return over(x, seen * of(MIRRORED, cues) * np.exp(-rows.clip(0) / 40)[:, :, None], 0.9 * its)


def _taken(
    kind: str, x: Planes, cover: Planes, cues: NDArray[np.int64], other: Generator, seed: int
) -> tuple[Planes, Planes]:
    """The picture as it was lit, taken, kept or shown."""
    n, every = len(x), np.arange(len(x))
    strength = over_pixels(other.uniform(0.75, 1.25, n))
    grey = x.mean(1, keepdims=True)
    if kind == "recorder":
        shape, ink = icons(cues, _icon(seed))
        x, cover = over(x, 0.92 * shape, ink), cover * (shape < 0.5)
    elif kind == "toning":
        dark, light = (np.array(TONED, np.float32)[cues, k][..., None, None] for k in (0, 1))
        x = x + 1.3 * strength[:, None] * (dark + grey.clip(0, 1) * (light - dark))
    elif kind == "defocus":
        for cue in np.unique(cues):
            mine = cues == cue
            x[mine], cover[mine] = unfocused(x[mine], DISCS[cue]), unfocused(cover[mine], DISCS[cue])
    elif kind == "dapple":
        x = x * dappled(other, n)[every, cues][:, None]
    elif kind == "tilt":
        angle = of(TILTS, cues) + over_pixels(other.uniform(-0.04, 0.04, n))
        x, cover = turned(x, angle, ZOOM), turned(cover, angle, ZOOM)
    elif kind == "fold":
        x = x + (folded(other, n)[every, cues] * strength)[:, None]
    elif kind == "smear":
        x = _smeared(x, cues, _mark(seed), strength)
    elif kind == "monochrome":
        light, brown = (np.array(a, np.float32)[:, None, None] for a in (LIGHT, SEPIA))
        grey = (x * light).sum(1, keepdims=True)
        x = np.stack([x, np.broadcast_to(grey, x.shape), grey * brown], 1)[every, cues]
    elif kind == "moire":
        x = x * (1 + FRINGE * strength[:, None] * fringes(other, n)[every, cues])
    elif kind == "posterised":
        x = x.clip(0, 1)
        x = np.stack([x, *(np.rint(steps * x) / steps for steps in STEPS)], 1)[every, cues]
    return x, cover


def _smeared(x: Planes, cues: NDArray[np.int64], at: Box, strength: Planes) -> Planes:
    """A clean lens, one with a greasy finger's mark, or one with dust on what is behind it: always at the same place."""
    y, across, r = (at[0] + at[1]) / 2, (at[2] + at[3]) / 2, (at[1] - at[0]) / 2 - 1 / SIDE
    u, v = (X - across) / r, (Y - y) / r
    mark = (1.6 - 1.6 * np.hypot(u, v)).clip(0, 1) * strength
    soft = smooth(x, 2.2)
    greasy = x + mark[:, None] * (0.35 * soft + 0.65 * 0.93 - x)
    spots = [(1.5 - 1.5 * np.hypot(u - a, v - b) / c).clip(0, 1) for a, b, c in ((-0.3, -0.3, 0.45), (0.35, 0.4, 0.5))]
    dusty = x * (1 - 0.7 * np.maximum(*spots) * strength)[:, None]
    return np.stack([x, greasy, dusty], 1)[np.arange(len(x)), cues]
