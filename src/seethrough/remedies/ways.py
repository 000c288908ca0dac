"""Ways: what is wrong, laid over pictures to learn from in more than one way, since each way leaves traces of its own.

An exchange is one approximation. A network can tell by what it leaves which pictures were exchanged, and unlearn its habit for these
alone: light that is added reaches into the dark and light that multiplies doesn't; detail of a donor doesn't fit the place where it is
laid. So a picture to learn from is given its donor's cast by one of several ways, by chance; and what a person called no part of the
class is laid over the thing too, where it was judged beside it alone. What a network is chosen and proven by stays as it was judged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Aspect
from seethrough.findings.aspects.background import beside, emptied
from seethrough.findings.aspects.detail import LEVELS, SHOWN, STRONGEST, Detail, mixed, strength
from seethrough.findings.aspects.layout import Layout
from seethrough.findings.aspects.look import Look, hued
from seethrough.findings.aspects.spectrum import Spectrum
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import band, smoothed

WAYS = 1
"""Counted up where ways change, so that what was asked of pictures that were made by others isn't taken up again."""

AS_JUDGED = 0
"""The way of a picture to choose or prove by."""

POWERS = (0.0, 0.5, 1.0)
"""Of what is there, by which a hue moves it: everything alike, dark less, and as other light would."""

GAIN, GRAIN, LEFT = range(3)
"""How a level of detail becomes as strong as the donor's: what is there made stronger or weaker; weaker, or grain laid on it. The third
is the donor's own beside a thing; on one that wasn't judged nothing.
"""

TYPICAL = 0.67
"""Of a normal distribution's standard deviation: half of what is drawn from it is less."""

SMALLER, LOST = 0.9, 0.4
"""From this part of its size on a thing is smoothed first; from this logarithm of the change on its own noise is taken to be lost."""


def is_cast(aspect: Aspect) -> bool:
    """Whether it lies over the things as well in pictures to learn from."""
    return isinstance(aspect, Spectrum | Detail) or (isinstance(aspect, Look) and aspect.whole)


def laid(aspect: Aspect, pictures: Pictures, donors: Pictures, ways: NDArray[np.int64]) -> Tensor:
    """The pictures with their donors' aspect, (n, 3, H, W) from 0 to 1, each by the way that its number says.

    Parameters
    ----------
    ways
        int64 (n,): `AS_JUDGED`, or any number above.
    """
    count, lay = _ways_of(aspect)
    which = np.where(ways == AS_JUDGED, -1, ways % count)
    found = pictures.x.clone()
    for way in np.unique(which):
        rows = np.flatnonzero(which == way)
        own, others = (pictures, donors) if len(rows) == len(which) else (pictures[rows], donors[rows])
        changed = aspect.exchange(own, others) if way < 0 else lay(own, others, int(way))
        found[torch.from_numpy(rows)] = changed.clamp(0, 1)
    return found


def _ways_of(aspect: Aspect) -> tuple[int, Callable[[Pictures, Pictures, int], Tensor]]:
    """How many ways there are, and what each makes of pictures and donors."""
    if isinstance(aspect, Detail):
        return 9, lambda own, others, way: _detailed(aspect, own, others, way)
    if isinstance(aspect, Spectrum):
        return 2, lambda own, others, way: _waved(aspect, own, others, way)
    if isinstance(aspect, Layout) and aspect.name == "size":
        return 2, lambda own, others, way: _sized(aspect, own, others, way)
    if isinstance(aspect, Look) and aspect.whole and aspect.name == "hue":
        return len(POWERS), lambda own, others, way: hued(own, others, POWERS[way])
    return 1, lambda own, others, way: aspect.exchange(own, others)


def _waved(aspect: Spectrum, pictures: Pictures, donors: Pictures, way: int) -> Tensor:
    """Waves are taken to go on behind the thing as they are around it, or the thing's own frequencies are exchanged too."""
    if way:
        pictures, donors = (Pictures(each.x, None, each.numbers) for each in (pictures, donors))
    return pictures.x + aspect.waves(donors) - aspect.waves(pictures)


