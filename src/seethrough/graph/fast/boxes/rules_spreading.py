"""Rules of what makes several places of one: transposed convolution, pixel shuffle.

With stride ``s`` each source place makes ``s`` places, of which a box may begin with any. So a little more is made than is
wanted, from the source place that the first wanted place is made of, and for each box what it wants is cut out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.intervals import floor_div, within
from seethrough.graph.fast.boxes.rule import Interval
from seethrough.graph.fast.boxes.rules_sliding import Kernel
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation


@dataclass(frozen=True, slots=True)
class Transposed:
    """Source place ``i`` adds to the outputs ``s i − p + d t``, ``t = 0 … k − 1``. So a change of ``a … b`` reaches ``s a − p …
    s b − p + d (k − 1)``, and ``o`` is made of ``⌈(o + p − d (k − 1)) / s⌉ … ⌊(o + p) / s⌋``.
    """

    sources: tuple[int, ...]
    weight: Tensor = field(repr=False)
    bias: Tensor | None = field(repr=False)
    kernels: tuple[Kernel, Kernel]
    groups: int
    macs: int
    pointwise: bool = False
    fill: float = 0.0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Transposed | None:
        given = Arguments.of(operation, graph.values, 1)
        weight, bias = given.get(1, "weight"), given.get(2, "bias")
        if not isinstance(weight, Tensor) or len(operation.inputs) != 1 or operation.outputs[0] is None:
            return None
        stride, before = given.per_axis(3, "stride", 1, 2), given.per_axis(4, "padding", 0, 2)
        dilation = given.per_axis(7, "dilation", 1, 2)
        down, across = (Kernel(*numbers) for numbers in zip(weight.shape[2:], stride, dilation, before))
        return cls(
            operation.inputs,
            weight.detach(),
            None if bias is None else bias.detach(),
            (down, across),
            int(given.get(6, "groups", 1)),
            weight.numel() // (stride[0] * stride[1]),
        )

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        kernel, (first, last) = self.kernels[axis], intervals[0]
        low = first * kernel.stride - kernel.before
        return within(low, last * kernel.stride - kernel.before + kernel.reach, length, intervals[0])

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        kernel = self.kernels[axis]
        # as many as the last wanted place needs, and as make enough
        more = -(-max(places.shape[1] - 1 + kernel.reach, places.shape[1] + kernel.stride - 2) // kernel.stride)
        return self._first(axis, places)[:, None] + torch.arange(more + 1)

    def _first(self, axis: int, places: Tensor) -> Tensor:
        kernel = self.kernels[axis]
        return floor_div(places[:, 0] + kernel.before - kernel.reach, kernel.stride)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        stride, dilation = (tuple(getattr(k, name) for k in self.kernels) for name in ("stride", "dilation"))
        made = F.conv_transpose2d(windows[0], self.weight, self.bias, stride, 0, 0, self.groups, dilation)
        begin = [
            places[:, 0] + kernel.before - kernel.stride * self._first(axis, places)
            for axis, (kernel, places) in enumerate(zip(self.kernels, (down, across)))
        ]
        return cut_out(made, begin[0], down.shape[1], begin[1], across.shape[1])


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Pixel shuffle: ``y[c, o, q] = x[c r² + (o mod r) r + q mod r, ⌊o / r⌋, ⌊q / r⌋]``."""

    sources: tuple[int, ...]
    factor: int
    pointwise: bool = False
    fill: float = 0.0
    macs: int = 0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Shuffled:
        return cls(operation.inputs, int(Arguments.of(operation, graph.values, 1).get(1, "upscale_factor")))

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        first, last = intervals[0]
        return within(first * self.factor, last * self.factor + self.factor - 1, length, intervals[0])

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        more = -(-(places.shape[1] + self.factor - 2) // self.factor)
        return floor_div(places[:, :1], self.factor) + torch.arange(more + 1)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        made = F.pixel_shuffle(windows[0], self.factor)
        return cut_out(made, down[:, 0] % self.factor, down.shape[1], across[:, 0] % self.factor, across.shape[1])


@dataclass(frozen=True, slots=True)
class Unshuffled:
    """Pixel unshuffle: ``r × r`` places of the plane are the channels of one."""

    sources: tuple[int, ...]
    factor: int
    pointwise: bool = False
    fill: float = 0.0
    macs: int = 0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Unshuffled:
        return cls(operation.inputs, int(Arguments.of(operation, graph.values, 1).get(1, "downscale_factor")))

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        first, last = intervals[0]
        return within(floor_div(first, self.factor), floor_div(last, self.factor), length, intervals[0])

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return places[:, :1] * self.factor + torch.arange(places.shape[1] * self.factor)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        return F.pixel_unshuffle(windows[0], self.factor)


def cut_out(made: Tensor, top: Tensor, height: int, left: Tensor, width: int) -> Tensor:
    """Of each of (B, C, H, W) a part of one size, that begins at its own top and left (B,)."""
    if bool((top == top[0]).all()) and bool((left == left[0]).all()):
        return made[:, :, int(top[0]) : int(top[0]) + height, int(left[0]) : int(left[0]) + width]
    rows = (top[:, None] + torch.arange(height))[:, :, None]
    columns = (left[:, None] + torch.arange(width))[:, None, :]
    return made.permute(0, 2, 3, 1)[torch.arange(len(made))[:, None, None], rows, columns].permute(0, 3, 1, 2)
