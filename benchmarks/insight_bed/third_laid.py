"""What the third generator lays behind, beside and over its things: fences, plates, neighbours, arrows, dots, dates and rulers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIDE = 80

Planes = NDArray[Any]
Box = tuple[float, float, float, float]

Y, X = np.meshgrid(*[(np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE] * 2, indexing="ij")

DIGITS = ("75557", "22222", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717")
"""Five rows of three pixels each, as octal figures."""


def behind(rng: Generator, n: int, at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Nothing, a wire fence or bars, behind everything: covers (n, 3, SIDE, SIDE) and inks (n, 3, 3, …), a cue's each."""
    mesh, shift = over_pixels(rng.uniform(0.15, 0.2, n)), over_pixels(rng.uniform(0, 1, (2, n)))
    a, b = ((X + Y) / mesh + shift[0]) % 1, ((X - Y) / mesh + shift[1]) % 1
    wire = inside(np.minimum(np.abs(a - 0.5), np.abs(b - 0.5)) - 0.065, mesh)
    bars = inside(np.abs((X / mesh + shift[0]) % 1 - 0.5) - 0.1, mesh)
    tone = rng.uniform(0.1, 0.9, (n, 1, 1, 1, 1)).astype(np.float32)
    tone = np.where(tone > 0.5, 0.75 + 0.2 * tone, 0.4 * tone)
    return np.stack([np.zeros_like(wire), wire, bars], 1), np.broadcast_to(tone, (n, 3, 3, 1, 1))