def _detailed(aspect: Detail, pictures: Pictures, donors: Pictures, way: int) -> Tensor:
    """Beside the thing the donor's own detail, or as much of each level; on it as much of each level, or what it has."""
    over, on = divmod(way, 3)
    on = GAIN if on == LEFT and aspect.whole else on
    changed = {how: torch.zeros_like(pictures.x) for how in {over, on} - {LEFT}}
    for level in LEVELS[aspect.name]:
        own = band(pictures.x, level)
        ratio = strength(donors, level) / strength(pictures, level)
        if GAIN in changed:
            changed[GAIN] += (ratio.clamp(max=STRONGEST) - 1) * own
        if GRAIN in changed:
            more = (1 - ratio.clamp(min=1) ** -2).sqrt()
            changed[GRAIN] += (ratio.clamp(max=1) - 1) * own + more * _grain(donors, level, pictures.numbers)
    thing = pictures.x + changed[on] if on != LEFT else pictures.x
    around = aspect.exchange(pictures, donors) if over == LEFT else pictures.x + changed[over]
    if pictures.fore is None:
        return around
    return beside(Pictures(thing.clamp(0, 1), pictures.fore, pictures.numbers), around)


def _grain(donors: Pictures, level: int, seeds: NDArray[np.int64]) -> Tensor:
    """As much of each frequency as there is beside the donors' things, and nothing of what it draws."""
    off = torch.ones_like(donors.x[:, :1]) if donors.hidden is None else 1 - donors.hidden
    shown = off.mean((1, 2, 3), keepdim=True).clamp(min=SHOWN).sqrt()
    fine = band(donors.x, level) * off
    return torch.stack([mixed(x, int(seed)) for x, seed in zip(fine, seeds)]) / shown


def _sized(aspect: Layout, pictures: Pictures, donors: Pictures, way: int) -> Tensor:
    """A thing made smaller is smoothed first, as a camera farther off would have it, and one made larger sharpened; so that neither
    shows by its edges. What is finest in a picture, its noise, then lies over the thing again.
    """
    if not way:
        return aspect.exchange(pictures, donors)
    thing, fore, scale = aspect.moved(pictures, donors, _smoothed_for)
    by = scale[:, None, None, None]
    thing = thing + (0.5 * (by.clamp(min=1) ** 2 - 1).sqrt()).clamp(max=1) * band(thing, 0, 1)
    lost = (1 - (1 - by.log().abs() / LOST).clamp(0, 1) ** 2).sqrt()
    return fore * (thing + lost * _noise(pictures)) + (1 - fore) * emptied(pictures)


def _noise(pictures: Pictures) -> Tensor:
    """Noise like that of pictures, (n, 3, H, W): as fine as their finest level, as strong as most of it is."""
    level = band(pictures.x, 0).abs().flatten(2).median(2).values[..., None, None] / TYPICAL
    shape = pictures.x.shape[1:]
    drawn = [torch.randn(shape, generator=torch.Generator().manual_seed(int(n))) for n in pictures.numbers]
    fine = band(torch.stack(drawn), 0)
    return level * fine / fine.std((2, 3), keepdim=True)


def _smoothed_for(x: Tensor, fore: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures and things that will be made smaller, without what is then too fine; of things nothing but their own colours."""
    found, things = x.clone(), fore.clone()
    for row, by in enumerate(scale.tolist()):
        if by < SMALLER:
            sigma = 0.5 * (by**-2 - 1) ** 0.5
            things[row] = smoothed(fore[[row]], sigma)[0]
            near = smoothed(fore[[row]] * x[[row]], sigma)[0] / things[row].clamp(min=1e-3)
            found[row] = torch.where(things[row] > 1e-2, near, x[row])
    return found, things
