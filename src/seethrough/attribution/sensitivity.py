"""Sensitivity analysis: how much of the answer's variation under random masks each cell accounts for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.lime import halves
from seethrough.attribution.masked import Progress, of_coalitions, scores
from seethrough.attribution.masks import chances, coalitions
from seethrough.attribution.method import Dial, Needs, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.attribution.segments import CELLS, count_of, segments_of
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    family=PERTURBATION,
    cost="n · (cells² + 2) forwards",
    good_for="which cells matter, alone or together with others",
    source="Fel, Cadène, Chalvidal, Cord, Vigouroux & Serre, 2021; Jansen, 1999",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, facts: Passes(
        settings["samples"] * (count_of("grid", settings["grid"], (facts.height, facts.width)) + 2), 0
    ),
    dial=Dial("samples", (8, 16, 32, 64)),
    black_box=True,
    measures="rank",
)
def sobol(
    run: Run,
    *,
    samples: int = 16,
    grid: int | Sequence[int] = 8,
    seed: int = 0,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Tensor:
    """Sobol' indices: the part of the answer's variance in which a cell has a hand, ``Σ (f(A) − f(C_i))² / 2n Var f``,
    where masks A and B are drawn by a scrambled Sobol' sequence and C_i is A with cell i from B (Fel et al., 2021,
    section 3.2, with Jansen's estimator of total indices, 1999).

    A cell of a mask goes evenly from 0 (covered) to 1 (left). Which way a cell moves the answer isn't said.

    Parameters
    ----------
    samples
        n, ≥ 2, best a power of two; the paper takes 32.
    grid
        Cells along a side, or (down, across); the paper takes 11.
    seed
        Of the masks, which are the same for every picture.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, without a unit: each place has its cell's share of the variance. Shares of cells that act
    together are counted in each, so that they may add up to more than 1.
    """
    if samples < 2:
        raise UsageError(f"sobol needs samples ≥ 2, not {samples}.")
    parts = segments_of(run, "grid", grid)
    d = parts.counts[0]
    kept = sobol_design(samples, d, seed).to(run.images.device)
    masks = coalitions(parts, kept, ("coalitions", parts.key, ("sobol", samples, seed)))
    indices = total_indices(scores(run, masks, fill, progress=progress).double(), samples)
    return parts.painted(list(indices.T.to(run.scores)))


def sobol_design(samples: int, d: int, seed: int) -> Tensor:
    """(n · (d + 2), d): the rows of A, those of B, and for each column A with that column from B."""
    a, b = chances(samples, 2 * d, "qmc", seed).split(d, 1)
    exchanged = torch.eye(d, dtype=torch.bool)[:, None]
    return torch.cat([a, b, torch.where(exchanged, b, a).flatten(0, 1)])


def total_indices(answers: Tensor, samples: int) -> Tensor:
    """Jansen's estimate, (d, N), from the answers to `sobol_design`, (n · (d + 2), N); 0 where nothing varies."""
    a, c = answers[:samples], answers[2 * samples :].unflatten(0, (-1, samples))
    variance = answers[: 2 * samples].var(0)
    return torch.where(variance > 0, (a - c).square().mean(1) / 2 / variance.clamp(min=1e-300), 0)


@method(
    family=PERTURBATION,
    cost="1 forward a sample",
    good_for="which cells the answer depends on in any way, from few samples",
    source="Novello, Fel & Vigouroux, 2022",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, _: Passes(settings["samples"], 0),
    dial=Dial("samples", (250, 500, 1000, 2000)),
    black_box=True,
    measures="rank",
)
def hsic(
    run: Run,
    *,
    samples: int = 1000,
    grid: int | Sequence[int] = CELLS,
    seed: int = 0,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Tensor:
    """HSIC: the dependence of the answer on whether a cell is covered, ``tr(K_i H L H) / (n − 1)²`` over random masks:
    ``K_i`` the kernel ½ where the cell is the same in both masks and −½ where it isn't, L a Gaussian kernel of the
    answers whose width is the median of their distances (Novello, Fel & Vigouroux, 2022, eq. 4 and section 3).

    Which way a cell moves the answer isn't said.

    Parameters
    ----------
    samples
        Masks, ≥ 3, in which each cell is left with chance ½: the same as those of `lime` with as many cells.
    grid
        Cells along a side, or (down, across).
    seed
        Of the masks, which are the same for every picture.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, without a unit: each place has its cell's dependence; about 1/n where there is none.
    """
    if samples < 3:
        raise UsageError(f"hsic needs samples ≥ 3, not {samples}.")
    parts = segments_of(run, "grid", grid)
    found = of_coalitions(run, parts, lambda d: halves(d, samples, seed), fill, ("halves", samples, seed), progress)
    return parts.painted([dependence(left, answers).to(run.scores) for left, answers in found])


def dependence(left: Tensor, answers: Tensor) -> Tensor:
    """HSIC of each column of ``left``, (n, d) of 0 and 1, with the answers, (n,): (d,), ≥ 0."""
    n = len(answers)
    apart = (answers[:, None] - answers).abs()
    width = apart[~torch.eye(n, dtype=torch.bool, device=apart.device)].median()
    if width == 0:
        width = apart.mean()
    if width == 0:
        return torch.zeros_like(left[0])
    kernel = torch.exp(-((apart / width) ** 2) / 2)
    centred = kernel - kernel.mean(0) - kernel.mean(1, keepdim=True) + kernel.mean()
    signs = 2 * left - 1  # the kernel of a cell is half the product of its signs
    return ((centred @ signs) * signs).sum(0) / 2 / (n - 1) ** 2
