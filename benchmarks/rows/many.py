"""Rows of many: ten and twelve methods on one picture, and Grad-CAM of a folder of pictures."""

from __future__ import annotations

import copy
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

import seethrough as st
from rows import agreement
from rows.covered import GRAD_CAM
from rows.nets import TARGET, network, opening, pictures
from rows.row import Agreement, Call, Pair, Row, Setting
from rows.walked import LAST

ONE_PASS = (
    "saliency", "input_x_gradient", "guided_backprop", "deconvnet", "gradcam", "gradcam_pp", "layercam", "hirescam",
    "lrp_epsilon_plus_flat", "fullgrad",
)  # fmt: skip
MANY_PASSES = ("integrated_gradients", "smoothgrad")
SETTINGS: dict[str, Any] = {"steps": 32, "samples": 16}
ALIKE = ("saliency", "input_x_gradient", "gradcam", "layercam", "hirescam", "lrp_epsilon_plus_flat")
"""Methods that both sides define alike, whose maps are compared."""

IMAGES, QUICK_IMAGES, PHOTO = 2000, 200, (500, 375)


def peers(name: str, module: nn.Module, image: torch.Tensor) -> dict[str, Call]:
    """Each method as a peer has it; each call gives its map of one image."""
    from captum.attr import (
        Deconvolution,
        GuidedBackprop,
        InputXGradient,
        IntegratedGradients,
        NoiseTunnel,
        Saliency,
    )
    from pytorch_grad_cam import FullGrad, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from zennit.attribution import Gradient
    from zennit.composites import EpsilonPlusFlat
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer

    def cam(kind: type) -> Call:
        own = copy.deepcopy(module)  # whose hooks stay on it
        made = kind(model=own, target_layers=[own.get_submodule(LAST[name])])
        return lambda: made(input_tensor=image.clone().requires_grad_(), targets=[ClassifierOutputTarget(TARGET)])

    def captum(method: Any, **options: object) -> Call:
        return lambda: method.attribute(image.clone().requires_grad_(), target=TARGET, **options)

    canonizer = {"vgg16": VGGCanonizer, "resnet50": ResNetCanonizer}[name]
    held: Any = Gradient(copy.deepcopy(module), EpsilonPlusFlat(canonizers=[canonizer()]))
    held.__enter__()
    wanted = torch.eye(1000, device=image.device)[[TARGET]]
    return {
        "saliency": captum(Saliency(module)),
        "input_x_gradient": captum(InputXGradient(module)),
        "guided_backprop": captum(GuidedBackprop(copy.deepcopy(module))),
        "deconvnet": captum(Deconvolution(copy.deepcopy(module))),
        "gradcam": cam(GradCAM),
        "gradcam_pp": cam(GradCAMPlusPlus),
        "layercam": cam(LayerCAM),
        "hirescam": cam(HiResCAM),
        "lrp_epsilon_plus_flat": lambda: held(image, lambda out: out * wanted)[1],
        "fullgrad": cam(FullGrad),
        "integrated_gradients": captum(IntegratedGradients(module), n_steps=32, internal_batch_size=8),
        "smoothgrad": captum(
            NoiseTunnel(Saliency(module)), nt_type="smoothgrad", nt_samples=16, nt_samples_batch_size=8, stdevs=0.15
        ),
    }


def methods(setting: Setting, names: tuple[str, ...]) -> Pair:
    """The peers' one after another, each at its best setting: parameters frozen, objects made once."""
    net = network(setting.network, device=setting.device)
    x = pictures(1).to(setting.device)
    calls = peers(setting.network, network(setting.network, device=setting.device), x)

    def theirs() -> dict[str, Any]:
        return {name: calls[name]() for name in names}

    def ours(opened: Any) -> Any:
        return st.explain(
            opened, x, list(names), TARGET, layer=LAST[setting.network], **(SETTINGS if len(names) > 10 else {})
        )

    def agree(ours: Any, theirs: dict[str, Any]) -> Agreement:
        def correlation(name: str) -> float:
            other = agreement.numbers(theirs[name])
            if other.ndim == 4:
                return agreement.ranks(np.abs(ours[name].values).sum(1), np.abs(other).sum(1)).value
            return agreement.ranks(ours[name].map, other).value

        return Agreement("rank correlation", min(correlation(name) for name in ALIKE))

    return Pair(opening(setting.network, net), ours, theirs, agree, "each frozen, objects made once")


