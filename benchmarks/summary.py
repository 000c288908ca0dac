"""What a summary says of networks whose figures are published, how long it takes of a very deep one, and both against
torchinfo on forty networks.

    python benchmarks/summary.py [--against-only]

torchinfo runs the network; it is given a copy on the meta device, where that computes nothing, and the real one, and
counted is the quicker of the two. Each side's best of three, in one process, on one thread.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch
import torch.nn as nn

import architectures
import networks
import seethrough as st

LAYERS = 10_000
ROUNDS = 3
AGAINST = {
    "own": tuple(networks.TORCH),
    "torchvision": (
        "alexnet, convnext_tiny, densenet121, efficientnet_b0, googlenet, mnasnet0_5, mobilenet_v2, mobilenet_v3_small, "
        "regnet_x_400mf, regnet_y_400mf, resnet18, resnext50_32x4d, shufflenet_v2_x0_5, squeezenet1_0, swin_t, "
        "vgg11_bn, vgg16, vit_b_32, wide_resnet50_2"
    ).split(", "),
    "timm": (
        "convnextv2_atto, dla34, edgenext_xx_small, efficientvit_b0, ghostnet_050, levit_128, mobilevit_xxs, resnet10t, "
        "vit_tiny_patch16_224"
    ).split(", "),
}
"""Networks by world, but those of Keras, which torchinfo doesn't read."""


def deep() -> nn.Module:
    """Five thousand convolutions, each with its ReLU."""
    pairs = [layer for _ in range(LAYERS // 2) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())]
    return nn.Sequential(nn.Conv2d(3, 8, 1), *pairs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def published() -> None:
    vgg = st.open("keras:VGG16").summary()
    print(f"keras:VGG16   {vgg.parameters:,} parameters   published 138,357,544")
    resnet = st.open(networks.resnet(3, 8, 36, 3), input_size=(3, 224, 224)).summary()
    print(f"ResNet-152    {resnet.parameters:,} parameters   published 60,192,808")
    module = deep()
    start = time.perf_counter()
    lines = len(str(st.open(module, input_size=(3, 64, 64)).summary()).splitlines())
    print(f"{LAYERS:,} layers summarised in {time.perf_counter() - start:.1f} s, {lines} lines   wanted ≤ 20 s")


def best(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor in the quickest round, and what came of it; infinite where it fails."""
    seconds, result = float("inf"), None
    for _ in range(ROUNDS):
        start = time.process_time()
        try:
            result = run()
        except Exception:
            return float("inf"), None
        seconds = min(seconds, time.process_time() - start)
    return seconds, result


def against_torchinfo() -> None:
    """Parameters and seconds of both, network by network."""
    import torchinfo

    right, ratios = {"ours": 0, "torchinfo": 0}, []
    for world, names in AGAINST.items():
        for architecture in architectures.of(world):
            if architecture.name not in names:
                continue
            source, size = architecture.make()
            module, own = source.module, sum(p.numel() for p in source.module.parameters())
            bare = copy.deepcopy(module).to("meta")
            ours, summary = best(lambda: st.open(module, input_size=size).summary())  # noqa: B023
            real, theirs = best(lambda: torchinfo.summary(module, (1, *size), verbose=0))  # noqa: B023
            meta, _ = best(lambda: torchinfo.summary(bare, (1, *size), device="meta", verbose=0))  # noqa: B023
            right["ours"] += summary is not None and summary.parameters == own
            right["torchinfo"] += theirs is not None and theirs.total_params == own
            ratios.append(min(real, meta) / ours)
            print(
                f"{architecture.name:24} {own:12,} parameters   ours {summary and summary.parameters:12,} in {ours:6.3f} s   "
                f"torchinfo {theirs and theirs.total_params:12,} in {real:6.3f} s, on meta {meta:6.3f} s   ×{ratios[-1]:.1f}",
                flush=True,
            )
    print(
        f"{len(ratios)} networks: totals right {right['ours']} (torchinfo {right['torchinfo']}); torchinfo's time over ours "
        f"×{statistics.median(ratios):.2f} in the median, ×{min(ratios):.2f} to ×{max(ratios):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against-only", action="store_true", help="only the comparison with torchinfo")
    alone = parser.parse_args().against_only
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if not alone:
        published()
    against_torchinfo()


if __name__ == "__main__":
    main()
