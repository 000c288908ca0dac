"""Composed kernels: what a filter behind the first layer looks at in the picture itself.

Two convolutions with nothing but sums and factors between them are one convolution; its kernel can be drawn in colour like that of a first
layer. With a rectifier between them that is no longer true, and what is composed is the linear part: each channel between counts as if it
were let through at the same rate everywhere. How much a filter owes to the rectifier itself (it answers an edge of either sign, say) such a
picture can't show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv_transpose2d

from seethrough.anatomy.kernels import Kernels, kernels_of, weights_of
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation

RECTIFIERS = frozenset("relu relu6 leaky_relu prelu elu selu celu gelu silu mish softplus hardswish".split())
"""What lets through on one side: composed as a common factor."""

BETWEEN = frozenset((Kind.AFFINE, Kind.NORMALISATION, Kind.PAD, Kind.CAST))
DEEPEST = 3
"""So many convolutions at most, and one rectifier: beyond that the linear part says little."""


@dataclass(frozen=True, eq=False)
class Composed:
    """Kernels on the picture of filters that read other layers.

    Attributes
    ----------
    weights
        float32 (K, C, H, W), on the picture's channels and pixels; in output units per unit of the network's input, up to the factor of a
        rectifier between.
    stride
        Pixels from one place of the layer's output to the next, along each axis.
    through
        The paths of the layers below that were composed, the nearest first.
    rectifiers
        How many rectifiers lie between; without any it is exact.
    kept
        float64 (K,): how much of each filter's weight survives in the linear part: the norm of the composed kernel over that of the same
        composition without regard to sign, 0…1. At 0 positive and negative inputs cancel: such a filter owes all to the rectifier.
    reaching
        float64 (K,): the norm of the composition without regard to sign, for one unit of each filter's own weights: how much of the picture
        its inputs carry. 0 for a filter that reads dead channels.
    bottom
        The kernels that read the picture.
    """

    weights: NDArray[np.float32]
    stride: tuple[int, ...]
    through: tuple[str, ...]
    rectifiers: int
    kept: NDArray[np.float64]
    reaching: NDArray[np.float64]
    bottom: Kernels


def compose(graph: Graph, kernels: Kernels, order: str | None) -> Composed | None:
    """Compose a layer's kernels with those below down to the picture; None where that isn't possible, or would mean little."""
    if len(kernels.places) != 2 or kernels.form in ("linear", "transposed") or kernels.source.picture:
        return None
    upper = _spread(_dense(kernels), kernels.dilation)
    absolute, lowest, stride = upper.abs(), kernels, kernels.stride
    through: list[str] = []
    rectifiers = 0
    while not lowest.source.picture:
        found = _below(graph, lowest)
        lower = None if found is None else kernels_of(graph, found[0], found[0].layer or found[0].path, order)
        rectifiers += 0 if found is None else found[1]
        if lower is None or rectifiers > 1 or len(through) + 1 >= DEEPEST or len(lower.places) != 2:
            return None
        below = _spread(_dense(lower), lower.dilation)
        if lower.gain is not None:
            below = below * torch.from_numpy(lower.gain)[:, None, None, None]
        # a step of the upper kernel is a stride of the lower one
        upper = conv_transpose2d(upper, below, stride=lower.stride)
        absolute = conv_transpose2d(absolute, below.abs(), stride=lower.stride)
        stride = tuple(a * b for a, b in zip(stride, lower.stride))
        through.append(lower.path)
        lowest = lower
    own, whole = _norms(_dense(kernels)), _norms(absolute)
    reaching = _ratio(whole, own)
    return Composed(upper.numpy(), stride, tuple(through), rectifiers, _ratio(_norms(upper), whole), reaching, lowest)


def _norms(weights: torch.Tensor) -> NDArray[np.float64]:
    return weights.flatten(1).double().norm(dim=1).numpy()


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _dense(kernels: Kernels) -> torch.Tensor:
    """(K, all channels, H, W): zeros where a filter doesn't read a channel."""
    w = kernels.weights
    dense = np.zeros((len(w), kernels.source.channels, *w.shape[2:]), np.float32)
    dense[np.arange(len(w))[:, None], kernels.channels] = w
    return torch.from_numpy(dense)


def _spread(weights: torch.Tensor, dilation: tuple[int, ...]) -> torch.Tensor:
    """A dilated kernel with the zeros that stand between its places."""
    if max(dilation) == 1:
        return weights
    single = torch.ones(1, 1, 1, 1)
    flat = weights.flatten(0, 1).unsqueeze(1)
    return conv_transpose2d(flat, single, stride=dilation).reshape(*weights.shape[:2], *_sizes(weights, dilation))


def _sizes(weights: torch.Tensor, dilation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((n - 1) * d + 1 for n, d in zip(weights.shape[2:], dilation))


def _below(graph: Graph, kernels: Kernels) -> tuple[Operation, int] | None:
    """The convolution whose outputs a layer reads, and how many rectifiers lie between."""
    value, crossed = graph.operation_at[kernels.operation].inputs[0], 0
    while (at := graph.producer.get(value)) is not None:
        operation = graph.operations[at]
        if operation.kind is Kind.CONVOLUTION and weights_of(operation) is not None:
            return operation, crossed
        rectifier = operation.name in RECTIFIERS
        if len(operation.inputs) != 1 or not (rectifier or operation.kind in BETWEEN):
            return None
        if operation.kind is Kind.NORMALISATION and operation.name != "batch_norm":
            return None
        crossed += rectifier
        value = operation.inputs[0]
    return None
