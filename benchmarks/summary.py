"""What a summary says of networks whose figures are published, and how long it takes of a very deep one.

python benchmarks/summary.py
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch.nn as nn

import networks
import seethrough as st

LAYERS = 10_000


def deep() -> nn.Module:
    """Five thousand convolutions, each with its ReLU."""
    pairs = [layer for _ in range(LAYERS // 2) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())]
    return nn.Sequential(nn.Conv2d(3, 8, 1), *pairs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def main() -> None:
    vgg = st.open("keras:VGG16").summary()
    print(f"keras:VGG16   {vgg.parameters:,} parameters   published 138,357,544")
    resnet = st.open(networks.resnet(3, 8, 36, 3), input_size=(3, 224, 224)).summary()
    print(f"ResNet-152    {resnet.parameters:,} parameters   published 60,192,808")
    module = deep()
    start = time.perf_counter()
    lines = len(str(st.open(module, input_size=(3, 64, 64)).summary()).splitlines())
    print(f"{LAYERS:,} layers summarised in {time.perf_counter() - start:.1f} s, {lines} lines   wanted ≤ 20 s")


if __name__ == "__main__":
    main()
