"""The coats: colours, and the patterns of rosettes and spots that a cat wears.

Patterns are seamless tiles, drawn once; an animal reads them at places of its own. The two species' base colours
overlap on purpose: a warm snow leopard and a pale Arabian leopard can have the same coat, and only pattern and build
tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import KDTree

from seethrough.datasets.noise import TILE, Plane, fractal_tile, smoothstep

Colour = NDArray[np.floating]
"""Red, green, blue, (3,), 0…1."""

GREY = np.array([0.70, 0.69, 0.68], np.float32)
TAWNY = np.array([0.80, 0.62, 0.40], np.float32)
BELLY = np.array([0.90, 0.87, 0.82], np.float32)
SPOT = np.array([0.17, 0.145, 0.13], np.float32)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a species' spots are laid out.

    ``spacing``: shoulder heights between neighbours on the trunk. ``ring``: radius of a rosette's ring in spacings;
    ``band``: half the width of that ring. ``breaks``: gaps in a ring; ``heart``: how much darker it is inside.
    """

    spacing: float
    ring: float
    band: float
    breaks: int
    heart: float


@dataclass(frozen=True, slots=True)
class Coat:
    """One animal's coat: base, belly and spot colours (3,), how dark the spots are (0…1), and where it reads its tiles."""

    pattern: Pattern
    base: Colour
    belly: Colour
    spot: Colour
    strength: float
    offset: tuple[float, float]


def draw_coat(pattern: Pattern, warmth: tuple[float, float], rng: Generator) -> Coat:
    """A coat between grey and tawny; ``warmth`` is the mean and spread of where (0 grey, 1 tawny)."""
    warm = float(np.clip(rng.normal(*warmth), 0, 1))
    light = rng.uniform(0.9, 1.08)
    base = (light * ((1 - warm) * GREY + warm * TAWNY)).astype(np.float32)
    spot = (SPOT * rng.uniform(0.85, 1.5) + 0.03 * warm * TAWNY).astype(np.float32)
    return Coat(
        pattern=pattern,
        base=base,
        belly=(0.35 * base + 0.65 * BELLY).astype(np.float32),
        spot=spot,
        strength=rng.uniform(0.6, 0.85),
        offset=(rng.uniform(0, TILE), rng.uniform(0, TILE)),
    )


ACROSS = 8
"""Spacings on a side of a pattern tile."""


@lru_cache(maxsize=4)
def rosettes(pattern: Pattern) -> tuple[Plane, Plane]:
    """The trunk's pattern, (TILE, TILE) each: how much of the spot's colour (0…1), and how much of the darker heart."""
    distance, angle, nearest = places(seed=1)
    # A wobble in distance makes the rings uneven, as grown ones are.
    rho = distance + 0.035 * fractal_tile(1.2, 5, 12.0)
    sizes = np.random.default_rng(3).uniform(0.86, 1.12, nearest.max() + 1)[nearest]
    turns = np.random.default_rng(4).uniform(0, 2 * np.pi, nearest.max() + 1)[nearest]
    rho = (rho / sizes).astype(np.float32)
    wave = np.cos(pattern.breaks * angle + turns) + 0.35 * fractal_tile(1.2, 6, 12.0)
    ring = smoothstep(pattern.band, 0.55 * pattern.band, np.abs(rho - pattern.ring))
    ring *= smoothstep(-1.0, -0.55, wave)
    heart = smoothstep(pattern.ring, 0.7 * pattern.ring, rho)
    return frozen(ring), frozen(heart)


@lru_cache(maxsize=1)
def spots() -> Plane:
    """Solid spots for head, legs and tail, (TILE, TILE), 0…1."""
    distance, _, nearest = places(seed=2)
    sizes = np.random.default_rng(5).uniform(0.6, 1.1, nearest.max() + 1)[nearest]
    rho = (distance + 0.05 * fractal_tile(1.2, 7, 12.0)) / sizes
    return frozen(smoothstep(0.34, 0.22, rho.astype(np.float32)))


def places(seed: int) -> tuple[Plane, Plane, NDArray[np.intp]]:
    """To the nearest of evenly scattered points, for each texel: distance in spacings, angle, and which point it is."""
    points = scattered(ACROSS * ACROSS, np.random.default_rng([seed, 99])) * ACROSS
    axis = (np.arange(TILE) + 0.5) * (ACROSS / TILE)
    texels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    distance, nearest = KDTree(points, boxsize=ACROSS).query(texels)
    gap = (texels - points[nearest] + ACROSS / 2) % ACROSS - ACROSS / 2
    angle = np.arctan2(gap[:, 1], gap[:, 0])
    whole = (TILE, TILE)
    owner = np.asarray(nearest, np.intp).reshape(whole)
    return distance.reshape(whole).astype(np.float32), angle.reshape(whole).astype(np.float32), owner


def scattered(count: int, rng: Generator) -> NDArray[np.float64]:
    """Points on the unit torus, none near another: a jittered hexagonal grid, pushed apart a few times (Lloyd)."""
    side = round(count**0.5)
    row, column = np.divmod(np.arange(side * side), side)
    points = np.column_stack([(column + 0.5 * (row % 2)) / side, row / side])
    points = (points + rng.normal(0, 0.17 / side, points.shape)) % 1.0
    samples = rng.random((40 * len(points), 2))
    for _ in range(2):
        owner = KDTree(points, boxsize=1.0).query(samples)[1]
        gap = (samples - points[owner] + 0.5) % 1.0 - 0.5
        pull = np.stack([np.bincount(owner, gap[:, k], len(points)) for k in (0, 1)], axis=1)
        points = (points + 0.5 * pull / np.maximum(np.bincount(owner, minlength=len(points)), 1)[:, None]) % 1.0
    return points


def frozen(tile: Plane) -> Plane:
    """The tile, made read-only since it is shared."""
    tile = np.ascontiguousarray(tile, np.float32)
    tile.flags.writeable = False
    return tile
