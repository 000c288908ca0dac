"""Masks: which parts of a picture are left, by the hundred; made as they are needed.

Throughout, a mask is 1 where a pixel is left as it is and 0 where it is covered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from seethrough.attribution.reach import Reach, of_coalitions, of_masks, of_windows
from seethrough.attribution.segments import Segments
from seethrough.errors import UsageError
from seethrough.graph.run import Run

Pair = tuple[int, int]

SAMPLINGS = ("random", "antithetic", "qmc")


@dataclass(frozen=True, eq=False)
class Masks:
    """Many masks of one size.

    Attributes
    ----------
    count
        How many.
    some
        From their numbers to the masks, (k, 1 or N, H, W), floating: N where each picture has its own.
    key
        What they were made of: two that are made of the same have the same key, and share their scores. None where
        they are shared with nobody.
    reach
        Makes where they cover, by boxes; None where they cover all over the picture, or nobody knows.
    added
        From weights (K, N), and whether of what each mask covers instead, to ``Σ_k weights[k] · mask_k``, (N, H, W),
        where that is had without making the masks; None where it isn't.
    """

    count: int
    some: Callable[[range], Tensor]
    key: Hashable = None
    reach: Callable[[], Reach] | None = None
    added: Callable[[Tensor, bool], Tensor] | None = None


def given(masks: Tensor, key: Hashable = None) -> Masks:
    """A tensor, (K, H, W) or, each picture having its own, (K, N, H, W)."""
    whole = masks[:, None] if masks.dim() == 3 else masks
    return Masks(len(whole), lambda numbers: whole[numbers.start : numbers.stop], key, lambda: of_masks(whole))


def covering(places: Sequence[tuple[slice, slice]], size: Pair, key: Hashable = None) -> Masks:
    """One mask a place, which covers it."""

    def some(numbers: range) -> Tensor:
        masks = torch.ones(len(numbers), 1, *size)
        for mask, number in zip(masks, numbers):
            rows, columns = places[number]
            mask[:, rows, columns] = 0
        return masks

    def added(weights: Tensor, inverse: bool) -> Tensor:
        covered = weights.new_zeros(weights.shape[1], *size)
        for (rows, columns), weight in zip(places, weights):
            covered[:, rows, columns] += weight[:, None, None]
        return covered if inverse else weights.sum(0)[:, None, None] - covered

    return Masks(len(places), some, key, lambda: of_windows(places), added)


def coalitions(segments: Segments, kept: Tensor, key: Hashable = None) -> Masks:
    """Masks that leave some segments.

    Parameters
    ----------
    kept
        (K, segments) or, for each picture its own, (K, N, segments): what is left of each, from 0 to 1.
    """
    rows = kept[:, None] if kept.dim() == 2 else kept

    def some(numbers: range) -> Tensor:
        part = rows[numbers.start : numbers.stop]
        part = part.float() if part.dtype == torch.bool else part
        labels = segments.labels
        pictures = max(part.shape[1], len(labels))
        at = labels.flatten(1).expand(len(part), pictures, -1)
        return part.expand(-1, pictures, -1).gather(2, at).unflatten(2, labels.shape[1:])

    return Masks(len(rows), some, key, lambda: of_coalitions(segments.labels, rows))


def windows(size: Pair, window: Pair, stride: Pair) -> Iterator[tuple[slice, slice]]:
    """All windows as slices of rows and columns, the last of each row and column cut off at the edge.

    >>> [(r.start, r.stop) for r, c in windows((5, 1), (3, 1), (3, 1))]
    [(0, 3), (3, 5)]
    """
    for top in _starts(size[0], window[0], stride[0]):
        for left in _starts(size[1], window[1], stride[1]):
            yield slice(top, min(top + window[0], size[0])), slice(left, min(left + window[1], size[1]))


def _starts(length: int, window: int, stride: int) -> range:
    """Where windows begin along an axis: so many that the last reaches the end, or a stride that leaves gaps does."""
    return range(0, min(length, max(0, -(-(length - window) // stride)) * stride + 1), stride)


def chances(samples: int, numbers: int, sampling: str, seed: int) -> Tensor:
    """(samples, numbers), uniform in [0, 1), float64.

    Parameters
    ----------
    sampling
        ``"random"``: independent; ``"antithetic"``: in pairs u and 1 − u, so that what is common to all cancels;
        ``"qmc"``: a scrambled Sobol' sequence, which fills the cube more evenly than chance does.
    """
    if sampling not in SAMPLINGS:
        raise UsageError(f"sampling is one of {', '.join(SAMPLINGS)}, not {sampling!r}.")
    if sampling == "qmc":
        return SobolEngine(numbers, scramble=True, seed=seed).draw(samples, dtype=torch.float64)
    chance = torch.Generator().manual_seed(seed)
    if sampling == "random":
        return torch.rand(samples, numbers, generator=chance, dtype=torch.float64)
    half = torch.rand((samples + 1) // 2, numbers, generator=chance, dtype=torch.float64)
    return torch.stack([half, (1 - half).clamp(max=1 - 2**-53)], 1).flatten(0, 1)[:samples]


def covers_of(run: Run, wanted: object, method: str) -> Tensor:
    """The masks of a person, (K, H, W), 1 where each covers, as they go with the run's images.

    Raises
    ------
    UsageError
        Of another size, or with values outside 0 to 1.
    """
    if not isinstance(wanted, (Tensor, np.ndarray)):
        raise UsageError(f"{method}'s masks are an array (masks, height, width), not {type(wanted).__name__}.")
    masks = torch.as_tensor(wanted)
    size = tuple(run.images.shape[2:])
    if masks.dim() != 3 or tuple(masks.shape[1:]) != size or not len(masks):
        raise UsageError(
            f"{method}'s masks have the shape {tuple(masks.shape)}, and the network's input is {size[0]} × {size[1]}: "
            f"give them as (masks, {size[0]}, {size[1]})."
        )
    masks = masks.to(run.images)
    if not bool(((masks >= 0) & (masks <= 1)).all()):
        raise UsageError(f"{method}'s masks go from 0 (left) to 1 (covered); these have other values.")
    return masks
