"""Maximization beside torch-lucent, many units at once, and what is reached beside real pictures. Ratios of one run.

Speed: 64 steps, 128 pixels, one channel of a middle layer, on torchvision's VGG16 and ResNet-50 with random weights, in one process
in which freed memory is kept for both sides (``--give-back``: as the system has it). Lucent is measured three ways: as it comes (it
enlarges pictures under 224 pixels to 224); with ``fixed_image_size=128``, its own best setting; and with that and weights that
the person has frozen. Rounds of all alternate and the medians are compared.

Reached: with ``--real NETWORK.keras --photos FOLDER…`` the channels of a middle layer of a trained network, against the best of
all the photos.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

import seethrough as st
from seethrough.cli.process import keep_freed_memory
from seethrough.datasets.collection import Collection, collect
from seethrough.features.best_real import best_real
from seethrough.features.objectives import Channel
from seethrough.models.torchvision_import import make_torchvision_importable

STEPS, SIDE, CHANNEL, TOGETHER = 64, 128, 7, 8
MIDDLE = {"vgg16": "features.12", "resnet50": "layer2"}
"""The middle convolution of the middle one of five blocks; what the second of four stages gives."""

LIGHT = {"mobilenet_v2": "features.7"}
"""Where a single picture leaves a processor idle between small operations, units are made together faster."""


def ours(net: st.Network, layer: str, channels: list[int], steps: int) -> Callable[[], object]:
    return lambda: st.maximize(net, layer, channel=channels, size=SIDE, steps=steps, snapshots=0)


def lucents(module: nn.Module, layer: str, steps: int, *, size: int | None, frozen: bool) -> Callable[[], object]:
    from lucent.optvis import param, render

    def run() -> object:
        for p in module.parameters():
            p.requires_grad_(not frozen)
        try:
            return render.render_vis(
                module, f"{layer.replace('.', '_')}:{CHANNEL}", param_f=lambda: param.image(SIDE), thresholds=(steps,),
                progress=False, show_image=False, fixed_image_size=size,
            )  # fmt: skip
        finally:
            for p in module.parameters():
                p.requires_grad_(True)
                p.grad = None
            for m in module.modules():  # its hooks stay
                m._forward_hooks.clear()

    return run


def medians(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each, alternating; the first round, in which graphs are written and memory is fetched, doesn't count."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for k in range(rounds + 1):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            if k:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def speed(name: str, rounds: int, steps: int) -> bool:
    """Print ours beside lucent's, and units in a batch beside one by one."""
    from torchvision import models

    torch.manual_seed(0)
    module = getattr(models, name)(weights=None).eval()
    net = st.open(module, input_size=(3, SIDE, SIDE), preprocessing="torch")
    layer = MIDDLE[name]
    sides = {
        "ours": ours(net, layer, [CHANNEL], steps),
        "lucent as it comes": lucents(module, layer, steps, size=None, frozen=False),
        "lucent at 128": lucents(module, layer, steps, size=SIDE, frozen=False),
        "lucent at 128, frozen": lucents(module, layer, steps, size=SIDE, frozen=True),
    }
    found = medians(sides, rounds)
    print(f"{name}, {layer}, {steps} steps: ours {found['ours']:.2f} s", end="")
    for side in list(sides)[1:]:
        print(f"; {side} {found[side]:.2f} s ({found[side] / found['ours']:.1f}×)", end="")
    print(flush=True)
    return found["lucent at 128"] >= 3 * found["ours"]


def together(name: str, rounds: int, steps: int) -> bool:
    """Print units in a batch beside one by one."""
    from torchvision import models

    torch.manual_seed(0)
    module = getattr(models, name)(weights=None).eval()
    net = st.open(module, input_size=(3, SIDE, SIDE), preprocessing="torch")
    layer = {**MIDDLE, **LIGHT}[name]
    channels = list(range(TOGETHER))

    def one_by_one() -> None:
        for c in channels:
            ours(net, layer, [c], steps)()

    found = medians({"together": ours(net, layer, channels, steps), "one by one": one_by_one}, rounds)
    ratio = found["one by one"] / found["together"]
    print(
        f"{name}: {TOGETHER} units together {found['together']:.2f} s, one by one {found['one by one']:.2f} s: {ratio:.1f}×"
    )
    return ratio >= 2


def reached(network: Path, photos: list[Path], layer: str, preprocessing: str, steps: int, every: int) -> bool:
    """Print for how many channels the made picture excites at least as much as the best photo."""
    net = st.open(network, preprocessing=preprocessing)
    items = [item for folder in photos for item in collect(folder)]
    collection = Collection(tuple(items), "photos")
    graph = net.graph()
    place = graph.place(layer)
    if place is None:
        raise SystemExit(f"{network} has no layer {layer}")
    count = int(place.shape(graph.values[place.value].at(1))[1])
    channels = range(0, count, every)
    best = best_real(net, [Channel(layer, c) for c in channels], collection)
    found = st.maximize(net, layer, channel=list(channels), steps=steps, real=best.values, snapshots=0)
    assert found.beats_real is not None
    share = float(np.mean(found.beats_real))
    ratio = np.median(found.reached / np.maximum(best.values, 1e-9))
    print(
        f"{network.name}, {layer}: {found.beats_real.sum()} of {len(channels)} channels ({share:.0%}) reach at least the best of "
        f"{best.count} photos; {ratio:.1f}× in the median, {steps} steps"
    )
    return share >= 0.9


def main() -> int:
    """Print what was measured; 1 where a figure to reach isn't."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--give-back", action="store_true", help="freed memory goes back to the system at once, as it comes"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", choices=("speed", "together", "reached"), help="one of the three")
    parser.add_argument("--real", type=Path, help="a trained network in a .keras file")
    parser.add_argument("--layer", default="conv_pw_6_relu")
    parser.add_argument("--preprocessing", default="tf")
    parser.add_argument("--every", type=int, default=1, help="of the layer's channels, every so many-th")
    parser.add_argument("--photos", type=Path, nargs="*", default=[])
    said = parser.parse_args()
    if not said.give_back:
        keep_freed_memory()
    make_torchvision_importable()
    done = []
    if said.only in (None, "speed"):
        try:
            import lucent  # noqa: F401
        except ImportError:
            print("torch-lucent isn't installed (extra `bench`): nothing to compare the speed with")
        else:
            done += [speed(name, said.rounds, said.steps) for name in MIDDLE]
    if said.only in (None, "together"):
        done += [together(name, said.rounds, said.steps // 4) for name in (*MIDDLE, *LIGHT)]
    if said.only in (None, "reached") and said.real is not None:
        done.append(reached(said.real, said.photos, said.layer, said.preprocessing, 2 * STEPS, said.every))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
