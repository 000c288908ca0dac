"""ONNX operators on grids: convolution, pooling, padding, resizing.

The torch functions are those that a network written in torch calls, so that the graph knows what they are. What ONNX
can say and they can't (a margin on one side, other rules of resizing) is done around them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.models.onnx_program import Node

_CONVOLUTIONS: tuple[Callable[..., Tensor], ...] = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED: tuple[Callable[..., Tensor], ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
_MAXIMA: tuple[Callable[..., Tensor], ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_MEANS: tuple[Callable[..., Tensor], ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


def margins(node: Node, size: Sequence[int], kernel: Sequence[int]) -> tuple[list[int], list[int]]:
    """How far an operator reaches over each edge: at the beginning and at the end of each axis."""
    rank = len(kernel)
    strides, dilations = node.settings.get("strides", [1] * rank), node.settings.get("dilations", [1] * rank)
    how = node.settings.get("auto_pad", "NOTSET")
    if how not in ("SAME_UPPER", "SAME_LOWER"):
        pads = [0] * 2 * rank if how == "VALID" else node.settings.get("pads", [0] * 2 * rank)
        return list(pads[:rank]), list(pads[rank:])
    total = [max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n) for n, k, s, d in zip(size, kernel, strides, dilations)]
    less, more = [n // 2 for n in total], [n - n // 2 for n in total]
    return (less, more) if how == "SAME_UPPER" else (more, less)


def padded(x: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Tensor:
    """Numbers put around the last axes of a tensor."""
    pairs = [n for pair in zip(reversed(before), reversed(after)) for n in pair]
    return F.pad(x, pairs, value=value)


def convolution(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``Conv``."""
    rank, kernel = x.dim() - 2, weight.shape[2:]
    before, after = margins(node, x.shape[2:], kernel)
    if before != after:
        x, before = padded(x, before, after), [0] * rank
    return _CONVOLUTIONS[rank - 1](
        x,
        weight,
        bias,
        node.settings.get("strides", [1] * rank),
        before,
        node.settings.get("dilations", [1] * rank),
        node.settings.get("group", 1),
    )


