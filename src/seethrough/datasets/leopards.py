"""The leopards: drawn pictures that ask whether a network has learned the animal or the background.

Snow leopards mostly stand on snow, Arabian leopards mostly in the desert. How often is a parameter, every picture comes
with the mask of its animal, and every animal can be moved to the other background without a hair of it changing. So a
network's shortcut can be made, measured and mended with nothing left to guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from seethrough.datasets.leopards_body import POSES, Build, Cat, draw_cat
from seethrough.datasets.leopards_coat import Coat, Pattern, draw_coat
from seethrough.datasets.leopards_drawing import Light, cast_shadow, draw_animal
from seethrough.datasets.leopards_relief import Camera
from seethrough.datasets.leopards_scenes import SCENES, Scene
from seethrough.errors import UsageError

SPECIES = ("snow leopard", "Arabian leopard")
"""Names of `Leopards.species`, in order."""

BACKGROUNDS = ("snow", "desert")
"""Names of `Leopards.backgrounds`, in order; a species' usual background has the species' own number."""

SIZE = 192
"""Height and width of a picture, in pixels."""


@dataclass(frozen=True)
class Leopards:
    """Some pictures of leopards.

    Attributes
    ----------
    pictures
        uint8 (N, H, W, 3), RGB.
    masks
        bool (N, H, W): the animal's pixels (its shadow is none of them).
    species
        int64 (N,): index into `SPECIES`.
    backgrounds
        int64 (N,): index into `BACKGROUNDS`.
    indices
        int64 (N,): which picture of its seed's endless row each is.
    seed
        The row's seed; with the index it is all that a picture depends on.
    """

    pictures: NDArray[np.uint8] = field(repr=False)
    masks: NDArray[np.bool_] = field(repr=False)
    species: NDArray[np.int64]
    backgrounds: NDArray[np.int64]
    indices: NDArray[np.int64]
    seed: int

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: slice | ArrayLike) -> Leopards:
        """Some of the pictures: a slice, an array of places, or a bool for each."""
        at = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return Leopards(
            self.pictures[at], self.masks[at], self.species[at], self.backgrounds[at], self.indices[at], self.seed
        )

    @property
    def usual(self) -> NDArray[np.bool_]:
        """bool (N,): whether the animal stands on its species' usual background."""
        return self.species == self.backgrounds


def leopards(count: int, *, correlation: float = 0.95, seed: int = 0, start: int = 0) -> Leopards:
    """Draw leopards: as many of each species, on their usual backgrounds as often as ``correlation`` says.

    Parameters
    ----------
    count
        How many pictures; species take turns, so an even number is balanced.
    correlation
        Share of pictures with the usual background, 0…1: of the first ``k`` of each species, ``k · correlation``
        rounded.
    seed
        Which endless row of animals. Picture ``i`` of a seed is the same in every set (bytes too, on one machine), but
        for its background, which ``correlation`` decides.
    start
        Index of the first picture; a large set can be drawn in parts.

    Raises
    ------
    UsageError
        Where a number is out of its range.
    """
    if count < 1 or start < 0 or seed < 0:
        raise UsageError(
            f"leopards needs count ≥ 1, start ≥ 0 and seed ≥ 0; got count={count}, start={start}, seed={seed}."
        )
    if not 0 <= correlation <= 1:
        raise UsageError(
            f"correlation is a share from 0 to 1, got {correlation}: 0.95 puts 95 % on the usual background."
        )
    indices = np.arange(start, start + count)
    species, backgrounds = assigned(indices, correlation)
    return drawn(indices, species, backgrounds, seed)


