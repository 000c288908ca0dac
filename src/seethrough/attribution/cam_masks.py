"""Masks that a layer's channels make, and what the network answers to pictures seen through them.

A mask is a channel brought to the picture's size by bilinear interpolation, and then scaled to 0 … 1. Both are linear, so a
channel is scaled while it is small: ``mask = enlarged(cells)``. Channels that differ by nothing but scale and shift make the
same mask, and those without any contrast an empty one; each different mask is asked about once. In trained networks that
is a half of the last layer's channels and fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.attribution.enlarged import enlarged, weights
from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.reach import boxes_of, under
from seethrough.graph.fast.choose import MANY
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run

Progress = Callable[[int, int], None]

Changed = Callable[[Tensor, int], Tensor]
"""From masks and the number of a version of them to that version."""

ALIKE = 4
"""Masks are the same that differ by no more than so many units of rounding."""

SMALL = 0.25
"""A mask that shows no more of the picture than this is asked about by what it changes."""

NEAR = 2.0**-12
"""Grain by which masks are sorted out that may be the same."""


def unit_masks(a: Tensor, x: Tensor) -> Tensor:
    """Maps (N, K, h, w) at the size of the pictures, each scaled to 0 … 1; one without any contrast is 0."""
    return enlarged(unit_cells(a, x.shape[2:]), x.shape[2:])


def unit_cells(a: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (N, K, h, w), scaled so that each, enlarged to a size, goes from 0 to 1; one without any contrast is 0."""
    corners = a
    for axis, places in ((-2, size[0]), (-1, size[1])):
        near = weights(a.shape[axis], places, a.dtype, a.device)[_corners(a.shape[axis], places)]
        corners = (corners.movedim(axis, -1) @ near.T).movedim(-1, axis)
    least, most = (corners.amin((2, 3), keepdim=True), corners.amax((2, 3), keepdim=True))
    contrast = (most > least) & (a.amax((2, 3), keepdim=True) > a.amin((2, 3), keepdim=True))
    return torch.where(contrast, (a - least) / (most - least).where(contrast, 1), 0)


def _corners(cells: int, places: int) -> Tensor:
    """Places of an enlarged row at which it may be largest or smallest: the first and the last between the centres of two
    cells, since what lies between is a straight line.
    """
    between = torch.floor((torch.arange(places, dtype=torch.float64) + 0.5) * cells / places - 0.5)
    ends = between[1:] != between[:-1]
    edge = torch.ones(1, dtype=torch.bool)
    return torch.nonzero(torch.cat([edge, ends]) | torch.cat([ends, edge]))[:, 0]


