"""Path methods: what the target gains on the way from a picture without the evidence to this one.

Throughout, ``x`` are the images, ``x′`` the baseline and ``g`` the gradient of the target, all (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Dial, Facts, Needs, Outcome, method
from seethrough.attribution.straight import AT_FIRST, Line, line
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

PATH = "path"
STEPS = Dial("steps", (8, 16, 32, 64, 128))
NODES = ("adaptive", "gauss")
GAUSS = 32
"""Nodes where nobody says how many: Gauss–Legendre's can't be added to."""


def _work(settings: Mapping[str, Any], _: Facts) -> Passes:
    """Where no number of steps is said, that of a line on which little is missing after the first points."""
    if settings.get("nodes") == "gauss":
        steps = settings["steps"] or GAUSS
        return Passes(steps + 1, steps)
    steps = settings["steps"] or AT_FIRST
    return Passes(steps, steps + 1)


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="what each pixel adds, so that it adds up",
    source="Sundararajan, Taly & Yan, 2017",
    work=_work,
    dial=STEPS,
)
def integrated_gradients(
    run: Run,
    *,
    steps: int | None = None,
    baseline: Fill = "black",
    nodes: str = "adaptive",
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Integrated gradients: ``(x − x′) · ∫ g(x′ + α(x − x′)) dα`` (Sundararajan, Taly & Yan, 2017, eq. 1).

    Parameters
    ----------
    steps
        Points of the path beside the picture itself, ≥ 1. None: 12 (of Gauss–Legendre nodes 32), and on until the values
        add up to within 1 % and are expected to be off by at most 30 % of their length, at most 128.
    baseline
        x′: ``"black"`` (a black picture as the network sees it), ``"white"``, ``"zero"``, ``"mean"`` (each picture's
        mean colour), ``"blur"``, ``"noise"``, a number in the network's input units, or a tensor in the layout of its
        input that broadcasts against the images.
    nodes
        Where the points lie: ``"adaptive"``, for each picture where its gradient changes (trapezoidal rule, and what is
        known of the sums between points beside it, see `seethrough.attribution.straight`); ``"gauss"``, Gauss–Legendre
        nodes, as many as ``steps``, which suit smooth networks.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums over a picture to the target's rise from baseline to
    picture. What is missing of that is reported as ``completeness``: ``sum``, ``rise`` and their largest relative
    ``gap`` over the batch; of adaptive nodes also how far the values are expected to be ``off`` (``path_sureness``).
    """
    refuse_steps("integrated_gradients", steps, nodes)
    if nodes == "gauss":
        return _gauss(run, steps or GAUSS, baseline, progress)
    way = line(run, steps, baseline, progress)
    values = way.way.to(way.at) * way.integral()
    return Outcome(values, {"completeness": completeness(values, way.rise, way.steps), "path_sureness": sureness(way)})


def _gauss(run: Run, steps: int, baseline: Fill, progress: Callable[[int, int], None] | None) -> Outcome:
    x = run.images
    start = fill(run, baseline)
    nodes, weights = nodes_and_weights(steps)
    total = zeros_to_sum(x)

    def some(numbers: range) -> None:
        between = torch.cat([start + float(nodes[k]) * (x - start) for k in numbers])
        g = run.at(between).gradient().reshape(len(numbers), *x.shape)
        for k, one in zip(numbers, g):
            total.add_(float(weights[k]) * one)

    run.in_groups(steps, some, progress, walked=steps)
    values = (x - start).to(total) * total
    rise = run.scores - run.score(start.expand_as(x).contiguous())
    return Outcome(values, {"completeness": completeness(values, rise, steps)})


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="integrated gradients without what the path gathers and loses again",
    source="Yang, Wang & Bilgic, 2023",
    work=_work,
    dial=STEPS,
)
def idgi(
    run: Run,
    *,
    steps: int | None = None,
    baseline: Fill = "black",
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """IDGI: on the path of integrated gradients, ``Σ (f(xₖ₊₁) − f(xₖ)) · g² / ‖g‖²``: what the target rises in a step goes
    to what its gradient points at, whatever lies across it (Yang, Wang & Bilgic, 2023, algorithm 1). A step's shares are
    the mean of its two ends' (the authors take the first's).

    Parameters
    ----------
    steps, baseline
        As for integrated gradients; asked for with the same ones, both look at the same gradients.

    Returns
    -------
    Tensor, (N, C, H, W), signed by whether the target rises, in units of the target; sums over a picture to the target's
    rise from baseline to picture (``completeness``).
    """
    refuse_steps("idgi", steps)
    way = line(run, steps, baseline, progress)
    values = way.shared()
    return Outcome(values, {"completeness": completeness(values, way.rise, way.steps)})


def nodes_and_weights(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre, from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def completeness(values: Tensor, rise: Tensor, steps: int | Tensor) -> dict[str, Any]:
    """How far a picture's values add up to what the target rose by: numbers an image, and the largest gap."""
    added = values.flatten(1).sum(1)
    gaps = ((added - rise).abs() / rise.abs().clamp(min=1e-6)).tolist()
    count = steps.tolist() if isinstance(steps, Tensor) else [steps] * len(gaps)
    return {"sum": added.tolist(), "rise": rise.tolist(), "gap": max(gaps), "gaps": gaps, "steps": count}


def sureness(way: Line) -> dict[str, Any]:
    """How far the values of a line are expected to be off, as a part of their length, a number an image."""
    return {"off": way.errors.tolist()}


def refuse_steps(name: str, steps: int | None, nodes: str = "gauss") -> None:
    """Refuse fewer steps than one, and nodes of an unknown kind."""
    if steps is not None and steps < 1:
        raise UsageError(f"{name} needs steps ≥ 1, not {steps}.")
    if nodes not in NODES:
        raise UsageError(f"{name}'s nodes are {' or '.join(NODES)}, not {nodes!r}.")
