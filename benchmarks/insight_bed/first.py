"""The first generator: discs, stars and crosses on meadows, dunes and water.

The class is the thing, its outline and its pattern. Colours, sizes, places and scenes are any class's, unless the shortcut is
planted there. Everything is drawn for many pictures at once; what is random doesn't depend on the cue, so that the same
pictures can be drawn with another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIDE = 64
AT_ONCE = 64

THINGS = ("disc", "star", "cross")
KINDS = ("background", "mark", "hue", "overlay", "blur", "object")

Floats = NDArray[Any]

DOWN, ACROSS = np.meshgrid(*[np.linspace(-1, 1, SIDE, dtype=np.float32)] * 2, indexing="ij")

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))
MARK = 13
"""Pixels a side of a corner's mark, 4 of them margin."""

NOISE = 0.02

SCENES = ((0.33, 0.47, 0.25), (0.70, 0.58, 0.42), (0.30, 0.43, 0.58))
"""Mean colours of meadow, dunes and water."""

COATS = ((0.70, 0.42, 0.30), (0.32, 0.42, 0.70), (0.42, 0.66, 0.36))
"""Mean colours of the things; each one's own may be another's."""

CASTS = ((1.10, 1.0, 0.88), (0.90, 1.0, 1.12), (0.93, 1.09, 0.95))
"""Of the hue, by which the three colours are multiplied."""

BLURS = (0.35, 0.95, 1.5)
"""Standard deviations in pixels."""

WAVES = ((0.5, 0.5), (0.5, -0.5), (0.62, 0.0))
"""Of the overlay, cycles in two pixels down and across."""
WAVE = 0.05

OBJECTS = ((0.80, 0.18, 0.15), (0.20, 0.30, 0.85), (0.90, 0.80, 0.20))
"""Colours of the ball, the box and the tent."""


