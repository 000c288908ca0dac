"""The third generator: fish, cups and mushrooms, lit bodies on pebbles, planks and cloth.

Drawn after what finds was settled anew, and after its last change. Its shortcuts are those of real folders: how pictures were
scanned, printed, framed, marked and lit. Some kinds others have too, in other looks (`SEEN`); those of its own are `UNSEEN`.
The class is the thing; whatever else differs is any class's, unless it is the shortcut. Random numbers are drawn before
anybody asks for the cue, so that the same pictures can be had with another. What is laid over
them is in `third_laid.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.third_laid import (
    DIGITS,
    SIDE,
    Box,
    Planes,
    X,
    Y,
    arrows,
    behind,
    blurred,
    field,
    inside,
    measured,
    neighbours,
    of,
    over,
    over_pixels,
    plates,
    screen,
    stamped,
)  # fmt: skip

AT_ONCE = 64

THINGS = ("fish", "cup", "mushroom")
SEEN = ("background", "stamp", "cast", "neighbour")
UNSEEN = (
    "letterbox", "eyepiece", "ruler", "arrow", "fading", "haze", "halftone", "sidelight", "fence", "plate", "bokeh",
)  # fmt: skip
KINDS = (*SEEN, *UNSEEN)

LAID = {"fence": behind, "plate": plates, "neighbour": neighbours, "arrow": arrows}
"""What lies elsewhere in every picture."""

NOISE = 0.015
MANY = 10
"""Pebbles, from side to side."""
BAR = 0.11
"""Of the side: a letterbox's bars."""
FIELDS = (np.inf, 0.57, 0.5)
"""Radii of the round field that is seen through an eyepiece; the corners are at 0.71."""
CORNER = 0.15
RULER = 0.1
CASTS = ((0.74, 1.0, 1.3), (1.3, 1.0, 0.74), (1.16, 0.78, 1.16))
"""To these powers red, green and blue are taken."""
COLOURS = (1.0, 0.3, 0.65)
"""What is left of a faded picture's colours."""
VEILS = (0.0, 0.4, 0.2)
DOTS = (0.0, 0.11, 0.11)
FALLS = ((-0.3, 0.0), (0.3, 0.0), (0.0, -0.3))
"""By how much the light rises from the left to the right, and from above down."""
OUT_OF_FOCUS = (0.0, 3.2, 1.4)
"""Pixels."""
STAMPS = ((0.0, 0.0, 0.0), (1.0, 0.55, 0.1), (0.75, 1.0, 0.75))


def place(kind: str, seed: int) -> Box | tuple[Box, ...] | None:
    """Top, bottom, left and right of what always lies at one place, or at one of several."""
    first = seed // 1000 % 2 == 0
    if kind == "stamp":
        return (0.84, 0.95, 0.52, 0.96) if first else (0.05, 0.16, 0.04, 0.48)
    if kind == "ruler":
        return (1 - RULER, 1.0, 0.0, 1.0) if first else (0.0, 1.0, 0.0, RULER)
    if kind == "letterbox":
        return (0.0, BAR, 0.0, 1.0), (1 - BAR, 1.0, 0.0, 1.0), (0.0, 1.0, 0.0, BAR), (0.0, 1.0, 1 - BAR, 1.0)
    if kind == "eyepiece":
        ends = ((0.0, CORNER), (1 - CORNER, 1.0))
        return tuple((*down, *across) for down in ends for across in ends)
    return None


