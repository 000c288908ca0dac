"""The run: a plan, the shards that are still to do, and a manifest that knows which are done."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.jobs.engine import Engine, Task
from seethrough.jobs.local import Local
from seethrough.jobs.manifest import Manifest, begun
from seethrough.jobs.plan import Plan, plan_of
from seethrough.jobs.store import Written, make_folder, read_shard, remove_leftovers, write_shard
from seethrough.jobs.work import Arrays, Passed, Results, Work
from seethrough.machine import freed_memory_kept, give_back
from seethrough.network import Network

Progress = Callable[[int, int], None]
"""Told the images done, and those in all; first of all what was done before, where a run goes on."""

SHARD = 64
"""Images in a shard, where nobody says how many."""


def run(
    net: Network,
    images: Collection,
    work: Work,
    *,
    folder: Path | None = None,
    shard: int = SHARD,
    batch: int | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
) -> Results:
    """Do a work over images; what was done before in the same folder isn't done again.

    An image that can't be read is passed by and listed with the reason. However the run is ended, all shards but the one
    at work are kept, and the same call goes on with it.

    Parameters
    ----------
    folder
        Where shards are written and taken up again; by default a temporary one, which goes with the results.
    shard
        Images in a shard.
    batch
        Images at once; by default measured, once for a run, and kept with it.
    progress
        Told the images done and those in all, after every batch.
    workers
        Processes that read pictures; 0 to read them in this one; by default as many as fit.
    engine
        Who does the shards, instead of this machine.

    Returns
    -------
    Results

    Raises
    ------
    InputRefused
        Where not one image can be read; where the folder holds a run of another format.
    UsageError
        Where the folder holds a run with another network, other settings or other images; says which.
    EnvironmentLacks
        Where another process works in the folder, where the disk is full, where one image doesn't fit into memory.
    """
    if batch is not None and batch < 1:
        raise UsageError(f"batch is at least one image at once, not {batch}.")
    plan = plan_of(net, images, work, shard)
    home = _Home.of(folder)
    make_folder(home.path)
    with begun(home.path, plan) as manifest, _told_how_to_go_on(manifest, home, plan), freed_memory_kept():
        remove_leftovers(home.path, manifest.done)
        _finish(manifest, plan, Task(net, images, work, batch or manifest.batch), engine or Local(workers), progress)
        give_back()  # whatever is done with the results takes less than a graph that was walked back
        passed = manifest.passed
        if len(passed) == len(images):
            raise InputRefused(f"Not one of {len(images)} images can be read; the first: {passed[0].reason}")
        loaders = tuple(_Loader(home, written) for written in manifest.done.values())
        return Results(images, passed, _provenance(net, images, work, plan, manifest.batch), loaders)


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a run lives; a temporary folder goes when the last who holds it does."""

    path: Path
    temporary: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def of(cls, folder: Path | None) -> _Home:
        if folder is not None:
            return cls(Path(folder))
        try:
            temporary = tempfile.TemporaryDirectory(prefix="seethrough-")
        except OSError as error:
            raise EnvironmentLacks(f"There is no place for temporary files: {error.strerror or error}.") from error
        return cls(Path(temporary.name), temporary)


@dataclass(frozen=True, slots=True)
class _Loader:
    """Reads one shard."""

    home: _Home
    written: Written

    def __call__(self) -> tuple[np.ndarray, Arrays]:
        return read_shard(self.home.path, self.written)


def _finish(manifest: Manifest, plan: Plan, task: Task, engine: Engine, progress: Progress | None) -> None:
    """Do what is still to do."""
    done, total = manifest.done, len(task.images)
    to_do = [shard for shard in plan.shards if shard.number not in done]
    counted = total - sum(len(shard.items) for shard in to_do)

    def step(images: int) -> None:
        nonlocal counted
        counted += images
        if progress is not None:
            progress(counted, total)

    step(0)
    if task.batch is not None:
        manifest.settle_batch(task.batch)
    with closing(engine.finish(task, to_do, step=step, settle=manifest.settle_batch)) as finishing:
        for finished in finishing:
            written = write_shard(manifest.folder, finished.shard.number, finished.items, finished.arrays)
            manifest.record(written, finished.passed, finished.batch)


@contextmanager
def _told_how_to_go_on(manifest: Manifest, home: _Home, plan: Plan) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a system that refuses leave with a word on what is kept and how to go on."""
    try:
        yield
    except EnvironmentLacks as error:
        raise EnvironmentLacks(f"{error} {_how_to_go_on(manifest, home, plan)}") from error
    except BaseException as error:
        if not isinstance(error, Exception):
            error.add_note(_how_to_go_on(manifest, home, plan))
        raise


def _how_to_go_on(manifest: Manifest, home: _Home, plan: Plan) -> str:
    if home.temporary is not None:
        return "Nothing of it is kept; name a folder for the run to be able to go on."
    done = manifest.done
    images = sum(len(shard.items) for shard in plan.shards if shard.number in done)
    return f"{images:,} of {len(plan.names):,} images are done and kept in {home.path}; run the same again to go on."


def _provenance(net: Network, images: Collection, work: Work, plan: Plan, batch: int | None) -> dict[str, Any]:
    return {
        **net.provenance,
        "work": work.name,
        "settings": dict(work.settings),
        "images": {"source": images.source, "number": len(images), "fingerprint": images.fingerprint},
        "run": {"plan": plan.digest[:16], "shard": plan.said["shard"], "batch": batch},
    }


__all__ = ["Passed", "Progress", "run"]
