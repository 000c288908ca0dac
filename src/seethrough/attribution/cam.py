"""Class activation maps: which places of a layer's feature maps speak for the target.

All of these weigh the channels of one spatial layer and add them up; they differ in the weights. Throughout, ``a`` is
the layer's activation and ``g`` the gradient of the target with respect to it, both (N, C, H, W).
"""

from __future__ import annotations

from torch import Tensor, relu

from seethrough.attribution.method import Needs, Reduce, method
from seethrough.graph.run import Run


@method(
    family="class activation",
    cost="1 forward, 1 walk back to the layer",
    good_for="where the evidence for the target lies, coarsely; a good first look",
    source="Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, 2017",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
)
def gradcam(run: Run, layer: str) -> Tensor:
    """Grad-CAM: a channel counts by its mean gradient (Selvaraju et al., ICCV 2017, eq. 1 and 2).

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of the target.
    """
    a, g = run.value(layer), run.gradient(layer)
    return relu((g.mean((2, 3), keepdim=True) * a).sum(1))
