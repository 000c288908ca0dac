"""Architectures for `written_down`: one of every family that torchvision, timm, transformers and Keras have, and our own.

No weights are fetched. A network as it is initialised would make the comparison too easy: layers that start at zero cut
gradients off, and normalisation that never saw an image lets a deep network's signal die. So what is constant when it is
initialised (gates, scales, biases) gets noise, and running statistics are those of one batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn as nn

import networks
from seethrough.graph.source import GraphSource
from seethrough.models import open_model
from seethrough.models.torchvision_import import make_torchvision_importable


@dataclass(frozen=True)
class Architecture:
    """A network to be built: its name, the world it comes from, and what makes it.

    ``make`` gives where its graphs come from, and the size (C, H, W) of one picture.
    """

    name: str
    world: str
    make: Callable[[], tuple[GraphSource, tuple[int, ...]]]


def of(world: str = "") -> list[Architecture]:
    """Those of one world, or all. Its libraries are imported here, so that no network is charged for that."""
    worlds = {"own": _own, "keras": _keras, "torchvision": _torchvision, "timm": _timm, "hf": _hugging_face}
    return [a for name, those in worlds.items() if world in ("", name) for a in those()]


# --- liveliness ---------------------------------------------------------------------------------------------------------


def lively(module: nn.Module, call: Callable[[torch.Tensor], Any], size: tuple[int, ...]) -> nn.Module:
    """Give the network noise where it is constant, and running statistics that fit its signals; in inference mode."""
    module.eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if (
                parameter.is_floating_point()
                and parameter.numel()
                and bool((parameter == parameter.flatten()[0]).all())
            ):
                parameter.add_(0.1 * torch.randn_like(parameter))
        norms = [
            m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats
        ]
        momenta = [m.momentum for m in norms]
        for m in norms:
            m.training, m.momentum = True, 1.0
        if norms:
            call(torch.rand(2, *size))
        for m, momentum in zip(norms, momenta):
            m.training, m.momentum = False, momentum
            if m.running_var is not None:
                # a channel that a batch shows constant would be blown up by what little it varies elsewhere
                m.running_var.clamp_(min=1e-3)
    return module


def _torch_source(
    build: Callable[[], nn.Module],
    size: tuple[int, ...] | None,
    call: Callable[[nn.Module], Callable[[torch.Tensor], Any]] = lambda module: module,
) -> tuple[GraphSource, tuple[int, ...]]:
    torch.manual_seed(0)
    module: Any = build()
    if size is None:
        size = tuple[int, ...](module.pretrained_cfg["input_size"])
    lively(module, call(module), size)
    return GraphSource(module, call(module), {id(m): name for name, m in module.named_modules()}), size


# --- our own and Keras' -------------------------------------------------------------------------------------------------


def _own() -> list[Architecture]:
    return [
        Architecture(name, "own", partial(_torch_source, build, size)) for name, (build, size) in networks.TORCH.items()
    ]


def _keras() -> list[Architecture]:
    import keras

    def made(build: Callable[[], Any]) -> tuple[GraphSource, tuple[int, ...]]:
        keras.utils.set_random_seed(0)
        model = build()
        opened = open_model(model)
        height, width, channels = (n or 224 for n in model.input_shape[1:])
        source = GraphSource(model, partial(model, training=False), opened.paths, layout="channels_last")
        return source, (channels, height, width)

    builds: dict[str, Callable[[], Any]] = {
        name: partial(getattr(keras.applications, name), weights=None) for name in networks.KERAS
    }
    builds["nested"] = networks.keras_nested
    return [Architecture(name, "keras", partial(made, build)) for name, build in builds.items()]


# --- torchvision --------------------------------------------------------------------------------------------------------

LARGER = (
    "h_14",
    "l_16",
    "l_32",
    "128gf",
    "32gf",
    "16gf",
    "b5",
    "b6",
    "b7",
    "v2_l",
    "convnext_large",
    "64x4d",
    "vgg19_bn",
)
"""Parts of torchvision's names whose networks are only larger than their siblings."""


