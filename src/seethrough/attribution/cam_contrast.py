"""Class activation maps of what sets the target apart from the classes most like it."""

from __future__ import annotations

import torch
from torch import Tensor, relu

from seethrough.attribution.cam import FAMILY, TO_THE_LAYER
from seethrough.attribution.cam_head import slope_at_logits
from seethrough.attribution.method import Needs, Outcome, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="details that tell the target from the classes most like it",
    source="Zhang, Gu, Chowdhury, Mai, Carlyn, Berger-Wolf, Su & Chao, 2025",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
)
def finercam(run: Run, layer: str, *, similar: int = 3, strength: float = 0.6) -> Outcome:
    """Finer-CAM: Grad-CAM of the target less γ times the mean of the outputs most like it, ``y − γ · mean(y_d)`` (Zhang
    et al., CVPR 2025, eq. 4 to 6).

    Parameters
    ----------
    similar
        How many outputs are compared with: those nearest in value to the one the target counts most, without any that
        the target speaks of itself.
    strength
        γ, ≥ 0; 0 gives Grad-CAM.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target. Which outputs were compared with is reported as
    ``compared_with``.
    """
    if similar < 1 or strength < 0:
        raise UsageError(f"finercam needs similar ≥ 1 and strength ≥ 0, not similar={similar}, strength={strength}.")
    logits, spoken_of = _places(run.logits), slope_at_logits(run) != 0
    if bool(spoken_of.all(1).any()):
        raise UsageError(
            f"finercam compares the target with other outputs, and it speaks of all {logits.shape[1]}; use gradcam."
        )
    asked = logits.gather(1, slope_at_logits(run).abs().argmax(1, keepdim=True))
    distance = (logits - asked).abs().masked_fill(spoken_of, torch.inf)
    nearest = distance.topk(min(similar, logits.shape[1] - 1), 1, largest=False)
    share = nearest.values.isfinite().to(logits)
    share = share / share.sum(1, keepdim=True)
    target = run.target
    assert target is not None

    def apart(out: Tensor, rows: Tensor) -> Tensor:
        return target(out, rows) - strength * (_places(out).gather(1, nearest.indices) * share).sum(1)

    a, g = run.value(layer), run.asking(apart).gradient(layer)
    values = relu((g.mean((2, 3), keepdim=True) * a).sum(1))
    rows = [row[part > 0].tolist() for row, part in zip(nearest.indices, share)]
    return Outcome(values, {"compared_with": {"outputs": [", ".join(map(str, row)) for row in rows]}})


def _places(out: Tensor) -> Tensor:
    """(N, outputs): of outputs with places, their mean."""
    return out.flatten(2).mean(2) if out.dim() > 2 else out
