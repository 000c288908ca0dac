"""Convolution: one convolution with all that is folded into it, as an operation of a graph that is only executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.fast import packed, winograd
from seethrough.graph.fast.packed import NONE, Activation, Pair
from seethrough.graph.operations import Kind, Operation, Ref

Sides = tuple[int, int, int, int]
"""Top, bottom, left, right."""


MANY = 8
"""Whole pictures that usually go together."""


@dataclass(eq=False)
class Convolution:
    """``activation(w ∗ x + b + other)``; callable as the function of an `Operation` that reads x, and other where one is
    added.

    Attributes
    ----------
    weight, bias
        (out, in / groups, kh, kw), as the network has it, and (out,) or None, with what is folded in.
    pads
        Zeros around the picture: top, bottom, left, right.
    activation
        What follows, see `packed.Activation`.
    size
        (N, C, H, W) that it is packed for.
    may_pack
        False: keep to torch's public functions, which have gradients.
    may_transform
        False: always directly, which loses a digit less than `winograd` does.
    scale
        What each output is multiplied by, (out,) in double, and folded into whatever is laid out of the weight; None: nothing.
        There is no folded weight beside those.
    once
        It is for one picture, and nothing is laid out that would stay in memory.
    """

    weight: Tensor
    bias: Tensor | None
    stride: Pair
    pads: Sides
    dilation: Pair
    groups: int
    activation: Activation = NONE
    size: tuple[int, ...] = ()
    may_pack: bool = True
    may_transform: bool = True
    scale: Tensor | None = None
    once: bool = False
    __name__: str = field(default="conv2d", repr=False)

    @property
    def kernel(self) -> Pair:
        return self.weight.shape[2], self.weight.shape[3]

    @property
    def macs(self) -> int:
        """Multiplications for each place of the output, all its channels together."""
        return self.weight.numel()

    @cached_property
    def _packs(self) -> bool:
        return self.may_pack and not self.once and packed.packs(self.weight)

    def folded(self) -> Tensor:
        """The weight with its scale, reckoned in double; made anew where there is one."""
        if self.scale is None:
            return self.weight
        return (self.weight.double() * self.scale[:, None, None, None]).to(self.weight.dtype)

    @cached_property
    def _kept(self) -> Tensor:
        """The same, for ways that lay nothing else out."""
        return self.folded()

    @cached_property
    def laid_out(self) -> Tensor | None:
        """The weight as oneDNN wants it; None where torch's public functions are used."""
        if not self._packs:
            return None
        size = self.size or (4, self.weight.shape[1] * self.groups, 16, 16)
        return packed.pack(self.folded(), self.stride, self.dilation, self.groups, size)

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        top, bottom, left, right = self.pads
        if self.pads == (1, 1, 1, 1) and self._transforms(x, self.stride, 1):
            return self._by_tiles(x, other, 1)
        if (top, left) == (bottom, right):
            return self._run(x, (top, left), other, self.stride)
        return self._run(F.pad(x, (left, right, top, bottom)), (0, 0), other, self.stride)

    def inside(self, x: Tensor, other: Tensor | None = None, stride: Pair | None = None) -> Tensor:
        """The same of a part that brings the surroundings it needs, zeros beyond the edge among them: nothing is padded.
        ``stride``: where the part was already cut to every s-th place.
        """
        stride = self.stride if stride is None else stride
        if self._transforms(x, stride, 0):
            return self._by_tiles(x, other, 0)
        if self.widens and stride == (1, 1) and self._packs:
            return self._product(x, other)
        return self._run(x, (0, 0), other, stride)

    def _transforms(self, x: Tensor, stride: Pair, around: int) -> bool:
        """Whether this is had sooner with fewer multiplications (`winograd`); ``around``: zeros beyond the edges."""
        if not self.may_transform or self.kernel != (3, 3) or self.groups != 1:
            return False
        if stride != (1, 1) or self.dilation != (1, 1) or x.dtype is not torch.float32 or not self._packs:
            return False
        outputs, inputs = self.weight.shape[:2]
        height, width = (n + 2 * around - 2 for n in x.shape[2:])
        # whole pictures go one way however many there are, so that the one that is held against the plain graph tells of all
        parts = max(len(x), MANY) if around else len(x)
        return winograd.pays(parts, height, width, inputs, outputs)

    def _by_tiles(self, x: Tensor, other: Tensor | None, around: int) -> Tensor:
        y = winograd.convolve(x, self._transformed, self.bias, around)
        return activated(y if other is None else y.add_(other), self.activation)

    @cached_property
    def _transformed(self) -> Tensor:
        """Four times as large as the weight."""
        return winograd.transformed(self.folded())

    @property
    def widens(self) -> bool:
        """Whether it is a matrix at each place that gives more channels than it takes. What layout oneDNN wants of such a
        weight depends on the size of the part, and bringing it into another takes longer than the product itself; a plain
        product of matrices doesn't mind.
        """
        outputs, inputs = self.weight.shape[:2]
        return self.kernel == (1, 1) and self.groups == 1 and outputs > inputs

    def _product(self, x: Tensor, other: Tensor | None) -> Tensor:
        rows = x.permute(0, 2, 3, 1)
        flat = rows.reshape(-1, rows.shape[3])
        matrix = self._kept.flatten(1).t()  # as it is: the product is no slower, and there is no second one in memory
        y = torch.mm(flat, matrix) if self.bias is None else torch.addmm(self.bias, flat, matrix)
        y = y.view(*rows.shape[:3], -1).permute(0, 3, 1, 2)
        return activated(y if other is None else y.add_(other), self.activation)

    def _run(self, x: Tensor, padding: Pair, other: Tensor | None, stride: Pair) -> Tensor:
        weight = self.laid_out
        if weight is None:
            return self._plainly(x, padding, other, stride)
        x = x.contiguous(memory_format=torch.channels_last)
        own = self.activation if other is None or self.activation[0] in packed.BEHIND_A_SUM else NONE
        if other is not None:
            other = other.contiguous(memory_format=torch.channels_last)
        y = packed.convolve(x, weight, self.bias, padding, stride, self.dilation, self.groups, own, other)
        return y if own == self.activation else activated(y, self.activation)

    def _plainly(self, x: Tensor, padding: Pair, other: Tensor | None, stride: Pair) -> Tensor:
        if self.once and self.scale is not None:
            y = F.conv2d(x, self.weight, None, stride, padding, self.dilation, self.groups)
            y = y.mul_(self.scale.to(y.dtype)[:, None, None])
            y = y if self.bias is None else y.add_(self.bias[:, None, None])
        else:
            y = F.conv2d(x, self._kept, self.bias, stride, padding, self.dilation, self.groups)
        y = y if other is None else y + other if y.requires_grad else y.add_(other)
        return activated(y, self.activation)


