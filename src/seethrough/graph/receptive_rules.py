"""How each kind of operation moves what is seen: the arithmetic of `seethrough.graph.receptive`, one small rule a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import torch

from seethrough.graph.arguments import Arguments
from seethrough.graph.cost import named_axes
from seethrough.graph.operations import PLACEWISE, Kind, Operation, Ref
from seethrough.graph.windows import Run, Shape, Window, union


@dataclass(frozen=True, slots=True)
class Step:
    """One output of one operation, with what its inputs see."""

    operation: Operation
    given: Arguments
    windows: dict[int, Window]
    value: int
    position: int

    @property
    def shape(self) -> Shape:
        return self.given.values[self.value].at(self.given.batch)

    def trace(self) -> Window | None:
        """What the output sees; None where it doesn't depend on the picture."""
        if not any(v in self.windows for v in self.operation.inputs):
            return None
        rule = _BY_NAME.get(self.operation.name) or _RULES.get(self.operation.kind, _everything)
        found = rule(self)
        return found if found is None or found.shape == self.shape else found.everywhere(self.shape)

    def window(self, argument: Any) -> Window | None:
        return self.windows.get(argument.value) if isinstance(argument, Ref) else None

    @property
    def seen(self) -> list[Window]:
        return [self.windows[v] for v in self.operation.inputs if v in self.windows]

    @property
    def first(self) -> Window:
        return self.seen[0]

    def union(self, windows: Iterable[Window | None]) -> Window:
        return union([w for w in windows if w is not None], self.shape)


Rule = Callable[[Step], Window | None]


def _everything(step: Step) -> Window:
    return step.union(w.everywhere(step.shape) for w in step.seen)


def _place_by_place(step: Step) -> Window:
    return step.union(step.seen)


def _nothing(step: Step) -> None:
    return None


def _layer(step: Step, slide: Callable[[Window, int, int], Window], kernel: Any = None) -> Window:
    """A map through something that slides along its spatial axes (those behind N, C), each by ``slide(window, axis,
    which)``.
    """
    data, weight = step.window(step.given.get(0, "input")), step.window(kernel)
    parts = [weight.everywhere(step.shape)] if weight is not None else []
    if data is not None:
        count = int(step.operation.name.removesuffix("_with_indices").rstrip("d")[-1])
        lead = len(data.axes) - count
        data = data.resized(lead - 1, step.shape[lead - 1])
        for i in range(count):
            data = slide(data, lead + i, i)
        parts.append(data)
    return step.union(parts)


