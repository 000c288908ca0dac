"""Whole: all weights of convolutions and linear layers trained on pictures whose aspects were exchanged."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.remedies.groups import too_few
from seethrough.remedies.pool import Pool, learning
from seethrough.remedies.rung import BLOCK, Attempt, Progress, Ward
from seethrough.remedies.rungs.block import course_of, likelihood
from seethrough.remedies.rungs.choosing import balanced, exam_of
from seethrough.remedies.rungs.exchanged import control_rows, learned_on_exchanged, near_own, weights_of
from seethrough.remedies.rungs.fitting import last_of
from seethrough.remedies.rungs.grouped import codes_of
from seethrough.remedies.rungs.tail import rows_of, tail_of
from seethrough.remedies.rungs.training import PASS, Step, trained
from seethrough.remedies.rungs.varied import narrowed, varied

EVERY = 10**6
"""Layers: as many as there are."""

RATE = 0.02
PASSES, LONG = 14, 28
"""Of large pictures so many passes, and of small ones, which take little time, so many: with these they are moved too and learned from by
twos, of which less is learned in a pass.
"""

SMALL = 96
"""Pixels a side of a small picture, at most."""

LOOKED = 2
"""After so many passes it is looked how it does."""

ORIGINALS = 0.3
"""What pictures as they are count for, of all, every pseudo-group alike: were they mostly the habit's own, then whatever tells them
from exchanged ones would tell when the habit holds. Where too few go against it they count for nothing.
"""

APART = 0.3
"""What it costs that two versions of a picture are answered otherwise."""

WALK = 3
"""A step of training takes about as long as so many forward passes."""

TRAININGS = 3
"""Its own, and one for each control."""

LONGEST = 60 * 30
"""Seconds: what would take longer on this machine isn't tried."""


@dataclass(frozen=True)
class Whole:
    """Counterfactual data, as in `exchanged`, from a last layer near the network's own, for a network whose features hang on what is wrong
    from early on. Normalisation and running statistics stay as they are.
    """

    name: str = "whole"
    changes: str = BLOCK

    def unfit(self, ward: Ward) -> str | None:
        if last_of(ward) is None:
            return "no_head"
        tail = tail_of(ward, EVERY)
        if tail is None or not tail.is_whole:
            return "no_block"
        return "too_long" if seconds_of(ward) > LONGEST else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last, tail = last_of(ward), tail_of(ward, EVERY)
        assert last is not None and tail is not None
        exam = exam_of(ward)
        heads = learned_on_exchanged(ward, last, exam)
        chance = np.random.default_rng([ward.seed, 43])
        rows = rows_of(tail, learning(ward), held=lambda own: narrowed(own, chance))
        chosen = rows_of(tail, exam.pool)
        course = course_of(ward, tail, last, rows, chosen, exam, by_group(ward, rows.pool))
        how, small = varied(ward, tail, rows.pool), are_small(ward)
        how = how if small else replace(how, moved=0)
        course = replace(course, varied=how, levelled=True, steady=True, paired=small)
        loss = alike if small else likelihood
        best = trained(
            course,
            near_own(ward, last, exam),
            loss,
            rate=RATE,
            epochs=passes_of(ward),
            every=LOOKED,
            progress=progress,
        )
        controls = {}
        for name, kept in control_rows(rows.pool).items():
            other = replace(
                course, weights=weights_of(rows.pool, ORIGINALS, kept)
            )  # classes alike, groups as they come
            spent = trained(other, heads.controls[name], loss, rate=RATE, epochs=best.passes, choose=False)
            controls[name] = spent.edit(last)
        said = {
            "rate": RATE, "passes": best.passes, "pictures": len(rows.pool), "mirrored": how.mirrored, "lit": how.lit, "moved": how.moved,
            **best.marks.to_dict(),
        }  # fmt: skip
        return Attempt(best.edit(last), said, controls)


def alike(step: Step) -> Tensor:
    """Cross-entropy, and what it costs that two versions of a picture are answered otherwise: the divergence of the one's probabilities
    from the other's, both ways.
    """
    one, other = step.logits.log_softmax(1).chunk(2)
    return likelihood(step) + APART * ((one.exp() - other.exp()) * (one - other)).sum(1).mean()


def by_group(ward: Ward, pool: Pool) -> NDArray[np.float64]:
    """A weight for each picture, (n,), adding up to 1: exchanged ones as in `exchanged`, of those as they are every group alike."""
    changed = weights_of(pool, 0.0)
    if too_few(ward):
        return changed
    codes = np.full(len(ward.facts), -1)
    codes[ward.learn] = codes_of(ward)
    plain = balanced(np.where(pool.exchanged, -1, codes[pool.numbers]))
    return ORIGINALS * plain + (1 - ORIGINALS) * changed if plain.any() else changed


def are_small(ward: Ward) -> bool:
    """Whether pictures are small: what they are given more of goes by their size, so that the same call learns the same on any machine."""
    return max(ward.canvas.load(ward.learn[:1]).x.shape[2:]) <= SMALL


def passes_of(ward: Ward) -> int:
    """How many passes there are at most."""
    return LONG if are_small(ward) else PASSES


def seconds_of(ward: Ward) -> float:
    """About how long it would take here, by what a few pictures take."""
    x = ward.canvas.load(ward.learn[:8]).x
    ward.canvas.ask(x)
    began = time.perf_counter()
    ward.canvas.ask(x)
    return (time.perf_counter() - began) / len(x) * WALK * TRAININGS * passes_of(ward) * PASS
