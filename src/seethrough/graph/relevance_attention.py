"""How relevance passes the operations of transformers: normalisation, softmax, products of two values, attention
(AttnLRP: Achtibat et al., 2024; normalisation: Ali et al., 2022).

`KINDS` and `NAMES` extend those of `seethrough.graph.relevance_flow`; `MAKERS` are rules that depend on where an operation
stands. Letters as there: ``R_j`` arrives, ``R_i``
is handed on. What is nowhere a weight, a bias or a statistic keeps its sum; a bias and ε absorb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seethrough.graph.arguments import Arguments
from seethrough.graph.attention import Attention
from seethrough.graph.graph import Graph
from seethrough.graph.normalisation import Normalisation
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.relevance import stabilised
from seethrough.graph.relevance_flow import proportional, refused, through
from seethrough.graph.rules import Rule, Shares

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece


def normalisation(piece: Piece, arrived: Shares) -> Shares:
    """The spread counts as constant, the rest is linear: ``R_i = x_i Σ_j ∂y_j/∂x_i |σ R_j / y_j`` (Ali et al., 2022,
    section 4.3; the identity rule of Achtibat et al., 2024, eq. 14, where no mean is subtracted).
    """
    ((source, _),) = piece.inputs.items()
    (relevance,) = arrived.values()
    x = piece.values[source]
    told = Normalisation.of(piece.operation, piece.batch, x)
    if told is None:
        return refused(piece, arrived)
    flat = told.flat(x)
    share = told.flat(told.weighed(relevance / stabilised(_output(piece))))
    return {source: x * (told.centre(share) / told.spread(flat)).reshape(x.shape)}


def softmax(piece: Piece, arrived: Shares) -> Shares:
    """``R_i = x_i (R_i − s_i Σ_j R_j)``, by Taylor at x (Achtibat et al., 2024, eq. 8 to 10). What a mask forbids gets
    nothing.
    """
    (source,) = piece.inputs
    (relevance,) = arrived.values()
    axis = Arguments.of(piece.operation, {}, piece.batch).get(1, "dim", -1)
    x = piece.values[source]
    return {source: torch.where(x.isfinite(), x, 0) * _before_softmax(relevance, _output(piece), axis)}


def _before_softmax(relevance: Tensor, weights: Tensor, axis: int) -> Tensor:
    """What each number that goes into a softmax gets for each unit of it."""
    return relevance - weights * relevance.sum(axis, keepdim=True)


def product(piece: Piece, arrived: Shares) -> Shares:
    """A product of k values: each gets a k-th, shared in proportion: ``R_a = a Σ b R / (2 a b)`` (Achtibat et al., 2024,
    eq. 13). A value that is only added (``baddbmm``) gets what it gave.
    """
    shares = proportional(piece, arrived)
    carriers = [a.value for a in piece.operation.arguments if isinstance(a, Ref) and a.value in piece.inputs]
    added = carriers[0] if piece.operation.name in _ADDING and _reads_first(piece.operation, carriers[0]) else None
    if added is not None:
        carriers = carriers[1:]
    factors = max(1, len(carriers))
    return {v: share / factors if v in carriers else share for v, share in shares.items()}


_ADDING = frozenset(("addmm", "baddbmm", "addbmm", "addmv"))


def _reads_first(operation: Operation, value: int) -> bool:
    args, kwargs = operation.bound()
    first = args[0] if args else kwargs.get("input")
    return isinstance(first, Ref) and first.value == value


def attention(piece: Piece, arrived: Shares) -> Shares:
    """Two products, each of whose factors gets half, and the softmax between them."""
    told = Attention.of(piece.operation, piece.batch)
    (relevance,) = arrived.values()

    def of(number: int | Tensor | None) -> Tensor | None:
        return piece.values[number] if isinstance(number, int) else number

    q, k, v, mask = of(told.query), of(told.key), of(told.value), of(told.mask)
    assert q is not None and k is not None and v is not None
    weights = told.scores(q, k, mask).softmax(-1).nan_to_num(0.0)
    share = relevance / stabilised(_output(piece)) / 2
    with torch.enable_grad():
        qg, kg, vg = (t.detach().requires_grad_() for t in (q, k, v))
        values = told.for_heads(vg, q)
        (at_v,) = torch.autograd.grad(weights @ values, vg, share)
        at_scores = _before_softmax(weights * (share @ values.detach().transpose(-2, -1)), weights, -1) / 2
        at_q, at_k = torch.autograd.grad(told.scores(qg, kg), (qg, kg), at_scores)
    shares: Shares = {}
    for number, x, at in ((told.query, q, at_q), (told.key, k, at_k), (told.value, v, at_v)):
        if isinstance(number, int) and number in piece.inputs:
            shares[number] = shares[number] + x * at if number in shares else x * at
    return shares


def gated(piece: Piece, arrived: Shares) -> Shares:
    """``glu``: one half of the channels is the signal, the sigmoid of the other its gate, which gets nothing."""
    (source,) = piece.inputs
    (relevance,) = arrived.values()
    axis = Arguments.of(piece.operation, {}, piece.batch).get(1, "dim", -1)
    return {source: torch.cat([relevance, torch.zeros_like(relevance)], axis)}


def _output(piece: Piece) -> Tensor:
    return piece.values[next(v for v in piece.operation.outputs if v is not None)]


# --- products place by place ------------------------------------------------------------------------------------------

_BOUNDED = frozenset("sigmoid hardsigmoid tanh softsign softmax relu6 erf sign sin cos".split())
_HANDS_ON = (Kind.RESHAPE, Kind.PERMUTE, Kind.CAST, Kind.EXPAND, Kind.DROPOUT, Kind.SELECT, Kind.RESIZE, Kind.PAD)


def multiplied(graph: Graph, operation: Operation) -> Rule:
    """A product of two values, place by place: the signal gets all, what gates it counts as constant, as a weight (Arras
    et al., 2017). The gate is the factor that is broadcast (squeeze and excite, the spread of a normalisation written out),
    else the one that comes from a bounded function (SiLU written out); where neither or both do, each gets half (Achtibat et
    al., 2024, eq. 13). A divisor is a gate; a constant is a weight.
    """
    args, kwargs = operation.bound()
    factors = [a for a in (*args, *kwargs.values()) if isinstance(a, Ref)]
    if len(factors) < 2:
        return through
    if operation.name in ("div", "divide", "true_divide"):
        return _to(factors[0].value)
    first, second = factors[0].value, factors[1].value
    output = next(v for v in operation.outputs if v is not None)
    for gates in (
        [graph.values[v].shape != graph.values[output].shape for v in (first, second)],
        [_is_bounded(graph, v) for v in (first, second)],
    ):
        if gates[0] != gates[1]:
            return _to(second if gates[0] else first)
    return product


def _to(signal: int) -> Rule:
    """All to one of the inputs."""

    def rule(piece: Piece, arrived: Shares) -> Shares:
        (relevance,) = arrived.values()
        if signal not in piece.inputs:
            return product(piece, arrived)
        if piece.values[signal].shape == relevance.shape:
            return {signal: relevance}
        return {v: share for v, share in proportional(piece, arrived).items() if v == signal}

    return rule


def _is_bounded(graph: Graph, value: int) -> bool:
    """Whether a value comes from a bounded function, perhaps reshaped, scaled or shifted since."""
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if operation.name in _BOUNDED or (operation.name in ("hardtanh", "clamp", "clip") and _two_ends(operation)):
            return True
        handed = operation.kind in _HANDS_ON or operation.kind in (Kind.ADD, Kind.MULTIPLY)
        if not handed or len(operation.inputs) != 1:
            return False
        value = operation.inputs[0]
    return False


def _two_ends(operation: Operation) -> bool:
    given = Arguments.of(operation, {}, 1)
    default = (-1.0, 1.0) if operation.name == "hardtanh" else (None, None)
    names = ("min_val", "max_val") if operation.name == "hardtanh" else ("min", "max")
    return all(given.get(i, name, end) is not None for i, (name, end) in enumerate(zip(names, default), 1))


KINDS: Mapping[Kind, Rule] = {
    Kind.SOFTMAX: softmax,
    Kind.MATMUL: product,
    Kind.ATTENTION: attention,
    Kind.NORMALISATION: normalisation,
}
NAMES: Mapping[str, Rule] = {
    **dict.fromkeys(("normalize", "local_response_norm"), through),
    **dict.fromkeys(("log_softmax", "softmin", "logsumexp", "batch_norm"), refused),
    "glu": gated,
}
MAKERS: Mapping[Kind, Callable[[Graph, Operation], Rule]] = {Kind.MULTIPLY: multiplied}
