"""Varied: pictures that are learned from, a little otherwise each time they are shown: mirrored, moved, and their things in other light.

What stands on a ground has some of the ground's light on it, and some of the ground's own pixels at its edge. Neither changes hands
with the ground, so an exchanged picture still tells by them where its thing stood. Other light and a narrower thing leave less of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool2d

from seethrough.findings.canvas import Pictures
from seethrough.remedies.pool import Pool
from seethrough.remedies.rung import Ward
from seethrough.remedies.rungs.tail import Tail

LIGHT = 0.125
"""By so much at most a thing is made lighter or darker, and by as much each of its colours."""

EDGE = 1 / 64
"""Of the side: so wide a strip at most along a thing's edge is given away with what is around it."""

MOVED = 3 / 64
"""Of the side: so far at most pictures are moved, down and across, each time they are shown. A few hundred things are soon known by heart;
moved, they are learned from twice as long before that.
"""

ASKED = 64
SAME = 0.95
"""Pictures are mirrored, lit, or moved, where the network gives so many of them the answer that it gave before."""


@dataclass(frozen=True, eq=False)
class Varied:
    """How pictures vary, as the network takes them.

    Attributes
    ----------
    black, white
        (1, …): such pictures.
    things
        uint8 (m, …), 255 on the thing, of m pictures, one channel; None where nobody knows: then all is lit.
    thing
        int64 (n,): which of them each row has.
    colours, across
        The axes of colours and of columns.
    mirrored, lit
        Whether half of them are mirrored, and whether their light is changed.
    moved
        By so many pixels at most they are moved down and across; 0 for not at all.
    """

    black: Tensor
    white: Tensor
    things: Tensor | None
    thing: NDArray[np.int64]
    colours: int
    across: int
    mirrored: bool
    lit: bool
    moved: int

    def __call__(self, rows: NDArray[np.int64], values: Tensor, chance: np.random.Generator) -> Tensor:
        """Values (n, …) of some rows, varied by chance."""
        if self.lit:
            on = 1.0 if self.things is None else self.things[torch.from_numpy(self.thing[rows])].float() / 255
            values = in_light(values, on, light(len(rows), values.dim(), self.colours, chance), self.black, self.white)
        if self.mirrored:
            half = torch.from_numpy(chance.random(len(rows)) < 0.5).reshape(-1, 1, 1, 1)
            values = torch.where(half, values.flip(self.across), values)
        if self.moved:
            values = shifted(values, self.moved, self.across, chance)
        return values


def shifted(values: Tensor, most: int, across: int, chance: np.random.Generator) -> Tensor:
    """Each picture moved by up to so many pixels down and across; what comes in at an edge continues it."""
    by = chance.integers(-most, most + 1, (2, len(values)))
    found = torch.empty_like(values)
    sides = values.shape[across - 1], values.shape[across]
    for k, (down, along) in enumerate(by.T):
        rows, columns = ((torch.arange(n) + int(d)).clamp(0, n - 1) for n, d in zip(sides, (down, along)))
        found[k] = values[k].index_select(across - 2, rows).index_select(across - 1, columns)
    return found


def light(count: int, axes: int, colours: int, chance: np.random.Generator) -> Tensor:
    """Other light for so many pictures, in parts of what they are: for all three colours alike, and for each; float32 (n, …) to be
    spread over the places.
    """
    shape = [1] * axes
    shape[0] = count
    alike = chance.uniform(-LIGHT, LIGHT, shape)
    shape[colours] = 3
    return torch.from_numpy(alike + chance.uniform(-LIGHT, LIGHT, shape)).float()


def in_light(x: Tensor, on: Tensor | float, by: Tensor, black: Tensor | float, white: Tensor | float) -> Tensor:
    """Pictures whose things (1 in ``on``) are lighter by so much."""
    low, high = torch.as_tensor(black), torch.as_tensor(white)
    found = x + on * by * (x - black)
    return torch.minimum(torch.maximum(found, torch.minimum(low, high)), torch.maximum(low, high))


def varied(ward: Ward, tail: Tail, pool: Pool) -> Varied:
    """What may vary of a pool's pictures without what the network says of them changing; for a whole tail."""
    numbers, thing = np.unique(pool.numbers, return_inverse=True)
    shape = ward.canvas.load(numbers[:1]).x.shape
    first = tail.across == 3
    reach = round(MOVED * min(shape[2:]))
    things = [ward.canvas.load(numbers[at : at + ASKED]).fore for at in range(0, len(numbers), ASKED)]
    known = [(255 * each).round().byte() for each in things if each is not None]
    return Varied(
        black=tail.values(torch.zeros(1, *shape[1:])),
        white=tail.values(torch.ones(1, *shape[1:])),
        things=None if not known else torch.cat(known) if first else torch.cat(known).permute(0, 2, 3, 1),
        thing=thing,
        colours=1 if first else 3,
        across=tail.across,
        mirrored=same_mirrored(ward),
        lit=same_lit(ward),
        moved=reach if same_moved(ward, reach) else 0,
    )


def same_mirrored(ward: Ward) -> bool:
    """Whether the network takes pictures and their mirror images for the same: not where writing or sides are what it knows."""
    own = _some(ward)
    return _same(ward, own, torch.flip(own.x, (3,)))


def same_lit(ward: Ward) -> bool:
    """Whether it takes things in other light for the same: not where their colour or brightness is what it knows."""
    own = _some(ward)
    by = light(len(own), 4, 1, np.random.default_rng([ward.seed, 41]))
    return _same(ward, own, in_light(own.x, 1.0 if own.fore is None else own.fore, by, 0.0, 1.0))


def same_moved(ward: Ward, most: int) -> bool:
    """Whether it takes pictures that are moved a little for the same: not where a place is what it knows."""
    own = _some(ward)
    return _same(ward, own, shifted(own.x, most, 3, np.random.default_rng([ward.seed, 47])))


def _some(ward: Ward) -> Pictures:
    return ward.canvas.load(ward.learn[:: max(1, len(ward.learn) // ASKED)][:ASKED])


def _same(ward: Ward, own: Pictures, changed: Tensor) -> bool:
    return bool((ward.canvas.ask(own.x).argmax(1) == ward.canvas.ask(changed).argmax(1)).mean() >= SAME)


def narrowed(own: Pictures, chance: np.random.Generator) -> Pictures:
    """Pictures whose things lack a strip along their edge, up to `EDGE` wide, each another."""
    if own.fore is None:
        return own
    widths = chance.integers(0, round(EDGE * min(own.x.shape[2:])) + 1, len(own))
    fore = own.fore.clone()
    for width in np.unique(widths[widths > 0]):
        rows = torch.from_numpy(np.flatnonzero(widths == width))
        fore[rows] = -max_pool2d(-own.fore[rows], 2 * int(width) + 1, 1, int(width))
    return Pictures(own.x, fore, own.numbers)