@dataclass(frozen=True, eq=False)
class ChannelMasks:
    """Each picture's different masks.

    Attributes
    ----------
    cells
        (N, K, h, w), see `unit_cells`. Where pictures differ in how many they have, the others' are filled up with empty
        ones.
    of
        (N, channels), int64: which of them each channel makes.
    size
        Of the pictures.
    """

    cells: Tensor
    of: Tensor
    size: tuple[int, int]

    @classmethod
    def of_channels(cls, a: Tensor, size: Sequence[int]) -> ChannelMasks:
        """Of a layer's channels, (N, channels, h, w)."""
        units = unit_cells(a, size)
        found = [_numbered(one) for one in units.flatten(2)]
        most = max(len(first) for first, _ in found)
        cells = units.new_zeros(len(units), most, *units.shape[2:])
        for one, own, (first, _) in zip(units, cells, found):
            own[: len(first)] = one[first]
        return cls(cells, torch.stack([of for _, of in found]), (size[0], size[1]))

    @property
    def count(self) -> int:
        return self.cells.shape[1]

    def some(self, numbers: Sequence[int]) -> Tensor:
        """Masks (k, N, H, W)."""
        return enlarged(self.cells[:, list(numbers)], self.size).movedim(1, 0)

    def boxes(self) -> Tensor:
        """Where each shows anything, (N, K, 4): top, bottom, left and right, the ends exclusive."""
        found = []
        for axis, (cells, places) in enumerate(zip(self.cells.shape[2:], self.size)):
            shown = (self.cells != 0).any(3 - axis).to(self.cells)  # (N, K, cells of this axis)
            reaches = (weights(cells, places, shown.dtype, shown.device) > 0).to(shown)
            found.append(boxes_of((shown @ reaches.T > 0)[:, :, None]))
        down, across = found
        return torch.stack([down[..., 2], down[..., 3], across[..., 2], across[..., 3]], -1)

    def within(self, picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
        """Masks of one picture in windows, (k, height, width)."""
        cells = self.cells[picture, numbers]
        down, across = (
            weights(n, to, cells.dtype, cells.device)[first[:, None] + torch.arange(length, device=first.device)]
            for n, to, first, length in zip(cells.shape[1:], self.size, (top, left), (height, width))
        )
        return down @ (cells @ across.mT)


def _numbered(units: Tensor) -> tuple[Tensor, Tensor]:
    """The first of each kind of row, (K,), and the kind of every row, (rows,): rows are alike but for rounding."""
    numbers = torch.arange(len(units), device=units.device)
    about = torch.unique((units / NEAR).round(), dim=0, return_inverse=True)[1]
    first = torch.full_like(numbers, len(units)).scatter_reduce(0, about, numbers, "amin")[about]
    alike = (units - units[first]).abs().amax(1) <= ALIKE * torch.finfo(units.dtype).eps
    return torch.unique(torch.where(alike, first, numbers), return_inverse=True)


def seen_through(
    run: Run,
    a: Tensor,
    wanted: Fill,
    progress: Progress | None,
    versions: int = 1,
    changed: Changed = lambda masks, _: masks,
    *,
    shows_more: bool = False,
) -> Tensor:
    """The target of the run's pictures seen through the mask of each channel of ``a``, averaged over versions of it, (N,
    channels).

    A mask that shows a small part changes the covered picture there and nowhere else, and is asked about as such a change
    (`Run.score_changes`).

    Parameters
    ----------
    wanted
        What stands where a mask hides the picture.
    changed
        Makes the versions of masks (…, h, w); of parts of them alike, unless
    shows_more
        a version may show what the mask itself doesn't.
    """
    x, masks = run.images, ChannelMasks.of_channels(a, run.images.shape[2:])
    y, boxes = fill(run, wanted).to(x), masks.boxes().cpu()
    found = run.scores.new_zeros(masks.count * versions, len(x))

    def version(m: Tensor, numbers: Tensor) -> Tensor:
        return torch.stack([changed(one, number % versions) for one, number in zip(m, numbers.tolist())])

    def pictures(numbers: Tensor) -> Tensor:
        m = version(masks.some((numbers // versions).tolist()), numbers)
        return torch.lerp(y, x, m[:, :, None].to(x)).flatten(0, 1)

    few = _small(boxes, masks.size)
    if shows_more or int(few.sum()) * versions < MANY:
        few = torch.zeros_like(few)
    small, large = (torch.nonzero(which.repeat_interleave(versions))[:, 0] for which in (few, ~few))

    if len(small):

        def within(picture: int, numbers: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
            own = small[numbers]
            return version(masks.within(picture, own // versions, top, left, height, width), own)

        covered = run.at(y.expand_as(x).contiguous())
        whole = lambda numbers: pictures(small[numbers.start : numbers.stop])  # noqa: E731
        changes = Changes(boxes[:, small // versions], under(x, y, within), whole)
        found[small] = covered.score_changes(changes, _after(progress, 0, len(found)))

    def some(numbers: range) -> None:
        own = large[numbers.start : numbers.stop]
        found[own] = run.score(pictures(own)).reshape(len(own), -1)

    run.in_groups(len(large), some, _after(progress, len(small), len(found)))
    return found.unflatten(0, (-1, versions)).mean(1).T.gather(1, masks.of)


def _small(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Which boxes (N, K, 4) are small on average, (K,)."""
    top, bottom, left, right = boxes.unbind(2)
    return ((bottom - top) * (right - left)).double().mean(0) <= SMALL * size[0] * size[1]


def _after(progress: Progress | None, before: int, count: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(before + done, count)
