"""Trusting: an explanation with how far to believe each of its maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seethrough.attribution import Method, Outcome
from seethrough.explanation.asked import Asked
from seethrough.graph.run import Run
from seethrough.results import Explanation
from seethrough.trust import Case, agreement, judged


def trusted(
    answer: Explanation,
    run: Run,
    outcomes: Mapping[Method, Outcome],
    layers: Mapping[Method, Sequence[str]],
    asked: Asked,
) -> Explanation:
    """The explanation, each of its maps with its verdict; the checks read the run that the maps came from, and what they
    ran themselves is counted with it.
    """
    cases = [
        Case(
            m,
            layers[m][0] if layers[m] else None,
            asked.settings[m.name],
            outcome.values.detach(),
            outcome.checks,
            again=len(layers[m]) < 2,  # a fused map is no one call of its method
        )
        for m, outcome in outcomes.items()
    ]
    verdicts = judged(run, cases, progress=asked.progress)
    attributions = {
        name: replace(attribution, trust=trust) for (name, attribution), trust in zip(answer.items(), verdicts)
    }
    return replace(answer, attributions=attributions, agreement=agreement(run, cases), passes=run.counter.passes)
