"""Conditional relevance: the part of the answer that goes through chosen channels of a layer (Achtibat et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seethrough.attribution.method import Needs, Outcome, method
from seethrough.attribution.relevance import ALIKE, composed
from seethrough.errors import UsageError
from seethrough.graph import relevance as rules
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    **{**ALIKE, "needs": Needs.LAYER, "cost": "1 forward, 2 walks back", "work": Passes(1, 2)},
    good_for="where in the picture a channel sees what speaks for the answer",
    source="Achtibat, Dreyer, Eisenbraun, Bosse, Wiegand, Samek & Lapuschkin, 2023",
)
def lrp_conditional(run: Run, layer: str, *, channels: int | Sequence[int] | None = None) -> Outcome:
    """Concept relevance propagation: the relevance of a layer's chosen channels alone, handed down to the pixels by the
    rules of EpsilonPlusFlat (Achtibat et al., 2023, eq. 4). What reaches the pixels past the layer (a residual) isn't in
    it: over all channels of a layer these maps add up to what goes through that layer.

    Parameters
    ----------
    channels
        Numbers of channels, from 0; None for the one of the largest |relevance|, in each picture its own.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target. ``through_channels`` says which channels, and how much of the
    target went ``through`` them.
    """
    low, high = rules.z_plus, rules.epsilon
    chosen = composed(run, ("plus", "flat", True, rules.EPSILON), convolution=low, linear=high, first=rules.flat)
    return through_channels(run, layer, channels, chosen)


def through_channels(run: Run, layer: str, channels: int | Sequence[int] | None, chosen: Rules) -> Outcome:
    """Conditional relevance under any rules."""
    there = run.gradient(layer, chosen)
    mask, names = _mask(there, layer, channels)
    kept = there * mask
    values = run.down(layer, kept, chosen)
    numbers = {
        "channels": names,
        "layer": layer,
        "score": run.scores.tolist(),
        "through": kept.flatten(1).sum(1).tolist(),
        "sum": values.flatten(1).sum(1).tolist(),
    }
    return Outcome(values, {"through_channels": numbers})


def _mask(there: Tensor, layer: str, channels: int | Sequence[int] | None) -> tuple[Tensor, list[str]]:
    """1 at the chosen channels of a layer's value, 0 elsewhere, and their numbers, for each picture."""
    count, rest = there.shape[1], [1] * (there.dim() - 2)
    if channels is None:
        strongest = there.flatten(2).sum(2).abs().argmax(1)
        mask = torch.nn.functional.one_hot(strongest, count).to(there)
        return mask.reshape(len(there), count, *rest), [str(k) for k in strongest.tolist()]
    wanted = [channels] if isinstance(channels, int) else list(channels)
    wrong = [k for k in wanted if not 0 <= k < count]
    if wrong or not wanted:
        raise UsageError(
            f"Layer {layer!r} has the channels 0 to {count - 1}; channels={channels!r} names {wrong or 'none'}."
        )
    mask = there.new_zeros(count)
    mask[wanted] = 1
    return mask.reshape(1, count, *rest), [", ".join(map(str, wanted))] * len(there)
