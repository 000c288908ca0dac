"""Where the cats live: snow under a line of mountains, and desert with dunes; drawn in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seethrough.datasets.leopards_coat import Colour
from seethrough.datasets.noise import Plane, fractal_tile, profile, read, slope_tile, smoothstep

Picture = NDArray[np.floating]
"""Red, green, blue, (H, W, 3), 0…1."""


def rgb(red: float, green: float, blue: float) -> Colour:
    """A colour, 0…1."""
    return np.array([red, green, blue], np.float32)


@dataclass(frozen=True, slots=True)
class Scene:
    """A background: ``picture`` float32 (H, W, 3), 0…1; ``shade`` what the ground's colour is multiplied by where the
    sun doesn't reach; ``bounce`` the light that the ground throws back at the animal; both (3,)."""

    picture: Picture
    shade: Colour
    bounce: Colour


@dataclass(frozen=True, slots=True)
class Ground:
    """The plane that runs to the horizon, pixel by pixel (rows below it only).

    ``x``, ``z``: place on the ground, in picture widths at the bottom edge; ``near``: 0 at the horizon, 1 at the bottom
    edge; ``top``: the first row; ``skyline``: where the ground ends, a row below ``top`` for each column.
    """

    x: Plane
    z: Plane
    near: Plane
    top: int
    skyline: Plane


def snow(size: int, horizon: float, sun: float, rng: Generator) -> Scene:
    """Drifts and stones under a sky with mountains; sometimes snow falls. ``sun`` −1…1 is where the light comes from."""
    grey = rng.uniform(0, 1)
    zenith = (1 - grey) * rgb(0.40, 0.60, 0.86) + grey * rgb(0.72, 0.77, 0.83)
    haze = (1 - grey) * rgb(0.82, 0.89, 0.96) + grey * rgb(0.88, 0.90, 0.93)
    picture = sky(size, horizon, zenith, haze, cover=rng.uniform(0.2, 1.0), rng=rng)
    if rng.random() < 0.85:
        mountains(picture[: int(horizon) + 1], horizon, sun, haze, rng)
    ground = plane(size, horizon, rng)
    shadow, bright = rgb(0.66, 0.74, 0.87) * (1 - 0.06 * grey), rgb(0.97, 0.975, 0.985) * (1 - 0.05 * grey)
    light = 0.72 + 0.16 * hills(ground, sun, rng) + 0.035 * grain(ground, rng)
    lay(picture, ground, shadow, bright, light, haze)
    for _ in range(rng.integers(1, 4)):
        drift(picture, horizon, sun, shadow, bright, rng)
    for _ in range(rng.integers(0, 6)):
        stone(picture, horizon, sun, rgb(0.42, 0.41, 0.43) * rng.uniform(0.75, 1.2), cap=rgb(0.95, 0.96, 0.98), rng=rng)
    if rng.random() < 0.4:
        flakes(picture, rng)
    return Scene(picture, shade=rgb(0.60, 0.68, 0.82), bounce=rgb(0.95, 1.0, 1.08))


def desert(size: int, horizon: float, sun: float, rng: Generator) -> Scene:
    """Dunes, ripples, stones and bushes under a clear or dusty sky. ``sun`` −1…1 is where the light comes from."""
    dust = rng.uniform(0, 1)
    zenith = (1 - dust) * rgb(0.36, 0.58, 0.83) + dust * rgb(0.66, 0.70, 0.73)
    haze = (1 - dust) * rgb(0.86, 0.87, 0.84) + dust * rgb(0.92, 0.83, 0.70)
    picture = sky(size, horizon, zenith, haze, cover=rng.uniform(0.0, 0.5), rng=rng)
    red = rng.uniform(0, 1)
    shadow = (1 - red) * rgb(0.66, 0.50, 0.34) + red * rgb(0.64, 0.42, 0.27)
    bright = (1 - red) * rgb(0.93, 0.79, 0.57) + red * rgb(0.92, 0.69, 0.45)
    if rng.random() < 0.35:
        mesa(picture[: int(horizon) + 1], horizon, shadow, haze, rng)
    for far in np.linspace(1, 0.35, rng.integers(1, 4)):
        dune(picture[: int(horizon) + 8], horizon, sun, far, shadow, bright, haze, rng)
    ground = plane(size, horizon, rng)
    light = 0.62 + 0.13 * hills(ground, sun, rng) + 0.05 * grain(ground, rng)
    if rng.random() < 0.75:
        light += rng.uniform(0.06, 0.18) * ripples(ground, rng)
    lay(picture, ground, shadow, bright, light, haze)
    for _ in range(rng.integers(0, 7)):
        stone(picture, horizon, sun, 0.75 * shadow * rng.uniform(0.8, 1.2), cap=None, rng=rng)
    for _ in range(rng.integers(0, 5)):
        bush(picture, horizon, rng)
    return Scene(picture, shade=rgb(0.60, 0.55, 0.53), bounce=rgb(1.08, 0.95, 0.76))


