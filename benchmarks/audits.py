"""An audit of many pictures: how long it takes, how much memory, and what is left of it after `kill -9`.

    python benchmarks/audits.py --folder DIR [--counts 250,500,1000,2000] [--outputs 2|1000] [--kills 3]

A MobileNetV2 with ImageNet's weights looks at Waterbirds' pictures (all parts, 2,160 photographs of birds before exchanged
backgrounds, no two alike), boxes around the birds. With two outputs its last layer is fitted to the features of the `train` pictures.
With a thousand it is as it comes, and each picture belongs to whichever of the 24 outputs that are given most is likeliest in it. All
finders, the page and the record are part of the audit.

Each count is audited in a process of its own, new: seconds, and the seconds of work of all its processors; the most memory that it
held, the libraries with it, of each step; and the exponents that fit them best; what is in the folder isn't measured again. Then one
is killed (SIGKILL) at random moments and begun again in the same folder: the record must be the undisturbed one's but for how often
the network was asked, and what was kept at a kill must stay as it was. Data: SEETHROUGH_DATA, else ../shared/data beside the project;
without it nothing is done.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

# the measuring process itself stays small: what is heavy is imported by those that are measured
BARS = {"seconds": 600, "processors": 2}
LAND_AND_WATER = ("land bird", "water bird")
KINDS = {"2": LAND_AND_WATER, "1000": "imagenet"}
MOST_GIVEN = 24
AT_ONCE = 64
WHOLE = {"name": "tf", "fit": "stretch"}
"""The whole picture is seen."""


class Steps:
    """Seconds, work and peak memory of each step of an audit, told as it goes."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self.begun = (time.perf_counter(), worked())

    def __call__(self, what: str, done: int, of: int) -> None:
        now = (time.perf_counter(), worked())
        seconds, work, peak = self.found[what]
        self.found[what] = [
            seconds + now[0] - self.begun[0],
            work + now[1] - self.begun[1],
            max(peak, held("VmHWM")),
        ]
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self.begun = now


def worked() -> float:
    """Seconds of all processors, of this process and of those that it has ended."""
    every = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in every)


def held(what: str) -> float:
    """``VmRSS`` or ``VmHWM`` (the most since it was last begun anew), in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


def prepare(place: Path, outputs: str, most: int) -> None:
    """The network, and of so many pictures at least the class of each and its bird's box, in ``place``; made once."""
    if (place / "pictures.json").exists():
        return
    import numpy as np

    import seethrough as st
    from seethrough.datasets.collection import collect
    from seethrough.findings.canvas import Canvas
    from waterbirds import DATA, NETWORK, Birds, features, fit, opened

    place.mkdir(parents=True, exist_ok=True)
    parts = [Birds(part) for part in ("train", "val", "test")]
    rows = [
        (str(birds.folder / name), LAND_AND_WATER[k], birds.boxes[name])
        for birds in parts
        for name, k in zip(birds.names, birds.classes)
    ]
    random.Random(0).shuffle(rows)
    if outputs == "2":
        net = opened()
        fit(net, features(parts[0], net, place / "train.npz"), parts[0].classes)
        model: Any = net.module
        model.save(place / "network.keras")
    else:
        (place / "network.keras").write_bytes((DATA / NETWORK).read_bytes())
        net, rows = st.open(place / "network.keras", preprocessing=WHOLE, classes="imagenet"), rows[:most]
        canvas = Canvas(net, collect([file for file, _, _ in rows]))
        at = range(0, len(rows), AT_ONCE)
        said = np.concatenate([canvas.ask(canvas.load(range(k, min(k + AT_ONCE, len(rows)))).x) for k in at])
        given = np.argsort(-np.bincount(said.argmax(1), minlength=said.shape[1]), kind="stable")[:MOST_GIVEN]
        assert net.classes is not None
        names = [net.classes[k] for k in given[said[:, given].argmax(1)]]
        rows = [(file, name, box) for (file, _, box), name in zip(rows, names)]
    (place / "pictures.json").write_text(json.dumps(rows))


