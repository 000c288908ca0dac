"""Class activation maps by the gradient: which places of a layer's feature maps speak for the target.

All of these weigh the channels of one spatial layer and add them up; they differ in the weights. Throughout, ``a`` is
the layer's activation and ``g`` the gradient of the target with respect to it, both (N, C, H, W). Of a transformer's
layer they are the tokens that stand on the picture, in their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, relu, stack
from torch.nn.functional import interpolate

from seethrough.attribution.method import Dial, Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

FAMILY = "class activation"
TO_THE_LAYER = Passes(0, 1)
"""One walk back from the answer to the layer."""


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="where the evidence for the target lies, coarsely; a good first look",
    source="Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, 2017",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
)
def gradcam(run: Run, layer: str) -> Tensor:
    """Grad-CAM: a channel counts by its mean gradient (Selvaraju et al., ICCV 2017, eq. 1 and 2).

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target.
    """
    a, g = run.value(layer), run.gradient(layer)
    return relu((g.mean((2, 3), keepdim=True) * a).sum(1))


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="the same thing in several places: each counts, however small it is",
    source="Chattopadhyay, Sarkar, Howlader & Balasubramanian, 2018",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
    measures="rank",
)
def gradcam_pp(run: Run, layer: str) -> Tensor:
    """Grad-CAM++: a channel counts by its positive gradients, each weighted so that a small object counts like a large
    one (Chattopadhyay et al., WACV 2018, eq. 10 and 19).

    For a score behind an exponential, as in the paper, all three derivatives are powers of g, and the weight of a place
    is ``α = g² / (2g² + g³ Σ a)``; where g > 0, which is all that counts, that is ``1 / (2 + g Σ a)``, so that nothing
    small has to be added below to divide. The paper assumes activations ≥ 0; where a channel's sum is negative, it is
    taken as 0.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in no unit.
    """
    a, g = run.value(layer), run.gradient(layer)
    alpha = 1 / (2 + relu(g) * relu(a.sum((2, 3), keepdim=True)))
    weights = (alpha * relu(g)).sum((2, 3), keepdim=True)
    return relu((weights * a).sum(1))


@method(
    family=FAMILY,
    cost="n forwards, n walks back to the layer",
    good_for="Grad-CAM++ with less noise",
    source="Omeiza, Speakman, Cintas & Weldermariam, 2019",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, _: Passes(settings["samples"], settings["samples"]),
    dial=Dial("samples", (2, 4, 8, 16, 32)),
    measures="rank",
)
def smooth_gradcam_pp(
    run: Run,
    layer: str,
    *,
    samples: int = 8,
    noise: float = 0.15,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Smooth Grad-CAM++: the derivatives of Grad-CAM++, each averaged over noisy pictures (Omeiza et al., 2019, eq. 5
    and 6), with the numerator of Grad-CAM++ (the paper prints the first derivative there, which has another unit than
    what stands below it).

    Parameters
    ----------
    samples
        How many noisy pictures, ≥ 1.
    noise
        Standard deviation of the noise as a part of each picture's range (max − min); 0 gives Grad-CAM++.
    seed
        Of the noise, which is the same for every picture of a batch. The process' random state is neither read nor
        changed.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in no unit.
    """
    if samples < 1 or noise < 0:
        raise UsageError(f"smooth_gradcam_pp needs samples ≥ 1 and noise ≥ 0, not samples={samples}, noise={noise}.")
    x, a = run.images, run.value(layer)
    each = tuple(range(1, x.dim()))
    deviation = noise * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    noises = [torch.randn(x.shape[1:], generator=chance) for _ in range(samples)]
    first, second, third = (torch.zeros_like(a) for _ in range(3))

    def some(numbers: range) -> None:
        noisy = torch.cat([x + deviation * noises[k].to(x) for k in numbers])
        g = run.at(noisy, layer).gradient(layer).reshape(len(numbers), *a.shape)
        for total, power in ((first, 1), (second, 2), (third, 3)):
            total.add_((g**power).sum(0) / samples)

    run.in_groups(samples, some, progress)
    below = 2 * second + relu(third * relu(a.sum((2, 3), keepdim=True)))
    alpha = torch.where(below > 0, second / below.where(below > 0, 1), 0)
    weights = (alpha * relu(first)).sum((2, 3), keepdim=True)
    return relu((weights * a).sum(1))


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="Grad-CAM whose weights say what a channel adds",
    source="Fu, Hu, Dong, Guo, Gao & Li, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
)
def xgradcam(run: Run, layer: str) -> Tensor:
    """XGrad-CAM: a channel counts by the mean of its gradient over where it is active, ``Σ g a / Σ a``, so that what it
    is given in all is what it adds to first order (Fu et al., BMVC 2020, eq. 8).

    A channel that sums to nothing has no such mean; it is left out.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target.
    """
    a, g = run.value(layer), run.gradient(layer)
    whole = a.sum((2, 3), keepdim=True)
    adds = (g * a).sum((2, 3), keepdim=True)
    weights = torch.where(whole == 0, 0, adds / whole.where(whole != 0, 1))
    return relu((weights * a).sum(1))


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="only places that the answer really reads; its sum is what the layer gave, to first order",
    source="Draelos & Carin, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
)
def hirescam(run: Run, layer: str) -> Tensor:
    """HiResCAM: gradient and activation multiplied place by place (Draelos & Carin, 2020, eq. 5). Before the rectifier
    it adds up to the target less its bias, where one linear layer follows.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target.
    """
    a, g = run.value(layer), run.gradient(layer)
    return relu((g * a).sum(1))


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="early layers too: finer than Grad-CAM there",
    source="Jiang, Zhang, Hou, Cheng & Wei, 2021",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
)
def layercam(run: Run, layer: str) -> Tensor:
    """Layer-CAM: each place of a channel counts by its own gradient, where that is positive (Jiang et al., TIP 2021, eq.
    6 to 8).

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target.
    """
    a, g = run.value(layer), run.gradient(layer)
    return relu((relu(g) * a).sum(1))


def fused(maps: Sequence[Tensor]) -> Tensor:
    """Maps of several layers, each (N, h, w), as one on the largest grid: each divided by its largest |value|, brought
    there by bilinear interpolation, and averaged. A map of zeros adds nothing.
    """
    size = max((tuple(m.shape[1:]) for m in maps), key=lambda grid: grid[0] * grid[1])
    largest = [m.abs().amax((1, 2), keepdim=True) for m in maps]
    scaled = [torch.where(top == 0, 0, m / top.where(top != 0, 1)) for m, top in zip(maps, largest)]
    return stack([interpolate(m[:, None], size=size, mode="bilinear")[:, 0] for m in scaled]).mean(0)