def _torchvision() -> list[Architecture]:
    make_torchvision_importable()
    from torchvision import models

    def build(name: str) -> nn.Module:
        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        segments = {"weights_backbone": None} if name in models.list_models(models.segmentation) else {}
        return models.get_model(name, weights=None, **options, **segments)

    names = [n for n in models.list_models(models) if not n.endswith(LARGER)]
    sizes = {"inception_v3": (3, 299, 299), "swin_v2_t": (3, 256, 256)}
    segmenting = models.list_models(models.segmentation)
    return [
        Architecture(n, "torchvision", partial(_torch_source, partial(build, n), sizes.get(n, (3, 224, 224))))
        for n in (*names, *segmenting)
    ]


# --- timm ---------------------------------------------------------------------------------------------------------------

SMALL = "zepto atto femto pico nano xxtiny xx_small xxs xtiny x_small xs ti tiny mini xsmall small s s0 s1 b0 m0 050 t0".split()
"""What timm calls small, the smallest first."""
LARGE = "l large xl xlarge huge giant enormous".split()

LESS: dict[str, dict[str, Any]] = {
    "aimv2_1b_patch14_224": {"depth": 2},
    "deepseek_vit_412m": {"depth": 4},
    "gemma4_vit_167m": {"depth": 4, "img_size": 240},
    "samvit_base_patch16": {"depth": 4, "img_size": 256},
}
"""Networks that exist only large: so much of them."""

MORE = (
    "vit_small_patch14_dinov2 vit_small_patch14_reg4_dinov2 vit_base_patch32_clip_224 vit_base_patch16_siglip_224 "
    "vit_small_patch16_dinov3 vit_tiny_patch16_224 convnext_tiny mobilenetv4_conv_small resnetv2_50x1_bit"
).split()
"""Variants that differ from the smallest of their family in more than size."""


def timm_families() -> list[str]:
    """The smallest of each family: a module of timm and the first word of a name, with its generation (``v2``)."""
    import timm

    families: dict[tuple[str, str], list[str]] = {}
    for module in timm.list_modules():
        for name in timm.list_models(module=module):
            stem = re.match(r"[a-z]+(?:v\d(?!\d))?", name).group()  # type: ignore[union-attr]
            families.setdefault((module, stem), []).append(name)
    chosen = [min(names, key=_smallness) for (_, stem), names in families.items() if stem != "test"]
    return [*chosen, *(name for name in MORE if timm.is_model(name) and name not in chosen)]


def _smallness(name: str) -> tuple[int, list[int], int, str]:
    """Sorts the names of one family by size, as far as a name tells."""
    words = name.split("_")
    word = next((i for i, s in enumerate(SMALL) if s in words or ("_" in s and s in name)), len(SMALL))
    word += any(s in words for s in LARGE)
    return word, [int(n) for n in re.findall(r"\d+", name)], len(name), name


def _side(name: str) -> tuple[int, ...] | None:
    """The size of picture that a network is made for where it isn't the usual one of its name."""
    side = LESS.get(name, {}).get("img_size")
    return None if side is None else (3, side, side)


def _timm() -> list[Architecture]:
    make_torchvision_importable()
    import timm

    return [
        Architecture(
            name, "timm", partial(_torch_source, partial(timm.create_model, name, **LESS.get(name, {})), _side(name))
        )
        for name in timm_families()
    ]


# --- Hugging Face -------------------------------------------------------------------------------------------------------

CLASSIFY, LOOK = "AutoModelForImageClassification", "AutoModel"
SHALLOW: dict[str, Any] = {"num_hidden_layers": 3}
STAGES: dict[str, Any] = {"depths": [2, 2, 2, 2]}
VISION: dict[str, Any] = {"vision_config": SHALLOW}
LABELS: dict[str, Any] = {"num_labels": 10}

