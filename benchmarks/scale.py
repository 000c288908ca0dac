"""How the cost of a question grows: with the picture, with positions, channels, depth, batch and the number of pictures.

Seconds of each work at a few sizes, the median of rounds that take the sizes in turn, and the exponent that fits them best:
``seconds ∝ size^exponent``, by least squares on logarithms. A network of equal convolutions, so that one thing is changed at a
time. An occlusion whose positions stay as many would grow with the area of the picture (exponent 2) if it computed whole pictures.

    python benchmarks/scale.py [--only size,depth] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from torch import nn

import seethrough as st
from rows.many import photos
from rows.nets import pictures
from seethrough.cli.process import keep_freed_memory

WIDTH, DEPTH, SIDE, POSITIONS, WINDOW = 64, 8, 112, 14, 16
Call = Callable[[], object]
Cost = Mapping[str, Mapping[int, Call]]
"""By work and size, what is timed."""


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """The slope of log seconds over log sizes by least squares, and which part of the variance it explains.

    >>> slope, explained = exponent([1, 2, 4], [3, 12, 48])
    >>> round(slope, 6), round(explained, 6)
    (2.0, 1.0)
    """
    x, y = np.log(np.asarray(sizes, float)), np.log(np.asarray(seconds, float))
    slope, start = np.polyfit(x, y, 1)
    spread = ((y - y.mean()) ** 2).sum()
    left = ((y - slope * x - start) ** 2).sum()
    return float(slope), float(1 - left / spread) if spread > 0 else 1.0


def network(width: int = WIDTH, depth: int = DEPTH) -> nn.Module:
    """A stem that halves the picture, so many equal convolutions, and a head."""
    torch.manual_seed(0)
    body = [part for _ in range(depth) for part in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU())]
    module = nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1), nn.ReLU(), *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
    )
    for part in module:
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
    return module.eval().requires_grad_(False)


def opened(module: nn.Module, side: int = SIDE, **options: Any) -> st.Network:
    return st.open(module, input_size=(3, side, side), **options)


def occlusion(net: st.Network, side: int, along: int = POSITIONS) -> Call:
    """So many positions along each side."""
    stride = max(1, (side - WINDOW) // (along - 1))
    return partial(st.occlusion, net, pictures(1, side), 3, window=WINDOW, stride=stride, fill=0.0)


def asked(net: st.Network, side: int = SIDE, batch: int = 1) -> dict[str, Call]:
    """What is timed in most sweeps."""
    x = pictures(batch, side)
    return {
        "forward": partial(net.predict, x),
        "saliency": partial(st.saliency, net, x, 3, batch_size=batch),
        "Grad-CAM": partial(st.gradcam, net, x, 3, batch_size=batch),
    }


def turned(by_size: Mapping[int, Mapping[str, Call]]) -> Cost:
    """By work, then size."""
    works = next(iter(by_size.values()))
    return {work: {size: calls[work] for size, calls in by_size.items()} for work in works}


def sizes() -> Cost:
    found = {}
    for side in (112, 160, 224, 320, 448):
        net = opened(network(), side)
        found[side] = {**asked(net, side), f"occlusion, {POSITIONS**2} positions": occlusion(net, side)}
    return turned(found)


def positions() -> Cost:
    net = opened(network(), 224)
    return {"occlusion, 224 px": {n * n: occlusion(net, 224, n) for n in (5, 9, 14, 27)}}


def channels() -> Cost:
    found = {}
    for width in (16, 32, 64, 128, 256):
        net = opened(network(width=width))
        found[width] = {**asked(net), f"occlusion, {POSITIONS**2} positions": occlusion(net, SIDE)}
    return turned(found)


def depth() -> Cost:
    found = {}
    for layers in (4, 8, 16, 32, 64):
        module = network(32, layers)
        net = opened(module)
        first = partial(lambda module: opened(module).summary(), module)
        found[layers] = {**asked(net), f"occlusion, {POSITIONS**2} positions": occlusion(net, SIDE), "summary": first}
    return turned(found)


def batch() -> Cost:
    net = opened(network())
    return turned({n: asked(net, batch=n) for n in (1, 2, 4, 8, 16)})


def images(folder: Path) -> Cost:
    paths = photos(folder, 128)
    net = opened(network(), preprocessing="torch")
    return {"Grad-CAM of photos": {n: partial(st.gradcam, net, paths[:n], 3) for n in (16, 32, 64, 128)}}


def measured(cost: Cost, rounds: int) -> Iterator[tuple[str, dict[int, float]]]:
    """Of each work its median seconds by size; the first call of each, which records and plans, doesn't count."""
    for work, calls in cost.items():
        taken: dict[int, list[float]] = {size: [] for size in calls}
        for round_ in range(rounds + 1):
            for size, call in calls.items():
                start = time.perf_counter()
                call()
                if round_:
                    taken[size].append(time.perf_counter() - start)
        yield work, {size: statistics.median(seconds) for size, seconds in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    with tempfile.TemporaryDirectory() as folder:
        sweeps: dict[str, tuple[str, Callable[[], Cost]]] = {
            "size": ("side of the picture", sizes),
            "positions": ("positions", positions),
            "channels": ("channels", channels),
            "depth": ("convolutions", depth),
            "batch": ("pictures at once", batch),
            "images": ("photos", partial(images, Path(folder))),
        }
        parser.add_argument("--only", help=f"some of {', '.join(sweeps)}, with commas between")
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument("--json", type=Path)
        given = parser.parse_args()
        warnings.filterwarnings("ignore")
        keep_freed_memory()
        wanted = list(sweeps) if given.only is None else given.only.split(",")
        unknown = [name for name in wanted if name not in sweeps]
        if unknown:
            parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(sweeps)}")
        found: dict[str, Any] = {}
        for name in wanted:
            what, build = sweeps[name]
            for work, seconds in measured(build(), given.rounds):
                slope, explained = exponent(list(seconds), list(seconds.values()))
                each = "  ".join(f"{size}: {s:.3f}" for size, s in seconds.items())
                print(f"{what:20} {work:28} {each}   ∝ size^{slope:.2f} (explains {explained:.0%})", flush=True)
                found[f"{name}: {work}"] = {"seconds": seconds, "exponent": slope, "explained": explained}
        if given.json:
            given.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
