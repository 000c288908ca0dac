"""Reads: which numbers of a value an answer still depends on.

A network that answers from its class token reads nothing else of its last blocks: the other tokens are computed there
and thrown away. This walks back from the answer, operation by operation, with a mask of what is read. It tells by the
operations alone, without a picture and without the weights; where an operation isn't known, all it is given is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from seethrough.graph.graph import Graph
from seethrough.graph.grids import images_of
from seethrough.graph.operations import Kind, Operation, Ref, Size
from seethrough.graph.tree import leaves_of, unflatten

Masks = dict[int, Tensor]
"""From value to a mask of its shape, True where it is read."""

Shapes = Callable[[int], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Read:
    """An operation that an answer depends on.

    ``given`` is what is read of the values it gives; ``earlier`` what is read of values made before it, past it.
    """

    operation: Operation
    given: Masks
    earlier: Masks


def reads(graph: Graph, answer: int) -> Iterator[Read]:
    """The operations that an answer depends on, from the last to the first.

    Nothing is computed beyond the operation that the caller stops at.
    """
    images = images_of(graph)
    masks: Masks = {answer: _all_of(graph.values[answer].at(images))}

    def shape_of(value: int) -> tuple[int, ...]:
        return graph.values[value].at(images)

    for operation in reversed(graph.operations):
        given = {v: masks.pop(v) for v in operation.outputs if v is not None and v in masks}
        if not given:
            continue
        yield Read(operation, given, masks)
        for v, mask in _read_by(operation, given, shape_of, images).items():
            masks[v] = masks[v] | mask if v in masks else mask


def _read_by(operation: Operation, given: Masks, shape_of: Shapes, images: int) -> Masks:
    """What an operation reads of its inputs for what is read of its outputs."""
    kind, inputs = operation.kind, operation.inputs
    if not inputs:
        return {}
    if kind in _MOVES and (len(inputs) == 1 or kind is Kind.CONCAT or operation.name.endswith("_as")):
        return _back_through(operation, given, shape_of, images)
    if kind is Kind.MATMUL or operation.name in ("mean", "sum"):
        return _back_through(operation, given, shape_of, images)
    mask = next(iter(given.values()))
    if kind in _ALONG or operation.name in ("layer_norm", "rms_norm"):
        return {v: _mixed_last(mask, shape_of(v)) for v in inputs}
    if kind in _PLACEWISE:
        return {v: _narrowed(mask, shape_of(v)) for v in inputs}
    if kind is Kind.ATTENTION:
        return _attended(operation, mask, shape_of)
    return {v: _all_of(shape_of(v)) for v in inputs}


_MOVES = frozenset((Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.EXPAND, Kind.CONCAT, Kind.PAD))
_ALONG = frozenset((Kind.LINEAR, Kind.SOFTMAX))
"""What mixes one axis, nearly always the last; softmax over another one reads as much of the rest."""
_PLACEWISE = frozenset(
    (Kind.AFFINE, Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY, Kind.ELEMENTWISE, Kind.CAST, Kind.DROPOUT)
)


def _all_of(shape: tuple[int, ...]) -> Tensor:
    return torch.ones((), dtype=torch.bool).expand(shape)


def _narrowed(mask: Tensor, shape: tuple[int, ...]) -> Tensor:
    """For an input that was broadcast: read where any of its copies is."""
    if len(shape) > mask.dim() or any(n not in (1, m) for n, m in zip(reversed(shape), reversed(mask.shape))):
        return _all_of(shape)
    extra = mask.dim() - len(shape)
    mask = mask.flatten(0, extra).any(0) if extra and shape else mask
    for axis, n in enumerate(shape):
        mask = mask.any(axis, keepdim=True) if n == 1 else mask
    return mask.reshape(shape) if mask.numel() == prod(shape) else _all_of(shape)


def _mixed_last(mask: Tensor, shape: tuple[int, ...]) -> Tensor:
    rows = mask.any(-1, keepdim=True)
    return rows.expand(shape) if rows.shape[:-1] == shape[:-1] else _all_of(shape)


def _attended(operation: Operation, mask: Tensor, shape_of: Shapes) -> Masks:
    """The rows of the queries that are read, and all keys and values of heads of which any is."""
    query, *others = operation.inputs
    heads = mask.any((-1, -2), keepdim=True)
    found = {query: _mixed_last(mask, shape_of(query))}
    for v in others:
        shape = shape_of(v)
        found[v] = heads.expand(shape) if heads.shape[:-2] == shape[:-2] else _all_of(shape)
    return found


def _back_through(operation: Operation, given: Masks, shape_of: Shapes, images: int) -> Masks:
    """By calculus on ones: what has a slope is read."""
    leaves = {v: torch.ones(shape_of(v), requires_grad=True) for v in operation.inputs}

    def filled(a: object) -> object:
        if isinstance(a, Ref):
            return leaves[a.value]
        if isinstance(a, Tensor) and a.is_floating_point():
            return torch.ones_like(a, dtype=torch.float32)
        return a.at(images) if isinstance(a, Size) else a

    args, kwargs = unflatten([filled(a) for a in operation.arguments], operation.spec)
    with torch.enable_grad():
        results = dict(zip(operation.outputs, leaves_of(operation.function(*args, **kwargs))))
    slopes = torch.autograd.grad(
        [results[v] for v in given], list(leaves.values()), [m.float() for m in given.values()], allow_unused=True
    )
    return {v: s != 0 for v, s in zip(leaves, slopes) if s is not None}
