"""Transforms: how a picture is moved at random before each look of the network, so that what it shows doesn't hang on single
pixels.

A network is excited by patterns that no person would call a picture; most of them die when the picture is shifted, turned
or scaled a little (Olah, Mordvintsev and Schubert, Feature visualization, 2017). All moves are affine, so that however many are
composed, the picture is resampled once.

>>> moves = (Pad(8), Jitter(8), Scale(0.9, 1.1), Rotate(10))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.errors import UsageError


class Transform(Protocol):
    """A random move: from a source of chance to where a point (x, y, 1) of what the network sees is found in the picture, in
    pixels from the middle, as (3, 3).
    """

    def drawn(self, chance: torch.Generator) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Pad:
    """The picture is made larger by so many pixels on each side, which are cut off at the end: what is moved past its edge
    is picture, not a border that a unit could be excited by.
    """

    pixels: int

    def drawn(self, chance: torch.Generator) -> Tensor:
        """Nothing moves."""
        return torch.eye(3)


@dataclass(frozen=True, slots=True)
class Jitter:
    """Shifted by whole pixels, up to so many in each direction."""

    pixels: int

    def drawn(self, chance: torch.Generator) -> Tensor:
        move = torch.eye(3)
        move[:2, 2] = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=chance).float()
        return move


@dataclass(frozen=True, slots=True)
class Scale:
    """Enlarged by a factor between two."""

    least: float
    most: float

    def drawn(self, chance: torch.Generator) -> Tensor:
        factor = self.least + (self.most - self.least) * float(torch.rand((), generator=chance))
        return torch.diag(torch.tensor([1 / factor, 1 / factor, 1.0]))


@dataclass(frozen=True, slots=True)
class Rotate:
    """Turned by up to so many degrees either way."""

    degrees: float

    def drawn(self, chance: torch.Generator) -> Tensor:
        angle = math.radians(self.degrees * (2 * float(torch.rand((), generator=chance)) - 1))
        cos, sin = math.cos(angle), math.sin(angle)
        return torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


NONE: tuple[Transform, ...] = ()


def standard(height: int, width: int) -> tuple[Transform, ...]:
    """What is right for most networks at a size: shifts by a sixteenth, a tenth larger or smaller, turned by up to 8°."""
    reach = max(1, round(min(height, width) / 16))
    return (Pad(reach), Jitter(reach), Scale(0.9, 1.1), Rotate(8), Jitter(max(1, reach // 2)))


def gentle(height: int, width: int) -> tuple[Transform, ...]:
    """Shifts alone: nothing is blurred, for layers that see a few pixels."""
    reach = max(1, round(min(height, width) / 16))
    return (Pad(reach), Jitter(reach))


def slight(height: int, width: int) -> tuple[Transform, ...]:
    """Shifts of a pixel or a few, less than deep layers resolve: for pictures that are to stay like another."""
    reach = max(1, round(min(height, width) / 64))
    return (Pad(reach), Jitter(reach))


NAMED = {"standard": standard, "gentle": gentle, "slight": slight, "none": lambda height, width: NONE}
"""By name, from the picture's size to transforms."""


def transforms_said(said: str | Sequence[Transform] | None, height: int, width: int) -> tuple[Transform, ...]:
    """Transforms by name, or as they are given.

    Raises
    ------
    UsageError
        For another name.
    """
    if said is None:
        return NONE
    if isinstance(said, str):
        if said not in NAMED:
            raise UsageError(f"Transforms are {', '.join(NAMED)}, or a list of them, not {said!r}.")
        return NAMED[said](height, width)
    return tuple(said)


def margin(transforms: Sequence[Transform]) -> int:
    """By how many pixels on each side the picture is larger than what the network sees."""
    return sum(t.pixels for t in transforms if isinstance(t, Pad))


def moved(picture: Tensor, transforms: Sequence[Transform], size: tuple[int, int], chance: torch.Generator) -> Tensor:
    """What the network is shown: the picture after one draw of each transform, cut to a size.

    Parameters
    ----------
    picture
        (N, C, H, W), at least of that size; what lies beyond its edges mirrors it.
    size
        (height, width) in pixels.

    Notes
    -----
    All pictures are moved alike. Whole-pixel shifts that stay inside are cut out, and nothing is interpolated.
    """
    move = torch.eye(3)
    for transform in transforms:
        move = transform.drawn(chance) @ move
    height, width = size
    top, left = ((n - m) / 2 for n, m in zip(picture.shape[2:], size))
    down, across = float(move[1, 2]) + top, float(move[0, 2]) + left
    inside = 0 <= down <= 2 * top and 0 <= across <= 2 * left
    if torch.equal(move[:2, :2], torch.eye(2)) and inside and down.is_integer() and across.is_integer():
        return picture[:, :, int(down) : int(down) + height, int(across) : int(across) + width]
    return _resampled(picture, move, size)


def _resampled(picture: Tensor, move: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear; ``grid_sample`` counts in halves of the picture from its middle."""
    half_in = torch.tensor([picture.shape[3] / 2, picture.shape[2] / 2, 1.0])
    half_out = torch.tensor([size[1] / 2, size[0] / 2, 1.0])
    theta = (move * half_out / half_in[:, None])[:2].to(picture)
    grid = F.affine_grid(theta[None].expand(len(picture), 2, 3), [len(picture), 1, *size], align_corners=False)
    return F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)


def middle(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """What is kept of a picture in the end: its middle, of a size."""
    top, left = ((n - m) // 2 for n, m in zip(picture.shape[2:], size))
    return picture[:, :, top : top + size[0], left : left + size[1]]
