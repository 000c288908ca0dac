"""Rows of covered pictures: occlusion at two sizes, RISE, Score-CAM."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

import seethrough as st
from rows import agreement
from rows.nets import TARGET, as_taken, for_peers, network, opening, pictures
from rows.row import Pair, Row, Setting

WINDOW, STRIDE = 16, 8
FEW = (4, 8)
"""Positions down and across where only some are timed; each costs one forward, whatever its window is. (Captum wants windows that
leave no gap, so few positions take large ones.)
"""

MASKS, QUICK_MASKS, GRID, CHANCE = 1000, 64, 7, 0.5
QUICK_CHANNELS = 64


def occlusion(setting: Setting, side: int = 224) -> Pair:
    """Captum's, with as many positions at once as suit it best."""
    from captum.attr import Occlusion

    net = network(setting.network, side, setting.device)
    x = pictures(1, side).to(setting.device)
    own = as_taken(setting.network, x)
    method = Occlusion(for_peers(setting.network, net))
    positions = ((side - WINDOW) // STRIDE + 1) ** 2
    few, sizes = (FEW, (1, 8, 16)) if side <= 224 else ((4, 4), (1, 2, 4))

    def theirs(at_once: int, window: tuple[int, int], stride: tuple[int, int]) -> Tensor:
        with torch.no_grad():
            found = method.attribute(
                x, (3, *window), strides=(3, *stride), baselines=0.0, target=TARGET,
                perturbations_per_eval=at_once,
            )  # fmt: skip
        return found[:, 0]

    def ours(opened: Any, window: tuple[int, int], stride: tuple[int, int]) -> Any:
        return st.occlusion(opened, own, TARGET, window=window, stride=stride, fill=0.0).values

    apart = 2 * STRIDE if setting.quick and side > 224 else STRIDE
    every = (WINDOW, WINDOW), (apart, apart)
    part = ((side // few[0], side // few[1]),) * 2
    some = 4 if side <= 224 else 2  # a side; with the picture itself 17 or 5 forwards
    trials = {n: partial(theirs, n, *((side // some, side // some),) * 2) for n in sizes}
    at_once = setting.best("perturbations_per_eval", trials, rounds=1, limit=6)
    return Pair(
        opened=opening(setting.network, net, side),
        ours=lambda opened: ours(opened, *every),
        theirs=partial(theirs, at_once, *(part if setting.quick else every)),
        agreement=agreement.difference,
        setting=f"perturbations_per_eval={at_once}",
        share=(few[0] * few[1] + 1) / (positions + 1) if setting.quick else 1.0,
        our_share=(((side - WINDOW) // apart + 1) ** 2 + 1) / (positions + 1),
        unlike=(lambda opened: ours(opened, *part), partial(theirs, at_once, *part)) if setting.quick else None,
    )


def rise(setting: Setting) -> Pair:
    """The authors' way, written plainly: the masks are there, pictures under them go through by the batch, and the answers
    weigh the masks. Ours makes the same masks itself.
    """
    from seethrough.attribution.masks_shifted import rise_grids

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    own = as_taken(setting.network, x)
    module = for_peers(setting.network, net)
    count = QUICK_MASKS if setting.quick else MASKS
    masks = rise_grids((224, 224), count, GRID, CHANCE, "random", 0).masks.some(range(count)).to(x)
    fresh = opening(setting.network, net)

    def theirs(at_once: int, count: int = count) -> Tensor:
        with torch.no_grad():
            answers = torch.cat([module(x * some)[:, TARGET] for some in masks[:count].split(at_once)])
            return (answers @ masks[:count].flatten(1)).reshape(224, 224) / (count * CHANCE)

    def ours(opened: Any) -> Any:
        return st.rise(
            opened, own, TARGET, samples=count, grid=GRID, p=CHANCE, sampling="random", relative=False
        ).values

    def opened() -> Any:
        rise_grids.cache_clear()  # so that ours finds none made
        return fresh()

    at_once = setting.best("batch", {n: partial(theirs, n, 32) for n in (1, 4, 8, 16)}, rounds=1, limit=10)
    return Pair(
        opened=opened,
        ours=ours,
        theirs=partial(theirs, at_once),
        agreement=agreement.difference,
        setting=f"batches of {at_once}, masks ready",
        share=count / MASKS,
        our_share=count / MASKS,
    )


def scorecam(setting: Setting) -> Pair:
    """pytorch-grad-cam's, all channels of the last layer with height and width."""
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    layer = {"vgg16": "features.29", "resnet50": "layer4"}[setting.network]
    channels = {"vgg16": 512, "resnet50": 2048}[setting.network]

    peers: Any = ScoreCAM

    class Some(peers):
        """The peer's, of so many channels: those that vary most, as ours takes them where it isn't to take all."""

        count = channels

        def get_cam_image(
            self, input_tensor: Any, target_layer: Any, targets: Any, activations: Any, *rest: Any
        ) -> Any:
            varied = np.argsort(-activations.var((0, 2, 3)))[: self.count]
            return super().get_cam_image(input_tensor, target_layer, targets, activations[:, np.sort(varied)], *rest)

    targets: Any = [ClassifierOutputTarget(TARGET)]

    def theirs(at_once: int, count: int) -> Any:
        with contextlib.redirect_stderr(io.StringIO()), Some(net, [net.get_submodule(layer)]) as cam:
            cam.batch_size, cam.count = at_once, count
            return cam(input_tensor=x, targets=targets)

    count = QUICK_CHANNELS if setting.quick else channels
    at_once = setting.best("batch_size", {n: partial(theirs, n, 32) for n in (8, 16, 32)}, rounds=1, limit=10)

    def ours(opened: Any, channels: int) -> Any:
        return st.scorecam(opened, x, TARGET, layer=layer, channels=channels)

    def agree(ours: Any, theirs: Any) -> Any:
        return agreement.ranks(ours.map[0], theirs[0])

    return Pair(
        opened=opening(setting.network, net),
        ours=partial(ours, channels=count),
        theirs=partial(theirs, at_once, count),
        agreement=agree,
        setting=f"batch_size={at_once}",
        share=(count + 1) / (channels + 1),
        our_share=(count + 1) / (channels + 1),
    )


CAPTUM, GRAD_CAM = {"en": "Captum", "zh": "Captum"}, {"en": "pytorch-grad-cam", "zh": "pytorch-grad-cam"}

ROWS = (
    Row(
        "occlusion",
        {"en": "occlusion, window 16, stride 8, 729 positions", "zh": "遮挡，窗口 16，步长 8，729 个位置"},
        CAPTUM,
        {"vgg16": 10, "resnet50": 3, "keras_mobilenetv2": 8},
        occlusion,
        ("captum",),
    ),
    Row(
        "occlusion_448",
        {"en": "the same at 448 px, 3,025 positions", "zh": "同上，448 像素，3025 个位置"},
        CAPTUM,
        {"vgg16": 32, "resnet50": 5.5},
        partial(occlusion, side=448),
        ("captum",),
    ),
    Row(
        "scorecam",
        {"en": "Score-CAM, all channels", "zh": "Score-CAM，全部通道"},
        GRAD_CAM,
        {"vgg16": 2, "resnet50": 2},
        scorecam,
        ("pytorch_grad_cam",),
    ),
    Row(
        "rise",
        {"en": "RISE, 1,000 masks", "zh": "RISE，1000 个掩膜"},
        {"en": "the authors' way, plainly in torch", "zh": "作者的做法，直接用 torch 写成"},
        {"vgg16": 1.3, "resnet50": 1.3, "keras_mobilenetv2": 2},
        rise,
    ),
)
