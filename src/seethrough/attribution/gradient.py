"""Gradients: how the target answers to small changes of the picture.

Throughout, ``g`` is the gradient of the target with respect to the images, (N, C, H, W), in units of the target per
unit of input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


NOISY = {
    "family": GRADIENT,
    "needs": Needs.GRADIENTS,
    "cost": "n forwards, n walks back",
    "signed": False,
    "rules": None,
    "work": lambda settings, _: Passes(settings["samples"], settings["samples"]),
    "dial": Dial("samples", (4, 8, 16, 25, 50)),
}
"""What methods declare that look at the gradients of noisy pictures; asked together, they look at the same ones."""


@method(
    **NOISY,
    good_for="saliency with less noise",
    source="Smilkov, Thorat, Kim, Viégas & Wattenberg, 2017",
    reduce=Reduce.STRONGEST,
    measures="slope",
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
    return noisy_gradients(run, samples, noise, seed, progress).mean


@method(
    **NOISY,
    good_for="where the gradient is strong whatever its sign, with less noise",
    source="Hooker, Erhan, Kindermans & Kim, 2019",
    measures="rank",
)
def smoothgrad_squared(
    run: Run,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """SmoothGrad²: the mean of ``g²`` over pictures with Gaussian noise added (Hooker et al., 2019, section 4.1); a map
    adds its channels.

    Parameters
    ----------
    samples, noise, seed
        As for SmoothGrad; asked for with the same ones, both look at the same gradients.

    Returns
    -------
    Tensor, (N, C, H, W), ≥ 0, in squared units of the target per squared unit of input.
    """
    g = noisy_gradients(run, samples, noise, seed, progress)
    return g.variance + g.mean**2


@method(
    **NOISY,
    good_for="where the gradient changes under noise: edges of what the answer hangs on",
    source="Adebayo, Gilmer, Goodfellow & Kim, 2018",
    measures="rank",
)
def vargrad(
    run: Run,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """VarGrad: the variance of ``g`` over pictures with Gaussian noise added (Adebayo et al., 2018, section 2); a map
    adds its channels.

    Parameters
    ----------
    samples, noise, seed
        As for SmoothGrad; asked for with the same ones, both look at the same gradients. One sample has no variance.

    Returns
    -------
    Tensor, (N, C, H, W), ≥ 0, in squared units of the target per squared unit of input.
    """
    return noisy_gradients(run, samples, noise, seed, progress).variance


@dataclass
class Moments:
    """Mean and variance (of the sample, divided by its number) of gradients that come in groups."""

    mean: Tensor
    variance: Tensor
    count: int = 0

    def add(self, g: Tensor) -> None:
        """Count in some more, (k, N, C, …); from means and variances, since sums of squares would lose a small variance
        beside a large mean (Chan, Golub & LeVeque, 1979).
        """
        n, k = self.count, len(g)
        g = g.to(self.mean)
        mean, variance = g.mean(0), g.var(0, correction=0)
        apart = mean - self.mean
        self.count = n + k
        self.mean += apart * (k / self.count)
        self.variance *= n / self.count
        self.variance += variance * (k / self.count) + apart**2 * (n * k / self.count**2)


def noisy_gradients(
    run: Run, samples: int, noise: float, seed: int, progress: Callable[[int, int], None] | None = None
) -> Moments:
    """Of the gradients at pictures with noise; once for all methods of a run that ask for the same noise.

    Raises
    ------
    UsageError
        Fewer than one sample, or noise below zero.
    """
    if samples < 1 or noise < 0:
        raise UsageError(f"A mean over noisy pictures needs samples ≥ 1 and noise ≥ 0, not {samples} and {noise}.")
    return run.once(("noisy gradients", samples, noise, seed), lambda: _noisy(run, samples, noise, seed, progress))


def _noisy(run: Run, samples: int, noise: float, seed: int, progress: Callable[[int, int], None] | None) -> Moments:
    x = run.images
    each = tuple(range(1, x.dim()))
    deviation = noise * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    found = Moments(zeros_to_sum(x), zeros_to_sum(x))

    @cache
    def disturbance(_: int) -> Tensor:
        return torch.randn(x.shape[1:], generator=chance)

    def some(numbers: range) -> None:
        noisy = torch.cat([x + deviation * disturbance(k).to(x) for k in numbers])
        found.add(run.at(noisy).gradient().reshape(len(numbers), *x.shape))

    run.in_groups(samples, some, progress, walked=samples)
    return found


@method(
    family=GRADIENT,
    needs=Needs.PICTURES,
    cost="1 forward, 1 walk back",
    good_for="saliency without the fine grain that pooling and strides leave in the gradient",
    source="Muzellec, Fel, Boutin, Andéol, VanRullen & Serre, 2024",
    reduce=Reduce.NONE,
    signed=False,
    measures="slope",
)
def forgrad(run: Run, *, cutoff: float | None = None) -> Tensor:
    """FORGrad: saliency without its high frequencies, ``F⁻¹(F(max |g|) · w)``, where w is 1 up to the cut-off frequency
    and 0 above it (Muzellec et al., 2024, section 3).

    Parameters
    ----------
    cutoff
        Waves across the shorter side up to which frequencies stay, > 0. None: a fifteenth of that side's pixels, 15 of
        224, which is about what the paper's search for the most faithful cut-off ends with on ImageNet.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0 (what the filter's ringing puts below zero is zero), in units of the target per unit of input.
    """
    if cutoff is not None and cutoff <= 0:
        raise UsageError(f"forgrad's cutoff is a number of waves > 0, not {cutoff}.")
    map = run.gradient().abs().amax(1)
    height, width = map.shape[-2:]
    up, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]  # waves a pixel
    kept = torch.hypot(up, across) <= (cutoff or min(height, width) / 15) / min(height, width) + 1e-6
    return torch.fft.irfft2(torch.fft.rfft2(map) * kept.to(map), s=(height, width)).clamp(min=0)


def zeros_to_sum(x: Tensor) -> Tensor:
    """Zeros to add many gradients to: with half of the bits, a sum of 32 would lose what single gradients have."""
    return torch.zeros(x.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