def plates(rng: Generator, n: int, at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Nothing, a plate or a board that the thing lies on."""
    off, wide = over_pixels(rng.uniform(-0.12, 0.12, (2, n))), size * over_pixels(rng.uniform(1.25, 1.4, n))
    u, v = (X - at[0]) / wide - off[0], (Y - at[1]) / wide - off[1]
    far = np.hypot(u, v)
    plate, board = inside(far - 1, wide), inside(np.maximum(np.abs(u), np.abs(v)) - 0.88, wide)
    china = rng.uniform(0.8, 0.95, (n, 1, 1)).astype(np.float32) - 0.22 * ((far > 0.7) & (far < 0.78))
    wood = 0.9 + 0.1 * np.sin(40 * v + 3 * np.sin(4 * u))
    brown = np.array((0.62, 0.42, 0.25), np.float32)[:, None, None]
    inks = np.stack([np.zeros((n, 3, SIDE, SIDE)), china[:, None].repeat(3, 1), brown * wood[:, None]], 1)
    return np.stack([np.zeros_like(plate), plate, board], 1), inks.astype(np.float32)


def neighbours(rng: Generator, n: int, at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """A coin, a leaf or a ring of keys, away from the thing."""
    tries = rng.uniform(0.1, 0.9, (20, 2, n, 1, 1)).astype(np.float32)
    apart = np.hypot(tries[:, 0] - at[0], tries[:, 1] - at[1])[..., 0, 0].argmax(0)
    x, y = tries[apart, 0, np.arange(n)], tries[apart, 1, np.arange(n)]
    r, turn = over_pixels(rng.uniform(0.1, 0.125, n)), over_pixels(rng.uniform(0, 2 * np.pi, n))
    u, v = (X - x) / r, (Y - y) / r
    u, v = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    far = np.hypot(u, v)
    coin = inside(0.85 * far - 0.75, r)
    leaf = inside(np.hypot(u, np.abs(v) + 0.65) - 1.2, r)
    keys = inside(
        np.minimum(np.abs(np.hypot(u + 0.4, v) - 0.42) - 0.15, np.maximum(np.abs(v) - 0.14, np.abs(u - 0.6) - 0.5)), r
    )
    light = 1 - 0.3 * (np.abs(far - 0.6) < 0.1), 1 - 0.35 * (np.abs(v) < 0.1), 1 + 0 * u
    inks = ((0.86, 0.8, 0.5), (0.2, 0.55, 0.15), (0.75, 0.78, 0.85))
    inks = [np.array(ink, np.float32)[:, None, None] * shade[:, None] for ink, shade in zip(inks, light)]
    return np.stack([coin, leaf, keys], 1), np.stack(inks, 1).astype(np.float32)


def arrows(rng: Generator, n: int, at: Planes, size: Planes) -> tuple[Planes, Planes]:
    """Nothing, an arrow that points to the thing or a circle drawn around it by hand."""
    angles = rng.uniform(0, 2 * np.pi, (8, n))
    tails = at[None, ..., 0, 0] + (size[:, 0, 0] * 1.1 + 0.24) * np.stack([np.cos(angles), np.sin(angles)], 1)
    angle = over_pixels(angles[np.abs(tails - 0.5).max(1).argmin(0), np.arange(n)])
    along = (X - at[0]) * np.cos(angle) + (Y - at[1]) * np.sin(angle) - 1.08 * size
    off = np.abs((Y - at[1]) * np.cos(angle) - (X - at[0]) * np.sin(angle))
    shaft = np.maximum(off - 0.022, np.maximum(0.04 - along, along - 0.24))
    head = np.maximum(off - 0.65 * along, along - 0.11)
    arrow = inside(np.minimum(shaft, head), 1.0)
    wobble = 0.03 * np.sin(2 * np.arctan2(Y - at[1], X - at[0]) + angle)
    ring = inside(np.abs(np.hypot(X - at[0], Y - at[1]) - 1.15 * size - wobble) - 0.014, 1.0)
    inks = np.array(((0, 0, 0), (0.95, 0.12, 0.1), (0.95, 0.9, 0.2)), np.float32)[None, ..., None, None]
    return np.stack([np.zeros_like(ring), arrow, ring], 1), np.broadcast_to(inks, (n, 3, 3, 1, 1))


def screen(cues: NDArray[np.int64], start: NDArray[np.int64]) -> Planes:
    """Dots of a print, or lines of a screen, −1 … 1."""
    rows, columns = np.arange(SIDE)[:, None] + start[:, :1, None], np.arange(SIDE) + start[:, 1:, None]
    dots = np.sin(np.pi / 2 * rows + 0.4) * np.sin(np.pi / 2 * columns + 0.4) * 1.4
    lines = np.where(rows + 0 * columns & 2, 1.0, -1.0)
    return np.where((cues == 2)[:, None, None], lines, dots).astype(np.float32)


def stamped(figures: NDArray[np.int64], box: Box) -> Planes:
    """A date's eight figures, which fill the box."""
    printed = np.zeros((len(figures), SIDE, SIDE), np.float32)
    shapes = np.array([[[int(d) >> (2 - k) & 1 for k in range(3)] for d in rows] for rows in DIGITS], np.float32)
    top, left = round(box[0] * SIDE), round(box[2] * SIDE)
    for k in range(8):
        at = left + 1 + 4 * k + k // 2
        printed[:, top + 2 : top + 7, at : at + 3] = shapes[figures[:, k]]
    return printed


def measured(
    x: Planes, cover: Planes, cues: NDArray[np.int64], start: NDArray[np.int64], box: Box
) -> tuple[Planes, Planes]:
    """Nothing, a white ruler with narrow ticks or a yellow one with wide ones, along an edge."""
    top, bottom, left, right = box
    lying = bottom - top < right - left
    there = (top <= Y) & (bottom > Y) & (left <= X) & (right > X)
    strip = there & (cues > 0)[:, None, None]
    along, deep = (X, Y - top) if lying else (Y, right - X)
    every = np.where(cues == 2, 8, 4)[:, None, None]
    place = np.floor(along * SIDE).astype(int) + start[:, :1, None]
    ticks = (place % every == 0) & (deep < np.where(place % (2 * every) == 0, 0.065, 0.04))
    ink = np.array(((0, 0, 0), (0.92, 0.92, 0.9), (0.9, 0.78, 0.25)), np.float32)[cues][..., None, None]
    ink = np.where(ticks[:, None], np.float32(0.1), ink)
    return np.where(strip[:, None], ink, x), np.where(strip, 0, cover)


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


def field(rng: Generator, n: int, rows: int, columns: int) -> Planes:
    """Random planes of so many cells, smooth between them."""

    def near(cells: int) -> Planes:
        at = np.linspace(0, cells - 1, SIDE)[:, None] - np.arange(cells)
        return (1 - np.abs(at)).clip(0).astype(np.float32)

    return near(rows) @ rng.standard_normal((n, rows, columns), np.float32) @ near(columns).T


def blurred(x: Planes, spread: float) -> Planes:
    """Under a Gaussian of such a spread in pixels."""
    if not spread:
        return x
    at = np.arange(SIDE, dtype=np.float32)
    line = np.exp(-((at[:, None] - at) ** 2) / (2 * spread**2))
    line /= line.sum(1, keepdims=True)
    return line @ x @ line.T
