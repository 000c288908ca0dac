"""From a cat in space to pixels: the coat painted on its relief, light thrown over it, its shadow on the ground.

Colours are worked out for the body's pixels only, in one long row (P, 3), and averaged down to the picture's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from seethrough.datasets.leopards_body import Cat, Head, Point
from seethrough.datasets.leopards_coat import ACROSS, Coat, Colour, rosettes, spots
from seethrough.datasets.leopards_relief import FINE, Camera, Relief, sculpt, surroundings
from seethrough.datasets.noise import TILE, Plane, fractal_tile, read, smoothstep


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky: ``sun`` is the unit vector to the sun (right, down, to the viewer), colours are (3,) about 1."""

    sun: NDArray[np.float64]
    sun_colour: Colour
    sky_colour: Colour


@dataclass(frozen=True, slots=True)
class Drawn:
    """The animal on no background: ``colour`` float32 (H, W, 3) times its ``alpha`` (H, W), both 0…1."""

    colour: NDArray[np.floating]
    alpha: Plane


def draw_animal(cat: Cat, coat: Coat, camera: Camera, light: Light, bounce: Colour, size: int) -> Drawn:
    """The animal in a picture of ``size`` × ``size`` pixels; ``bounce`` is the colour of the light from the ground."""
    relief = sculpt(cat, camera, size)
    albedo = wear(relief, coat)
    make_up(albedo, relief, cat.head, coat, camera)
    alpha = np.clip(relief.edge - fringe(relief, cat.build.fluff * relief.unit) + 0.5, 0, 1)
    fine = np.zeros((*alpha.shape, 4), np.float32)
    fine[relief.body, :3] = illuminate(relief, albedo, light, bounce)
    fine[..., :3] *= alpha[..., None]
    fine[..., 3] = alpha
    small = shrunk(fine, relief, size)
    return Drawn(small[..., :3], small[..., 3])


