"""Redraw: the same network with other weights, drawn at the scale of its own.

What a network has learned stands in the constants of its graph. A copy of the graph with these drawn anew answers as a
network that has learned nothing, and its activations keep their size: each filter gets numbers with the mean and the
deviation that its own had. The person's network isn't touched, nor is its graph; a weight that stands in several
operations is drawn once.

All weights are drawn at once. Drawing them layer by layer from the top, as it was first proposed (Adebayo et al., 2018),
lets the lower layers go on giving the picture's structure, so that methods can't be ranked by it (Binder et al., CVPR
2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from seethrough.graph.execute import execute, plan, store, switched
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref

STRUCTURE = 3
"""A table with at most so many different numbers in it (a mask of 0 and −100, say) is how a network is built, and not
what it has learned.
"""

RUNS = 3
"""Forwards that bringing a drawn network to the scale of its own costs: the own once, the drawn twice, each kernel before
and after.
"""

FURTHEST = 1e4
"""No kernel is scaled by more than this."""

_ROWS = frozenset((Kind.CONVOLUTION, Kind.LINEAR, Kind.RECURRENT))
# Where a vector is a learned token, and not a bias or a scale.
_TOKENS = frozenset((Kind.CONCAT, Kind.EXPAND))
# What goes with a filter and is kept with it: a filter of the same mean and deviation answers at the same size.
_KEPT = frozenset((Kind.AFFINE, Kind.NORMALISATION, Kind.CREATE, Kind.CAST))


def can_be_redrawn(graph: Graph) -> bool:
    """Whether the graph shows the network's weights, and may be run on other images than those that it was made for."""
    return graph.source == "fake" and graph.batch is None and next(_learned(graph), None) is not None


def redrawn(graph: Graph, seed: int = 0, given: Mapping[int, Tensor] | None = None) -> Graph:
    """The graph with its weights drawn anew; operations, values and layers are the same.

    Parameters
    ----------
    graph
        Of any network.
    seed
        Of the drawing. The process' random state is neither read nor changed.
    given
        Values by number to run from (a picture): each kernel is then scaled so that what it gives for it deviates as much
        as what the network's own gave. Else the structure that own kernels find, and drawn ones miss, is lost anew in
        every layer of a network that doesn't normalise. Costs `RUNS` forwards.

    Returns
    -------
    Graph
        Kernels of convolutions, of linear layers and matrix products with a constant: normal, with each filter's own mean
        and standard deviation. Learned tokens, positions and tables of attention: with the tensor's own. Biases, scales
        and statistics of normalisation: as they are.
    """
    new: dict[tuple[object, ...], Tensor] = {}
    operations, kernels = list(graph.operations), {}
    for k, at, axis in _learned(graph):
        constant = graph.operations[k].arguments[at]
        # Two operations may hold one weight as two tensors.
        key = constant.data_ptr(), tuple(constant.shape), constant.stride(), axis
        if key not in new:
            new[key] = drawn(constant, axis, torch.Generator().manual_seed(_mixed(seed, len(new))))
        operations[k] = _with(operations[k], at, new[key])
        if axis is not None and operations[k].kind is not Kind.RECURRENT:
            kernels[k] = at
    if given is not None:
        _scale(operations, kernels, graph, given)
    copy = replace(graph, operations=operations)
    # Where tokens stand depends on how the network is built, and takes time to find out.
    copy.__dict__["grids"] = graph.grids
    return copy


