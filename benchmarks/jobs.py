"""Work over many images: killed at random moments, and how fast and how large it is.

python benchmarks/jobs.py               50 kills
python benchmarks/jobs.py --kills 10    fewer

A network that comes with us answers to pictures made here. The work is killed (SIGKILL) at random moments and begun again
until it is done, as often as asked; its rows are compared bit by bit with those of an unbroken run, and the shards that were
begun are counted. Then images a second with 0, 1 and 2 processes that read pictures, handing over what the network needs or
the whole picture too, and the peak memory of 200 and of 2,000 images, each in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.graph.execute import execute
from seethrough.jobs import Batch, Results, run, verify
from seethrough.network import Network

IMAGES, PHOTOS, SHARD, BATCH = 1000, 300, 64, 16
FEW, MANY, LIMIT = 200, 2000, 0.1


@dataclass
class Answers:
    """The network's answers, a row an image; ``begun`` is told of each shard."""

    net: Network
    begun: Callable[[], object] = lambda: None
    draws: bool = False
    name: str = "answers"
    settings: dict[str, Any] = field(default_factory=dict)

    def part(self) -> Rows:
        self.begun()
        return Rows(self.net, self.draws)


@dataclass
class Rows:
    """A shard of them."""

    net: Network
    draws: bool
    rows: list[np.ndarray] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        source = self.net.source_of(batch.prepared)
        graph = source.proved(batch.prepared.batch)
        found = execute(graph, source.given(graph, batch.prepared.batch), [graph.output.value])
        self.rows.append(found[graph.output.value].numpy())
        if self.draws:
            assert all(picture.pixels.size for picture in batch.prepared.pictures)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"answers": np.concatenate(self.rows)}


def draw(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Smooth pictures, no two alike, as JPEG."""
    chance = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = chance.integers(0, 256, (9, 12, 3), np.uint8)
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(folder / f"{number}.jpg", quality=90)
    return folder


def table(results: Results) -> dict[int, bytes]:
    """From an image to its row; an image that comes twice is an error."""
    rows: dict[int, bytes] = {}
    for items, arrays in results.shards():
        for item, row in zip(items.tolist(), arrays["answers"], strict=True):
            if item in rows:
                raise RuntimeError(f"image {item} has two rows")
            rows[item] = row.tobytes()
    return rows


def at_work(pictures: Path, folder: Path, log: Path) -> None:
    """The work, in a process that will be killed."""
    torch.set_num_threads(1)
    net = st.open("demo:leopards")
    with log.open("ab", buffering=0) as begun:
        work = Answers(net, lambda: begun.write(b"."))
        run(net, collect(pictures), work, folder=folder, shard=SHARD, batch=BATCH)


def killed(pictures: Path, place: Path, kills: int) -> bool:
    """Kill it again and again; whether all held."""
    torch.set_num_threads(1)
    net = st.open("demo:leopards")
    start = time.perf_counter()
    whole = table(run(net, collect(pictures), Answers(net), shard=SHARD, batch=BATCH))
    seconds = time.perf_counter() - start
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "seethrough.network", "seethrough.jobs"])
    chance, done, runs, redone, equal, left = random.Random(0), 0, 0, 0, True, 0
    while done < kills:
        folder, log, here = place / f"run {runs}", place / f"log {runs}", 0
        while done < kills:
            process = context.Process(target=at_work, args=(pictures, folder, log))
            process.start()
            process.join(chance.uniform(0, seconds / 2))
            process.kill()
            process.join()
            if process.exitcode == 0:
                break
            done, here = done + 1, here + 1
        work = Answers(net, lambda log=log: log.open("ab").write(b"."))
        rows = table(run(net, collect(pictures), work, folder=folder, shard=SHARD, batch=BATCH))
        shards = -(-len(whole) // SHARD)
        again = log.stat().st_size - shards
        redone = max(redone, again - here)
        left += sum(1 for path in folder.rglob("*") if path.name.endswith((".part", "-wal", "-shm")))
        equal = equal and rows == whole and verify(folder).whole
        runs += 1
        print(
            f"  run {runs}: {here} kills, {again} times a shard done again ({shards} shards), {len(rows)} rows",
            flush=True,
        )
    print(f"kill -9 at {done} random moments of {IMAGES} images: {runs} runs, rows equal to the unbroken run's: {equal}; at most "
          f"one shard done again a kill: {redone <= 0}; temporary files left: {left}")  # fmt: skip
    return equal and redone <= 0 and not left


def rates(pictures: Path) -> None:
    """Images a second."""
    net = st.open("demo:leopards")
    for draws in (False, True):
        said = []
        for workers in (0, 1, 2):
            start = time.perf_counter()
            run(net, collect(pictures), Answers(net, draws=draws), shard=SHARD, batch=BATCH, workers=workers)
            said.append(f"{workers} readers {PHOTOS / (time.perf_counter() - start):.0f}")
        print(f"images a second, {'the whole picture too' if draws else 'what the network needs'}: {', '.join(said)}")


def peak(pictures: Path, count: int) -> None:
    """Print this process' peak memory in MiB after so many images."""
    net = st.open("demo:leopards")
    files = sorted(pictures.iterdir())
    collection = collect([files[i % len(files)] for i in range(count)])
    for _, arrays in run(net, collection, Answers(net), shard=SHARD, batch=BATCH).shards():
        assert len(arrays["answers"])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def flat(pictures: Path) -> bool:
    """Memory of few and of many images."""
    command = [sys.executable, __file__, "--pictures", str(pictures), "--peak"]
    few, many = (float(subprocess.check_output([*command, str(count)], text=True)) for count in (FEW, MANY))
    change = many / few - 1
    print(f"peak memory: {FEW} images {few:.0f} MiB, {MANY} images {many:.0f} MiB, {change:+.1%} (limit ±{LIMIT:.0%})")
    return abs(change) <= LIMIT


def main() -> int:
    """Print all figures; 1 where one is missed."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--kills", type=int, default=50)
    said.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    said.add_argument("--pictures", type=Path, help=argparse.SUPPRESS)
    words = said.parse_args()
    if words.peak is not None:
        peak(words.pictures, words.peak)
        return 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        photos = draw(place / "photos", PHOTOS, (500, 375))
        rates(photos)
        pictures = draw(place / "pictures", IMAGES, (80, 60))
        return int(not all([flat(photos), killed(pictures, place, words.kills)]))


if __name__ == "__main__":
    sys.exit(main())
