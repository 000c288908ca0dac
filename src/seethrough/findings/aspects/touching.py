"""What touches the thing that a picture is about, or lies over a part of it: a hand that holds it, a tag that hangs from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from seethrough.errors import UsageError
from seethrough.findings.aspects.background import ON, continued
from seethrough.findings.aspects.thing import SHADED, Heights, Thing, thing_again
from seethrough.findings.canvas import Canvas, Pictures

NAME = "at its edge"

TOUCHED = 0.05
"""From so much of a place on that is the thing's, it and its neighbours lie along the thing's edge."""

FINE = 12
"""Places a side from which on they are fine beside what touches a thing."""

Box = tuple[int, int, int, int]
"""Top, left, height and width in pixels; it may reach beyond the picture."""

Place = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Touching(Thing):
    """A thing that lies along the edge of the one that the picture is about, as directions among a layer's values point at it. A
    person's mask of that one lacks what lies over it, so that much of it lies beside it as well.

    Where it is furthest along on the donor, a patch is taken, with all but the donor's own thing, which is continued from around; and
    laid where it is furthest along, or most likely, on the picture. What the donor has more of lies over the picture's thing, as it lay
    over the donor's; where it has less, which takes away, the picture's thing stays to the pixel.
    """

    name: str = NAME

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        to, from_ = self.found(pictures), self.found(donors)
        return self._laid(pictures, donors, to, from_, from_)

    def control(self, pictures: Pictures, donors: Pictures, others: Pictures) -> Tensor:
        """The pictures, each with another piece of the same donor's edge. What is put in hides the very pixels that the patch hid: neither
        the donor's outline nor that something is hidden makes a difference then. What takes away does it elsewhere.
        """
        to, from_ = self.found(pictures), self.found(donors)
        more = from_[..., :1] > to[..., :1]
        where = np.where(more, to, self._elsewhere(pictures, to))
        return self._laid(pictures, donors, where, from_, self._elsewhere(donors, from_))

    def joined(self, other: Thing) -> Thing:
        """Itself: one patch alone is laid, so that no second one hides the thing."""
        return self

    def places(self, pictures: Pictures, grid: Sequence[int]) -> NDArray[np.bool_]:
        return edge_places(pictures, grid)

    def painted(self, pictures: Pictures) -> Tensor:
        return without_thing(pictures)

    def heat(self, pictures: Pictures) -> Tensor:
        return averaged(super().heat(pictures))

    def _laid(self, pictures: Pictures, donors: Pictures, to: Heights, like: Heights, from_: Heights) -> Tensor:
        """Patches on pictures, each of the outline that one has on its donor and with what lies there or elsewhere.

        Parameters
        ----------
        to, like, from_
            As `found` says it, (n, traits, 3): where on the picture, of which outline, and with what of the donor.
        """
        x, ground = pictures.x.clone(), without_thing(donors)
        own, theirs = _known(pictures), _with_edge(donors)
        side = int(x.shape[2]), int(x.shape[3])
        for k in range(len(x)):
            for t, trait in enumerate(self.traits):
                if not (np.isfinite(to[k, t, 0]) and np.isfinite(like[k, t, 0])):
                    continue  # the thing leaves no place
                one, other, third = (_box(each[k, t], trait.size, side) for each in (to, like, from_))
                here, outline, there = common(one, other, third, side)
                stays = theirs[k][:, *outline] if like[k, t, 0] > to[k, t, 0] else own[k][:, *here]
                x[k][:, *here] = stays * x[k][:, *here] + (1 - stays) * ground[k][:, *there]
        return x

    def _elsewhere(self, pictures: Pictures, found: Heights) -> Heights:
        """Another place of the same edge for each, which the first doesn't reach, else the furthest; for the same picture always the
        same.
        """
        grid = self.grid(pictures)
        free, elsewhere = edge_places(pictures, grid), found.copy()
        for k, number in enumerate(pictures.numbers):
            down, across = (np.stack(np.nonzero(free[k])) + 0.5) / np.array(grid)[:, None]
            if not len(down):
                continue
            chance = np.random.default_rng([int(number), 1])
            for t, trait in enumerate(self.traits):
                _, y, x = found[k, t]
                off = np.maximum(abs(down - y) / trait.size[0], abs(across - x) / trait.size[1])
                at = chance.choice(np.flatnonzero(off >= min(1.0, off.max())))
                elsewhere[k, t] = found[k, t, 0], down[at], across[at]
        return elsewhere


def touching(of: Thing) -> Touching:
    """The same traits, along the thing's edge."""
    return Touching(of.layer, of.traits, of.inside)


def touching_again(said: Mapping[str, Any], canvas: Canvas) -> Touching:
    """Of what it wrote down."""
    return touching(thing_again(said, canvas))


def without_thing(pictures: Pictures) -> Tensor:
    """The pictures, each thing to its very edge continued from around it, (n, 3, H, W): what touches it or lies over it stays."""
    if pictures.made is not None:
        return pictures.made.of("without its thing to the edge", pictures, _without)
    return _without(pictures)


def averaged(values: Tensor) -> Tensor:
    """Each of fine places (n, C, h, w) with its neighbours: what touches a thing is seen better so. Coarse ones are as they were."""
    if min(values.shape[2:]) < FINE:
        return values
    return avg_pool2d(values, 3, 1, 1, count_include_pad=False)


def edge_places(pictures: Pictures, grid: Sequence[int]) -> NDArray[np.bool_]:
    """The places of a grid along the edge of the picture's own thing, beside it or over it, (n, h, w)."""
    covered = interpolate((_known(pictures) > ON).float(), tuple(grid), mode="area")
    near = max_pool2d((covered > TOUCHED).float(), 3, 1, 1) > 0
    return (near & (covered < SHADED))[:, 0].numpy()


def common(one: Box, other: Box, third: Box, side: tuple[int, int]) -> tuple[Place, Place, Place]:
    """Of two boxes of one size what lies in the picture of both, as rows and columns of each; and of a third one, which is moved into
    the picture, the same part.

    >>> common((-1, 2, 3, 3), (4, 4, 3, 3), (0, 6, 3, 3), (6, 8))[:2]
    ((slice(0, 1, None), slice(2, 5, None)), (slice(5, 6, None), slice(4, 7, None)))
    """
    found: list[tuple[slice, slice, slice]] = []
    for a, b, c, long, whole in zip(one[:2], other[:2], third[:2], one[2:], side):
        first = max(0, -a, -b)
        last = max(first, min(long, whole - a, whole - b))
        inside = min(max(0, c), whole - long)
        found.append((slice(a + first, a + last), slice(b + first, b + last), slice(inside + first, inside + last)))
    (up, up_too, up_third), (left, left_too, left_third) = found
    return (up, left), (up_too, left_too), (up_third, left_third)


def _box(at: NDArray[np.float32], size: tuple[float, float], side: tuple[int, int]) -> Box:
    high, wide = (max(1, round(part * whole)) for part, whole in zip(size, side))
    return round(float(at[1]) * side[0] - high / 2), round(float(at[2]) * side[1] - wide / 2), high, wide


def _without(pictures: Pictures) -> Tensor:
    return continued(pictures.x, _with_edge(pictures) > 0)


def _with_edge(pictures: Pictures) -> Tensor:
    """1 on the thing and a pixel around it, on which it is mixed with what lies there, (n, 1, H, W); else 0."""
    return max_pool2d((_known(pictures) > ON).float(), 3, 1, 1)


def _known(pictures: Pictures) -> Tensor:
    if pictures.fore is None:
        raise UsageError("Where the thing is must be known for what touches it to be exchanged; give masks.")
    return pictures.fore