SCENES: tuple[Callable[[int, float, float, Generator], Scene], ...] = (snow, desert)
"""In the order of `seethrough.datasets.leopards.BACKGROUNDS`."""


# --- sky and what stands against it ----------------------------------------------------------------------------------


def sky(size: int, horizon: float, zenith: Colour, haze: Colour, cover: float, rng: Generator) -> Picture:
    """From ``zenith`` down to ``haze`` at the horizon, with ``cover`` (0…1) of cloud; the whole picture."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    depth = np.clip(y / (horizon / size), 0, 1)[..., None] ** 0.8
    air = zenith * (1 - depth) + haze * depth
    stretch = 1.5 + 3 * y
    clouds = read(fractal_tile(1.6, 21, 3.0), x * 190 + rng.uniform(0, 512), y * stretch * 220 + rng.uniform(0, 512))
    white = (cover * smoothstep(-0.2, 1.6, clouds))[..., None] * 0.8
    return air * (1 - white) + (0.25 * haze + 0.75) * white


def against(picture: Picture, line: Plane, colour: Picture | Colour, softness: float = 1.0) -> None:
    """Paint everything below ``line`` (a row for each column) with ``colour``, the edge smoothed."""
    rows = np.arange(picture.shape[0], dtype=np.float32)[:, None] + 0.5
    cover = np.clip((rows - line) / softness + 0.5, 0, 1)[..., None]
    picture += cover * (colour - picture)


def columns(size: int) -> Plane:
    """The middle of each column of pixels, 0…1."""
    return (np.arange(size, dtype=np.float32) + 0.5) / size


def mountains(picture: Picture, horizon: float, sun: float, haze: Colour, rng: Generator) -> None:
    """One or two ridges of rock and snow, the far one paler."""
    size = picture.shape[1]
    x, y = columns(size), columns(size)[: len(picture), None]
    tile, slopes = fractal_tile(2.4, 22, 3.0), slope_tile(2.5, 23, 9.0)
    for far in (0.6, 0.25)[rng.integers(2) :]:
        height = rng.uniform(0.35, 0.85) * (0.6 + far) * horizon
        peaks = profile(tile, int(rng.integers(512)), x * rng.uniform(90, 170) + rng.uniform(0, 512))
        jag = profile(fractal_tile(1.7, 24, 8.0), int(rng.integers(512)), x * 220)
        line = horizon - height * np.clip(0.45 + 0.28 * peaks + 0.06 * jag, 0.08, 1.0)
        face = read(slopes, (x + 0.5 * y) * 300 + rng.uniform(0, 512), y * 170)
        lit = 0.5 + 0.5 * np.tanh(1.4 * face * np.sign(sun))
        steep = read(slopes, (x - 0.6 * y) * 420 + rng.uniform(0, 512), y * 300 + 100)
        rock = smoothstep(0.35, 1.1, steep + 0.25 * jag - 1.2 * (y * size - line) / height)
        snowy = rgb(0.60, 0.69, 0.83) + lit[..., None] * rgb(0.37, 0.29, 0.16)
        bare = rgb(0.33, 0.35, 0.40) + lit[..., None] * rgb(0.2, 0.19, 0.17)
        colour = snowy + (0.7 * rock)[..., None] * (bare - snowy)
        against(picture, line, colour + far * (haze - colour))


def mesa(picture: Picture, horizon: float, shadow: Colour, haze: Colour, rng: Generator) -> None:
    """Table mountains in the distance."""
    x = columns(picture.shape[1])
    wave = profile(fractal_tile(1.6, 25, 2.0), int(rng.integers(512)), x * 120 + rng.uniform(0, 512))
    rough = profile(fractal_tile(1.7, 24, 8.0), int(rng.integers(512)), x * 260)
    line = horizon - horizon * rng.uniform(0.12, 0.3) * (smoothstep(-0.1, 0.35, wave) + 0.06 * rough)
    strata = profile(
        fractal_tile(0.7, 26, 6.0), int(rng.integers(512)), columns(picture.shape[1])[: len(picture)] * 400
    )
    colour = (0.85 * shadow * (1 + 0.10 * strata[:, None, None])).astype(np.float32)
    against(picture, line, colour + 0.45 * (haze - colour))


def dune(
    picture: Picture,
    horizon: float,
    sun: float,
    far: float,
    shadow: Colour,
    bright: Colour,
    haze: Colour,
    rng: Generator,
) -> None:
    """A dune behind the horizon's edge: a bright side, a dark side, and a crest that winds between them."""
    size = picture.shape[1]
    x, y = columns(size), columns(size)[: len(picture), None]
    tile = fractal_tile(2.7, 27, 1.5)
    row, along = int(rng.integers(512)), x * rng.uniform(120, 260) + np.float32(rng.uniform(0, 512))
    line = horizon + 2 - horizon * (0.10 + 0.30 * far) * np.clip(0.75 + 0.5 * profile(tile, row, along), 0.05, 1.6)
    # What turns from the sun at the crest stays dark below it, the edge between the sides leaning as it comes down.
    down = np.maximum(y * size - line, 0) / (0.3 * horizon)
    slope = profile(slope_tile(2.7, 27, 1.5), row, along - 70 * np.sign(sun) * np.sqrt(down))
    dark = smoothstep(-0.1, 0.35, slope * np.sign(sun) - 0.6 * down)
    colour = bright + (0.8 * dark)[..., None] * (shadow - bright)
    against(picture, line, colour + (0.15 + 0.35 * far) * (haze - colour))


