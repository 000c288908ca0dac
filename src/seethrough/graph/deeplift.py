"""DeepLIFT: rules that compare a network's run on a picture with its run on a baseline.

What walks back is a *multiplier*: how much the target rises for each unit by which a value differs from what it is at
the baseline. At every operation ``Σ multiplier · Δ`` over its inputs is what it was over its outputs, so that the
contributions of the pixels add up to the rise of the target, exactly.

Throughout, ``x`` and ``y`` are what went into an operation and came out at the picture, ``x′`` and ``y′`` at the
baseline, ``Δx = x − x′``, ``x̄ = (x + x′) / 2``, and ``m`` is the multiplier that arrived.

- What is linear has the same multiplier at every point: calculus.
- What works value by value is rescaled: ``m · Δy / Δx`` (Shrikumar, Greenside & Kundaje, 2017, section 3.5.1).
- What is a product of two values, or otherwise of second degree, is calculus at ``x̄``: ``Δ(ab) = ā Δb + b̄ Δa``.
- A largest value gives its rise to the one that is largest now, its fall to the one that was.
- Softmax and normalisations are taken apart into such steps, and put together again in closed form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seethrough.graph.deeplift_closed import (
    attention,
    batch_norm,
    local_response_norm,
    log_sum,
    normalisation,
    softmax,
    unit_length,
)
from seethrough.graph.deeplift_rules import (
    Both,
    Pairwise,
    chosen,
    gated,
    largest,
    linear,
    middle,
    placewise,
    product,
    quotient,
    resized,
    root,
    smallest,
)
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.revcancel import Awaiting, chains, remembered, split
from seethrough.graph.rules import Rule, Rules, Shares
from seethrough.graph.run import Run
from seethrough.graph.walk import Forward, Piece

SLOPES = 32
"""Nodes of the quadrature over a target that isn't linear in the outputs."""


def rescale_rules(other: Forward) -> Rules:
    """The rules of a walk back through a run on pictures, against another run of the same graph, on their baselines; both
    keep their numbers.

    Raises
    ------
    NetworkRefused
        In the walk: at an operation for which there is no rule that keeps the sum.
    """
    return Rules(rest=_against(other, rescale), values=True, start=mean_slope(other))


def revcancel_rules(other: Forward) -> Rules:
    """As `rescale_rules`, and where a rectifier follows a convolution or linear layer (a batch norm may stand between)
    the rise and the fall that its inputs cause are told apart, so that what cancels out is seen (section 3.5.3).
    """
    awaiting: Awaiting = {}
    operations: dict[Operation, Rule] = {}
    for chain in chains(other.graph):
        for above in chain[1:]:
            operations[above] = _against(other, remembered(awaiting, rescale))
        operations[chain[0]] = _against(other, split(awaiting))
    return Rules(operations=operations, rest=_against(other, rescale), values=True, start=mean_slope(other))


def _against(other: Forward, rule: Pairwise) -> Rule:
    there: dict[Operation, Piece] = {}

    def both(piece: Piece, arrived: Shares) -> Shares:
        if not there:
            there.update((p.operation, p) for p in other.pieces)
        pair = Both(piece, there.get(piece.operation, piece))
        if pair.there is piece:
            raise pair.refuse("the network takes another way for the baseline")
        return rule(pair, arrived)

    return both


def mean_slope(other: Forward) -> Callable[[Run], Tensor]:
    """What the walk starts with: the target's slope at the output, where it isn't the same everywhere its mean on the way
    from the baseline's output to the picture's.
    """

    def start(run: Run) -> Tensor:
        number = run.answer_value
        out = run.forward.values[number]
        first, last = run.slope(other.values[number]), run.slope(out)
        if torch.equal(first, last):
            return last
        before = other.values[number]
        nodes, weights = np.polynomial.legendre.leggauss(SLOPES)
        total = torch.zeros_like(out)
        for node, weight in zip((nodes + 1) / 2, weights / 2):
            total += float(weight) * run.slope(before + float(node) * (out - before))
        return total

    return start


def rescale(both: Both, arrived: Shares) -> Shares:
    """The rule of each operation, by its name or its kind."""
    operation = both.operation
    rule = _NAMED.get(operation.name) or _KINDS.get(operation.kind)
    if rule is None or operation.name in _WITHOUT:
        raise both.refuse("none is known that keeps the sum")
    return rule(both, arrived)


_WITHOUT = frozenset(("lp_pool2d", "fractional_max_pool2d"))
"""Of a kind that has a rule, and not of its form."""

_KINDS: dict[Kind, Pairwise] = {
    **dict.fromkeys((Kind.CONVOLUTION, Kind.TRANSPOSED, Kind.LINEAR, Kind.MATMUL, Kind.MULTIPLY), product),
    **dict.fromkeys(
        (
            Kind.AFFINE, Kind.AVERAGE_POOL, Kind.ADD, Kind.CONCAT, Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.EXPAND,
            Kind.PAD, Kind.CAST, Kind.DROPOUT, Kind.WRITE,
        ),
        linear,
    ),
    **dict.fromkeys((Kind.ACTIVATION, Kind.ELEMENTWISE), placewise),
    Kind.SOFTMAX: softmax,
    Kind.ATTENTION: attention,
    Kind.MAX_POOL: largest,
    Kind.RESIZE: resized,
}  # fmt: skip
_NAMED: dict[str, Pairwise] = {
    **dict.fromkeys(("mean", "sum", "cumsum"), linear),
    **dict.fromkeys(("where", "masked_fill"), chosen),
    **dict.fromkeys(("var", "addcmul", "lerp"), middle),
    **dict.fromkeys(("div", "divide", "true_divide"), quotient),
    **dict.fromkeys(("amax", "max", "maximum"), largest),
    **dict.fromkeys(("amin", "min", "minimum"), smallest),
    **dict.fromkeys(("std", "norm", "vector_norm", "linalg_vector_norm"), root),
    **dict.fromkeys(("layer_norm", "rms_norm", "group_norm", "instance_norm"), normalisation),
    "batch_norm": batch_norm,
    "normalize": unit_length,
    "local_response_norm": local_response_norm,
    "glu": gated,
    "logsumexp": log_sum,
    "rdiv": placewise,
}
