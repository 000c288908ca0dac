"""Robustness: how much a map changes when the picture hardly does.

Throughout ``a`` is the map of a picture ``x``, ``a′`` that of ``x + δ`` for the same target; δ is drawn once for all pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.evaluation.masked import refuse_few
from seethrough.evaluation.metric import Reads, metric
from seethrough.graph.run import Run

FAMILY = "robustness"
Ask = Callable[[Run], Tensor]


@metric(
    family=FAMILY, reads=Reads.METHOD, better="lower", source="Yeh, Hsieh, Suggala, Inouye & Ravikumar, 2019"
)  # fmt: skip
def max_sensitivity(
    run: Run, values: Tensor, ask: Ask, *, samples: int = 10, radius: float = 0.02, seed: int = 0
) -> Tensor:
    """Max-sensitivity: the largest ``‖a′ − a‖ / ‖a‖`` near the picture (Yeh et al., 2019, definition 2.2, over the map's
    own size).

    Parameters
    ----------
    samples
        How many δ, ≥ 1.
    radius
        The most that any number of the picture changes, as a part of the picture's range.
    seed
        Of the δ.

    Returns
    -------
    Tensor, (N,), ≥ 0. NaN for a flat map.
    """
    changes = relative_changes(run, values, ask, _uniform("max_sensitivity", run, samples, radius, seed))
    return changes.amax(0)


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Bhatt, Weller & Moura, 2020")
def avg_sensitivity(
    run: Run, values: Tensor, ask: Ask, *, samples: int = 10, radius: float = 0.02, seed: int = 0
) -> Tensor:
    """Average sensitivity: the mean ``‖a′ − a‖ / ‖a‖`` near the picture (Bhatt, Weller & Moura, 2020, definition 2).

    Parameters
    ----------
    samples, radius, seed
        As for `max_sensitivity`.

    Returns
    -------
    Tensor, (N,), ≥ 0. NaN for a flat map.
    """
    changes = relative_changes(run, values, ask, _uniform("avg_sensitivity", run, samples, radius, seed))
    return changes.mean(0)


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Alvarez-Melis & Jaakkola, 2018")
def local_lipschitz(
    run: Run, values: Tensor, ask: Ask, *, samples: int = 10, radius: float = 0.02, seed: int = 0
) -> Tensor:
    """Local Lipschitz estimate: the largest ``‖a′ − a‖ / ‖δ‖`` near the picture (Alvarez-Melis & Jaakkola, 2018, eq. 4).

    Parameters
    ----------
    samples, radius, seed
        As for `max_sensitivity`.

    Returns
    -------
    Tensor, (N,), ≥ 0, in units of the map per unit of input.
    """
    return lipschitz(run, values, ask, _uniform("local_lipschitz", run, samples, radius, seed)).amax(0)


def relative_changes(run: Run, values: Tensor, ask: Ask, disturbances: Iterable[Tensor]) -> Tensor:
    """‖a′ − a‖ / ‖a‖ for each disturbance (N, C, H, W): (K, N)."""
    a = _flat(values)
    return torch.stack([(b - a).norm(dim=1) / a.norm(dim=1) for b, _ in _asked(run, ask, disturbances)])


def lipschitz(run: Run, values: Tensor, ask: Ask, disturbances: Iterable[Tensor]) -> Tensor:
    """‖a′ − a‖ / ‖δ‖ for each disturbance (N, C, H, W): (K, N)."""
    a = _flat(values)
    return torch.stack([(b - a).norm(dim=1) / _flat(d).norm(dim=1) for b, d in _asked(run, ask, disturbances)])


def _asked(run: Run, ask: Ask, disturbances: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    for disturbance in disturbances:
        moved = run.images + disturbance
        yield _flat(ask(run.at(moved))), moved - run.images


def _flat(values: Tensor) -> Tensor:
    return values.detach().double().flatten(1)


def _uniform(metric: str, run: Run, samples: int, radius: float, seed: int) -> Iterator[Tensor]:
    refuse_few(metric, samples=samples)
    if not radius > 0:
        raise UsageError(f"{metric} needs radius > 0, not {radius}.")
    x = run.images
    each = tuple(range(1, x.dim()))
    reach = radius * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    for _ in range(samples):
        yield reach * (2 * torch.rand(x.shape[1:], generator=chance) - 1).to(x)
