"""Guided Grad-CAM: a coarse map that knows the target, upon a fine one that doesn't."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from seethrough.attribution.cam import FAMILY, gradcam
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.graph.rules import GUIDED
from seethrough.graph.run import Run
from seethrough.results import INPUT, Passes


@method(
    family=FAMILY,
    cost="1 forward, 2 walks back",
    good_for="fine structure within the places that speak for the target",
    source="Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, 2017",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.STRONGEST,
    signed=False,
    rules=GUIDED,
    work=Passes(0, 2),
    measures="rank",
)
def guided_gradcam(run: Run, layer: str) -> Tensor:
    """Guided Grad-CAM: guided backpropagation times Grad-CAM, brought to the picture's size by bilinear interpolation
    (Selvaraju et al., ICCV 2017, section 3.2).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in no unit.
    """
    guided = run.gradient(INPUT, GUIDED)
    coarse = interpolate(gradcam(run, layer)[:, None], size=guided.shape[2:], mode="bilinear", align_corners=False)
    return guided * coarse
