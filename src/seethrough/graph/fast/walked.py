"""Walked: a convolution by tiles that can be walked back.

What a 3 × 3 convolution of stride 1 hands down to its input is such a convolution too, of a kernel turned round and with its
channels exchanged, and so is had with a quarter of the multiplications both ways (`winograd`). Weights are numbers here and
receive no gradient.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from seethrough.graph.fast import winograd
from seethrough.graph.fast.convolution import Convolution

SMALLEST = 28 * 28
"""Places of a plane from which on tiles are taken. The weights, four times as large each way, stay with the twin; where
planes are small there are many of them, and little is spared.
"""


class Walked(Convolution):
    """A `Convolution` with zeros of one place around the picture, and nothing behind it."""

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if not self.may_transform:
            return super().__call__(x, other)
        return _ByTiles.apply(x, self)  # type: ignore[return-value]

    @cached_property
    def forward_weight(self) -> Tensor:
        return winograd.transformed(self.weight)

    @cached_property
    def backward_weight(self) -> Tensor:
        return winograd.transformed(self.weight.flip(2, 3).transpose(0, 1))


class _ByTiles(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: Walked) -> Tensor:
        ctx.convolution = convolution
        return winograd.convolve(x, convolution.forward_weight, convolution.bias, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *arrived: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return winograd.convolve(arrived[0], ctx.convolution.backward_weight, None, 1), None


def by_tiles(convolution: Convolution, height: int, width: int) -> bool:
    """Whether a convolution that gives height × width places is had sooner so, forward and back, one picture at a time."""
    plain = convolution.kernel == (3, 3) and convolution.groups == 1 and convolution.pads == (1, 1, 1, 1)
    if convolution.weight.dtype is not torch.float32 or not plain:
        return False
    if convolution.stride != (1, 1) or convolution.dilation != (1, 1) or height * width < SMALLEST:
        return False
    outputs, inputs = convolution.weight.shape[:2]
    return all(winograd.pays(1, height, width, *some) for some in ((inputs, outputs), (outputs, inputs)))
