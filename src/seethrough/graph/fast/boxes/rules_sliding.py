"""Rules of what slides a kernel over the plane: convolution and pooling.

Along an axis with kernel ``k``, stride ``s``, dilation ``d`` and ``p`` places before the edge, output place ``o`` is made of
the places ``s o − p + d t``, ``t = 0 … k − 1``. So a change of the places ``a … b`` reaches the outputs ``⌈(a + p − d (k − 1)) /
s⌉ … ⌊(b + p) / s⌋``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.intervals import ceil_div, floor_div, hull, same, within
from seethrough.graph.fast.boxes.rule import Interval
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.packed import Pair
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation, Ref


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel along one axis, see above."""

    size: int
    stride: int
    dilation: int
    before: int

    @property
    def reach(self) -> int:
        return self.dilation * (self.size - 1)

    def changed(self, interval: Interval, length: int) -> Interval:
        first, last = interval
        low, high = ceil_div(first + self.before - self.reach, self.stride), floor_div(last + self.before, self.stride)
        return within(low, high, length, interval)

    def reads(self, places: Tensor) -> Tensor:
        """All places under the kernel of consecutive outputs; under a kernel of one place those that are read and none
        between.
        """
        if self.size == 1:
            return places * self.stride - self.before
        along = torch.arange((places.shape[1] - 1) * self.stride + self.reach + 1)
        return places[:, :1] * self.stride - self.before + along

    @property
    def stride_inside(self) -> int:
        """The stride over what was read."""
        return 1 if self.size == 1 else self.stride


@dataclass(frozen=True, slots=True)
class Convolved:
    """``activation(w ∗ x + b + other)``; other, where there is one, lies on the plane of the output."""

    function: Convolution
    sources: tuple[int, ...]
    kernels: tuple[Kernel, Kernel]
    added: bool
    fill: float = 0.0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Convolved | None:
        function = operation.function
        if not isinstance(function, Convolution):
            return None
        sources = tuple(a.value for a in operation.arguments if isinstance(a, Ref))
        (kh, kw), (sh, sw), (dh, dw), (top, _, left, _) = (
            function.kernel, function.stride, function.dilation, function.pads,
        )  # fmt: skip
        return cls(function, sources, (Kernel(kh, sh, dh, top), Kernel(kw, sw, dw, left)), len(sources) > 1)

    @property
    def pointwise(self) -> bool:
        return self.function.kernel == (1, 1) and self.function.stride == (1, 1) and not any(self.function.pads)

    @property
    def macs(self) -> int:
        return self.function.macs

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        moved = self.kernels[axis].changed(intervals[0], length)
        return hull([moved, same(intervals[1], length)]) if self.added else moved

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return places if source else self.kernels[axis].reads(places)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        return self.function.inside(*windows, stride=(self.kernels[0].stride_inside, self.kernels[1].stride_inside))


@dataclass(frozen=True, slots=True)
class MaxPooled:
    """The largest under the kernel; beyond the edges lies −∞."""

    sources: tuple[int, ...]
    kernels: tuple[Kernel, Kernel]
    pointwise: bool = False
    macs: int = 0
    fill: float = float("-inf")

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> MaxPooled | None:
        kernels = _kernels(graph, operation, dilated=True)
        return None if kernels is None or len(operation.inputs) != 1 else cls(operation.inputs, kernels)

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return self.kernels[axis].changed(intervals[0], length)

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return self.kernels[axis].reads(places)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        size, stride, dilation = _settings(self.kernels)
        return F.max_pool2d(windows[0], size, stride, 0, dilation)


@dataclass(frozen=True, slots=True)
class AveragePooled:
    """The mean under the kernel, where it isn't cut by an edge; else the sum of what lies within, divided by what torch
    divides by there. ``shares``: for each output place along an axis, the part of ``1 / k`` by which its sum is taken.
    """

    sources: tuple[int, ...]
    kernels: tuple[Kernel, Kernel]
    shares: tuple[Tensor | None, Tensor | None] = field(repr=False)
    divisor: int | None
    pointwise: bool = False
    macs: int = 0
    fill: float = 0.0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> AveragePooled | None:
        kernels = _kernels(graph, operation, dilated=False)
        if kernels is None or len(operation.inputs) != 1 or operation.outputs[0] is None:
            return None
        given = Arguments.of(operation, graph.values, 1)
        value, divisor = graph.values[operation.inputs[0]], given.get(6, "divisor_override")
        lengths = value.at(1)[2:], graph.values[operation.outputs[0]].at(1)[2:]
        padded = bool(given.get(5, "count_include_pad", True))
        shares = [_share(kernel, n, m, padded).to(value.dtype) for kernel, n, m in zip(kernels, *lengths)]
        down, across = (None if divisor or bool((s == 1).all()) else s for s in shares)
        return cls(operation.inputs, kernels, (down, across), divisor)

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        return self.kernels[axis].changed(intervals[0], length)

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        return self.kernels[axis].reads(places)

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        size, stride, _ = _settings(self.kernels)
        y = F.avg_pool2d(windows[0], size, stride, divisor_override=self.divisor)
        if self.shares[0] is not None:
            y = y * self.shares[0][down][:, None, :, None]
        return y if self.shares[1] is None else y * self.shares[1][across][:, None, None, :]


def _share(kernel: Kernel, length: int, outputs: int, padded: bool) -> Tensor:
    """``k`` over the number of places that torch divides by: those under the kernel within the plane, or within the plane
    and its padding; a kernel may stand over the padding's end where the number of places was rounded up.
    """
    first = torch.arange(outputs) * kernel.stride - kernel.before
    last = (first + kernel.size).clamp(max=length + kernel.before)
    count = last - first if padded else last.clamp(max=length) - first.clamp(min=0)
    return kernel.size / count.double()


def _kernels(graph: Graph, operation: Operation, *, dilated: bool) -> tuple[Kernel, Kernel] | None:
    """The kernel of a pooling along both axes."""
    given = Arguments.of(operation, graph.values, 1)
    size = given.per_axis(1, "kernel_size", 1, 2)
    stride = given.per_axis(2, "stride", None, 2) if given.get(2, "stride") not in (None, [], ()) else size
    before = given.per_axis(3, "padding", 0, 2)
    dilation = given.per_axis(4, "dilation", 1, 2) if dilated else (1, 1)
    down, across = (Kernel(*numbers) for numbers in zip(size, stride, dilation, before))
    return down, across


def _settings(kernels: tuple[Kernel, Kernel]) -> tuple[Pair, Pair, Pair]:
    """Size, stride over what was read, and dilation, of both axes."""
    down, across = kernels
    return (
        (down.size, across.size),
        (down.stride_inside, across.stride_inside),
        (down.dilation, across.dilation),
    )
