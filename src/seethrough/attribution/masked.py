"""Masked: what the network answers to pictures of which parts are covered.

Methods that cover with the same masks and the same fill share the answers: each is asked for once a run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.attribution.masks import Masks, Pair, coalitions, covering, given, windows
from seethrough.attribution.reach import changes
from seethrough.attribution.segments import Segments
from seethrough.graph.run import Run

Progress = Callable[[int, int], None]

AT_ONCE = 64
"""Masks that are added up at once."""


def scores(
    run: Run,
    masks: Masks | Tensor,
    fill: Fill = "mean",
    key: Hashable = None,
    progress: Progress | None = None,
) -> Tensor:
    """The target's value at the run's pictures under each mask.

    Parameters
    ----------
    masks
        `Masks`, or a tensor (K, H, W) or (K, N, H, W) from 0 (covered) to 1 (left).
    fill
        What covers, as for `fills.cover`.
    key
        What a tensor of masks was made of: who gives the same key in the same run gets the same answers. `Masks` bring
        their own. The run keeps them under ``("masked", key, fills.key(fill))``; windows of an occlusion have the key
        ``("windows", window, stride)``.

    Returns
    -------
    Tensor, (K, N), in units of the target.
    """
    masks = given(masks.to(run.images), key) if isinstance(masks, Tensor) else masks
    if masks.key is None:
        return _asked(run, masks, fill, progress)
    shared = ("masked", masks.key, fills.key(fill))
    return run.once(shared, lambda: _asked(run, masks, fill, progress))


def _asked(run: Run, masks: Masks, fill: Fill, progress: Progress | None) -> Tensor:
    if masks.reach is not None:
        return run.score_changes(changes(run, masks, masks.reach(), fill), progress)
    cover, found = fills.cover(run, fill), run.scores.new_zeros(masks.count, len(run.images))

    def some(numbers: range) -> None:
        pictures = cover(masks.some(numbers).to(run.images.device))
        found[numbers.start : numbers.stop] = run.score(pictures).reshape(len(numbers), -1)

    run.in_groups(masks.count, some, progress)
    return found


def nothing(run: Run, fill: Fill = "mean") -> Tensor:
    """The target's value where all of each picture is covered, (N,)."""
    return scores(run, torch.zeros(1, *run.images.shape[2:]), fill, "nothing")[0]


def added_up(run: Run, masks: Masks, weights: Tensor, *, inverse: bool = False) -> Tensor:
    """``Σ_k weights[k] · mask_k``, (N, H, W), from weights (K, N); ``inverse``: of what each mask covers."""
    kind = torch.promote_types(run.images.dtype, torch.float32)
    if masks.added is not None:
        return masks.added(weights.to(kind), inverse)
    total = torch.zeros(weights.shape[1], *run.images.shape[2:], dtype=kind, device=run.images.device)
    for start in range(0, masks.count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, masks.count))
        some = masks.some(numbers).to(total)
        some = 1 - some if inverse else some
        few = weights[start : numbers.stop].to(total)
        shared = some.shape[1] == 1
        total += torch.einsum("kn,khw->nhw" if shared else "kn,knhw->nhw", few, some[:, 0] if shared else some)
    return total


@dataclass(frozen=True, eq=False)
class Drops:
    """What the target loses when each window is covered: ``values``, (K, N), by ``places``, the K windows as slices of
    rows and columns; ``masks`` are those that cover them.
    """

    places: Sequence[tuple[slice, slice]]
    values: Tensor
    masks: Masks


def window_drops(run: Run, window: Pair, stride: Pair, fill: Fill = "mean", progress: Progress | None = None) -> Drops:
    """What the target loses under each window of an occlusion; asked for once a run, whoever asks first.

    Parameters
    ----------
    window, stride
        Pixels (down, across) of the network's input.
    """
    size = (run.images.shape[2], run.images.shape[3])
    places = list(windows(size, window, stride))
    masks = covering(places, size, ("windows", window, stride))
    return Drops(places, run.scores - scores(run, masks, fill, progress=progress), masks)


Design = Callable[[int], Tensor]
"""From the number of a picture's segments to coalitions of them, (K, segments), bool: which are left."""


def of_coalitions(
    run: Run,
    segments: Segments,
    design: Design,
    fill: Fill,
    key: Hashable = None,
    progress: Progress | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Coalitions of segments and the target's value at each: for every picture (K, segments) and (K,), both float64.

    A picture's coalitions depend on nothing but the number of its own segments. Where pictures differ in how many they
    have, the shorter lists are filled up with whole pictures.
    """
    designs = {count: design(count) for count in set(segments.counts)}
    if len(designs) == 1:
        (kept,) = designs.values()
    else:
        most, widest = max(len(d) for d in designs.values()), max(designs)
        kept = torch.ones(most, len(segments.counts), widest, dtype=torch.bool)
        for i, count in enumerate(segments.counts):
            kept[: len(designs[count]), i, :count] = designs[count]
    kept = kept.to(run.images.device)
    masks = coalitions(segments, kept, None if key is None else ("coalitions", segments.key, key))
    found = scores(run, masks, fill, progress=progress).double()
    own = [designs[count].to(found) for count in segments.counts]
    return [(left, found[: len(left), i]) for i, left in enumerate(own)]
