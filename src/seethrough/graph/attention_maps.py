"""Attention maps: where places of a picture attend to places, read off a graph.

Found are torch's fused attention and attention written out (a softmax, and its product with values), in both cases only
where the keys stand on the picture and the answer reads what comes of it. Their weights, and the target's gradient with
respect to them, are had from the numbers that a run kept (`Piece.values`): a fused attention never made its weights, so
they are made again, and their gradient is ``∂y/∂A = ∂y/∂O · Vᵀ``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.graph.attention import Attention
from seethrough.graph.graph import Graph
from seethrough.graph.grid import Grid
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.reads import reads
from seethrough.graph.walk import Piece


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """One attention among the picture's places.

    Attributes
    ----------
    operation
        What makes its output: the fused attention, or the product of weights and values.
    weights
        The number of the weights' value; None where they are inside the operation.
    values
        The number of the values' value.
    grid
        How the keys stand on the picture.
    rows
        Which queries the answer reads, (queries,).
    """

    operation: Operation
    weights: int | None
    values: int
    grid: Grid
    rows: Tensor

    @property
    def windows(self) -> int:
        """How many windows the places are cut into; 1 where every place sees every other."""
        keys = len(self.grid.sizes) - 2
        others = [self.grid.sizes[axis] for axis in self.grid.places if axis != keys]
        return int(torch.tensor(others).prod()) if others else 1

    @property
    def keys(self) -> int:
        return self.grid.sizes[-2]

    def places(self, keys: Tensor) -> Tensor:
        """Of something by key, (N, …, windows · keys), what belongs to the places, (N, …, H, W)."""
        index = self.order.to(keys.device)
        return keys.index_select(-1, index).unflatten(-1, (self.grid.height, self.grid.width))

    @property
    def order(self) -> Tensor:
        """For each place, row by row, the position of its key, (H · W,)."""
        if self.grid.index is not None:
            return self.grid.index
        return torch.arange(self.grid.first, self.grid.first + self.grid.height * self.grid.width)

    def apart(self, weights: Tensor) -> Tensor:
        """Weights, or their gradient, as the operation has them, as (N, windows, heads, queries, keys)."""
        grid = self.grid
        split = weights
        if grid.per_image > 1:
            split = weights.unflatten(grid.batch, (-1, grid.per_image) if grid.major else (grid.per_image, -1))
        images = grid.batch if grid.per_image == 1 or grid.major else grid.batch + 1
        leading = [axis for axis in range(split.dim() - 2) if axis != images]
        windows = [axis for axis in leading if axis in grid.places]
        heads = [axis for axis in leading if axis not in grid.places]
        split = split.permute(images, *windows, *heads, split.dim() - 2, split.dim() - 1)
        count = torch.Size([split.shape[1 + i] for i in range(len(windows))]).numel()
        return split.reshape(len(split), count, -1, *split.shape[-2:])


def attention_maps(graph: Graph) -> list[AttentionMap]:
    """Every attention among the picture's places that the answer reads, from the first to the last."""
    found = []
    for read in reads(graph, graph.logits.value):
        operation = read.operation
        if operation.kind not in (Kind.ATTENTION, Kind.MATMUL):
            continue
        pair = _weights_and_values(graph, operation)
        if pair is None or pair[1] not in graph.grids:
            continue
        weights, values = pair
        grid = graph.grids[values]
        if len(grid.sizes) - 2 not in grid.places or len(grid.sizes) - 1 in grid.places:
            continue  # channels that attend to channels
        mask = next(iter(read.given.values()))
        rows = mask.any(-1).flatten(0, -2).any(0)
        found.append(AttentionMap(operation, weights, values, grid, rows))
    return found[::-1]


def weights_of(at: AttentionMap, piece: Piece) -> Tensor:
    """The weights of an attention as it ran, (N, windows, heads, queries, keys)."""
    if at.weights is not None:
        return at.apart(piece.values[at.weights])
    told = Attention.of(at.operation, piece.batch)

    def one(given: int | Tensor | None) -> Tensor | None:
        return piece.values[given] if isinstance(given, int) else given

    query, key, mask = one(told.query), one(told.key), one(told.mask)
    assert query is not None and key is not None
    return at.apart(told.scores(query, key, mask).softmax(-1))


def gradient_of(at: AttentionMap, piece: Piece, arrived: dict[int, Tensor]) -> Tensor:
    """The target's gradient with respect to the weights, from what arrived at the output; as `weights_of`."""
    if at.weights is not None:
        return at.apart(piece.vjp(arrived)[at.weights])
    told = Attention.of(at.operation, piece.batch)
    (output,) = arrived.values()
    values = told.for_heads(piece.values[at.values], output)
    return at.apart(output @ values.transpose(-2, -1))


def _weights_and_values(graph: Graph, operation: Operation) -> tuple[int | None, int] | None:
    """The numbers of an attention's weights (None where they are inside) and values; None where it is no attention."""
    if operation.kind is Kind.ATTENTION:
        value = Attention.of(operation, 1).value
        return (None, value) if isinstance(value, int) else None
    given = [a.value for a in operation.arguments if isinstance(a, Ref)]
    if len(given) != 2 or given[0] == given[1] or not _from_softmax(graph, given[0]):
        return None
    weights, values, output = (graph.values[v].shape for v in (*given, operation.outputs[0] or 0))
    product = len(weights) == len(values) == len(output) >= 3 and weights[-1] == values[-2]
    return (given[0], given[1]) if product and output[-2:] == (weights[-2], values[-1]) else None


# What stands between a softmax and its product with the values: mixtures of heads too.
_BETWEEN = frozenset((Kind.CAST, Kind.DROPOUT, Kind.RESHAPE, Kind.PERMUTE, Kind.EXPAND, Kind.LINEAR))


def _from_softmax(graph: Graph, value: int) -> bool:
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if operation.name == "softmax":
            return True
        if operation.kind not in _BETWEEN or len(operation.inputs) != 1:
            return False
        value = operation.inputs[0]
    return False
