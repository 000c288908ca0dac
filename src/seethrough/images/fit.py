"""Fitting: a picture onto the network's input, and a map on any grid of the network back onto the picture's own pixels.

Both directions are one affine relation a side, kept as a `Geometry`: the picture is resized, and a window of the
resized picture is the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from seethrough.errors import UsageError
from seethrough.images.preprocessing import Preprocessing
from seethrough.results import Picture

if TYPE_CHECKING:  # pictures are also fitted in processes that have no need of torch
    import torch


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the network's input lies on a picture.

    Attributes
    ----------
    picture
        (height, width) of the person's picture in pixels.
    resized
        (height, width) the picture was resized to.
    size
        (height, width) of the network's input.
    top, left
        Where the input's upper left corner lies on the resized picture, in pixels of that; negative where the picture
        was padded.
    """

    picture: tuple[int, int]
    resized: tuple[int, int]
    size: tuple[int, int]
    top: int = 0
    left: int = 0

    @classmethod
    def same(cls, size: tuple[int, int]) -> Geometry:
        """Of a ready tensor: its own grid is the picture's."""
        return cls(size, size, size)

    def to_picture(self, values: np.ndarray, *, interpolation: str = "bilinear") -> tuple[np.ndarray, np.ndarray]:
        """Bring a map back to the pixels of the picture.

        Parameters
        ----------
        values
            (h, w) on any grid that covers the network's input evenly: the input's own, or a coarse layer's.
        interpolation
            ``"bilinear"`` (where the picture is coarser than the map, averaged under a triangle, so that nothing is
            skipped), or ``"nearest"``: every pixel takes the value of the cell that its centre lies in, exact for
            windows.

        Returns
        -------
        map
            float32 (H, W), 0 where the network never saw the picture.
        seen
            bool (H, W).
        """
        if values.ndim != 2:
            raise UsageError(f"One map has two axes (h, w); this one has the shape {values.shape}.")
        if interpolation not in _WEIGHTS:
            raise UsageError(f"A map is brought back by bilinear or nearest interpolation, not {interpolation!r}.")
        if (
            self == Geometry.same(self.picture) and values.shape == self.picture
        ):  # it stands on the picture's pixels already
            return values.astype(np.float32), np.ones(self.picture, bool)
        down, over = (_weights(self, axis, cells, interpolation) for axis, cells in enumerate(values.shape))
        seen = np.logical_and.outer(*((places >= 0) & (places < 1) for places in map(self._places, (0, 1))))
        filled = down @ values.astype(np.float64) @ over.T
        return np.where(seen, filled, 0).astype(np.float32), seen

    def on_grid(self, mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
        """A mask on the picture's pixels, bool (H, W), as one on a grid (h, w) that covers the network's input: that of
        the pixel in which the middle of each cell lies, False outside the picture.

        Raises
        ------
        UsageError
            A mask of another size than the picture.
        """
        if mask.shape != self.picture:
            height, width = self.picture
            raise UsageError(
                f"The mask is {mask.shape[1]} × {mask.shape[0]} pixels and the picture {width} × {height}; they must agree."
            )
        lines, columns = (self._pixels(axis, cells) for axis, cells in zip((0, 1), grid))
        inside = [(at >= 0) & (at < n) for at, n in zip((lines, columns), self.picture)]
        rows, places = (at.clip(0, n - 1) for at, n in zip((lines, columns), self.picture))
        return mask.astype(bool)[np.ix_(rows, places)] & np.logical_and.outer(*inside)

    def on_input(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """A box ``(x0, y0, x1, y1)`` on the picture's pixels as fractions of the network's input."""

        def along(axis: int, at: float) -> float:
            return (at * self.resized[axis] / self.picture[axis] - (self.top, self.left)[axis]) / self.size[axis]

        x0, y0, x1, y1 = box
        return along(1, x0), along(0, y0), along(1, x1), along(0, y1)

    def _pixels(self, axis: int, cells: int) -> np.ndarray:
        """The pixel of the picture in which the middle of each of so many cells of the input lies."""
        middles = (np.arange(cells) + 0.5) / cells * self.size[axis] + (self.top, self.left)[axis]
        return np.floor(middles * self.picture[axis] / self.resized[axis]).astype(int)

    def _places(self, axis: int) -> np.ndarray:
        """For the centre of every pixel along one axis of the picture: how far along the input it lies, 0…1 where the
        network saw it.
        """
        centres = (np.arange(self.picture[axis]) + 0.5) * self.resized[axis] / self.picture[axis]
        return (centres - (self.top, self.left)[axis]) / self.size[axis]


def _triangle(places: np.ndarray, cells: int) -> np.ndarray:
    """Weights (places, cells) of linear interpolation; the triangle is as wide as the step between places where that is
    more than a cell.
    """
    at = places * cells - 0.5
    step = float(at[1] - at[0]) if len(at) > 1 else 1.0
    width = max(step, 1.0)
    at = np.clip(at, 0, cells - 1) if width == 1 else at  # at the rim the outermost value goes on
    weights = np.clip(1 - np.abs(at[:, None] - np.arange(cells)) / width, 0, None)
    total = weights.sum(1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def _cell(places: np.ndarray, cells: int) -> np.ndarray:
    """Weights (places, cells): one for the cell in which the place lies."""
    return np.eye(cells)[np.clip(np.floor(places * cells), 0, cells - 1).astype(int)]


_WEIGHTS = {"bilinear": _triangle, "nearest": _cell}


@lru_cache(maxsize=32)
def _weights(geometry: Geometry, axis: int, cells: int, interpolation: str) -> np.ndarray:
    """Weights (pixels, cells) along one axis; the maps of many methods, or of many pictures of one size, share them."""
    return _WEIGHTS[interpolation](geometry._places(axis), cells)


def prepare(
    pictures: Sequence[Picture], preprocessing: Preprocessing, input_size: tuple[int, ...] | None, layout: str
) -> tuple[torch.Tensor, tuple[Geometry, ...]]:
    """Make pictures into one batch for a network.

    Resizing is that of the usual evaluation (torchvision on PIL images): with antialiasing, on 8-bit pixels, shorter
    side first, then the centre; with their rounding, to the pixel what torchvision, timm and Hugging Face make of it.

    Parameters
    ----------
    pictures
        At least one.
    input_size
        Shape of one input in the network's own layout: (C, H, W) or (H, W, C).
    layout
        ``"channels_first"`` or ``"channels_last"``.

    Returns
    -------
    batch
        float32 (N, *input_size); for ``fit="whole"`` with the height and width of the picture once resized.
    geometries
        One a picture: the way back.

    Raises
    ------
    UsageError
        No input size, one that isn't a grid of the channels that the preprocessing makes, or pictures of different
        proportions where nothing is to be cut off.
    """
    size = grid(preprocessing, input_size, layout)
    return batch_of([fitted(picture, preprocessing, size) for picture in pictures], preprocessing, layout)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A picture as far as its pixels go.

    Attributes
    ----------
    pixels
        uint8 (h, w, C): the resized picture's part that lies in the input, channels in the network's order.
    geometry
        The way back.
    """

    pixels: np.ndarray
    geometry: Geometry


def fitted(picture: Picture, preprocessing: Preprocessing, size: tuple[int, int]) -> Fitted:
    """Resize and cut one picture: the part of `prepare` that takes time, and that other processes can do.

    Parameters
    ----------
    size
        (height, width) of the network's input.
    """
    geometry = _geometry(picture.size, size, preprocessing)
    return Fitted(_cut(picture, geometry, preprocessing), geometry)


def batch_of(
    pictures: Sequence[Fitted], preprocessing: Preprocessing, layout: str
) -> tuple[torch.Tensor, tuple[Geometry, ...]]:
    """Fitted pictures as the batch that `prepare` makes of them."""
    import torch

    geometries = tuple(each.geometry for each in pictures)
    if len({geometry.size for geometry in geometries}) > 1:
        raise UsageError(
            "These pictures have different proportions, and this network's preprocessing cuts nothing off, so they make "
            "no batch; give them one at a time, or say preprocessing={…, 'fit': 'crop'}."
        )
    batch = np.stack([_numbers(each.pixels, preprocessing, each.geometry) for each in pictures])
    if layout == "channels_first":
        batch = batch.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(batch)), geometries


def grid(preprocessing: Preprocessing, input_size: tuple[int, ...] | None, layout: str) -> tuple[int, int]:
    """(height, width) of the network's input.

    Raises
    ------
    UsageError
        Where there is none: as for `prepare`.
    """
    example = "(3, 224, 224)" if layout == "channels_first" else "(224, 224, 3)"
    if input_size is None or None in input_size:
        raise UsageError(
            f"Nothing says how large this network's input is; say input_size={example}, or another size it was "
            "trained on."
        )
    if len(input_size) != 3:
        raise UsageError(
            f"Pictures go into inputs such as {example}; this network's input is {input_size}. Give it ready tensors."
        )
    channels, height, width = input_size if layout == "channels_first" else (input_size[2], *input_size[:2])
    if channels != len(preprocessing.channels):
        raise UsageError(
            f"This network's input {input_size} has {channels} channels, but its preprocessing makes "
            f"{len(preprocessing.channels)} ({preprocessing.channels}); "
            f"say preprocessing={{'channels': {'L' if channels == 1 else 'RGB'!r}, …}} or another input_size."
        )
    return height, width


def _geometry(picture: tuple[int, int], size: tuple[int, int], preprocessing: Preprocessing) -> Geometry:
    goal, rounding = _both(preprocessing.resize_to), preprocessing.rounding
    if preprocessing.fit == "whole":
        resized = _covering(picture, goal or size, rounding)
        return Geometry(picture, resized, resized)
    if preprocessing.fit == "stretch":
        resized = _roomy(goal or size, size)
    elif preprocessing.fit == "pad":
        resized = _within(picture, goal or size)
    else:
        usual = round(size[0] * 8 / 7), round(size[1] * 8 / 7)
        resized = _covering(picture, _roomy(goal or usual, size), rounding)
    top, left = (_margin(have, want, rounding) for have, want in zip(resized, size))
    return Geometry(picture, resized, size, top, left)


def _both(sides: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (sides, sides) if isinstance(sides, int) else sides


def _roomy(goal: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The length before the crop, if the crop fits into it."""
    if goal[0] < size[0] or goal[1] < size[1]:
        raise UsageError(
            f"A picture resized to {goal[0] if goal[0] == goal[1] else f'{goal[0]} × {goal[1]}'} pixels is too small to "
            f"crop {size[0]} × {size[1]} from it; say a larger resize_to, or fit='stretch'."
        )
    return goal


def _margin(have: int, want: int, rounding: str) -> int:
    """What is cut off before the centre; negative where something is put there."""
    if have < want and rounding != "nearest":
        return -((want - have) // 2)
    return round((have - want) / 2) if rounding == "torchvision" else (have - want) // 2


def _within(picture: tuple[int, int], goal: tuple[int, int]) -> tuple[int, int]:
    """The picture's size once its longer side has the length."""
    ratio = max(picture[0] / goal[0], picture[1] / goal[1])
    return max(1, round(picture[0] / ratio)), max(1, round(picture[1] / ratio))


def _covering(picture: tuple[int, int], goal: tuple[int, int], rounding: str) -> tuple[int, int]:
    """The picture's size once its shorter side (for an oblong goal: the side that is short of it) has the length."""
    # For an oblong goal torchvision has no rule, and timm rounds.
    whole = round if rounding == "nearest" or goal[0] != goal[1] else int
    if picture[0] * goal[1] >= picture[1] * goal[0]:
        return whole(goal[1] * picture[0] / picture[1]), goal[1]
    return goal[0], whole(goal[0] * picture[1] / picture[0])


def _cut(picture: Picture, geometry: Geometry, preprocessing: Preprocessing) -> np.ndarray:
    """uint8 (h, w, 3) or (h, w, 1): the resized picture's part that lies in the input."""
    image = Image.fromarray(picture.pixels)
    if preprocessing.channels == "L":
        image = image.convert("L")
    height, width = geometry.resized
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling[preprocessing.interpolation.upper()])
    top, left = max(geometry.top, 0), max(geometry.left, 0)
    pixels = np.asarray(image)[top : top + geometry.size[0], left : left + geometry.size[1]]
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    return pixels[..., ::-1] if preprocessing.channels == "BGR" else pixels


def _numbers(pixels: np.ndarray, preprocessing: Preprocessing, geometry: Geometry) -> np.ndarray:
    """float32 (*size, C). Where the picture was padded stands 0, which is the mean."""
    scaled = pixels.astype(np.float32) * np.float32(preprocessing.scale)
    numbers = (scaled - np.asarray(preprocessing.mean, np.float32)) / np.asarray(preprocessing.std, np.float32)
    if numbers.shape[:2] == geometry.size:
        return numbers
    padded = np.zeros((*geometry.size, numbers.shape[2]), np.float32)
    top, left = max(-geometry.top, 0), max(-geometry.left, 0)
    padded[top : top + numbers.shape[0], left : left + numbers.shape[1]] = numbers
    return padded
