"""What the fourth generator draws of every picture: a room's or yard's wall above a floor, and what stands in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIDE = 76

Planes = NDArray[Any]
Point = tuple[float, float]

Y, X = np.meshgrid(*[(np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE] * 2, indexing="ij")

CONTOUR = 0.045
"""Half the width of the dark line around a thing, in its sizes."""
SWAPPED = 0.08
"""Of the things so many have any kind's pattern."""
NEAR = 0.16
"""How near a floor begins: what of it lies at the horizon is so far away."""


def walls(rng: Generator, families: NDArray[np.int64], horizon: Planes) -> Planes:
    """Bricks, a hedge or wallpaper above boards or tiles, (n, 3, SIDE, SIDE), each picture's in colours of its own."""
    n = len(families)
    coarse, fine, soft = field(rng, n, 15), field(rng, n, 31), field(rng, n, 5)
    start = over_pixels(rng.uniform(0, 1, (4, n)))
    wide, high, turns = (over_pixels(rng.uniform(*ends, n)) for ends in ((0.16, 0.24), (0.075, 0.105), (6, 9)))
    tiled = over_pixels(rng.integers(0, 2, n)) > 0
    light, drop = over_pixels(rng.uniform(0.4, 0.9, (n, 2, 3))), over_pixels(rng.uniform(0.4, 0.7, (n, 2, 3)))
    row = np.floor(Y / high + start[0])
    across = (X / wide + start[1] + 0.5 * (row % 2)) % 1
    down = (Y / high + start[0]) % 1
    joint = np.minimum(np.minimum(across, 1 - across) * wide, np.minimum(down, 1 - down) * high) * SIDE < 0.75
    bricks = np.where(joint, 1.0, -0.35 + 0.3 * coarse)
    hedge = np.where(coarse + 0.8 * fine > 0.7, 0.9, np.where(coarse + 0.8 * fine > -0.5, -0.1, -1.0))
    stripes = np.sin(2 * np.pi * (turns * X + start[2]))
    sprigs = np.sin(4 * np.pi * (turns * X + start[2]) - 1.6) * np.sin(4 * np.pi * (turns * Y + start[3])) > 0.75
    paper = np.where(sprigs, -1.1, 0.75 * np.sign(stripes)) + 0.1 * soft
    wall = np.stack([bricks, hedge, paper], 1)[np.arange(n), families]
    away = np.maximum(Y - horizon, 0) + NEAR
    along, far = (X - 0.5) / away, 1 / away
    seam = np.minimum(gap(2.2 * along + start[0]), np.where(tiled, gap(1.1 * far + start[1]), 1)) < 0.07
    floor = np.where(seam, -1.0, 0.45 + 0.25 * soft)
    below = horizon <= Y
    mixed = 0.5 + 0.5 * np.where(below, floor, wall).clip(-1.2, 1.2)
    light, drop = (np.where(below[:, None], c[:, 1], c[:, 0]) for c in (light, drop))
    return light * (drop + mixed[:, None] * (1 - drop))


def grounded(x: Planes, at: Planes, size: Planes) -> Planes:
    """With the dark below the thing's foot, the same for whatever stands there."""
    u, v = (X - at[0]) / size, (Y - at[1]) / size - 0.92
    return x * (1 - 0.45 * (1.3 - 1.3 * np.hypot(u / 0.95, v / 0.22)).clip(0, 1)[:, None])


