"""Maximization: many units at once beside one by one, and what is reached beside real pictures. (``table.py`` has it beside
torch-lucent.)

Together: 16 steps, 128 pixels, eight channels of a middle layer in a batch and one after another, on torchvision's networks with
random weights, in a process in which freed memory is kept (``--give-back``: as the system has it). Rounds alternate and the
medians are compared.

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

import seethrough as st
from rows.nets import MIDDLE
from seethrough.cli.process import keep_freed_memory
from seethrough.datasets.collection import Collection, collect
from seethrough.features.best_real import best_real
from seethrough.features.objectives import Channel
from seethrough.models.torchvision_import import make_torchvision_importable

STEPS, SIDE, TOGETHER = 64, 128, 8
LIGHT = {"mobilenet_v2": "features.7"}
"""Where a single picture leaves a processor idle between small operations, units are made together faster."""


def ours(net: st.Network, layer: str, channels: list[int], steps: int) -> Callable[[], object]:
    return lambda: st.maximize(net, layer, channel=channels, size=SIDE, steps=steps, snapshots=0)


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
    parser.add_argument("--only", choices=("together", "reached"), help="one of the two")
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
    if said.only in (None, "together"):
        done += [together(name, said.rounds, said.steps // 4) for name in (*MIDDLE, *LIGHT)]
    if said.only in (None, "reached") and said.real is not None:
        done.append(reached(said.real, said.photos, said.layer, said.preprocessing, 2 * STEPS, said.every))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