def _convolution(step: Step) -> Window:
    kernel = step.given.shape(step.given.get(1, "weight"))[2:]
    n = len(kernel)
    stride, dilation = step.given.per_axis(3, "stride", 1, n), step.given.per_axis(5, "dilation", 1, n)
    same = step.given.get(4, "padding", 0)
    if isinstance(same, str):
        padding = tuple(d * (k - 1) // 2 if same == "same" else 0 for d, k in zip(dilation, kernel))
    else:
        padding = step.given.per_axis(4, "padding", 0, n)

    def slide(window: Window, axis: int, i: int) -> Window:
        reach = dilation[i] * (kernel[i] - 1)
        return window.slid(axis, step.shape[axis], -padding[i], reach - padding[i], stride[i])

    return _layer(step, slide, step.given.get(1, "weight"))


def _transposed(step: Step) -> Window:
    kernel = step.given.shape(step.given.get(1, "weight"))[2:]
    n = len(kernel)
    stride, padding, dilation = (
        step.given.per_axis(k, name, d, n) for k, name, d in ((3, "stride", 1), (4, "padding", 0), (7, "dilation", 1))
    )

    def slide(window: Window, axis: int, i: int) -> Window:
        # place o of the output is reached from the places (o + p − d t) / s that are whole
        reach = dilation[i] * (kernel[i] - 1)
        return window.slid(
            axis,
            step.shape[axis],
            Fraction(padding[i] - reach, stride[i]),
            Fraction(padding[i], stride[i]),
            Fraction(1, stride[i]),
        )

    return _layer(step, slide, step.given.get(1, "weight"))


def _pooling(step: Step) -> Window:
    name = step.operation.name
    if name.startswith("adaptive"):
        return _layer(step, lambda window, axis, i: _shared_out(window, axis, step.shape[axis]))
    if name.startswith("fractional"):
        return _everything(step)
    n = int(name.removesuffix("_with_indices").rstrip("d")[-1])
    at = 2 if name.startswith("lp") else 1
    kernel = step.given.per_axis(at, "kernel_size", 1, n)
    stride = step.given.per_axis(at + 1, "stride", kernel, n) if step.given.get(at + 1, "stride") else kernel
    padding = step.given.per_axis(at + 2, "padding", 0, n) if at == 1 else (0,) * n
    dilation = step.given.per_axis(4, "dilation", 1, n) if name.startswith("max") else (1,) * n

    def slide(window: Window, axis: int, i: int) -> Window:
        return window.slid(axis, step.shape[axis], -padding[i], dilation[i] * (kernel[i] - 1) - padding[i], stride[i])

    return _layer(step, slide)


def _shared_out(window: Window, axis: int, size: int) -> Window:
    """Adaptive pooling: place i averages the places ⌊i n/m⌋ to ⌈(i + 1) n/m⌉ − 1."""
    if size == 1:
        return window.resized(axis, 1)
    step = Fraction(window.shape[axis], size)
    loss = Fraction(step.denominator - 1, step.denominator)
    return window.slid(axis, size, -loss, step + loss - 1, step)


def _padding(step: Step) -> Window:
    window, widths = step.first, [int(w) for w in step.given.get(1, "pad")]
    last = len(window.axes) - 1
    for k, (before, after) in enumerate(zip(widths[::2], widths[1::2])):
        if before or after:
            window = window.spread([last - k]) if step.given.get(2, "mode", "constant") == "circular" else window
            window = window.slid(last - k, step.shape[last - k], -before, -before)
    return window


def _resizing(step: Step) -> Window:
    if step.operation.name not in ("interpolate", "upsample"):
        return _everything(step)
    mode, align = step.given.get(3, "mode", "nearest"), bool(step.given.get(4, "align_corners"))
    wide = bool(step.given.get(6, "antialias"))
    window = step.first
    for axis in range(2, len(window.axes)):
        n, m = window.shape[axis], step.shape[axis]
        if mode == "area":
            window = _shared_out(window, axis, m)
        elif n != m or wide:
            window = _resampled(window, axis, m, mode, align, wide)
    return window


def _resampled(window: Window, axis: int, size: int, mode: str, align: bool, wide: bool) -> Window:
    n = window.shape[axis]
    step = Fraction(max(n - 1, 0), max(size - 1, 1)) if align else Fraction(n, size)
    if mode == "nearest":
        return window.slid(axis, size, -Fraction(step.denominator - 1, step.denominator), 0, step)
    shift = 0 if align else (step - 1) / 2
    if mode == "nearest-exact":
        return window.slid(axis, size, shift - Fraction(1, 2), shift + Fraction(1, 2), step)
    taps = 2 if mode == "bicubic" else 1
    # at a whole place the outermost tap weighs nothing
    reach = taps * max(step, 1) + Fraction(1, 2) if wide else taps - Fraction(1, 2 * step.denominator)
    return window.slid(axis, size, shift - reach, shift + reach, step)


def _repeated(step: Step) -> Window:
    """``repeat_interleave``: resizing to the nearest along one axis."""
    dim = step.given.get(2, "dim")
    if not isinstance(dim, int):
        return _everything(step)
    axis = dim % len(step.shape)
    return _resampled(step.first, axis, step.shape[axis], "nearest", False, False)


def _shuffled(step: Step) -> Window:
    """Channels laid out as places, or the other way round."""
    window, grows = step.first, step.operation.name == "pixel_shuffle"
    r = int(step.given.get(1, "upscale_factor" if grows else "downscale_factor"))
    lead = len(window.axes) - 2
    window = window.resized(lead - 1, step.shape[lead - 1])
    for axis in (lead, lead + 1):
        if grows:
            window = window.slid(axis, step.shape[axis], -Fraction(r - 1, r), 0, Fraction(1, r))
        else:
            window = window.slid(axis, step.shape[axis], 0, r - 1, r)
    return window


def _normalisation(step: Step) -> Window:
    name, rank = step.operation.name, len(step.shape)
    if name == "batch_norm":
        mixed = [a for a in range(rank) if a != 1] if step.given.get(5, "training") else []
    elif name == "instance_norm":
        mixed = list(range(2, rank)) if step.given.get(5, "use_input_stats", True) else []
    elif name == "group_norm":
        mixed = list(range(1, rank))
    elif name in ("layer_norm", "rms_norm"):
        shape = step.given.get(1, "normalized_shape")
        mixed = list(range(rank - len(shape if isinstance(shape, (tuple, list, torch.Size)) else (shape,)), rank))
    elif name == "normalize":
        mixed = _as_axes(step.given.get(2, "dim", 1), rank)
    else:
        mixed = [1]
    return step.union(w.spread(mixed) if len(w.axes) == rank else w for w in step.seen)


def _as_axes(dims: Any, rank: int) -> list[int]:
    """``dim`` as a list; all axes where it wasn't given."""
    if dims is None:
        return list(range(rank))
    return [int(d) % rank for d in (dims if isinstance(dims, (tuple, list)) else (dims,))]


_DIM_POSITION = {"norm": 2, "roll": 2}


def _along(step: Step) -> Window:
    """Reductions, softmax and what else mixes the places of some axes, which stay or go."""
    window = step.first
    if len(step.operation.inputs) > 1:
        return _place_by_place(step)  # the larger of two tensors
    dims = step.given.get(_DIM_POSITION.get(step.operation.name, 1), "dim", step.given.named.get("axis"))
    mixed = _as_axes(dims if not isinstance(dims, bool) else None, len(window.axes))
    window = window.spread(mixed)
    if len(step.shape) < len(window.axes):
        window = window.with_axes([axis for a, axis in enumerate(window.axes) if a not in mixed])
    elif window.shape != step.shape and len(step.shape) == len(window.axes):
        for a in mixed:
            window = window.resized(a, step.shape[a])
    return window


def _concatenation(step: Step) -> Window:
    if step.operation.name in ("hstack", "vstack"):
        return _everything(step)
    rank, parts, offset = len(step.shape), [], 0
    dim = int(step.given.get(1, "dim", step.given.named.get("axis", 0))) % rank
    for tensor in step.given.get(0, "tensors"):
        window, length = step.window(tensor), (1,)
        if step.operation.name == "stack":
            if window is not None:
                parts.append(
                    window.with_axes([*window.axes[:dim], (window.still_run(step.shape[dim]),), *window.axes[dim:]])
                )
            continue
        length = step.given.shape(tensor)
        if window is not None and len(window.axes) == rank:
            parts.append(window.slid(dim, step.shape[dim], -offset, -offset))
        offset += length[dim] if len(length) == rank else 0
    return step.union(parts)


def _reshape(step: Step) -> Window:
    return step.first.reshaped(step.shape)


def _view(step: Step) -> Window | None:
    """Permutations, slices and expansions: asked of the function itself, which is given a tensor without data whose
    strides tell its axes apart.
    """
    base, *others = step.operation.inputs
    source = step.windows.get(base)
    if source is None:
        return None  # something else, made as large as what depends on the picture
    if others and step.operation.kind is not Kind.EXPAND:
        return _everything(step)
    sizes = source.shape
    strides = [prod([max(n, 2) for n in sizes[a + 1 :]]) for a in range(len(sizes))]
    probe = torch.empty_strided(sizes, strides, device="meta")
    beside = {v: torch.empty(step.given.values[v].at(step.given.batch), device="meta") for v in others}
    try:
        with torch.no_grad():
            found = step.operation.call({base: probe, **beside}, step.given.batch)
    except (RuntimeError, NotImplementedError):
        return _everything(step)  # a function that looks at the data
    view = found if isinstance(found, torch.Tensor) else found[step.position]
    if view is probe:
        return source
    if view._base is not probe:
        return _selected(step)
    return _through(source, strides, view)


def _through(source: Window, strides: list[int], view: torch.Tensor) -> Window:
    """The window seen through a view of its value, read from the view's strides and offset."""
    offset, starts = int(view.storage_offset()), []
    for stride in strides:
        starts.append(offset // stride)
        offset %= stride
    origin = [next((a for a, s in enumerate(strides) if s <= t), None) if t else None for t in view.stride()]
    straight = {
        a for k, a in enumerate(origin)
        if a is not None and view.stride(k) == strides[a] and view.shape[k] == source.shape[a] and not starts[a] and origin.count(a) == 1
    }  # fmt: skip
    source = source.spread(a for a, runs in enumerate(source.axes) if len(runs) > 1 and a not in straight)
    low, high = list(source.low), list(source.high)
    for a, (start, runs) in enumerate(zip(starts, source.axes)):
        for run in runs if a not in straight else ():
            low = [n + step * start for n, step in zip(low, run.steps)]
            high = [n + step * start for n, step in zip(high, run.steps)]
    axes: list[tuple[Run, ...]] = []
    for k, a in enumerate(origin):
        if a is None:
            axes.append((source.still_run(view.shape[k]),))
        elif a in straight:
            axes.append(source.axes[a])
        else:
            times = view.stride(k) // strides[a]
            axes.append(tuple(Run(view.shape[k], tuple(s * times for s in run.steps)) for run in source.axes[a]))
    return Window(tuple(axes), tuple(low), tuple(high))


def _selected(step: Step) -> Window:
    """A selection that copies: it mixes one axis where it names one."""
    return _along(step) if step.operation.name in ("roll", "flip", "index_select") else _everything(step)


def _linear(step: Step) -> Window:
    data, weight = step.window(step.given.get(0, "input")), step.window(step.given.get(1, "weight"))
    return step.union([data and data.resized(-1, step.shape[-1]), weight and weight.everywhere(step.shape)])


def _product(step: Step) -> Window:
    """``a @ b``: the rows of one, the columns of the other."""
    at = 1 if step.operation.name in ("addmm", "baddbmm") else 0
    left, right = step.given.positional[at : at + 2] if len(step.given.positional) > at + 1 else (None, None)
    if min(len(step.given.shape(x)) if x is not None else 0 for x in (left, right)) < 2 or len(step.shape) < 2:
        return _everything(step)
    a, b = step.window(left), step.window(right)
    added = step.window(step.given.get(0, "input")) if at else None
    return step.union([a and a.resized(-1, step.shape[-1]), b and b.resized(-2, step.shape[-2]), added])


def _einsum(step: Step) -> Window:
    equation = step.given.get(0, "equation")
    if not isinstance(equation, str) or "->" not in equation or "..." in equation:
        return _everything(step)
    operands, _, result = equation.replace(" ", "").partition("->")
    tensors = step.given.positional[1:]
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    parts = []
    for labels, tensor in zip(operands.split(","), tensors):
        window = step.window(tensor)
        if window is not None and len(named_axes(labels, window.shape)) == len(labels):
            window = window.spread(a for a, label in enumerate(labels) if label not in result)
            axes = [
                window.axes[labels.index(k)] if k in labels else (window.still_run(n),)
                for k, n in zip(result, step.shape)
            ]
            parts.append(window.with_axes(axes))
        elif window is not None:
            parts.append(window.everywhere(step.shape))
    return step.union(parts)


def _attention(step: Step) -> Window:
    query, key, value = (step.window(step.given.get(i, name)) for i, name in enumerate(("query", "key", "value")))
    looked_at = [w and w.resized(-1, step.shape[-1]).resized(-2, step.shape[-2]) for w in (key, value)]
    return step.union([query and query.resized(-1, step.shape[-1]), *looked_at])


def _write(step: Step) -> Window:
    """What is written lands at the same places where its sizes say so; else it may be anywhere."""
    operation = step.operation
    if operation.name not in PLACEWISE and operation.name not in ("setitem", "copy", "fill", "zero", "masked_fill"):
        return _everything(step)
    base, *others = operation.inputs
    parts = [step.windows[base]] if base in step.windows else []
    for window in (step.windows[v] for v in others if v in step.windows):
        moving = [a - len(window.axes) for a, runs in enumerate(window.axes) if not all(r.still for r in runs)]
        fits = len(window.axes) <= len(step.shape) and all(window.shape[a] == step.shape[a] for a in moving)
        axes: list[tuple[Run, ...]] = [(window.still_run(n),) for n in step.shape]
        for a in moving if fits else ():
            axes[a] = window.axes[a]
        parts.append(window.with_axes(axes) if fits else window.everywhere(step.shape))
    return step.union(parts)


_RULES: dict[Kind, Rule] = {
    Kind.CONVOLUTION: _convolution,
    Kind.TRANSPOSED: _transposed,
    Kind.MAX_POOL: _pooling,
    Kind.AVERAGE_POOL: _pooling,
    Kind.PAD: _padding,
    Kind.RESIZE: _resizing,
    Kind.NORMALISATION: _normalisation,
    Kind.SOFTMAX: _along,
    Kind.REDUCE: _along,
    Kind.CONCAT: _concatenation,
    Kind.RESHAPE: _reshape,
    Kind.PERMUTE: _view,
    Kind.SELECT: _view,
    Kind.EXPAND: _view,
    Kind.LINEAR: _linear,
    Kind.MATMUL: _product,
    Kind.ATTENTION: _attention,
    Kind.WRITE: _write,
    Kind.CREATE: _nothing,
    **dict.fromkeys(
        (Kind.AFFINE, Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY, Kind.ELEMENTWISE, Kind.CAST, Kind.DROPOUT),
        _place_by_place,
    ),
}
_BY_NAME: dict[str, Rule] = {
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _shuffled,
    "repeat_interleave": _repeated,
    "einsum": _einsum,
    "glu": _everything,
    "getitem": _view,
    **dict.fromkeys("addmv outer tensordot dot mv bilinear topk sort median".split(), _everything),
}
