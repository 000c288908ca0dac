"""Views: what of a picture is looked at where a finding lies, and what is known of it; of the words' pictures what corresponds to it.

Where things are painted over, the same places of the words' pictures are. A patch that is cut out and enlarged is held against the
words' pictures made as small and enlarged as well, and against as large a piece of their middle: a picture of a button shows all of
it, one of grass a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from seethrough.errors import NetworkRefused
from seethrough.findings.aspects import Background, Region, Thing
from seethrough.findings.aspects.without import around, painted_over
from seethrough.findings.canvas import TOGETHER, Canvas, Pictures
from seethrough.findings.looks import measured
from seethrough.findings.meaning import Seen, together
from seethrough.gallery.head import vector_of

FEATURES, LOOKS = "features", "looks"
"""What pictures are told by: what the last linear layer reads, or colours and detail, where nothing is known of a network's inside."""

FREE = 0.25
"""Of a place so much at least isn't the picture's own thing, where anything is said of it."""

STEP, TIMES, FAINT = 0.05, 0.3, -2.0
"""A step of light and colour, in shares of white; one of detail, in decades of its root mean square; and detail that isn't seen."""

Somewhere = Background | Region | Thing
"""Aspects that lie where one can look."""


def seen_by(canvas: Canvas) -> str:
    """What pictures are told by: a network whose inside isn't known, or that reads nothing before its answers, has no features."""
    try:
        return FEATURES if vector_of(canvas.net.graph(), None, canvas.net.opened.task).name else LOOKS
    except NetworkRefused:
        return LOOKS


def _known(canvas: Canvas, x: Tensor, by: str) -> Seen:
    """What is known of pictures (n, 3, H, W)."""
    looks = np.stack([_in_steps(name, values).numpy() for name, values in measured(x).items()], 1).astype(np.float32)
    return Seen(canvas.features(x)[0] if by == FEATURES else looks, looks)


def _in_steps(name: str, values: Tensor) -> Tensor:
    """A look in steps that an eye may call another: so much of white, so many times the detail; fainter detail is none."""
    return values.clamp(min=FAINT) / TIMES if name.endswith("detail") else values / STEP


def view(aspect: Somewhere, side: Sequence[int]) -> Any:
    """What of a picture is looked at: aspects that look alike at the same have the same."""
    if isinstance(aspect, Background):
        return "whole"
    if isinstance(aspect, Region) and _framed(aspect):
        return aspect.box, aspect.also
    return _size(aspect, side)


def _framed(region: Region) -> bool:
    """Whether it is no single box: a border, bars, corners."""
    return bool(region.also) or region.box[0] > region.box[1]


def _size(aspect: Region | Thing, side: Sequence[int]) -> tuple[int, int]:
    """Of a patch, in pixels."""
    if isinstance(aspect, Thing):
        high, wide = _trait(aspect)[1]
    else:
        high, wide = aspect.box[1] - aspect.box[0], aspect.box[3] - aspect.box[2]
    return max(1, round(high * side[0])), max(1, round(wide * side[1]))


def _trait(aspect: Thing) -> tuple[int, tuple[float, float]]:
    """The trait that is named, and its size: the one that speaks for the answer, where there is one."""
    at = next((k for k, trait in enumerate(aspect.traits) if not trait.against), 0)
    return at, aspect.traits[at].size


def of_pictures(canvas: Canvas, aspect: Somewhere, numbers: NDArray[np.int64], by: str) -> Seen:
    """What is known of what pictures of the audit show there; those in which nothing of it is free are left out."""
    found = []
    for at in range(0, len(numbers), TOGETHER):
        pictures = canvas.load(numbers[at : at + TOGETHER])
        seen = _shown(aspect, pictures)
        if len(seen):
            found.append(_known(canvas, seen, by))
    return together(found)


def _shown(aspect: Somewhere, pictures: Pictures) -> Tensor:
    """What pictures show there, each as large as a picture, without their own things."""
    if isinstance(aspect, Region):
        inside = aspect.inside(pictures.x)
        free = (inside * around(pictures)).sum((1, 2, 3)) >= FREE * inside.sum()
        pictures = pictures[np.flatnonzero(free.numpy())]
        if not len(pictures):
            return pictures.x
    x = aspect.painted(pictures) if isinstance(aspect, Thing) else painted_over(pictures)
    if isinstance(aspect, Background):
        return x
    if isinstance(aspect, Region):
        if _framed(aspect):
            return _alone(x, aspect.inside(x))
        boxes = np.tile(np.array(aspect.box, np.float32), (len(x), 1))
    else:
        boxes = aspect.boxes(pictures)[:, _trait(aspect)[0]]
    h, w = x.shape[2:]
    high, wide = _size(aspect, (h, w))
    patches = []
    for picture, (top, bottom, left, right) in zip(x, boxes):
        if bottom > top and right > left:
            row, column = min(round(float(top) * h), h - high), min(round(float(left) * w), w - wide)
            patches.append(_enlarged(picture[None, :, row : row + high, column : column + wide], (h, w)))
    return torch.cat(patches) if patches else x[:0]


def of_words(own: Canvas, canvas: Canvas, holes: NDArray[np.int64], aspect: Somewhere, by: str) -> list[Seen]:
    """What is known of the words' pictures, shown as those of the audit are; of patches in two ways.

    Parameters
    ----------
    own
        The words' pictures.
    holes
        (M,): for each the picture of the audit whose thing's place is painted over in it, where things are.
    """
    found: list[list[Seen]] = []
    for at in range(0, len(own.collection), TOGETHER):
        numbers = np.arange(at, min(at + TOGETHER, len(own.collection)))
        x = own.load(numbers).x
        side, ways = x.shape[2:], [x]
        if isinstance(aspect, Background):
            ways = [painted_over(Pictures(x, canvas.load(holes[numbers]).fore, numbers))]
        elif isinstance(aspect, Region) and _framed(aspect):
            ways = [_alone(x, aspect.inside(x))]
        else:
            high, wide = _size(aspect, side)
            top, left = (side[0] - high) // 2, (side[1] - wide) // 2
            patches = interpolate(x, (high, wide), mode="area"), x[:, :, top : top + high, left : left + wide]
            ways = [_enlarged(patch, side) for patch in patches]
        found.append([_known(own, each, by) for each in ways])
    return [together(each) for each in zip(*found)]


def _alone(x: Tensor, inside: Tensor) -> Tensor:
    """Pictures with what lies outside of a place in the place's mean colour."""
    mean = (x * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True).clamp(min=1)
    return inside * x + (1 - inside) * mean


def _enlarged(x: Tensor, side: Sequence[int]) -> Tensor:
    return interpolate(x, tuple(side), mode="bilinear", align_corners=False)
