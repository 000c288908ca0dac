"""Attention methods: what the places of a picture hand to each other, and on to the answer.

Throughout, ``A`` are the weights of one attention, (N, heads, queries, keys), each row of which sums to 1, and ``∇A`` the
gradient of the target with respect to them. The map is read off the rows of the tokens that the answer is taken from (a
class token, a probe, or the mean of all), at the keys that are places of the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, relu

from seethrough.attribution.attention_reading import READING, attended, flows, for_all_places, read_rows
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

ATTENTION = "attention"
FUSIONS = ("mean", "max", "min")


@method(
    family=ATTENTION,
    cost="1 forward",
    good_for="from where information flows to the answer, whatever was asked: the same map for every target",
    source="Abnar & Zuidema, 2020",
    needs=Needs.ATTENTION,
    reduce=Reduce.NONE,
    signed=False,
    rules=READING,
    work=Passes(0, 0),
    measures="rank",
)
def attention_rollout(run: Run, *, heads: str = "mean", discard: float = 0.0) -> Tensor:
    """Attention rollout: the product of all attentions, each half of it the token itself by the residual, ``Π (½A + ½I)``
    (Abnar & Zuidema, ACL 2020, section 3).

    Parameters
    ----------
    heads
        How the heads become one: their ``"mean"``, as in the paper, ``"max"`` or ``"min"`` (rows made to sum to 1 again).
    discard
        The part of each attention's weights, the smallest ones, that is taken for noise and left out, 0 … 1.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the grid of the tokens; shares of the answer's tokens, at most 1 in all.
    """
    if heads not in FUSIONS or not 0 <= discard < 1:
        raise UsageError(
            f"attention_rollout needs heads in {', '.join(FUSIONS)} and 0 ≤ discard < 1, not heads={heads!r}, "
            f"discard={discard}."
        )
    found = for_all_places(attended(run, "attention_rollout"), "attention_rollout")
    steps = [_shares(_fused(a.weights[:, 0], heads), discard) for a in found]
    return flows(found, steps, lambda step, so_far: (step @ so_far + so_far) / 2)


@method(
    family=ATTENTION,
    cost="1 forward, 1 walk back",
    good_for="what a transformer's answer is made of, for the target that was asked",
    source="Chefer, Gur & Wolf, 2021",
    needs=Needs.ATTENTION,
    reduce=Reduce.NONE,
    signed=False,
    rules=READING,
    work=Passes(0, 1),
    measures="rank",
)
def generic_attention(run: Run) -> Tensor:
    """Generic attention explainability: a rollout of attentions that count only where raising them raises the target,
    ``Ā = mean over heads of (∇A ⊙ A)⁺``, ``R ← R + Ā R`` (Chefer, Gur & Wolf, ICCV 2021, eq. 5 and 6).

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the grid of the tokens; an order of places. What every token has of itself, the identity
    that the sum starts with, is taken off.
    """
    found = for_all_places(attended(run, "generic_attention", gradients=True), "generic_attention")
    steps = [relu(a.gradient * a.weights)[:, 0].mean(1) for a in found]
    return flows(found, steps, lambda step, so_far: so_far + step @ so_far, without_itself=True)


@method(
    family=ATTENTION,
    cost="1 forward, 1 walk back",
    good_for="where the last attention looks for the target; one layer, so a quick look",
    source="Chefer, Gur & Wolf, 2021 (as a baseline), after Selvaraju et al., 2017",
    needs=Needs.ATTENTION,
    reduce=Reduce.NONE,
    signed=False,
    rules=READING,
    work=Passes(0, 1),
    measures="rank",
)
def attention_gradcam(run: Run) -> Tensor:
    """Grad-CAM of the last attention: each head's row of the answer's token, weighted by the mean of its gradient
    (Selvaraju et al., 2017, with heads for channels, as Chefer, Gur & Wolf, 2021, compare with).

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the grid of the tokens; an order of places.
    """
    last = attended(run, "attention_gradcam", gradients=True)[-1]
    rows, slopes = (read_rows(last, each) for each in (last.weights, last.gradient))
    a, g = (last.at.places(each) for each in (rows, slopes))
    return relu((g.mean((2, 3), keepdim=True) * a).sum(1))


def _fused(weights: Tensor, heads: str) -> Tensor:
    """One attention of several heads (N, heads, queries, keys)."""
    if heads == "mean":
        return weights.mean(1)
    return weights.amax(1) if heads == "max" else weights.amin(1)


def _shares(weights: Tensor, discard: float) -> Tensor:
    """Attention (N, queries, keys) without its smallest weights, each row summing to 1 again."""
    count = int(weights[0].numel() * discard)
    if count:
        smallest = weights.flatten(1).topk(count, 1, largest=False).indices
        weights = weights.flatten(1).scatter(1, smallest, 0).view_as(weights)
    whole = weights.sum(-1, keepdim=True)
    return torch.where(whole > 0, weights / whole.where(whole > 0, 1), 0)