# --- the ground ------------------------------------------------------------------------------------------------------


def plane(size: int, horizon: float, rng: Generator) -> Ground:
    """The ground's coordinates at every pixel below the horizon."""
    top = int(horizon - 0.02 * size)
    rows = np.arange(top, size, dtype=np.float32)[:, None] + 0.5
    vanishing = horizon - 0.04 * size
    near = (rows - vanishing) / (size - vanishing)
    # A high eye: depth grows less than 1 / near, so that the texture does not run away at the horizon.
    z = 1.4 / (near + 0.25) + rng.uniform(0, 100)
    x = (columns(size) - 0.5) / (near + 0.25) * 1.25 + rng.uniform(0, 100)
    wave = profile(fractal_tile(2.2, 36, 2.0), int(rng.integers(512)), columns(size) * 200 + rng.uniform(0, 512))
    skyline = 0.012 * size * np.clip(1.6 + wave, 0, 4)
    return Ground(x.astype(np.float32), np.broadcast_to(z, x.shape).astype(np.float32), near, top, skyline)


def hills(ground: Ground, sun: float, rng: Generator) -> Plane:
    """Light on gentle undulations, standard deviation about 1."""
    side = np.float32(np.sign(sun))
    low = read(slope_tile(2.4, 31, 4.0), ground.x * 280, ground.z * 420 + rng.uniform(0, 512))
    fine = read(slope_tile(1.6, 32, 10.0), ground.x * 300, ground.z * 480 + rng.uniform(0, 512))
    return side * (0.8 * low + 0.4 * fine * ground.near)


