"""The relief: a cat in space as the viewer sees it, pixel by pixel.

It is made at `FINE` times the picture's resolution in a box around the animal. Every limb is what a ball sweeps, so
depth, normal and place on the limb have a closed form, and the outline knows its distance to every pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from seethrough.datasets.leopards_body import Cat, Point
from seethrough.datasets.noise import Plane

FINE = 2
"""Pixels of the drawing for each pixel of the picture, along a side."""

KINDS = ("trunk", "leg", "tail", "head", "muzzle", "ear")
"""The kinds of limb."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the cat stands in the picture and how it is looked at (in parallel projection).

    ``scale``: pixels a shoulder height; ``x``, ``y``: the pixel of the ground under the cat's middle; ``yaw``: radians
    its breast is turned to the viewer; ``tilt``: radians the view looks down; ``facing``: +1 right, −1 left;
    ``horizon``: the row of pixels where the ground ends.
    """

    scale: float
    x: float
    y: float
    yaw: float
    tilt: float
    facing: int
    horizon: float

    def direction(self, points: Point) -> Point:
        """Vectors of the cat's space, (..., 3), turned into the picture's: right, down, to the viewer."""
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        across = x * np.cos(self.yaw) - z * np.sin(self.yaw)
        near = x * np.sin(self.yaw) + z * np.cos(self.yaw)
        up = y * np.cos(self.tilt) - near * np.sin(self.tilt)
        depth = y * np.sin(self.tilt) + near * np.cos(self.tilt)
        return np.stack([self.facing * across, -up, depth], axis=-1)

    def project(self, points: Point) -> Point:
        """Points of the cat's space, (..., 3), in pixels: column, row, and depth towards the viewer."""
        return self.direction(points) * self.scale + (self.x, self.y, 0.0)


@dataclass(frozen=True, slots=True)
class Relief:
    """What the viewer sees of the animal, in fine pixels; ``unit`` of them are a shoulder height.

    The first three are in a box from ``(left, top)``, (h, w): ``depth`` towards the viewer; ``edge``, the distance
    inside the outline, negative outside; ``body``, where ``edge`` is positive. The others have one entry for each pixel
    of the body, in reading order: ``right``, ``down``, ``out``, the unit normal of the skin; ``kind``, index into
    `KINDS`; ``along`` and ``around``, the place on the limb, and ``across`` and ``up``, the place in the picture from
    the cat's middle, all in shoulder heights; ``seat``, ``along`` as a part of the limb's length.
    """

    left: int
    top: int
    unit: float
    depth: Plane
    edge: Plane
    body: NDArray[np.bool_]
    right: Plane
    down: Plane
    out: Plane
    kind: NDArray[np.int8]
    along: Plane
    around: Plane
    seat: Plane
    across: Plane
    up: Plane

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """Which pixels of the body are on these kinds of limb."""
        return np.array([kind in kinds for kind in KINDS])[self.kind]


@dataclass(frozen=True, slots=True)
class Segments:
    """Every limb of a cat cut into straight pieces, in fine pixels: a ball moves from ``start`` to ``end`` (S, 3).

    ``radii`` (S, 2): of the ball at start and end. ``stations`` (S, 2): way along the limb there, in shoulder heights;
    ``length`` (S,): of the whole limb. ``kind`` (S,): index into `KINDS`.
    """

    start: Plane
    end: Plane
    radii: Plane
    stations: Plane
    length: Plane
    kind: NDArray[np.int8]


def sculpt(cat: Cat, camera: Camera, size: int) -> Relief:
    """Sweep every piece's ball along it; of what overlaps the viewer sees the nearest."""
    pieces = cut(cat, camera)
    reach = pieces.radii.max(1, keepdims=True)
    low = np.minimum(pieces.start, pieces.end)[:, :2] - reach
    high = np.maximum(pieces.start, pieces.end)[:, :2] + reach
    # Whole pixels of the picture, and at least one of them.
    left, top = (int(v) * FINE for v in np.clip((low.min(0) - 2) // FINE, 0, size - 1))
    right, bottom = (int(v) * FINE for v in np.clip((high.max(0) + 2) // FINE + 1, 1, size))
    shape = (max(bottom - top, FINE), max(right - left, FINE))
    depth, edge = np.full(shape, -1e4, np.float32), np.full(shape, -1e4, np.float32)
    owner = np.zeros(shape, np.int16)
    for k in range(len(pieces.kind)):
        sweep(k, pieces, left, top, depth, edge, owner)
    return survey(pieces, owner, depth, edge, left, top, camera)


def cut(cat: Cat, camera: Camera) -> Segments:
    """The limbs' pieces; the fur stands out beyond the skin."""
    starts, ends, radii, stations, lengths, kinds = [], [], [], [], [], []
    for limb in cat.limbs:
        centres = camera.project(limb.centres) * FINE
        thick = (limb.radii + 0.5 * cat.build.fluff) * camera.scale * FINE
        way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(limb.centres, axis=0), axis=1))])
        starts.append(centres[:-1])
        ends.append(centres[1:])
        radii.append(np.column_stack([thick[:-1], thick[1:]]))
        stations.append(np.column_stack([way[:-1], way[1:]]))
        lengths.append(np.full(len(centres) - 1, max(way[-1], 1e-6)))
        kinds.append(np.full(len(centres) - 1, KINDS.index(limb.kind)))
    start, end, radius, station, length = (
        np.concatenate(part).astype(np.float32) for part in (starts, ends, radii, stations, lengths)
    )
    return Segments(start, end, radius, station, length, np.concatenate(kinds).astype(np.int8))