def laid_out(place: Path, count: int) -> Path:
    """A folder of links to so many of the pictures, a folder for each class, and the list of boxes."""
    rows = json.loads((place / "pictures.json").read_text())[:count]
    if len(rows) < count:
        raise SystemExit(f"There are {len(rows)} pictures in {place}, and {count} were asked for; name a new folder.")
    folder = place / f"pictures {count}"
    lines = []
    for file, name, box in rows:
        link = folder / name / f"{Path(file).parent.name} {Path(file).name}"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(file)
        lines.append([f"{name}/{link.name}", *box])
    boxes = place / f"boxes {count}.csv"
    if not boxes.exists():  # an audit goes on with the very same file, which its time is a mark of
        with boxes.open("w", newline="") as out:
            csv.writer(out).writerows([["image", "x0", "y0", "x1", "y1"], *lines])
    return folder


def audited(place: Path, outputs: str, count: int, kept: Path) -> None:
    """One audit, page and record with it; what each step took goes beside them."""
    import seethrough as st
    from seethrough.cli.process import keep_freed_memory

    keep_freed_memory()
    steps = Steps()
    classes = KINDS[outputs]
    net = st.open(place / "network.keras", preprocessing=WHOLE, classes=classes)
    steps("opening", 1, 1)
    boxes = place / f"boxes {count}.csv"
    found = st.audit(net, place / f"pictures {count}", boxes=boxes, folder=kept, progress=steps)
    found.save(kept / "audit.html")
    found.save(kept / "findings.json")
    steps("page", 1, 1)
    (kept / "steps.json").write_text(json.dumps(steps.found))


def command(step: str, *said: Any) -> list[str]:
    """Of a process that does one step."""
    return [sys.executable, __file__, "--step", step, *map(str, said)]


def measured(place: Path, outputs: str, counts: list[int]) -> None:
    """Print seconds, work and memory of each count, and how they grow."""
    rows: list[tuple[int, float, float, float]] = []
    for count in counts:
        kept = place / f"audit {count}"
        laid_out(place, count)
        if not (kept / "steps.json").exists():  # what goes on where another ended would be measured in part only
            shutil.rmtree(kept, ignore_errors=True)
            subprocess.run(command("audited", place, outputs, count, kept), check=True)
        steps = json.loads((kept / "steps.json").read_text())
        record = json.loads((kept / "findings.json").read_text())
        seconds, work = (sum(each[k] for each in steps.values()) for k in (0, 1))
        peak = max(each[2] for each in steps.values())
        rows.append((count, seconds, work, peak))
        parts = ", ".join(f"{what} {w:.0f} s {m:.0f} MiB" for what, (_, w, m) in steps.items())
        verdicts = [each["verdict"] for each in record["findings"]]
        judges = len(record["split"]["judge"])
        print(f"{count} pictures: {seconds:.0f} s, work {work:.0f} s, peak {peak:.0f} MiB; work and peak of "
              f"{parts}; {len(verdicts)} candidates, {verdicts.count('proven')} proven, {judges} judges, network asked "
              f"{record['provenance']['asked']} times", flush=True)  # fmt: skip
    if len(rows) > 1:
        print(
            "exponents: "
            + ", ".join(f"{what} {exponent(rows, k):.2f}" for k, what in enumerate(("seconds", "work", "peak"), 1))
        )
        (few, _, _, low), (many, _, _, high) = rows[0], rows[-1]
        print(f"memory from {few} to {many} pictures: {1024 * (high - low) / (many - few):+.0f} KiB a picture")
    count, seconds, work, _ = rows[-1]
    print(f"{count} pictures: {seconds:.0f} s here, {work:.0f} s of work; bar for 2000: {BARS['seconds']} s on {BARS['processors']} processors")  # fmt: skip


def exponent(rows: list[tuple[int, float, float, float]], column: int) -> float:
    """``value ∝ count^exponent``, by least squares on logarithms."""
    import math

    x, y = [math.log(row[0]) for row in rows], [math.log(row[column]) for row in rows]
    middle, level = sum(x) / len(x), sum(y) / len(y)
    return sum((a - middle) * (b - level) for a, b in zip(x, y)) / sum((a - middle) ** 2 for a in x)


