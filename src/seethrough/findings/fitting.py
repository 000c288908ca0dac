"""Fitting: whether what was drawn, or estimated, is where the things are; what is seen without asking the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from seethrough.findings.facts import Facts
from seethrough.results import Note

ENOUGH = 24
"""Pictures with which it can be told."""

ALIKE = 0.7
"""Where masks overlap by so much with those of other pictures, nothing can be told by exchanging them."""

BY_CHANCE = 0.6
"""Masks that fit their own pictures better than others' do in no larger share of the pictures may as well be others'."""

OTHERS = 3
"""Masks of other pictures that each is held against."""

REACH = 3
"""Places around a mask that are ground."""


def notes_of_masks(facts: Facts, given: NDArray[np.int64], estimated: bool = False) -> list[Note]:
    """How far what is known of where things are goes.

    Parameters
    ----------
    given
        int64 (N,): what each picture belongs to, −1 where nobody knows.
    estimated
        Whether it was tried to estimate it.
    """
    if facts.fore is None:
        return [Note("foreground_not_estimated" if estimated else "no_foreground", "warning")]
    missed, of = int(((given >= 0) & facts.unmasked).sum()), int((given >= 0).sum())
    if facts.agreement is not None:
        good = (given >= 0) & ~facts.unmasked
        numbers = {
            "count": int(good.sum()),
            "all": of,
            "agreement": float(facts.agreement[good].mean()),
            "area": float(facts.fore[good].mean()) / 255,
        }
        return [Note("foreground_estimated", "warning", numbers)]
    notes = [Note("masks_miss", "warning", {"count": missed, "all": of})] if missed else []
    share = fits(facts)
    if share is not None and share < BY_CHANCE:
        notes.append(Note("masks_elsewhere", "warning", {"share": share}))
    return notes


def fits(facts: Facts) -> float | None:
    """In what share of the pictures the mask lies better on its own picture than other pictures' masks would: the colours
    inside differ more from those around it, or more of the evidence lies in it, whichever tells more. 0.5 where masks are anybody's.
    None where that can't be told: few pictures, or masks that are all in one place.
    """
    assert facts.fore is not None
    numbers = np.flatnonzero((facts.classes >= 0) & ~facts.unmasked)
    if len(numbers) < ENOUGH:
        return None
    x, fore = facts.small[numbers].astype(np.float32) / 255, facts.fore[numbers] > 127
    usable = fore.any((1, 2)) & (~fore).any((1, 2))
    x, fore, heat = x[usable], fore[usable], facts.heat[numbers][usable]
    if len(x) < ENOUGH:
        return None
    cells = np.linspace(0, fore.shape[1] - 1, heat.shape[1]).round().astype(int)
    own = _contrasts(x, fore), _shares(heat, fore[:, cells][:, :, cells])
    better, overlaps = np.zeros((2, OTHERS)), []
    for k in range(OTHERS):
        other = np.roll(fore, (k + 1) * len(fore) // (OTHERS + 1), 0)
        overlaps.append(((fore & other).sum((1, 2)) / (fore | other).sum((1, 2))).mean())
        theirs = _contrasts(x, other), _shares(heat, other[:, cells][:, :, cells])
        better[:, k] = [np.mean(a > b) + np.mean(a == b) / 2 for a, b in zip(own, theirs)]
    return None if max(overlaps) > ALIKE else float(better.mean(1).max())


def _contrasts(x: NDArray[np.floating[Any]], fore: NDArray[np.bool_]) -> NDArray[np.floating[Any]]:
    """How far the mean colour in each mask is from that around it, (n,)."""
    ring = np.asarray(binary_dilation(fore, np.ones((1, 3, 3)), iterations=REACH), bool) & ~fore
    inside, around = ((x * on[..., None]).sum((1, 2)) / np.maximum(on.sum((1, 2)), 1)[:, None] for on in (fore, ring))
    return np.linalg.norm(inside - around, axis=1)


def _shares(heat: NDArray[np.float32], on: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much more of the evidence lies in each mask than would if it lay everywhere alike, (n,)."""
    total = heat.sum((1, 2))
    return (heat * on).sum((1, 2)) / np.where(total > 0, total, 1) - on.mean((1, 2))
