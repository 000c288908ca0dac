"""A composite: which relevance rule holds for which operation of a graph (Montavon et al., 2019, section 10.3).

Deep layers, the middle and the pixels want different rules; a composite names one for the linear layers, one for the
convolutions and one for the first layer, and takes those of all else from the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from seethrough.graph import relevance_attention, relevance_flow
from seethrough.graph.graph import Graph
from seethrough.graph.linear_maps import LinearMap, before_the_first, linear_maps, scaling
from seethrough.graph.operations import Operation
from seethrough.graph.relevance import LayerRule, epsilon
from seethrough.graph.relevance_flow import proportional, refused, through
from seethrough.graph.rules import Rule, Rules, Shares

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece

Key = TypeVar("Key")


def composite(
    graph: Graph,
    *,
    convolution: LayerRule = epsilon,
    linear: LayerRule = epsilon,
    first: LayerRule | None = None,
    affine: LayerRule = epsilon,
    sums: Rule = proportional,
    maps: Iterable[LinearMap] | None = None,
) -> Rules:
    """The rules of a graph.

    Parameters
    ----------
    convolution, linear
        For convolutions and for linear layers, with the batch normalisation behind them folded in.
    first
        For those of them that read the image, with only what hands relevance on in between; None: as the others.
    affine
        For batch normalisations and affines that stand alone.
    sums
        For sums, means and whatever else shares in proportion.
    maps
        The graph's linear maps, where they were had already.
    """
    kinds = _with(sums, {**relevance_flow.KINDS, **relevance_attention.KINDS})
    names = _with(sums, {**relevance_flow.NAMES, **relevance_attention.NAMES})
    makers = relevance_attention.MAKERS
    rules = {"convolution": convolution, "linear": linear, "affine": affine}
    operations: dict[Operation, Rule] = {o: makers[o.kind](graph, o) for o in graph.operations if o.kind in makers}
    for layer in linear_maps(graph) if maps is None else maps:
        rule = first if first is not None and layer.first else rules[layer.kind]
        operations[layer.operation] = partial(_of_layer, layer, rule)
        operations.update(dict.fromkeys(layer.folded, through))
    operations.update({o: through for o in before_the_first(graph) if scaling(o) is not None})
    return Rules(kinds, names, None, operations, refused, values=True, relevance=True)


def _with(sums: Rule, table: dict[Key, Rule]) -> dict[Key, Rule]:
    return {key: sums if rule is proportional else rule for key, rule in table.items()}


def _of_layer(layer: LinearMap, rule: LayerRule, piece: Piece, arrived: Shares) -> Shares:
    (relevance,) = arrived.values()
    found = rule(layer, piece, relevance)
    layer.forget()  # of all layers together the parts of the weights are as large as the network, twice
    return {layer.data: found}