def grain(ground: Ground, rng: Generator) -> Plane:
    """Single grains and crystals, finer and fainter far away."""
    return read(fractal_tile(0.35, 33, 1.0), ground.x * 300, ground.z * 500 + rng.uniform(0, 512)) * ground.near


def ripples(ground: Ground, rng: Generator) -> Plane:
    """Wind ripples, −1…1: waves whose crests wander, faded out where they would be finer than a pixel."""
    turn = rng.uniform(-0.5, 0.5)
    wander = read(fractal_tile(2.4, 34, 5.0), ground.x * 280, ground.z * 300)
    phase = (ground.z * np.cos(turn) + ground.x * np.sin(turn)) * np.float32(rng.uniform(42, 60)) + 2.2 * wander
    return np.sin(phase) * smoothstep(0.12, 0.7, ground.near)


def lay(picture: Picture, ground: Ground, shadow: Colour, bright: Colour, light: Plane, haze: Colour) -> None:
    """Paint the ground between its shadow and its bright colour, fading into the haze at the horizon."""
    colour = shadow + np.clip(light, 0, 1.1)[..., None] * (bright - shadow)
    fade = (0.5 * np.exp(-7 * ground.near))[..., None]
    against(picture[ground.top :], ground.skyline, colour + fade * (haze - colour))


def drift(picture: Picture, horizon: float, sun: float, shadow: Colour, bright: Colour, rng: Generator) -> None:
    """A bank of snow: a bright rim, and its blue shade that fades downwards."""
    size = picture.shape[0]
    x = columns(size)
    near = rng.uniform(0.03, 0.95) ** 1.3
    base = horizon + near * (size - horizon)
    wave = profile(fractal_tile(2.4, 35, 1.0), int(rng.integers(512)), x * rng.uniform(60, 150) + rng.uniform(0, 512))
    line = base + (3 + 11 * near) * wave
    first, last = max(int(line.min()) - 5, 0), min(int(line.max() + 5 + 26 * near) + 1, size)
    band = picture[first:last]
    rows = np.arange(first, last, dtype=np.float32)[:, None] + 0.5
    below = np.clip((rows - line) / (5 + 26 * near), 0, 1)
    steep = 0.55 + 0.45 * np.tanh(0.4 * np.sign(sun) * np.gradient(wave) * 60)
    strength = (steep * np.clip(rows - line + 0.5, 0, 1) * (1 - below) ** 1.6)[..., None]
    band += 0.62 * strength * (shadow - band)
    rim = (np.exp(-(((rows - line + 1.2) / (0.8 + near)) ** 2)) * steep * 0.5)[..., None]
    band += rim * (bright - band)


# --- things on the ground --------------------------------------------------------------------------------------------


def stone(picture: Picture, horizon: float, sun: float, colour: Colour, cap: Colour | None, rng: Generator) -> None:
    """A stone, lit from the sun's side, sunk in the ground; ``cap`` is the colour of the snow on it."""
    size = picture.shape[0]
    near = rng.uniform(0.03, 1.0)
    radius = rng.uniform(1.2, 4.5) + rng.uniform(1, 11) * near**1.5
    cx, cy = rng.uniform(0, size), horizon + near * (size - horizon)
    view, left, top = cutting(picture, cx - 2.2 * radius, cy - 1.6 * radius, cx + 2.2 * radius, cy + 0.6 * radius)
    y, x = np.mgrid[top : top + view.shape[0], left : left + view.shape[1]].astype(np.float32) + 0.5
    dx, dy = (x - cx) / radius, (y - cy) / radius
    thrown = np.clip(1.0 - np.hypot((dx + 0.55 * np.sign(sun)) / 1.35, (dy - 0.12) / 0.36), 0, 1)[..., None]
    view *= 1 - 0.5 * np.minimum(2 * thrown, 1)
    far = np.hypot(dx / 1.25, (dy + 0.25) / 0.85) / lumpy(np.arctan2(dy, dx), rng)
    rough = read(fractal_tile(2.0, 41, 10.0), 40 * dx + 70 * cx, 40 * dy + 31 * cx)
    foot = np.clip((0.32 + 0.05 * rough - dy) * radius + 0.5, 0, 1)
    cover = np.clip((1 - far) * radius * 0.8 + 0.5, 0, 1) * foot
    lit = np.clip(0.62 + 0.42 * np.sign(sun) * dx - 0.35 * (dy + 0.25) + 0.16 * rough, 0.2, 1.5)
    face = colour * lit[..., None]
    if cap is not None:
        white = (smoothstep(0.45, 0.7, far + 0.06 * rough) * smoothstep(0.35, 0.6, -dy))[..., None]
        face = face + white * (cap * np.clip(0.72 + 0.2 * lit, 0, 1)[..., None] - face)
    view += cover[..., None] * (face - view)


