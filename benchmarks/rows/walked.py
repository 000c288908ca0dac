"""Rows of gradients and relevance: saliency, Grad-CAM, Integrated Gradients, LRP."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

import seethrough as st
from rows import agreement
from rows.covered import CAPTUM, GRAD_CAM
from rows.nets import TARGET, network, opening, pictures
from rows.row import Agreement, Pair, Row, Setting

LAST = {"vgg16": "features.29", "resnet50": "layer4"}
STEPS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 50, 64, 80, 100, 128)
"""Looked through from below. Who needs more than the last is given the last, which is also the most that ours takes."""

GAP = 0.01


def saliency(setting: Setting) -> Pair:
    """Captum's."""
    from captum.attr import Saliency

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    method = Saliency(net)

    def theirs() -> Tensor:
        return method.attribute(x.clone().requires_grad_(), target=TARGET)

    def agree(ours: Any, theirs: Tensor) -> Agreement:
        return agreement.difference(abs(ours.values), theirs)

    return Pair(
        opening(setting.network, net), lambda opened: st.saliency(opened, x, TARGET), theirs, agree, "parameters frozen"
    )


def gradcam(setting: Setting) -> Pair:
    """pytorch-grad-cam's, one object for all pictures."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    layer = LAST[setting.network]
    own = network(setting.network, device=setting.device)  # whose hooks stay on it
    cam = GradCAM(model=own, target_layers=[own.get_submodule(layer)])
    targets: Any = [ClassifierOutputTarget(TARGET)]

    def theirs() -> Any:
        return cam(input_tensor=x.clone().requires_grad_(), targets=targets)

    def agree(ours: Any, theirs: Any) -> Agreement:
        return agreement.difference(ours.map[0] / ours.map[0].max(), theirs[0])

    return Pair(
        opening(setting.network, net),
        lambda opened: st.gradcam(opened, x, TARGET, layer=layer),
        theirs,
        agree,
        "parameters frozen, one object",
    )


def integrated_gradients(setting: Setting) -> Pair:
    """Captum's at the fewest steps that miss at most one hundredth of the sum, searched for before; so many pictures at
    once as suit it best.
    """
    from captum.attr import IntegratedGradients

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    method = IntegratedGradients(net)
    with torch.no_grad():
        rises = (net(x) - net(torch.zeros_like(x)))[0]
    target = int(rises.abs().argmax())  # a hundredth of nearly nothing would be nobody's aim
    rise = float(rises[target])

    def theirs(steps: int, at_once: int) -> Tensor:
        return method.attribute(
            x.clone().requires_grad_(), baselines=0.0, target=target, n_steps=steps, method="gausslegendre",
            internal_batch_size=at_once,
        )  # fmt: skip

    def gap(steps: int) -> float:
        return abs(float(theirs(steps, 4).sum()) - rise) / abs(rise)

    steps = setting.once("n_steps", lambda: next((n for n in STEPS if gap(n) <= GAP), STEPS[-1]))
    sizes = {n: partial(theirs, min(steps, 8), n) for n in (1, 2, 4, 8)}
    at_once = setting.best("internal_batch_size", sizes, rounds=1)

    def ours(opened: Any) -> Any:
        found = st.integrated_gradients(opened, x, target, baseline=0.0)
        (missing,) = (note.numbers["gap"] for note in found.checks if note.name == "completeness")
        if missing > GAP:
            raise RuntimeError(f"our sum misses {missing:.1%}")
        return found

    def agree(ours: Any, theirs: Tensor) -> Agreement:
        return agreement.ranks(abs(ours.values).sum(1), theirs.abs().sum(1))

    return Pair(
        opening(setting.network, net),
        ours,
        partial(theirs, steps, at_once),
        agree,
        f"n_steps={steps}, gausslegendre, internal_batch_size={at_once}",
    )


def relevance(setting: Setting) -> Pair:
    """Zennit's, its composite registered once."""
    from zennit.attribution import Gradient
    from zennit.composites import EpsilonPlusFlat
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    canonizer = {"vgg16": VGGCanonizer, "resnet50": ResNetCanonizer}[setting.network]
    own = network(setting.network, device=setting.device)  # which it holds from now on
    attributor: Any = Gradient(own, EpsilonPlusFlat(canonizers=[canonizer()]))
    attributor.__enter__()
    wanted = torch.eye(1000, device=setting.device)[[TARGET]]

    def theirs() -> Tensor:
        return attributor(x, lambda out: out * wanted)[1]

    def agree(ours: Any, theirs: Tensor) -> Agreement:
        return agreement.difference(ours.values, theirs)

    return Pair(
        opening(setting.network, net),
        lambda opened: st.lrp_epsilon_plus_flat(opened, x, TARGET),
        theirs,
        agree,
        "composite registered once",
    )


ROWS = (
    Row(
        "gradcam",
        {"en": "Grad-CAM", "zh": "Grad-CAM"},
        GRAD_CAM,
        {"vgg16": 3, "resnet50": 2},
        gradcam,
        ("pytorch_grad_cam",),
    ),
    Row(
        "integrated_gradients",
        {"en": "Integrated Gradients, at most 1 % missing", "zh": "积分梯度，缺失至多 1 %"},
        {"en": "Captum at the fewest steps that reach it", "zh": "Captum，取达到此精度的最少步数"},
        {"vgg16": 1.5, "resnet50": 2},
        integrated_gradients,
        ("captum",),
    ),
    Row(
        "lrp",
        {"en": "LRP EpsilonPlusFlat", "zh": "LRP EpsilonPlusFlat"},
        {"en": "Zennit", "zh": "Zennit"},
        {"vgg16": 1.5, "resnet50": 1.3},
        relevance,
        ("zennit",),
    ),
    Row("saliency", {"en": "saliency", "zh": "显著图"}, CAPTUM, {"vgg16": 1, "resnet50": 1.1}, saliency, ("captum",)),
)
