"""What the network answers to the picture with parts of it covered: the pictures that all maps of a run share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.masks import windows
from seethrough.attribution.reach import of_coalitions, under
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run
from seethrough.trust.maps import Grid

BLOCKS = 7
"""Blocks along each side that patches and half pictures are made of."""

HALVES = 64
"""How many pictures have half of their blocks covered."""

Told = Callable[[int, int], None] | None


def answers(run: Run, grid: Grid, seen: Tensor, cover: Tensor, progress: Told = None) -> np.ndarray:
    """The target's value where only some cells of each picture are seen.

    Parameters
    ----------
    seen
        bool (T, N, cells), or (T, 1, cells) for the same cells of every picture.
    cover
        What stands in the other cells; broadcasts against the images.

    Returns
    -------
    float64 (T, N).
    """
    x = run.images
    cover = cover.to(x).expand_as(x)

    def whole(numbers: range) -> Tensor:
        keep = grid.pixels(seen[numbers.start : numbers.stop]).to(x.device)[:, :, None]
        return torch.where(keep, x, cover).flatten(0, 1)

    reach = of_coalitions(grid.cell[None], seen)
    scores = run.score_changes(Changes(reach.boxes, under(x, cover, reach.within), whole), progress)
    return scores.double().cpu().numpy()


def patches(grid: Grid) -> np.ndarray:
    """Each block alone covered: bool (blocks, cells), True where covered."""
    block = _blocks(grid)
    return block[None, :] == np.unique(block)[:, None]


def halves(grid: Grid, seed: int = 0) -> np.ndarray:
    """Half of the blocks covered, drawn anew for each of `HALVES` pictures and their complements: bool (HALVES, cells)."""
    block = _blocks(grid)
    number = int(block.max()) + 1
    chance = np.random.default_rng(seed)
    first = np.stack([chance.permutation(number) < number // 2 for _ in range(HALVES // 2)])
    return np.concatenate([first, ~first])[:, block]


def _blocks(grid: Grid) -> np.ndarray:
    """The number of each cell's block, (cells,)."""
    down, across = min(BLOCKS, grid.rows), min(BLOCKS, grid.columns)
    y, x = np.arange(grid.rows) * down // grid.rows, np.arange(grid.columns) * across // grid.columns
    return (y[:, None] * across + x[None, :]).ravel()


def from_occlusion(run: Run, grid: Grid, fill: str) -> np.ndarray | None:
    """The answers with each block alone covered, float64 (blocks, N), where an occlusion of this run with its default
    windows asked for them, so that nobody need ask again; None where none did, or its windows stand elsewhere.
    """
    height, width = grid.cell.shape
    side = max(1, min(height, width) // 7)
    step = max(1, side // 2)
    window, stride = (side, side), (step, step)
    found = run.had(("masked", ("windows", window, stride), fills.key(fill)))
    if found is None:
        return None
    number = {place: k for k, place in enumerate(_bounds(windows((height, width), window, stride)))}
    block = torch.from_numpy(_blocks(grid))[grid.cell]
    at = []
    for one in range(int(block.max()) + 1):
        rows, columns = torch.nonzero(block == one, as_tuple=True)
        at.append(number.get(((int(rows.min()), int(rows.max()) + 1), (int(columns.min()), int(columns.max()) + 1))))
    return None if None in at else found[at].double().cpu().numpy()


def _bounds(places: Iterable[tuple[slice, slice]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for rows, columns in places:
        yield (rows.start, rows.stop), (columns.start, columns.stop)
