"""Tokens that form a grid, on real architectures of timm, torchvision and Hugging Face.

For each network: how many of its layers have a grid, the layer that a class activation map would be taken from and its
grid, whether one changed pixel is found in exactly its place of every layer (the network run as it is but that nothing
mixes places, see ``tests/graph/locality.py``), and the seconds of processor time that finding all grids and the layer
took.

    python benchmarks/grids.py [--only NAME]

A network counts as wrong where any layer has the pixel at another place than its own, and where a layer has it at few of
its numbers and yet no grid.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from seethrough.attribution.layers import last_spatial, spatial_layers
from seethrough.graph.source import GraphSource
from seethrough.models.torchvision_import import make_torchvision_importable

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "graph"))
from locality import Agreement, one_pixel, stirred

PIXELS = ((9, 50), (37, 20))
"""Rows and columns that differ, so that height isn't taken for width."""
NOISE = {"timm": 0.1, "torchvision": 0.1, "hf": 0.3}
"""On the weights; Hugging Face's begin so small that a pixel is lost in rounding on its way."""
LIMIT = 0.3
"""Seconds within which a network's grids should be found."""

TIMM = (
    "vit_base_patch16_224 deit_tiny_distilled_patch16_224 vit_small_patch14_reg4_dinov2 beit_base_patch16_224 "
    "vit_base_patch16_clip_224 vit_base_patch16_siglip_224 eva02_tiny_patch14_224 swin_tiny_patch4_window7_224 "
    "swinv2_tiny_window8_256 hiera_tiny_224 maxvit_tiny_tf_224 cait_xxs24_224 xcit_nano_12_p16_224 pvt_v2_b0 mobilevit_s "
    "mobilevitv2_050 mvitv2_tiny twins_svt_small davit_tiny gcvit_xxtiny nest_tiny pit_ti_224 levit_128s edgenext_xx_small "
    "tiny_vit_5m_224 focalnet_tiny_srf resnet50 convnext_tiny"
).split()
TORCHVISION = {"vit_b_16": 224, "swin_t": 224, "swin_v2_t": 256, "maxvit_t": 224}
HUGGING_FACE = (
    "ViT DeiT Beit Dinov2 Dinov2WithRegisters CLIP Siglip Swin Swinv2 Pvt PvtV2 Segformer MobileViT Cvt Hiera".split()
)

Made = tuple[torch.nn.Module, Callable[[torch.Tensor], Any], tuple[int, int]]


def timm_network(name: str) -> Made:
    import timm

    module: Any = timm.create_model(name)
    _, height, width = module.pretrained_cfg["input_size"]
    return module, module, (height, width)


def torchvision_network(name: str, side: int) -> Made:
    from torchvision import models

    module = models.get_model(name, weights=None)
    return module, module, (side, side)


def hugging_face_network(name: str) -> Made:
    import transformers

    settings = getattr(transformers, f"{name}Config")()
    module: Any = getattr(transformers, f"{name}ForImageClassification")(settings)
    side = getattr(getattr(settings, "vision_config", settings), "image_size", 224)
    side = side if isinstance(side, int) else side[0]
    return module, lambda x: module(x).logits, (side, side)


def row(name: str, make: Callable[[], Made], noise: float) -> tuple[bool, float]:
    """Print one network's line; gives whether all is well, and the seconds."""
    torch.manual_seed(0)
    module, call, size = make()
    stirred(module, by=noise)
    graph = GraphSource(module, call, {id(m): n for n, m in module.named_modules()}).written(torch.zeros(1, 3, *size))
    start = time.process_time()
    grids = graph.grids
    layer = last_spatial(graph)
    seconds = time.process_time() - start
    found = one_pixel(module, graph, size, PIXELS, call=call)
    place = graph.place(layer) if layer else None
    grid = grids[place.value] if place is not None else None
    where = f"{layer} {grid.height} × {grid.width}" if grid is not None else "none"
    layers = f"{len(spatial_layers(graph)):4} of {len(graph.layers):4}"
    print(f"{name:34} {layers} layers   {where:48} {verdict(found)}   {seconds:.2f} s", flush=True)
    return not (found.wrong or found.without) and bool(found.right), seconds


def verdict(found: Agreement) -> str:
    if not (found.wrong or found.without):
        return f"yes ({len(found.right)})" if found.right else "NOTHING MOVED"
    return f"NO (elsewhere {len(found.wrong)}, without a grid {len(set(found.without))})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    only = parser.parse_args().only.casefold()
    make_torchvision_importable()
    torch.set_num_threads(1)
    every: dict[str, Callable[[], Made]] = {f"timm {n}": partial(timm_network, n) for n in TIMM}
    every |= {f"torchvision {n}": partial(torchvision_network, n, side) for n, side in TORCHVISION.items()}
    every |= {f"hf {n}": partial(hugging_face_network, n) for n in HUGGING_FACE}
    results = [row(name, make, NOISE[name.split()[0]]) for name, make in every.items() if only in name.casefold()]
    fine = sum(ok for ok, _ in results)
    print(f"{fine} of {len(results)} networks: one pixel in one place in every layer that has places")
    print(
        f"{sum(s <= LIMIT for _, s in results)} of {len(results)} within {LIMIT} s; the slowest took {max(s for _, s in results):.2f} s"
    )
    raise SystemExit(fine != len(results))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    main()
