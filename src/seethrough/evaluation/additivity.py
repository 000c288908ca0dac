"""Faithfulness by adding up: whether what a map says of some places together is what the answer loses without them.

Throughout ``x`` are the run's images, ``x̃`` the same with some features replaced, ``a`` the map's values (N, 1 or C, H,
W), ``f`` the target's value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.attribution.reach import of_masks
from seethrough.errors import UsageError
from seethrough.evaluation.masked import checked, counts, ranks, refuse_few, scores_with
from seethrough.evaluation.metric import Reads, metric
from seethrough.graph.run import Run

FAMILY = "faithfulness"
GRID = 14
"""Cells along the shorter side of a picture, where features are taken together."""


@metric(family=FAMILY, reads=Reads.NETWORK, better="higher", source="Bhatt, Weller & Moura, 2020")
def faithfulness_correlation(
    run: Run, values: Tensor, *, runs: int = 100, share: float = 0.1, fill: Fill = "mean", seed: int = 0
) -> Tensor:
    """Faithfulness correlation: over random sets S of features, the correlation of ``Σ_S a`` and ``f(x) − f(x̃_S)`` (Bhatt,
    Weller & Moura, 2020, definition 4); μFidelity where the sets are of squares.

    Parameters
    ----------
    runs
        How many sets, ≥ 2; the same for every picture.
    share
        Of the cells of a grid that are in a set, 0…1.
    fill
        What takes their place, as for `occlusion`.
    seed
        Of the sets.

    Returns
    -------
    Tensor, (N,), −1…1; NaN for a flat map, and where nothing changes the answer.
    """
    if not 0 < share < 1 or runs < 2:
        raise UsageError(f"faithfulness_correlation needs 0 < share < 1 and runs ≥ 2, not share={share}, runs={runs}.")
    a = checked(run, values)
    cells = cell_numbers(a.shape[2], a.shape[3], a.device)
    many = int(cells.max()) + 1
    chance = torch.Generator().manual_seed(seed)
    size = max(1, round(share * many))
    chosen = torch.zeros(runs, many, dtype=torch.bool)
    for row in chosen:
        row[torch.randperm(many, generator=chance)[:size]] = True
    return sum_correlation(run, a, chosen.to(a.device)[:, cells][:, None, None], fill)


def sum_correlation(run: Run, values: Tensor, sets: Tensor, empty: Fill) -> Tensor:
    """Over sets of features, bool (sets, 1 or N, 1 or C, H, W), the correlation of Σ a and of the drop: (N,)."""
    a = checked(run, values).double()
    sums = torch.stack([torch.where(s, a, 0).sum((1, 2, 3)) for s in sets])
    return correlation(sums, _drops(run, sets, empty))


def _drops(run: Run, sets: Tensor, empty: Fill) -> Tensor:
    """f(x) − f(x̃) for each set of features, (sets, N)."""
    x = run.images
    bare = fills.fill(run, empty).expand_as(x)
    reach = None if sets.shape[2] > 1 else lambda: of_masks(~sets[:, :, 0])
    return run.scores.double() - scores_with(run, lambda k: sets[k], len(sets), x, bare, reach)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's, of each column of ``a`` (K, N) with that of ``b``: (N,); NaN where one doesn't vary."""
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0))


def cell_numbers(height: int, width: int, device: torch.device, grid: int = GRID) -> Tensor:
    """The number of the cell that each place is in, where the shorter side has at most ``grid`` of them: (H, W)."""
    side = max(1, math.ceil(min(height, width) / grid))
    rows, columns = torch.arange(height, device=device) // side, torch.arange(width, device=device) // side
    return rows[:, None] * (int(columns[-1]) + 1) + columns


