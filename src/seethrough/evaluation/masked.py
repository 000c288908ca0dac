"""The network asked about pictures of which parts were replaced: what every metric of faithfulness does.

A feature is what a map has one number for: a place, all channels of it, where the map has one number a place; else one
channel of one place. Throughout ``x`` are the run's images (N, C, H, W), ``a`` the map's values (N, 1 or C, H, W), F the
features of one picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from seethrough.attribution.reach import Reach, under
from seethrough.errors import UsageError
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run

Mask = Callable[[int], Tensor]
"""From a number to which features are replaced: bool (N or 1, 1 or C, H, W)."""


def checked(run: Run, values: Tensor) -> Tensor:
    """The values (N, 1 or C, H, W), finite, on the grid of the images.

    Raises
    ------
    UsageError
        They are anything else.
    """
    x = run.images
    fits = values.dim() == 4 and values.shape[1] in (1, x.shape[1]) and values.shape[2:] == x.shape[2:]
    if x.dim() != 4 or not fits or len(values) != len(x):
        raise UsageError(
            f"Values of shape {tuple(values.shape)} aren't on the grid of images {tuple(x.shape)}; give (N, 1, H, W) or "
            "one value for each channel too."
        )
    if not bool(torch.isfinite(values).all()):
        raise UsageError("A map with NaN or infinite values has no order; leave it out.")
    return values.detach()


def scores_with(
    run: Run, masks: Mask, count: int, old: Tensor, new: Tensor, reach: Callable[[], Reach] | None = None
) -> Tensor:
    """The target's value where ``new`` stands on the features of a mask and ``old`` elsewhere, (count, N) float64; as
    many masks at once as fit. ``reach`` makes where the masks cover, if they may cover little and ``old`` are the run's
    images.
    """
    x = run.images
    if reach is not None:
        where = reach()
        inside = under(x, new, where.within)
        found = run.score_changes(Changes(where.boxes, inside, lambda numbers: pictures(masks, numbers, old, new)))
        return found.double()
    found = torch.empty(count, len(x), dtype=torch.float64, device=x.device)

    def some(numbers: range) -> None:
        scores = run.score(pictures(masks, numbers, old, new))
        found[numbers.start : numbers.stop] = scores.reshape(len(numbers), len(x)).double()

    run.in_groups(count, some)
    return found


def pictures(masks: Mask, numbers: range, old: Tensor, new: Tensor) -> Tensor:
    """``new`` on the features of some masks and ``old`` elsewhere, (k · N, C, H, W)."""
    return torch.cat([torch.where(masks(k), new, old) for k in numbers])


def ranks(values: Tensor, largest_first: bool = True) -> Tensor:
    """The place of each feature in its picture's order, 0 for the first, of the shape of the values. Equal values go in
    the order in which they stand.
    """
    flat = values.flatten(1)
    order = torch.sort(flat, dim=1, descending=largest_first, stable=True).indices
    places = torch.empty_like(order)
    places.scatter_(1, order, torch.arange(flat.shape[1], device=flat.device).expand_as(order))
    return places.reshape(values.shape)


def counts(features: int, steps: int) -> list[int]:
    """How many features are replaced after each step, from 0 to all of them, evenly spread.

    >>> counts(5, 3)
    [0, 2, 3, 5]
    """
    steps = min(steps, features)
    return [round(features * k / steps) for k in range(steps + 1)]


def curve(run: Run, order: Tensor, at: Sequence[int], old: Tensor, new: Tensor) -> Tensor:
    """The target's value while ``new`` comes over ``old`` in an order, (len(at), N): at point k the first ``at[k]``
    features are replaced.
    """
    return scores_with(run, lambda k: order < at[k], len(at), old, new)


def area(values: Tensor, at: Sequence[int]) -> Tensor:
    """The mean height of a curve (points, N) over the share that is replaced, 0…1: (N,), by trapezes."""
    share = torch.tensor(at, dtype=values.dtype, device=values.device) / at[-1]
    return torch.trapezoid(values, share, dim=0)


def refuse_few(metric: str, **numbers: int) -> None:
    """Whole numbers that must be 1 or more."""
    for name, number in numbers.items():
        if number < 1:
            raise UsageError(f"{metric} needs {name} ≥ 1, not {number}.")
