"""What each ONNX operator does, in torch's functions: one table, from ONNX's name to a small function.

The converters that there are (onnx2torch, onnx2pytorch) were tried first: each left out a part of what PyTorch's own two
exporters write today, both import torchvision, and both make of sizes tensors that can't be followed without data. Here
a function takes its `Node` and its inputs: tensors, and plain NumPy arrays where the numbers are settings. Which inputs
are settings says `SETTINGS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.models import onnx_spatial as spatial
from seethrough.models.onnx_numbers import axes_of, slices_of, target_shape, within
from seethrough.models.onnx_program import HALF, Node

Operand = Tensor | np.ndarray
"""A tensor of the network, or plain numbers."""

SETTINGS: dict[str, tuple[int, ...]] = {
    "Reshape": (1,), "Slice": (1, 2, 3, 4), "Resize": (1, 2, 3), "Upsample": (1,), "Pad": (1, 2, 3), "Clip": (1, 2),
    "Squeeze": (1,), "Unsqueeze": (1,), "Split": (1,), "Expand": (1,), "Tile": (1,), "TopK": (1,), "CumSum": (1,),
    "Dropout": (1, 2), "Trilu": (1,), "ConstantOfShape": (0,), "Range": (0, 1, 2),
    **{f"Reduce{name}": (1,) for name in "Mean Sum Max Min Prod L1 L2 LogSum LogSumExp SumSquare".split()},
}  # fmt: skip
"""Which inputs of an operator are numbers that say how, and not what is computed with."""

TYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool,
    11: torch.float64, **dict.fromkeys(HALF, torch.float32),
}  # fmt: skip
"""From a type's number in ONNX to torch's; half precision is computed in float32."""


def scalar(x: Operand) -> Any:
    """An array of one number as that number; anything else as it is."""
    return x.reshape(-1)[0].item() if isinstance(x, np.ndarray) and x.size == 1 else x


def tensors(*inputs: Operand) -> tuple[Any, ...]:
    """Arrays of several numbers as tensors, beside the tensors that are there."""
    like = next((x for x in inputs if isinstance(x, Tensor)), None)
    return tuple(as_tensor(x, like) if isinstance(x, np.ndarray) else x for x in map(scalar, inputs))


def as_tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """Anything as a tensor, a scalar too."""
    if isinstance(x, Tensor):
        return x
    dtype: Any = torch.from_numpy(np.zeros(1, x.dtype)).dtype
    device = None if like is None else like.device
    if x.size > 1 and (x == x.flat[0]).all():  # said by its size, which may go with the batch
        return torch.full([int(n) for n in x.shape], x.flat[0].item(), dtype=dtype, device=device)
    return torch.tensor(x.tolist(), dtype=dtype, device=device)


# --- place by place -----------------------------------------------------------------------------------------------------


def _each(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda _, x: function(x)


def _both(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def apply(_: Node, a: Operand, b: Operand) -> Tensor:
        x, y = tensors(a, b)
        return function(x if isinstance(x, Tensor) else torch.tensor(x, dtype=y.dtype, device=y.device), y)

    return apply


def _arithmetic(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda _, a, b: function(*tensors(a, b))


def _all(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def apply(_: Node, *inputs: Operand) -> Tensor:
        like = next(x for x in inputs if isinstance(x, Tensor))
        return reduce(function, (as_tensor(x, like) for x in inputs))

    return apply


def _divide(a: Any, b: Any) -> Tensor:
    whole = all(isinstance(x, int) or (isinstance(x, Tensor) and not x.is_floating_point()) for x in (a, b))
    return torch.div(a, b, rounding_mode="trunc") if whole else a / b


def _mod(node: Node, a: Operand, b: Operand) -> Tensor:
    return (torch.fmod if node.settings.get("fmod") else torch.remainder)(*tensors(a, b))


def _mean(node: Node, *inputs: Operand) -> Tensor:
    return _all(torch.add)(node, *inputs) / len(inputs)


def _where(_: Node, condition: Operand, a: Operand, b: Operand) -> Tensor:
    like = next(x for x in (a, b, condition) if isinstance(x, Tensor))
    a, b = (as_tensor(x, like) for x in (a, b))
    return torch.where(as_tensor(condition, like).bool(), a, b)


def _clip(node: Node, x: Tensor, low: Operand | None = None, high: Operand | None = None) -> Tensor:
    least = node.settings.get("min") if low is None else scalar(low)
    most = node.settings.get("max") if high is None else scalar(high)
    return F.relu6(x) if (least, most) == (0, 6) else torch.clamp(x, least, most)


def _cast(node: Node, x: Operand) -> Tensor:
    return as_tensor(x).to(TYPES[node.settings["to"]])


def _hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    slope, start = node.settings.get("alpha", 0.2), node.settings.get("beta", 0.5)
    return F.hardsigmoid(x) if abs(slope - 1 / 6) < 1e-6 and start == 0.5 else torch.clamp(slope * x + start, 0, 1)


def _prelu(_: Node, x: Tensor, slope: Tensor) -> Tensor:
    if slope.numel() == 1 or (slope.numel() == x.shape[1] and slope.shape[0] == x.shape[1]):
        return F.prelu(x, slope.flatten())
    return torch.where(x > 0, x, x * slope)


def _selu(node: Node, x: Tensor) -> Tensor:
    a, g = node.settings.get("alpha", 1.67326319217681884765625), node.settings.get("gamma", 1.05070102214813232421875)
    return F.selu(x) if abs(a - 1.6732632) < 1e-5 and abs(g - 1.050701) < 1e-5 else g * F.elu(x, a)


def _softmax(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def apply(node: Node, x: Tensor) -> Tensor:
        if node.opset >= 13:
            return function(x, node.settings.get("axis", -1))
        axis = node.settings.get("axis", 1) % x.dim()  # before version 13: over this axis and all behind it
        if axis == x.dim() - 1:
            return function(x, axis)
        return function(x.flatten(axis), axis).reshape(x.shape)

    return apply


# --- products and norms -------------------------------------------------------------------------------------------------


def _gemm(node: Node, a: Tensor, b: Tensor, c: Operand | None = None) -> Tensor:
    alpha, beta = node.settings.get("alpha", 1.0), node.settings.get("beta", 1.0)
    a, c = a.t() if node.settings.get("transA") else a, None if c is None else as_tensor(c, a)
    plain = alpha == 1 and (
        c is None or (beta == 1 and c.dim() == 1 and c.numel() == b.shape[not node.settings.get("transB")])
    )
    if plain:
        return F.linear(a, b if node.settings.get("transB") else b.t(), c)
    found = (a @ (b.t() if node.settings.get("transB") else b)) * alpha
    return found if c is None else found + c * beta


def _batch_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, node.settings.get("epsilon", 1e-5))


def _instance_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return F.instance_norm(x, weight=scale, bias=bias, eps=node.settings.get("epsilon", 1e-5))


def _layer_norm(node: Node, x: Tensor, scale: Operand, bias: Operand | None = None) -> Tensor:
    shape = x.shape[node.settings.get("axis", -1) :]
    weight, shift = as_tensor(scale, x), None if bias is None else as_tensor(bias, x)
    weight, shift = weight.expand(shape), None if shift is None else shift.expand(shape)
    return F.layer_norm(x, shape, weight, shift, node.settings.get("epsilon", 1e-5))


def _rms_norm(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    shape = x.shape[node.settings.get("axis", -1) :]
    return F.rms_norm(x, shape, scale.expand(shape), node.settings.get("epsilon", 1e-5))


def _group_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    groups, channels = node.settings["num_groups"], x.shape[1]
    if scale.numel() == groups != channels:  # before version 21: a number a group
        scale, bias = scale.repeat_interleave(channels // groups), bias.repeat_interleave(channels // groups)
    return F.group_norm(x, groups, scale, bias, node.settings.get("epsilon", 1e-5))


def _lrn(node: Node, x: Tensor) -> Tensor:
    s = node.settings
    return F.local_response_norm(x, s["size"], s.get("alpha", 1e-4), s.get("beta", 0.75), s.get("bias", 1.0))


def _lp_norm(node: Node, x: Tensor) -> Tensor:
    return F.normalize(x, float(node.settings.get("p", 2)), node.settings.get("axis", -1))


# --- reductions ---------------------------------------------------------------------------------------------------------


def _reduced(function: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    def apply(node: Node, x: Tensor, axes: np.ndarray | None = None) -> Tensor:
        which = list(axes_of(node, axes, x.dim()) or ())
        if not which and node.settings.get("noop_with_empty_axes"):
            return x
        return function(x, which or list(range(x.dim())), bool(node.settings.get("keepdims", 1)))

    return apply


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _extreme(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def apply(node: Node, x: Tensor) -> Tensor:
        return function(x, node.settings.get("axis", 0), keepdim=bool(node.settings.get("keepdims", 1)))

    return apply


def _global_average(_: Node, x: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(x, 1) if x.dim() == 4 else x.mean(list(range(2, x.dim())), keepdim=True)


def _global_maximum(_: Node, x: Tensor) -> Tensor:
    return F.adaptive_max_pool2d(x, 1) if x.dim() == 4 else x.amax(list(range(2, x.dim())), keepdim=True)


def _top_k(node: Node, x: Tensor, k: np.ndarray) -> tuple[Tensor, Tensor]:
    largest, ordered = bool(node.settings.get("largest", 1)), bool(node.settings.get("sorted", 1))
    values, indices = torch.topk(x, int(scalar(k)), node.settings.get("axis", -1), largest, ordered)
    return values, indices


# --- form ---------------------------------------------------------------------------------------------------------------


def _reshape(node: Node, x: Tensor, shape: np.ndarray) -> Tensor:
    return x.reshape(target_shape(node, x.shape, shape.ravel().tolist()))


def _flatten(node: Node, x: Tensor) -> Tensor:
    axis = node.settings.get("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    return x.flatten(1) if axis == 1 else x.reshape(math.prod(x.shape[:axis]), -1)


def _squeeze(node: Node, x: Tensor, axes: np.ndarray | None = None) -> Tensor:
    which = axes_of(node, axes, x.dim())
    return x.squeeze() if which is None else x.squeeze(which)


def _unsqueeze(node: Node, x: Operand, axes: np.ndarray | None = None) -> Tensor:
    tensor = as_tensor(x)
    count = len(node.settings.get("axes", ())) if axes is None else axes.size
    for axis in sorted(axes_of(node, axes, tensor.dim() + count) or ()):
        tensor = tensor.unsqueeze(axis)
    return tensor


def _transpose(node: Node, x: Tensor) -> Tensor:
    return x.permute(node.settings.get("perm") or list(reversed(range(x.dim()))))


def _concat(node: Node, *inputs: Operand) -> Tensor:
    like, axis = next(x for x in inputs if isinstance(x, Tensor)), node.settings["axis"]
    parts = [as_tensor(x, like) for x in inputs]
    # A shift by nothing is exported as two slices, one of them empty.
    full = [part for part in parts if part.shape[axis]] or parts[:1]
    return torch.cat(full, axis) if len(full) > 1 else full[0]


def _split(node: Node, x: Tensor, parts: np.ndarray | None = None) -> tuple[Tensor, ...]:
    axis = node.settings.get("axis", 0)
    said = node.settings.get("split") if parts is None else parts.ravel().tolist()
    return torch.split(x, said or -(-x.shape[axis] // len(node.outputs)), axis)


def _slice(node: Node, x: Tensor, *given: np.ndarray | None) -> Tensor:
    cut: list[Any] = [slice(None)] * x.dim()
    for axis, start, end, step in slices_of(node, x.dim(), given):
        if step < 0:
            picked = range(x.shape[axis])[slice(start, None if end < -x.shape[axis] else end, step)]
            x = x.index_select(axis, torch.tensor(list(picked), device=x.device))
        elif (start, step) != (0, 1) or end < x.shape[axis]:
            cut[axis] = slice(start, min(end, x.shape[axis]), step)
    return x if all(c == slice(None) for c in cut) else x[tuple(cut)]


def _gather(node: Node, x: Operand, indices: Operand) -> Tensor:
    data, axis = as_tensor(x, indices if isinstance(indices, Tensor) else None), node.settings.get("axis", 0)
    axis = axis + data.dim() if axis < 0 else axis
    if isinstance(indices, np.ndarray) and indices.ndim == 0:
        return data.select(axis, int(indices))
    index = as_tensor(indices, data).long()
    index = torch.where(index < 0, index + data.shape[axis], index)
    found = data.index_select(axis, index.reshape(-1))
    return found if index.dim() == 1 else found.reshape(*data.shape[:axis], *index.shape, *data.shape[axis + 1 :])


def _gather_elements(node: Node, x: Tensor, indices: Operand) -> Tensor:
    axis, index = node.settings.get("axis", 0), as_tensor(indices, x).long()
    return torch.gather(x, axis, torch.where(index < 0, index + x.shape[axis], index))


def _gather_nd(node: Node, x: Tensor, indices: Operand) -> Tensor:
    if node.settings.get("batch_dims"):
        raise ValueError("GatherND with batch_dims")
    return x[tuple(as_tensor(indices, x).long().movedim(-1, 0))]


def _scatter_nd(node: Node, x: Operand, indices: Operand, updates: Operand) -> Tensor:
    if node.settings.get("reduction", "none") != "none":
        raise ValueError(f"ScatterND with reduction {node.settings['reduction']}")
    like = next(t for t in (x, updates, indices) if isinstance(t, Tensor))
    index = tuple(as_tensor(indices, like).long().movedim(-1, 0))
    return as_tensor(x, like).index_put(index, as_tensor(updates, like))


def _scatter_elements(node: Node, x: Tensor, indices: Operand, updates: Tensor) -> Tensor:
    if node.settings.get("reduction", "none") != "none":
        raise ValueError(f"ScatterElements with reduction {node.settings['reduction']}")
    return torch.scatter(x, node.settings.get("axis", 0), as_tensor(indices, x).long(), updates)


def _expand(_: Node, x: Operand, shape: np.ndarray) -> Tensor:
    tensor, sizes = as_tensor(x), [int(n) for n in shape.ravel()]
    rank = max(len(sizes), tensor.dim())
    ours, theirs = [1] * (rank - tensor.dim()) + list(tensor.shape), [1] * (rank - len(sizes)) + sizes
    return tensor.expand([a if b == 1 else b for a, b in zip(ours, theirs)])


def _tile(_: Node, x: Tensor, repeats: np.ndarray) -> Tensor:
    return x.repeat([int(n) for n in repeats.ravel()])


def _depth_to_space(node: Node, x: Tensor) -> Tensor:
    b = node.settings["blocksize"]
    n, c, h, w = x.shape
    if node.settings.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, b)
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def _space_to_depth(node: Node, x: Tensor) -> Tensor:
    b = node.settings["blocksize"]
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)


def _range(_: Node, start: Operand, limit: Operand, delta: Operand) -> Tensor:
    first, last, step = (scalar(x) for x in (start, limit, delta))
    within([max(0, math.ceil((last - first) / step))])
    return torch.arange(first, last, step)


def _triangle(node: Node, x: Tensor, k: np.ndarray | None = None) -> Tensor:
    return (torch.triu if node.settings.get("upper", 1) else torch.tril)(x, 0 if k is None else int(scalar(k)))


def _cumulated(node: Node, x: Tensor, axis: np.ndarray) -> Tensor:
    if node.settings.get("exclusive") or node.settings.get("reverse"):
        raise ValueError("CumSum that is exclusive or reversed")
    return torch.cumsum(x, int(scalar(axis)))


def _grid_sample(node: Node, x: Tensor, grid: Tensor) -> Tensor:
    said = str(node.settings.get("mode", "bilinear"))
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(said, said)
    around, corners = node.settings.get("padding_mode", "zeros"), bool(node.settings.get("align_corners", 0))
    return F.grid_sample(x, grid, mode, around, corners)


def _dropout(_: Node, x: Tensor, *_settings: Any) -> Tensor:
    return x


def _einsum(node: Node, *inputs: Tensor) -> Tensor:
    return torch.einsum(node.settings["equation"], *inputs)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Relu": _each(F.relu), "Sigmoid": _each(torch.sigmoid), "Tanh": _each(torch.tanh), "Erf": _each(torch.erf),
    "Exp": _each(torch.exp), "Log": _each(torch.log), "Sqrt": _each(torch.sqrt), "Neg": _each(torch.neg),
    "Abs": _each(torch.abs), "Floor": _each(torch.floor), "Ceil": _each(torch.ceil), "Round": _each(torch.round),
    "Sign": _each(torch.sign), "Reciprocal": _each(torch.reciprocal), "Sin": _each(torch.sin), "Cos": _each(torch.cos),
    "Tan": _each(torch.tan), "Atan": _each(torch.atan), "Softplus": _each(F.softplus), "Softsign": _each(F.softsign),
    "HardSwish": _each(F.hardswish), "Mish": _each(F.mish), "Not": _each(torch.logical_not), "IsNaN": _each(torch.isnan),
    "Identity": _each(as_tensor), "HardSigmoid": _hard_sigmoid, "PRelu": _prelu, "Selu": _selu, "Clip": _clip,
    "Elu": lambda node, x: F.elu(x, node.settings.get("alpha", 1.0)),
    "Celu": lambda node, x: F.celu(x, node.settings.get("alpha", 1.0)),
    "LeakyRelu": lambda node, x: F.leaky_relu(x, node.settings.get("alpha", 0.01)),
    "ThresholdedRelu": lambda node, x: F.threshold(x, node.settings.get("alpha", 1.0), 0.0),
    "Gelu": lambda node, x: F.gelu(x, approximate=node.settings.get("approximate", "none")),
    "Swish": lambda node, x: F.silu(x) if node.settings.get("alpha", 1.0) == 1 else x * torch.sigmoid(node.settings["alpha"] * x),
    "Softmax": _softmax(torch.softmax), "LogSoftmax": _softmax(torch.log_softmax), "Cast": _cast,
    "CastLike": lambda _, x, like: as_tensor(x).to(as_tensor(like).dtype), "Where": _where, "Mod": _mod,
    "Add": _arithmetic(lambda a, b: a + b), "Sub": _arithmetic(lambda a, b: a - b), "Mul": _arithmetic(lambda a, b: a * b),
    "Div": _arithmetic(_divide), "Pow": _arithmetic(lambda a, b: a**b), "Equal": _both(torch.eq),
    "Greater": _both(torch.gt), "Less": _both(torch.lt), "GreaterOrEqual": _both(torch.ge), "LessOrEqual": _both(torch.le),
    "And": _both(torch.logical_and), "Or": _both(torch.logical_or), "Xor": _both(torch.logical_xor),
    "Max": _all(torch.maximum), "Min": _all(torch.minimum), "Sum": _all(torch.add), "Mean": _mean,
    "MatMul": _arithmetic(torch.matmul), "Gemm": _gemm, "Einsum": _einsum,
    "Conv": spatial.convolution, "ConvTranspose": spatial.transposed, "MaxPool": spatial.max_pool,
    "AveragePool": spatial.average_pool, "Pad": spatial.pad, "Resize": spatial.resize, "Upsample": spatial.resize,
    "GlobalAveragePool": _global_average, "GlobalMaxPool": _global_maximum, "GridSample": _grid_sample,
    "BatchNormalization": _batch_norm, "InstanceNormalization": _instance_norm, "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm, "RMSNormalization": _rms_norm, "LRN": _lrn, "LpNormalization": _lp_norm,
    "ReduceMean": _reduced(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": _reduced(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceMax": _reduced(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": _reduced(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceL1": _reduced(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": _reduced(lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt()),
    "ReduceSumSquare": _reduced(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "ReduceLogSum": _reduced(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "ReduceLogSumExp": _reduced(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "ReduceProd": _reduced(_product), "ArgMax": _extreme(torch.argmax), "ArgMin": _extreme(torch.argmin), "TopK": _top_k,
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose,
    "Concat": _concat, "Split": _split, "Slice": _slice, "Gather": _gather, "GatherElements": _gather_elements,
    "GatherND": _gather_nd, "ScatterND": _scatter_nd, "ScatterElements": _scatter_elements, "Expand": _expand,
    "Tile": _tile, "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth, "Trilu": _triangle,
    "CumSum": _cumulated, "Range": _range, "Dropout": _dropout,
}  # fmt: skip


def spread(x: Any) -> Sequence[Any]:
    """What an operator gave, as one value for each of its outputs."""
    return x if isinstance(x, tuple | list) else (x,)
