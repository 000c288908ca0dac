"""Packed: a convolution with its bias, what is added to it and its activation in one call of oneDNN, on weights that were
laid out for it once.

Torch has this for its own compiler, under names that it promises to nobody. This is the one door to them: where they are
gone, or the tensors aren't what they take, `packs` says no and whoever asked goes the plain way
(``tests/graph/fast/test_packed.py`` says when that happens).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

Pair = tuple[int, int]

Activation = tuple[str, tuple[float, ...]]
"""oneDNN's name of an activation, and its numbers: ``("hardtanh", (0.0, 6.0))``."""

NONE: Activation = ("none", ())

BEHIND_A_SUM = ("none", "relu")
"""Activations that can follow where something is added."""

_DTYPES = (torch.float32, torch.bfloat16)


@cache
def _ops() -> Any:
    """Torch's private operators, or None where any of them is missing."""
    try:
        ops = torch.ops.mkldnn
        _ = (
            ops._reorder_convolution_weight.default,
            ops._convolution_pointwise.default,
            ops._convolution_pointwise.binary,
        )
    except AttributeError:
        return None
    return ops


def packs(weight: Tensor) -> bool:
    """Whether convolutions with this weight can be packed here."""
    on_processor = weight.device.type == "cpu" and weight.dtype in _DTYPES and weight.dim() == 4
    usable = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    if not on_processor or not usable or _ops() is None:
        return False
    return weight.dtype is torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def pack(weight: Tensor, stride: Pair, dilation: Pair, groups: int, size: Sequence[int]) -> Tensor:
    """The weight, laid out for pictures of about this size (N, C, H, W); opaque, it can only be given to `convolve`."""
    reach = [
        d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:])
    ]  # it lays out for no padding: less gives nothing
    about = [*size[:2], *(max(n, least) for n, least in zip(size[2:], reach))]
    return _ops()._reorder_convolution_weight(
        weight.detach().contiguous(), [0, 0], list(stride), list(dilation), groups, about
    )


def convolve(
    x: Tensor,
    packed: Tensor,
    bias: Tensor | None,
    padding: Pair,
    stride: Pair,
    dilation: Pair,
    groups: int,
    activation: Activation = NONE,
    other: Tensor | None = None,
) -> Tensor:
    """``activation(w ∗ x + bias + other)``, in a new tensor of x's order of memory."""
    name, numbers = activation
    algorithm = "none" if name == "gelu" else ""
    operation = _ops()._convolution_pointwise
    if other is None:
        return operation(
            x, packed, bias, list(padding), list(stride), list(dilation), groups, name, list(numbers), algorithm
        )
    behind = None if name == "none" else name
    return operation.binary(
        x, other, packed, bias, list(padding), list(stride), list(dilation), groups, "add", 1.0, behind, list(numbers),
        algorithm,
    )  # fmt: skip