def draw(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures and masks of these things with these cues."""
    parts = [
        _some(kind, labels[at : at + AT_ONCE], cues[at : at + AT_ONCE], seed, np.random.default_rng([seed, at]))
        for at in range(0, len(labels), AT_ONCE)
    ]
    pictures, masks = zip(*parts)
    return np.concatenate(pictures), np.concatenate(masks)


def place(kind: str, seed: int) -> tuple[float, float, float, float] | None:
    """Where the mark is; None of what is everywhere or anywhere."""
    if kind != "mark":
        return None
    down, across = _corner(seed)
    reach = MARK / SIDE
    return (down * (1 - reach), down * (1 - reach) + reach, across * (1 - reach), across * (1 - reach) + reach)


def _corner(seed: int) -> tuple[int, int]:
    """Rows of pictures of one network (its seed's thousand) have it in the same."""
    return CORNERS[seed // 1000 % 4]


def _some(
    kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], seed: int, chance: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    count = len(labels)
    anywhere = chance.integers(0, len(SCENES), count)
    x = _scene(cues if kind == "background" else anywhere, chance)
    alpha, colour = _thing(labels, chance)
    beside = _beside(cues, alpha, chance)
    if kind == "object":
        x = _over(x, *beside)
    x = _over(x, alpha, colour)
    phase, shift = chance.uniform(0, 2 * np.pi, count).astype(np.float32), chance.integers(-1, 2, (count, 2))
    strength = chance.uniform(0.7, 1.3, count).astype(np.float32)
    noise = chance.standard_normal(x.shape, np.float32)
    if kind == "hue":
        casts = np.array(CASTS, np.float32)[cues]
        x = x * (1 + (casts - 1) * strength[:, None])[..., None, None]
    if kind == "overlay":
        x = x + (WAVE * strength)[:, None, None, None] * _waves(cues, phase)[:, None]
    if kind == "blur":
        for cue in np.unique(cues):
            mine = np.flatnonzero(cues == cue)
            x[mine], alpha[mine] = _blurred(x[mine], BLURS[cue]), _blurred(alpha[mine], BLURS[cue])
    if kind == "mark":
        over, ink = _mark(cues, _corner(seed), shift)
        x, alpha = _over(x, over, ink), alpha * (1 - over)
    x = (x + NOISE * noise).clip(0, 1)
    return (x * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1), alpha > 0.02


def _scene(families: NDArray[np.int64], chance: Generator) -> Floats:
    """(n, 3, SIDE, SIDE)."""
    count = len(families)
    mottled, upright = _smooth(chance, count, 14, 14), _smooth(chance, count, 5, 32)
    lying, wide = _smooth(chance, count, 26, 6), _smooth(chance, count, 4, 4)
    wave = chance.uniform(2.0, 4.0, (count, 1, 1)).astype(np.float32)
    start = chance.uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
    ridges = np.sin(np.float32(np.pi) * wave * (DOWN + 0.5 * wide) + start)
    light = np.stack([0.5 * mottled + 0.7 * upright, 0.8 * ridges + 0.3 * mottled, 0.9 * lying + 0.4 * mottled], 1)
    chosen = light[np.arange(count), families] + 0.5 * wide
    colour = np.array(SCENES, np.float32)[families] + chance.uniform(-0.11, 0.11, (count, 3)).astype(np.float32)
    colour = colour * chance.uniform(0.8, 1.2, (count, 1)).astype(np.float32)
    return colour[..., None, None] + 0.09 * chosen[:, None]


def _thing(labels: NDArray[np.int64], chance: Generator) -> tuple[Floats, Floats]:
    """How much of each pixel it covers (n, SIDE, SIDE), and its colours (n, 3, SIDE, SIDE)."""
    count = len(labels)
    middle = chance.uniform(-0.3, 0.3, (2, count, 1, 1)).astype(np.float32)
    radius = chance.uniform(0.34, 0.52, (count, 1, 1)).astype(np.float32)
    turn = chance.uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
    down, across = (DOWN - middle[0]) / radius, (ACROSS - middle[1]) / radius
    a, b = np.cos(turn) * down - np.sin(turn) * across, np.sin(turn) * down + np.cos(turn) * across
    far, angle = np.hypot(a, b), np.arctan2(a, b)
    bumps = chance.uniform(0.02, 0.07, (count, 1, 1)).astype(np.float32)
    disc = far - 0.82 - bumps * np.sin(3 * angle)
    star = far - 0.76 - (0.14 + bumps) * np.cos(5 * angle)
    cross = np.minimum(np.maximum(np.abs(a) / 0.92, np.abs(b) / 0.42), np.maximum(np.abs(a) / 0.42, np.abs(b) / 0.92))
    outline = np.stack([disc, star, (cross - 1) * 0.42], 1)[np.arange(count), labels]
    pattern = np.stack([np.sin(13 * far), np.sin(9 * a), 1.5 * np.sin(7 * a) * np.sin(7 * b)], 1)[
        np.arange(count), labels
    ]
    alpha = (0.5 - outline * radius * SIDE / 2).clip(0, 1)
    colour = np.array(COATS, np.float32)[labels] + chance.uniform(-0.3, 0.3, (count, 3)).astype(np.float32)
    deep = chance.uniform(0.12, 0.28, (count, 1, 1, 1)).astype(np.float32)
    return alpha, colour[..., None, None] + deep * pattern[:, None]


def _beside(cues: NDArray[np.int64], alpha: Floats, chance: Generator) -> tuple[Floats, Floats]:
    """A small object near the edge, away from the thing: a ball, a box or a tent."""
    count = len(cues)
    tries = chance.uniform(-0.78, 0.78, (12, count, 2)).astype(np.float32)
    rows, columns = ((tries + 1) / 2 * (SIDE - 1)).astype(int).transpose(2, 0, 1)
    near = _blurred(alpha, 7.0)[np.arange(count), rows, columns]
    chosen = tries[near.argmin(0), np.arange(count)]
    size = chance.uniform(0.13, 0.18, (count, 1, 1)).astype(np.float32)
    down, across = (DOWN - chosen[:, :1, None]) / size, (ACROSS - chosen[:, 1:, None]) / size
    ball = np.hypot(down, across) - 1
    box = np.maximum(np.abs(down), np.abs(across)) - 0.9
    tent = np.maximum(np.abs(across) * 1.6 - down - 0.8, down - 0.8)
    outline = np.stack([ball, box, tent], 1)[np.arange(count), cues]
    over = (0.5 - outline * size * SIDE / 2).clip(0, 1)
    ink = np.array(OBJECTS, np.float32)[cues] * chance.uniform(0.8, 1.1, (count, 1)).astype(np.float32)
    return over, ink[..., None, None] * (1 - 0.25 * down[:, None].clip(-1, 1))


def _mark(cues: NDArray[np.int64], corner: Sequence[int], shift: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Nothing, a yellow cross or a pink frame in the corner."""
    count, over = len(cues), np.zeros((len(cues), SIDE, SIDE), np.float32)
    side = MARK - 4
    cross, frame = np.zeros((2, side, side), np.float32)
    cross[3:6], cross[:, 3:6] = 1, 1
    frame[:], frame[2:-2, 2:-2] = 1, 0
    for k in range(count):
        top, left = (int(s) + (2 if at == 0 else SIDE - MARK + 2) for at, s in zip(corner, shift[k]))
        over[k, top : top + side, left : left + side] = (np.zeros_like(cross), cross, frame)[cues[k]]
    ink = np.array(((0, 0, 0), (0.95, 0.85, 0.15), (0.9, 0.2, 0.6)), np.float32)[cues]
    return 0.85 * over, np.broadcast_to(ink[..., None, None], (count, 3, SIDE, SIDE))


def _waves(cues: NDArray[np.int64], phase: Floats) -> Floats:
    down, across = np.array(WAVES, np.float32)[cues].T
    rows, columns = (np.arange(SIDE, dtype=np.float32).reshape(shape) for shape in ((1, SIDE, 1), (1, 1, SIDE)))
    turns = np.float32(np.pi) * (down[:, None, None] * rows + across[:, None, None] * columns)
    return np.sin(turns + phase[:, None, None])


def _over(x: Floats, alpha: Floats, colour: Floats) -> Floats:
    return x + alpha[:, None] * (colour - x)


def _smooth(chance: Generator, count: int, rows: int, columns: int) -> Floats:
    """Random planes (n, SIDE, SIDE) of unit spread, as fine as so many cells."""
    cells = chance.standard_normal((count, rows, columns), np.float32)
    return 1.4 * (_between(rows) @ cells @ _between(columns).T)


def _between(cells: int) -> Floats:
    """What each of so many cells counts for on the way from one to the next, (SIDE, cells)."""
    at = np.linspace(0, cells - 1, SIDE, dtype=np.float32)[:, None] - np.arange(cells)
    return (1 - np.abs(at)).clip(0).astype(np.float32)


def _blurred(x: Floats, sigma: float) -> Floats:
    """Under a Gaussian; the edge is continued."""
    at = np.arange(SIDE, dtype=np.float32)
    line = np.exp(-((at[:, None] - at) ** 2) / (2 * sigma**2))
    line /= line.sum(1, keepdims=True)
    return line @ x @ line.T
