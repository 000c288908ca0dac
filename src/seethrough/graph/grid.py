"""A grid: how the tokens of a value stand on the picture.

A transformer keeps its places as a row of tokens, perhaps behind a class token, perhaps cut into windows, perhaps
turned round in a circle. A `Grid` knows where in such a value each place of the picture is, and gives the value as
(N, C, H, W), by views alone where the tokens stand in the picture's order, else by one gather.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the places of a picture are in a value of the graph, for any number of images.

    Attributes
    ----------
    height, width
        Places down and across.
    batch, per_image, major
        The axis along which the images stand, how many entries of it belong to one image (windows, say), and whether an
        image's entries stand together.
    places, channels
        The axes that tell tokens apart, and the others, once the images have an axis of their own in front of what else
        is on theirs (behind it where not ``major``).
    sizes
        The lengths of these axes; 1 stands for the images.
    index
        For each place, row by row, the position of its token, (H · W,); None where they follow each other.
    first
        The position of the first place's token.
    others
        The positions of tokens that are no place: class, distillation and register tokens, padding.
    """

    height: int
    width: int
    batch: int
    per_image: int
    major: bool
    places: tuple[int, ...]
    channels: tuple[int, ...]
    sizes: tuple[int, ...]
    index: Tensor | None = None
    first: int = 0
    others: tuple[int, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the value is (N, C, H, W) as it stands."""
        return (
            (self.batch, self.per_image) == (0, 1)
            and len(self.sizes) == 4
            and self.sizes[2:] == (self.height, self.width)
            and set(self.places) <= {2, 3}
            and self.index is None
            and not self.others
        )

    def of(self, tensor: Tensor) -> Tensor:
        """(N, C, H, W), from the value; other tokens are left out."""
        if self.plain:
            return tensor
        rows = self._split(tensor).permute(self._order).reshape(-1, self._tokens, self._width)
        if self.index is None:
            rows = rows.narrow(1, self.first, self.height * self.width)
        else:
            rows = rows.index_select(1, self.index.to(tensor.device))
        return rows.transpose(1, 2).unflatten(2, (self.height, self.width))

    def back(self, tensor: Tensor) -> Tensor:
        """The value, from (N, C, H, W): what `of` does, undone, with zeros at the other tokens."""
        if self.plain:
            return tensor
        given = tensor.flatten(2).transpose(1, 2)
        rows = given.new_zeros(len(given), self._tokens, self._width)
        if self.index is None:
            rows[:, self.first : self.first + self.height * self.width] = given
        else:
            rows[:, self.index.to(tensor.device)] = given
        axes = rows.reshape(len(given), *(self.sizes[a] for a in self._order[1:]))
        return self._joined(axes.permute([self._order.index(a) for a in range(len(self._order))]))

    def shape(self, of: tuple[Any, ...]) -> tuple[Any, ...]:
        """(N, C, H, W), from the shape of the value; N as it stands there, be it a number or one that goes with the
        batch.
        """
        images = of[self.batch]
        if self.per_image > 1:
            images = (
                images // self.per_image if isinstance(images, int) else type(images)(images.a // self.per_image, 0)
            )
        return images, self._width, self.height, self.width

    # --- pieces -------------------------------------------------------------------------------------------------------

    @property
    def _images(self) -> int:
        """The axis of the images, once they have one of their own."""
        return self.batch if self.per_image == 1 or self.major else self.batch + 1

    @property
    def _order(self) -> tuple[int, ...]:
        return self._images, *self.places, *self.channels

    @property
    def _tokens(self) -> int:
        return prod(self.sizes[a] for a in self.places)

    @property
    def _width(self) -> int:
        return prod(self.sizes[a] for a in self.channels)

    def _split(self, tensor: Tensor) -> Tensor:
        if self.per_image == 1:
            return tensor
        return tensor.unflatten(self.batch, (-1, self.per_image) if self.major else (self.per_image, -1))

    def _joined(self, tensor: Tensor) -> Tensor:
        return tensor if self.per_image == 1 else tensor.flatten(self.batch, self.batch + 1)
