"""Excitation: who wins, on the way down, when every unit passes its probability on to those that excite it.

Rules of excitation backprop (Zhang, Lin, Brandt, Shen & Sclaroff, 2016) and of deep Taylor decomposition (Montavon,
Lapuschkin, Binder, Samek & Müller, 2017), which share their middle: with activations ``a_i ≥ 0`` and no biases,
``P_i = a_i Σ_j w_ij⁺ / (Σ_i a_i w_ij⁺) P_j``. Nothing is added to a denominator: a unit that nothing excites passes nothing
on, so that ΣP is kept but for such units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.graph.composite import composite
from seethrough.graph.graph import Graph
from seethrough.graph.linear_maps import LinearMap
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.relevance import LayerRule
from seethrough.graph.rules import Rule, Rules, Shares, is_rectifier

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece


def over(share: Tensor, z: Tensor) -> Tensor:
    """``share / z`` where z is above zero; nothing elsewhere."""
    return torch.where(z > 0, share / torch.where(z > 0, z, 1), 0)


def winning(layer: LinearMap, piece: Piece, probability: Tensor) -> Tensor:
    """Marginal winning probability of a layer's inputs (Zhang et al., 2016, eq. 5)."""
    a = layer.given(piece).clamp(min=0)
    z, back = layer.apply(piece, a, layer.positive)
    return a * back(over(probability, z))


def contrasted(layer: LinearMap, piece: Piece, probability: Tensor) -> Tensor:
    """Winning probability less that of the dual unit, which has the weights of the other sign (Zhang et al., 2016, section
    3.3).
    """
    a = layer.given(piece).clamp(min=0)
    z, back = layer.apply(piece, a, layer.positive)
    dual, dual_back = layer.apply(piece, a, -layer.negative)
    return a * back(over(probability, z)) - a * dual_back(over(probability, dual))


def shared(piece: Piece, arrived: Shares) -> Shares:
    """Sums and means: each input by what it gave, what is below zero gave nothing."""
    values = {v: piece.values[v].clamp(min=0) for v in piece.inputs}
    with torch.enable_grad():
        leaves = {v: t.detach().requires_grad_() for v, t in values.items()}
        z = piece.again(leaves)
    (probability,) = arrived.values()
    found = torch.autograd.grad(z, list(leaves.values()), over(probability, z.detach()))
    return {v: values[v] * share for v, share in zip(leaves, found)}


def excitation(
    graph: Graph, maps: Iterable[LinearMap], method: str, contrast: bool = False, first: LayerRule | None = None
) -> Rules:
    """The rules of a graph.

    Parameters
    ----------
    maps
        Its linear maps.
    method
        Who asks, for the sentence of a refusal.
    contrast
        Whether the last linear map, whose outputs are the answer, contrasts.
    first
        For the maps that read the image; None: as the others.

    Raises
    ------
    NetworkRefused
        Where a unit's value may be below zero behind its activation, or where values meet otherwise than in sums: there is
        no winner then.
    """
    maps = list(maps)
    refuse_others(graph, maps, method)
    rules = composite(graph, convolution=winning, linear=winning, affine=winning, first=first, maps=maps)
    operations: dict[Operation, Rule] = dict(rules.operations)
    if contrast:
        last = _last(graph, maps, method)
        operations[last.operation] = _contrasting(last)
    sums: Mapping[Kind, Rule] = {Kind.ADD: shared, Kind.AVERAGE_POOL: shared, Kind.RESIZE: shared}
    kinds = {**rules.kinds, **sums}
    names = {**rules.names, **dict.fromkeys(("mean", "sum"), shared)}
    return replace(rules, kinds=kinds, names=names, operations=operations, relevance=False)


def _contrasting(last: LinearMap) -> Rule:
    def rule(piece: Piece, arrived: Shares) -> Shares:
        (probability,) = arrived.values()
        return {last.data: contrasted(last, piece, probability)}

    return rule


_NEVER_BELOW = frozenset("sigmoid hardsigmoid softplus softmax".split())
_WEIGHING = (Kind.CONVOLUTION, Kind.TRANSPOSED, Kind.LINEAR, Kind.MATMUL, Kind.NORMALISATION, Kind.AFFINE)


def refuse_others(graph: Graph, maps: Iterable[LinearMap], method: str) -> None:
    """See `excitation`."""
    known = {o for one in maps for o in (one.operation, *one.folded)}
    end = graph.producer.get(graph.logits.value, -1)
    for operation in graph.operations[: end + 1]:
        activation = operation.kind is Kind.ACTIVATION
        if activation and not is_rectifier(operation) and operation.name not in _NEVER_BELOW:
            why = "whose values may be below zero"
        elif operation.kind in (Kind.SOFTMAX, Kind.ATTENTION, Kind.RECURRENT):
            why = "where values aren't summed"
        elif operation.kind in _WEIGHING and operation not in known:
            why = "whose weights or statistics come from the picture"
        else:
            continue
        where = f" in layer {operation.layer!r}" if operation.layer else ""
        raise NetworkRefused(
            f"{method} is defined for networks of rectifiers, and this one has {operation.name!r}{where}, {why}; use lrp"
        )


def _last(graph: Graph, maps: Iterable[LinearMap], method: str) -> LinearMap:
    """The linear map whose outputs are the answer, perhaps averaged or reshaped."""
    by_operation = {o: one for one in maps for o in (one.operation, *one.folded)}
    value = graph.logits.value
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if operation in by_operation:
            return by_operation[operation]
        if len(operation.inputs) != 1:
            break
        value = operation.inputs[0]
    raise NetworkRefused(f"{method} needs a linear layer whose outputs are the answer; use excitation_backprop")
