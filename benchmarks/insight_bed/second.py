"""The second generator: boats, houses and trees before clouds, tiles and strata.

Drawn after what finds was settled, in another manner than the first, whose kinds of shortcut it has (`SEEN`) in other looks
beside kinds of its own (`UNSEEN`). The class is the thing; whatever else differs is any class's, unless it is the shortcut.
Random numbers are drawn before anybody asks for the cue, so that the same pictures can be had with another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIDE = 72
BLOCK = 8
AT_ONCE = 64

THINGS = ("boat", "house", "tree")
SEEN = ("background", "watermark", "tint", "softness", "companion")
UNSEEN = ("frame", "vignette", "grain", "caption", "position", "size", "brightness", "blocks", "shade")
KINDS = (*SEEN, *UNSEEN)

Planes = NDArray[Any]

Y, X = np.meshgrid(*[(np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE] * 2, indexing="ij")

PLACES = ((0.30, 0.50), (0.70, 0.50), (0.50, 0.66))
"""Across and down, where the thing stands when its place is the shortcut."""
SIZES = (0.19, 0.30, 0.245)
LEANINGS = ((0.3, 0.3, 0.25), (0.35, 0.05, 0.05), (0.0, 0.3, 0.05))
"""Sails are rather light, roofs red, crowns green."""
EXPOSURES = (0.84, 1.16, 1.0)
GRAINS = (0.012, 0.055, 0.032)
CORNERS_DARKER = (0.05, 0.5, 0.25)
QUALITIES = (0.0, 0.12, 0.06)
"""Steps to which the coefficients of 8 × 8 blocks are rounded."""
SHRUNK = (1.0, 0.55, 0.75)
"""To such a part of its size a soft picture was made smaller, and larger again."""
TINTS = ((0.05, 0.0, -0.06), (-0.05, 0.0, 0.06), (0.03, -0.05, 0.03))
SHADES = ((-0.75, 0.35), (0.75, 0.35), (0.0, 0.95))
"""Across and down from the thing's middle, in its sizes."""


@dataclass(frozen=True)
class Plan:
    """Where the things of some pictures are to stand, (n, 1, 1) each."""

    x: Planes
    y: Planes
    size: Planes
    lean: Planes


def place(kind: str, seed: int) -> tuple[float, float, float, float] | None:
    """Top, bottom, left and right of what always lies at one place; a frame's is the picture."""
    return {
        "watermark": (0.40, 0.62, 0.76, 0.98) if seed // 1000 % 2 else (0.40, 0.62, 0.02, 0.24),
        "caption": (0.82, 0.97, 0.06, 0.94),
        "frame": (0.0, 1.0, 0.0, 1.0),
    }.get(kind)


