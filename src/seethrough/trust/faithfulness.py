"""Faithfulness: does the answer depend on the places that a map points to?

The picture is covered cell by cell, in the order in which a map ranks them, and the answer is watched. Two ways: from
nothing to the picture, the first cells first (*insertion*: the sooner the answer rises the better), and from the picture
to nothing (*deletion*: the sooner it falls the better; Petsiuk, Das & Saenko, 2018). What covers matters, so that the
mean colour and a blur are used both. No such number means anything alone: smoothness raises it for nothing (Rong et al.,
2022), and so the same curves are had for four maps that know nothing of the network, once for all maps of a run.

Apart from order there is size: a place's numbers should tell what covering it costs. Blocks alone, and half pictures, are
covered, and their cost is compared with what the map says of them (*infidelity*; Yeh et al., 2019). These answers are the
same for every map, so that a map can be held against all its own shifted copies without asking the network again: a map
that isn't better than they are doesn't know where anything is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import fill
from seethrough.graph.run import Run
from seethrough.trust.covered import Told, answers, from_occlusion, halves, patches
from seethrough.trust.maps import Case, Grid, is_flat
from seethrough.trust.nulls import NULLS, null_maps

STEPS = 8
"""Steps of a curve."""

SHARES = tuple((k / STEPS) ** 2 for k in range(STEPS + 1))
"""Which share of the cells each step has reached; denser where a map says it matters most."""

FILLS = ("mean", "blur")

MOVES = 1e-6
"""An answer that moves by less than this part of its own size whatever is covered doesn't move."""


@dataclass(frozen=True, eq=False)
class Curves:
    """How the answer rises and falls, for some maps of some images.

    ``insertion`` and ``deletion`` are the target's value, float64 (fills, maps, N, steps + 1), the first before
    anything is done; ``shares`` says how much of the picture each step has reached.
    """

    insertion: np.ndarray
    deletion: np.ndarray
    shares: tuple[float, ...]

    def areas(self) -> tuple[np.ndarray, np.ndarray]:
        """Area under each curve, (fills, maps, N), in units of the target."""
        return np.trapezoid(self.insertion, self.shares), np.trapezoid(self.deletion, self.shares)

    def relative(self) -> tuple[np.ndarray, np.ndarray]:
        """The same areas on a scale from the lowest to the highest answer that any curve of an image and fill came by, 0…1;
        NaN where the answer never moved.
        """
        both = np.concatenate([self.insertion, self.deletion], 1)
        low, high = both.min((1, 3))[:, None], both.max((1, 3))[:, None]
        reach = np.where(high - low > MOVES * np.abs(both).max((1, 3))[:, None], high - low, np.nan)
        return tuple((area - low) / reach for area in self.areas())  # type: ignore[return-value]


def curves(
    run: Run,
    grid: Grid,
    maps: np.ndarray,
    covers: Sequence[Tensor],
    shares: Sequence[float] = SHARES,
    progress: Told = None,
) -> Curves:
    """Insertion and deletion for each map.

    Parameters
    ----------
    maps
        (maps, N, cells): the larger, the earlier; ties in reading order.
    covers
        What stands where nothing is seen.
    shares
        Of the cells that each step has reached, from 0 to 1; the first and the last are asked once for all maps.
    """
    number, images, cells = maps.shape
    place = np.argsort(np.argsort(-maps, axis=-1, kind="stable"), axis=-1)
    reached = [round(share * cells) for share in shares]
    first = (
        np.stack([place < count for count in reached[1:-1]]) if len(reached) > 2 else np.zeros((0, *maps.shape), bool)
    )
    seen = torch.from_numpy(np.concatenate([first, ~first]).reshape(-1, images, cells))
    whole = run.scores.double().cpu().numpy()
    insertion, deletion = [], []
    for k, cover in enumerate(covers):
        told = _part(progress, k, len(covers))
        empty = answers(run, grid, torch.zeros(1, 1, cells, dtype=torch.bool), cover)[0]
        scores = answers(run, grid, seen, cover, told).reshape(2, len(first), number, images)
        ends = [np.broadcast_to(end, (1, number, images)) for end in (empty, whole)]
        insertion.append(np.concatenate([ends[0], scores[0], ends[1]]).transpose(1, 2, 0))
        deletion.append(np.concatenate([ends[1], scores[1], ends[0]]).transpose(1, 2, 0))
    return Curves(np.stack(insertion), np.stack(deletion), tuple(count / cells for count in reached))


@dataclass(frozen=True, eq=False)
class Drops:
    """What covering some cells costs: ``covered`` is bool (T, cells), ``drop`` the target's loss, float64 (T, N)."""

    covered: np.ndarray
    drop: np.ndarray

    def correlation(self, maps: np.ndarray, image: int, unsigned: bool) -> np.ndarray:
        """Pearson's correlation of what maps (…, cells) say of the covered cells with what covering them costs one image;
        0 where either doesn't vary.
        """
        drop = self.drop[:, image]
        return _correlated(maps @ self.covered.T.astype(float), np.abs(drop) if unsigned else drop)

    def moves(self, image: int, size: float) -> bool:
        """Whether covering changes an answer of this size at all."""
        drop = self.drop[:, image]
        return bool(drop.max() - drop.min() > MOVES * max(size, float(np.abs(drop).max())))