HUGGING_FACE: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "vit": (CLASSIFY, "vit", SHALLOW, 224),
    "deit": ("DeiTForImageClassification", "deit", SHALLOW | LABELS, 224),
    "beit": (CLASSIFY, "beit", SHALLOW, 224),
    "data2vec": (CLASSIFY, "data2vec-vision", SHALLOW, 224),
    "dinov2": (CLASSIFY, "dinov2", SHALLOW, 224),
    "dinov2 with registers": (CLASSIFY, "dinov2_with_registers", SHALLOW, 224),
    "dinov3 vit": (LOOK, "dinov3_vit", SHALLOW, 224),
    "dinov3 convnext": (LOOK, "dinov3_convnext", {}, 224),
    "swin": (CLASSIFY, "swin", STAGES, 224),
    "swinv2": (CLASSIFY, "swinv2", STAGES, 224),
    "donut-swin": (LOOK, "donut-swin", STAGES | {"image_size": [224, 224]}, 224),
    "convnext": (CLASSIFY, "convnext", STAGES, 224),
    "convnextv2": (CLASSIFY, "convnextv2", STAGES, 224),
    "resnet": (CLASSIFY, "resnet", STAGES, 224),
    "regnet": (CLASSIFY, "regnet", STAGES, 224),
    "bit": (CLASSIFY, "bit", STAGES, 224),
    "mobilenet v1": (CLASSIFY, "mobilenet_v1", {}, 224),
    "mobilenet v2": (CLASSIFY, "mobilenet_v2", {}, 224),
    "mobilevit": (CLASSIFY, "mobilevit", {}, 256),
    "mobilevitv2": (CLASSIFY, "mobilevitv2", {}, 256),
    "pvt": (CLASSIFY, "pvt", {}, 224),
    "pvt v2": (CLASSIFY, "pvt_v2", {}, 224),
    "segformer": (CLASSIFY, "segformer", {}, 224),
    "levit": ("LevitForImageClassification", "levit", LABELS, 224),
    "cvt": (CLASSIFY, "cvt", {"depth": [1, 2, 3]}, 224),
    "efficientnet": (
        CLASSIFY,
        "efficientnet",
        {"width_coefficient": 1.0, "depth_coefficient": 1.0, "image_size": 224, "hidden_dim": 1280},
        224,
    ),
    "focalnet": (CLASSIFY, "focalnet", {}, 224),
    "poolformer": (CLASSIFY, "poolformer", {}, 224),
    "vit msn": (CLASSIFY, "vit_msn", SHALLOW, 224),
    "vit mae": (LOOK, "vit_mae", SHALLOW, 224),
    "hiera": (CLASSIFY, "hiera", {}, 224),
    "ijepa": (CLASSIFY, "ijepa", SHALLOW | {"image_size": 224}, 224),
    "hgnet v2": (CLASSIFY, "hgnet_v2", {}, 224),
    "pp lcnet": (CLASSIFY, "pp_lcnet", {}, 224),
    "swiftformer": (CLASSIFY, "swiftformer", {}, 224),
    "textnet": (CLASSIFY, "textnet", {}, 224),
    "timm wrapper": (CLASSIFY, "timm_wrapper", {"architecture": "resnet18"}, 224),
    "clip": ("CLIPForImageClassification", "clip", VISION, 224),
    "clip vision": ("CLIPVisionModelWithProjection", "clip_vision_model", SHALLOW, 224),
    "siglip": ("SiglipForImageClassification", "siglip", VISION, 224),
    "siglip vision": (LOOK, "siglip_vision_model", SHALLOW, 224),
    "metaclip 2": (CLASSIFY, "metaclip_2", VISION, 224),
    "chinese clip vision": ("ChineseCLIPVisionModel", "chinese_clip_vision_model", SHALLOW, 224),
    "altclip vision": ("AltCLIPVisionModel", "altclip_vision_model", SHALLOW, 224),
    "blip vision": ("BlipVisionModel", "blip_vision_model", SHALLOW | {"image_size": 224}, 224),
    "flava image": ("FlavaImageModel", "flava_image_model", SHALLOW, 224),
    "groupvit vision": ("GroupViTVisionModel", "groupvit_vision_model", {}, 224),
    "layoutlmv3": (LOOK, "layoutlmv3", SHALLOW, 224),
    "owlvit vision": ("OwlViTVisionModel", "owlvit_vision_model", SHALLOW | {"image_size": 224}, 224),
    "aimv2": (LOOK, "aimv2_vision_model", SHALLOW, 224),
    "pixio": (LOOK, "pixio", SHALLOW, 256),
    "vitdet": (LOOK, "vitdet", SHALLOW | {"image_size": 224}, 224),
    "internvl vision": ("InternVLVisionModel", "internvl_vision", SHALLOW | {"image_size": [224, 224]}, 224),
    "sam vision": (LOOK, "sam_vision_model", SHALLOW | {"image_size": 256, "global_attn_indexes": [1]}, 256),
    "swin2sr": (LOOK, "swin2sr", {"depths": [2, 2]}, 64),
    "segformer segmentation": ("SegformerForSemanticSegmentation", "segformer", {}, 224),
    "beit segmentation": ("BeitForSemanticSegmentation", "beit", {"out_indices": [3, 5, 7, 11]}, 224),
    "mobilevit segmentation": ("MobileViTForSemanticSegmentation", "mobilevit", {}, 256),
    "mobilenet v2 segmentation": ("MobileNetV2ForSemanticSegmentation", "mobilenet_v2", {}, 224),
    "upernet": ("UperNetForSemanticSegmentation", "upernet", {}, 224),
    "dpt segmentation": ("DPTForSemanticSegmentation", "dpt", {"image_size": 224}, 224),
    "mask2former": ("Mask2FormerForUniversalSegmentation", "mask2former", {}, 224),
    "maskformer": ("MaskFormerForInstanceSegmentation", "maskformer", {}, 224),
    "glpn": ("GLPNForDepthEstimation", "glpn", {}, 224),
    "depth anything": ("DepthAnythingForDepthEstimation", "depth_anything", {}, 224),
    "yolos": ("YolosForObjectDetection", "yolos", SHALLOW | {"image_size": [224, 224]}, 224),
    "detr": (
        "DetrForObjectDetection",
        "detr",
        {
            "backbone": None,
            "use_timm_backbone": False,
            "use_pretrained_backbone": False,
            "encoder_layers": 2,
            "decoder_layers": 2,
        },
        224,
    ),
    "conditional detr": ("ConditionalDetrForObjectDetection", "conditional_detr", {}, 224),
    "deformable detr": ("DeformableDetrForObjectDetection", "deformable_detr", {}, 224),
    "rt-detr": ("RTDetrForObjectDetection", "rt_detr", {}, 224),
    "d-fine": ("DFineForObjectDetection", "d_fine", {}, 224),
}
"""From name to the class that builds it, the kind of configuration, what is said differently there, the picture's sides."""


def _hugging_face() -> list[Architecture]:
    make_torchvision_importable()
    import transformers

    def build(head: str, kind: str, said: dict[str, Any]) -> nn.Module:
        configuration = transformers.AutoConfig.for_model(kind, **said)
        maker = getattr(transformers, head)
        return maker.from_config(configuration) if head.startswith("Auto") else maker(configuration)

    def call(module: nn.Module) -> Callable[[torch.Tensor], Any]:
        return lambda images: module(pixel_values=images)

    return [
        Architecture(name, "hf", partial(_torch_source, partial(build, head, kind, said), (3, side, side), call))
        for name, (head, kind, said, side) in HUGGING_FACE.items()
    ]