def transposed(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``ConvTranspose``: made without margins, which are then cut off."""
    rank, kernel = x.dim() - 2, weight.shape[2:]
    ones = [1] * rank
    strides, dilations = node.settings.get("strides", ones), node.settings.get("dilations", ones)
    more = node.settings.get("output_padding", [0] * rank)
    whole = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(x.shape[2:], strides, kernel, dilations)]
    before, after = _cut(node, whole, x.shape[2:], strides, more)
    same = before == after
    found = _TRANSPOSED[rank - 1](
        x, weight, bias, strides, before if same else 0, more, node.settings.get("group", 1), dilations
    )
    if not same:
        for axis, (b, a) in enumerate(zip(before, after), 2):
            found = found.narrow(axis, b, found.shape[axis] - b - a)
    return found


def _cut(
    node: Node, whole: Sequence[int], size: Sequence[int], strides: Sequence[int], more: Sequence[int]
) -> tuple[list[int], list[int]]:
    rank, how = len(whole), node.settings.get("auto_pad", "NOTSET")
    wanted = node.settings.get("output_shape")
    if wanted is None and how in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(size, strides)]
    if wanted is None:
        pads = [0] * 2 * rank if how == "VALID" else node.settings.get("pads", [0] * 2 * rank)
        return list(pads[:rank]), list(pads[rank:])
    total = [n + m - w for n, m, w in zip(whole, more, wanted[-rank:])]
    less, rest = [n // 2 for n in total], [n - n // 2 for n in total]
    return (less, rest) if how == "SAME_UPPER" else (rest, less)


def max_pool(node: Node, x: Tensor) -> Tensor:
    """``MaxPool``, without its indices."""
    kernel = node.settings["kernel_shape"]
    rank = len(kernel)
    before, after = margins(node, x.shape[2:], kernel)
    if before != after or any(2 * b > k for b, k in zip(before, kernel)):
        x, before = padded(x, before, after, float("-inf")), [0] * rank
    strides, dilations = node.settings.get("strides", [1] * rank), node.settings.get("dilations", [1] * rank)
    return _MAXIMA[rank - 1](x, kernel, strides, before, dilations, bool(node.settings.get("ceil_mode", 0)))


def average_pool(node: Node, x: Tensor) -> Tensor:
    """``AveragePool``: a margin counts where the network says so."""
    kernel = node.settings["kernel_shape"]
    rank = len(kernel)
    before, after = margins(node, x.shape[2:], kernel)
    strides, up = node.settings.get("strides", [1] * rank), bool(node.settings.get("ceil_mode", 0))
    counted = bool(node.settings.get("count_include_pad", 0))
    pool = _MEANS[rank - 1]
    if before == after and all(2 * b <= k for b, k in zip(before, kernel)):
        return pool(x, kernel, strides, before, up, counted)
    found = pool(padded(x, before, after), kernel, strides, 0, up)
    if counted:
        return found
    there = padded(torch.ones_like(x[:1, :1]), before, after)
    return found / pool(there, kernel, strides, 0, up)


def pad(node: Node, x: Tensor, pads: Any = None, value: Any = None, axes: Any = None) -> Tensor:
    """``Pad``."""
    said = [int(n) for n in (node.settings["pads"] if pads is None else pads.ravel())]
    half = len(said) // 2
    which = range(x.dim()) if axes is None else [int(a) % x.dim() for a in axes.ravel()]
    before, after = [0] * x.dim(), [0] * x.dim()
    for axis, b, a in zip(which, said[:half], said[half:]):
        before[axis], after[axis] = b, a
    mode = node.settings.get("mode", "constant")
    if mode == "constant":
        fill = node.settings.get("value", 0.0) if value is None else value.ravel().tolist()[0]
        return padded(x, before, after, fill)
    first = next((i for i in range(x.dim()) if before[i] or after[i]), x.dim() - 1)
    pairs = [n for i in reversed(range(first, x.dim())) for n in (before[i], after[i])]
    names = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    lead = x.shape[: max(0, first - 2)]
    flat = x.reshape(-1, *x.shape[len(lead) :]) if len(lead) > 1 else x
    found = F.pad(flat, pairs, names[mode])
    return found.reshape(*lead, *found.shape[1:]) if len(lead) > 1 else found


# --- resizing ---------------------------------------------------------------------------------------------------------


def resize(node: Node, x: Tensor, _roi: Any = None, scales: Any = None, sizes: Any = None) -> Tensor:
    """``Resize`` and ``Upsample``, of the axes behind the channels.

    Raises
    ------
    ValueError
        A rule of resizing that isn't among those of the usual networks.
    """
    if node.operator == "Upsample" or node.opset < 11:
        scales = node.settings.get("scales") if _roi is None else _roi
    factors, size = _factors(node, x, scales, sizes)
    if all(n == m for n, m in zip(size, x.shape)):
        return x
    mode, where = (
        node.settings.get("mode", "nearest"),
        node.settings.get("coordinate_transformation_mode", "half_pixel"),
    )
    if node.operator == "Upsample" or node.opset < 11:
        where = "asymmetric"
    if tuple(size[:2]) != tuple(x.shape[:2]):
        raise ValueError("the batch or the channels are resized")
    if mode == "nearest":
        return _nearest(node, x, factors, size, where)
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        if mode != "linear" or where not in ("asymmetric", "half_pixel_symmetric"):
            raise ValueError(f"resizing {mode} with the coordinates {where}")
        return _linear(x, factors, size, where)
    names = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}
    smooth = bool(node.settings.get("antialias", 0))
    return F.interpolate(
        x, size[2:], mode=names[mode, x.dim() - 2], align_corners=where == "align_corners", antialias=smooth
    )


def _factors(node: Node, x: Tensor, scales: Any, sizes: Any) -> tuple[list[float], list[int]]:
    """For each axis by how much it grows, and its size then."""
    axes = [a % x.dim() for a in node.settings.get("axes", range(x.dim()))]
    factors, size = [1.0] * x.dim(), list(x.shape)
    if sizes is not None and np.size(sizes):
        if node.settings.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise ValueError("a resizing that keeps the aspect ratio")
        for axis, n in zip(axes, np.ravel(sizes).tolist()):
            if axis > 0:  # the batch stays, whatever an export for one image wrote there
                factors[axis], size[axis] = n / x.shape[axis], int(n)
        return factors, size
    for axis, f in zip(axes, np.ravel(scales).tolist()):
        factors[axis], size[axis] = f, int(np.floor(x.shape[axis] * f)) if f != 1 else x.shape[axis]
    return factors, size


def _coordinates(size: int, before: int, factor: float, where: str) -> np.ndarray:
    """Where each new place lies on the old axis, counted in places."""
    new = np.arange(size, dtype=np.float64)
    if where == "align_corners":
        return new * (before - 1) / max(size - 1, 1)
    if where == "asymmetric":
        return new / factor
    if where == "pytorch_half_pixel" and size == 1:
        return np.zeros(1)
    if where == "half_pixel_symmetric":
        middle = before / 2 * (1 - size / (factor * before))
        return middle + (new + 0.5) / factor - 0.5
    return (new + 0.5) / factor - 0.5


_ROUND: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _nearest(node: Node, x: Tensor, factors: list[float], size: list[int], where: str) -> Tensor:
    old = node.operator == "Upsample" or node.opset < 11
    rule = _ROUND["floor" if old else node.settings.get("nearest_mode", "round_prefer_floor")]
    whole = all(f == int(f) for f in factors)
    if where == "asymmetric" and rule is np.floor and whole:
        return F.interpolate(x, size[2:], mode="nearest")
    for axis in range(2, x.dim()):
        at = rule(_coordinates(size[axis], x.shape[axis], factors[axis], where))
        index = torch.tensor(np.clip(at, 0, x.shape[axis] - 1).astype(int).tolist(), device=x.device)
        x = x.index_select(axis, index)
    return x


def _linear(x: Tensor, factors: list[float], size: list[int], where: str) -> Tensor:
    """Linear interpolation by any rule, axis after axis, as a product with a matrix of weights."""
    for axis in range(2, x.dim()):
        before = x.shape[axis]
        at = np.clip(_coordinates(size[axis], before, factors[axis], where), 0, before - 1)
        weights = np.clip(1 - np.abs(at[:, None] - np.arange(before)), 0, None)
        matrix = torch.tensor(weights.tolist(), dtype=x.dtype, device=x.device)
        x = (x.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
    return x
