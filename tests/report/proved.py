"""A proof made by hand: every state that a finding can come to, of networks that aren't asked; numbers as a proof would give them."""

from dataclasses import replace

import numpy as np
from audited import ASPECTS, trials

from seethrough.findings.aspect import Candidate
from seethrough.findings.judge import NOT_FOUND, PROVEN, Finding
from seethrough.findings.statistics import Interval
from seethrough.jobs import Passed
from seethrough.remedies.follow import GONE, LESS, NEW, NOTHING, STRONGER, Followed
from seethrough.remedies.measure import (
    AFTER,
    BEFORE,
    RIGHT,
    WORST_CLASS,
    WORST_GROUP,
    WORST_SLICE,
    Part,
    Row,
    Versus,
)
from seethrough.remedies.proof import IMPROVED, Pair, Proof
from seethrough.results import Note

LABELS = ("<i>snow</i> leopard", "Arabian leopard")
STATES = (GONE, LESS, STRONGER, NEW, NOTHING)
SIDE, N = 24, 20


def share(value, n=60):
    return Interval(value, max(0.0, value - 0.1), min(1.0, value + 0.08), n)


def versus(name, before, after, part, other=None):
    change = Interval(after - before, after - before - 0.1, after - before + 0.1, 60)
    return Versus(
        name, share(before), share(after), change, 0.0001, 24, 2, part, other or part,
        {"plain": share(before + 0.02), "shuffled": share(before)}, {"plain": change, "shuffled": change},
    )  # fmt: skip


def finding(aspect, effect):
    verdict = PROVEN if effect > 9 else NOT_FOUND
    flips = 0.6 if effect > 30 else 0.05
    candidate = Candidate(aspect, 1, (0,), ("places",), 0.9, 1.0, {})
    return Finding(candidate, trials(), Interval(effect, effect - 4, effect + 4, N), 0.001, 0.01, verdict, flips, 0.05)


def followed():
    effects = ((54, 2), (40, 15), (10, 30), (0.4, 25), (0.3, 0.2))
    for k, (aspect, state, (one, other)) in enumerate(zip(ASPECTS, STATES, effects)):
        moved = Interval(other - one, other - one - 3, other - one + 3, N)
        number, fault = (None if state == NEW else k + 1), k < 2
        controls = {"plain": Interval(one - 2, one - 6, one + 2, N)} if fault else {}
        yield Followed(
            number, fault, finding(aspect, one), finding(aspect, other), moved, 0.0002, 0.001, state, controls
        )


def pairs(count=6):
    pixels = np.random.default_rng(0).integers(0, 255, (2 * count, SIDE, SIDE, 3), np.uint8)
    return tuple(
        Pair(
            f"fresh/<b>{k}</b>.png",
            LABELS[0],
            pixels[2 * k],
            pixels[2 * k + 1],
            {BEFORE: (0.97, 0.12), AFTER: (0.98, 0.95)},
        )
        for k in range(count)
    )


def proved(verdict=IMPROVED, reason="gain", groups=True, **changes):
    """The proof; ``groups`` whether a person knows some."""
    every, snow, desert = Part("all"), Part("class", 0), Part("class", 1)
    other, side, group = Part("slice", 0, "other", 0), Part("side", 1, "own", 1), Part("group", 0, "in the desert")
    figures = [
        versus(RIGHT, 0.93, 0.95, every), versus(WORST_CLASS, 0.9, 0.94, snow, desert),
        versus(WORST_SLICE, 0.3, 0.9, other, side), *([versus(WORST_GROUP, 0.35, 0.91, group)] if groups else []),
    ]  # fmt: skip
    right = {BEFORE: 0.3, AFTER: 0.9, "plain": 0.32, "shuffled": 0.3}
    several = Part("slice", -2, "own", 1)
    small = Row(several, 4, {BEFORE: 0.5, AFTER: 0.75})
    rows = tuple(Row(part, 60, right) for part in (every, snow, desert, other, side, group))
    return replace(
        Proof(
            verdict=verdict, reason=reason, figures=tuple(figures), rows=(*rows, small), followed=tuple(followed()),
            pairs=(pairs(), pairs(2), (), (), ()), labels=LABELS, count=120, own_part=False, controls=("plain", "shuffled"),
            passed=(Passed(3, "broken.png", "It is cut off."),), notes=(Note("few_proofs", "info", {"count": 80}),),
            provenance={"before": {"network": "my.keras"}, "after": {"network": "/tmp/repaired.keras"}},
        ),
        **changes,
    )  # fmt: skip
