"""The body of a big cat: limbs as chains of balls in space, in several poses.

Lengths are in shoulder heights of a middling cat. ``x`` points where the cat walks, ``y`` up, ``z`` to the viewer; the
ground is ``y = 0``. A limb is what a ball sweeps whose centre runs along the chain while its radius changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Point = NDArray[np.floating]
"""One or more points or directions, (..., 3); in a pose's side view (..., 2)."""


@dataclass(frozen=True, slots=True)
class Build:
    """What sets one animal's body apart from another's; all lengths in shoulder heights.

    ``girth`` multiplies the trunk's radii, ``legs`` the length of the legs, ``limbs`` their radii; ``fluff`` is how far
    the fur breaks the outline.
    """

    girth: float
    legs: float
    limbs: float
    head: float
    muzzle: float
    ear: float
    tail_length: float
    tail_radius: float
    fluff: float


@dataclass(frozen=True, slots=True)
class Limb:
    """A chain of balls: ``centres`` (K, 3), ``radii`` (K,); ``kind`` says which coat it wears."""

    kind: str
    centres: Point
    radii: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the face is: the skull's ``centre`` and ``radius``, and three unit vectors of the gaze, up, and to its
    left.
    """

    centre: Point
    radius: float
    gaze: Point
    up: Point
    side: Point

    def at(self, gaze: float, up: float, side: float) -> Point:
        """A point of the head, in radii of the skull from its centre."""
        return self.centre + self.radius * (gaze * self.gaze + up * self.up + side * self.side)


@dataclass(frozen=True, slots=True)
class Cat:
    """One animal in one pose: its limbs and its face."""

    build: Build
    limbs: tuple[Limb, ...]
    head: Head


@dataclass(frozen=True, slots=True)
class Posture:
    """The joints that a pose fixes; the legs bend to fit.

    ``spine`` (K, 2) runs from rump to breast in the plane z = 0; ``fore`` and ``hind`` are the feet's ``(x, lift)``,
    the viewer's side first; ``tail`` (K, 3) are points the tail runs through, in tail lengths from its root.
    """

    spine: Point
    fore: tuple[tuple[float, float], tuple[float, float]]
    hind: tuple[tuple[float, float], tuple[float, float]]
    head: tuple[float, float]
    tail: Point


def draw_cat(build: Build, pose: str, rng: Generator) -> Cat:
    """The animal in one of the `POSES`, every joint a little moved by ``rng``."""
    posture = POSES[pose](build, rng)
    head = look(build, posture, rng)
    limbs = (
        *(leg for side in (-1, 1) for leg in (hind_leg(build, posture, side), fore_leg(build, posture, side))),
        trunk(build, posture, head),
        tail(build, posture, rng),
        *skull(build, head),
    )
    return Cat(build, limbs, head)


# --- poses -----------------------------------------------------------------------------------------------------------


def standing(build: Build, rng: Generator) -> Posture:
    """On four straight legs, the tail hanging in a bow."""
    high = 0.24 + 0.58 * build.legs
    step = rng.uniform(-0.07, 0.07, 4)
    spine = [(-0.62, high - 0.02), (-0.3, high + 0.02), (0.05, high - 0.03), (0.36, high - 0.01), (0.58, high - 0.05)]
    return Posture(
        spine=np.array(spine),
        fore=((0.44 + step[0], 0.0), (0.54 + step[1], 0.0)),
        hind=((-0.66 + step[2], 0.0), (-0.54 + step[3], 0.0)),
        head=(0.97, high + rng.uniform(0.05, 0.24)),
        tail=hanging_tail(rng),
    )


def walking(build: Build, rng: Generator) -> Posture:
    """In mid-stride: each pair of legs apart, one forefoot or hind foot off the ground."""
    high = 0.22 + 0.57 * build.legs
    stride = rng.uniform(0.16, 0.27)
    ahead = rng.choice([-1, 1])
    lift = rng.uniform(0.03, 0.12) * np.eye(2)[rng.integers(2)]
    spine = [(-0.62, high), (-0.3, high + 0.01), (0.05, high - 0.04), (0.36, high + 0.01), (0.6, high - 0.05)]
    return Posture(
        spine=np.array(spine),
        fore=((0.5 + ahead * stride, lift[0]), (0.5 - ahead * stride, 0.0)),
        hind=((-0.6 - ahead * stride, 0.0), (-0.6 + ahead * stride, lift[1])),
        head=(1.02, high + rng.uniform(-0.04, 0.12)),
        tail=hanging_tail(rng),
    )


def sitting(build: Build, rng: Generator) -> Posture:
    """On its haunches, breast up, the tail laid along the ground."""
    high = 0.26 + 0.56 * build.legs
    back = -0.34 + rng.uniform(-0.04, 0.04)
    spine = [(back, 0.27), (back + 0.04, 0.42), (-0.14, 0.56), (0.06, high - 0.06), (0.16, high - 0.03)]
    return Posture(
        spine=np.array(spine),
        fore=((0.24 + rng.uniform(-0.02, 0.03), 0.0), (0.28 + rng.uniform(-0.02, 0.04), 0.0)),
        hind=((0.02, 0.0), (0.06, 0.0)),
        head=(0.31 + rng.uniform(-0.02, 0.05), high + 0.22),
        tail=lying_tail(rng),
    )


def crouching(build: Build, rng: Generator) -> Posture:
    """Stalking: the belly low, the head lower than the shoulders."""
    high = 0.24 + 0.32 * build.legs
    step = rng.uniform(-0.08, 0.08, 4)
    spine = [(-0.6, high + 0.02), (-0.3, high - 0.01), (0.05, high - 0.06), (0.36, high), (0.6, high - 0.06)]
    return Posture(
        spine=np.array(spine),
        fore=((0.62 + step[0], 0.0), (0.36 + step[1], 0.0)),
        hind=((-0.42 + step[2], 0.0), (-0.68 + step[3], 0.0)),
        head=(1.02, high - rng.uniform(0.0, 0.1)),
        tail=hanging_tail(rng, low=True),
    )


def lying(build: Build, rng: Generator) -> Posture:
    """Like a sphinx: belly on the ground, forelegs stretched out, head up."""
    low = 0.27 * build.girth
    spine = [(-0.58, low), (-0.3, low + 0.04), (0.05, low + 0.01), (0.34, low + 0.07), (0.5, low + 0.09)]
    return Posture(
        spine=np.array(spine),
        fore=((0.9 + rng.uniform(-0.05, 0.05), 0.0), (0.82 + rng.uniform(-0.08, 0.05), 0.0)),
        hind=((-0.22 + rng.uniform(-0.05, 0.05), 0.0), (-0.2, 0.0)),
        head=(0.8, low + rng.uniform(0.3, 0.42)),
        tail=lying_tail(rng),
    )


POSES: dict[str, Callable[[Build, Generator], Posture]] = {
    "standing": standing,
    "walking": walking,
    "sitting": sitting,
    "crouching": crouching,
    "lying": lying,
}
"""The poses by name."""


def hanging_tail(rng: Generator, low: bool = False) -> Point:
    """Down from the rump and up again at the tip."""
    tip = rng.uniform(-0.18, 0.02) if low else rng.uniform(-0.42, 0.15)
    sag = -0.22 if low else -0.4
    sway = rng.uniform(-0.1, 0.1)
    way = [
        (0, 0, 0),
        (-0.16, 0.32 * sag, 0),
        (-0.34, 0.78 * sag, 0),
        (-0.56, sag, sway / 2),
        (-0.78, (sag + tip) / 2, sway),
    ]
    return np.array([*way, (-0.92, tip, sway)])


def lying_tail(rng: Generator) -> Point:
    """Down to the ground and along it, behind the animal or round its feet."""
    if rng.random() < 0.5:
        return np.array(
            [
                (0, 0, 0),
                (-0.14, -0.3, 0.0),
                (-0.38, -0.5, 0.04),
                (-0.62, -0.5, 0.1),
                (-0.8, -0.5, 0.16),
                (-0.92, -0.5, 0.22),
            ]
        )
    return np.array(
        [(0, 0, 0), (-0.1, -0.3, 0.12), (-0.02, -0.5, 0.3), (0.26, -0.5, 0.36), (0.4, -0.5, 0.37), (0.52, -0.5, 0.34)]
    )


# --- limbs -----------------------------------------------------------------------------------------------------------


def trunk(build: Build, posture: Posture, head: Head) -> Limb:
    """Rump, loin, ribs, breast, neck."""
    radii = build.girth * np.array([0.21, 0.225, 0.245, 0.235, 0.2, 0.165])
    neck = head.at(-0.45, -0.35, 0)
    spine = np.column_stack([posture.spine, np.zeros(len(posture.spine))])
    return smooth(Limb("trunk", np.vstack([spine, neck]), radii), steps=2)


def fore_leg(build: Build, posture: Posture, side: int) -> Limb:
    """Shoulder blade, elbow, wrist, paw; ``side`` is +1 towards the viewer."""
    foot_x, lift = posture.fore[0 if side > 0 else 1]
    shoulder = posture.spine[-2] + (0.05, -0.1 * build.girth)
    foot = np.array([foot_x - 0.02, 0.07 + lift])
    knee = bend(shoulder, foot, upper=0.30 * build.legs, lower=0.40 * build.legs, way=-1)
    toe = foot + np.array([0.085, -0.01 - 0.3 * lift])
    chain = np.array([shoulder, knee, 0.35 * knee + 0.65 * foot, foot, toe])
    radii = build.limbs * np.array([0.15, 0.1, 0.07, 0.068, 0.062])
    return limb("leg", chain, radii, z=side * 0.125 * build.girth)


def hind_leg(build: Build, posture: Posture, side: int) -> Limb:
    """Thigh, knee, hock, paw."""
    foot_x, lift = posture.hind[0 if side > 0 else 1]
    hip = posture.spine[0] + (0.09, -0.05 * build.girth)
    foot = np.array([foot_x - 0.02, 0.065 + lift])
    hock = foot + np.array([-0.1, 0.2]) * build.legs
    if hip[1] < 0.36:  # folded up beside the belly: the hock lies on the ground
        hock = np.array([max(foot_x - 0.36, hip[0] - 0.05), 0.09])
    knee = bend(hip, hock, upper=0.33 * build.legs, lower=0.3 * build.legs, way=1)
    toe = foot + np.array([0.085, -0.005 - 0.3 * lift])
    chain = np.array([hip, 0.5 * hip + 0.5 * knee, knee, hock, foot, toe])
    radii = build.limbs * np.array([0.205, 0.185, 0.115, 0.068, 0.066, 0.06])
    return limb("leg", chain, radii, z=side * 0.13 * build.girth)


def tail(build: Build, posture: Posture, rng: Generator) -> Limb:
    """Thick fur all along, thinnest at the root."""
    root = np.array([*(posture.spine[0] + (-0.12 * build.girth, 0.07 * build.girth)), 0.0])
    centres = root + posture.tail * build.tail_length
    lowest = build.tail_radius * 1.05
    centres[:, 1] = np.maximum(centres[:, 1], lowest)
    radii = build.tail_radius * np.array([0.8, 0.9, 0.97, 1.04, 1.08, 0.85])
    return smooth(Limb("tail", centres, radii), steps=3)


def look(build: Build, posture: Posture, rng: Generator) -> Head:
    """The head, turned from where the cat walks towards the viewer."""
    turn = np.radians(rng.uniform(20, 72))
    nod = np.radians(rng.uniform(-16, 4))
    gaze = np.array([np.cos(turn) * np.cos(nod), np.sin(nod), np.sin(turn) * np.cos(nod)])
    side = np.cross([0.0, 1.0, 0.0], gaze)
    side /= np.linalg.norm(side)
    return Head(np.array([*posture.head, 0.06]), build.head, gaze, np.cross(gaze, side), side)


def skull(build: Build, head: Head) -> tuple[Limb, ...]:
    """Skull, cheeks, muzzle and ears."""
    r = head.radius
    ear = build.ear / r

    def part(kind: str, points: list[tuple[float, float, float]], radii: list[float]) -> Limb:
        return Limb(kind, np.array([head.at(*p) for p in points]), r * np.array(radii))

    ears = [
        part(
            "ear", [(-0.1, 0.66, s * 0.56), (-0.08, 0.80 + 0.5 * ear, s * (0.62 + 0.25 * ear))], [1.1 * ear, 0.75 * ear]
        )
        for s in (-1, 1)
    ]
    return (
        *ears,
        part("head", [(-0.12, 0.06, 0), (0.1, -0.02, 0)], [0.96, 0.9]),
        part("head", [(0.25, -0.3, -0.38), (0.25, -0.3, 0.38)], [0.5, 0.5]),
        part("head", [(0.5, 0.2, 0), (build.muzzle, -0.2, 0)], [0.42, 0.3]),
        part("muzzle", [(build.muzzle - 0.12, -0.38, -0.13), (build.muzzle - 0.12, -0.38, 0.13)], [0.34, 0.34]),
    )


def limb(kind: str, chain: Point, radii: NDArray[np.floating], z: float) -> Limb:
    """A limb whose chain lies in the plane ``z``; what would sink into the ground is laid on it."""
    height = np.maximum(chain[:, 1], 0.95 * radii)
    return Limb(kind, np.column_stack([chain[:, 0], height, np.full(len(chain), z)]), radii)


def bend(start: Point, end: Point, upper: float, lower: float, way: int) -> Point:
    """Where the joint of two bones lies (law of cosines); ``way`` +1 bends it forward. Bones too short are stretched."""
    reach = end - start
    length = float(np.hypot(*reach))
    stretch = max(1.0, length / (0.995 * (upper + lower)))
    upper, lower = upper * stretch, lower * stretch
    length = max(length, abs(upper - lower) * 1.01, 1e-6)
    along = (upper**2 - lower**2 + length**2) / (2 * length)
    aside = np.sqrt(max(upper**2 - along**2, 0.0))
    unit = reach / max(float(np.hypot(*reach)), 1e-6)
    normal = np.array([-unit[1], unit[0]])
    return start + along * unit + way * aside * normal


def smooth(limb: Limb, steps: int) -> Limb:
    """The limb with ``steps`` pieces for each of its own, on a Catmull–Rom curve."""
    nodes = np.column_stack([limb.centres, limb.radii])
    padded = np.vstack([2 * nodes[0] - nodes[1], nodes, 2 * nodes[-1] - nodes[-2]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    linear, square, cube = end - before, 2 * before - 5 * start + 4 * end - after, 3 * start - before - 3 * end + after
    pieces = [start + 0.5 * (linear * t + square * t**2 + cube * t**3) for t in np.arange(steps) / steps]
    curve = np.vstack([np.stack(pieces, axis=1).reshape(-1, 4), nodes[-1]])
    return Limb(limb.kind, curve[:, :3], curve[:, 3])
