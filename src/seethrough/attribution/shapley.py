"""Shapley values: what each segment adds to the answer, averaged over the orders in which segments may appear.

Throughout, ``v(S)`` is the target's value at the picture of which the segments S are left and all others covered, and d
the number of segments. The values of all segments add up to ``v(all) − v(none)``: efficiency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.masked import Progress, nothing, of_coalitions
from seethrough.attribution.method import Dial, Facts, Needs, Outcome, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.attribution.segments import CELLS, Wanted, count_of, segments_of
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

MOST_ENUMERATED = 20
"""Segments of which all coalitions may be listed."""


@method(
    family=PERTURBATION,
    cost="1 forward a coalition",
    good_for="fair shares of the answer among segments, which add up",
    source="Lundberg & Lee, 2017; paired sampling: Covert & Lee, 2021",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(_kernel_asks(_parts(settings, facts), settings["samples"]) + 1, 0),
    dial=Dial("samples", (250, 500, 1000, 2000, 4000)),
    black_box=True,
)
def kernel_shap(
    run: Run,
    *,
    samples: int = 1000,
    segments: Wanted = "grid",
    cells: int | Sequence[int] = CELLS,
    seed: int = 0,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """Kernel SHAP: Shapley values as the weighted least squares ``min Σ π(S) (v(S) − v(none) − Σ_{i∈S} φ_i)²`` under
    ``Σ φ = v(all) − v(none)``, with ``π(S) = (d − 1) / (C(d, |S|) |S| (d − |S|))`` (Lundberg & Lee, 2017, theorem 2).

    Coalitions of the sizes that weigh most are all asked where the budget allows, the others are drawn by their weight,
    each together with what it leaves out. Where all coalitions fit, the values are exact.

    Parameters
    ----------
    samples
        Coalitions that are asked at most, ≥ 2.
    segments, cells
        As for `feature_ablation`.
    seed
        Of the coalitions, which are the same for all pictures with as many segments.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: each place has its segment's value. That the segments' values add
    up is reported as ``efficiency``.
    """
    if samples < 2:
        raise UsageError(f"kernel_shap needs samples ≥ 2, not {samples}.")
    parts = segments_of(run, segments, cells)
    designs = {d: kernel_design(d, samples, seed) for d in set(parts.counts)}
    whole = all(_lists_all(d, samples) for d in designs)
    key = "all" if whole else ("kernel", samples, seed)
    found = of_coalitions(run, parts, lambda d: designs[d][0], fill, key, progress)
    none = nothing(run, fill).double()
    values = []
    for i, (left, answers) in enumerate(found):
        weights = designs[parts.counts[i]][1].to(answers)
        values.append(constrained(left, answers - none[i], weights, run.scores[i].double() - none[i]))
    return _outcome(run, parts.painted, values, none, len(found[0][0]), all_asked=whole)


@method(
    family=PERTURBATION,
    cost="1 forward a segment and order",
    good_for="fair shares of the answer among segments, without a regression",
    source="Castro, Gómez & Tejada, 2009; Štrumbelj & Kononenko, 2010; antithetic: Mitchell et al., 2022",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(_sampling_asks(_parts(settings, facts), settings["samples"]) + 1, 0),
    dial=Dial("samples", (4, 8, 16, 32, 64)),
    black_box=True,
)
def shapley_sampling(
    run: Run,
    *,
    samples: int = 20,
    segments: Wanted = "grid",
    cells: int | Sequence[int] = CELLS,
    seed: int = 0,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """Shapley values by orders: ``φ_i = mean over orders of v(before i and i) − v(before i)`` (Castro, Gómez & Tejada,
    2009, section 3), every order followed by the same backwards.

    Parameters
    ----------
    samples
        Orders, ≥ 1, of which each costs a forward less than there are segments. Where all coalitions cost no more, they
        are asked instead, and the values are exact.
    segments, cells, seed, fill
        As for `kernel_shap`.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: each place has its segment's value. That the segments' values add
    up is reported as ``efficiency``; how much of their variation is chance, as ``sampling_error``.
    """
    if samples < 1:
        raise UsageError(f"shapley_sampling needs samples ≥ 1, not {samples}.")
    parts = segments_of(run, segments, cells)
    whole = all(_lists_all(d, samples * (d - 1)) for d in set(parts.counts))
    none = nothing(run, fill).double()
    if whole:
        found = of_coalitions(run, parts, every_coalition, fill, "all", progress)
        values = [exact(answers, none[i], run.scores[i].double()) for i, (_, answers) in enumerate(found)]
        return _outcome(run, parts.painted, values, none, len(found[0][0]), all_asked=True)

    orders = {d: _orders(d, samples, seed) for d in set(parts.counts)}
    found = of_coalitions(run, parts, lambda d: _beginnings(orders[d]), fill, ("orders", samples, seed), progress)
    values, chance = [], []
    for i, (_, answers) in enumerate(found):
        order = orders[parts.counts[i]].to(answers.device)
        ends = [at.to(answers).expand(samples, 1) for at in (none[i], run.scores[i])]
        steps = torch.cat([ends[0], answers.reshape(samples, -1), ends[1]], 1).diff(dim=1)
        each = torch.zeros_like(steps).scatter_(1, order, steps)
        values.append(each.mean(0))
        chance.append(_chance(each))
    outcome = _outcome(run, parts.painted, values, none, len(found[0][0]))
    if samples < 4:
        return outcome
    return Outcome(outcome.values, {**outcome.checks, "sampling_error": {"share": chance, "samples": samples}})


def _outcome(
    run: Run,
    painted: Callable[[Sequence[Tensor]], Tensor],
    values: Sequence[Tensor],
    none: Tensor,
    asked: int,
    *,
    all_asked: bool = False,
) -> Outcome:
    """The map, with whether it adds up."""
    checks = {"efficiency": efficiency(values, run.scores.double() - none, asked)}
    if all_asked:
        checks["all_coalitions"] = {"count": asked + 2}
    return Outcome(painted([v.to(run.scores) for v in values]), checks)


def efficiency(values: Sequence[Tensor], rise: Tensor, asked: int) -> Mapping[str, Any]:
    """What the segments' values add up to beside what they should."""
    sums = torch.stack([v.sum() for v in values])
    gaps = ((sums - rise).abs() / rise.abs().clamp(min=1e-6)).tolist()
    return {"sum": sums.tolist(), "rise": rise.tolist(), "gap": max(gaps), "gaps": gaps, "asked": asked}


