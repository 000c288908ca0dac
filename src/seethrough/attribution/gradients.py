"""Gradients: how the target answers to small changes of the picture.

Throughout, ``g`` is the gradient of the target with respect to the images, (N, C, H, W), in units of the target per
unit of input.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.method import Needs, Outcome, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.rules import DECONV, GUIDED
from seethrough.graph.run import Run
from seethrough.results import INPUT

GRADIENT = "gradient"


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="1 forward, 1 walk back",
    good_for="which pixels the answer is sensitive to",
    source="Simonyan, Vedaldi & Zisserman, 2014",
    reduce=Reduce.STRONGEST,
    signed=False,
)
def saliency(run: Run) -> Tensor:
    """Saliency: the gradient itself (Simonyan, Vedaldi & Zisserman, 2014, section 3); a map shows max over channels of
    |g|.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target per unit of input.
    """
    return run.gradient()


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="1 forward, 1 walk back",
    good_for="what each pixel adds, to first order",
    source="Shrikumar, Greenside, Shcherbina & Kundaje, 2016",
)
def input_x_gradient(run: Run) -> Tensor:
    """Input × gradient (Shrikumar et al., 2016): for a network of rectifiers without biases it adds up to the target.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target.
    """
    return run.images * run.gradient()


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="1 forward, 1 walk back",
    good_for="fine structure; depends little on the target",
    source="Springenberg, Dosovitskiy, Brox & Riedmiller, 2015",
    reduce=Reduce.STRONGEST,
    signed=False,
    rules=GUIDED,
)
def guided_backprop(run: Run) -> Tensor:
    """Guided backpropagation: at every rectifier only what is positive goes further down (Springenberg et al., 2015,
    section 3.4).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target per unit of input.
    """
    return run.gradient(INPUT, GUIDED)


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="1 forward, 1 walk back",
    good_for="what structure excites the answer; depends little on the target",
    source="Zeiler & Fergus, 2014",
    reduce=Reduce.STRONGEST,
    signed=False,
    rules=DECONV,
)
def deconvnet(run: Run) -> Tensor:
    """DeconvNet: the target projected down, rectified where the network rectifies (Zeiler & Fergus, 2014, section 2.1).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target per unit of input.
    """
    return run.gradient(INPUT, DECONV)


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="saliency with less noise",
    source="Smilkov, Thorat, Kim, Viégas & Wattenberg, 2017",
    reduce=Reduce.STRONGEST,
    signed=False,
    rules=None,
)
def smoothgrad(
    run: Run,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """SmoothGrad: the mean gradient over pictures with Gaussian noise added (Smilkov et al., 2017, section 3).

    Parameters
    ----------
    samples
        How many noisy pictures, ≥ 1.
    noise
        Standard deviation of the noise as a part of each picture's range (max − min), as in the paper; 0 gives
        saliency.
    seed
        Of the noise, which is the same for every picture of a batch, so that a picture's map doesn't depend on its
        company. The process' random state is neither read nor changed.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target per unit of input.
    """
    if samples < 1 or noise < 0:
        raise UsageError(f"smoothgrad needs samples ≥ 1 and noise ≥ 0, not samples={samples}, noise={noise}.")
    x = run.images
    each = tuple(range(1, x.dim()))
    deviation = noise * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    total = _sum_of(x)
    for start in range(0, samples, run.versions):
        many = min(run.versions, samples - start)
        noisy = torch.cat([x + deviation * torch.randn(x.shape[1:], generator=chance).to(x) for _ in range(many)])
        total += run.at(noisy).gradient().reshape(many, *x.shape).sum(0)
        if progress:
            progress(start + many, samples)
    return total / samples


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="what each pixel adds, so that it adds up",
    source="Sundararajan, Taly & Yan, 2017",
    rules=None,
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
    total = _sum_of(x)
    group = run.versions
    for first in range(0, steps, group):
        some = nodes[first : first + group]
        between = torch.cat([start + float(a) * (x - start) for a in some])
        g = run.at(between).gradient().reshape(len(some), *x.shape)
        for k in range(len(some)):
            total += float(weights[first + k]) * g[k]
        if progress:
            progress(first + len(some), steps)
    values = (x - start).to(total) * total
    added = values.flatten(1).sum(1)
    rise = run.scores - run.score(start.expand_as(x).contiguous())
    gap = ((added - rise).abs() / rise.abs().clamp(min=1e-6)).tolist()
    numbers = {"sum": added.tolist(), "rise": rise.tolist(), "gap": max(gap), "gaps": gap, "steps": steps}
    return Outcome(values, {"completeness": numbers})


def _sum_of(x: Tensor) -> Tensor:
    """Zeros to add many gradients to: with half of the bits, a sum of 32 would lose what single gradients have."""
    return torch.zeros(x.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