def killed(place: Path, outputs: str, count: int, kills: int, seed: int) -> bool:
    """Kill an audit at random moments and go on; whether it ends as the undisturbed one did."""
    whole = place / f"audit {count}"
    shutil.rmtree(place / f"killed {count}", ignore_errors=True)
    steps = json.loads((whole / "steps.json").read_text())
    seconds = sum(each[0] for each in steps.values())
    kept, chance, moments = place / f"killed {count}", random.Random(seed), []
    before: dict[Path, tuple[int, int]] = {}
    equal = True
    for _ in range(kills):
        process = subprocess.Popen(command("audited", place, outputs, count, kept))
        moment = chance.uniform(0.05, 0.95) * seconds
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait() == 0:
            print("  it was done before it was killed", flush=True)
        now = finished(kept)
        equal = equal and before.items() <= now.items()
        moments.append(f"at {moment:.0f} s ({len(now)} files kept)")
        print(f"  killed {moments[-1]}", flush=True)
        before = now
    subprocess.run(command("audited", place, outputs, count, kept), check=True)
    now = finished(kept)
    equal = equal and before.items() <= now.items()
    same, apart = alike(*(json.loads((f / "findings.json").read_text()) for f in (whole, kept)))
    again = json.loads((kept / "steps.json").read_text())
    left = [p.name for p in kept.rglob("*") if p.name.endswith((".part", "-wal", "-shm"))]
    print(f"kill -9 at {len(moments)} random moments of {count} pictures ({', '.join(moments)}): record as undisturbed: {same}"
          f" (numbers differ by {apart:.1e} at most); of {len(now)} files {len(before)} weren't made anew, as they were: {equal}; the "
          f"last run took {sum(e[1] for e in again.values()):.0f} s of work, undisturbed {sum(e[1] for e in steps.values()):.0f}; "
          f"half-written files left: {len(left)}")  # fmt: skip
    return same and equal


def finished(kept: Path) -> dict[Path, tuple[int, int]]:
    """What was kept, with its size and the time when it was written."""
    files = [*kept.glob("looked/shards/[0-9]*.safetensors"), *kept.glob("judged/[0-9a-f]*.npz")]
    return {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def alike(one: Any, other: Any, at: str = "") -> tuple[bool, float]:
    """Whether two records are the same but for how often the network was asked, and how far apart their numbers are."""
    if at == ".provenance.asked":
        return True, 0.0
    if isinstance(one, dict) and isinstance(other, dict):
        each = [alike(one.get(key), other.get(key), f"{at}.{key}") for key in one.keys() | other.keys()]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        each = [alike(a, b, at) for a, b in zip(one, other)]
    else:
        if one != other:
            print(f"  {at}: {one} and {other}", flush=True)
        return one == other, abs(one - other) if isinstance(one, float) and isinstance(other, float) else 0.0
    return all(same for same, _ in each), max((apart for _, apart in each), default=0.0)


def main() -> int:
    """Print all figures; 1 where one is missed."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--folder", type=Path)
    said.add_argument("--counts", default="250,500,1000,2000")
    said.add_argument("--outputs", choices=tuple(KINDS), default="2")
    said.add_argument("--kills", type=int, default=3)
    said.add_argument("--killed-of", type=int, help="pictures of the audit that is killed; by default the second count")
    said.add_argument("--seed", type=int, default=0, help="of the moments")
    said.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    words = said.parse_args()
    if words.step:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        step, place, outputs, *rest = words.step
        if step == "prepare":
            prepare(Path(place), outputs, int(rest[0]))
        else:
            audited(Path(place), outputs, int(rest[0]), Path(rest[1]))
        return 0
    if words.folder is None:
        said.error("name a folder: --folder DIR")
    data = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "shared/data"))
    if not (data / "waterbirds").is_dir():
        print(f"no Waterbirds in {data}; nothing is done")
        return 0
    place = words.folder.absolute() / f"{words.outputs} outputs"
    counts = [int(count) for count in words.counts.split(",")]
    subprocess.run(command("prepare", place, words.outputs, max(counts)), check=True)
    measured(place, words.outputs, counts)
    if not words.kills:
        return 0
    of = words.killed_of or counts[min(1, len(counts) - 1)]
    return int(not killed(place, words.outputs, of, words.kills, words.seed))


if __name__ == "__main__":
    sys.exit(main())
