"""The engine: who does the shards. One small interface, behind which they may be done here or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.jobs.plan import Shard
from seethrough.jobs.work import Arrays, Passed, Work
from seethrough.network import Network


@dataclass(frozen=True, slots=True)
class Task:
    """What is done to every shard: a work, by a network, on a collection, so many images at once (`None`: measure it)."""

    net: Network
    images: Collection
    work: Work
    batch: int | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A shard that was done: which of its images (int64), what is kept of them, and those that couldn't be read."""

    shard: Shard
    items: np.ndarray
    arrays: Arrays
    passed: tuple[Passed, ...]
    batch: int


class Engine(Protocol):
    """Does shards; writes nothing and decides nothing."""

    def finish(
        self,
        task: Task,
        shards: Sequence[Shard],
        *,
        step: Callable[[int], None],
        settle: Callable[[int], None],
    ) -> Generator[Finished, None, None]:
        """Do shards, and hand back each when it is done, in any order. Closed before the end, it leaves nothing behind.

        Parameters
        ----------
        step
            Told how many images more are done.
        settle
            Told how many images go at once, before the first shard for which it holds.
        """
        ...
