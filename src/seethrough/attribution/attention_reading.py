"""Reading attentions off a run: their weights and gradients, and what flows through several of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.graph.attention_maps import AttentionMap, attention_maps, gradient_of, weights_of
from seethrough.graph.operations import Operation
from seethrough.graph.rules import Rules, Shares
from seethrough.graph.run import Run
from seethrough.graph.walk import Piece
from seethrough.results import INPUT

READING = Rules(values=True)
"""What attention methods ask for: calculus, and the numbers inside; see `gradients_read`."""


@dataclass(frozen=True, eq=False)
class Attended:
    """An attention as it ran: its weights and the target's gradient with respect to them, (N, windows, heads, queries,
    keys); the gradient is empty where nobody asked for it.
    """

    at: AttentionMap
    weights: Tensor
    gradient: Tensor


def maps_of(run: Run, method: str) -> list[AttentionMap]:
    """The attentions among the picture's places that the answer reads."""
    found = run.once("attention maps", lambda: attention_maps(run.graph))
    if not found:
        raise UsageError(
            f"{method} needs attention among the picture's places, and this network has none; use gradcam."
        )
    return found


def attended(run: Run, method: str, *, gradients: bool = False) -> list[Attended]:
    """Every attention of a run, from the first to the last, in one forward and at most one walk back for all methods."""
    found = maps_of(run, method)
    weights = run.once("attention weights", lambda: _weights(run, found))
    slopes = run.once("attention gradients", lambda: _gradients(run, found)) if gradients else {}
    none = torch.zeros(0)
    return [Attended(at, weights[at.operation], slopes.get(at.operation, none)) for at in found]


def _weights(run: Run, found: Sequence[AttentionMap]) -> dict[Operation, Tensor]:
    ran = {piece.operation: piece for piece in run.pieces}
    return {at.operation: weights_of(at, ran[at.operation]) for at in found}


def _gradients(run: Run, found: Sequence[AttentionMap]) -> dict[Operation, Tensor]:
    read: dict[Operation, Tensor] = {}
    run.gradient(INPUT, gradients_read(found, read))
    return read


def gradients_read(found: Sequence[AttentionMap], read: dict[Operation, Tensor]) -> Rules:
    """Rules that walk back by plain calculus, and on the way put each attention's gradient into ``read``."""

    def reading(at: AttentionMap) -> Callable[[Piece, Shares], Shares]:
        def rule(piece: Piece, arrived: Shares) -> Shares:
            read[at.operation] = gradient_of(at, piece, arrived)
            return piece.vjp(arrived)

        return rule

    return Rules(operations={at.operation: reading(at) for at in found}, values=True)


def for_all_places(found: list[Attended], method: str) -> list[Attended]:
    """The attentions, where every place sees every other and all stand on one grid; else a refusal that says which
    doesn't.
    """
    for one in found:
        if one.at.windows > 1:
            raise UsageError(
                f"{method} needs every place to see every other, and in {one.at.operation.layer!r} each sees its window "
                f"of {one.at.keys} alone; use legrad or gradcam."
            )
    grids = list(dict.fromkeys((one.at.grid.height, one.at.grid.width) for one in found))
    if len(grids) > 1:
        said = ", ".join(f"{height} × {width}" for height, width in grids)
        raise UsageError(f"{method} needs one grid of tokens, and this network has several ({said}); use gradcam.")
    return found


def flows(
    found: Sequence[Attended],
    steps: Sequence[Tensor],
    through: Callable[[Tensor, Tensor], Tensor],
    *,
    without_itself: bool = False,
) -> Tensor:
    """What flows from the places into the answer, (N, H, W).

    Parameters
    ----------
    steps
        For each attention, what each query takes of each key, (N, queries, keys).
    through
        From such a step and what has flowed so far, (N, tokens, tokens of the first attention), to what has flowed
        behind it. Where other tokens ask than are asked (a pooling probe, a class token alone), nothing passes them by
        and the product alone is taken.
    without_itself
        Take off what each token has of itself from the start.
    """
    first = found[0].at
    so_far = torch.eye(first.keys, dtype=steps[0].dtype, device=steps[0].device).expand(len(steps[0]), -1, -1)
    order = first.order
    for one, step in zip(found, steps):
        so_far, order = _as_keys(one.at, so_far, order), one.at.order
        itself = step.shape[1] == step.shape[2]
        so_far = through(step, so_far) if itself else step @ so_far
    last = found[-1].at
    if without_itself and last.keys == first.keys == so_far.shape[1]:
        so_far = so_far - torch.eye(first.keys, dtype=so_far.dtype, device=so_far.device)
    return first.places(so_far[:, last.rows.to(so_far.device)].mean(1))


def _as_keys(at: AttentionMap, so_far: Tensor, order: Tensor) -> Tensor:
    """What has flowed, by the tokens that an attention asks: the same ones, or places joined by tokens that have seen
    nothing of the picture yet.
    """
    if at.keys == so_far.shape[1] and torch.equal(at.order, order):
        return so_far
    joined = so_far.new_zeros(len(so_far), at.keys, so_far.shape[2])
    joined[:, at.order.to(so_far.device)] = so_far[:, order.to(so_far.device)]
    return joined


def read_rows(one: Attended, weights: Tensor) -> Tensor:
    """Of weights or their gradient what the answer's tokens have of each key, (N, heads, windows · keys): the mean over
    those tokens.
    """
    rows = weights[..., one.at.rows.to(weights.device), :].mean(-2)
    return rows.transpose(1, 2).flatten(2)