def drops(run: Run, grid: Grid, seed: int = 0, progress: Told = None) -> tuple[Drops, Drops]:
    """What covering costs, under the mean colour: each block alone, and halves of the picture. Asked once a run, and the
    blocks not at all where an occlusion did.
    """

    def made() -> tuple[Drops, Drops]:
        alone, half, known = patches(grid), halves(grid, seed), from_occlusion(run, grid, "mean")
        cover, whole = fill(run, "mean"), run.scores.double().cpu().numpy()
        parts = 1 if known is not None else 2
        scores = answers(run, grid, torch.from_numpy(~half)[:, None], cover, _part(progress, 0, parts))
        if known is None:
            known = answers(run, grid, torch.from_numpy(~alone)[:, None], cover, _part(progress, 1, parts))
        return Drops(alone, whole - known), Drops(half, whole - scores)

    return run.once(("trust drops", grid.rows, grid.columns, seed), made)


def faithfulness(
    run: Run, cases: Sequence[Case], *, seed: int = 0, progress: Told = None
) -> list[list[dict[str, float]]]:
    """The figures of each case and image.

    Returns
    -------
    By name, for each case and image:

    - ``faithfulness.insertion``, ``faithfulness.deletion``: areas under the curves, 0…1, mean of the fills;
    - ``faithfulness.gain``: their difference, −1…1; ``faithfulness.random``, ``….blurred``, ``….centre``, ``….edges``:
      the same for the null maps;
    - ``faithfulness.patches``: correlation of what the map says of covered places with what covering them costs, −1…1,
      mean over single blocks and half pictures; ``faithfulness.infidelity``: the share of that cost which the map leaves
      unexplained, ≥ 0 and 1 for a map that says nothing;
    - ``faithfulness.beaten``: the share of its own shifted and mirrored copies that the map beats in this, 0…1.

    What the answer doesn't depend on at all has no figures.
    """
    x = run.images
    grid = Grid.of(x.shape[2], x.shape[3])
    maps = np.stack([grid.means(case.on_grid((x.shape[2], x.shape[3]))) for case in cases])
    nulls = grid.means(null_maps(x, seed)).transpose(1, 0, 2)
    covers = [fill(run, name) for name in FILLS]
    sound = np.where(np.isfinite(maps), maps, 0)
    insertion, deletion = (
        a.mean(0) for a in curves(run, grid, np.concatenate([sound, nulls]), covers, progress=progress).relative()
    )
    gain = insertion - deletion
    alone, half = drops(run, grid, seed, progress)
    sizes = run.scores.double().abs().cpu().numpy()
    found: list[list[dict[str, float]]] = []
    for c, case in enumerate(cases):
        found.append([])
        for i in range(len(x)):
            figures: dict[str, float] = {}
            found[c].append(figures)
            if not np.isfinite(maps[c, i]).all() or is_flat(maps[c, i]):
                continue
            if np.isfinite(gain[c, i]):
                figures |= {
                    "faithfulness.insertion": float(insertion[c, i]),
                    "faithfulness.deletion": float(deletion[c, i]),
                    "faithfulness.gain": float(gain[c, i]),
                    **{f"faithfulness.{name}": float(gain[len(cases) + k, i]) for k, name in enumerate(NULLS)},
                }
            if half.moves(i, sizes[i]):
                figures |= _sizes(alone, half, maps[c, i], i, case.unsigned, grid)
    return found


def _sizes(alone: Drops, half: Drops, m: np.ndarray, image: int, unsigned: bool, grid: Grid) -> dict[str, float]:
    """How well the numbers of one map tell what covering costs, and which of its shifted copies do it as well."""
    copies = shifted(m.reshape(grid.rows, grid.columns))
    each = [part.correlation(np.concatenate([m[None], copies]), image, unsigned) for part in (alone, half)]
    score = (each[0] + each[1]) / 2
    return {
        "faithfulness.patches": float(score[0]),
        "faithfulness.infidelity": _unexplained((alone, half), m, image, unsigned),
        "faithfulness.beaten": float((score[1:] < score[0] - 1e-9).mean()),
    }


def _unexplained(parts: Sequence[Drops], m: np.ndarray, image: int, unsigned: bool) -> float:
    """Infidelity of the map scaled as suits it best, as a share of that of the map of zeros (Yeh et al., 2019)."""
    drop = np.concatenate([part.drop[:, image] for part in parts])
    drop = np.abs(drop) if unsigned else drop
    said = np.concatenate([part.covered @ m for part in parts])
    return float(1 - (said @ drop) ** 2 / max((said @ said) * (drop @ drop), 1e-300))


def shifted(m: np.ndarray) -> np.ndarray:
    """All copies of a map (rows, columns) that are shifted around the edges and perhaps mirrored, without itself,
    (copies, cells). They are as smooth and as peaked as the map is, and know nothing of the picture.
    """
    rows, columns = m.shape
    mirrored = (m, m[::-1], m[:, ::-1], m[::-1, ::-1])
    every = [np.roll(one, (r, c), (0, 1)).ravel() for one in mirrored for r in range(rows) for c in range(columns)]
    return np.stack(every[1:])


def _correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's correlation along the last axis; 0 where either doesn't vary."""
    a, b = a - a.mean(-1, keepdims=True), b - b.mean()
    length = np.sqrt((a**2).sum(-1)) * np.sqrt((b**2).sum())
    return np.divide(a @ b, length, out=np.zeros(a.shape[:-1]), where=length > 1e-12 * np.abs(a).max(initial=1e-300))


def _part(progress: Told, part: int, parts: int) -> Told:
    return None if progress is None else lambda done, total: progress(part * total + done, parts * total)


def against(figures: Mapping[str, float]) -> tuple[str, float] | None:
    """The null map that comes nearest to a map, or beats it, and by how much the map's gain exceeds it, in parts of what
    is left to 1; None where there are no curves.
    """
    if "faithfulness.gain" not in figures:
        return None
    name = max(NULLS, key=lambda null: figures[f"faithfulness.{null}"])
    best = figures[f"faithfulness.{name}"]
    return name, (figures["faithfulness.gain"] - best) / max(1 - best, 1e-9)
