"""Kernels: the weights of a network's convolutions as they run, in one layout whatever the framework calls them.

They are read off the graph, where a convolution is one whether a torch module, a Keras layer or a plain function made it, and
where its weights are a constant: also those that a layer makes of others (weight standardisation), once. What is shown is the
layer's own weights; a batch normalisation behind it is not folded in, but its factor is kept beside them as ``gain``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.anatomy.kernel_sources import Source, source_of
from seethrough.graph.arguments import Arguments
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation

FORMS = ("convolution", "pointwise", "depthwise", "grouped", "transposed", "linear")
"""What a kernel can be, by how its outputs read its inputs."""

CONVOLUTIONS = frozenset((Kind.CONVOLUTION, Kind.TRANSPOSED))

FAR = 1024.0


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of one convolution, or the matrix of a linear layer.

    Attributes
    ----------
    path
        The layer; with the operation's own name behind it where the layer has several (``"separable/conv2d:2"``).
    operation
        The path of its operation in the graph.
    form
        One of `FORMS`. ``"pointwise"`` looks at one place only; ``"depthwise"`` filters look at one channel each,
        ``"grouped"`` ones at the channels of their group; ``"transposed"`` kernels are what each input paints.
    weights
        float32 (K, C, *places): for each of the K filters (output channels) a slice for each of the C channels that it reads;
        places are (L,), (H, W) or (D, H, W). Of a linear layer on a flattened picture the weights lie on the picture's pixels.
        In output units per unit of input.
    channels
        int (K, C): the input channel that each slice reads.
    bias
        float32 (K,), or None.
    gain
        float32 (K,): what a batch normalisation right behind multiplies each output by (1 / √(variance + ε), times its
        weight); None where there is none.
    shift
        float32 (K,): what is then added to what the kernel gives, bias and normalisation together.
    stride, dilation
        Once for each axis of places.
    groups
        Into how many groups inputs and outputs are divided that know nothing of each other.
    source
        What it reads.
    """

    path: str
    operation: str
    form: str
    weights: NDArray[np.float32]
    channels: NDArray[np.int64]
    bias: NDArray[np.float32] | None
    gain: NDArray[np.float32] | None
    shift: NDArray[np.float32]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    source: Source

    @property
    def count(self) -> int:
        """K, how many filters."""
        return len(self.weights)

    @property
    def places(self) -> tuple[int, ...]:
        """The kernel's size: (L,), (H, W) or (D, H, W); (1,) for a matrix."""
        return self.weights.shape[2:]

    @property
    def inputs(self) -> int:
        """How many channels the layer is given."""
        return int(self.channels.max()) + 1

    @property
    def in_colour(self) -> bool:
        """Whether its three slices are the red, green and blue of a picture."""
        return self.source.colours is not None and self.weights.shape[1] == 3 and len(self.places) == 2

    @property
    def shared(self) -> bool:
        """Whether any two filters read the same channels, so that they can be compared."""
        return self.count > self.groups

    @property
    def group(self) -> NDArray[np.int64]:
        """int (K,): the group that each filter belongs to."""
        return np.arange(self.count) // (self.count // self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the arrays."""
        return {
            "path": self.path,
            "operation": self.operation,
            "form": self.form,
            "filters": self.count,
            "slices": self.weights.shape[1],
            "places": list(self.places),
            "stride": list(self.stride),
            "dilation": list(self.dilation),
            "groups": self.groups,
            "bias": self.bias is not None,
            "normalised": self.gain is not None,
            "reads": self.source.to_dict(),
        }


def kernels_of(graph: Graph, operation: Operation, path: str, order: str | None) -> Kernels | None:
    """The kernels of one operation; None where it has none.

    Parameters
    ----------
    path
        What they are called.
    order
        Which colours a picture's channels are, ``"RGB"`` or ``"BGR"``; None where it has none.
    """
    weights = weights_of(operation)
    return None if weights is None else _kernels(graph, operation, weights, path, order)


def weights_of(operation: Operation) -> torch.Tensor | None:
    """The constant that an operation multiplies a value by, as it is given; None for an operation that has no kernels."""
    positional, named = operation.bound()
    if operation.kind not in CONVOLUTIONS | {Kind.LINEAR} and operation.name not in ("matmul", "mm", "addmm"):
        return None
    at = 2 if operation.name == "addmm" else 1
    given = positional[at] if len(positional) > at else named.get("weight", named.get("other", named.get("mat2")))
    given = getattr(given, "value", given)  # a Keras variable, multiplied as it is
    matrix = operation.kind not in CONVOLUTIONS
    fits = isinstance(given, torch.Tensor) and given.is_floating_point() and (not matrix or given.dim() == 2)
    return given if fits and operation.inputs else None