def _scale(operations: list[Operation], kernels: Mapping[int, int], graph: Graph, given: Mapping[int, Tensor]) -> None:
    """Scale each kernel (by the operation's position: the argument's) so that its output deviates as in the graph."""
    answers = {k: v for k in kernels if (v := graph.operations[k].outputs[0]) is not None}
    own = {v: float(t.std()) for v, t in execute(graph, given, answers.values()).items()}
    position = {id(operation): k for k, operation in enumerate(graph.operations)}
    way = plan(graph, answers.values(), given)
    values, batch = dict(given), len(next(iter(given.values())))
    factors: dict[int, float] = {}  # by the kernel, since it may stand in several operations
    with torch.no_grad():
        for step, ends in zip(way.steps, way.ends):
            k = position[id(step)]
            with switched(step.context):
                store(step, operations[k].call(values, batch), values)
                if k in answers:
                    kernel = operations[k].arguments[kernels[k]]
                    if id(kernel) not in factors:
                        factors[id(kernel)] = _factor(own[answers[k]], float(values[answers[k]].std()))
                    operations[k] = _with(operations[k], kernels[k], kernel * factors[id(kernel)])
                    store(step, operations[k].call(values, batch), values)
            for v in ends:
                values.pop(v, None)


def _factor(own: float, new: float) -> float:
    """What brings a deviation to that of the network; 1 where either is none or the way is too far."""
    factor = own / new if new > 0 else 1.0
    return factor if FURTHEST > factor > 1 / FURTHEST else 1.0


def _with(operation: Operation, at: int, constant: Tensor) -> Operation:
    arguments = list(operation.arguments)
    arguments[at] = constant
    return replace(operation, arguments=arguments)


def drawn(weights: Tensor, axis: int | None, chance: torch.Generator) -> Tensor:
    """Normal numbers in the form of ``weights``, with the mean and the standard deviation that it has: of each filter, where
    ``axis`` says which axis counts the filters, else of the whole.
    """
    rows = weights.detach().reshape(1, -1) if axis is None else weights.detach().movedim(axis, 0).flatten(1)
    form = weights.shape if axis is None else weights.movedim(axis, 0).shape
    if rows.shape[1] < 3:  # two numbers are given by their mean and deviation
        rows = rows.reshape(1, -1)
    wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
    mean, deviation = wide.mean(1, keepdim=True), wide.std(1, keepdim=True, correction=0)
    # Numbers that are all the same have no deviation; their size stands for it.
    even = deviation <= 1e-6 * mean.abs()
    mean, deviation = torch.where(even, 0, mean), torch.where(even, mean.abs(), deviation)
    noise = torch.randn(wide.shape, generator=chance, dtype=torch.float32).to(wide)
    if wide.shape[1] > 2:
        noise = (noise - noise.mean(1, keepdim=True)) / noise.std(1, keepdim=True, correction=0)
    new = (noise * deviation + mean).to(weights.dtype).reshape(form)
    return new if axis is None else new.movedim(0, axis).contiguous()


def _learned(graph: Graph) -> Iterator[tuple[int, int, int | None]]:
    """Where learned numbers stand: the operation's position, the argument's, and the axis that counts filters (None where
    there are none).
    """
    for k, operation in enumerate(graph.operations):
        if operation.kind in _KEPT:
            continue
        for at, constant in enumerate(operation.arguments):
            if not isinstance(constant, Tensor) or not constant.is_floating_point() or constant.layout != torch.strided:
                continue
            wide = sum(n > 1 for n in constant.shape)
            if operation.kind in _ROWS and constant.dim() > 1:
                yield k, at, 0
            elif operation.kind is Kind.TRANSPOSED and constant.dim() > 2:
                yield k, at, 1
            elif operation.kind is Kind.MATMUL and wide > 1 and operation.name != "einsum":
                left = not any(isinstance(a, Ref) for a in operation.arguments[:at])
                yield k, at, -2 if left else -1
            elif (wide > 1 or (operation.kind in _TOKENS and wide)) and _many(constant):
                yield k, at, None


def _many(constant: Tensor) -> bool:
    """Whether a table holds more different numbers than a mask does."""
    return constant.unique().numel() > STRUCTURE


def _mixed(seed: int, number: int) -> int:
    """A seed for one of many, far from its neighbours'."""
    return (seed * 1_000_003 + number * 7_919 + 12_345) % (2**63)
