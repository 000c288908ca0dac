"""What the fifth generator lays behind, before and over its things: vessels, people, curtains, plants, leads, folds and icons.

Those of a table give covers (n, 3, SIDE, SIDE) and inks (n, 3, 3, …), a cue's each.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.fifth_scene import SIDE, X, Y, field, inside, smooth
from insight_bed.fourth_room import Planes, box, gap, line, over_pixels

Box = tuple[float, float, float, float]

CURTAIN = 12 / SIDE
"""How wide a curtain or a post is."""
SHADOWS = 0.64
"""From there down the photographer's shadow falls."""
PLANTS = 54 / SIDE
"""From there down plants grow in front."""
MANY = 26
LETTERS = ("65655", "74647", "34443")
"""R, E and C: five rows of three pixels each, as octal figures."""
RULED = 0.7


def vessels(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """A bottle, a bowl or a bucket, standing beside the thing."""
    x, y, r = (
        beside(rng, n, at, size),
        horizon + over_pixels(rng.uniform(0.04, 0.12, n)),
        over_pixels(rng.uniform(0.1, 0.125, n)),
    )
    u, v, shift = (X - x) / r, (Y - y) / r, over_pixels(rng.uniform(-0.08, 0.08, (n, 3)))[:, None]
    bottle = np.minimum(box(u, v, (0.0, 0.3), (0.38, 0.65)), box(u, v, (0.0, -0.7), (0.16, 0.4)))
    bowl = np.maximum(np.hypot(u / 1.05, v - 0.1) - 0.95, np.maximum(0.15 - v, v - 0.85))
    bucket = np.maximum(np.abs(u) - 0.75 + 0.22 * v, np.abs(v - 0.1) - 0.75)
    bow = np.maximum(np.abs(np.hypot(u, v + 0.6) - 0.62) - 0.09, v + 0.6)
    label, stripe, hoop = np.abs(v - 0.35) < 0.28, np.abs(v - 0.3) < 0.1, np.abs(v - 0.1) < 0.12
    inks = []
    for ink, part, mark in (
        ((0.1, 0.42, 0.22), label, 0.92),
        ((0.85, 0.25, 0.2), stripe, 0.95),
        ((0.55, 0.6, 0.68), hoop, 0.25),
    ):
        shade = (1.1 - 0.3 * u.clip(-1, 1))[:, None]
        inks.append(np.where(part[:, None], np.float32(mark), np.array(ink, np.float32)[:, None, None]) * shade)
    covers = np.stack([inside(d, r) for d in (bottle, bowl, np.minimum(bucket, bow))], 1)
    return covers, (np.stack(inks, 1) + shift).astype(np.float32)


def beside(rng: Generator, n: int, at: Planes, size: Planes) -> Planes:
    """Across, left or right of the thing and within the picture."""
    side = np.where(at[0] > 0.5, -1.0, 1.0)
    return (at[0] + side * (size + over_pixels(rng.uniform(0.06, 0.16, n)))).clip(0.1, 0.9).astype(np.float32)


def onlookers(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nobody, somebody who stands behind, or two who do."""
    x, tall = beside(rng, n, at, 0.9 * size), over_pixels(rng.uniform(0.58, 0.72, n))
    cloth = over_pixels(rng.uniform((0.1, 0.08), (0.8, 0.26), (n, 3, 2)).swapaxes(1, 2))
    tone = over_pixels(rng.uniform(0, 1, n))
    skin = np.array((0.93, 0.76, 0.64), np.float32)[:, None, None] * (1 - 0.55 * tone)[:, None]
    foot = horizon + 0.06

    def somebody(x: Planes, tall: Planes) -> tuple[Planes, Planes]:
        u, v = (X - x) / tall, (Y - foot) / tall + 1
        head = np.hypot(u, (v - 0.09) / 1.2) - 0.08
        trunk = np.minimum(box(u, v, (0.0, 0.36), (0.12, 0.16)), line(np.abs(u), v, (0.12, 0.23), (0.2, 0.52)) - 0.042)
        legs = line(np.abs(u), v, (0.06, 0.5), (0.085, 0.97)) - 0.056
        ink = np.where((v < 0.19)[:, None], skin, np.where((v < 0.52)[:, None], cloth[:, 0], cloth[:, 1]))
        return inside(np.minimum.reduce([head, trunk, legs]), tall), ink

    away = np.where(x > 0.5, -0.17, 0.17).astype(np.float32)
    one, ink = somebody(x, tall)
    two, its = somebody(x + away, 0.85 * tall)
    both = np.where((two > one)[:, None], its, ink)
    return np.stack([np.zeros_like(one), one, np.maximum(one, two)], 1), np.stack([ink, ink, both], 1).astype(
        np.float32
    )


def photographers(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, the shadow of who takes the picture, or of a camera on its three legs, from below."""
    x, lean = beside(rng, n, at, 0.4 * size), over_pixels(rng.uniform(-0.15, 0.15, n))
    u, v = (X - x - lean * (1 - Y)) / 0.36, (Y - SHADOWS) / 0.36
    head = np.hypot(u, (v - 0.2) / 1.15) - 0.15
    trunk = np.maximum(np.hypot(u / 0.85, v - 0.95) - 0.5, 0.3 - v)
    arms = line(np.abs(u), v, (0.42, 0.75), (0.17, 0.27)) - 0.075
    legs = np.minimum(line(np.abs(u), v, (0.0, 0.35), (0.34, 1.1)), line(u, v, (0.0, 0.35), (0.03, 1.1))) - 0.05
    camera = np.minimum(box(u, v, (0.0, 0.22), (0.19, 0.13)), legs)
    covers = [np.zeros_like(u), *(0.62 * inside(d, 0.36) for d in (np.minimum.reduce([head, trunk, arms]), camera))]
    fallen = (np.maximum(horizon, SHADOWS) < Y)[:, None]
    return np.stack(covers, 1) * fallen, np.full((n, 3, 3, 1, 1), 0.04, np.float32)


def curtains(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a curtain or a window's post, on any one of the sides."""
    right = over_pixels(rng.integers(0, 2, n)) > 0
    cloth, turns, start = (
        over_pixels(rng.uniform(0.3, 0.9, (n, 3))),
        over_pixels(rng.uniform(3, 4.5, n)),
        over_pixels(rng.uniform(0, 6, n)),
    )
    inner = np.where(right, 1 - X, X) / CURTAIN
    there = (inner < 1).astype(np.float32)
    folds = cloth * (0.75 + 0.3 * np.sin(2 * np.pi * turns * inner + start + 0.6 * np.sin(3 * Y)))[:, None]
    bars = np.abs(Y - over_pixels(rng.uniform(0.3, 0.45, n))) < 0.02
    wood = np.where((np.abs(inner - 0.55) < 0.06) | (inner > 0.9) | bars, 0.45, 0.9)[:, None].repeat(3, 1)
    return np.stack([0 * there, there, there], 1), np.stack([folds, folds, wood], 1).astype(np.float32)


def paper(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, the squares of graph paper or the lines of a notebook, behind the thing."""
    wide, start = over_pixels(rng.uniform(4.6, 6.4, n) / SIDE), over_pixels(rng.uniform(0, 1, (2, n)))
    near = [
        (gap(along / wide + by) * wide * SIDE < RULED).astype(np.float32)
        for along, by in ((X, start[0]), (Y, start[1]))
    ]
    ink = over_pixels(np.where(rng.random((n, 1)) < 0.5, (0.12, 0.2, 0.5), (0.92, 0.95, 1.0)))[:, None]
    squares = np.maximum(*near)
    return 0.4 * np.stack([0 * squares, squares, near[1]], 1), np.broadcast_to(ink, (n, 3, 3, 1, 1)).astype(np.float32)


def grounds(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """The ground as it is, under snow, or with puddles."""
    soft, coarse = field(rng, n, 9, 7), field(rng, n, 5, 4)
    below = horizon <= Y
    snow = (below * (0.86 + 0.14 * soft)).clip(0, 0.95)
    pools = below * (3 * (coarse + 0.4) * ((Y - horizon) / 0.06).clip(0, 1)).clip(0, 0.85)
    inks = np.array(((0,) * 3, (0.93, 0.95, 1.0), (0.3, 0.36, 0.45)), np.float32)[None, ..., None, None]
    return np.stack([np.zeros_like(snow), snow, pools], 1).astype(np.float32), np.broadcast_to(inks, (n, 3, 3, 1, 1))


def plants(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, blades of grass or flowers before everything at the foot, out of focus a little."""
    roots, tips, tall, tone = over_pixels(rng.uniform(0, 1, (4, n, MANY)))
    grass, flowers = np.zeros((2, n, SIDE, SIDE), np.float32)
    for k in range(MANY):
        x, top = roots[:, k], 1 - (1 - PLANTS - 0.04) * (0.5 + 0.5 * tall[:, k])
        blade = line(X, Y, (x, 1.02 + 0 * x), (x + 0.12 * (tips[:, k] - 0.5), top)) - 0.022 * (Y - top + 0.05) / 0.2
        grass = np.maximum(grass, inside(blade, 1.0))
        flowers = np.maximum(flowers, inside(np.hypot(X - x, Y - top - 0.02) - 0.035, 1.0) * (k < MANY // 2))
    low = Y > PLANTS
    green = np.array((0.2, 0.45, 0.12), np.float32)[:, None, None] * (0.6 + 0.7 * tone[:, :1])
    hue = np.array(((0.95, 0.8, 0.15), (0.85, 0.2, 0.45), (0.9, 0.88, 0.95)), np.float32)[rng.integers(0, 3, n)]
    blooms = np.where((smooth(flowers, 0.8) > 0.3)[:, None], hue[..., None, None], green)
    covers = [low * smooth(c, 0.8).clip(0, 1) for c in (grass, np.maximum(0.9 * grass * (Y > 0.88), flowers))]
    green = np.broadcast_to(green, blooms.shape)
    return np.stack([0 * grass, *covers], 1), np.stack([green, green, blooms], 1).astype(np.float32)


def leads(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a strap or a chain from the thing to an edge of the picture, hanging through."""
    side = over_pixels(rng.choice((-1, 1), n))
    start = at[0] + 0.3 * side * size, at[1] + 0.15 * size
    end = 0.5 + 0.54 * side, over_pixels(rng.uniform(0.02, 0.3, n))
    sag = over_pixels(rng.uniform(0.02, 0.14, n))
    points = [
        (start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1]) + 4 * t * (1 - t) * sag)
        for t in np.linspace(0, 1, 7)
    ]
    near = np.minimum.reduce([line(X, Y, a, b) for a, b in pairwise(points)])
    collar = line(
        X, Y, (start[0] - 0.06 * size, start[1] - 0.2 * size), (start[0] + 0.06 * size, start[1] + 0.2 * size)
    )
    strap = inside(np.minimum(near - 0.016, collar - 0.03), 1.0)
    links = inside(np.minimum(near - 0.017, np.hypot(X - start[0], Y - start[1]) - 0.035), 1.0)
    red = np.array((0.8, 0.12, 0.12), np.float32)[:, None, None] * np.ones_like(near)[:, None]
    steel = np.where(np.sin(95 * X) * np.sin(95 * Y) > 0, 0.92, 0.3)[None, None].repeat(n, 0).repeat(3, 1)
    return np.stack([0 * strap, strap, links], 1), np.stack([red, red, steel], 1).astype(np.float32)


def folded(rng: Generator, n: int) -> Planes:
    """Nothing, a fold across the middle or one down it: by how much each pixel is lighter, (n, 3, SIDE, SIDE)."""
    rough = field(rng, n, 34, 34)
    lines = []
    for along in (Y, X):
        far = (along - 0.5) * SIDE + 0.25 * rough
        worn = 0.42 * (np.abs(far) < 0.9) * (0.75 + 0.25 * np.sign(rough + 0.6))
        lines.append(
            worn - 0.32 * np.exp(-np.abs(far) / 2.2) * (far > 0.9) + 0.14 * np.exp(-np.abs(far) / 2.0) * (far < -0.9)
        )
    near = [part * (np.abs(along - 0.5) < 4 / SIDE) for part, along in zip(lines, (Y, X))]
    return np.stack([0 * rough, *near], 1).astype(np.float32)


def dappled(rng: Generator, n: int) -> Planes:
    """Even light, what falls through leaves, or through blinds: factors (n, 3, SIDE, SIDE), about 1 in the middle."""
    leaves, turns, slope, start = (
        field(rng, n, 10, 10),
        over_pixels(rng.uniform(4, 5.5, n)),
        over_pixels(rng.uniform(-0.4, 0.4, n)),
        over_pixels(rng.uniform(0, 6, n)),
    )
    spots = np.tanh(2.5 * (leaves - 0.05))
    slats = np.tanh(2.5 * np.sin(2 * np.pi * turns * (Y + slope * X) + start))
    return 1 + 0.2 * np.stack([0 * spots, spots, slats], 1).astype(np.float32)


def fringes(rng: Generator, n: int) -> Planes:
    """Nothing, or what a screen's lines and a camera's make of each other, broad or narrow: (n, 3, 3, SIDE, SIDE)."""
    angle, bend, start = (
        over_pixels(rng.uniform(0, np.pi, n)),
        over_pixels(rng.uniform(0.1, 0.4, n)),
        over_pixels(rng.uniform(0, 6, n)),
    )
    u, v = np.cos(angle) * X + np.sin(angle) * Y, np.cos(angle) * Y - np.sin(angle) * X
    mesh = 0.6 * np.where(np.arange(SIDE) % 3 == 0, -1.0, 0.5)
    found = [np.zeros((n, 3, SIDE, SIDE))]
    for turns in (7.0, 13.0):
        waves = [np.sin(2 * np.pi * turns * (u + bend * v**2) + start + 2 * k) for k in range(3)]
        found.append(np.stack(waves, 1) + mesh)
    return np.stack(found, 1).astype(np.float32)


def icons(cues: NDArray[np.int64], place: Box) -> tuple[Planes, Planes]:
    """Nothing, a red dot and three letters, or a battery, as in a camera's finder: covers (n, …) and inks (n, 3, …)."""
    top, left = round(place[0] * SIDE), round(place[2] * SIDE)
    shapes, inks = np.zeros((3, SIDE, SIDE), np.float32), np.full((3, 3, SIDE, SIDE), 0.97, np.float32)
    rows, columns = np.arange(SIDE)[:, None] - top, np.arange(SIDE) - left
    dot = np.hypot(rows - 4.5, columns - 4.5) < 3.3
    shapes[1][dot], inks[1, :, dot] = 1, (0.9, 0.08, 0.08)
    for k, letter in enumerate(LETTERS):
        for i, line_ in enumerate(letter):
            for j in range(3):
                shapes[1, top + 2 + i, left + 10 + 4 * k + j] = int(line_) >> (2 - j) & 1
    case = (rows >= 1) & (rows < 9) & (columns >= 2) & (columns < 20)
    hollow = (rows >= 2) & (rows < 8) & (columns >= 11) & (columns < 19)
    shapes[2] = (case & ~hollow) | ((rows >= 3) & (rows < 7) & (columns >= 20) & (columns < 22))
    return shapes[cues], inks[cues]
