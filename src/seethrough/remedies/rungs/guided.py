"""Guided: the last block learns not to answer to what the fault moves, and to look at the thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate

from seethrough.remedies.pool import NOBODY
from seethrough.remedies.rung import BLOCK, Attempt, Progress, Ward
from seethrough.remedies.rungs.block import both_rows, course_of
from seethrough.remedies.rungs.choosing import balanced, exam_of
from seethrough.remedies.rungs.fitting import Last, last_of
from seethrough.remedies.rungs.tail import Rows, Tail, tail_of
from seethrough.remedies.rungs.training import Loss, Step, Trained, trained

RATE = 0.02
PENALTIES = (0.03, 0.3)
"""Times the square, in logits, of what the fault moves to first order."""

ENERGIES = (0.0, 1.0)
"""Times the share of the evidence that lies beside the thing; only where it is known where that is."""


@dataclass(frozen=True, eq=False)
class Moved:
    """What a fault moves before the block.

    Attributes
    ----------
    pattern
        (…), of one picture: the mean with the answer's aspect, less the mean with its rivals'.
    answer, rivals
        Places among the outputs that are learned.
    """

    pattern: Tensor
    answer: int
    rivals: tuple[int, ...]

    def margin(self, logits: Tensor) -> Tensor:
        """The answer's logit less the mean of its rivals', (n,)."""
        return logits[:, self.answer] - logits[:, list(self.rivals)].mean(1)


@dataclass(frozen=True)
class Guided:
    """RR-ClArC: ``cross-entropy + λ · (∇ₐ margin · v)²``, v the pattern of the aspect before the block, as what exchanging it moves
    there (Dreyer, Pahde, Anders, Samek & Lapuschkin, AAAI 2024); and where it is known where things are, the energy loss: the
    share of the evidence ``relu(∇ₐ logit · a)`` beside them (Rao, Böhle, Parchami-Araghi & Schiele, ICCV 2023). It learns from
    pictures as they are, every class alike.
    """

    name: str = "guided"
    changes: str = BLOCK

    def unfit(self, ward: Ward) -> str | None:
        if last_of(ward) is None:
            return "no_head"
        return "no_block" if tail_of(ward) is None else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last, tail = last_of(ward), tail_of(ward)
        assert last is not None and tail is not None
        exam = exam_of(ward)
        rows, chosen = both_rows(ward, tail)
        plain = np.where(rows.pool.exchanged, -1, rows.pool.classes)
        course = replace(course_of(ward, tail, last, rows, chosen, exam, balanced(plain)), traced=True)
        beside = beside_of(ward, tail, rows)
        moved = patterns(ward, last, rows, rows.pool.donor_classes)
        energies = ENERGIES if beside is not None else ENERGIES[:1]
        settings = [{"penalty": p, "energy": e} for p in PENALTIES for e in energies]
        runs: list[tuple[dict[str, Any], Trained]] = []
        for k, each in enumerate(settings):
            runs.append((each, trained(course, last.whole, loss_of(moved, beside, **each), rate=RATE)))
            if progress:
                progress(k + 1, len(settings))
        chosen_settings, best = max(runs, key=lambda run: run[1].marks.value)
        chance = np.random.default_rng([ward.seed, 37])
        others = {
            "shuffled": loss_of(
                patterns(ward, last, rows, _dealt_anew(rows.pool.donor_classes, rows.pool.exchanged, chance)),
                None if beside is None else _elsewhere(beside, chance),
                **chosen_settings,
            ),
            "plain": loss_of([], None, penalty=0.0, energy=0.0),
        }
        controls = {
            name: trained(course, last.whole, loss, rate=RATE, epochs=best.passes, choose=False).edit(last)
            for name, loss in others.items()
        }
        return Attempt(best.edit(last), {**chosen_settings, "passes": best.passes, **best.marks.to_dict()}, controls)


def loss_of(moved: Sequence[Moved], beside: Tensor | None, *, penalty: float, energy: float) -> Loss:
    """The loss of a step."""

    def loss(step: Step) -> Tensor:
        cost = cross_entropy(step.logits, step.places)
        for each in moved if penalty else ():
            slope = torch.autograd.grad(each.margin(step.logits).sum(), step.values, create_graph=True)[0]
            cost = cost + penalty * (slope * each.pattern).flatten(1).sum(1).square().mean()
        if energy and beside is not None:
            own = step.logits.gather(1, step.places[:, None]).sum()
            slope = torch.autograd.grad(own, step.values, create_graph=True)[0]
            evidence = (slope * step.values).sum(1).relu()
            off = (evidence * beside[torch.from_numpy(step.rows)]).flatten(1).sum(1)
            cost = cost + energy * (off / (evidence.flatten(1).sum(1) + 1e-9)).mean()
        return cost

    return loss


def patterns(ward: Ward, last: Last, rows: Rows, given: NDArray[np.int64]) -> list[Moved]:
    """What each fault moves before the block: over exchanged pictures, every class alike, the mean with aspects of the answer
    less the mean with its rivals' (the covariance with the aspect, over its variance).
    """
    found = []
    for column, fault in enumerate(ward.faults):
        there = rows.pool.donors[:, column] != NOBODY
        own, rival = there & (given[:, column] == fault.answer), there & np.isin(given[:, column], fault.rivals)
        if not own.any() or not rival.any():
            continue
        difference = _mean(rows, np.where(own, rows.pool.classes, -1)) - _mean(
            rows, np.where(rival, rows.pool.classes, -1)
        )
        rivals = [k for k in fault.rivals if k in last.rows]
        found.append(
            Moved(difference, int(last.places(np.array([fault.answer]))[0]), tuple(last.places(np.array(rivals)).tolist()))
        )  # fmt: skip
    return found


def _mean(rows: Rows, codes: NDArray[np.int64], at_once: int = 256) -> Tensor:
    """The mean of values, every code alike; none of a negative code."""
    weights = torch.from_numpy(balanced(codes)).float()
    total = torch.zeros(rows.values.shape[1:])
    for at in range(0, len(weights), at_once):
        part = slice(at, at + at_once)
        total += torch.tensordot(weights[part], rows.at(part), 1)
    return total


def beside_of(ward: Ward, tail: Tail, rows: Rows) -> Tensor | None:
    """How much of each place before the block lies beside the thing, float32 (n, h, w); None where nobody knows, or there are
    no places.
    """
    shape = rows.values.shape
    grid = tail.graph.grids.get(tail.before)
    if ward.facts.fore is None or len(shape) != 4 or grid is None or not grid.plain:
        return None
    fore = torch.from_numpy(ward.facts.fore[rows.pool.numbers]).float()[:, None] / 255
    return 1 - interpolate(fore, tuple(shape[2:]), mode="area")[:, 0]


def _elsewhere(beside: Tensor, chance: np.random.Generator) -> Tensor:
    """Other pictures' places, each moved by chance across the picture: as much of it, and nothing that is there."""
    moved = beside[torch.from_numpy(chance.permutation(len(beside)))]
    by = chance.integers(0, beside.shape[1:], (len(beside), 2))
    return torch.stack([each.roll((int(dy), int(dx)), (0, 1)) for each, (dy, dx) in zip(moved, by)])


def _dealt_anew(
    given: NDArray[np.int64], exchanged: NDArray[np.bool_], chance: np.random.Generator
) -> NDArray[np.int64]:
    found, rows = given.copy(), np.flatnonzero(exchanged)
    found[rows] = given[chance.permutation(rows)]
    return found