def photos(folder: Path, count: int) -> list[Path]:
    """So many JPEGs of a camera's kind in a folder: smooth shapes and grain, no two alike."""
    paths = []
    for number in range(count):
        chance = np.random.default_rng(number)
        coarse = Image.fromarray(chance.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize(PHOTO, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = chance.integers(-12, 13, smooth.shape, dtype=np.int16)
        paths.append(folder / f"{number:05}.jpg")
        Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


class Photos(torch.utils.data.Dataset):
    """The peer's reading of them: decoded by Pillow, shorter side to 256, the centre, ImageNet's mean and deviation."""

    def __init__(self, paths: list[Path]) -> None:
        from torchvision import transforms

        self.paths = paths
        self.ready: Any = transforms.Compose(
            [
                transforms.Resize(256),
                transforms.CenterCrop(224),
                transforms.ToTensor(),
                transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        with Image.open(self.paths[number]) as picture:
            return self.ready(picture.convert("RGB"))


def folder(setting: Setting) -> Pair:
    """pytorch-grad-cam's by the batch, parameters frozen, pictures decoded ahead; the best of its batches and of the numbers of
    processes that decode.
    """
    from pytorch_grad_cam import GradCAM

    net = network(setting.network, device=setting.device)
    layer = LAST[setting.network]
    own = network(setting.network, device=setting.device)  # whose hooks stay on it
    cam = GradCAM(model=own, target_layers=[own.get_submodule(layer)])
    count = QUICK_IMAGES if setting.quick else IMAGES
    kept = tempfile.TemporaryDirectory()
    paths = photos(Path(kept.name), count)

    def theirs(batch: int, workers: int, count: int = count) -> np.ndarray:
        loader = torch.utils.data.DataLoader(
            Photos(paths[:count]), batch, num_workers=workers, pin_memory=setting.device == "cuda"
        )
        first = np.zeros(0)
        for images in loader:
            maps = cam(input_tensor=images.to(setting.device).requires_grad_(), targets=None)
            first = first if first.size else maps[:4]
        return first

    batch = setting.best("batch", {n: partial(theirs, n, 0, 16) for n in (4, 8, 16)}, rounds=1, limit=10)
    workers = setting.best("workers", {n: partial(theirs, batch, n, 32) for n in (0, 1, 2)}, rounds=1, limit=15)

    def ours(opened: Any, kept: object = kept) -> np.ndarray:  # the folder lives as long as this does
        # ``map`` is on the picture's pixels, as the peer's is on the input's; ``values`` on the layer's grid
        found = [one.values for one in st.maps(opened, paths[0].parent, "gradcam", layer=layer) if one.map.size]
        return np.stack(found[:4])

    def agree(ours: np.ndarray, theirs: np.ndarray) -> Agreement:
        large = nn.functional.interpolate(torch.from_numpy(ours)[:, None], (224, 224), mode="bilinear")[:, 0]
        return Agreement("rank correlation", min(agreement.ranks(a, b).value for a, b in zip(large, theirs)))

    return Pair(
        opening(setting.network, net, preprocessing={"name": "torch", "rounding": "torchvision"}),
        ours,
        partial(theirs, batch, workers),
        agree,
        f"batches of {batch}, {workers} processes that decode",
        share=count / IMAGES,
        our_share=count / IMAGES,
    )


SUM = {"en": "Captum, Zennit, pytorch-grad-cam one by one", "zh": "Captum、Zennit、pytorch-grad-cam 逐一运行"}
EVERY: tuple[str, ...] = (*ONE_PASS, *MANY_PASSES)

ROWS = (
    Row(
        "ten",
        {"en": "ten cheap methods on one picture", "zh": "一张图上的十种廉价方法"},
        SUM,
        {"vgg16": 4, "resnet50": 4},
        partial(methods, names=ONE_PASS),
        ("captum", "zennit", "pytorch_grad_cam"),
    ),
    Row(
        "twelve",
        {
            "en": "the same and Integrated Gradients (32), SmoothGrad (16)",
            "zh": "同上，加积分梯度（32）、SmoothGrad（16）",
        },
        SUM,
        {"vgg16": 1.2, "resnet50": 1.2},
        partial(methods, names=EVERY),
        ("captum", "zennit", "pytorch_grad_cam"),
    ),
    Row(
        "folder",
        {"en": "Grad-CAM of 2,000 photos, decoding included", "zh": "2000 张照片的 Grad-CAM，含解码"},
        GRAD_CAM,
        {"vgg16": 2, "resnet50": 2},
        folder,
        ("pytorch_grad_cam", "torchvision"),
    ),
)
