"""Budget: what a time buys — how fine each method may be, and which are left out.

A forward and a walk back of this network are timed once; each method says how many it runs with which settings
(`Method.passes`). All dials start at their cheapest value and are turned up in turn, the cheapest turn first, as long as
the time allows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seethrough.attribution import Facts, Method
from seethrough.explanation.asked import Asked
from seethrough.graph.run import Run
from seethrough.results import Note

TRUST_SHARE = 0.5
"""Of a budget, so much is kept for the checks where trust is asked too."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that one image takes forward, and back on top of it."""

    forward: float
    backward: float

    def seconds(self, method: Method, settings: Mapping[str, Any], facts: Facts) -> float:
        """What a method takes for one image."""
        passes = method.passes(settings, facts)
        return passes.forward * self.forward + passes.backward * self.backward


def pace(run: Run) -> Pace:
    """Timed on as many versions of the first image as methods send through at once."""
    images = run.images.repeat(run.versions, *[1] * (run.images.dim() - 1))
    run.score(images)  # the first of a batch size proves the graph at it, once
    start = time.perf_counter()
    run.score(images)
    there = time.perf_counter()
    forward = (there - start) / len(images)
    try:
        run.at(images).gradient()
    except RuntimeError:
        return Pace(forward, 0.0)  # no gradient: the methods that need one were left out already
    both = (time.perf_counter() - there) / len(images)
    return Pace(forward, max(both - forward, forward))


def spent(
    asked: Asked, methods: Sequence[Method], facts: Mapping[str, Facts], rate: Pace
) -> tuple[Asked, list[Method], list[Note]]:
    """The question with the settings that the budget buys, the methods that fit into it, and what is to be said.

    Methods that the person named stay, at their cheapest where need be, and it is said that they take longer; of others
    the dearest are left out.
    """
    budget = (asked.budget or 0) * (1 - TRUST_SHARE * asked.trust)
    free = {m.name: m.dial for m in methods if m.dial is not None and m.dial.setting not in asked.settings[m.name]}
    levels = dict.fromkeys(free, 0)

    def seconds(m: Method, level: int | None) -> float:
        dial = free.get(m.name)
        turned = {} if dial is None or level is None else {dial.setting: dial.values[level]}
        return rate.seconds(m, {**asked.settings[m.name], **turned}, facts[m.name])

    costs = {m.name: seconds(m, levels.get(m.name)) for m in methods}
    kept, notes = list(methods), []
    for m in sorted(methods, key=lambda m: -costs[m.name]):
        if sum(costs[k.name] for k in kept) <= budget or m.name not in asked.optional or len(kept) == 1:
            continue
        kept.remove(m)
        notes.append(Note("over_budget", "info", {"method": m.name, "seconds": costs[m.name]}))
    total = sum(costs[m.name] for m in kept)
    while turns := [
        (seconds(m, levels[m.name] + 1) - costs[m.name], levels[m.name], m)
        for m in kept
        if m.name in levels and levels[m.name] + 1 < len(free[m.name].values)
    ]:
        affordable = [turn for turn in turns if total + turn[0] <= budget]
        if not affordable:
            break
        more, level, m = min(affordable, key=lambda turn: (turn[1], turn[0]))
        levels[m.name], costs[m.name], total = level + 1, costs[m.name] + more, total + more
    settings = {**asked.settings}
    for m in kept:
        if m.name in levels:
            dial = free[m.name]
            settings[m.name] = {**settings[m.name], dial.setting: dial.values[levels[m.name]]}
    bought = ", ".join(
        f"{m.name} {free[m.name].setting}={settings[m.name][free[m.name].setting]}" for m in kept if m.name in levels
    )
    level = "info" if total <= budget else "warning"
    name = "budget_bought" if total <= budget else "budget_exceeded"
    numbers = {"seconds": total, "budget": asked.budget, "settings": bought or "nothing to turn"}
    return replace(asked, settings=settings), kept, [Note(name, level, numbers), *notes]
