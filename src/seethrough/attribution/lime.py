"""LIME: a linear model of the answer in the neighbourhood of one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.masked import Progress, of_coalitions
from seethrough.attribution.masks import chances
from seethrough.attribution.method import Dial, Needs, Outcome, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.attribution.segments import CELLS, Wanted, segments_of
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

PENALTIES = {"ridge": 1.0, "lasso": 0.1}
"""Of each regression, where nobody says how much."""

SWEEPS, CLOSE = 1000, 1e-9


@method(
    family=PERTURBATION,
    cost="1 forward a sample",
    good_for="which segments speak for the answer when many others are covered too",
    source="Ribeiro, Singh & Guestrin, 2016",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, _: Passes(settings["samples"], 0),
    dial=Dial("samples", (250, 500, 1000, 2000, 4000)),
    black_box=True,
)
def lime(
    run: Run,
    *,
    samples: int = 1000,
    segments: Wanted = "grid",
    cells: int | Sequence[int] = CELLS,
    width: float = 0.25,
    regression: str = "ridge",
    penalty: float | None = None,
    seed: int = 0,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """LIME: the slopes of ``min Σ π(z) (f(z) − β₀ − β·z)² + penalty(β)`` over random coalitions z of segments, each of
    which is left with chance ½; ``π(z) = exp(−D²/width²)``, D the cosine distance of z from the whole picture (Ribeiro,
    Singh & Guestrin, 2016, eq. 2 and section 3.4).

    Parameters
    ----------
    samples
        Coalitions, ≥ 2, beside the whole picture.
    segments, cells
        As for `feature_ablation`.
    width
        Of the kernel, > 0: how far the neighbourhood reaches.
    regression
        ``"ridge"`` or ``"lasso"``.
    penalty
        Ridge: what |β|² counts for beside the weighted squares; None: 1, as in the authors' program. Lasso: a part of
        the penalty at which all slopes are 0, from 0 to 1; None: 0.1.
    seed
        Of the coalitions, which are the same for all pictures with as many segments.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: each place has its segment's slope. How much of the answers'
    variance the linear model explains is reported as ``linear_fit``.
    """
    penalty = PENALTIES.get(regression) if penalty is None else penalty
    if samples < 2 or width <= 0:
        raise UsageError(f"lime needs samples ≥ 2 and width > 0, not samples={samples}, width={width}.")
    if penalty is None or regression not in PENALTIES:
        raise UsageError(f"lime's regression is one of {', '.join(PENALTIES)}, not {regression!r}.")
    if penalty < 0 or (regression == "lasso" and penalty > 1):
        raise UsageError(f"lime's penalty is at least 0, with lasso at most 1, not {penalty}.")
    parts = segments_of(run, segments, cells)
    found = of_coalitions(run, parts, lambda n: halves(n, samples, seed), fill, ("halves", samples, seed), progress)
    slopes, explained = [], []
    for i, (left, answers) in enumerate(found):
        z = torch.cat([torch.ones_like(left[:1]), left])
        y = torch.cat([run.scores[i : i + 1].to(answers), answers])
        distance = 1 - (z.mean(1)).sqrt()
        weights = torch.exp(-(distance**2) / width**2)
        beta, fit = regressed(z, y, weights, regression, penalty)
        slopes.append(beta.to(run.scores))
        explained.append(fit)
    return Outcome(parts.painted(slopes), {"linear_fit": {"share": explained, "samples": samples}})


def halves(segments: int, samples: int, seed: int) -> Tensor:
    """Random coalitions, (samples, segments), in which each segment is with chance ½."""
    return chances(samples, segments, "random", seed) < 0.5


def regressed(z: Tensor, y: Tensor, weights: Tensor, regression: str, penalty: float) -> tuple[Tensor, float]:
    """The slopes of a weighted linear regression with a free intercept, and the share of the variance it explains."""
    share, y = weights / weights.sum(), y - y[0]  # so that answers that are all the same are 0, and not nearly so
    z, y = z - share @ z, y - share @ y
    square, slope = z.T @ (weights[:, None] * z), z.T @ (weights * y)
    if regression == "ridge":
        beta = torch.linalg.lstsq(square + penalty * torch.eye(len(square)).to(square), slope[:, None]).solution[:, 0]
    else:
        beta = _lasso(square, slope, penalty * slope.abs().max())
    left, all_ = share @ (y - z @ beta) ** 2, share @ y**2
    return beta, float(1 - left / all_) if all_ > 0 else 0.0


def _lasso(square: Tensor, slope: Tensor, penalty: Tensor) -> Tensor:
    """Coordinate descent on ``½ βᵀ square β − slope·β + penalty |β|₁``."""
    gram, lack, least = square.cpu().numpy(), slope.cpu().numpy().copy(), float(penalty)
    beta = np.zeros_like(lack)
    for _ in range(SWEEPS):
        largest = 0.0
        for j in range(len(beta)):
            own = gram[j, j]
            free = lack[j] + own * beta[j]
            change = (np.sign(free) * max(abs(free) - least, 0) / own if own > 0 else 0.0) - beta[j]
            if change:
                lack -= gram[j] * change
                beta[j] += change
                largest = max(largest, abs(change))
        if largest <= CLOSE * np.abs(beta).max():
            break
    return torch.from_numpy(beta).to(slope)
