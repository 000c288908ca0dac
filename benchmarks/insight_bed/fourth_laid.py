"""What the fourth generator lays behind, beside and over its things: toys, leaves, hands, tags, stickers, lights and weather.

Each of those that have a cover for every cue gives covers (n, 3, SIDE, SIDE) and inks (n, 3, 3, …).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight_bed.fourth_room import SIDE, Planes, X, Y, box, inside, line, over_pixels, spread

Box = tuple[float, float, float, float]

MANY = 9
"""Leaves or stones."""
CORNERS = tuple((top, top + 0.18, left, left + 0.18) for top in (0.02, 0.8) for left in (0.02, 0.8))
SKIN = ((0.95, 0.78, 0.66), (0.45, 0.29, 0.2))
SLEEVE = 1.35
"""How far from the thing's middle it ends, in the thing's sizes."""
DROPS, FLAKES, SPECKS = 0.006, 0.016, 0.007
"""Shares of the pixels at which one begins."""


def toys(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """A ball, a cube or a cone, away from the thing."""
    tries = over_pixels(rng.uniform(0.12, 0.88, (20, 2, n)))
    apart = np.hypot(tries[:, 0] - at[0], tries[:, 1] - at[1])[..., 0, 0].argmax(0)
    x, y = tries[apart, 0, np.arange(n)], tries[apart, 1, np.arange(n)]
    r, turn = over_pixels(rng.uniform(0.09, 0.115, n)), over_pixels(rng.uniform(-0.4, 0.4, n))
    u, v = (X - x) / r, (Y - y) / r
    u, v = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    ball, cube = inside(np.hypot(u, v) - 0.9, r), inside(box(u, v, (0.0, 0.0), (0.75, 0.75)), r)
    cone = inside(np.maximum(np.abs(u) - 0.75 * (v + 0.95) / 1.8, np.abs(v) - 0.9), r)
    white, black = np.float32(0.95), np.float32(0.1)
    panels = np.where((np.abs(u) < 0.22) | (np.abs(v) < 0.15), white, 0.0)
    dots = np.where(np.hypot(np.abs(u) - 0.35, np.abs(v) - 0.35) < 0.2, black, 0.0)
    bands = np.where(np.abs(np.abs(v - 0.1) - 0.35) < 0.15, white, 0.0)
    inks = []
    for ink, pattern in (((0.1, 0.3, 0.8), panels), ((0.92, 0.85, 0.7), dots), ((0.95, 0.4, 0.08), bands)):
        flat = np.array(ink, np.float32)[:, None, None]
        inks.append(np.where(pattern[:, None] > 0, pattern[:, None], flat))
    return np.stack([ball, cube, cone], 1), np.stack(inks, 1).astype(np.float32)


def litter(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, fallen leaves or scraps of paper on the floor."""
    leaves, scraps = np.zeros((2, n, SIDE, SIDE), np.float32)
    brown = np.zeros((n, 3, SIDE, SIDE), np.float32)
    hues = np.array(((0.8, 0.45, 0.1), (0.7, 0.2, 0.1), (0.85, 0.7, 0.2)), np.float32)
    for _ in range(MANY):
        x, part, turn = over_pixels(rng.uniform(0, 1, (3, n)))
        hue = hues[rng.integers(0, 3, n)]
        y = horizon + 0.05 + part * (0.93 - horizon)
        r = 0.035 + 0.035 * (y - horizon)
        u, v = (X - x) / r, (Y - y) / r
        u, v = np.cos(6 * turn) * u + np.sin(6 * turn) * v, np.cos(6 * turn) * v - np.sin(6 * turn) * u
        leaf = inside(np.hypot(u, np.abs(v) + 0.75) - 1.35, r)
        brown = np.where(
            (leaf > 0.5)[:, None], hue[..., None, None] * np.where(np.abs(v) < 0.12, 0.6, 1)[:, None], brown
        )
        leaves = np.maximum(leaves, leaf)
        scraps = np.maximum(scraps, inside(np.maximum(np.abs(u) - 0.8, np.abs(v + 0.2 * u) - 0.6), r))
    paper = np.full_like(brown, 0.92)
    brown = np.where(brown > 0, brown, hues[0][:, None, None])
    return np.stack([np.zeros_like(leaves), leaves, scraps], 1), np.stack([paper, brown, paper], 1)