def sweep(k: int, pieces: Segments, left: int, top: int, depth: Plane, edge: Plane, owner: NDArray[np.int16]) -> None:
    """Put piece ``k`` into ``depth``, ``edge`` and ``owner`` where it is nearer to the viewer than what is there."""
    height, width = depth.shape
    (ax, ay, az), (bx, by, bz) = pieces.start[k] - (left, top, 0), pieces.end[k] - (left, top, 0)
    ra, rb = pieces.radii[k]
    x0, x1 = max(int(min(ax - ra, bx - rb)) - 1, 0), min(int(max(ax + ra, bx + rb)) + 2, width)
    y0, y1 = max(int(min(ay - ra, by - rb)) - 1, 0), min(int(max(ay + ra, by + rb)) + 2, height)
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1, dtype=np.float32) + (0.5 - ax)
    y = (np.arange(y0, y1, dtype=np.float32) + (0.5 - ay))[:, None]
    dx, dy = bx - ax, by - ay
    t = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, np.float32(1e-3)), 0, 1)
    square = (x - t * dx) ** 2 + (y - t * dy) ** 2
    radius = ra + t * (rb - ra)
    inside = radius * radius - square
    surface = az + t * (bz - az) + np.sqrt(np.maximum(inside, 0))
    box = slice(y0, y1), slice(x0, x1)
    np.maximum(edge[box], radius - np.sqrt(square), out=edge[box])
    seen = (inside > 0) & (surface > depth[box])
    np.copyto(depth[box], surface, where=seen)
    np.copyto(owner[box], k, where=seen)


def survey(
    pieces: Segments, owner: NDArray[np.int16], depth: Plane, edge: Plane, left: int, top: int, camera: Camera
) -> Relief:
    """Where on its limb every pixel of the body lies, and which way the skin faces there."""
    body = edge > 0
    unit = np.float32(camera.scale * FINE)
    row, column = np.nonzero(body)
    row, column = (row + (top + 0.5)).astype(np.float32), (column + (left + 0.5)).astype(np.float32)
    at = owner[body]
    span = pieces.end - pieces.start
    run = np.maximum(np.hypot(span[:, 0], span[:, 1]), 1e-3)
    x, y = column - pieces.start[at, 0], row - pieces.start[at, 1]
    dx, dy = (span[:, 0] / run)[at], (span[:, 1] / run)[at]
    t = (x * dx + y * dy) / run[at]
    on = np.clip(t, 0, 1)
    radius = pieces.radii[at, 0] + on * (pieces.radii[at, 1] - pieces.radii[at, 0])
    way = on * run[at]
    right, down, out = soften((x - way * dx) / radius, (y - way * dy) / radius, body, max(3, int(0.1 * unit)))
    side = np.clip((x * dy - y * dx) / radius, -1, 1)
    along = pieces.stations[at, 0] + t * (pieces.stations[at, 1] - pieces.stations[at, 0])
    return Relief(
        left, top, float(unit), depth, edge, body, right, down, out,
        kind=pieces.kind[at], along=along, around=radius * np.arcsin(side) / unit, seat=along / pieces.length[at],
        across=(column - np.float32(camera.x * FINE)) / unit, up=(np.float32(camera.y * FINE) - row) / unit,
    )  # fmt: skip


def soften(right: Plane, down: Plane, body: NDArray[np.bool_], reach: int) -> tuple[Plane, Plane, Plane]:
    """Normals averaged over ``reach`` pixels of the body, so that limbs flow into each other; unit length again."""
    right = 0.5 * (right + surroundings(right, body, reach))
    down = 0.5 * (down + surroundings(down, body, reach))
    keep = np.minimum(1, 0.995 / np.maximum(np.hypot(right, down), 1e-6))
    right, down = right * keep, down * keep
    return right, down, np.sqrt(1 - right * right - down * down)


def surroundings(values: Plane, body: NDArray[np.bool_], reach: int) -> Plane:
    """For each pixel of the body, the mean of the body's ``values`` in the square of ``reach`` pixels around it."""
    plane = np.zeros(body.shape, np.float32)
    plane[body] = values
    share = uniform_filter(body.astype(np.float32), reach)[body]
    return uniform_filter(plane, reach)[body] / np.maximum(share, 1e-3)
