"""Where methods point: the pointing game and the share of evidence inside, by network and method, on photos whose objects
somebody drew, beside maps that know nothing of the network.

The networks, photos, boxes and masks are those of the folder that SEETHROUGH_DATA names (``../shared/data`` beside the
project). What is asked about is the object's true class; of a mask that several classes fit, the one the network finds most
likely. Everything is measured on the pixels of the photo as it was given.

    python benchmarks/pointing.py [--images 40] [--networks squeezenet1_1,…] [--methods gradcam,…|all] [--to pointing.csv]

Rows that the file of ``--to`` already has aren't measured again, so a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch

import seethrough as st
from seethrough.attribution import METHODS
from seethrough.errors import InputRefused, UsageError
from seethrough.evaluation.localisation import attribution_localisation, pointing_game
from seethrough.explanation.defaults import DEFAULTS_BY_KIND, NetworkKind
from seethrough.images import load_picture
from seethrough.network import Network
from seethrough.trust.nulls import NULLS, null_maps

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "shared/data"))
SQUEEZENET_1_0 = {"scale": 1 / 255, "mean": [123.68 / 255, 116.78 / 255, 103.94 / 255]}
NETWORKS: dict[str, tuple[str, Any]] = {
    "squeezenet1_1": ("squeezenet1_1_imagenet", "torch"),
    "squeezenet1_0": ("squeezenet1_0_tf_imagenet", SQUEEZENET_1_0),
    "mobilenet_v1_025": ("mobilenet_v1_025_224_imagenet", "tf"),
    "mobilenet_v1_075": ("mobilenet_v1_075_224_imagenet_deq", "tf"),
    "mobilenet_v2_100": ("mobilenet_v2_100_224_imagenet_deq", "tf"),
    "mobilenet_v3_large": ("mobilenet_v3_large_minimalistic_224_imagenet_deq", "tf"),
}
CHEAP = 40
"""Passes for a picture up to which a method is asked where nobody names any."""

COLUMNS = ("network", "image", "method", "hit", "hit15", "inside", "area", "passes", "seconds")
TOLERANCE = 15


@dataclass(frozen=True)
class Photo:
    """A photo, the outputs that are right for its object, and where that is."""

    name: str
    path: Path
    outputs: tuple[int, ...]
    mask: np.ndarray


def photos(number: int) -> list[Photo]:
    """So many of the photos, in turn of those with boxes at full size, with masks, and with boxes at 227 pixels."""
    boxed = list(_boxed())
    kinds = [[p for p in boxed if p.name.startswith("val_full")], list(_masked())]
    kinds.append([p for p in boxed if p.name.startswith("val_227")])
    taken = [photo for row in zip(*[kind + [None] * 999 for kind in kinds], strict=False) for photo in row]
    return [photo for photo in taken if photo is not None][:number]


def _boxed() -> Iterator[Photo]:
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (DATA / "boxes/boxes.csv").open() as file:
        for row in csv.DictReader(file):
            rows[row["file"]].append(row)
    for name, boxes in rows.items():
        mask = np.zeros((int(boxes[0]["height"]), int(boxes[0]["width"])), bool)
        for box in boxes:
            x0, y0, x1, y1 = (round(float(box[side])) for side in ("x0", "y0", "x1", "y1"))
            mask[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = True
        yield Photo(name, DATA / "boxes" / name, (int(boxes[0]["imagenet_index"]),), mask)


def _masked() -> Iterator[Photo]:
    with (DATA / "masks/masks.csv").open() as file:
        for row in csv.DictReader(file):
            mask = load_picture(DATA / "masks" / row["mask"]).pixels.any(2)
            outputs = tuple(map(int, row["imagenet_indices"].split()))
            yield Photo(row["mask"], DATA / "masks" / row["image"], outputs, np.asarray(mask))


def opened(network: str) -> Network:
    """A network of the data folder."""
    name, preprocessing = NETWORKS[network]
    return st.open(DATA / f"models/{name}.keras", classes="imagenet", preprocessing=preprocessing)


def chosen(said: str) -> list[str]:
    """Methods by name; all; or those that are cheap."""
    if said == "all":
        return list(METHODS)
    if said:
        return [name for name in said.split(",") if name]
    from seethrough.attribution import Facts

    cost = {m.name: m.passes({}, Facts(224, 224, 512, (7, 7))) for m in METHODS.values()}
    cheap = {name for name, passes in cost.items() if passes.forward + passes.backward <= CHEAP}
    return [name for name in METHODS if name in cheap or name in DEFAULTS_BY_KIND[NetworkKind.CONVOLUTIONS]]


class Rows:
    """What was measured, in a file that grows by a line for each picture and method."""

    def __init__(self, file: Path) -> None:
        self.file, self.rows = file, []
        if file.exists():
            with file.open(newline="") as lines:
                self.rows = list(csv.DictReader(lines))
        else:
            file.write_text(",".join(COLUMNS) + "\n", "utf-8")
        self.known = {(r["network"], r["image"], r["method"]) for r in self.rows}

    def has(self, network: str, photo: Photo, method: str) -> bool:
        return (network, photo.name, method) in self.known

    def add(self, network: str, photo: Photo, method: str, scores: tuple[float, ...]) -> None:
        row = dict(zip(COLUMNS, (network, photo.name, method, *(f"{s:.6g}" for s in scores))))
        self.rows.append(row)
        self.known.add((network, photo.name, method))
        with self.file.open("a", encoding="utf-8", newline="") as out:
            csv.writer(out).writerow([row[c] for c in COLUMNS])


def measure(net: Network, network: str, photo: Photo, methods: list[str], rows: Rows) -> None:
    """Every method on a photo."""
    missing = [m for m in (*methods, *NULLS) if not rows.has(network, photo, m)]
    if not missing:
        return
    target = max(photo.outputs, key=net.predict(photo.path).values[0].__getitem__)
    seen = None
    for method in [m for m in missing if m not in NULLS]:
        began = time.perf_counter()
        try:
            found = st.explain(net, photo.path, [method], int(target))[method]
        except (UsageError, InputRefused) as error:
            print(f"\r{network} {method}: {error}"[:160], file=sys.stderr)
            rows.add(network, photo, method, (float("nan"),) * 6)
            continue
        spent = found.passes.forward + found.passes.backward
        seen = found.seen[0]
        scores = scored(found.map[0], seen, photo.mask)
        rows.add(network, photo, method, (*scores, spent, time.perf_counter() - began))
    nulls = [m for m in missing if m in NULLS]
    if nulls:
        prepared = net.prepare(photo.path)
        for name, m in zip(NULLS, null_maps(prepared.batch)[0]):
            placed, seen = prepared.geometries[0].to_picture(m.numpy())
            rows.add(network, photo, name, (*scored(placed, seen, photo.mask), 0, 0))


def scored(m: np.ndarray, seen: np.ndarray, mask: np.ndarray) -> tuple[float, float, float, float]:
    """Hit, hit within the tolerance, share inside, the object's own share of what the network saw."""
    r, c = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    cut = (slice(r[0], r[-1] + 1), slice(c[0], c[-1] + 1))
    a, inside = m[cut][None], mask[cut][None]
    return (
        float(pointing_game(a, inside)[0]),
        float(pointing_game(a, inside, tolerance=TOLERANCE)[0]),
        float(attribution_localisation(a, inside)[0]),
        float(inside.mean()),
    )


