"""How relevance passes what isn't a linear layer: handed on, shared in proportion, left to the winner or to the signal.

`KINDS` and `NAMES` are the table of these rules, by kind of operation and by function; the operations of transformers
have theirs in `seethrough.graph.relevance_attention`. `MAKERS` are rules that depend on where an operation stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from seethrough.errors import NetworkRefused
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.relevance import stabilised
from seethrough.graph.rules import Rule, Shares, plain

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece


def proportional(piece: Piece, arrived: Shares) -> Shares:
    """Each input by what it gave: ``R_i = x_i · Σ_j ∂y_j/∂x_i · R_j / y_j``. For sums, means and all that is linear in
    what it reads; what constants gave is absorbed.
    """
    shares = piece.vjp({v: r / stabilised(piece.values[v]) for v, r in arrived.items()})
    return {v: piece.values[v] * share for v, share in shares.items()}


def through(piece: Piece, arrived: Shares) -> Shares:
    """Handed on as it is, place by place; in proportion where the places aren't the same."""
    (relevance,) = arrived.values()
    if len(piece.inputs) != 1 or piece.values[next(iter(piece.inputs))].shape != relevance.shape:
        return proportional(piece, arrived)
    return dict.fromkeys(piece.inputs, relevance)


copied = plain
"""Where each output is a copy of one input (reshaped, joined, selected, the largest of several), calculus hands its
relevance to that input.
"""


def signal(piece: Piece, arrived: Shares) -> Shares:
    """All to what is transformed, the first argument, in proportion; what says how (a kernel, a grid) counts as
    constant.
    """
    first = next(a.value for a in piece.operation.arguments if isinstance(a, Ref))
    return {v: share for v, share in proportional(piece, arrived).items() if v == first}


def refused(piece: Piece, arrived: Shares) -> Shares:
    """No rule is known."""
    operation = piece.operation
    where = f" in layer {operation.layer!r}" if operation.layer else ""
    line = f" ({operation.line})" if operation.line else ""
    raise NetworkRefused(
        f"There is no relevance rule for the operation {operation.name!r}{where}{line}; use integrated_gradients or "
        "input_x_gradient."
    )


def _gates(graph: Graph, operation: Operation) -> Rule:
    """A product or quotient. By a constant: handed on. Of two values: the signal gets all, what gates it counts as
    constant (Arras et al., 2017, section 3.2; squeeze and excitation too). The gate is the divisor, the factor that is
    broadcast, or the one that comes from a bounded function; where neither or both do, each gets half (Achtibat et al.,
    2024, eq. 13).
    """
    values = operation.inputs
    if len(values) < 2:
        return through if len(operation.arguments) < 2 or not _divides(operation) else partial(_to, values)
    if operation.name in _QUOTIENTS:
        return partial(_to, values[:1])
    narrow = [v for v in values if _size(graph, v) < max(_size(graph, w) for w in values)]
    gates = narrow or [v for v in values if _bounded(graph, v)]
    return partial(_to, [v for v in values if v not in gates] or list(values))


_QUOTIENTS = ("div", "divide", "true_divide")
_BOUNDED = frozenset("sigmoid hardsigmoid softmax tanh relu6 hardtanh clamp clip".split())
_KEEPS_BOUNDS = (Kind.MULTIPLY, Kind.RESIZE, Kind.EXPAND, Kind.RESHAPE, Kind.PERMUTE, Kind.CAST, Kind.SELECT)


def _divides(operation: Operation) -> bool:
    return operation.name in _QUOTIENTS and not isinstance(operation.arguments[0], Ref)


def _to(signals: Sequence[int], piece: Piece, arrived: Shares) -> Shares:
    """The relevance of a product to some of its factors, evenly; over the places that a factor is spread on."""
    (relevance,) = arrived.values()
    carriers = [v for v in signals if v in piece.inputs]
    return {v: relevance.sum_to_size(piece.values[v].shape) / len(carriers) for v in carriers}


def _size(graph: Graph, value: int) -> int:
    """How many numbers a value has, for one picture or two: the larger of two that are broadcast is found by it."""
    return prod(graph.values[value].at(graph.batch or 2))


def _bounded(graph: Graph, value: int) -> bool:
    """Whether a value comes from a bounded function, perhaps scaled and put in another shape."""
    at = graph.producer.get(value)
    while at is not None:
        operation = graph.operations[at]
        if operation.name in _BOUNDED:
            return True
        if operation.kind not in _KEEPS_BOUNDS or len(operation.inputs) != 1:
            return False
        at = graph.producer.get(operation.inputs[0])
    return False


KINDS: Mapping[Kind, Rule] = {
    Kind.ACTIVATION: through,
    Kind.ELEMENTWISE: through,
    Kind.ADD: proportional,
    Kind.AVERAGE_POOL: proportional,
    Kind.RESIZE: proportional,
    Kind.CONVOLUTION: signal,
    Kind.TRANSPOSED: signal,
    Kind.LINEAR: signal,
    Kind.MAX_POOL: copied,
    Kind.CONCAT: copied,
    Kind.RESHAPE: copied,
    Kind.PERMUTE: copied,
    Kind.SELECT: copied,
    Kind.EXPAND: copied,
    Kind.PAD: copied,
    Kind.CAST: copied,
    Kind.DROPOUT: copied,
    Kind.WRITE: copied,
}
NAMES: Mapping[str, Rule] = {
    **dict.fromkeys(("mean", "sum", "cumsum", "norm", "fold", "lerp", "addcmul"), proportional),
    **dict.fromkeys(
        ("amax", "amin", "max", "min", "topk", "sort", "median", "maximum", "minimum", "where", "masked_fill"), copied
    ),
    "grid_sample": signal,
    "glu": refused,
}
MAKERS: Mapping[Kind, Callable[[Graph, Operation], Rule]] = {Kind.MULTIPLY: _gates}
