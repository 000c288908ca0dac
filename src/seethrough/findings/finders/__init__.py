"""Finders: several independent ways to see what an answer may go by, without being told any groups; a file a way.

None of them is believed. What several see, or one sees strongly, is handed to the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from seethrough.errors import UsageError
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.background import Background
from seethrough.findings.aspects.thing import Thing
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.casts import widened
from seethrough.findings.finders.concepts import Concepts
from seethrough.findings.finders.contributions import Contributions
from seethrough.findings.finders.evidence import Evidence
from seethrough.findings.finders.explanations import Explanations
from seethrough.findings.finders.finder import FEW_CLASSES, Finder, questions, strongest
from seethrough.findings.finders.margins import Margins
from seethrough.findings.finders.places import Places
from seethrough.findings.finders.properties import Properties
from seethrough.findings.finders.slices import Slices
from seethrough.findings.finders.spectra import Spectra
from seethrough.findings.finders.things import Things
from seethrough.findings.finders.touching import Touches
from seethrough.findings.judge import Recall

__all__ = ["FINDERS", "Finder", "candidates", "refuse_unknown"]

FINDERS: dict[str, Finder] = {
    finder.name: finder
    for finder in (
        Properties(), Places(), Margins(), Evidence(), Things(), Touches(), Spectra(), Contributions(), Concepts(), Slices(), Explanations(),
    )
}  # fmt: skip
"""By name, in the order in which they are asked."""

SEEDS = 5
"""Draws of the finding pictures that each finder sees."""

OFTEN = 0.6
"""In such a share of the draws a candidate has to be there again."""

ALWAYS = "always"
"""The way of a candidate that no finder saw."""

STRONG = 0.8
"""What one way alone sees must tell answers apart so well."""

Progress = Callable[[int, int], None]


def candidates(
    facts: Facts,
    canvas: Canvas,
    finders: Sequence[Finder] | None = None,
    *,
    seeds: int = SEEDS,
    seed: int = 0,
    progress: Progress | None = None,
    recall: Recall | None = None,
) -> list[Candidate]:
    """What the finders see in the finding pictures, the strongest first: what is there again in most draws, seen by two ways
    or by one with strong effect.

    Parameters
    ----------
    recall
        Gives what was tried with finding pictures, as it is kept from before, or made.
    """
    finders = list(FINDERS.values()) if finders is None else list(finders)
    found: dict[tuple[str, str, int], list[Candidate]] = {}
    for k, finder in enumerate(finders):
        draws: dict[tuple[str, str, int], list[Candidate]] = {}
        for draw in range(seeds):
            chance = np.random.default_rng([seed, draw])
            for candidate in strongest(finder.find(facts, canvas, drawn_anew(facts, chance), chance)):
                draws.setdefault(candidate.key, []).append(candidate)
        for key, seen in draws.items():
            best = max(seen, key=lambda c: (_traits(c), c.strength))
            mean = float(np.mean([c.strength for c in seen]))
            if len(seen) / seeds >= OFTEN:
                found.setdefault(key, []).append(replace(best, strength=mean, reappeared=len(seen) / seeds))
        if progress:
            progress(k + 1, len(finders))
    whole = widened((_one(seen) for seen in found.values()), facts, canvas, seed=seed, recall=recall)
    kept = [c for c in whole if len(c.ways) > 1 or c.strength >= STRONG]
    seen_already = {c.key for c in kept}
    kept += [c for c in always(facts) if c.key not in seen_already]
    return sorted(kept, key=lambda c: -c.strength)


def always(facts: Facts) -> list[Candidate]:
    """What is judged whatever finders see: the background, where it is known where things are and classes are few. What a
    scene shows is nothing that a finder could measure for certain, and no habit is more common.
    """
    if facts.fore is None or len(facts.asked) > FEW_CLASSES:
        return []
    asked = questions(facts, facts.split.of("find"))
    return [Candidate(Background(), answer, rivals, (ALWAYS,), 0.5, 1.0, {}) for answer, rivals, _, _ in asked]


def _traits(candidate: Candidate) -> int:
    """How much of a thing was seen: what speaks for the answer, what speaks against it, or both."""
    return len(candidate.aspect.traits) if isinstance(candidate.aspect, Thing) else 1


def _one(seen: Sequence[Candidate]) -> Candidate:
    """The same candidate as several ways saw it."""
    (best,) = strongest(seen)
    ways = tuple(dict.fromkeys(way for c in seen for way in c.ways))
    numbers = {name: value for c in seen for name, value in c.numbers.items()}
    return replace(best, ways=ways, reappeared=max(c.reappeared for c in seen), numbers=numbers)


def drawn_anew(facts: Facts, chance: np.random.Generator) -> np.ndarray:
    """Finding pictures drawn anew, near-duplicates together (a bootstrap of groups)."""
    numbers = facts.split.of("find")
    group = facts.split.group[numbers]
    names = np.unique(group)
    return np.concatenate([numbers[group == name] for name in chance.choice(names, len(names))])


def refuse_unknown(names: Sequence[str]) -> None:
    """Say so where there is no finder of a name.

    Raises
    ------
    UsageError
        Names those that there are.
    """
    unknown = next((name for name in names if name not in FINDERS), None)
    if unknown is not None:
        raise UsageError(f"There is no finder {unknown!r}; there are {', '.join(FINDERS)}.")
