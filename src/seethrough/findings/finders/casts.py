"""Casts: of light, colour and detail what lies over the thing as well, as other light or a lens out of focus would lay it.

A look that differs beside the things is exchanged beside them alone: a thing's own colour may be what a network should go by. But
a cast lies over both, and beside the thing is only a part of it. Two things have to be so before the thing's pixels follow. What
differs beside the things differs on them too, in the same direction and not much less: a white animal on snow is no cast, since
snow is whiter by far. And the network goes by it beside the things already: one that reads the thing alone never does, whatever
colour that has. That the two go together within a class would say it more directly, but casts are small beside all that things
differ in: within classes of the planted bed not one could be told from none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.detail import Detail
from seethrough.findings.aspects.look import Look
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.finder import LEAST
from seethrough.findings.finders.properties import MEASURES, WEAK, direction
from seethrough.findings.judge import Recall, tried
from seethrough.findings.statistics import sign_flips

CASTS = "casts"
"""The way of a candidate that was seen on the thing as well."""

AS_MUCH, SURE = 0.5, 4.0
"""On the things there is so much at least of the difference beside them, in so many of its standard errors. Of casts that were planted
0.6 and more is there; of snow, sand and other scenes 0.4 and less, or it goes the other way.
"""

WHOLE = tuple(name for name in MEASURES if not name.endswith(" detail"))
"""What may lie over everything. A single level of detail is the texture of something."""

ASKED, COUNTS = 40, 0.05
"""So many finding pictures, put in and taken out each, say whether it counts beside the things: an effect with a chance below that."""


def widened(
    found: Iterable[Candidate], facts: Facts, canvas: Canvas, *, seed: int = 0, recall: Recall | None = None
) -> list[Candidate]:
    """The same candidates, those that are casts with the thing's own pixels in them.

    Parameters
    ----------
    recall
        Gives the trials that say whether one counts beside the things, as they are kept from before, or made.
    """
    return [_wide(each) if _is_cast(each, facts, canvas, seed, recall) else each for each in found]


def follows(candidate: Candidate, facts: Facts) -> bool:
    """Whether what differs beside the things of the finding pictures differs on them as well."""
    name = candidate.aspect.name
    if facts.looks_on is None or name not in WHOLE or candidate.aspect != MEASURES[name][0]:
        return False
    looks, numbers = MEASURES[name][1], facts.split.of("find")
    beside, on = (np.stack([of[look] for look in looks], 1)[numbers] for of in (facts.looks, facts.looks_on))
    known, label = np.isfinite(on).all(1), facts.classes[numbers]
    own, rival = known & (label == candidate.answer), known & np.isin(label, candidate.rivals)
    if min(own.sum(), rival.sum()) < LEAST:
        return False
    line = direction(beside[own], beside[rival])
    there, error = _apart(on[own] @ line, on[rival] @ line)
    differs, _ = _apart(beside[own] @ line, beside[rival] @ line)
    return differs > 0 and there >= AS_MUCH * differs and there >= SURE * error


def _is_cast(candidate: Candidate, facts: Facts, canvas: Canvas, seed: int, recall: Recall | None) -> bool:
    if candidate.strength < WEAK or not follows(candidate, facts):
        return False
    make = partial(tried, canvas, candidate, facts.split.of("find"), facts.classes, seed=seed, most=ASKED)
    effects = (make() if recall is None else recall(candidate, make)).effects
    return len(effects) > 0 and effects.mean() > 0 and sign_flips(effects, seed=seed) < COUNTS


def _apart(own: NDArray, rival: NDArray) -> tuple[float, float]:
    """By how much the one is more, and its standard error."""
    error = np.sqrt(own.var(ddof=1) / len(own) + rival.var(ddof=1) / len(rival))
    return float(own.mean() - rival.mean()), float(error)


def _wide(candidate: Candidate) -> Candidate:
    aspect = candidate.aspect
    assert isinstance(aspect, Look | Detail)
    return replace(candidate, aspect=replace(aspect, whole=True), ways=(*candidate.ways, CASTS))