def activated(y: Tensor, activation: Activation) -> Tensor:
    """The activation of a tensor that nobody else reads, in its place where that goes."""
    name, numbers = activation
    if name == "none":
        return y
    way = _INTO.get(name, _PLAIN[name]) if not y.requires_grad else _PLAIN[name]
    return way(y, *numbers)


_PLAIN: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu,
    "hardtanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "swish": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
}

_INTO: dict[str, Callable[..., Tensor]] = {"relu": torch.relu_, "hardtanh": F.hardtanh_}
"""Activations into their own input."""


def activation_of(operation: Operation) -> Activation | None:
    """An operation as an activation that a convolution can take in; None where it is something else."""
    args, kwargs = operation.bound()
    if not args or not isinstance(args[0], Ref) or len(operation.inputs) != 1 or operation.kind is Kind.WRITE:
        return None

    def given(position: int, name: str, default: Any) -> Any:
        return args[position] if len(args) > position else kwargs.get(name, default)

    name = operation.name
    if name in ("relu", "sigmoid", "tanh", "hardswish", "hardsigmoid"):
        return name, ()
    if name == "relu6":
        return "hardtanh", (0.0, 6.0)
    if name == "silu":
        return "swish", ()
    if name == "gelu":
        return ("gelu", ()) if given(1, "approximate", "none") == "none" else None
    if name == "leaky_relu":
        return "leaky_relu", (float(given(1, "negative_slope", 0.01)),)
    if name == "hardtanh":
        return "hardtanh", (float(given(1, "min_val", -1.0)), float(given(2, "max_val", 1.0)))
    if name in ("clamp", "clip"):
        low, high = given(1, "min", None), given(2, "max", None)
        if isinstance(low, (int, float)) and isinstance(high, (int, float)):
            return "hardtanh", (float(low), float(high))
        return ("relu", ()) if low == 0 and isinstance(low, (int, float)) and high is None else None
    if name == "clamp_min":
        low = given(1, "min", None)
        return ("relu", ()) if isinstance(low, (int, float)) and low == 0 else None
    return None
