"""LeGrad: how sensitive the answer, taken from each block in turn, is to that block's attention."""

from __future__ import annotations

import torch
from torch import Tensor, relu

from seethrough.attribution.attention import ATTENTION
from seethrough.attribution.attention_reading import READING, gradients_read, maps_of
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.attention_maps import AttentionMap
from seethrough.graph.operations import Operation
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.graph.stream import stream_of
from seethrough.graph.walk import Forward
from seethrough.results import Passes


@method(
    family=ATTENTION,
    cost="2 forwards, 1 walk back, block by block",
    good_for="transformers of any kind, windows and attention pooling too; each block is asked for itself",
    source="Bousselham, Boggust, Chaybouti, Strobelt & Kuehne, 2024",
    needs=Needs.ATTENTION,
    reduce=Reduce.NONE,
    signed=False,
    rules=READING,
    work=Passes(1, 1),
    measures="slope",
)
def legrad(run: Run, *, blocks: int | None = None) -> Tensor:
    """LeGrad: the network's head is given what each block hands on, and the answer's gradient with respect to that
    block's attention is rectified and averaged over heads and queries; the map is the mean over the blocks (Bousselham
    et al., ICCV 2025, eq. 4 to 7).

    A head that reads a class token is given the mean of all tokens in its place, as in the paper; where an attention
    pools the tokens, it is that one's weights that are asked about, for each block. Of a network in stages, the blocks of
    the last stage are taken: the head can't read the others. That the tails are short is why all of them together count
    as one forward and one walk back.

    Parameters
    ----------
    blocks
        How many of the last blocks are taken; None: all.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the grid of the tokens, in units of the target per unit of attention.
    """
    if blocks is not None and blocks < 1:
        raise UsageError(f"legrad needs blocks ≥ 1, not {blocks}.")
    found = maps_of(run, "legrad")
    stream = stream_of(run.graph, found)
    numbers = {v: number for piece in run.pieces for v, number in piece.values.items()}
    run.counter.forward += len(run.images)
    run.counter.backward += len(run.images)
    read: dict[Operation, Tensor] = {}
    maps = []
    for block in stream.blocks[-blocks:] if blocks else stream.blocks:
        rules = gradients_read([found[-1] if stream.pooled else block.at], read)
        at = None if stream.pooled else found[-1]
        slope = _slope_where_the_head_reads(run, stream.last, numbers[block.left], at, rules)
        if not stream.pooled:
            run.forward.walk({block.left: slope}, {block.given}, rules)
        maps.append(_sensitive(found[-1] if stream.pooled else block.at, read))
    return torch.stack(maps).mean(0)


def _sensitive(at: AttentionMap, read: dict[Operation, Tensor]) -> Tensor:
    """How sensitive the answer is to how much each place is attended to, (N, H, W): positive gradients, averaged over
    heads and queries.
    """
    return at.places(relu(read.pop(at.operation)).mean((2, 3)).flatten(1))


def _slope_where_the_head_reads(run: Run, last: int, block: Tensor, at: AttentionMap | None, rules: Rules) -> Tensor:
    """The target's gradient with respect to a block's tokens, put where the head reads: the mean of all of them, where
    it reads a token of the last attention that is no place.
    """
    of_one = at is not None and at.windows == 1 and not bool(at.rows[at.order].any())
    axis = _tokens(run, last) if of_one else None
    given = block if axis is None else block.mean(axis, keepdim=True).expand_as(block)
    graph, answer, target = run.graph, run.answer_place, run.target
    beside = run.source.given(graph, run.images)
    forward = Forward(graph, {**beside, last: given}, {answer.value}, [last], keeps=True)
    out = forward.values[answer.value].requires_grad_()
    assert target is not None
    with torch.enable_grad():
        (seed,) = torch.autograd.grad(target(answer.of(out), run.rows).sum(), out)
    slope = forward.walk({answer.value: seed}, {last}, rules)[last]
    return slope if axis is None else slope.mean(axis, keepdim=True).expand_as(slope)


def _tokens(run: Run, value: int) -> int | None:
    """The axis of a value along which its tokens stand, where they have one of their own."""
    grid = run.graph.grids.get(value)
    return grid.places[0] if grid is not None and grid.per_image == 1 and len(grid.places) == 1 else None
