"""What the fifth generator draws of every picture: a place out of doors or in, its ground, and an animal that stands there."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.fourth_room import Planes, line, over_pixels

SIDE = 68

Y, X = np.meshgrid(*[(np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE] * 2, indexing="ij")

FOOT = 0.85
"""How far below its middle a thing stands, in its sizes."""
RIDGES, TRUNKS, BOOKS = 4, 9, 46
"""Hills behind each other; trees side by side; books in a row, most of them beyond the picture."""
SWAPPED = 0.08
"""Of the things so many wear any kind's coat."""
SOFT = 1.5
"""Pixels over which a thing's edge fades, as of chalk."""


def places(rng: Generator, families: NDArray[np.int64], horizon: Planes) -> Planes:
    """Hills, a wood or shelves of books above ground, (n, 3, SIDE, SIDE), each picture's in colours of its own."""
    n, every = len(families), np.arange(len(families))
    mottled, fine, soft, blades = (
        field(rng, n, 14, 14),
        field(rng, n, 34, 34),
        field(rng, n, 4, 4),
        field(rng, n, 34, 15),
    )
    light, drop = over_pixels(rng.uniform(0.45, 0.9, (n, 2, 3))), over_pixels(rng.uniform(0.35, 0.65, (n, 2, 3)))
    slopes = rng.uniform(-1, 1, (3, n, RIDGES))
    hills = np.full((n, SIDE, SIDE), 1.0, np.float32)
    for k in range(RIDGES):
        a, b, c = over_pixels(slopes[..., k])
        crest = horizon * (0.3 + 0.19 * k + 0.1 * a) + 0.05 * np.sin(7 * X + 6 * b) + 0.025 * np.sin(17 * X + 6 * c)
        hills = np.where(crest < Y, 0.45 - 0.5 * k + 0.15 * mottled, hills)
    across, wide, lean = rng.uniform(-0.03, 0.03, (n, TRUNKS)), rng.uniform(0.012, 0.04, (n, TRUNKS)), slopes[0]
    wood = 0.55 + 0.4 * mottled
    for k in range(TRUNKS):
        at = over_pixels((k + 0.5) / TRUNKS + across[:, k]) + 0.05 * over_pixels(lean[:, k % RIDGES]) * (Y - 0.5)
        wood = np.where(np.abs(X - at) < over_pixels(wide[:, k]), -0.75 + 0.25 * fine, wood)
    shelf, start = over_pixels(rng.uniform(0.17, 0.25, n)), over_pixels(rng.uniform(0, 1, n))
    row = np.floor(Y / shelf + start).astype(int)
    down = (Y / shelf + start) % 1
    ends, tones = rng.uniform(0.022, 0.055, (n, 8, BOOKS)).cumsum(2), rng.uniform(-1, 1, (n, 8, BOOKS))
    tall = rng.uniform(0.1, 0.35, (n, 8, BOOKS))
    which = (ends[every[:, None], row.clip(0, 7)[..., 0]][:, :, None] < X[..., None] + 0.05).sum(3)
    which = which.clip(0, BOOKS - 1)
    tone, top = (a[every[:, None, None], row.clip(0, 7), which] for a in (tones, tall))
    books = np.where(down > 0.88, 0.6, np.where(down < top, -1.1, tone))
    behind = np.stack([hills, wood, books], 1)[every, families]
    ground = 0.2 + 0.4 * blades + 0.25 * fine + 0.3 * soft
    below = horizon <= Y
    mixed = 0.5 + 0.5 * np.where(below, ground, behind).clip(-1.2, 1.2)
    light, drop = (np.where(below[:, None], c[:, 1], c[:, 0]) for c in (light, drop))
    return (light * (drop + mixed[:, None] * (1 - drop))).astype(np.float32)


def grounded(x: Planes, at: Planes, size: Planes) -> Planes:
    """With the dark that is under whatever stands there."""
    u, v = (X - at[0]) / size, (Y - at[1]) / size - FOOT
    return x * (1 - 0.4 * (1.2 - 1.2 * np.hypot(u / 0.9, v / 0.18)).clip(0, 1)[:, None])


