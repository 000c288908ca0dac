"""Arena: a value's clean plane with room for boxes of it, as rows of numbers from which windows are cut by one lookup.

A row holds the channels of one place. First come the fills, one row for each of what may stand beyond the edges, then the
clean plane, then the boxes of the batch that is under way. A window that lies half in a box, half in the clean plane and half
beyond the edge is so one list of row numbers, whatever the box's origin; torch reads it at the speed of memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


class Arena:
    """The rows of one value.

    Parameters
    ----------
    plane
        The clean value, (1, C, H, W).
    fills
        What may stand beyond the edges, in this order.
    """

    def __init__(self, plane: Tensor, fills: Sequence[float]) -> None:
        _, channels, height, width = plane.shape
        self.height, self.width, self.first = height, width, len(fills)
        self.boxes = self.first + height * width
        """The number of the first row of the boxes."""
        self.rows = plane.new_empty(self.boxes, channels)
        self.rows[: self.first] = plane.new_tensor(fills)[:, None]
        self._clean().copy_(plane)

    def _clean(self) -> Tensor:
        rows = self.rows[self.first : self.boxes]
        return rows.view(1, self.height, self.width, -1).permute(0, 3, 1, 2)

    @property
    def plane(self) -> Tensor:
        """The clean value, (1, C, H, W), channels-last in memory."""
        return self._clean()

    def reserve(self, rows: int) -> None:
        """Make room for boxes of so many places."""
        if self.boxes + rows > len(self.rows):
            larger = self.rows.new_empty(self.boxes + rows, self.rows.shape[1])
            larger[: self.boxes] = self.rows[: self.boxes]
            self.rows = larger

    def store(self, boxes: Tensor) -> None:
        """Put the boxes of a batch, (B, C, h, w), behind the plane."""
        batch, _, height, width = boxes.shape
        rows = self.rows.narrow(0, self.boxes, batch * height * width)
        rows.view(batch, height, width, -1).copy_(boxes.permute(0, 2, 3, 1))

    def cut(self, index: Tensor) -> Tensor:
        """The windows (B, C, h, w), channels-last in memory, whose row numbers are ``index``, (B, h, w)."""
        batch, height, width = index.shape
        return self.rows.index_select(0, index.flatten()).view(batch, height, width, -1).permute(0, 3, 1, 2)
