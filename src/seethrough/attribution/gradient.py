"""Gradients: how the target answers to small changes of the picture.

Throughout, ``g`` is the gradient of the target with respect to the images, (N, C, H, W), in units of the target per
unit of input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from seethrough.attribution.method import Dial, Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.rules import DECONV, GUIDED
from seethrough.graph.run import Run
from seethrough.results import INPUT, Passes

GRADIENT = "gradient"


@method(
    family=GRADIENT,
    needs=Needs.GRADIENTS,
    cost="1 forward, 1 walk back",
    good_for="which pixels the answer is sensitive to",
    source="Simonyan, Vedaldi & Zisserman, 2014",
    reduce=Reduce.STRONGEST,
    signed=False,
    measures="slope",
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
    measures="slope",
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
    measures="slope",
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
    measures="slope",
    work=lambda settings, _: Passes(settings["samples"], settings["samples"]),
    dial=Dial("samples", (4, 8, 16, 25, 50)),
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
    total = zeros_to_sum(x)

    @cache
    def disturbance(_: int) -> Tensor:
        return torch.randn(x.shape[1:], generator=chance)

    def some(numbers: range) -> None:
        nonlocal total
        noisy = torch.cat([x + deviation * disturbance(k).to(x) for k in numbers])
        total += run.at(noisy).gradient().reshape(len(numbers), *x.shape).sum(0)

    run.in_groups(samples, some, progress)
    return total / samples


def zeros_to_sum(x: Tensor) -> Tensor:
    """Zeros to add many gradients to: with half of the bits, a sum of 32 would lose what single gradients have."""
    return torch.zeros(x.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