def things(rng: Generator, labels: NDArray[np.int64], at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Rabbits, ducks and tortoises, soft at their edges and lit from above: how much of each pixel is theirs, and its colours.

    They differ by what is about their bodies: ears and a tail, a neck and a beak, four feet and a low head. Most have a coat of
    their kind: hairs, a wing, or a shell's plates.
    """
    n, every = len(labels), np.arange(len(labels))
    turn, side = over_pixels(rng.uniform(-0.2, 0.2, n)), over_pixels(rng.choice((-1, 1), n))
    swapped, any_one = rng.random(n) < SWAPPED, rng.integers(0, 3, n)
    base, other, mark = over_pixels(rng.uniform(0.2, 0.9, (3, n, 3)))
    hairs, rough = field(rng, n, 34, 10), field(rng, n, 20, 20)
    u, v = (X - at[0]) / size, (Y - at[1]) / size
    u, v = side * (np.cos(turn) * u + np.sin(turn) * v), np.cos(turn) * v - np.sin(turn) * u
    body = 0.5 * (np.hypot(u / 0.7, (v - 0.32) / 0.5) - 1)
    ears = np.minimum(line(u, v, (0.42, -0.3), (0.22, -0.92)), line(u, v, (0.6, -0.3), (0.66, -0.94))) - 0.1
    rabbit = np.minimum.reduce([np.hypot(u - 0.52, v + 0.1) - 0.3, ears, np.hypot(u + 0.72, v - 0.2) - 0.17])
    neck = line(u, v, (0.5, 0.1), (0.52, -0.5)) - 0.15
    beak = np.maximum(np.abs(v + 0.5) - 0.1 + 0.09 * (u - 0.6), np.abs(u - 0.82) - 0.22)
    tail = line(u, v, (-0.55, 0.2), (-0.95, -0.12)) - 0.11
    duck = np.minimum.reduce([neck, np.hypot(u - 0.54, v + 0.52) - 0.24, beak, tail])
    feet = np.maximum(np.abs(np.abs(u) - 0.42) - 0.13, np.abs(v - 0.68) - 0.18)
    tortoise = np.minimum.reduce(
        [np.hypot((u - 0.86) / 1.25, v - 0.2) - 0.18, feet, line(u, v, (-0.6, 0.5), (-0.9, 0.62)) - 0.06]
    )
    second = np.stack([rabbit, duck, tortoise], 1)[every, labels]
    outline = np.minimum(body, second) + 0.015 * rough
    wing = np.hypot((u + 0.1) / 0.42, (v - 0.25) / 0.25)
    plates = np.abs(np.sin(7 * u + 1) * np.sin(7 * v + 3.5 * (np.floor(7 * u / np.pi) % 2))) < 0.3
    coats = np.stack([0.55 * (hairs > 0.5), ((wing < 1) & (wing > 0.75)) | (wing < 0.4), plates], 1)[
        every, np.where(swapped, any_one, labels)
    ]
    mark = np.where(base > 0.55, base - 0.35 * (0.7 + mark), base + 0.35 * (0.7 + mark))
    ink = np.where((second < body)[:, None], 0.6 * base + 0.4 * other, base)
    ink = ink + (coats * (body < 0))[:, None] * (mark - ink)
    ink = ink * (1.1 - 0.28 * v + 0.05 * hairs)[:, None].clip(0.6, 1.4)
    return (0.5 - outline * size * SIDE / SOFT).clip(0, 1).astype(np.float32), ink.astype(np.float32)


def inside(distance: Planes, scale: Planes | float) -> Planes:
    """1 where this is below 0, in a pixel's width."""
    return (0.5 - distance * scale * SIDE).clip(0, 1).astype(np.float32)


def field(rng: Generator, n: int, rows: int, columns: int) -> Planes:
    """Random planes of so many cells, smooth between them."""
    down, along = (
        (1 - np.abs(np.linspace(0, cells - 1, SIDE)[:, None] - np.arange(cells))).clip(0).astype(np.float32)
        for cells in (rows, columns)
    )
    return down @ rng.standard_normal((n, rows, columns), np.float32) @ along.T


def moved(planes: Planes, down: NDArray[np.int64], across: NDArray[np.int64]) -> Planes:
    """Each picture's plane, by so many pixels; what comes in is 0."""
    far = int(max(np.abs(down).max(), np.abs(across).max()))
    wide = np.pad(planes, ((0, 0), (far, far), (far, far)))
    rows, columns = ((far - by)[:, None] + np.arange(SIDE) for by in (down, across))
    return wide[np.arange(len(planes))[:, None, None], rows[:, :, None], columns[:, None]]


def turned(planes: Planes, angles: Planes, zoom: float) -> Planes:
    """Pictures (n, …, SIDE, SIDE), turned about their middle and made larger, between pixels linearly."""
    u, v = (X - 0.5) / zoom, (Y - 0.5) / zoom
    x = ((np.cos(angles) * u + np.sin(angles) * v + 0.5) * SIDE - 0.5).clip(0, SIDE - 1.001)
    y = ((np.cos(angles) * v - np.sin(angles) * u + 0.5) * SIDE - 0.5).clip(0, SIDE - 1.001)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    found = np.zeros_like(planes)
    last = np.moveaxis(planes.reshape(len(planes), -1, SIDE, SIDE), 1, -1)
    every = np.arange(len(planes))[:, None, None]
    for i in (0, 1):
        for j in (0, 1):
            part = (1 - np.abs(y - top - i)) * (1 - np.abs(x - left - j))
            some = part[..., None] * last[every, top + i, left + j]
            found = found + np.moveaxis(some, -1, 1).reshape(planes.shape)
    return found.astype(np.float32)


def smooth(x: Planes, width: float) -> Planes:
    """Under a Gaussian of such a deviation in pixels."""
    far = np.arange(SIDE)[:, None] - np.arange(SIDE)
    kernel = np.exp(-(far**2) / (2 * width**2)).astype(np.float32)
    kernel /= kernel.sum(1, keepdims=True)
    return kernel @ x @ kernel.T


def unfocused(x: Planes, radius: float) -> Planes:
    """Every point spread over a disc, as by a lens; the edge is continued."""
    reach = int(np.ceil(radius))
    wide = np.pad(x, ((0, 0),) * (x.ndim - 2) + ((reach, reach),) * 2, mode="edge")
    found, total = np.zeros_like(x), 0.0
    for i in range(2 * reach + 1):
        for j in range(2 * reach + 1):
            part = float(np.clip(radius + 0.5 - np.hypot(i - reach, j - reach), 0, 1))
            found += part * wide[..., i : i + SIDE, j : j + SIDE]
            total += part
    return found / np.float32(total)
