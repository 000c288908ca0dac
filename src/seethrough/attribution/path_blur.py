"""Blur integrated gradients: the way from a blurred picture to a sharp one."""

from __future__ import annotations

from collections.abc import Callable

import torch

from seethrough.attribution.fills import blurred
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Needs, Outcome, method
from seethrough.attribution.path import PATH, STEPS, completeness
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

WIDEST = 0.22
"""Standard deviation of the strongest blur, as a part of the shorter side: 50 of 224 pixels, the authors' choice."""


@method(
    family=PATH,
    needs=Needs.PICTURES,
    cost="n forwards, n walks back",
    good_for="at which coarseness what is seen adds to the answer; its baseline brings in nothing that isn't there",
    source="Xu, Venugopalan & Sundararajan, 2020",
    rules=None,
    work=lambda settings, _: Passes(settings["steps"] + 1, settings["steps"]),
    dial=STEPS,
)
def blur_ig(
    run: Run,
    *,
    steps: int = 32,
    widest: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Blur-IG: ``∫ g(L(σ)) · ∂L/∂σ dσ`` along the scale space L, the picture under Gaussians of falling width σ (Xu,
    Venugopalan & Sundararajan, 2020, eq. 4).

    The path goes straight from one blurred picture to the next; the gradient is taken in the middle. Widths fall
    quadratically, since most comes in at small ones, and the picture is mirrored at its edges, so that no dark frame
    grows into it (both ours).

    Parameters
    ----------
    steps
        Pieces of the path, ≥ 1.
    widest
        σ of the first picture in pixels of the network's input, > 0; None: 0.22 of the shorter side.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums over a picture to the target's rise from the blurred
    picture to the sharp one (``completeness``).
    """
    if steps < 1 or (widest is not None and widest <= 0):
        raise UsageError(f"blur_ig needs steps ≥ 1 and widest > 0, not steps={steps}, widest={widest}.")
    x = run.images
    widest = WIDEST * min(x.shape[2:]) if widest is None else widest
    total = zeros_to_sum(x)

    def at(k: int) -> torch.Tensor:
        return blurred(x, widest * (1 - k / steps) ** 2) if k < steps else x

    def some(numbers: range) -> None:
        path = torch.stack([at(k) for k in range(numbers.start, numbers.stop + 1)])
        g = run.at(((path[:-1] + path[1:]) / 2).flatten(0, 1)).gradient().reshape(len(numbers), *x.shape)
        total.add_((path.diff(dim=0).to(total) * g).sum(0))

    run.in_groups(steps, some, progress, walked=steps)
    rise = run.scores - run.score(at(0))
    return Outcome(total, {"completeness": completeness(total, rise, steps)})
