"""Strides: what a network skips over, and how much of the map's detail can't survive it.

A map that is thinned out by a stride ``s`` can hold frequencies up to ``1 / 2s`` cycles a place; what is finer comes back as
coarse structure that isn't in the picture (Shannon 1949; seen in a network's second layer by Zeiler & Fergus, Visualizing and
Understanding Convolutional Networks, 2014; mended by low-pass filters by Zhang, Making Convolutional Networks Shift-Invariant
Again, 2019). What is measured is the *dense* map, which the layer would give with stride 1, since that is what the stride thins
out: a max pooling may blur before it skips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.graph.arguments import Arguments
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref

SMALLEST = 12
"""Places a side that a dense map needs to have a spectrum worth the name."""

LARGEST = 128
"""Places a side of the middle of a larger map that are enough to tell its spectrum by."""

BINS = 33
"""Cells a side of the spectrum that is kept: frequencies from −½ to ½ cycles a place."""

Dense = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False, slots=True)
class Stride:
    """An operation that skips places.

    Attributes
    ----------
    path
        What a person calls its layer.
    kind
        ``"convolution"``, ``"max pooling"``, ``"average pooling"``, ``"selection"``.
    value
        The number of what it reads, in this graph.
    step, reach
        (down, across): places from one window to the next, and places that a window reaches over.
    dense
        From what it reads, (N, C, H, W), to what it would give with stride 1.
    first
        Whether it reads the picture, or what is the picture but for padding and scaling.
    position
        Where it stands in the graph.
    """

    path: str
    kind: str
    value: int
    step: tuple[int, int]
    reach: tuple[int, int]
    dense: Dense
    first: bool
    position: int = 0


def strides(graph: Graph) -> list[Stride]:
    """Every operation that skips places of a map, in the order in which they run."""
    pictures = _pictures(graph)
    found = (_stride(graph, operation, pictures, position) for position, operation in enumerate(graph))
    return [stride for stride in found if stride is not None]


def spectrum(maps: Tensor) -> Tensor:
    """The power of each map by frequency.

    Parameters
    ----------
    maps
        (N, C, H, W).

    Returns
    -------
    Tensor, (N, C, H, W)
        Zero frequency in the middle; the mean is taken off, and a Hann window keeps the borders from looking like detail.
    """
    height, width = maps.shape[2:]
    window = torch.outer(torch.hann_window(height, periodic=False), torch.hann_window(width, periodic=False)).to(maps)
    mean = (maps * window).sum((2, 3), keepdim=True) / window.sum()
    return torch.fft.fftshift(torch.fft.fft2((maps - mean) * window).abs().square(), dim=(2, 3))


def frequencies(size: int) -> Tensor:
    """Cycles a place along an axis of this many places, zero in the middle."""
    return torch.fft.fftshift(torch.fft.fftfreq(size))


def lost(height: int, width: int, step: tuple[int, int]) -> Tensor:
    """Which frequencies of a map don't survive a stride, bool (H, W)."""
    down, across = frequencies(height).abs(), frequencies(width).abs()
    return (down > 1 / (2 * step[0]) + 1e-6)[:, None] | (across > 1 / (2 * step[1]) + 1e-6)[None, :]


def power_of(stride: Stride, given: Tensor) -> dict[str, np.ndarray] | None:
    """What a stride loses of some images, summed over them: ``total`` and ``lost``, the power of each channel (C,), and
    ``spectrum`` (`BINS`, `BINS`), the mean of the channels' spectra, each of which sums to 1. None for maps that are too small.
    """
    maps = _middle(stride.dense(given)).float().cpu()
    if min(maps.shape[2:]) < SMALLEST:
        return None
    power = spectrum(maps)
    each = power.sum((2, 3))
    gone = (power * lost(power.shape[2], power.shape[3], stride.step)).sum((2, 3))
    shares = (power / each.clamp(min=1e-30)[..., None, None]).mean(1).sum(0)
    return {
        "total": each.sum(0).double().numpy(),
        "lost": gone.sum(0).double().numpy(),
        "spectrum": _binned(shares.double().numpy()),
        "images": np.array([len(maps)]),
    }


# --- pieces -----------------------------------------------------------------------------------------------------------