def cutting(picture: Picture, left: float, top: float, right: float, bottom: float) -> tuple[Picture, int, int]:
    """The part of the picture in a box, to be painted on, with the column and row where it begins."""
    height, width = picture.shape[:2]
    x0, y0 = max(int(left), 0), max(int(top), 0)
    return picture[y0 : min(int(bottom) + 2, height), x0 : min(int(right) + 2, width)], x0, y0


def lumpy(angle: Plane, rng: Generator) -> Plane:
    """The radius of an uneven outline in each direction, about 0.9."""
    bumps, mean = rng.uniform(-0.09, 0.09, 4), rng.uniform(0.75, 1.0)
    waves = [bump * np.cos(k * angle + 217 * bump) for k, bump in enumerate(bumps, start=2)]
    return mean + np.sum(waves, axis=0)


def bush(picture: Picture, horizon: float, rng: Generator) -> None:
    """A dry bush in front of the ground, its foot anywhere on it."""
    size = picture.shape[0]
    near = rng.uniform(0.02, 0.9)
    cover = twigs(4 + 17 * near * rng.uniform(0.7, 1.2), rng)
    side = len(cover)
    left, top = int(rng.uniform(-side / 2, size - side / 2)), int(horizon + near * (size - horizon) - 0.82 * side)
    view, x0, y0 = cutting(picture, left, top, left + side - 2, top + side - 2)
    cover = cover[y0 - top :, x0 - left :][: view.shape[0], : view.shape[1], None]
    dry = rng.uniform(0, 1)
    colour = (1 - dry) * rgb(0.34, 0.36, 0.19) + dry * rgb(0.47, 0.38, 0.23)
    view += 0.92 * cover * (colour - view)


def twigs(tall: float, rng: Generator) -> Plane:
    """Twigs that fan out from one foot, as cover 0…1 in a square; drawn large and shrunk."""
    fine, side = 4, int(2.4 * tall) + 2
    canvas = Image.new("L", (side * fine, side * fine))
    pen = ImageDraw.Draw(canvas)
    foot = np.array([side / 2, 0.82 * side]) * fine
    for _ in range(int(rng.integers(24, 46))):
        lean = rng.normal(0, 0.55)
        length = tall * fine * rng.uniform(0.45, 1.0)
        start = foot + rng.normal(0, 0.08) * tall * fine * np.array([1, 0])
        middle = start + 0.55 * length * np.array([np.sin(0.7 * lean), -np.cos(0.7 * lean)])
        tip = start + length * np.array([np.sin(lean), -np.cos(lean)])
        pen.line([*start, *middle, *tip], fill=int(rng.integers(120, 256)), width=int(rng.integers(1, 4)))
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX), np.float32) / 255


def flakes(picture: Picture, rng: Generator) -> None:
    """Snow in the air, far and near, drawn large and shrunk."""
    size, fine = picture.shape[0], 3
    count = int(rng.integers(50, 170))
    air = Image.new("L", (size * fine, size * fine))
    pen = ImageDraw.Draw(air)
    places, radii = rng.uniform(0, size, (count, 2)) * fine, (0.45 + rng.gamma(1.3, 0.5, count)) * fine
    for (x, y), radius, white in zip(places, radii, rng.integers(110, 245, count)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(white))
    cover = np.asarray(air.reduce(fine), np.float32)[..., None] / 255
    picture += cover * (1 - picture)