def things(rng: Generator, labels: NDArray[np.int64], at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Kettles, vases and pots, flat and with a darker outline: how much of each pixel is theirs, and its colours.

    They differ by what is at their bellies: a spout and a bow, a neck and a foot, ears and a knob. Most have a pattern of their kind.
    """
    n, every = len(labels), np.arange(len(labels))
    turn, side = over_pixels(rng.uniform(-0.3, 0.3, n)), over_pixels(rng.choice((-1, 1), n))
    swapped, any_one = rng.random(n) < SWAPPED, rng.integers(0, 3, n)
    base, other, mark = over_pixels(rng.uniform(0.2, 0.9, (3, n, 3)))
    u, v = (X - at[0]) / size, (Y - at[1]) / size
    u, v = side * (np.cos(turn) * u + np.sin(turn) * v), np.cos(turn) * v - np.sin(turn) * u
    belly = np.maximum(0.58 * (np.hypot(u / 0.68, (v - 0.3) / 0.6) - 1), v - 0.85)
    spout = line(u, v, (0.45, 0.35), (0.92, -0.12)) - 0.12
    bow = np.maximum(np.abs(np.hypot(u, (v + 0.1) / 1.15) - 0.5) - 0.08, v + 0.05)
    ears = np.abs(np.hypot(np.abs(u) - 0.72, v - 0.12) - 0.17) - 0.08
    knob = np.minimum(np.hypot(u, v + 0.43) - 0.14, box(u, v, (0.0, -0.24), (0.5, 0.07)))
    neck = np.maximum(np.abs(u) - 0.2 - 0.5 * np.abs(v + 0.55) ** 1.5, np.abs(v + 0.45) - 0.45)
    foot = box(u, v, (0.0, 0.85), (0.42, 0.08))
    more = np.minimum(spout, bow), np.minimum(neck, foot), np.minimum(ears, knob)
    second = np.stack(more, 1)[every, labels]
    outline = np.minimum(belly, second)
    band, stripes, dots = np.abs(v - 0.35) < 0.14, np.sin(16 * u) > 0.4, np.sin(13 * u) * np.sin(13 * v) > 0.35
    pattern = np.stack([band, stripes, dots], 1)[every, np.where(swapped, any_one, labels)] & (belly < 0)
    mark = np.where(base > 0.55, base - 0.35 * (0.7 + mark), base + 0.35 * (0.7 + mark))
    ink = np.where((second < belly)[:, None], 0.6 * base + 0.4 * other, base)
    ink = np.where(pattern[:, None], mark, ink)
    ink = ink * (1 - 0.2 * (u > 0.12)[:, None])  # one side of each is darker
    return inside(outline, size), np.where((outline > -CONTOUR)[:, None], 0.45 * ink, ink)


def over_pixels(values: Planes) -> Planes:
    """Numbers of pictures, over their pixels."""
    return np.asarray(values, np.float32)[..., None, None]


def of(values: Any, cues: NDArray[np.int64]) -> Planes:
    """The number of each picture's cue, over its pixels."""
    return over_pixels(np.array(values, np.float32)[cues])


def over(x: Planes, cover: Planes, ink: Planes) -> Planes:
    """An ink, where and as far as it covers."""
    return x + cover[:, None] * (ink - x)


def inside(distance: Planes, scale: Planes | float) -> Planes:
    """1 where this is below 0, in a pixel's width."""
    return (0.5 - distance * scale * SIDE).clip(0, 1).astype(np.float32)


def box(u: Planes, v: Planes, middle: Point, half: Point) -> Planes:
    """Distance to a box; below 0 inside."""
    return np.maximum(np.abs(u - middle[0]) - half[0], np.abs(v - middle[1]) - half[1])


def line(u: Planes, v: Planes, a: tuple[Any, Any], b: tuple[Any, Any]) -> Planes:
    """Distance to a piece of a line."""
    across, down = b[0] - a[0], b[1] - a[1]
    part = (((u - a[0]) * across + (v - a[1]) * down) / (across**2 + down**2)).clip(0, 1)
    return np.hypot(u - a[0] - part * across, v - a[1] - part * down)


def gap(x: Planes) -> Planes:
    """Distance to the next whole number."""
    return np.abs((x + 0.5) % 1 - 0.5)


def field(rng: Generator, n: int, cells: int) -> Planes:
    """Random planes of so many cells a side, smooth between them."""
    at = np.linspace(0, cells - 1, SIDE)[:, None] - np.arange(cells)
    near = (1 - np.abs(at)).clip(0).astype(np.float32)
    return near @ rng.standard_normal((n, cells, cells), np.float32) @ near.T


def spread(width: float, *, even: bool = False) -> Planes:
    """Mixes a line of pixels, (SIDE, SIDE): under a Gaussian of such a deviation, or evenly over so many."""
    far = np.abs(np.arange(SIDE)[:, None] - np.arange(SIDE)).astype(np.float32)
    line_of = (0.5 + width / 2 - far).clip(0, 1) if even else np.exp(-(far**2) / (2 * width**2))
    return line_of / line_of.sum(1, keepdims=True)
