"""Arena: a value's clean plane with room for boxes of it, as rows of numbers from which windows are cut by one lookup.

A row holds the channels of one place. First come the fills, one row for each of what may stand beyond the edges, then the
clean plane, then the boxes of the batch that is under way. A window that lies half in a box, half in the clean plane and half
beyond the edge is so one list of row numbers, whatever the box's origin; torch reads it at the speed of memory.

Values of as many channels share their rows: one clean plane behind the other, and behind all of them the room for boxes, in
which those that aren't needed at once take turns. An arena counts from its own first row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(eq=False)
class Shared:
    """The rows of all values of as many channels; the boxes begin behind ``clean`` of them."""

    rows: Tensor
    clean: int


class Arena:
    """The rows of one value.

    Parameters
    ----------
    shared, at
        Where they lie, and the first of them.
    plane
        The clean value, (1, C, H, W).
    fills
        What may stand beyond the edges, in this order.
    """

    def __init__(self, shared: Shared, at: int, plane: Tensor, fills: Sequence[float]) -> None:
        self.shared, self.at = shared, at
        self.height, self.width, self.first = *plane.shape[2:], len(fills)
        self.boxes = shared.clean - at
        """The number of the first row of the boxes."""
        self.rows[: self.first] = plane.new_tensor(fills)[:, None]
        self.plane.copy_(plane)

    @property
    def rows(self) -> Tensor:
        """From its first row on, (rows, C)."""
        return self.shared.rows[self.at :]

    @property
    def plane(self) -> Tensor:
        """The clean value, (1, C, H, W), channels-last in memory."""
        rows = self.rows.narrow(0, self.first, self.height * self.width)
        return rows.view(1, self.height, self.width, -1).permute(0, 3, 1, 2)

    def reserve(self, first: int, count: int) -> None:
        """Make room for boxes of so many places, from a row behind the clean planes on."""
        shared = self.shared
        self.boxes = shared.clean + first - self.at
        if shared.clean + first + count > len(shared.rows):
            larger = shared.rows.new_empty(shared.clean + first + count, shared.rows.shape[1])
            larger[: shared.clean] = shared.rows[: shared.clean]
            shared.rows = larger

    def store(self, boxes: Tensor) -> None:
        """Put the boxes of a batch, (B, C, h, w), in their room."""
        batch, _, height, width = boxes.shape
        rows = self.rows.narrow(0, self.boxes, batch * height * width)
        rows.view(batch, height, width, -1).copy_(boxes.permute(0, 2, 3, 1))

    def cut(self, index: Tensor) -> Tensor:
        """The windows (B, C, h, w), channels-last in memory, whose row numbers are ``index``, (B, h, w)."""
        batch, height, width = index.shape
        return self.rows.index_select(0, index.flatten()).view(batch, height, width, -1).permute(0, 3, 1, 2)


def arenas_of(planes: dict[int, Tensor], fills: Mapping[int, Sequence[float]]) -> dict[int, Arena]:
    """The arenas of clean values (1, C, H, W), which are taken out of ``planes`` one by one."""
    alike: dict[tuple[int, torch.dtype], list[int]] = {}
    for v, plane in planes.items():
        alike.setdefault((plane.shape[1], plane.dtype), []).append(v)
    arenas: dict[int, Arena] = {}
    for (channels, _), values in alike.items():
        sizes = [len(fills[v]) + planes[v][0, 0].numel() for v in values]
        shared = Shared(planes[values[0]].new_empty(sum(sizes), channels), sum(sizes))
        for k, v in enumerate(values):
            arenas[v] = Arena(shared, sum(sizes[:k]), planes.pop(v), fills[v])
    return arenas