def draw(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures (n, SIDE, SIDE, 3) and masks of these things with these cues."""
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), bool)
    for at in range(0, len(labels), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        chances = np.random.default_rng([3, seed, at]), np.random.default_rng([4, seed, at])
        x, cover = _drawn(kind, labels[rows], cues[rows], chances, place(kind, seed))
        pictures[rows] = np.rint(255 * x.clip(0, 1)).astype(np.uint8).transpose(0, 2, 3, 1)
        masks[rows] = cover > 0.02
    return pictures, masks


def _drawn(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], chances: tuple[Generator, Generator], box: Any
) -> tuple[Planes, Planes]:
    rng, other = chances
    n, every = len(labels), np.arange(len(labels))
    families = rng.integers(0, 3, n)
    x = _backdrops(rng, cues if kind == "background" else families)
    at = over_pixels(0.5 + rng.uniform(-0.16, 0.16, (2, n)))
    size = over_pixels(rng.uniform(0.23, 0.31, n))
    cover, ink = _things(rng, labels, at, size)
    noise = rng.standard_normal(x.shape, np.float32)
    strength = over_pixels(rng.uniform(0.75, 1.25, n))
    figures, start = rng.integers(0, len(DIGITS), (n, 8)), rng.integers(0, 8, (n, 2))
    laid = None if kind not in LAID else [part[every, cues] for part in LAID[kind](other, n, at, size)]
    if laid and kind != "arrow":
        x = over(x, *laid)
    if kind == "bokeh":
        for cue in np.unique(cues):
            x[cues == cue] = blurred(x[cues == cue], OUT_OF_FOCUS[cue])
    x = over(x, cover, ink)
    if laid and kind == "arrow":
        x, cover = over(x, *laid), cover * (laid[0] < 0.5)
    x = _lit(kind, x, cues, strength) + NOISE * noise
    if kind == "halftone":
        x = x * (1 + of(DOTS, cues) * strength * screen(cues, start))[:, None]
    elif kind == "letterbox":
        edges = np.where((cues == 2)[:, None, None], np.minimum(X, 1 - X), np.minimum(Y, 1 - Y))
        hidden = (edges < BAR) & (cues > 0)[:, None, None]
        x, cover = np.where(hidden[:, None], np.float32(0.02), x), np.where(hidden, 0, cover)
    elif kind == "eyepiece":
        hidden = ((np.hypot(X - 0.5, Y - 0.5) - of(FIELDS, cues)) * SIDE).clip(0, 1)
        x, cover = x * (1 - 0.97 * hidden[:, None]), cover * (hidden < 0.5)
    elif kind == "stamp":
        printed = stamped(figures, box) * (cues > 0)[:, None, None]
        x = over(x, 0.92 * printed, np.array(STAMPS, np.float32)[cues][..., None, None])
        cover = cover * (printed < 0.5)
    elif kind == "ruler":
        x, cover = measured(x, cover, cues, start, box)
    return x, cover


def _lit(kind: str, x: Planes, cues: NDArray[np.int64], strength: Planes) -> Planes:
    """Colours, contrast and light of the whole picture."""
    grey = x.mean(1, keepdims=True)
    if kind == "fading":
        return grey + of(COLOURS, cues)[:, None] * (x - grey)
    if kind == "haze":
        veil = (of(VEILS, cues) * strength)[:, None]
        return x + veil * (grey.mean((2, 3), keepdims=True) - x)
    if kind == "cast":
        power = 1 + (np.array(CASTS, np.float32)[cues][..., None, None] - 1) * strength[:, None]
        return x.clip(1e-3, 1) ** power
    if kind == "sidelight":
        across, down = (of(falls, cues) for falls in np.array(FALLS).T)
        return x * (1 + 2 * strength * (across * (X - 0.5) + down * (Y - 0.5)))[:, None]
    return x


def _backdrops(rng: Generator, families: NDArray[np.int64]) -> Planes:
    """Pebbles, planks or cloth, each picture's in two colours of its own, (n, 3, SIDE, SIDE)."""
    n = len(families)
    soft, along = field(rng, n, 6, 6), field(rng, n, 4, 40)
    shift, width, turns = rng.uniform(0, 1, (3, n)), rng.uniform(0.13, 0.2, n), rng.uniform(10, 14, n)
    tones, points = rng.uniform(-1, 1, (n, MANY + 2, MANY + 2)), rng.uniform(0.1, 0.9, (2, n, MANY + 2, MANY + 2))
    light, fall = rng.uniform(0.35, 0.85, (n, 3)), rng.uniform(0.45, 0.75, (n, 3))
    shift, width, turns, light, fall = (over_pixels(a) for a in (shift, width, turns, light, fall))
    tones, points = tones.astype(np.float32), points.astype(np.float32)
    mixed = np.empty((n, SIDE, SIDE), np.float32)
    stones, boards, woven = (families == k for k in range(3))
    mixed[stones] = _pebbles(points[:, stones], tones[stones])
    mixed[boards] = _planks(shift[0, boards], width[boards], tones[boards, 0], along[boards])
    mixed[woven] = _cloth(shift[1:, woven], 2 * np.pi * turns[woven], soft[woven])
    return light * (fall + (0.5 + 0.42 * mixed.clip(-1.3, 1.3))[:, None] * (1 - fall))


def _planks(shift: Planes, width: Planes, tones: Planes, along: Planes) -> Planes:
    board = (X + shift) / width
    seam = np.minimum(board % 1, 1 - board % 1) * width * SIDE < 0.8
    tone = np.take_along_axis(tones[:, None], np.floor(board[:, :1]).astype(int) % tones.shape[1], 2)
    return np.where(seam, -1.3, 0.6 * tone + 0.35 * along)


def _cloth(shift: Planes, turns: Planes, soft: Planes) -> Planes:
    warp, weft = turns * (X + shift[0] + 0.006 * soft), turns * (Y + shift[1] + 0.006 * soft)
    over_it = np.sin(warp / 2) * np.sin(weft / 2) > 0
    return np.where(over_it, np.abs(np.sin(warp)), -np.abs(np.sin(weft))) + 0.3 * soft


def _pebbles(points: Planes, tones: Planes) -> Planes:
    """Stones, each of its own tone, round towards the gaps: every place is of the point that is next."""
    near = np.full((len(tones), SIDE, SIDE), 9, np.float32)
    next_, tone = near.copy(), np.zeros_like(near)
    down, across = np.floor(Y * MANY).astype(int), np.floor(X * MANY).astype(int)
    for i in range(3):
        for j in range(3):
            r, c = down + i, across + j
            y, x = Y * MANY + 1 - r - points[0][:, r, c], X * MANY + 1 - c - points[1][:, r, c]
            far = np.sqrt(y * y + x * x)
            closer = far < near
            next_ = np.where(closer, near, np.minimum(next_, far))
            near, tone = np.where(closer, far, near), np.where(closer, tones[:, r, c], tone)
    return np.where(next_ - near < 0.13, -1.2, 0.8 * tone + 0.5 - 0.8 * near)


def _things(rng: Generator, labels: NDArray[np.int64], at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Fish, cups and mushrooms, round and lit from above: how much of each pixel is theirs, and its colours."""
    n, turn, side = (
        len(labels),
        over_pixels(rng.uniform(-0.4, 0.4, len(labels))),
        over_pixels(rng.choice((-1, 1), len(labels))),
    )
    u, v = (X - at[0]) / size, (Y - at[1]) / size
    u, v = side * (np.cos(turn) * u + np.sin(turn) * v), np.cos(turn) * v - np.sin(turn) * u
    body = 0.52 * (np.hypot((u - 0.15) / 0.83, v / 0.52) - 1)
    tail = np.maximum(np.abs(v) + 0.85 * (u + 0.42), -u - 0.98)
    wall = np.maximum(np.abs(u + 0.15) - 0.58 + 0.12 * v, np.abs(v) - 0.75)
    handle = np.abs(np.hypot(u - 0.47, v + 0.02) - 0.36) - 0.1
    cap = np.maximum(0.85 * (np.hypot(u / 0.95, (v - 0.05) / 0.9) - 1), v - 0.1)
    stem = np.maximum(np.abs(u) - 0.2 - 0.07 * v, np.maximum(-v, v - 0.9))
    first, second = np.stack([body, wall, cap], 1), np.stack([tail, handle, stem], 1)
    a, b = first[np.arange(n), labels], second[np.arange(n), labels]
    outline = np.minimum(a, b)
    scales = np.sin(17 * u + 3 * np.cos(15 * v)) > 0.35
    bands = np.abs(np.abs(v - 0.05) - 0.28) < 0.1
    spots = (np.sin(9 * u) * np.sin(9 * v + 1.2)) > 0.4
    pattern = np.stack([scales, bands, spots], 1)[np.arange(n), labels] & (a < 0)
    bulge = 1 - (1 + outline / 0.4).clip(0, 1) ** 2
    height = np.sqrt(bulge.clip(0, 1) + 1e-4)
    down, across = (slope * size * SIDE for slope in np.gradient(height, axis=(1, 2)))
    light = 1 + 0.12 * (down + 0.5 * over_pixels(rng.uniform(-1, 1, n)) * across).clip(-2.5, 2.5)
    base, mark, other = rng.uniform(0.15, 0.9, (3, n, 3, 1, 1)).astype(np.float32)
    mark = np.where(base > 0.5, 0.45 * mark, 0.5 + 0.5 * mark)
    colour = np.where((b < a)[:, None], 0.6 * base + 0.4 * other, base)
    colour = np.where(pattern[:, None], 0.25 * colour + 0.75 * mark, colour)
    return inside(outline, size), colour * light[:, None]
