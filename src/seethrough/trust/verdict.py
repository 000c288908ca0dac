"""Verdict: what all the figures come to, by a rule that can be read.

*Carries weight*: what the map says of places is what covering them costs, better than its own shifted copies and than
maps that know nothing, it needs the network's weights, and it stays where it is. *Says nothing*: it is flat, or stays the
same without the weights, or does no better than noise. *With care*: everything between. The thresholds are few, are data,
and were chosen on the networks of `planted.CALIBRATION`; ``benchmarks/verdicts.py`` prints what lies on either side of them,
and how often the verdict is right on networks they weren't chosen on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seethrough.results import Note, Trust
from seethrough.trust.nulls import NULLS

CARRIES, CARE, NOTHING = "carries_weight", "with_care", "says_nothing"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the rule draws its lines.

    Attributes
    ----------
    cost
        Least ``faithfulness.patches`` of a map that carries weight.
    beaten, chance
        Least ``faithfulness.beaten`` of a map that carries weight; below the second, and with curves no better than
        noise, a map says nothing.
    similar
        From this ``sanity.similarity`` on a map is the same without the weights.
    stable
        Least ``stability.least`` of a map that carries weight.
    gap
        Largest ``completeness.gap`` of a map that carries weight.
    """

    cost: float = 0.5
    beaten: float = 0.95
    chance: float = 0.8
    similar: float = 0.9
    stable: float = 0.3
    gap: float = 0.2


THRESHOLDS = Thresholds()


def verdict(
    figures: Mapping[str, float], *, finite: bool = True, flat: bool = False, thresholds: Thresholds = THRESHOLDS
) -> Trust:
    """How far to believe one map, from its figures.

    Parameters
    ----------
    figures
        What was measured, by name (`faithfulness`, `sanity`, `stability`); what wasn't is absent, and counts neither for
        the map nor against it, but that without a redrawn network a map must also beat the picture's edges and centre.
    finite, flat
        Whether the map holds numbers; whether it is constant.
    """
    if not finite:
        return Trust(NOTHING, (Note("trust_not_finite", "error"),), dict(figures))
    if flat:
        return Trust(NOTHING, (Note("trust_flat", "warning"),), dict(figures))
    fatal, doubts = list(_fatal(figures, thresholds)), list(_doubts(figures, thresholds))
    said = NOTHING if fatal else CARE if doubts else CARRIES
    return Trust(said, (*fatal, *doubts, *_merits(figures, thresholds)), dict(figures))


def _fatal(figures: Mapping[str, float], at: Thresholds) -> Iterator[Note]:
    """What takes all meaning from a map."""
    similar = figures.get("sanity.similarity")
    if similar is not None and similar >= at.similar:
        yield Note("edge_detector_here", "warning", {"similarity": similar})
    chance = figures.get("faithfulness.beaten")
    if chance is not None and chance < at.chance and _nearest(figures, ("random", "blurred")):
        yield Note("no_better_than_chance", "warning", {"beaten": chance, "cost": figures["faithfulness.patches"]})


def _doubts(figures: Mapping[str, float], at: Thresholds) -> Iterator[Note]:
    """What keeps a map from carrying weight, the weightiest first."""
    cost, beaten = figures.get("faithfulness.patches"), figures.get("faithfulness.beaten")
    if cost is None or beaten is None:
        yield Note("not_checked_by_covering", "info")
    elif cost < at.cost:
        yield Note("cost_told_badly", "warning", {"cost": cost})
    elif beaten < at.beaten:
        yield Note("places_told_badly", "warning", {"beaten": beaten})
    # A map that needs the weights may coincide with the edges or the centre, where the evidence does.
    nulls = NULLS if "sanity.similarity" not in figures else ("random", "blurred")
    null = _nearest(figures, nulls)
    if null is not None:
        numbers = {"gain": figures["faithfulness.gain"], "null": figures[f"faithfulness.{null}"]}
        yield _LIKE[null](numbers)
    least = figures.get("stability.least")
    if least is not None and least < at.stable:
        yield Note("unstable", "warning", {"correlation": least})
    gap = figures.get("completeness.gap")
    if gap is not None and not gap <= at.gap:
        yield Note("adds_up_badly", "warning", {"gap": gap})


def _merits(figures: Mapping[str, float], at: Thresholds) -> Iterator[Note]:
    """What speaks for a map."""
    cost, beaten = figures.get("faithfulness.patches"), figures.get("faithfulness.beaten")
    if cost is not None and beaten is not None and cost >= at.cost and beaten >= at.beaten:
        yield Note("cost_told_well", "info", {"cost": cost, "beaten": beaten})
    if "faithfulness.gain" in figures and _nearest(figures, NULLS) is None:
        best = max(figures[f"faithfulness.{null}"] for null in NULLS)
        yield Note("beats_null_maps", "info", {"gain": figures["faithfulness.gain"], "null": best})
    similar = figures.get("sanity.similarity")
    if similar is None:
        yield Note("not_checked_without_weights", "info")
    elif similar < at.similar:
        yield Note("needs_the_weights", "info", {"similarity": similar, "rise": figures.get("sanity.rise", 0.0)})
    least = figures.get("stability.least")
    if least is None:
        yield Note("not_checked_for_stability", "info")
    elif least >= at.stable:
        yield Note("stable", "info", {"correlation": least})


_LIKE = {
    "random": lambda numbers: Note("no_better_than_noise", "warning", numbers),
    "blurred": lambda numbers: Note("no_better_than_blurred_noise", "warning", numbers),
    "centre": lambda numbers: Note("no_better_than_the_centre", "warning", numbers),
    "edges": lambda numbers: Note("no_better_than_edges", "warning", numbers),
}


def _nearest(figures: Mapping[str, float], nulls: tuple[str, ...]) -> str | None:
    """The best of these null maps, where the map's own curves are no better; None where they are, or weren't had."""
    if "faithfulness.gain" not in figures:
        return None
    best = max(nulls, key=lambda null: figures[f"faithfulness.{null}"])
    return best if figures["faithfulness.gain"] <= figures[f"faithfulness.{best}"] else None