def assigned(indices: NDArray[np.int64], correlation: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Species and background of each picture: species take turns, and of the first ``k`` of each species
    ``k · correlation``, rounded, stand on the usual background."""
    species, turn = indices % 2, indices // 2
    usual = np.floor((turn + 1) * correlation + 0.5) > np.floor(turn * correlation + 0.5)
    return species, np.where(usual, species, 1 - species)


def exchanged(animals: Leopards) -> Leopards:
    """The very same animals, each on the other background; on the mask only the light from the ground differs."""
    return drawn(animals.indices, animals.species, 1 - animals.backgrounds, animals.seed)


def drawn(
    indices: NDArray[np.int64], species: NDArray[np.int64], backgrounds: NDArray[np.int64], seed: int
) -> Leopards:
    """Draw the pictures with these indices."""
    pictures = np.empty((len(indices), SIZE, SIZE, 3), np.uint8)
    masks = np.empty((len(indices), SIZE, SIZE), np.bool_)
    for row, (index, kind, background) in enumerate(zip(indices, species, backgrounds)):
        pictures[row], masks[row] = draw(seed, int(index), int(kind), int(background))
    return Leopards(pictures, masks, species, backgrounds, indices, seed)


# --- one picture -----------------------------------------------------------------------------------------------------


def draw(seed: int, index: int, species: int, background: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One picture and its mask. Animal and background have random numbers of their own, so that either can change
    alone.
    """
    rng = np.random.default_rng([seed, index, len(SCENES)])
    pose = str(rng.choice(list(POSES)))
    cat = draw_cat(draw_build(species, rng), pose, rng)
    coat = draw_coat(PATTERNS[species], WARMTH[species], rng)
    camera, light = draw_camera(cat, rng), draw_light(rng)
    behind = np.random.default_rng([seed, index, background])
    scene = SCENES[background](SIZE, camera.horizon, float(light.sun[0]), behind)
    return compose(cat, coat, camera, light, scene)


def compose(
    cat: Cat, coat: Coat, camera: Camera, light: Light, scene: Scene
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The animal with its shadow on the scene."""
    shadow = cast_shadow(cat, camera, light, SIZE)[..., None]
    animal = draw_animal(cat, coat, camera, light, scene.bounce, SIZE)
    picture = scene.picture * light.sun_colour
    picture *= 1 - shadow * (1 - scene.shade)
    picture *= 1 - animal.alpha[..., None]
    picture += animal.colour
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8), animal.alpha > 0.5


# --- what differs from picture to picture -----------------------------------------------------------------------------

PATTERNS = (
    Pattern(spacing=0.29, ring=0.33, band=0.115, breaks=4, heart=0.10),
    Pattern(spacing=0.12, ring=0.25, band=0.17, breaks=3, heart=0.14),
)
"""Large open rosettes; small dense ones. In the order of `SPECIES`, like the next two."""

WARMTH = ((0.30, 0.20), (0.66, 0.20))
"""Mean and spread of the coat's colour from grey (0) to tawny (1): they overlap."""

BUILDS = (
    Build(
        girth=1.08, legs=0.88, limbs=1.12, head=0.232, muzzle=0.80, ear=0.066,
        tail_length=1.25, tail_radius=0.098, fluff=0.034,
    ),
    Build(
        girth=0.90, legs=1.04, limbs=0.90, head=0.205, muzzle=0.92, ear=0.078,
        tail_length=1.12, tail_radius=0.054, fluff=0.014,
    ),
)  # fmt: skip
"""The mean build of each species."""


def draw_build(species: int, rng: Generator) -> Build:
    """One animal's build, a few per cent off its species' mean."""
    mean = BUILDS[species]
    off = rng.normal(1, 0.035, 7)
    return Build(
        girth=mean.girth * off[0], legs=mean.legs * off[1], limbs=mean.limbs * off[2], head=mean.head * off[3],
        muzzle=mean.muzzle, ear=mean.ear * off[4], tail_length=mean.tail_length * off[5],
        tail_radius=mean.tail_radius * off[6], fluff=mean.fluff,
    )  # fmt: skip


def draw_camera(cat: Cat, rng: Generator) -> Camera:
    """Near cats are large and stand low in the picture; the whole body fits into its width."""
    near = rng.uniform(0, 1)
    scale = SIZE * (0.30 + 0.13 * near) * rng.uniform(0.94, 1.06)
    facing = int(rng.choice([-1, 1]))
    yaw = np.radians(rng.uniform(-14, 26))
    tilt = np.radians(rng.uniform(9, 15))
    horizon = SIZE * rng.uniform(0.24, 0.46)
    y = SIZE * (0.72 + 0.14 * near + rng.uniform(-0.03, 0.03))
    loose = Camera(1.0, 0.0, 0.0, yaw, tilt, facing, horizon)
    left, right = extent(cat, loose)
    scale = min(scale, 0.96 * SIZE / (right - left))
    room = (0.98 * SIZE - scale * (right - left)) / 2
    x = SIZE / 2 - scale * (left + right) / 2 + rng.uniform(-1, 1) * room
    return Camera(scale, float(x), y, yaw, tilt, facing, horizon)


def extent(cat: Cat, camera: Camera) -> tuple[float, float]:
    """The leftmost and the rightmost column that the cat reaches."""
    columns = [(camera.project(limb.centres)[:, 0], camera.scale * limb.radii) for limb in cat.limbs]
    left = min(float((x - radius).min()) for x, radius in columns)
    return left, max(float((x + radius).max()) for x, radius in columns)


def draw_light(rng: Generator) -> Light:
    """Sun from the left or the right and from the viewer's side; a low sun is warm."""
    high = np.radians(rng.uniform(28, 58))
    turned = np.radians(rng.uniform(20, 75))
    side = rng.choice([-1, 1])
    sun = np.array([side * np.cos(high) * np.sin(turned), -np.sin(high), np.cos(high) * np.cos(turned)])
    warm = 1 - (high - 0.45) / 0.6
    bright = rng.uniform(0.86, 1.06)
    sun_colour = (bright * np.array([1 + 0.03 * warm, 1.0, 1 - 0.08 * warm])).astype(np.float32)
    return Light(sun, sun_colour, sky_colour=np.array([0.95, 1.0, 1.06], np.float32) * np.float32(bright))