def _stride(graph: Graph, operation: Operation, pictures: set[int], position: int) -> Stride | None:
    made = _DENSE.get(operation.kind)
    value = operation.inputs[0] if operation.inputs else None
    if made is None or value is None or len(graph.values[value].shape) != 4:
        return None
    found = made(operation, Arguments.of(operation, graph.values, graph.batch or 2))
    if found is None or max(found[0]) < 2 or _single(graph, operation):
        return None
    path = operation.layer if operation.layer in graph.layers else operation.path
    return Stride(path, operation.kind.value, value, *found, first=value in pictures, position=position)


def _single(graph: Graph, operation: Operation) -> bool:
    """Whether what comes out has one place, so that nothing was skipped on the way to the next."""
    out = operation.outputs[0]
    return out is None or all(n == 1 for n in graph.values[out].shape[2:])


Found = tuple[tuple[int, int], tuple[int, int], Dense]


def _convolution(operation: Operation, given: Arguments) -> Found | None:
    weight, bias = given.get(1, "weight"), given.get(2, "bias")
    if not isinstance(weight, Tensor) or isinstance(bias, Ref):
        return None
    step = given.per_axis(3, "stride", 1, 2)
    padding, groups = given.get(4, "padding", 0), given.get(6, "groups", 1)
    dilation = given.per_axis(5, "dilation", 1, 2)
    reach = tuple(d * (n - 1) + 1 for d, n in zip(dilation, weight.shape[2:]))

    def dense(x: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, 1, padding, dilation, groups)

    return _pair(step), _pair(reach), dense


def _max_pool(operation: Operation, given: Arguments) -> Found | None:
    if operation.name.startswith(("adaptive", "fractional")):
        return None
    kernel = given.per_axis(1, "kernel_size", 1, 2)
    step = kernel if given.get(2, "stride") in (None, (), []) else given.per_axis(2, "stride", 1, 2)
    padding, dilation = given.per_axis(3, "padding", 0, 2), given.per_axis(4, "dilation", 1, 2)

    def dense(x: Tensor) -> Tensor:
        return F.max_pool2d(x, kernel, 1, padding, dilation)

    return _pair(step), _pair(tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel))), dense


def _average_pool(operation: Operation, given: Arguments) -> Found | None:
    if operation.name != "avg_pool2d":
        return None
    kernel = given.per_axis(1, "kernel_size", 1, 2)
    step = kernel if given.get(2, "stride") in (None, (), []) else given.per_axis(2, "stride", 1, 2)
    padding = given.per_axis(3, "padding", 0, 2)

    def dense(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, kernel, 1, padding)

    return _pair(step), _pair(kernel), dense


def _selection(operation: Operation, given: Arguments) -> Found | None:
    """``x[:, :, ::2, ::2]``."""
    index = given.get(1, "index")
    if operation.name != "getitem" or not isinstance(index, tuple) or len(index) != 4:
        return None
    if not all(isinstance(part, slice) for part in index):
        return None
    steps = tuple(part.step or 1 for part in index)
    if not all(isinstance(n, int) and n > 0 for n in steps) or steps[:2] != (1, 1):
        return None
    return _pair(steps[2:]), (1, 1), lambda x: x


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[1])


_DENSE: dict[Kind, Callable[[Operation, Arguments], Found | None]] = {
    Kind.CONVOLUTION: _convolution,
    Kind.MAX_POOL: _max_pool,
    Kind.AVERAGE_POOL: _average_pool,
    Kind.SELECT: _selection,
}

_STILL_THE_PICTURE = frozenset((Kind.PAD, Kind.CAST, Kind.AFFINE, Kind.PERMUTE, Kind.ADD, Kind.MULTIPLY))


def _pictures(graph: Graph) -> set[int]:
    """The values that are the picture but for padding and scaling."""
    found = {graph.input.value}
    for operation in graph:
        if operation.kind in _STILL_THE_PICTURE and operation.inputs and set(operation.inputs) <= found:
            found.update(v for v in operation.outputs if v is not None)
    return found


def _middle(maps: Tensor) -> Tensor:
    """At most `LARGEST` places a side, from the middle."""
    starts = [max(0, (n - LARGEST) // 2) for n in maps.shape[2:]]
    return maps[:, :, starts[0] : starts[0] + LARGEST, starts[1] : starts[1] + LARGEST]


def _binned(power: np.ndarray) -> np.ndarray:
    """A spectrum on `BINS` cells a side, whatever the size of the maps."""
    cells: list[Any] = [
        np.clip(np.floor((frequencies(n).numpy() + 0.5) * BINS).astype(int), 0, BINS - 1) for n in power.shape
    ]
    out = np.zeros((BINS, BINS))
    np.add.at(out, (cells[0][:, None], cells[1][None, :]), power)
    return out
