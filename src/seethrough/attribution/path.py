"""Path methods: what the target gains on the way from a picture without the evidence to this one.

Throughout, ``x`` are the images, ``x′`` the baseline and ``g`` the gradient of the target, all (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Dial, Needs, Outcome, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

PATH = "path"


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="what each pixel adds, so that it adds up",
    source="Sundararajan, Taly & Yan, 2017",
    rules=None,
    work=lambda settings, _: Passes(settings["steps"] + 1, settings["steps"]),
    dial=Dial("steps", (8, 16, 32, 64, 128)),
)
def integrated_gradients(
    run: Run, *, steps: int = 32, baseline: Fill = "black", progress: Callable[[int, int], None] | None = None
) -> Outcome:
    """Integrated gradients: ``(x − x′) · ∫ g(x′ + α(x − x′)) dα`` (Sundararajan, Taly & Yan, 2017, eq. 1), by
    Gauss–Legendre quadrature.

    Parameters
    ----------
    steps
        Nodes of the quadrature, ≥ 1. 32 nodes do what some 100 evenly spaced ones do.
    baseline
        x′: ``"black"`` (a black picture as the network sees it), ``"zero"``, ``"mean"`` (each picture's mean colour),
        ``"blur"``, a number in the network's input units, or a tensor in the layout of its input that broadcasts
        against the images.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums over a picture to the target's rise from baseline to
    picture. What is missing of that is reported as ``completeness``: ``sum``, ``rise`` and their largest relative
    ``gap`` over the batch.
    """
    if steps < 1:
        raise UsageError(f"integrated_gradients needs steps ≥ 1, not {steps}.")
    x = run.images
    start = fill(run, baseline)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    nodes, weights = (nodes + 1) / 2, weights / 2
    total = zeros_to_sum(x)

    def some(numbers: range) -> None:
        between = torch.cat([start + float(nodes[k]) * (x - start) for k in numbers])
        g = run.at(between).gradient().reshape(len(numbers), *x.shape)
        for k, one in zip(numbers, g):
            total.add_(float(weights[k]) * one)

    run.in_groups(steps, some, progress)
    values = (x - start).to(total) * total
    added = values.flatten(1).sum(1)
    rise = run.scores - run.score(start.expand_as(x).contiguous())
    gap = ((added - rise).abs() / rise.abs().clamp(min=1e-6)).tolist()
    numbers = {"sum": added.tolist(), "rise": rise.tolist(), "gap": max(gap), "gaps": gap, "steps": steps}
    return Outcome(values, {"completeness": numbers})
