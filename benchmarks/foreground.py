"""Where the thing is, without a mask: how well boxes are cut and things estimated, against masks that somebody drew.

    python benchmarks/foreground.py [--pictures N]

Box → mask: the box around each true mask is given, and what is left of it compared with the mask; beside it, what the box itself
would be worth. Estimated: nothing is given but the picture, and, for photographs, what MobileNetV2 finds where. Intersection over
union and how much of the thing is kept (what is lost of it counts as background, so that is the one that must be high); of the
Waterbirds there are boxes and no masks, so their things are compared with what is cut out of the boxes. Photographs come from
SEETHROUGH_DATA or ../shared/data; without them only the leopards are measured.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import seethrough as st
from seethrough.datasets.leopards import leopards
from seethrough.findings.estimate import Plane, alone, in_box
from seethrough.findings.foreground import Estimated
from seethrough.findings.statistics import bootstrap
from seethrough.network import Network

DATA = Path(os.environ.get("SEETHROUGH_DATA", "../shared/data"))
NETWORK = "models/mobilenet_v2_100_224_imagenet_deq.keras"
SIDE = 224

Case = tuple[Plane, NDArray[np.bool_]]
"""A picture (3, H, W), 0…1, and its thing (H, W)."""

WANTED = {"box": 0.6, "kept": 0.95, "estimate": 0.6}
"""Mean overlap of cut boxes on photographs, what is kept of things, and mean overlap of estimated leopards."""


def of_leopards(count: int) -> Iterator[Case]:
    """Drawn leopards with their true masks."""
    drawn = leopards(count, seed=3)
    for pixels, mask in zip(drawn.pictures, drawn.masks):
        yield pixels.transpose(2, 0, 1).astype(np.float32) / 255, mask


def of_photographs(count: int) -> Iterator[Case]:
    """COCO's photographs, each with the mask of one class."""
    home = DATA / "masks"
    for row in _some(home / "masks.csv", count):
        mask = next(path for path in (home / row["mask"], home / "masks" / row["mask"]) if path.exists())
        on = np.asarray(Image.open(mask).convert("L").resize((SIDE, SIDE), Image.Resampling.NEAREST)) > 0
        if on.any():
            yield _square(home / row["image"]), on


def of_waterbirds(count: int) -> Iterator[Case]:
    """Birds on other grounds, with the boxes around them."""
    home = DATA / "waterbirds"
    for row in _some(home / "labels.csv", count):
        width, height = Image.open(home / row["file"]).size
        left, top, right, bottom = (float(row[side]) for side in ("x0", "y0", "x1", "y1"))
        box = np.zeros((SIDE, SIDE), bool)
        box[
            int(top / height * SIDE) : int(bottom / height * SIDE) + 1,
            int(left / width * SIDE) : int(right / width * SIDE) + 1,
        ] = True
        yield _square(home / row["file"]), box


def _some(table: Path, count: int) -> list[dict[str, str]]:
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows[:: max(1, len(rows) // count)][:count]


def _square(path: Path) -> Plane:
    picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / 255


def box_around(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The smallest box that holds a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.zeros_like(mask)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def cut(cases: list[Case]) -> tuple[float, float]:
    """Prints how well boxes are cut; the mean overlap, and what is kept."""
    rows, start = [], time.process_time()
    for x, mask in cases:
        box = box_around(mask)
        found = in_box(x, box)
        rows.append((overlap(box, mask), overlap(found, mask), (found & mask).sum() / mask.sum()))
    each = 1000 * (time.process_time() - start) / len(rows)
    table = np.array(rows)
    print(
        f"  box alone {_said(table[:, 0])}   cut {_said(table[:, 1])}   kept {_said(table[:, 2])}   {each:.0f} ms each"
    )
    return float(table[:, 1].mean()), float(table[:, 2].mean())


def estimated(cases: list[Case], guess: Callable[[Plane], object], truth: Callable[[Case], NDArray[np.bool_]]) -> float:
    """Prints how well things are estimated, all and those of which the estimate calls itself good; the latter's mean overlap."""
    rows, start = [], time.process_time()
    guesses = [guess(x) for x, _ in cases]
    each = 1000 * (time.process_time() - start) / len(cases)
    for case, found in zip(cases, guesses):
        on = truth(case)
        rows.append((overlap(found.mask, on), (found.mask & on).sum() / max(1, on.sum()), found.agreement, found.good))  # type: ignore[attr-defined]
    table = np.array(rows, float)
    good = table[:, 3] > 0
    print(
        f"  all: {_said(table[:, 0])}, kept {_said(table[:, 1])}, the guesses agree {table[:, 2].mean():.2f}   {each:.0f} ms each"
    )
    if good.any():
        print(
            f"  good by themselves ({good.sum()} of {len(good)}): {_said(table[good, 0])}, kept {_said(table[good, 1])}"
        )
    return float(table[good, 0].mean()) if good.any() else 0.0


def _said(values: NDArray[np.float64]) -> str:
    found = bootstrap(values, draws=1000)
    return f"{found.value:.3f} ({found.low:.2f}…{found.high:.2f}, n {found.n})"


def by_network(net: Network) -> Callable[[Plane], object]:
    """What is estimated with what a network finds where."""
    foreground = Estimated(net)

    def guess(x: Plane) -> object:
        prepared = net.prepare([(x.transpose(1, 2, 0) * 255).round().astype(np.uint8)])
        found = foreground.guess(prepared, (prepared.batch[0].float() + 1) / 2)
        return found

    return guess


def main() -> int:
    """Print the figures; 1 where one isn't reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=62, help="of each kind")
    count = parser.parse_args().pictures
    good = []
    animals = list(of_leopards(min(count, 24)))
    print("Leopards (drawn, true masks)")
    good.append(cut(animals)[1] >= WANTED["kept"])
    good.append(estimated(animals, alone, lambda case: case[1]) >= WANTED["estimate"])
    if (DATA / "masks").is_dir():
        photographs, birds = list(of_photographs(count)), list(of_waterbirds(count))
        net = st.open(DATA / NETWORK, preprocessing="tf")
        print("COCO (photographs, masks of one class)")
        found, kept = cut(photographs)
        good += [found >= WANTED["box"], kept >= WANTED["kept"]]
        estimated(photographs, by_network(net), lambda case: case[1])
        print("Waterbirds (photographs; held against what is cut out of their boxes)")
        estimated(birds, by_network(net), lambda case: in_box(*case))
    else:
        print(f"No photographs in {DATA}: set SEETHROUGH_DATA.")
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
