"""The best of real pictures: what an objective reaches on photos, so that a made picture that says nothing is known for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seethrough.datasets.collection import collect
from seethrough.errors import UsageError
from seethrough.features.ascent import reader
from seethrough.features.cut import Cut
from seethrough.features.objectives import Objective
from seethrough.jobs import Batch, run
from seethrough.network import Network


@dataclass(frozen=True, eq=False)
class Real:
    """What the best of real pictures reach: float32 (K,), the names of these pictures, and how many were asked."""

    values: np.ndarray
    names: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, eq=False)
class Measuring:
    """The work of measuring objectives on every picture of a collection: a row of K numbers each."""

    net: Network
    objectives: tuple[Objective, ...]

    @property
    def name(self) -> str:
        return "objectives"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"objectives": [o.name for o in self.objectives]}

    def part(self) -> _Rows:
        return _Rows(self)


class _Rows:
    def __init__(self, work: Measuring) -> None:
        self.work = work
        self.rows: list[np.ndarray] = []

    def add(self, batch: Batch) -> None:
        objectives, images = self.work.objectives, batch.prepared.batch
        layers = tuple(dict.fromkeys(layer for o in objectives for layer in o.layers if layer))
        cut = Cut(self.work.net.source_of(batch.prepared), layers, images, gradient=False)
        read = reader(cut.values(images), images)
        with torch.no_grad():
            self.rows.append(torch.stack([o(read) for o in objectives], 1).float().cpu().numpy())

    def arrays(self) -> dict[str, np.ndarray]:
        empty = np.zeros((0, len(self.work.objectives)), np.float32)
        return {"values": np.concatenate([empty, *self.rows])}


def best_real(
    net: Network,
    objectives: Sequence[Objective],
    real: Any,
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Real:
    """The best that real pictures reach.

    Parameters
    ----------
    real
        Pictures in any way that `seethrough.datasets.collection.collect` takes (a folder, a list, uint8 (N, H, W, 3)); or
        numbers, one an objective, that were measured before.
    folder
        Where the run is kept, to go on; by default nowhere.

    Raises
    ------
    UsageError
        Another number of numbers than of objectives; an objective that speaks of several pictures at once.
    """
    numbers = _numbers(real)
    if numbers is not None:
        if numbers.shape != (len(objectives),):
            raise UsageError(
                f"The bests of real pictures are {len(objectives)} numbers, one a picture that is made; these have the shape "
                f"{numbers.shape}."
            )
        return Real(numbers)
    if not all(o.apart for o in objectives):
        raise UsageError(
            "An objective that compares pictures with each other has no best real picture; leave `real` out."
        )
    results = run(net, collect(real), Measuring(net, tuple(objectives)), folder=folder, progress=progress)
    best, which, count = np.full(len(objectives), -np.inf, np.float32), np.zeros(len(objectives), int), 0
    for items, arrays in results.shards():
        count += len(items)
        if not len(items):
            continue
        top = arrays["values"].argmax(0)
        values = arrays["values"][top, range(len(top))]
        which = np.where(values > best, items[top], which)
        best = np.maximum(best, values)
    return Real(best, tuple(results.collection[int(i)].name for i in which), count)


def _numbers(real: Any) -> np.ndarray | None:
    """Numbers measured before, as float32; None for pictures."""
    if isinstance(real, np.ndarray):
        return real.astype(np.float32) if real.dtype.kind == "f" and real.ndim == 1 else None
    if isinstance(real, list | tuple) and real and all(isinstance(x, int | float) for x in real):
        return np.asarray(real, np.float32)
    return None
