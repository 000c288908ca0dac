"""The local engine: this machine, its network in this process, its pictures read by processes beside it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, UsageError, is_out_of_memory
from seethrough.images import grid
from seethrough.images.apart import Fit, Read, reading
from seethrough.jobs.engine import Finished, Task
from seethrough.jobs.later import Later
from seethrough.jobs.plan import Shard
from seethrough.jobs.sizing import BATCH, halved, measured
from seethrough.jobs.work import Batch, Passed
from seethrough.machine import processors
from seethrough.network import Prepared
from seethrough.results import Picture

FEW = 64
"""Fewer pictures than these are read in this process; starting others would take longer."""

MANY = 1000
"""From so many images on, trying how many go at once pays."""

TRIED_BYTES = 256 * 2**20
"""The most bytes of pictures that are held to try it with."""

Found = tuple[int, Read | torch.Tensor | InputRefused]
"""The number of an image, and what was read: a picture, a ready tensor, or why not."""

Reading = Callable[[Iterable[int]], Iterator[Found]]
"""Reads images in this process, as they are asked for."""


@dataclass(frozen=True, slots=True)
class Local:
    """Does shards here.

    Attributes
    ----------
    workers
        Processes that read pictures; 0 to read them in this one; None for as many as fit the machine and the work.
    """

    workers: int | None = None

    def finish(
        self,
        task: Task,
        shards: Sequence[Shard],
        *,
        step: Callable[[int], None],
        settle: Callable[[int], None],
    ) -> Generator[Finished, None, None]:
        """As the protocol says; in their order."""
        items = list(chain.from_iterable(shard.items for shard in shards))
        read = _reading_of(task)
        batch = task.batch
        if batch is None and items:
            batch = _measured(task, read(shards[0].items), len(items))
            settle(batch)
        with self._reading(task, items, read) as found:
            for shard in shards:
                assert batch is not None
                mine = islice(found, len(shard.items))
                while (done := _attempted(task, shard, mine, batch, step)) is None:
                    batch = halved(batch)
                    settle(batch)
                    deque(mine, maxlen=0)  # what was read ahead of this shard goes
                    mine = read(shard.items)
                yield done

    @contextmanager
    def _reading(self, task: Task, items: Sequence[int], read: Reading) -> Iterator[Iterator[Found]]:
        """Images one after the other, some of them read ahead by other processes."""
        workers = self._count(task.images, items)
        if not workers:
            yield read(items)
            return
        paths = ((item, Path(task.images[item].source), task.images[item].name) for item in items)
        with reading(_fit(task), workers) as readers:
            yield readers.read_all(paths)

    def _count(self, images: Collection, items: Sequence[int]) -> int:
        if self.workers is not None and self.workers < 0:
            raise UsageError(f"workers is 0 or more processes that read pictures, not {self.workers}.")
        if not all(isinstance(images[item].source, str | os.PathLike) for item in items):
            return 0  # what lies in memory already needs no other process
        if self.workers is not None:
            return self.workers
        return 0 if len(items) < FEW else max(1, min(4, processors() // 2))


def _fit(task: Task) -> Fit:
    net, preprocessing = task.net, task.net.preparing()
    size = grid(preprocessing, net.input_size, net.opened.layout)
    return Fit(preprocessing, size, whole=getattr(task.work, "draws", False))


def _reading_of(task: Task) -> Reading:
    """What reads images in this process."""
    if task.images.ready:
        return lambda items: (_ready(task.images, item) for item in items)
    fit = _fit(task)
    return lambda items: (_read_here(task.images, item, fit) for item in items)


def _read_here(images: Collection, item: int, fit: Fit) -> Found:
    try:
        return item, fit.read(images[item].source, images[item].name)
    except InputRefused as refused:
        return item, refused


def _ready(images: Collection, item: int) -> Found:
    row = torch.as_tensor(images[item].source)
    if row.is_floating_point() and not bool(torch.isfinite(row).all()):
        return item, InputRefused(f"The ready tensor of {images[item].name} holds NaN or infinite numbers.")
    return item, row


def _measured(task: Task, found: Iterator[Found], images: int) -> int:
    """Images at once, tried on the first shard."""
    if images < MANY:
        return BATCH
    good, held = [], 0
    for item, read in found:
        if not isinstance(read, InputRefused) and held < TRIED_BYTES:
            good.append((item, read))
            held += read.nbytes
    if len(good) < 2:
        return BATCH

    def attempt(size: int) -> None:
        part = task.work.part()
        for items, read in _groups(good[:size], size):
            part.add(Batch(items, _prepared(task, items, read)))

    return measured(attempt, len(good), next(iter(task.net.module.parameters()), torch.empty(0)).device)


def _attempted(
    task: Task, shard: Shard, found: Iterator[Found], batch: int, step: Callable[[int], None]
) -> Finished | None:
    """A shard, done; None where so many images at once take more memory than there is."""
    part, done, passed = task.work.part(), [], []

    def good() -> Iterator[tuple[int, Any]]:
        for item, read in found:
            if isinstance(read, InputRefused):
                passed.append(Passed(item, task.images[item].name, str(read)))
            else:
                yield item, read

    try:
        for items, read in _groups(good(), batch):
            part.add(Batch(items, _prepared(task, items, read)))
            done += items
            step(len(items))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        step(-len(done))
        return None
    step(len(passed))
    return Finished(shard, np.array(done, np.int64), part.arrays(), tuple(passed), batch)


def _groups(good: Iterable[tuple[int, Any]], size: int) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """So many images at once, fewer where the next one has another form."""
    group: list[tuple[int, Any]] = []
    for item, read in good:
        if len(group) == size or (group and _form(read) != _form(group[0][1])):
            yield tuple(i for i, _ in group), tuple(r for _, r in group)
            group = []
        group.append((item, read))
    if group:
        yield tuple(i for i, _ in group), tuple(r for _, r in group)


def _form(read: Read | torch.Tensor) -> tuple[int, ...]:
    return tuple(read.shape) if isinstance(read, torch.Tensor) else read.fitted.geometry.size


def _prepared(task: Task, items: Sequence[int], read: Sequence[Any]) -> Prepared:
    if task.images.ready:
        return task.net.prepare(torch.stack(list(read)))
    pictures = [_picture(task.images, item, each) for item, each in zip(items, read)]
    return task.net.prepare_fitted([r.fitted for r in read], pictures, [note for r in read for note in r.notes])


def _picture(images: Collection, item: int, read: Read) -> Picture:
    if read.pixels is None:
        return Later(images, item, read.fitted.geometry.picture, read.notes)
    return Picture(read.pixels, images[item].name, read.notes)
