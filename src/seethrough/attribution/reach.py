"""Reach: in which box each of many masks covers anything, so that only what changes there need be computed.

Throughout, a mask is 1 where a pixel is left as it is and 0 where it is covered; a window is a part of the picture: rows
``top`` to ``top + height`` and columns ``left`` to ``left + width``, another corner for each of k masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run

if TYPE_CHECKING:
    from seethrough.attribution.masks import Masks

Within = Callable[[int, Tensor, Tensor, Tensor, int, int], Tensor]
"""From a picture's number, numbers of masks (k,), corners ``top`` and ``left``, (k,), and a height and width to the masks in
these windows, (k, height, width).
"""


@dataclass(frozen=True, eq=False)
class Reach:
    """Where masks cover.

    Attributes
    ----------
    boxes
        (1 or N, K, 4), int64: top, bottom, left and right of what each mask covers, the ends exclusive; all zero where it
        covers nothing. N where each picture has its own masks.
    within
        The masks themselves in windows.
    """

    boxes: Tensor
    within: Within


def of_windows(places: Sequence[tuple[slice, slice]]) -> Reach:
    """Of masks that cover one window each."""
    boxes = torch.tensor([[r.start, r.stop, c.start, c.stop] for r, c in places], dtype=torch.int64).reshape(-1, 4)

    def within(_: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
        first, last, start, end = boxes[numbers].unbind(1)
        rows, columns = _along(top, height), _along(left, width)
        down = (rows >= first[:, None]) & (rows < last[:, None])
        across = (columns >= start[:, None]) & (columns < end[:, None])
        return 1 - (down[:, :, None] & across[:, None, :]).float()

    return Reach(boxes[None], within)


def of_masks(masks: Tensor) -> Reach:
    """Of masks (K, 1 or N, H, W)."""
    covers = (masks != 1).movedim(1, 0)

    def within(picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
        own = picture if masks.shape[1] > 1 else 0
        rows, columns = _along(top, height), _along(left, width)
        return masks[numbers[:, None, None], own, rows[:, :, None], columns[:, None, :]]

    return Reach(boxes_of(covers), within)


def boxes_of(covers: Tensor) -> Tensor:
    """The smallest box that holds all that is true of each plane, bool (…, H, W): (…, 4)."""
    rows, columns = (_ends(covers.any(axis)) for axis in (-1, -2))
    return torch.cat([rows, columns], -1)


def _ends(covered: Tensor) -> Tensor:
    """First and one behind the last that is true along the last axis, (…, 2)."""
    length = covered.shape[-1]
    first = covered.int().argmax(-1)
    last = length - covered.flip(-1).int().argmax(-1)
    return torch.stack([first, last], -1) * covered.any(-1, keepdim=True)


def of_coalitions(labels: Tensor, kept: Tensor) -> Reach:
    """Of masks that leave some segments.

    Parameters
    ----------
    labels
        (1 or N, H, W): the segment that each pixel belongs to.
    kept
        (K, 1 or N, segments): what is left of each, from 0 to 1.
    """
    segments = kept.shape[2]
    each = torch.stack([_of_segments(one, segments) for one in labels])  # (1 or N, segments, 4)
    covered = (kept != 1).movedim(1, 0)[..., None]  # (1 or N, K, segments, 1)
    lows, highs = each[:, None, :, 0::2], each[:, None, :, 1::2]
    low, high = torch.where(covered, lows, _FAR).amin(2), torch.where(covered, highs, 0).amax(2)
    boxes = torch.stack([low, high], -1).flatten(2)
    boxes = boxes * (high > low).all(-1, keepdim=True)

    def within(picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
        rows, columns = _along(top, height), _along(left, width)
        label = labels[picture if len(labels) > 1 else 0][rows[:, :, None], columns[:, None, :]]
        own = kept[numbers, picture if kept.shape[1] > 1 else 0]
        own = own.float() if own.dtype == torch.bool else own
        return own.gather(1, label.flatten(1)).unflatten(1, (height, width))

    return Reach(boxes, within)


_FAR = torch.iinfo(torch.int64).max


def _of_segments(labels: Tensor, segments: int) -> Tensor:
    """The box of each segment of one picture, (segments, 4); of one that it doesn't have ends before its beginning."""
    places = torch.meshgrid(*(torch.arange(n, device=labels.device) for n in labels.shape), indexing="ij")
    found = []
    for place in places:
        empty = labels.new_full((segments,), _FAR)
        found.append(empty.scatter_reduce(0, labels.flatten(), place.flatten(), "amin"))
        found.append(labels.new_zeros(segments).scatter_reduce(0, labels.flatten(), place.flatten() + 1, "amax"))
    return torch.stack(found, 1)


def changes(run: Run, masks: Masks, reach: Reach, fill: Fill) -> Changes:
    """What masks make of a run's pictures, as for `fills.cover`, in boxes."""
    x, cover = run.images, fills.cover(run, fill)

    def whole(numbers: range) -> Tensor:
        return cover(masks.some(numbers).to(x.device))

    if isinstance(fill, str) and fill == "inpaint":

        def inside(picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
            some = torch.cat([masks.some(range(k, k + 1)) for k in numbers.tolist()])
            own = some[:, [picture if some.shape[1] > 1 else 0]]
            return cut(fills.continued(x[picture : picture + 1], own), top, left, height, width)

        return Changes(reach.boxes, inside, whole)
    return Changes(reach.boxes, under(x, fills.filling(run, fill), reach.within), whole)


def under(x: Tensor, y: Tensor, within: Within) -> Callable[[int, Tensor, Tensor, Tensor, int, int], Tensor]:
    """``mask · x + (1 − mask) · y`` in windows, as `Changes.inside`; y broadcasts against the pictures x."""
    y = y.reshape(*[1] * (x.dim() - y.dim()), *y.shape)

    def inside(picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
        window = top, left, height, width
        m = within(picture, numbers, *window)[:, None].to(x)
        shown, hidden = x[picture], y[picture if len(y) > 1 else 0]
        if hidden.shape[1:] != (1, 1):
            hidden = cut(hidden.expand_as(shown)[None], *window)
        return m * cut(shown[None], *window) + (1 - m) * hidden

    return inside


def cut(planes: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """Windows of (1 or k, C, H, W): (k, C, height, width)."""
    rows, columns = _along(top, height)[:, :, None], _along(left, width)[:, None, :]
    if len(planes) == 1:
        return planes[0][:, rows, columns].movedim(1, 0)
    numbers = torch.arange(len(planes), device=planes.device)[:, None, None]
    return planes[numbers, :, rows, columns].movedim(3, 1)


def _along(first: Tensor, length: int) -> Tensor:
    return first[:, None] + torch.arange(length, device=first.device)
