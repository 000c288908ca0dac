"""What is read from two maps of one method side by side: a sentence, and the map of their difference."""

from __future__ import annotations

import math

from seethrough.attribution.evidence import EVERYWHERE, evidence_of
from seethrough.explanation.compare import TARGETS, Comparison
from seethrough.show.colour import scale_of
from seethrough.show.compare_words import ALIKE, CORRELATED, ENDS, FLAT, GAP, HAS_MORE, LIMITS, NO_GAP, PAGE, UNIT
from seethrough.show.language import Both, Text, plain
from seethrough.show.reading import Reading, limits_words
from seethrough.show.words import REGIONS, MethodWords

LONGEST = 36
"""Of a side's name; longer ones lose their beginning, since paths and networks differ at their end."""


def side(name: str) -> str:
    """A side's name in a line."""
    said = plain(name, longest=2000)
    return said if len(said) <= LONGEST else "…" + said[1 - LONGEST :]


def title(comparison: Comparison) -> Text:
    """The question of a whole comparison."""
    pairs = set(comparison.names)
    if comparison.of == TARGETS and len(pairs) > 1:
        return PAGE["title_many"].fill(count=len(comparison.pictures))
    first, second = map(side, comparison.names[0])
    return PAGE[f"title_{comparison.of}"].fill(first=first, second=second)


def differ(comparison: Comparison, method: str, image: int) -> Both:
    """How alike two maps are, and where they differ most."""
    difference = comparison.differences[method]
    first, second = map(side, comparison.names[image])
    correlation = float(difference.correlation[image])
    if math.isnan(correlation):
        return FLAT
    how = next(name for limit, name in LIMITS if correlation >= limit)
    alike = CORRELATED.fill(how=ALIKE[how], correlation=correlation)
    region, (one, other) = difference.region[image], difference.shares[image]
    if region == EVERYWHERE:
        apart = NO_GAP
    else:
        apart = GAP.fill(region=REGIONS[region], first=first, second=second, one=one, other=other)
    return Both(f"{alike.en} {apart.en}", f"{alike.zh}{apart.zh}")


def difference_reading(comparison: Comparison, method: str, image: int) -> Reading:
    """The map of a difference, ready to be drawn as any other."""
    difference = comparison.differences[method]
    first, second = map(side, comparison.names[image])
    values, seen = difference.map[image], difference.seen[image]
    evidence = evidence_of(values, signed=True, seen=seen)
    scale = None if evidence.flat else scale_of(values, signed=True, seen=seen)
    return Reading(
        method=f"{method} difference",
        words=MethodWords(PAGE["difference"], Both("", "")),
        layer=None,
        target="",
        values=values,
        seen=seen,
        evidence=evidence,
        scale=scale,
        sentence=HAS_MORE.fill(first=first, second=second),
        ends=ENDS.fill(first=first, second=second),
        limits=limits_words(scale),
        unit=UNIT,
        signed=True,
        notes=(),
    )