# --- exactly ----------------------------------------------------------------------------------------------------------


def every_coalition(d: int) -> Tensor:
    """All but none and all of them, (2^d − 2, d), bool, counted in binary: segment i stands for 2^i."""
    numbers = torch.arange(1, 2**d - 1)
    return (numbers[:, None] >> torch.arange(d)) & 1 == 1


def exact(answers: Tensor, none: Tensor, whole: Tensor) -> Tensor:
    """``φ_i = Σ_S |S|! (d − |S| − 1)! / d! · (v(S ∪ i) − v(S))`` from the answers to `every_coalition`."""
    v = torch.cat([none[None], answers, whole[None]])
    d = len(v).bit_length() - 1
    numbers = torch.arange(len(v), device=v.device)
    sizes = ((numbers[:, None] >> torch.arange(d, device=v.device)) & 1).sum(1)
    weights = torch.tensor([1 / (d * comb(d - 1, s)) for s in range(d)], dtype=torch.float64).to(v)
    values = []
    for i in range(d):
        without = numbers[(numbers >> i) & 1 == 0]
        values.append((weights[sizes[without]] * (v[without | 1 << i] - v[without])).sum())
    return torch.stack(values)


# --- by weighted least squares ----------------------------------------------------------------------------------------


def kernel_design(d: int, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """At most so many coalitions, (K, d), bool, and what each counts for, (K,)."""
    if _lists_all(d, samples):
        coalitions = every_coalition(d)
        each = [0.0, *[(d - 1) / (comb(d, s) * s * (d - s)) for s in range(1, d)], 0.0]
        return coalitions, torch.tensor(each, dtype=torch.float64)[coalitions.sum(1)]
    rows, weights, left = [], [], samples
    total = {s: (d - 1) / (s * (d - s)) * (1 if 2 * s == d else 2) for s in range(1, d // 2 + 1)}  # of s and d − s
    for size in list(total):
        count = comb(d, size) * (1 if 2 * size == d else 2)
        if left * total[size] / sum(total.values()) < count:
            break
        some = torch.zeros(comb(d, size), d, dtype=torch.bool)
        some.scatter_(1, torch.tensor(list(combinations(range(d), size))), True)
        rows.append(some if 2 * size == d else torch.cat([some, ~some]))
        weights.append(torch.full((count,), total.pop(size) / count, dtype=torch.float64))
        left -= count
    drawn = left // 2
    if total and drawn:
        chance = torch.Generator().manual_seed(seed)
        sizes = torch.tensor(list(total))[
            torch.multinomial(torch.tensor(list(total.values())), drawn, replacement=True, generator=chance)
        ]
        ranks = torch.rand(drawn, d, generator=chance, dtype=torch.float64).argsort(1).argsort(1)
        some = ranks < sizes[:, None]
        rows.append(torch.stack([some, ~some], 1).flatten(0, 1))
        weights.append(torch.full((2 * drawn,), sum(total.values()) / (2 * drawn), dtype=torch.float64))
    return torch.cat(rows), torch.cat(weights)


def constrained(z: Tensor, y: Tensor, weights: Tensor, total: Tensor) -> Tensor:
    """``min Σ weight (y − z·φ)²`` under ``Σ φ = total``: the φ of its Lagrangian's linear system."""
    d = z.shape[1]
    scale = weights / weights.sum().clamp(min=1e-300)
    system = torch.zeros(d + 1, d + 1).to(z)
    system[:d, :d], system[:d, d], system[d, :d] = z.T @ (scale[:, None] * z), 1, 1
    right = torch.cat([z.T @ (scale * y), total[None]])
    values = (torch.linalg.pinv(system, hermitian=True) @ right)[:d]
    return values + (total - values.sum()) / d


# --- by orders --------------------------------------------------------------------------------------------------------


def _orders(d: int, samples: int, seed: int) -> Tensor:
    """(samples, d): every second one is that before it backwards."""
    chance = torch.Generator().manual_seed(seed)
    half = torch.rand((samples + 1) // 2, d, generator=chance, dtype=torch.float64).argsort(1)
    return torch.stack([half, half.flip(1)], 1).flatten(0, 1)[:samples]


def _beginnings(orders: Tensor) -> Tensor:
    """The first 1, 2, … d − 1 segments of each order, (samples · (d − 1), d), bool."""
    d = orders.shape[1]
    ranks = orders.argsort(1)
    return (ranks[:, None] < torch.arange(1, d)[:, None]).flatten(0, 1)


def _chance(each: Tensor) -> float:
    """Standard error of the mean of pairs of orders over the spread of the values, both as root mean squares."""
    pairs = each[: len(each) // 2 * 2].unflatten(0, (-1, 2)).mean(1)
    if len(pairs) < 2:
        return 0.0
    error = (pairs.var(0) / len(pairs)).mean().sqrt()
    return float(error / pairs.mean(0).std(correction=0).clamp(min=1e-12))


# --- what it costs ----------------------------------------------------------------------------------------------------


def _lists_all(d: int, budget: int) -> bool:
    return d <= MOST_ENUMERATED and 2**d - 2 <= budget


def _parts(settings: Mapping[str, Any], facts: Facts) -> int:
    return count_of(settings["segments"], settings["cells"], (facts.height, facts.width))


def _kernel_asks(d: int, samples: int) -> int:
    return len(kernel_design(d, samples, 0)[0])


def _sampling_asks(d: int, samples: int) -> int:
    return 2**d - 2 if _lists_all(d, samples * (d - 1)) else samples * (d - 1)
