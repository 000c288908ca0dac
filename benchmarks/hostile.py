"""What hostile and damaged files come to: canaries, exceptions that aren't refusals, time and memory.

Every file is made here, from the seed on. ``--mutants 2000`` damages so many of each format (a few minutes each for Keras'),
``--first`` begins at another number; a file that goes wrong is named by its number, which makes it again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

MATERIAL = Path(__file__).resolve().parents[1] / "tests" / "safety"
BATCH = 500

LARGEST_SECONDS, LARGEST_GROWTH = 5.0, 256.0
MUTANT_SECONDS = 2.0


def told(script: str, *arguments: object) -> list[str]:
    """The lines that one of the scripts beside the tests prints."""
    command = [sys.executable, str(MATERIAL / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} {arguments} ended with {done.returncode} at {done.stderr.split()[-1:]}")
    return done.stdout.splitlines()


def pickles(folder: Path) -> bool:
    """Hostile files of PyTorch."""
    sys.path.insert(0, str(MATERIAL))
    from hostile_pickles import hostile_files
    from torch import nn

    from seethrough.errors import SeethroughError
    from seethrough.models import open_model

    mark, counts, named, slowest = folder / "ran", Counter(), 0, 0.0
    for hostile in hostile_files(folder / "pickles", mark):
        start = time.perf_counter()
        try:
            open_model(hostile.path, architecture=nn.Identity)
            counts["opened"] += 1
        except SeethroughError as error:
            counts["refused"] += 1
            named += hostile.calls is not None and hostile.calls in str(error)
        except Exception:
            counts["other exceptions"] += 1
        slowest = max(slowest, time.perf_counter() - start)
    print(f"pickles: {dict(counts)}, {named} told by the name of what they call; canaries {int(mark.exists())}; "
          f"slowest {slowest:.2f} s")  # fmt: skip
    return set(counts) == {"refused"} and not mark.exists()


def configurations(folder: Path) -> bool:
    """Hostile configurations of Keras, under an audit hook."""
    said = json.loads(told("hostile_keras.py", folder)[-1])
    hostile = {hole: outcome for hole, outcome in said["outcomes"].items() if not hole.startswith("true ")}
    opened = [hole for hole, (ended, _) in hostile.items() if ended == "opened"]
    events = [hole for hole, (_, events) in hostile.items() if events]
    print(f"configurations of Keras: {len(hostile)} files, {len(opened)} opened, {len(events)} with an event of the "
          f"interpreter; canaries {int(said['ran'])}")  # fmt: skip
    return not opened and not events and not said["ran"]


def bombs(folder: Path) -> bool:
    """Small files that declare huge things."""
    all_said = [json.loads(line) for line in told("bombs.py", folder)]
    well = [said for said in all_said if said["code"] == 3]
    slowest = max(well, key=lambda said: said["seconds"])
    largest = max(well, key=lambda said: said["grown_mib"])
    print(f"bombs: {len(well)} of {len(all_said)} refused; slowest {slowest['seconds']:.2f} s ({slowest['hole']}, limit "
          f"{LARGEST_SECONDS:.0f} s); memory grew by {largest['grown_mib']:.0f} MiB at most ({largest['hole']}, limit "
          f"{LARGEST_GROWTH:.0f} MiB)")  # fmt: skip
    within = slowest["seconds"] <= LARGEST_SECONDS and largest["grown_mib"] <= LARGEST_GROWTH
    return len(well) == len(all_said) and within


def mutants(kind: str, first: int, count: int, share: float) -> bool:
    """Damaged files of one format, in batches, so that one that kills its process is known."""
    counts, deaths, wrong, slowest, grown = Counter(), Counter(), {}, (0.0, 0), 0.0
    for begin in range(first, first + count, BATCH):
        try:
            said = json.loads(told("mutants.py", kind, begin, min(BATCH, first + count - begin), share)[-1])
        except RuntimeError as error:
            wrong[str(begin)] = str(error)
            continue
        counts.update(said["counts"])
        deaths.update(said["deaths"])
        wrong |= said["wrong"]
        slowest, grown = max(slowest, tuple(said["slowest"])), max(grown, said["grown_mib"])
    readers = f"; readers that died {dict(deaths)}" if kind in ("keras", "h5") else ""
    print(f"mutants of {kind}: {dict(counts)}; slowest {slowest[0]:.2f} s (number {slowest[1]}, limit {MUTANT_SECONDS:.0f} "
          f"s); memory grew by {grown:.0f} MiB{readers}")  # fmt: skip
    for number, what in wrong.items():
        print(f"  number {number}: {what.strip().splitlines()[-1]}")
    return not wrong and slowest[0] <= MUTANT_SECONDS and grown <= LARGEST_GROWTH


def reader(folder: Path) -> None:
    """What the process of its own costs."""
    import h5py
    import numpy as np

    from seethrough.models.hdf5_copy import contents, write_hdf5

    for name, elements in (("an empty file", 0), ("400 MB of weights", 10**8)):
        with h5py.File(folder / "x.h5", "w") as file:
            file["w"] = np.ones(elements, np.float32)
        start = time.perf_counter()
        found = contents(folder / "x.h5", folder / "numbers", "it")
        middle = time.perf_counter()
        write_hdf5(found, folder / "numbers", folder / "new.h5")
        print(
            f"reader process, {name}: {middle - start:.2f} s, and {time.perf_counter() - middle:.2f} s to write it anew"
        )


def main() -> int:
    """Print all figures; 1 where one is missed."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--mutants", type=int, default=2000)
    said.add_argument("--first", type=int, default=0)
    said.add_argument(
        "--share", type=float, default=0.02, help="of HDF5 files that go through the reader process itself"
    )
    said.add_argument("--formats", default="safetensors,pt,legacy,h5,keras")
    words = said.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("keras", "bombs"):
            (folder / each).mkdir()
        held = [pickles(folder), configurations(folder / "keras"), bombs(folder / "bombs")]
        reader(folder)
    held += [mutants(kind, words.first, words.mutants, words.share) for kind in words.formats.split(",")]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
