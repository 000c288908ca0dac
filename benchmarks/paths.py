"""How far integrated gradients are off, by how many points of the path were looked at, and how far they say that they are.

On trained networks and photos of the folder that SEETHROUGH_DATA names (``../shared/data`` beside the project). What is right is
had from very many Gauss–Legendre nodes. Of each number of points: what is missing of the sum, how far the values are off of their
length, how far they say they are (``off``); medians over the photos.

    python benchmarks/paths.py [--networks mobilenet_v1_025,squeezenet1_1] [--photos 4] [--right 512]
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from typing import Any

import numpy as np

import seethrough as st
from pointing import NETWORKS, opened, photos

POINTS = (8, 12, 16, 24, 32, 64)


def rows(net: Any, photo: Any, right: int) -> dict[tuple[str, int], tuple[float, float, float]]:
    """From nodes and their number to what is missing, how far off the values are, and how far they say they are."""
    asked: dict[str, Any] = {"target": photo.outputs[0], "baseline": "black"}
    true = st.integrated_gradients(net, photo.path, steps=right, nodes="gauss", **asked).values
    found = {}
    for nodes in ("adaptive", "gauss"):
        for steps in POINTS:
            said = st.integrated_gradients(net, photo.path, steps=steps, nodes=nodes, **asked)
            notes = {note.name: note.numbers for note in said.checks}
            off = float(np.linalg.norm(said.values - true) / np.linalg.norm(true))
            found[nodes, steps] = (
                notes["completeness"]["gap"],
                off,
                notes.get("path_sureness", {}).get("off", float("nan")),
            )
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="mobilenet_v1_025,squeezenet1_1", help="with commas between")
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--right", type=int, default=512, help="nodes of what is held to be right")
    options = parser.parse_args()
    some = photos(options.photos)
    if not some:
        print("The folder that SEETHROUGH_DATA names has no photos with boxes or masks.")
        return 1
    for network in options.networks.split(","):
        if network not in NETWORKS:
            raise SystemExit(f"there is no network {network}; there are {', '.join(NETWORKS)}")
        net = opened(network)
        each = [rows(net, photo, options.right) for photo in some]
        print(f"{network}, {len(some)} photos   missing    off   says")
        for nodes, steps in each[0]:
            missing, off, says = (median(one[nodes, steps][k] for one in each) for k in range(3))
            print(f"  {nodes:8} {steps:3} points   {missing:7.2%} {off:6.3f} {says:6.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
