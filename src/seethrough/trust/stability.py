"""Stability: does a map stay where it is when nothing of importance changes?

The picture gets a little noise, and is moved by one pixel; where the answer stays as it was, the map should too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from seethrough.graph.run import Run
from seethrough.trust.maps import Case, Grid, spearman

NOISE = 0.02
"""Standard deviation of the noise, as a part of each picture's range."""

SAME = 0.1
"""An answer is as it was where its strongest output is the same and the target's value changed by no more than this part."""


class Varied:
    """The run's question about slightly other pictures, shared by all methods."""

    def __init__(self, run: Run, seed: int = 0) -> None:
        self.run = run
        self.versions = [(name, run.at(pictures), undone) for name, pictures, undone in _variations(run.images, seed)]
        self.kept = [_as_it_was(run, other) for _, other, _ in self.versions]


def _variations(x: Tensor, seed: int) -> Iterator[tuple[str, Tensor, int]]:
    """Name, pictures, by how many pixels they moved right and down. The same noise for every picture."""
    each = tuple(range(1, x.dim()))
    reach = NOISE * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    noise = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(seed)).to(x)
    yield "noise", x + reach * noise, 0
    moved = x
    for axis in range(2, x.dim()):
        moved = torch.cat([moved.narrow(axis, 0, 1), moved.narrow(axis, 0, moved.shape[axis] - 1)], axis)
    yield "shift", moved, 1


def _as_it_was(run: Run, other: Run) -> np.ndarray:
    """For each picture whether its answer stayed, bool (N,)."""
    a, b = run.logits.flatten(1), other.logits.flatten(1)
    near = (other.scores - run.scores).abs() <= SAME * run.scores.abs()
    return (near & (a.argmax(1) == b.argmax(1))).cpu().numpy()


def stability(case: Case, run: Run, varied: Varied) -> list[dict[str, float]]:
    """How alike the maps of slightly other pictures are.

    Returns
    -------
    For each picture ``stability.noise`` and ``stability.shift``: Spearman's correlation by cells, −1…1, where the answer
    stayed as it was (of a costly method only the first); ``stability.least``: the smaller of them.
    """
    found: list[dict[str, float]] = [{} for _ in range(len(run.images))]
    if not case.again or not any(kept.any() for kept in varied.kept):
        return found
    size = tuple(run.images.shape[2:])
    own = case.on_grid(size, case.cheap(run))
    grid = Grid.of(*own.shape[-2:])
    versions = [pair for pair in zip(varied.versions, varied.kept) if pair[1].any()]
    for (name, other, moved), kept in versions[:1] if case.costly(run) else versions:
        new = case.on_grid(size, case.ask(other, case.dialled(run)))
        pairs = grid.means(_placed(own, moved, back=False)), grid.means(_placed(new, moved, back=True))
        for i in np.flatnonzero(kept):
            found[i][f"stability.{name}"] = spearman(pairs[0][i], pairs[1][i])
    for figures in found:
        if figures:
            figures["stability.least"] = min(figures.values())
    return found


def _placed(maps: Tensor, moved: int, *, back: bool) -> Tensor:
    """The part of both maps that shows the same places of the picture, on the whole grid again (edges repeated)."""
    if not moved:
        return maps
    for axis in (-2, -1):
        if maps.shape[axis] > moved:
            length = maps.shape[axis]
            index = torch.arange(length) + moved if back else torch.arange(length)
            maps = maps.index_select(axis, index.clamp(max=length - 1 if back else length - 1 - moved))
    return maps
