"""The run: shard by shard, batch by batch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, NetworkRefused
from seethrough.jobs.work import Arrays, Batch, Passed, Results, Work
from seethrough.network import Network

Progress = Callable[[int, int], None]
"""Told the images done, and those in all."""

SHARD = 64
"""Images in a shard, where nobody says how many."""

BATCH = 16


def run(
    net: Network,
    images: Collection,
    work: Work,
    *,
    folder: Path | None = None,
    shard: int = SHARD,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Results:
    """Do a work over images.

    Parameters
    ----------
    folder
        Where shards are written and taken up again; by default a temporary one, which goes with the results.
    shard
        Images in a shard.
    batch
        Images at once; by default measured.

    Returns
    -------
    Results

    Raises
    ------
    InputRefused
        Where not one image can be read.
    """
    kept = tempfile.TemporaryDirectory(prefix="seethrough-")
    passed: list[Passed] = []
    loaders = []
    for first in range(0, len(images), shard):
        part, done = work.part(), []
        group: list[int] = []
        pictures = []
        for item in range(first, min(first + shard, len(images))):
            try:
                pictures.append(images.picture(item))
                group.append(item)
            except NetworkRefused:
                raise
            except InputRefused as error:
                passed.append(Passed(item, images[item].name, str(error)))
            if len(group) == (batch or BATCH) or (item + 1 == min(first + shard, len(images)) and group):
                part.add(Batch(tuple(group), net.prepare([p.pixels for p in pictures])))
                done += group
                group, pictures = [], []
            if progress is not None:
                progress(item + 1, len(images))
        file = Path(kept.name) / f"{first:08d}.npz"
        np.savez(file, allow_pickle=False, **{**part.arrays(), "item": np.array(done, np.int64)})
        loaders.append(_Loader(file, kept))
    if len(passed) == len(images):
        raise InputRefused(f"Not one of {len(images)} images can be read; the first: {passed[0].reason}")
    provenance = {**net.provenance, "work": work.name, "settings": dict(work.settings)}
    return Results(images, tuple(passed), provenance, tuple(loaders))


class _Loader:
    def __init__(self, file: Path, kept: tempfile.TemporaryDirectory) -> None:
        self.file, self.kept = file, kept

    def __call__(self) -> tuple[np.ndarray, Arrays]:
        with np.load(self.file) as found:
            arrays = {name: found[name] for name in found.files}
        return arrays.pop("item"), arrays
