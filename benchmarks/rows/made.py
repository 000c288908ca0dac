"""Rows of what is made or told: feature visualization, a summary, the forward of a Keras network."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor

import seethrough as st
from rows import agreement
from rows.nets import MIDDLE, as_taken, network, opening, pictures
from rows.row import Agreement, Pair, Row, Setting

STEPS, SIDE, CHANNEL = 64, 128, 7


def visualization(setting: Setting) -> Pair:
    """torch-lucent's, at its best: a picture of 128 pixels that it doesn't enlarge (as it comes it enlarges what is under 224),
    weights frozen or not.
    """
    from lucent.optvis import param, render

    net = network(setting.network, device=setting.device)
    layer = MIDDLE[setting.network]
    own = network(setting.network, device=setting.device)

    def theirs(frozen: bool, steps: int = STEPS) -> Any:
        own.requires_grad_(not frozen)
        try:
            return render.render_vis(
                own, f"{layer.replace('.', '_')}:{CHANNEL}", param_f=lambda: param.image(SIDE), thresholds=(steps,),
                progress=False, show_image=False, fixed_image_size=SIDE,
            )  # fmt: skip
        finally:
            for parameter in own.parameters():
                parameter.grad = None
            for module in own.modules():  # its hooks stay
                module._forward_hooks.clear()

    def ours(opened: Any) -> Any:
        return st.maximize(opened, layer, channel=[CHANNEL], size=SIDE, steps=STEPS, snapshots=0)

    def agree(ours: Any, theirs: Any) -> Agreement:
        """What the channel gives for our picture over what it gives for theirs; no two runs make the same picture."""
        picture = torch.from_numpy(ours.pictures).permute(0, 3, 1, 2).float() / 255
        other = torch.from_numpy(theirs[-1]).permute(0, 3, 1, 2).float()
        reached = [_given(net, layer, p.to(setting.device)) for p in (picture, other)]
        return Agreement("reached, ours over theirs", reached[0] / reached[1])

    frozen = setting.best("frozen", {f: partial(theirs, f, 8) for f in (True, False)}, rounds=2)
    words = "fixed_image_size=128" + ", weights frozen" * bool(frozen)
    fresh = opening(setting.network, net, SIDE, preprocessing="torch")
    return Pair(fresh, ours, partial(theirs, frozen), agree, words)


def _given(net: Any, layer: str, picture: Tensor) -> float:
    """The mean of the channel for a picture of 0 to 1."""
    mean = picture.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    spread = picture.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    found: list[Tensor] = []
    hook = net.get_submodule(layer).register_forward_hook(lambda _m, _x, out: found.append(out))
    with torch.no_grad():
        net((picture - mean) / spread)
    hook.remove()
    return float(found[0][0, CHANNEL].mean())


def summary(setting: Setting) -> Pair:
    """torchinfo's, the quicker of two: the network itself, or a copy on the meta device, where running it computes nothing."""
    import torchinfo

    net = network(setting.network, device=setting.device)
    bare = copy.deepcopy(net).to("meta")
    size = (1, 3, 224, 224)
    calls = {
        setting.device: lambda: torchinfo.summary(net, size, verbose=0, device=setting.device),
        "meta": lambda: torchinfo.summary(bare, size, verbose=0, device="meta"),
    }
    device = setting.best("device", calls)

    def ours(opened: Any) -> Any:
        return opened.summary()

    def agree(ours: Any, theirs: Any) -> Agreement:
        return agreement.difference([ours.parameters], [theirs.total_params])

    return Pair(opening(setting.network, net), ours, calls[device], agree, f"device={device!r}")


def forward(setting: Setting, batch: int) -> Pair:
    """Keras' own call, on the layout that it takes, without gradients."""
    net = network(setting.network, device=setting.device)
    x = as_taken(setting.network, pictures(batch)).to(setting.device)

    def called() -> Tensor:
        with torch.no_grad():
            return net(x, training=False)

    def predicted() -> Any:
        return net.predict_on_batch(x)

    calls = {"model(x, training=False)": called, "predict_on_batch": predicted}
    way = setting.best("way", calls)

    def ours(opened: Any) -> Any:
        return opened.predict(x).values

    return Pair(opening(setting.network, net), ours, calls[way], agreement.difference, f"{way}, no gradients")


LUCENT, TORCHINFO, ITSELF = (
    {"en": "torch-lucent", "zh": "torch-lucent"},
    {"en": "torchinfo", "zh": "torchinfo"},
    {"en": "Keras itself", "zh": "Keras 自身"},
)
KERAS_BARS = {"keras_vgg16": 1.3, "keras_resnet50": 1.8, "keras_mobilenetv2": 4}

ROWS = (
    Row(
        "visualization",
        {"en": "feature visualization, 64 steps, middle layer, 128 px", "zh": "特征可视化，64 步，中间层，128 像素"},
        LUCENT,
        {"vgg16": 3, "resnet50": 3},
        visualization,
        ("lucent",),
    ),
    Row(
        "summary", {"en": "summary", "zh": "结构摘要"}, TORCHINFO, {"vgg16": 5, "resnet50": 3}, summary, ("torchinfo",)
    ),
    Row(
        "forward_1",
        {"en": "forward of a Keras network, one picture, asked again", "zh": "Keras 网络的前向计算，一张图，再次提问"},
        ITSELF,
        KERAS_BARS,
        partial(forward, batch=1),
        ("keras",),
        "next",
    ),
    Row(
        "forward_4",
        {"en": "the same, four pictures", "zh": "同上，四张图"},
        ITSELF,
        KERAS_BARS,
        partial(forward, batch=4),
        ("keras",),
        "next",
    ),
)
