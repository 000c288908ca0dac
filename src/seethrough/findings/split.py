"""Split: which pictures find, which judge, which repair and which prove.

What made a candidate must not judge it, what chose a repair must not prove it: a repair may learn from the pictures that found
and judged, is chosen by those of its own part, and proved by those that nobody touched. And a picture that is there twice, or nearly,
is in one part with its twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.errors import UsageError

PARTS = ("find", "judge", "repair", "proof")
SHARES: Mapping[str, float] = {"find": 0.35, "judge": 0.25, "repair": 0.2, "proof": 0.2}

_BITS = np.array([n.bit_count() for n in range(256)], np.uint8)

SMALL = 32
"""Pixels a side of a picture that is looked at once more."""

NEAR = 4
"""Of the 64 bits of two pictures' marks so many may differ between near-duplicates."""

SAME = 0.3
"""So far (`unlike`) a near-duplicate may be. Of 100 photos at JPEG quality 30 and more, at half size, darker, or cut by 2 % of a
side none was further than 0.28; of 640 drawn scenes with one vignette, in which the marks of 997 pairs are near, none was nearer
than 0.38.
"""


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures by what they are for.

    Attributes
    ----------
    part
        int64 (N,): of each picture, which of `PARTS`; −1 for one that takes no part (no class is known of it).
    group
        int64 (N,): near-duplicates have the same number.
    seed
        Of the draw.
    """

    part: NDArray[np.int64]
    group: NDArray[np.int64]
    seed: int

    def of(self, name: str) -> NDArray[np.int64]:
        """The numbers of a part's pictures."""
        return np.flatnonzero(self.part == PARTS.index(name))


def split(
    classes: NDArray[np.int64],
    group: NDArray[np.int64],
    *,
    shares: Mapping[str, float] = SHARES,
    seed: int = 0,
) -> Split:
    """Draw the parts, each class for itself, so that each part has of each its share.

    Parameters
    ----------
    classes
        (N,): the output that each picture belongs to, −1 where that isn't known.
    group
        (N,): near-duplicates have the same number (`near_duplicates`); they go to one part, with the class of the first.
    shares
        Of each part, adding up to 1.

    Raises
    ------
    UsageError
        Where shares don't add up to 1, or name other parts.
    """
    if set(shares) - set(PARTS) or abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise UsageError(f"Shares of {', '.join(PARTS)} that add up to 1 are needed, not {dict(shares)}.")
    chance = np.random.default_rng(seed)
    part = np.full(len(classes), -1, np.int64)
    names, first = np.unique(group, return_index=True)
    owner = classes[first]
    for label in np.unique(classes[classes >= 0]):
        mine = chance.permutation(names[owner == label])
        sizes = {int(name): int((group == name).sum()) for name in mine}
        wanted = np.array([shares.get(name, 0.0) for name in PARTS]) * sum(sizes.values())
        filled = np.zeros(len(PARTS))
        for name in mine:  # to the part that lacks most
            to = int(np.argmax(np.where(wanted > 0, wanted - filled, -np.inf)))
            part[(group == name) & (classes >= 0)] = to
            filled[to] += sizes[int(name)]
    return Split(part, group, seed)


def mark(picture: NDArray[np.uint8]) -> int:
    """64 bits that near-duplicates share: whether each of 8 × 8 places of the grey picture is brighter than the one to its
    right (Krawetz's difference hash).
    """
    grey = np.asarray(Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).flatten()
    return int(np.packbits(bits).view(">u8")[0])


def made_small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as `near_duplicates` looks at it once more, (32, 32, 3)."""
    return np.asarray(Image.fromarray(picture).resize((SMALL, SMALL), Image.Resampling.BOX))


def near_duplicates(
    marks: Sequence[int], small: NDArray[np.uint8] | None = None, *, near: int = NEAR
) -> NDArray[np.int64]:
    """A number for each picture, the same for near-duplicates and for those that are linked by such; int64 (N,): the number of the
    first of each group.

    Parameters
    ----------
    marks
        Of near-duplicates they differ in at most ``near`` bits.
    small
        uint8 (N, s, s, 3): the pictures, made small. Given, those whose marks are near are looked at once more: what all have, such
        as darker corners, brings marks near but not pictures.
    """
    codes = np.array(marks, np.uint64)
    group = np.arange(len(codes))
    for i in range(len(codes)):
        apart = _BITS[(codes[i + 1 :] ^ codes[i]).view(np.uint8).reshape(-1, 8)].sum(1)
        alike = np.flatnonzero(apart <= near) + i + 1
        if small is not None and len(alike):
            alike = alike[unlike(small[i], small[alike]) <= SAME]
        if len(alike):
            joined = np.unique(group[[i, *alike]])
            group[np.isin(group, joined)] = joined[0]
    return group


def unlike(one: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far pictures (n, s, s, 3) are from one (s, s, 3), (n,): the mean absolute difference of their values, brought to mean 0 and
    width 1.
    """
    return np.abs(_evened(others) - _evened(one[None])).mean(1)


def _evened(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = small.reshape(len(small), -1).astype(np.float32)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(flat.std(1, keepdims=True), 1e-3)
