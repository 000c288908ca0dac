"""Layer forms: what the units of a layer add to the target.

Throughout, ``a`` is what the layer returned and ``g`` the gradient of the target with respect to it, (N, C, H, W) on the
layer's grid: of a layer of tokens its places, the class token and its like left out; of a layer without places (N, F).
A map adds the channels up. ``x`` are the images and ``x′`` a baseline, ``a′`` what the layer returns there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seethrough.attribution.deeplift import contributions
from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.method import Needs, Outcome, method
from seethrough.attribution.path import GAUSS, STEPS, completeness, nodes_and_weights, refuse_steps, sureness
from seethrough.attribution.straight import AT_FIRST, along
from seethrough.graph.run import Run
from seethrough.results import Passes

LAYER = "layer"
Told = Callable[[int, int], None] | None


@method(
    family=LAYER,
    needs=Needs.LAYER,
    cost="1 forward, 1 walk back to the layer",
    good_for="what each unit of a layer adds, to first order",
    source="Shrikumar, Greenside, Shcherbina & Kundaje, 2016, at a layer",
    work=Passes(0, 1),
)
def layer_gradient_x_activation(run: Run, layer: str) -> Tensor:
    """Gradient × activation: ``a · g`` (Shrikumar et al., 2016, taken at a layer).

    Returns
    -------
    Tensor, (N, C, H, W), signed, on the layer's grid, in units of the target.
    """
    return run.value(layer) * run.gradient(layer)


@method(
    family=LAYER,
    needs=Needs.LAYER,
    cost="n forwards from the layer on, n walks back to it",
    good_for="what each unit of a layer adds, so that it adds up",
    source="Sundararajan, Taly & Yan, 2017, at a layer",
    work=lambda settings, _: _layer_path(settings),
    dial=STEPS,
)
def layer_integrated_gradients(
    run: Run,
    layer: str,
    *,
    steps: int | None = None,
    baseline: Fill = "black",
    nodes: str = "adaptive",
    progress: Told = None,
) -> Outcome:
    """Layer integrated gradients: ``(a − a′) · ∫ g(a′ + α(a − a′)) dα``, the straight line at the layer, while what passes
    the layer by stays as the picture made it (Sundararajan, Taly & Yan, 2017, eq. 1 with the layer as input). The path at
    the images instead is conductance.

    Parameters
    ----------
    steps, baseline, nodes
        As for integrated gradients; a′ is what the layer returns at the baseline.

    Returns
    -------
    Tensor, (N, C, H, W), signed, on the layer's grid, in units of the target; sums, with what a class token has, to what
    the target rises when the layer's value goes from a′ to a (``completeness``). A layer that returns windows, say, not
    an entry for each image, is refused.
    """
    refuse_steps("layer_integrated_gradients", steps, nodes)
    place = run.graph.place(layer)
    assert place is not None
    start = fill(run, baseline).expand_as(run.images).contiguous()
    here, before = run.from_layer(layer), run.at(start).from_layer(layer).images
    checks = {}
    if nodes == "adaptive":
        way = along(here, before, steps, progress)
        integral, rise, count = way.integral(), way.rise, way.steps
        checks["path_sureness"] = sureness(way)
    else:
        count = steps or GAUSS
        integral, (at, weights) = torch.zeros_like(before), nodes_and_weights(count)

        def some(numbers: range) -> None:
            between = torch.cat([before + float(at[k]) * (here.images - before) for k in numbers])
            for k, g in zip(numbers, here.at(between).gradient().reshape(len(numbers), *before.shape)):
                integral.add_(float(weights[k]) * g)

        here.in_groups(count, some, progress, walked=count)
        rise = here.scores - here.score(before)
    values = place.of((here.images - before).to(integral) * integral)
    return Outcome(values, {"completeness": completeness(values, rise, count), **checks})


@method(
    family=LAYER,
    needs=Needs.LAYER,
    cost="n forwards, n walks back to the layer",
    good_for="what flows through each unit of a layer on the way from nothing to the picture",
    source="Dhamdhere, Sundararajan & Yan, 2019",
    work=lambda settings, _: Passes(settings["steps"], settings["steps"] + 1),
    dial=STEPS,
)
def layer_conductance(
    run: Run, layer: str, *, steps: int = 32, baseline: Fill = "black", progress: Told = None
) -> Outcome:
    """Conductance: ``∫ g · ∂a/∂α dα`` along the straight line from x′ to x (Dhamdhere, Sundararajan & Yan, 2019, eq. 2),
    by differences of a between evenly spaced points, times the mean of g at their two ends.

    Parameters
    ----------
    steps
        Pieces of the path, ≥ 1.
    baseline
        As for integrated gradients.

    Returns
    -------
    Tensor, (N, C, H, W), signed, on the layer's grid, in units of the target; where everything flows through the layer's
    places it sums to the target's rise from baseline to picture (``completeness``).
    """
    refuse_steps("layer_conductance", steps)
    x, start = run.images, fill(run, baseline)
    last: tuple[Tensor, Tensor] | None = None
    values, before = torch.zeros_like(run.value(layer)), run.scores

    def some(numbers: range) -> None:
        nonlocal last, before
        at = run.at(torch.cat([start + k / steps * (x - start) for k in numbers]))
        each = (len(numbers), *values.shape)
        a, g = at.value(layer).reshape(each), at.gradient(layer).reshape(each)
        before = at.scores[: len(x)] if numbers.start == 0 else before
        for here in zip(a, g):
            values.add_(_between(last or here, here))
            last = here

    run.in_groups(steps, some, progress, walked=steps)
    assert last is not None
    values += _between(last, (run.value(layer), run.gradient(layer)))
    return Outcome(values, {"completeness": completeness(values, run.scores - before, steps)})


def _between(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> Tensor:
    return (other[0] - one[0]) * (one[1] + other[1]) / 2


@method(
    family=LAYER,
    needs=Needs.LAYER,
    cost="n forwards, n walks back to the layer",
    good_for="which units the answer hangs on, over all strengths of the picture rather than at one",
    source="Leino, Sen, Datta, Fredrikson & Li, 2018",
    work=lambda settings, _: Passes(settings["steps"], settings["steps"]),
    dial=STEPS,
    measures="slope",
)
def internal_influence(
    run: Run, layer: str, *, steps: int = 32, baseline: Fill = "black", progress: Told = None
) -> Tensor:
    """Internal influence: ``∫ g dα`` along the straight line from x′ to x (Leino et al., 2018, definition 1, with the
    line as the distribution of interest), by Gauss–Legendre quadrature.

    Parameters
    ----------
    steps
        Nodes of the quadrature, ≥ 1.
    baseline
        As for integrated gradients.

    Returns
    -------
    Tensor, (N, C, H, W), signed, on the layer's grid, in units of the target per unit of activation.
    """
    refuse_steps("internal_influence", steps)
    x, start = run.images, fill(run, baseline)
    at, weights = nodes_and_weights(steps)
    values = torch.zeros_like(run.value(layer))

    def some(numbers: range) -> None:
        between = torch.cat([start + float(at[k]) * (x - start) for k in numbers])
        for k, g in zip(numbers, run.at(between).gradient(layer).reshape(len(numbers), *values.shape)):
            values.add_(float(weights[k]) * g)

    run.in_groups(steps, some, progress, walked=steps)
    return values


@method(
    family=LAYER,
    needs=Needs.LAYER,
    cost="3 forwards, 1 walk back to the layer",
    good_for="what each unit of a layer adds, exactly, in one walk",
    source="Shrikumar, Greenside & Kundaje, 2017, at a layer",
    work=Passes(2, 1),
)
def layer_deeplift(run: Run, layer: str, *, baseline: Fill = "black") -> Outcome:
    """DeepLIFT at a layer: ``m · (a − a′)`` with the rescale rule behind it (Shrikumar, Greenside & Kundaje, 2017).

    Parameters
    ----------
    baseline
        As for integrated gradients.

    Returns
    -------
    Tensor, (N, C, H, W), signed, on the layer's grid, in units of the target; where everything flows through the layer's
    places it sums to the target's rise from baseline to picture (``summation_to_delta``).
    """
    whole = run.at(run.images)  # from the images on, so that what passes the layer by has its rules too
    whole.keeps = True
    values, before = contributions(whole, fill(run, baseline), layer)
    numbers = completeness(values, run.scores - before, 1)
    return Outcome(values, {"summation_to_delta": {name: numbers[name] for name in ("sum", "rise", "gaps")}})


def _layer_path(settings: dict[str, object]) -> Passes:
    steps = settings["steps"] or (GAUSS if settings["nodes"] == "gauss" else AT_FIRST)
    assert isinstance(steps, int)
    return Passes(steps + 3, steps) if settings["nodes"] == "gauss" else Passes(steps + 2, steps + 1)