def shrunk(fine: NDArray[np.floating], relief: Relief, size: int) -> NDArray[np.floating]:
    """What was drawn in the relief's box, (h, w, C), averaged down into a picture that is 0 elsewhere."""
    picture = np.zeros((size, size, fine.shape[2]), np.float32)
    rows, columns = fine.shape[0] // FINE, fine.shape[1] // FINE
    window = picture[relief.top // FINE :, relief.left // FINE :][:rows, :columns]
    for down in range(FINE):
        for across in range(FINE):
            window += fine[down::FINE, across::FINE]
    window /= FINE * FINE
    return picture


def fringe(relief: Relief, fluff: float) -> Plane:
    """How far the fur's outline is eaten into, in fine pixels: tufts, not a smooth edge."""
    height, width = relief.edge.shape
    y, x = np.ogrid[:height, :width]
    tufts = read(fractal_tile(1.6, 11, 90.0), x + relief.left, y + relief.top)
    return (0.5 + 0.28 * tufts) * np.float32(fluff)


# --- the coat --------------------------------------------------------------------------------------------------------


def wear(relief: Relief, coat: Coat) -> NDArray[np.floating]:
    """The coat's colour on every pixel of the body, before any light, (P, 3)."""
    trunk, leg, tail = relief.of("trunk"), relief.of("leg"), relief.of("tail")
    face = ~(trunk | leg | tail)
    # One pattern runs over trunk and legs as seen from the side; towards the outline it crowds together, as on a
    # barrel.
    x = np.where(tail, relief.along, relief.across + np.float32(0.1) * bulge(relief.right))
    y = np.where(tail, relief.around, relief.up - np.float32(0.1) * bulge(relief.down))
    texels = np.float32(TILE / ACROSS / coat.pattern.spacing)
    left, top = np.float32(coat.offset[0]), np.float32(coat.offset[1])
    ring, heart = rosettes(coat.pattern)
    open_, inside = read(ring, x * texels + left, y * texels + top), read(heart, x * texels + left, y * texels + top)
    closer = texels * np.where(face, np.float32(2.2), np.float32(1.4))
    solid = read(spots(), x * closer + left, y * closer + top)
    rosette = trunk | tail | (leg & (relief.seat < 0.45))
    dark = np.where(rosette, open_, solid * np.where(face, np.float32(0.6), np.float32(0.8)))
    pale = paleness(relief)
    dark *= np.float32(coat.strength) * (1 - np.float32(0.6) * pale)
    albedo = coat.base * (1 - np.where(rosette, inside, 0) * np.float32(coat.pattern.heart))[..., None]
    albedo += pale[..., None] * (coat.belly - albedo)
    albedo += dark[..., None] * (coat.spot - albedo)
    return albedo


def bulge(normal: Plane) -> Plane:
    """By how much the way over a ball is longer than the way across it, in radii: arcsin(n) − n."""
    return np.arcsin(normal) - normal


def paleness(relief: Relief) -> Plane:
    """Where the coat goes over into the belly's white: below the trunk, and less so on the legs; the muzzle wholly."""
    much = np.where(relief.of("trunk"), np.float32(0.9), np.float32(0.35))
    pale = much * smoothstep(0.35, 0.95, relief.down)
    return np.where(relief.of("muzzle"), np.float32(0.85), pale)


def make_up(albedo: NDArray[np.floating], relief: Relief, head: Head, coat: Coat, camera: Camera) -> None:
    """Eyes, nose, ears' insides and the lines of the face, painted where the relief comes near them in space."""
    face = np.nonzero(relief.of("head", "muzzle", "ear"))[0]
    row, column = (where[face] for where in np.nonzero(relief.body))
    skin = np.stack([column + (relief.left + 0.5), row + (relief.top + 0.5), relief.depth[relief.body][face]])
    skin = skin.astype(np.float32)
    places, radii, colours = zip(*features(head, coat))
    centres = (camera.project(np.array(places)) * FINE).astype(np.float32)
    for centre, radius, colour in zip(centres, radii, colours):
        # Depth counts for half, so that a mark is whole although it lies on a curve.
        away = (skin - centre[:, None]) * np.array([[1], [1], [0.5]], np.float32)
        cover = np.clip(radius * head.radius * relief.unit - np.sqrt((away**2).sum(0)) + 0.5, 0, 1)
        near = np.nonzero(cover)[0]
        albedo[face[near]] += cover[near, None] * (colour - albedo[face[near]])


def features(head: Head, coat: Coat) -> list[tuple[Point, float, Colour]]:
    """Points of the face with radius (in the skull's radii) and colour, painted in this order."""
    dark, iris = coat.spot * 0.8, np.array([0.80, 0.72, 0.42], np.float32)
    nose, ear = np.array([0.45, 0.28, 0.26], np.float32), coat.spot * 1.5
    pupil = np.array([0.03, 0.03, 0.03], np.float32)
    marks: list[tuple[Point, float, Colour]] = []
    for s in (-1.0, 1.0):
        marks += [
            (head.at(0.12, 0.98, s * 0.66), 0.22, ear),
            (head.at(0.90, 0.02, s * 0.36), 0.22, coat.belly),
            (head.at(0.86, 0.22, s * 0.43), 0.195, dark),
            (head.at(0.88, 0.18, s * 0.42), 0.125, iris),
            (head.at(0.92, 0.19, s * 0.41), 0.08, pupil),
        ]
    return [*marks, (head.at(1.1, -0.13, 0.0), 0.17, nose), (head.at(1.1, -0.46, 0.0), 0.11, dark)]


# --- the light -------------------------------------------------------------------------------------------------------


def illuminate(relief: Relief, albedo: NDArray[np.floating], light: Light, bounce: Colour) -> NDArray[np.floating]:
    """Sun from one side, sky from above, the ground's light from below, and darkness in the folds; (P, 3)."""
    hair = fur(relief)
    right, down, out = (np.float32(v) for v in light.sun)
    sun = np.clip(0.12 + 0.88 * (relief.right * right + relief.down * down + relief.out * out), 0, 1)
    sky = (0.68 - 0.32 * relief.down) * folds(relief)
    below = np.clip(relief.down, 0, 1)
    lit = (
        (0.82 * sun)[..., None] * light.sun_colour
        + (0.7 * sky)[..., None] * light.sky_colour
        + (0.16 * below)[..., None] * bounce
    )
    return np.clip(albedo * lit * (1 + np.float32(0.055) * hair)[..., None], 0, 1)


def fur(relief: Relief) -> Plane:
    """Hair: noise drawn out along the limbs, standard deviation about 1."""
    unit = np.float32(relief.unit)
    x = relief.along * (unit * np.float32(0.5)) + relief.kind * np.float32(61)
    return read(fractal_tile(0.6, 12, 30.0), x, relief.around * (unit * np.float32(1.5)))


def folds(relief: Relief) -> Plane:
    """How much of the sky reaches each pixel, 0…1: less where the body beside it stands before it."""
    depth = relief.depth[relief.body]
    before = surroundings(depth, relief.body, max(3, int(0.2 * relief.unit))) - depth
    return 1 - np.float32(0.7) * np.clip(before / np.float32(0.16 * relief.unit), 0, 1)


def cast_shadow(cat: Cat, camera: Camera, light: Light, size: int) -> Plane:
    """How much of the sun's light the animal keeps from each pixel of the ground, 0…1, (size, size).

    Each limb is thrown along the sun's rays onto the plane of the ground, drawn there, and seen at the camera's tilt.
    """
    squash = np.sin(camera.tilt)
    rows = int(np.ceil(size / squash / 2))
    ground = Image.new("L", (size, 2 * rows))
    pen = ImageDraw.Draw(ground)
    right, down, out = light.sun
    for limb in cat.limbs:
        points = camera.direction(limb.centres) * camera.scale
        level = limb.centres[:, 1] * camera.scale
        # Undo the tilt: depth on the ground, then slide along the ray by the height.
        ground_z = (points[:, 1] + level * np.cos(camera.tilt)) / squash
        x = camera.x + points[:, 0] - level * right / max(-down, 0.2)
        y = rows + ground_z - level * out / max(-down, 0.2)
        for k, radius in enumerate(limb.radii * camera.scale):
            pen.ellipse((x[k] - radius, y[k] - radius, x[k] + radius, y[k] + radius), fill=255)
            if k:
                pen.line((x[k - 1], y[k - 1], x[k], y[k]), fill=255, width=max(1, round(2 * radius)))
    seen = ground.resize((size, int(2 * rows * squash)), Image.Resampling.BILINEAR)
    placed = Image.new("L", (size, size))
    placed.paste(seen, (0, round(camera.y - seen.height / 2)))
    soft = placed.filter(ImageFilter.GaussianBlur(0.02 * camera.scale + 0.6))
    return np.asarray(soft, np.float32) / 255
