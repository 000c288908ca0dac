"""Class activation maps by the layer's own structure: what its feature maps have in common, or where they stand out.

Throughout, ``a`` is the layer's activation and ``g`` the gradient of the target with respect to it, (N, C, H, W), and
``A`` the same as a matrix of places and channels, (N, H · W, C).
"""

from __future__ import annotations

import torch
from torch import Tensor, relu

from seethrough.attribution.cam import FAMILY, TO_THE_LAYER
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    family=FAMILY,
    cost="1 forward",
    good_for="what the layer sees at all, whatever was asked: the same map for every target",
    source="Muhammad & Yeasin, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=Passes(0, 0),
    measures="rank",
)
def eigencam(run: Run, layer: str, *, centred: bool = False) -> Tensor:
    """Eigen-CAM: places by their part in the first principal component, ``A v₁`` (Muhammad & Yeasin, IJCNN 2020, eq. 2).
    A singular vector has no sign of its own: it is taken so that strongly active places are positive.

    Parameters
    ----------
    centred
        Take each channel's mean off first, as a widely used implementation does; the paper doesn't.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in units of the activation.
    """
    a = run.value(layer)
    return relu(first_component(a, a.norm(dim=1), centred))


@method(
    family=FAMILY,
    cost="1 forward, 1 walk back to the layer",
    good_for="Eigen-CAM of what speaks for the target",
    source="Gildenblat, 2021, after Muhammad & Yeasin, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=TO_THE_LAYER,
    measures="rank",
)
def eigengradcam(run: Run, layer: str, *, centred: bool = False) -> Tensor:
    """EigenGrad-CAM: Eigen-CAM of gradient × activation, its sign taken so that places that speak for the target are
    positive.

    Parameters
    ----------
    centred
        As for `eigencam`.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in units of the target.
    """
    contributions = run.gradient(layer) * run.value(layer)
    return relu(first_component(contributions, contributions.sum(1), centred))


@method(
    family=FAMILY,
    cost="1 forward",
    good_for="where the layer's features are rare and strong, whatever was asked",
    source="Fuad, Martin, Giot, Bourqui, Benois-Pineau & Zemmari, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=Passes(0, 0),
    measures="rank",
)
def fem(run: Run, layer: str, *, deviations: float = 2.0) -> Tensor:
    """FEM: the places where a channel is k standard deviations above its mean, added up over the channels by that mean
    (Fuad et al., IPTA 2020, eq. 1 to 3).

    Parameters
    ----------
    deviations
        k, of the paper's rule.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in units of the activation.
    """
    if deviations < 0:
        raise UsageError(f"fem needs deviations ≥ 0, not {deviations}.")
    a = run.value(layer)
    mean = a.mean((2, 3), keepdim=True)
    strong = a > mean + deviations * a.std((2, 3), correction=0, keepdim=True)
    return relu((mean * strong).sum(1))


def first_component(a: Tensor, alike: Tensor, centred: bool) -> Tensor:
    """The places' parts in the first principal component of ``a`` (N, C, H, W), turned so as to be like ``alike`` (N, H,
    W).
    """
    places = a.flatten(2).transpose(1, 2)
    if centred:
        places = places - places.mean(1, keepdim=True)
    _, _, directions = torch.linalg.svd(places, full_matrices=False)
    parts = (places @ directions[:, 0, :, None])[..., 0]
    turned = (parts * alike.flatten(1)).sum(1, keepdim=True)
    return (parts * torch.where(turned < 0, -1, 1)).unflatten(1, a.shape[2:])
