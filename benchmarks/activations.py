"""Activations of many layers at once: peak memory beside keeping all values, and time beside the network's own forward.

VGG16 with random weights, all 13 convolutions and their rectifiers (26 layers), a batch of images of 224 pixels. Each way
runs in a process of its own, from the same start: the network opened, written down and proved. Memory is what the process
grew by at its peak, as the system counts it; time is the best of some runs.

    python benchmarks/activations.py [--images N] [--most K]

Asked: the peak of a look at 26 layers, with what it hands back taken off, is at most 1.6 times that of a plain forward.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

LAYERS = [
    f"features.{k}"
    for k in (0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29)
]
WAYS = ("forward", "keeping all", "activations")
LIMIT = 1.6
RUNS = 3
MB = 1e6


def measured(way: str, images: int, most: int) -> dict[str, float]:
    """Peak growth in bytes, seconds, and bytes that are handed back; in this process."""
    import torch

    from seethrough.features.activations import activations
    from seethrough.graph.execute import execute
    from seethrough.models.torchvision_import import make_torchvision_importable
    from seethrough.network import open as open_network

    make_torchvision_importable()
    torch.manual_seed(0)
    net = open_network("torchvision:vgg16")
    batch = torch.randn(images, 3, 224, 224)
    graph = net.source.proved(batch)
    values = [place.value for path in LAYERS if (place := graph.place(path)) is not None]

    def run() -> int:
        if way == "activations":
            found = activations(net, batch, LAYERS, most=most, batch_size=images)
            return sum(layer.maps.nbytes for layer in found.values())
        wanted = [graph.output.value] if way == "forward" else values
        return sum(t.nbytes for t in execute(graph, {graph.input.value: batch}, wanted).values())

    peak, handed = peak_of(run)
    return {"peak": peak, "seconds": min(timed(run) for _ in range(RUNS)), "handed": handed}


def peak_of(run) -> tuple[float, int]:
    """How much resident memory grew at most while something ran; looked at every two milliseconds."""
    page = resource.getpagesize()
    seen, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(int(Path("/proc/self/statm").read_text().split()[1]) * page)
            time.sleep(0.002)

    start = int(Path("/proc/self/statm").read_text().split()[1]) * page
    watcher = threading.Thread(target=watch)
    watcher.start()
    handed = run()
    done.set()
    watcher.join()
    return max(seen) - start, handed


def timed(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(measured(asked.way, asked.images, asked.most)))
        return 0
    found = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, "--images", str(asked.images), "--most", str(asked.most)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[way] = json.loads(out.splitlines()[-1])
        one = found[way]
        print(
            f"{way:12}  peak {one['peak'] / MB:7.0f} MB, of it handed back {one['handed'] / MB:6.0f} MB, "
            f"{one['seconds']:.2f} s"
        )
    ratio = (found["activations"]["peak"] - found["activations"]["handed"]) / found["forward"]["peak"]
    print(f"{len(LAYERS)} layers, {asked.images} images: {ratio:.2f} times a forward's peak (asked: at most {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