@metric(family=FAMILY, reads=Reads.NETWORK, better="higher", source="Ancona, Ceolini, Öztireli & Gross, 2018")
def sensitivity_n(
    run: Run,
    values: Tensor,
    *,
    shares: Sequence[float] = (0.01, 0.05, 0.1, 0.2, 0.4, 0.8),
    runs: int = 20,
    fill: Fill = "mean",
    seed: int = 0,
) -> Tensor:
    """Sensitivity-n: faithfulness correlation over sets of n features, the mean over n (Ancona et al., 2018, definition
    and section 3).

    Parameters
    ----------
    shares
        Of the cells of a grid, how many are n, each 0…1.
    runs
        How many sets for each n, ≥ 2.
    fill, seed
        As for `faithfulness_correlation`.

    Returns
    -------
    Tensor, (N,), −1…1.
    """
    each = [
        faithfulness_correlation(run, values, runs=runs, share=share, fill=fill, seed=seed + k)
        for k, share in enumerate(shares)
    ]
    return torch.stack(each).nanmean(0)


@metric(
    family=FAMILY,
    reads=Reads.NETWORK,
    better="lower",
    source="Yeh, Hsieh, Suggala, Inouye & Ravikumar, 2019",
    measures=("target", "slope"),
)
def infidelity(
    run: Run,
    values: Tensor,
    *,
    patch: int | None = None,
    fill: Fill = "mean",
    scaled: bool = True,
    slopes: bool = False,
) -> Tensor:
    """Infidelity: the mean square of what a map says that a square's removal costs, less what it costs, ``(I·a − (f(x) −
    f(x̃)))²`` (Yeh et al., 2019, definition 2.1), over the mean square of the cost.

    Parameters
    ----------
    patch
        Side of a square in pixels; None: a seventh of the shorter side.
    fill
        What takes its place, as for `occlusion`.
    scaled
        Multiply each picture's map by the number that fits best (their section 4.2), so that units don't matter.
    slopes
        The values are slopes: a square's removal then costs ``Σ (x − x̃) · a``, else ``Σ a``.

    Returns
    -------
    Tensor, (N,): 0 where the map tells every cost, 1 what a map of zeros has (its largest value where it is scaled).
    """
    a = checked(run, values)
    side = max(1, min(a.shape[2:]) // 7) if patch is None else patch
    refuse_few("infidelity", patch=side)
    rows, columns = (torch.arange(n, device=a.device) // side for n in a.shape[2:])
    numbers = rows[:, None] * (int(columns[-1]) + 1) + columns
    sets = (numbers == torch.arange(int(numbers.max()) + 1, device=a.device)[:, None, None])[:, None, None]
    said, cost = said_and_cost(run, a, sets, fill, slopes)
    if scaled:
        said = said * torch.nan_to_num((said * cost).sum(0) / (said**2).sum(0))
    return ((said - cost) ** 2).mean(0) / (cost**2).mean(0)


def said_and_cost(run: Run, values: Tensor, sets: Tensor, empty: Fill, slopes: bool) -> tuple[Tensor, Tensor]:
    """For sets of features, bool (sets, 1 or N, 1 or C, H, W): what the map says their removal costs, and what it does;
    both (sets, N).
    """
    x = run.images
    a = checked(run, values).double()
    if slopes:
        a = (x - fills.fill(run, empty).expand_as(x)).double() * a
    said = torch.stack([torch.where(s, a, 0).sum((1, 2, 3)) for s in sets])
    return said, _drops(run, sets, empty)


@metric(family=FAMILY, reads=Reads.NETWORK, better="higher", source="Luss et al., 2021")
def monotonicity(run: Run, values: Tensor, *, steps: int = 32, fill: Fill = "mean") -> Tensor:
    """Monotonicity: on a picture without evidence the places come back, that with the smallest |value| first; at how many
    of the steps the answer doesn't fall (after Luss et al., 2021, section 5.2, and Arya et al., 2019, who ask whether it
    never does).

    Parameters
    ----------
    steps
        In how many equal steps, ≥ 1.
    fill
        What stands there before, as for `occlusion`.

    Returns
    -------
    Tensor, (N,), 0…1: 1 where it never falls.
    """
    refuse_few("monotonicity", steps=steps)
    a, x = checked(run, values), run.images
    at, order = counts(a[0].numel(), steps), ranks(a.abs(), largest_first=False)
    found = scores_with(run, lambda k: order < at[k], len(at), fills.fill(run, fill).expand_as(x), x)
    return (found.diff(dim=0) >= 0).double().mean(0)
