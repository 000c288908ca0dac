"""Judged: all checks on the maps of a run, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from seethrough.graph.run import Run
from seethrough.results import Trust
from seethrough.trust.faithfulness import faithfulness
from seethrough.trust.maps import Case, is_flat
from seethrough.trust.road import road as road_of
from seethrough.trust.sanity import Redrawn, sanity
from seethrough.trust.stability import Varied, stability
from seethrough.trust.verdict import verdict

Progress = Callable[[str, int, int], None]
"""Told the check's name, steps done, steps in all."""

GAPS = ("completeness", "conservation")
"""Checks in which a method says itself how far its map is from adding up to the answer (``gaps``, one an image)."""


def judged(
    run: Run, cases: Sequence[Case], *, seed: int = 0, road: bool = False, progress: Progress | None = None
) -> list[tuple[Trust, ...]]:
    """How far to believe each map of each picture.

    Parameters
    ----------
    run
        The question that the maps answer; what the checks ask is counted with it.
    cases
        The maps. What they have in common (the answers to covered pictures, the null maps' curves, the network with
        weights drawn anew) is had once.
    seed
        Of everything that is drawn.
    road
        Also measure ROAD (Rong et al., 2022), at 2 · `len(road.SHARES)` forwards a map more.
    progress
        Told the check's name, steps done and steps in all.

    Returns
    -------
    For each case a `Trust` an image.
    """
    if not cases:
        return []
    figures: list[list[dict[str, float]]] = [[{} for _ in range(len(run.images))] for _ in cases]

    def told(name: str) -> Callable[[int, int], None] | None:
        return None if progress is None else partial(progress, name)

    def add(found: Sequence[Sequence[dict[str, float]]]) -> None:
        for known, more in zip(figures, found):
            for mine, new in zip(known, more):
                mine.update(new)

    if run.images.dim() == 4:
        add(faithfulness(run, cases, seed=seed, progress=told("faithfulness")))
        if road:
            add(road_of(run, cases, seed=seed, progress=told("road")))
    other, varied = Redrawn(run, seed), Varied(run, seed) if any(case.again for case in cases) else None
    for k, case in enumerate(cases):
        add_to = figures[k]
        for mine in add_to:
            mine.update(sanity(case, run, other))
        for mine, new in zip(add_to, stability(case, run, varied) if varied else []):
            mine.update(new)
        _add_gaps(case, add_to)
        if progress:
            progress("sanity", k + 1, len(cases))
    return [tuple(_trust(case, i, mine, run) for i, mine in enumerate(figures[k])) for k, case in enumerate(cases)]


def _trust(case: Case, image: int, figures: dict[str, float], run: Run) -> Trust:
    m = case.on_grid(tuple(run.images.shape[2:]))[image].numpy()
    return verdict(figures, finite=bool(np.isfinite(m).all()), flat=is_flat(m))


def _add_gaps(case: Case, figures: Sequence[dict[str, float]]) -> None:
    for name in GAPS:
        numbers = case.checks.get(name, {})
        gaps = numbers.get("gaps", numbers.get("gap"))
        for i, mine in enumerate(figures):
            gap = gaps[i] if isinstance(gaps, list) and i < len(gaps) else gaps
            if isinstance(gap, (int, float)):
                mine[f"{name}.gap"] = float(gap)
