"""What it costs to look at units: one pass over many pictures against the forward passes alone, and its memory.

Every batch goes through all ways in turn, so that a machine that slows down slows all of them; what stands in the ratios
is the sum over all batches, as the clock has it and in processor time, which others on the machine disturb less. The
pictures are decoded and prepared beforehand, the same for all. Memory is the peak of fresh processes that look at 200
and at 2,000 pictures in files, decoding and all.

    python benchmarks/units.py [--images 2000] [--memory 200,2000]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from PIL import Image

import seethrough as st
from seethrough.cli.process import keep_freed_memory
from seethrough.features.unit_layers import unit_layers
from seethrough.features.unit_work import UnitWork
from seethrough.graph.execute import execute
from seethrough.graph.untouched import untouched
from seethrough.network import Network, Prepared

BATCH = 16
SIDE = 224
NETWORKS = {
    "keras:MobileNet": ("conv_pw_6_relu", "conv_pw_13_relu"),
    "timm:mobilenetv2_100": ("blocks.3.2", "bn2"),
}
"""Networks by name, with a middle layer and the last with places; random weights."""


def forward(net: Network, prepared: Prepared) -> None:
    """The network's graph from the pictures to the answer."""
    graph = net.source.proved(prepared.batch, thorough=False)
    execute(graph, net.source.given(graph, prepared.batch), [graph.output.value])


def plain(net: Network, prepared: Prepared) -> None:
    """The network itself."""
    with untouched(net.module, training=False), torch.no_grad():
        net.source.answer(prepared.batch)


def costs(name: str, layer: str, images: int) -> None:
    """Print what a pass costs, in forward passes."""
    torch.manual_seed(0)
    net = st.open(name)
    layers = unit_layers(net.graph(), layer)
    ways: dict[str, Callable[[Prepared], object]] = {
        "forward alone (graph)": partial(forward, net),
        "forward alone (network itself)": partial(plain, net),
        "activation": UnitWork(net, layers, relevance=False).rows,
        "activation and relevance": UnitWork(net, layers).rows,
    }
    seconds, computed = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    pixels = np.random.default_rng(0)
    turn = list(ways.items())
    for first in range(-BATCH, images, BATCH):
        turn.append(turn.pop(0))  # none always comes behind the same one
        prepared = net.prepare(list(pixels.integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)))
        for way, run in turn:
            start, before = time.perf_counter(), time.process_time()
            run(prepared)
            if first >= 0:  # the first batch proves the graph
                seconds[way] += time.perf_counter() - start
                computed[way] += time.process_time() - before
    alone, alone_computed = seconds["forward alone (graph)"], computed["forward alone (graph)"]
    print(f"{name} {layer} ({layers[0].channels} units), {images:,} pictures of {SIDE} px, {BATCH} at once")
    wanted = {"activation": "≤ 1.25", "activation and relevance": "≤ 2.60"}
    for way, taken in seconds.items():
        goal = f"   wanted {wanted[way]}" if way in wanted else ""
        by_processor = computed[way] / alone_computed
        print(
            f"  {way:32} {taken:8.2f} s   {taken / alone:5.2f} × the forward passes   ({by_processor:5.2f} × by processor "
            f"time){goal}",
            flush=True,
        )


def memory(counts: list[int]) -> None:
    """Print the peak memory of a whole pass over folders of these sizes."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(max(counts)):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
            picture = Image.fromarray(pixels).resize((160, 160), Image.Resampling.BICUBIC)
            picture.save(Path(folder) / f"{number:05d}.jpg", quality=85)
        peaks = {}
        for count in counts:
            done = subprocess.run(
                [sys.executable, __file__, "--child", str(count), folder], check=True, capture_output=True, text=True
            )
            peak, taken = done.stdout.split()[-2:]
            peaks[count] = float(peak)
            print(
                f"demo:leopards stage3, {count:6,} pictures in files: {float(taken):7.1f} s, peak {float(peak):6.0f} MB"
            )
        first, last = peaks[counts[0]], peaks[counts[-1]]
        print(f"  memory from {counts[0]:,} to {counts[-1]:,} pictures: {last / first:.3f} ×   wanted 0.90 to 1.10")


def child(count: int, folder: str) -> None:
    """A whole pass in a process of its own; prints its peak in MB and its seconds."""
    torch.manual_seed(0)
    files = sorted(str(file) for file in Path(folder).iterdir())[:count]
    start = time.perf_counter()
    found = st.units("demo:leopards", files, "stage3", batch=BATCH)
    assert len(found["stage3"]) == 96
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.perf_counter() - start)


def main() -> None:
    """Print memory, then costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--memory", default="200,2000")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    keep_freed_memory()
    if given.child:
        child(int(given.child[0]), given.child[1])
        return
    # First, while this process is small: what a process begins with counts in its children's peaks.
    memory([int(count) for count in given.memory.split(",")])
    for name, layers in NETWORKS.items():
        for layer in layers:
            costs(name, layer, given.images)


if __name__ == "__main__":
    main()
