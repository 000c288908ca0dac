"""Axioms: what a map would have to fulfil if it is to be taken at its word."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.attribution.reach import of_coalitions
from seethrough.errors import UsageError
from seethrough.evaluation.masked import checked, scores_with
from seethrough.evaluation.metric import Reads, metric
from seethrough.evaluation.shifted import shifted
from seethrough.graph.run import Run

FAMILY = "axiomatic"


@metric(
    family=FAMILY, reads=Reads.NETWORK, better="lower", source="Sundararajan, Taly & Yan, 2017", measures=("target",)
)
def completeness(run: Run, values: Tensor, *, fill: Fill = "black") -> Tensor:
    """Completeness: what is missing when a map is added up, ``|Σ a − (f(x) − f(x′))| / |f(x) − f(x′)|`` (Sundararajan,
    Taly & Yan, 2017, section 3).

    Parameters
    ----------
    fill
        x′, as for `occlusion`: the baseline that the map was made with.

    Returns
    -------
    Tensor, (N,), ≥ 0: 0 where it adds up. NaN where the target doesn't rise at all.
    """
    x = run.images
    rise = run.scores.double() - run.score(fills.fill(run, fill).expand_as(x).contiguous()).double()
    gap = (checked(run, values).double().sum((1, 2, 3)) - rise).abs()
    return torch.where(rise != 0, gap / rise.abs(), torch.nan)


@metric(family=FAMILY, reads=Reads.NETWORK, better="lower", source="Nguyen & Martínez, 2020")
def non_sensitivity(
    run: Run, values: Tensor, *, patch: int | None = None, least: float = 1e-5, fill: Fill = "mean"
) -> Tensor:
    """Non-sensitivity: the share of features which the map names although the answer doesn't change without them, or
    passes over although it does (Nguyen & Martínez, 2020, section 3.2).

    Parameters
    ----------
    patch
        Features are squares of so many pixels; None: a fourteenth of the shorter side.
    least
        What counts as no value, of the largest |value|, and as no change, of the target's value.
    fill
        What takes their place, as for `occlusion`.

    Returns
    -------
    Tensor, (N,), 0…1.
    """
    a = checked(run, values)
    side = max(1, min(a.shape[2:]) // 14) if patch is None else patch
    if side < 1:
        raise UsageError(f"non_sensitivity needs patch ≥ 1, not {patch}.")
    named, changed = named_and_changed(run, a, side, least, fill)
    return (named != changed).double().mean(1)


def named_and_changed(run: Run, values: Tensor, side: int, least: float, empty: Fill) -> tuple[Tensor, Tensor]:
    """For each square of pixels whether the map names it, and whether the answer changes without it; bool (N,
    squares).
    """
    a, x = checked(run, values).abs().amax(1), run.images
    rows, columns = (torch.arange(n, device=x.device) // side for n in x.shape[2:])
    numbers = rows[:, None] * (int(columns[-1]) + 1) + columns
    many = int(numbers.max()) + 1
    largest = a.new_zeros(len(a), many).scatter_reduce_(1, numbers.flatten().expand(len(a), -1), a.flatten(1), "amax")
    whole = run.scores.double()
    bare = fills.fill(run, empty).expand_as(x)
    each = ~torch.eye(many, dtype=torch.bool, device=x.device)[:, None]
    reach = partial(of_coalitions, numbers[None], each)
    without = scores_with(run, lambda k: (numbers == k)[None, None], many, x, bare, reach)
    changed = (without - whole).abs() > least * whole.abs().clamp(min=least)
    return largest > least * a.amax((1, 2)).clamp(min=least)[:, None], changed.T


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Kindermans et al., 2019")
def input_invariance(run: Run, values: Tensor, ask: Callable[[Run], Tensor], *, shift: float = 1.0) -> Tensor:
    """Input invariance: how much the map changes when a constant is added to the picture and the network takes it off
    again, so that its answers stay (Kindermans et al., The (un)reliability of saliency methods, 2019, section 2).

    Parameters
    ----------
    shift
        The constant, in the network's units.

    Returns
    -------
    Tensor, (N,), ≥ 0: ``‖a′ − a‖ / ‖a‖``, 0 for a map that doesn't change. NaN for a flat map.
    """
    moved = run.at(run.images + shift).on(shifted(run.graph, shift))
    a, b = (t.detach().double().flatten(1) for t in (values, ask(moved)))
    return (a - b).norm(dim=1) / a.norm(dim=1)
