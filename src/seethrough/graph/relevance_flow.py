"""How relevance passes what isn't a linear layer: handed on, shared in proportion, left to the winner or to the signal.

`KINDS` and `NAMES` are the table of these rules, by kind of operation and by function; the operations of transformers
have theirs in `seethrough.graph.relevance_attention`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seethrough.errors import NetworkRefused
from seethrough.graph.operations import Kind, Ref
from seethrough.graph.relevance import stabilised
from seethrough.graph.rules import Rule, Shares, plain

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece


def proportional(piece: Piece, arrived: Shares) -> Shares:
    """Each input by what it gave: ``R_i = x_i · Σ_j ∂y_j/∂x_i · R_j / y_j``. For sums, means and all that is linear in
    what it reads; what constants gave is absorbed.
    """
    return _shared(piece, {v: r / stabilised(piece.values[v]) for v, r in arrived.items()})


def exactly_proportional(piece: Piece, arrived: Shares) -> Shares:
    """The same without a stabiliser, as in LRP-0."""
    return _shared(piece, {v: r / stabilised(piece.values[v], 0.0) for v, r in arrived.items()})


def _shared(piece: Piece, quotients: Shares) -> Shares:
    return {v: piece.values[v] * share for v, share in piece.vjp(quotients).items()}


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
}