def table(rows: Rows, networks: list[str], methods: list[str]) -> None:
    """Print the means, the best method first; then over all networks. Only photos count that every method was asked about,
    so that a run which isn't finished compares like with like.
    """
    whole = {
        (network, image)
        for network, image in {(r["network"], r["image"]) for r in rows.rows if r["network"] in networks}
        if all((network, image, m) in rows.known for m in (*methods, *NULLS))
    }
    for network in [*networks, "all"]:
        print(f"\n{network}")
        print(f"  {'method':28} {'hit':>6} {'+15 px':>7} {'inside':>7} {'/ area':>7} {'passes':>8} {'s':>7} {'n':>4}")
        lines = []
        for method in (*methods, *NULLS):
            of = [r for r in rows.rows if r["method"] == method and network in (r["network"], "all")]
            of = [r for r in of if (r["network"], r["image"]) in whole]
            numbers = np.array([[float(r[c]) for c in COLUMNS[3:]] for r in of]).reshape(-1, 6)
            numbers = numbers[np.isfinite(numbers[:, 0])]
            if len(numbers):
                inside = numbers[np.isfinite(numbers[:, 2])]
                mean = numbers.mean(0)
                share = inside[:, 2].mean() if len(inside) else float("nan")
                lift = (inside[:, 2] / inside[:, 3]).mean() if len(inside) else float("nan")
                lines.append((mean[1], method, mean[0], share, lift, mean[4], mean[5], len(numbers)))
        for hit15, method, hit, share, lift, passes, seconds, n in sorted(lines, reverse=True):
            mark = "·" if method in NULLS else " "
            print(
                f"{mark} {method:28} {hit:6.3f} {hit15:7.3f} {share:7.3f} {lift:7.2f} {passes:8.0f} {seconds:7.2f} {n:4}"
            )


def main() -> None:
    say = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    say.add_argument("--images", type=int, default=40)
    say.add_argument("--networks", default=",".join(NETWORKS))
    say.add_argument("--methods", default="")
    say.add_argument("--to", default="pointing.csv")
    say.add_argument("--minutes", type=float, default=float("inf"), help="end after so many, to go on later")
    said = say.parse_args()
    if not (DATA / "MANIFEST.md").exists():
        print("the real networks and photos aren't here; SEETHROUGH_DATA names their folder")
        return
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))))
    rows, methods, networks = Rows(Path(said.to)), chosen(said.methods), said.networks.split(",")
    began, pictures = time.perf_counter(), photos(said.images)
    nets = {network: opened(network) for network in networks}
    for number, photo in enumerate(pictures, 1):
        for network, net in nets.items():
            if time.perf_counter() - began > 60 * said.minutes:
                break
            print(f"\r{number}/{len(pictures)} {network:24}", end="", file=sys.stderr, flush=True)
            measure(net, network, photo, methods, rows)
    print(file=sys.stderr)
    print(f"{len(pictures)} photos; the classes asked about are the true ones; tolerance {TOLERANCE} px of the photo")
    table(rows, networks, methods)


if __name__ == "__main__":
    main()