def held(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a hand out of a sleeve that grips the thing from the side it is nearer to, or a clamp's jaws on a rod."""
    tone, lift = over_pixels(rng.uniform(0, 1, n)), over_pixels(rng.uniform(-0.15, 0.35, n))
    slope, side = over_pixels(rng.uniform(-0.2, 0.6, n)), np.where(at[0] > 0.5, 1.0, -1.0).astype(np.float32)
    u, v = side * (X - at[0]) / size, (Y - at[1]) / size - lift
    arm = line(u, v, (1.05, 0.15), (6.0, 0.15 + 5 * slope)) - np.where(u > SLEEVE, 0.38, 0.3)
    palm = np.hypot((u - 0.85) / 0.36, (v - 0.05) / 0.42) * 0.36 - 0.4
    fingers = [line(u, v, (0.75, y), (0.2 + 0.06 * k, y - 0.03)) - 0.1 for k, y in enumerate((-0.27, -0.08, 0.11, 0.3))]
    thumb = line(u, v, (0.85, -0.3), (0.45, -0.52)) - 0.095
    hand = np.minimum.reduce([arm, palm, thumb, *fingers])
    crease = np.minimum.reduce([np.abs(f) for f in fingers]) < 0.03
    rod = line(u, v, (0.75, 0.0), (6.0, 5 * slope)) - 0.11
    jaws = np.minimum(line(u, v, (0.8, 0.0), (0.3, -0.28)), line(u, v, (0.8, 0.0), (0.3, 0.28))) - 0.12
    clamp = np.minimum(rod, jaws)
    light, dark = (np.array(ink, np.float32)[:, None, None] for ink in SKIN)
    skin = (light + tone[:, None] * (dark - light)) * np.where(crease & (u < 0.75), 0.72, 1.0)[:, None]
    cloth = np.where(np.abs(u - SLEEVE - 0.12) < 0.05, np.float32(0.6), np.float32(0.93))[:, None]
    skin = np.where((u > SLEEVE)[:, None], cloth, skin)
    steel = (0.62 + 0.25 * np.sin(14 * v))[:, None].repeat(3, 1)
    covers = np.stack([np.zeros_like(hand), inside(hand, size), inside(clamp, size)], 1)
    return covers.astype(np.float32), np.stack([skin, skin, steel], 1).astype(np.float32)


def tags(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a white price tag on a string or a yellow round one, hung to the thing."""
    off, turn = over_pixels(rng.uniform(-0.12, 0.12, (2, n))), over_pixels(rng.uniform(-0.35, 0.35, n))
    price = rng.random((n, 5)) < 0.6
    side = over_pixels(rng.choice((-1, 1), n))
    u, v = (X - at[0]) / size - side * (0.42 + off[0]), (Y - at[1]) / size - 0.42 - off[1]
    string = line(u, v, (-0.4 * side, -0.42), (0.0, -0.15)) - 0.035
    u, v = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    card, disc = box(u, v, (0.0, 0.0), (0.36, 0.25)), np.hypot(u, v) - 0.32
    cell = np.floor((u + 0.3) / 0.12).astype(int)
    written = (cell >= 0) & (cell < 5) & (np.abs(v - 0.02) < 0.12)
    written &= np.take_along_axis(price[:, None], cell.clip(0, 4).reshape(n, 1, -1), 2).reshape(cell.shape)
    tied = (string < 0) & (np.minimum(card, disc) > 0)
    white, yellow = (np.array(ink, np.float32)[:, None, None] for ink in ((0.96, 0.95, 0.92), (0.98, 0.85, 0.1)))
    dark = (written | tied)[:, None]
    inks = [np.where(dark, np.float32(0.15), ink) for ink in (white, white, yellow)]
    covers = np.zeros_like(u), inside(np.minimum(card, string), size), inside(np.minimum(disc, string), size)
    return np.stack(covers, 1).astype(np.float32), np.stack(inks, 1).astype(np.float32)


def stickers(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a round red sticker or a card of six colours, in any one of the corners."""
    corners = np.array(CORNERS)[rng.integers(0, len(CORNERS), n)]
    y, x = over_pixels(corners[:, :2].mean(1)), over_pixels(corners[:, 2:].mean(1))
    u, v = (X - x) / 0.085, (Y - y) / 0.085
    disc, card = inside(0.92 * (np.hypot(u, v) - 0.95), 0.085), inside(box(u, v, (0.0, 0.0), (0.95, 0.95)), 0.085)
    red = np.array((0.85, 0.1, 0.15), np.float32)[:, None, None]
    round_ = np.where((np.abs(np.hypot(u, v) - 0.45) < 0.17)[:, None], np.float32(0.97), red)
    patches = np.array(
        ((0.1, 0.1, 0.1), (0.9, 0.2, 0.1), (0.1, 0.7, 0.2), (0.1, 0.3, 0.9), (0.9, 0.9, 0.1), (0.95,) * 3)
    )
    which = (np.floor((u + 1) * 1.5).clip(0, 2) + 3 * (v > 0)).astype(int)
    chart = patches.astype(np.float32)[which].transpose(0, 3, 1, 2)
    return np.stack([np.zeros_like(disc), disc, card], 1), np.stack([chart, round_, chart], 1)


def lights(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a lamp that shines into the lens, or the row of discs that a light outside leaves in it."""
    x, y, turn = (
        over_pixels(rng.uniform(0.1, 0.9, n)),
        over_pixels(rng.uniform(0.06, 0.4, n)),
        over_pixels(rng.uniform(0, 3, n)),
    )
    u, v = X - x, Y - y
    far, angle = np.hypot(u, v), np.arctan2(v, u)
    rays = np.abs(np.cos(3 * angle + turn)) ** 10 * np.exp(-far / 0.13)
    lamp = (1.2 * np.exp(-((far / 0.075) ** 2)) + 0.45 * np.exp(-far / 0.14) + 0.6 * rays).clip(0, 1)
    discs = np.zeros_like(lamp)
    for part, r in ((0.15, 0.06), (0.5, 0.035), (0.85, 0.09), (1.15, 0.05)):
        away = np.hypot(X - x - part * (1 - 2 * x), Y - y - part * (1 - 2 * y))
        discs = np.maximum(discs, inside(away - r, 1.0) * (0.35 + 0.2 * (away > 0.7 * r)))
    inks = np.array(((0, 0, 0), (1.0, 0.96, 0.82), (0.75, 1.0, 0.8)), np.float32)[None, ..., None, None]
    return np.stack([np.zeros_like(lamp), lamp, discs], 1), np.broadcast_to(inks, (n, 3, 3, 1, 1))


def weather(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, rain or snow, over everything."""
    begun, slope = rng.random((n, SIDE, SIDE), np.float32), rng.uniform(0.15, 0.5, n)
    drops, rain = begun < DROPS, np.zeros((n, SIDE, SIDE), np.float32)
    for k in range(9):
        for i in range(n):
            rain[i] = np.maximum(rain[i], np.roll(drops[i], (k, round(slope[i] * k)), (0, 1)) * (0.35 + 0.03 * k))
    soft = spread(0.85)
    snow = (5.2 * soft @ (begun > 1 - FLAKES).astype(np.float32) @ soft.T).clip(0, 0.9)
    inks = np.array(((0,) * 3, (0.85, 0.88, 0.95), (0.98,) * 3), np.float32)[None, ..., None, None]
    return np.stack([np.zeros_like(rain), rain, snow], 1), np.broadcast_to(inks, (n, 3, 3, 1, 1))


def scratches(rng: Generator, n: int, at: Planes, size: Planes, horizon: Planes) -> tuple[Planes, Planes]:
    """Nothing, a film's long scratches or its dust and hairs, over everything."""
    start, (top, long, sway) = rng.integers(1, SIDE - 1, (5, n)), over_pixels(rng.uniform(0, 1, (3, 5, n)))
    specks = rng.random((n, SIDE, SIDE), np.float32) < SPECKS
    ends = over_pixels(rng.uniform(0.05, 0.95, (4, 2, n))), over_pixels(rng.uniform(-0.12, 0.12, (4, 2, n)))
    lines = np.zeros((n, SIDE, SIDE), np.float32)
    for k in range(5):
        near = np.abs(X * SIDE - 0.5 - over_pixels(start[k]) - np.sin(6 * Y + 9 * sway[k])) < 0.5
        lines = np.maximum(lines, 0.7 * (near & (0.6 * top[k] < Y) & (0.6 * top[k] + 0.35 + 0.5 * long[k] > Y)))
    dust = specks | np.roll(specks, 1, 1) | np.roll(specks, 1, 2)
    for (x, y), (across, down) in zip(*ends):
        dust |= np.abs(line(X, Y, (x, y), (x + across, y + down))) < 0.008
    inks = np.array(((0,) * 3, (0.97, 0.97, 0.9), (0.06,) * 3), np.float32)[None, ..., None, None]
    return np.stack([np.zeros_like(lines), lines, 0.85 * dust], 1).astype(np.float32), np.broadcast_to(
        inks, (n, 3, 3, 1, 1)
    )


def logo(cues: NDArray[np.int64], place: Box) -> Planes:
    """Nothing, three letters or a ring with a dot, half transparent: covers (n, SIDE, SIDE)."""
    y, x = (place[0] + place[1]) / 2, (place[2] + place[3]) / 2
    u, v = (X - x) / 0.065, (Y - y) / 0.065
    h = np.minimum(box(np.abs(u + 1.1), v, (0.3, 0.0), (0.12, 0.8)), box(u, v, (-1.1, 0.0), (0.3, 0.12)))
    o = np.maximum(np.hypot(u, v) - 0.62, 0.3 - np.hypot(u, v))
    t = np.minimum(box(u, v, (1.1, -0.6), (0.45, 0.14)), box(u, v, (1.1, 0.0), (0.13, 0.8)))
    far = np.hypot(u, v)
    ring = np.minimum(np.abs(far - 0.75) - 0.15, far - 0.3)
    shapes = [np.zeros_like(far), *(0.75 * inside(d, 0.065) for d in (np.minimum.reduce([h, o, t]), ring))]
    return np.stack(shapes)[cues].astype(np.float32)