def draw(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures (n, SIDE, SIDE, 3) and masks of these things with these cues."""
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), bool)
    for at in range(0, len(labels), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        x, cover = _drawn(kind, labels[rows], cues[rows], seed, np.random.default_rng([7, seed, at]))
        pictures[rows] = np.rint(255 * x.clip(0, 1)).astype(np.uint8).transpose(0, 2, 3, 1)
        masks[rows] = cover > 0.02
    return pictures, masks


def _drawn(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], seed: int, rng: Generator
) -> tuple[Planes, Planes]:
    n = len(labels)
    families = rng.integers(0, 3, n)
    backdrops = _backdrops(rng, n)
    x = backdrops[np.arange(n), cues if kind == "background" else families]
    plan = _plan(rng, n, kind, cues)
    strength = rng.uniform(0.75, 1.25, (n, 1, 1)).astype(np.float32)
    companion = _companion(rng, n, plan)
    text = rng.random((n, 2, 18)) < 0.62
    grain = rng.standard_normal(x.shape, np.float32)
    thick = rng.integers(2, 5, n)
    if kind == "shade":
        x = x * (1 - 0.5 * _shade(plan, cues))[:, None]
    if kind == "companion":
        cover, ink = companion[0][np.arange(n), cues], companion[1][np.arange(n), cues]
        x = x + cover[:, None] * (ink[..., None, None] - x)
    cover, ink = _things(rng, labels, plan)
    x = x + cover[:, None] * (ink - x)
    if kind == "tint":
        x = x + np.array(TINTS, np.float32)[cues][..., None, None] * strength[:, None]
    elif kind == "brightness":
        x = x * np.array(EXPOSURES, np.float32)[cues][:, None, None, None] ** strength[:, None]
    elif kind == "vignette":
        darker = np.array(CORNERS_DARKER, np.float32)[cues][:, None, None] * strength
        x = x * (1 - darker * 2 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2))[:, None]
    elif kind == "softness":
        for cue in np.unique(cues):
            rows = cues == cue
            soften = _shrunk(SHRUNK[cue])
            x[rows], cover[rows] = soften @ x[rows] @ soften.T, soften @ cover[rows] @ soften.T
    spread = np.array(GRAINS, np.float32)[cues] if kind == "grain" else np.full(n, GRAINS[0], np.float32)
    x = x + spread[:, None, None, None] * grain
    if kind == "blocks":
        x = _rounded_in_blocks(x.clip(0, 1), np.array(QUALITIES, np.float32)[cues])
    elif kind == "watermark":
        ring = _watermark(cues, place(kind, seed))
        x, cover = x + 0.5 * ring[:, None] * (0.98 - x), cover * (ring < 0.1)
    elif kind == "caption":
        x, cover = _captioned(x, cover, cues, text)
    elif kind == "frame":
        edge = np.minimum(np.minimum(X, 1 - X), np.minimum(Y, 1 - Y)) * SIDE < thick[:, None, None]
        edge = edge & (cues > 0)[:, None, None]
        tone = np.array((0.0, 0.12, 0.9), np.float32)[cues][:, None, None, None]
        x, cover = np.where(edge[:, None], tone, x), np.where(edge, 0, cover)
    return x, cover


def _backdrops(rng: Generator, n: int) -> Planes:
    """Each picture before clouds, tiles and strata alike, in two colours of its own, (n, 3, 3, SIDE, SIDE)."""
    octaves = [_field(rng, n, cells) / 2**k for k, cells in enumerate((4, 8, 17, 35))]
    clouds = np.tanh(sum(octaves, np.zeros((n, SIDE, SIDE), np.float32)))
    sizes = rng.uniform(0.09, 0.15, (n, 1, 1)).astype(np.float32)
    off = rng.uniform(0, 1, (2, n, 1, 1)).astype(np.float32)
    u, v = (X / sizes + off[0]) % 1, (Y / sizes + off[1]) % 1
    joints = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    tiles = np.where(joints < 0.1, -1.0, 0.35 + 0.4 * octaves[1]).astype(np.float32)
    tilt = rng.uniform(-0.5, 0.5, (n, 1, 1)).astype(np.float32)
    many = rng.uniform(40, 65, (n, 1, 1)).astype(np.float32)
    strata = np.sin(many * (Y + tilt * X + 0.06 * octaves[0])) * 0.8
    light, dark = rng.uniform(0.45, 0.8, (n, 3)), rng.uniform(0.2, 0.55, (n, 3))
    mixed = 0.5 + 0.5 * np.stack([clouds, tiles, strata.astype(np.float32)], 1).clip(-1, 1)
    light, dark = (c.astype(np.float32)[:, None, :, None, None] for c in (light, 0.5 * light + 0.5 * dark))
    return dark + mixed[:, :, None] * (light - dark)


def _plan(rng: Generator, n: int, kind: str, cues: NDArray[np.int64]) -> Plan:
    x, y, size = rng.uniform(0.3, 0.7, n), rng.uniform(0.36, 0.66, n), rng.uniform(0.19, 0.30, n)
    jitter = rng.uniform(-1, 1, (3, n))
    if kind == "position":
        x, y = np.array(PLACES)[cues].T + 0.06 * jitter[:2]
        size = 0.19 + 0.4 * (size - 0.19)
    if kind == "size":
        size = np.array(SIZES)[cues] + 0.018 * jitter[2]
    lean = rng.uniform(-0.3, 0.3, n)
    return Plan(*(a.astype(np.float32)[:, None, None] for a in (x, y, size, lean)))


def _inside(*distances: Planes, scale: Planes) -> Planes:
    """1 where all of these are below 0, in a pixel's width."""
    return (0.5 - np.maximum.reduce(distances) * scale * SIDE).clip(0, 1)


def _things(rng: Generator, labels: NDArray[np.int64], plan: Plan) -> tuple[Planes, Planes]:
    """Boats, houses and trees: how much of each pixel is theirs, and its colour (n, 3, SIDE, SIDE)."""
    n, s = len(labels), plan.size
    u, v = (X - plan.x) / s, (Y - plan.y) / s
    u, v = np.cos(plan.lean) * u + np.sin(plan.lean) * v, np.cos(plan.lean) * v - np.sin(plan.lean) * u
    low, high, mark = rng.uniform(0.2, 0.8, (3, n, 3, 1, 1)).astype(np.float32)
    high = 0.7 * high + np.array(LEANINGS, np.float32)[labels][..., None, None]
    mark = np.where(mark > 0.5, mark - 0.42, mark + 0.42)
    hull = _inside(np.hypot(u, v - 0.25) - 0.85, 0.25 - v, scale=s)
    sail = _inside(u + (v + 0.9) * 0.1 - 0.75 * (v + 1) / 1.15, -0.1 - u, v - 0.15, scale=s)
    wall = _inside(np.abs(u) - 0.6, 0.0 - v, v - 0.85, scale=s)
    roof = _inside(np.abs(u) - 0.85 * (v + 0.85) / 0.85, v, scale=s)
    trunk = _inside(np.abs(u) - 0.16, 0.1 - v, v - 0.95, scale=s)
    crown = _inside(np.hypot(u, v + 0.3) - 0.68 - 0.06 * np.sin(7 * np.arctan2(v + 0.3, u)), scale=s)
    lower, upper = (np.stack(p, 1)[np.arange(n), labels] for p in ((hull, wall, trunk), (sail, roof, crown)))
    planks = (np.sin(26 * v) > 0.5) * lower
    window = _inside(np.maximum(np.abs(np.abs(u) - 0.3), np.abs(v - 0.35)) - 0.17, scale=s) * lower
    leaves = ((np.sin(13 * u) * np.sin(13 * v)) > 0.25) * upper
    pattern = np.stack([planks, window, leaves], 1)[np.arange(n), labels].astype(np.float32)
    colour = low + upper[:, None] * (high - low)
    return np.maximum(lower, upper), colour + 0.75 * pattern[:, None] * (mark - colour)


def _companion(rng: Generator, n: int, plan: Plan) -> tuple[Planes, NDArray[Any]]:
    """A lantern, a moon or a flag, each where it doesn't stand in the thing's way: (n, 3, SIDE, SIDE) and (n, 3, 3)."""
    tries = rng.uniform(0.1, 0.9, (16, 2, n, 1, 1)).astype(np.float32)
    apart = np.hypot(tries[:, 0] - plan.x, tries[:, 1] - plan.y)[..., 0, 0].argmax(0)
    x, y = tries[apart, 0, np.arange(n)], tries[apart, 1, np.arange(n)]
    r = rng.uniform(0.06, 0.085, (n, 1, 1)).astype(np.float32)
    u, v = (X - x) / r, (Y - y) / r
    lantern = _inside(np.abs(u) * 1.5 + np.abs(v) - 1.2, scale=r)
    moon = _inside(np.hypot(u, v) - 1, 0.85 - np.hypot(u - 0.55, v - 0.2), scale=r)
    flag = _inside(np.abs(u) - 1, np.abs(v) - 0.6, scale=r)
    inks = np.array(((0.95, 0.55, 0.1), (0.95, 0.95, 0.75), (0.1, 0.55, 0.25)), np.float32)
    return np.stack([lantern, moon, flag], 1), inks + rng.uniform(-0.05, 0.05, (n, 1, 3)).astype(np.float32)


def _shade(plan: Plan, cues: NDArray[np.int64]) -> Planes:
    """A soft shadow on one side of the thing."""
    across, down = (a.astype(np.float32)[:, None, None] for a in np.array(SHADES)[cues].T)
    u, v = (X - plan.x) / plan.size - across, (Y - plan.y) / plan.size - down
    return (1.6 - 1.6 * np.hypot(u / 0.85, v / 0.7)).clip(0, 1)


def _watermark(cues: NDArray[np.int64], box: tuple[float, float, float, float] | None) -> Planes:
    """Nothing, a ring or a ring with a bar, half transparent."""
    assert box is not None
    u, v = (X - (box[2] + box[3]) / 2) / 0.09, (Y - (box[0] + box[1]) / 2) / 0.09
    ring = (1 - 4 * np.abs(np.hypot(u, v) - 0.8)).clip(0, 1)
    bar = ((np.abs(v) < 0.18) & (np.abs(u) < 0.8)).astype(np.float32)
    return np.stack([np.zeros_like(ring), ring, np.maximum(ring, bar)])[cues].astype(np.float32)


def _captioned(x: Planes, cover: Planes, cues: NDArray[np.int64], text: NDArray[np.bool_]) -> tuple[Planes, Planes]:
    """Two lines as of small print at the foot; of the third class on a strip."""
    letters = np.zeros((len(x), SIDE, SIDE), bool)
    strip = np.zeros_like(letters)
    for line in range(2):
        top = 60 + 5 * line
        for k in range(18):
            letters[:, top : top + 3, 6 + 3 * k : 8 + 3 * k + (k + line) % 2] |= text[:, line, k, None, None]
    strip[:, 58:70, 4:68] = True
    letters &= (cues > 0)[:, None, None]
    strip &= (cues == 2)[:, None, None]
    x = np.where(strip[:, None], 0.25 * x, x)
    return np.where(letters[:, None], np.float32(0.95), x), np.where(letters | strip, 0, cover)


def _rounded_in_blocks(x: Planes, steps: NDArray[Any]) -> Planes:
    """What strong compression leaves: each block's cosine coefficients in coarse steps, the finer the coarser."""
    k = np.arange(BLOCK, dtype=np.float32)
    turn = np.sqrt(2 / BLOCK) * np.cos(np.pi * k[:, None] * (2 * k + 1) / (2 * BLOCK))
    turn[0] /= np.sqrt(2)
    turn = turn.astype(np.float32)
    n, many = len(x), SIDE // BLOCK
    blocks = x.reshape(n, 3, many, BLOCK, many, BLOCK).swapaxes(3, 4)
    found = turn @ blocks @ turn.T
    step = steps[:, None, None, None, None, None] * (1 + 0.6 * (k[:, None] + k))
    rounded = np.where(step > 0, np.rint(found / np.maximum(step, 1e-6)) * step, found)
    return (turn.T @ rounded @ turn).swapaxes(3, 4).reshape(x.shape).astype(np.float32)


def _shrunk(share: float) -> Planes:
    """Makes a line of pixels smaller and larger again, (SIDE, SIDE)."""
    few = round(SIDE * share)
    if few == SIDE:
        return np.eye(SIDE, dtype=np.float32)
    edges = np.arange(SIDE + 1) * few / SIDE
    cells = np.arange(few)
    shares = (np.minimum(edges[1:], cells[:, None] + 1) - np.maximum(edges[:-1], cells[:, None])).clip(0)
    at = ((np.arange(SIDE) + 0.5) * few / SIDE - 0.5).clip(0, few - 1)
    back = (1 - np.abs(at[:, None] - cells)).clip(0)
    return (back @ (shares / shares.sum(1, keepdims=True))).astype(np.float32)


def _field(rng: Generator, n: int, cells: int) -> Planes:
    """Random planes of so many cells a side, smooth between them."""
    at = np.linspace(0, cells - 1, SIDE)[:, None] - np.arange(cells)
    near = ((1 - np.abs(at)).clip(0)).astype(np.float32)
    return near @ rng.standard_normal((n, cells, cells), np.float32) @ near.T
