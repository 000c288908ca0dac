"""Heads: what makes numbers without places of a plane, had from the clean run's by difference.

A mean over the plane moves by the sum of what moved, divided by the number of places; a linear layer on the flattened plane
by what its columns for the changed places say of the differences. Neither needs the plane put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.rule import Head
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref

SCRATCH = 32 << 20
"""Bytes of weights that are laid out anew at once."""

APART = 0.35
"""The part of a plane below which its places are multiplied one by one: such products are small, and reach a third of the
rate of a large one.
"""


def head_of(graph: Graph, operation: Operation) -> Head | None:
    """The head that begins with an operation, see `Head`; None where none does."""
    return Meaned.of(graph, operation) or FlatLinear.of(graph, operation)


# --- the mean over the plane ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaned:
    """``clean + factor · (Σ box − Σ clean window)``: the mean over all places, or their sum.

    Sums are taken in double: those of the clean windows are differences of a summed-area table.
    """

    source: int
    output: int
    steps: tuple[Operation, ...]
    factor: float
    shape: tuple[int, ...]
    """Of one output, without the batch."""
    macs: int = 0

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Meaned | None:
        output = operation.outputs[0] if len(operation.outputs) == 1 else None
        if len(operation.inputs) != 1 or output is None or operation.random:
            return None
        (source,) = operation.inputs
        shape = graph.values[source].shape
        if len(shape) != 4 or not graph.values[source].dtype.is_floating_point:
            return None
        factor = whole_mean(graph, operation)
        if factor is None:
            return None
        return cls(source, output, (operation,), factor, graph.values[output].at(1)[1:])

    def work(self, height: int, width: int) -> int:
        return 0

    def clean(self, plane: Tensor) -> tuple[Tensor, Tensor]:
        """The clean output (1, C), and the summed-area table (H + 1, W + 1, C) of the plane, in double."""
        (out,) = self.steps[0].call({self.source: plane}, 1).unbind()
        sums = plane[0].permute(1, 2, 0).double().cumsum(0).cumsum(1)
        return out.reshape(1, -1), F.pad(sums, (0, 0, 1, 0, 1, 0))

    def take(self, clean: tuple[Tensor, Tensor], box: Tensor, top: Tensor, left: Tensor) -> tuple[Tensor, ...]:
        _, table = clean
        bottom, right = top + box.shape[2], left + box.shape[3]
        before = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        return (((box.sum((2, 3), dtype=torch.float64) - before) * self.factor).to(box.dtype),)

    def give(self, clean: tuple[Tensor, Tensor], taken: Sequence[tuple[Tensor, ...]]) -> Tensor:
        moved = torch.cat([t for (t,) in taken])
        return (clean[0] + moved).reshape(len(moved), *self.shape)


def whole_mean(graph: Graph, operation: Operation) -> float | None:
    """By what the sum over the plane is multiplied, where that is all that the operation does; None otherwise."""
    name = operation.name
    if name not in ("adaptive_avg_pool2d", "avg_pool2d", "mean", "sum"):
        return None
    given = Arguments.of(operation, graph.values, 1)
    places = graph.values[operation.inputs[0]].at(1)[2:]
    if prod(places) == 1:
        return None
    if name == "adaptive_avg_pool2d":
        return 1 / prod(places) if given.per_axis(1, "output_size", 1, 2) == (1, 1) else None
    if name == "avg_pool2d":
        whole = given.per_axis(1, "kernel_size", 1, 2) == places and given.per_axis(3, "padding", 0, 2) == (0, 0)
        divisor = given.get(6, "divisor_override") or prod(places)
        return 1 / divisor if whole else None
    if given.get(3, "dtype") is not None:
        return None
    axes = given.get(1, "dim", given.named.get("axis"))
    axes = tuple(axes) if isinstance(axes, (tuple, list)) else None
    if axes is None or len(axes) != 2 or {a % 4 for a in axes} != {2, 3}:
        return None
    return 1 / prod(places) if name == "mean" else 1.0


# --- a linear layer on the flattened plane ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FlatLinear:
    """``clean + Σ_places W_place · (box − clean)``, over the places of the box; ``W_place`` (outputs, C) are the columns of
    the weights that read one place.

    All positions at once: of small boxes place by place, since each reads but its own columns; the differences in large ones
    as a plane, with zeros beyond the box.

    Attributes
    ----------
    weight
        (outputs, C · H · W), or (outputs, H · W · C) where the plane is flattened with its channels last.
    channels, height, width
        Of the plane.
    """

    source: int
    output: int
    steps: tuple[Operation, ...]
    weight: Tensor = field(repr=False)
    channels: int
    height: int
    width: int
    channels_last: bool

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> FlatLinear | None:
        if len(operation.inputs) != 1 or len(graph.values[operation.inputs[0]].shape) != 4:
            return None
        (source,) = operation.inputs
        steps, last = [operation], operation.name == "permute"
        if last:
            if tuple(a for a in operation.arguments if not isinstance(a, Ref)) != (0, 2, 3, 1):
                return None
            steps.append(_next(graph, operation))
        if not _flattens(graph, steps[-1]):
            return None
        steps.append(_next(graph, steps[-1]))
        while steps[-1] is not None and steps[-1].name in ("dropout", "contiguous", "clone", "detach"):
            if steps[-1].random:
                return None
            steps.append(_next(graph, steps[-1]))
        linear = steps[-1]
        weight = None if linear is None else _weight(graph, linear)
        shape = graph.values[source].at(1)[1:]
        if linear is None or weight is None or weight.shape[1] != prod(shape) or prod(shape[1:]) == 1:
            return None
        (output,) = linear.outputs
        if output is None:
            return None
        return cls(source, output, tuple(s for s in steps if s is not None), weight, *shape, channels_last=last)

    @property
    def macs(self) -> int:
        return self.channels * self.weight.shape[0]

    def work(self, height: int, width: int) -> int:
        return self.macs * (height * width if self._apart(height, width) else self.height * self.width)

    def _apart(self, height: int, width: int) -> bool:
        return height * width < APART * self.height * self.width

    def clean(self, plane: Tensor) -> tuple[Tensor, Tensor]:
        """The clean output (1, outputs) and the clean plane as (H · W, C)."""
        values = {self.source: plane}
        for step in self.steps:
            values[step.outputs[0] or 0] = step.call(values, 1)
        return values[self.output], plane[0].flatten(1).t().contiguous()

    def take(self, clean: tuple[Tensor, Tensor], box: Tensor, top: Tensor, left: Tensor) -> tuple[Tensor, ...]:
        """Differences (B, h · w, C) and the places they stand at (B, h · w); or planes of differences, flattened as the
        weights read them, (B, C · H · W).
        """
        count, _, height, width = box.shape
        down, across = top[:, None] + torch.arange(height), left[:, None] + torch.arange(width)
        places = (down[:, :, None] * self.width + across[:, None, :]).flatten(1)
        differences = box.flatten(2).transpose(1, 2) - clean[1][places]
        if self._apart(height, width):
            return differences, places
        plane = box.new_zeros(count, self.height * self.width, self.channels)
        plane[torch.arange(count)[:, None], places] = differences
        return ((plane if self.channels_last else plane.transpose(1, 2)).flatten(1),)

    def give(self, clean: tuple[Tensor, Tensor], taken: Sequence[tuple[Tensor, ...]]) -> Tensor:
        numbers = torch.arange(sum(len(t[0]) for t in taken)).split([len(t[0]) for t in taken])
        out = clean[0].repeat(sum(map(len, numbers)), 1)
        planes = [k for k, t in enumerate(taken) if len(t) == 1]
        if planes:
            moved = F.linear(torch.cat([taken[k][0] for k in planes]), self.weight)
            out[torch.cat([numbers[k] for k in planes])] += moved
        apart = [k for k, t in enumerate(taken) if len(t) == 2]
        if apart:
            position = torch.cat([n[:, None].expand(taken[k][1].shape).flatten() for k in apart for n in [numbers[k]]])
            self._one_by_one(
                out, torch.cat([taken[k][0].flatten(0, 1) for k in apart]),
                torch.cat([taken[k][1].flatten() for k in apart]), position,
            )  # fmt: skip
        return out

    def _one_by_one(self, out: Tensor, differences: Tensor, places: Tensor, position: Tensor) -> None:
        """Add what differences (n, C) at places (n,) of positions (n,) make to their rows of out, place by place."""
        order = places.argsort(stable=True)
        differences, position = differences[order], position[order]
        ends = places.bincount(minlength=self.height * self.width).cumsum(0).tolist()
        wide = max(1, SCRATCH // (self.weight.shape[1] * self.weight.element_size()))
        for first in range(0, len(self.weight), wide):
            weight = self._by_place(self.weight[first : first + wide])
            made = out.new_zeros(len(out), weight.shape[1])
            for place, columns in enumerate(weight):
                here = slice(ends[place - 1] if place else 0, ends[place])
                if here.start < here.stop:
                    rows = position[here, None].expand(-1, made.shape[1])
                    made.scatter_add_(0, rows, differences[here] @ columns.t())
            out[:, first : first + wide] += made

    def _by_place(self, weight: Tensor) -> Tensor:
        """(H · W, outputs, C), with the channels of a place side by side in memory."""
        if self.channels_last:
            return weight.unflatten(1, (-1, self.channels)).transpose(0, 1)
        return weight.unflatten(1, (self.channels, -1)).transpose(1, 2).contiguous().transpose(0, 1)


def _next(graph: Graph, operation: Operation) -> Any:
    """The only operation that reads what one gives; None where several do, or the graph hands it on."""
    (value,) = operation.outputs
    readers = graph.consumers.get(value, ()) if value is not None else ()
    given = {place.value for place in graph.outputs.values()}
    return graph.operations[readers[0]] if len(readers) == 1 and value not in given else None


def _flattens(graph: Graph, operation: Operation | None) -> bool:
    """Whether an operation lays all that belongs to one picture in a row, in order."""
    if operation is None or operation.name not in ("flatten", "view", "reshape") or operation.outputs[0] is None:
        return False
    before, after = graph.values[operation.inputs[0]].shape, graph.values[operation.outputs[0]].shape
    return len(after) == 2 and after[0] == before[0] and after[1] == prod(int(n) for n in before[1:])  # type: ignore[arg-type]


def _weight(graph: Graph, operation: Operation) -> Tensor | None:
    """The weight (outputs, inputs) of a linear layer or a product with a constant matrix."""
    given = Arguments.of(operation, graph.values, 1)
    weight = given.get(1, "weight" if operation.kind is Kind.LINEAR else "other")
    if not isinstance(weight, Tensor) or weight.dim() != 2 or len(operation.inputs) != 1:
        return None
    if operation.name == "linear":
        return weight.detach()
    x = given.get(0, "input", given.named.get("self"))
    return weight.detach().t() if operation.name in ("matmul", "mm") and isinstance(x, Ref) else None
