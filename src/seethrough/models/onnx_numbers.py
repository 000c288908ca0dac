"""Arithmetic that a network does with sizes and not with pictures: ``Shape``, ``Gather``, ``Concat``, and then ``Reshape``.

It is done in NumPy, aside, so that the tensors of the network go from one operation to the next with plain numbers as
their settings. And before an array is made its size is looked at: a few bytes in a file may ask for terabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from seethrough.models.onnx_program import DTYPES, Node

MOST_NUMBERS = 2**20
"""Elements of an array of sizes, indices or the like."""

Array = np.ndarray


def within(shape: Iterable[int]) -> tuple[int, ...]:
    """A shape that may be allocated.

    Raises
    ------
    ValueError
        A negative size, or more than `MOST_NUMBERS` elements.
    """
    sizes = tuple(int(n) for n in shape)
    if any(n < 0 for n in sizes) or prod(sizes) > MOST_NUMBERS:
        raise ValueError(f"an array of shape {sizes} is asked for, and at most {MOST_NUMBERS:,} numbers are made")
    return sizes


def axes_of(node: Node, given: Array | None, rank: int) -> tuple[int, ...] | None:
    """Axes that an operator was told, as an attribute or as an input, counted from 0; None where it wasn't."""
    said = node.settings.get("axes") if given is None else given.ravel().tolist()
    return None if said is None else tuple(int(a) + rank if a < 0 else int(a) for a in said)


def slices_of(node: Node, rank: int, given: Sequence[Array | None]) -> list[tuple[int, int, int, int]]:
    """What ``Slice`` takes, as (axis, start, end, step)."""
    if given:
        starts, ends, axes, steps = (
            None if a is None else [int(n) for n in a.ravel()] for a in (*given, None, None)[:4]
        )
    else:
        starts, ends, axes, steps = node.settings["starts"], node.settings["ends"], node.settings.get("axes"), None
    starts, ends = starts or [], ends or []
    axes = list(range(len(starts))) if axes is None else [a + rank if a < 0 else a for a in axes]
    steps = [1] * len(starts) if steps is None else steps
    return list(zip(axes, starts, ends, steps, strict=True))


def target_shape(node: Node, shape: Sequence[int], target: Sequence[int]) -> list[int]:
    """What ``Reshape`` is told, with the zeros that mean "as it was" filled in."""
    if node.settings.get("allowzero"):
        return [int(n) for n in target]
    return [shape[i] if n == 0 else int(n) for i, n in enumerate(target)]


# --- the operators ----------------------------------------------------------------------------------------------------


def _gather(node: Node, data: Array, indices: Array) -> Array:
    return np.take(data, indices, axis=node.settings.get("axis", 0))


def _unsqueeze(node: Node, data: Array, axes: Array | None = None) -> Array:
    count = len(node.settings.get("axes", ())) if axes is None else axes.size
    return np.expand_dims(data, axes_of(node, axes, data.ndim + count) or ())


def _squeeze(node: Node, data: Array, axes: Array | None = None) -> Array:
    return np.squeeze(data, axes_of(node, axes, data.ndim))


def _concat(node: Node, *data: Array) -> Array:
    return np.concatenate(data, node.settings["axis"])


def _slice(node: Node, data: Array, *given: Array | None) -> Array:
    cut = [slice(None)] * data.ndim
    for axis, start, end, step in slices_of(node, data.ndim, given):
        # An end before the first element, when counting down, is what Python calls None.
        cut[axis] = slice(start, None if step < 0 and end < -data.shape[axis] else end, step)
    return data[tuple(cut)]


def _cast(node: Node, data: Array) -> Array:
    return data.astype(DTYPES.get(node.settings["to"], np.float32))


def _div(_: Node, a: Array, b: Array) -> Array:
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        return np.trunc(a / b).astype(a.dtype)
    return a / b


def _mod(node: Node, a: Array, b: Array) -> Array:
    return np.fmod(a, b) if node.settings.get("fmod") else np.mod(a, b)


def _constant_of_shape(node: Node, shape: Array) -> Array:
    value = node.settings.get("value", np.zeros(1, np.float32))
    return np.full(within(shape.ravel()), value.reshape(-1)[0], value.dtype)


def _expand(_: Node, data: Array, shape: Array) -> Array:
    return np.broadcast_to(data, within(np.broadcast_shapes(data.shape, within(shape.ravel()))))


def _tile(_: Node, data: Array, repeats: Array) -> Array:
    within([n * int(r) for n, r in zip(data.shape, repeats.ravel())])
    return np.tile(data, repeats.ravel())


def _reshape(node: Node, data: Array, shape: Array) -> Array:
    return data.reshape(target_shape(node, data.shape, shape.ravel().tolist()))


def _transpose(node: Node, data: Array) -> Array:
    return data.transpose(node.settings.get("perm"))


def _reduced(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def apply(node: Node, data: Array, axes: Array | None = None) -> Array:
        found = reduce(data, axis=axes_of(node, axes, data.ndim), keepdims=bool(node.settings.get("keepdims", 1)))
        return np.asarray(found).astype(data.dtype)

    return apply


def _split(node: Node, data: Array, parts: Array | None = None) -> tuple[Array, ...]:
    said = node.settings.get("split") if parts is None else parts.ravel().tolist()
    axis = node.settings.get("axis", 0)
    return tuple(np.split(data, np.cumsum(said)[:-1] if said else len(node.outputs), axis))


def _flatten(node: Node, data: Array) -> Array:
    axis = node.settings.get("axis", 1) % (data.ndim + 1)
    return data.reshape(prod(data.shape[:axis]), -1)


def _scatter_nd(_: Node, data: Array, indices: Array, updates: Array) -> Array:
    found = data.copy()
    found[tuple(np.moveaxis(indices, -1, 0))] = updates
    return found


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *inputs: np.asarray(function(*inputs))


NUMBERS: dict[str, Callable[..., Any]] = {
    "Add": _plain(np.add), "Sub": _plain(np.subtract), "Mul": _plain(np.multiply), "Div": _div, "Mod": _mod,
    "Neg": _plain(np.negative), "Abs": _plain(np.abs), "Floor": _plain(np.floor), "Ceil": _plain(np.ceil),
    "Round": _plain(np.round), "Sqrt": _plain(np.sqrt), "Reciprocal": _plain(np.reciprocal),
    "Max": _plain(lambda *all_: np.maximum.reduce(all_)), "Min": _plain(lambda *all_: np.minimum.reduce(all_)),
    "Equal": _plain(np.equal), "Greater": _plain(np.greater), "Less": _plain(np.less),
    "GreaterOrEqual": _plain(np.greater_equal), "LessOrEqual": _plain(np.less_equal), "Not": _plain(np.logical_not),
    "And": _plain(np.logical_and), "Or": _plain(np.logical_or), "Where": _plain(np.where),
    "Identity": _plain(np.asarray), "Gather": _gather, "Unsqueeze": _unsqueeze, "Squeeze": _squeeze,
    "Concat": _concat, "Slice": _slice, "Cast": _cast, "ConstantOfShape": _constant_of_shape, "Expand": _expand,
    "Tile": _tile, "Reshape": _reshape, "Transpose": _transpose, "Split": _split,
    "Flatten": _flatten, "ScatterND": _scatter_nd, "Size": _plain(np.size), "Shape": _plain(np.shape),
    "ReduceProd": _reduced(np.prod), "ReduceSum": _reduced(np.sum), "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
}  # fmt: skip
"""Operators that are done on plain numbers, by ONNX's name; each takes its node and its arrays."""
