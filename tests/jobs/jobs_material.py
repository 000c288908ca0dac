"""A tiny network, pictures from a seed, and a work that keeps the network's answers; also in a process of its own, to be
interrupted.
"""

import multiprocessing
import signal
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.graph.execute import execute
from seethrough.jobs import run

SIZE = (3, 24, 24)


def network(seed=0, width=6):
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 4)
    )
    return st.open(module.eval(), input_size=SIZE, preprocessing="unit", classes=["a", "b", "c", "d"])


def draw(folder, count, seed=0):
    """Small pictures, a file each, no two alike."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        pixels = random.integers(0, 256, (4, 5, 3), np.uint8)
        Image.fromarray(pixels).resize((30, 24), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


@dataclass
class Rows:
    """Answers, a row an image."""

    work: "Answers"
    rows: list = field(default_factory=list)

    def add(self, batch):
        self.work.seen(batch)
        source = self.work.net.source_of(batch.prepared)
        graph = source.proved(batch.prepared.batch)
        found = execute(graph, source.given(graph, batch.prepared.batch), [graph.output.value])
        self.rows.append(found[graph.output.value].numpy())

    def arrays(self):
        rows = np.concatenate(self.rows) if self.rows else np.zeros((0, 4), np.float32)
        return {"answers": rows, "sum": rows.sum(0, dtype=np.float64)}


@dataclass
class Answers:
    """The network's answers; ``seen`` is told every batch, ``begun`` every part."""

    net: object
    settings: dict = field(default_factory=lambda: {"of": "answers"})
    seen: object = lambda batch: None
    begun: object = lambda: None
    name: str = "answers"

    def part(self):
        self.begun()
        return Rows(self)


def table(results):
    """From an image's number to its row; refuses an image that comes twice."""
    rows = {}
    for items, arrays in results.shards():
        for item, row in zip(items.tolist(), arrays["answers"], strict=True):
            assert item not in rows
            rows[item] = row
    return rows


def equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[item], other[item]) for item in one)


def started(pictures, folder, log, seconds=0.05):
    """The work, 16 images to a shard and 8 at once, in a process of its own; it adds a byte to ``log`` for every shard begun,
    takes so long for each batch, and writes to ``log`` with ``.notes`` what is said when it is interrupted.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "seethrough.network", "seethrough.jobs", "seethrough.graph.execute"])
    process = context.Process(target=at_work, args=(pictures, folder, log, seconds))
    process.start()
    return process


def at_work(pictures, folder, log, seconds):
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    net = network()
    try:
        with log.open("ab", buffering=0) as begun:
            work = Answers(net, seen=lambda _: time.sleep(seconds), begun=lambda: begun.write(b"."))
            run(net, collect(pictures), work, folder=folder, shard=16, batch=8)
    except KeyboardInterrupt as interruption:
        log.with_suffix(".notes").write_text("\n".join(interruption.__notes__))
        raise SystemExit(130) from None