def _kernels(graph: Graph, operation: Operation, tensor: torch.Tensor, path: str, order: str | None) -> Kernels:
    given = Arguments.of(operation, graph.values, graph.batch or 1)
    weights = tensor.detach().cpu().to(torch.float32, copy=True)  # the network's own memory is nobody else's
    axes = weights.dim() - 2
    convolution = operation.kind in CONVOLUTIONS
    groups, stride, dilation = 1, (1,) * max(1, axes), (1,) * max(1, axes)
    if convolution:
        groups = int(given.get(6, "groups", 1))
        stride = given.per_axis(3, "stride", 1, axes)
        # a transposed convolution has output_padding and groups before its dilation
        dilation = given.per_axis(7 if operation.kind is Kind.TRANSPOSED else 5, "dilation", 1, axes)
    source = source_of(graph, operation, order)
    if operation.kind is Kind.TRANSPOSED:
        weights = _outputs_first(weights, groups)
    elif not convolution:
        weights = weights if operation.kind is Kind.LINEAR else weights.t()
        weights = _on_pixels(weights, source)
    bias = _bias(given, operation)
    gain, offset = _normalised(graph, operation, len(weights))
    return Kernels(
        path, operation.path, _form(operation, weights, groups), np.ascontiguousarray(weights.numpy()),
        _channels(weights, groups), bias, gain, _shift(bias, gain, offset, len(weights)), stride, dilation, groups, source,
    )  # fmt: skip


def _outputs_first(weights: torch.Tensor, groups: int) -> torch.Tensor:
    """(inputs, K / groups, *places) of a transposed convolution as (K, inputs / groups, *places)."""
    inputs, outputs, *places = weights.shape
    apart = weights.reshape(groups, inputs // groups, outputs, *places).transpose(1, 2)
    return apart.reshape(groups * outputs, inputs // groups, *places)


def _on_pixels(weights: torch.Tensor, source: Source) -> torch.Tensor:
    """A matrix (K, inputs) as kernels: on the pixels of the picture that it reads flattened, else on one place."""
    if source.pixels is None or source.shape is None:
        return weights[:, :, None]
    on_picture = torch.zeros(len(weights), prod(source.shape))
    on_picture[:, torch.from_numpy(source.pixels)] = weights
    return on_picture.reshape(len(weights), *source.shape)


def _form(operation: Operation, weights: torch.Tensor, groups: int) -> str:
    if operation.kind is Kind.TRANSPOSED:
        return "transposed"
    if operation.kind is not Kind.CONVOLUTION:
        return "linear"
    if groups > 1:
        return "depthwise" if weights.shape[1] == 1 else "grouped"
    return "pointwise" if prod(weights.shape[2:]) == 1 else "convolution"


def _channels(weights: torch.Tensor, groups: int) -> NDArray[np.int64]:
    count, slices = weights.shape[:2]
    group = np.arange(count) // (count // groups)
    return group[:, None] * slices + np.arange(slices)


# --- what comes right behind ------------------------------------------------------------------------------------------


def _bias(given: Arguments, operation: Operation) -> NDArray[np.float32] | None:
    at = 0 if operation.name == "addmm" else 2
    bias = getattr(bias := given.get(at, "bias"), "value", bias)
    return (
        bias.detach().cpu().to(torch.float32, copy=True).numpy()
        if isinstance(bias, torch.Tensor) and bias.dim() == 1
        else None
    )


def _normalised(
    graph: Graph, operation: Operation, count: int
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """What a batch normalisation that alone reads an operation's value multiplies each output by, and adds: found by
    sending two numbers through it, far apart so that little is lost to rounding.
    """
    value = operation.outputs[0]
    readers = graph.consumers.get(value, []) if value is not None else []
    if len(readers) != 1:
        return None, None
    reader = graph.operations[readers[0]]
    if reader.name not in ("batch_norm", "affine") or len(reader.inputs) != 1 or _of_this_batch(reader):
        return None, None
    rank = len(graph.values[value].shape) if value is not None else 2
    ground = torch.tensor([-FAR, FAR]).reshape(2, *(1,) * (rank - 1)).expand(2, count, *(1,) * (rank - 2)).clone()
    device = next((a.device for a in reader.arguments if isinstance(a, torch.Tensor)), ground.device)
    dtype = next((a.dtype for a in reader.arguments if isinstance(a, torch.Tensor)), ground.dtype)
    with torch.no_grad():
        low, high = reader.call({reader.inputs[0]: ground.to(device, dtype)}, 2).float().cpu().reshape(2, -1)
    if len(low) != count:
        return None, None
    return ((high - low) / (2 * FAR)).numpy(), ((high + low) / 2).numpy()


def _of_this_batch(reader: Operation) -> bool:
    """Whether a normalisation takes its statistics from the batch, as in training: its factors are then nobody's."""
    positional, named = reader.bound()
    return reader.name == "batch_norm" and bool(positional[5] if len(positional) > 5 else named.get("training", False))


def _shift(
    bias: NDArray[np.float32] | None, gain: NDArray[np.float32] | None, offset: NDArray[np.float32] | None, count: int
) -> NDArray[np.float32]:
    own = np.zeros(count, np.float32) if bias is None else bias
    return own if gain is None or offset is None else own * gain + offset
