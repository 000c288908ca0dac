"""Block: the last block and the last layer, trained a little on pictures whose aspects were exchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from seethrough.remedies.pool import learning
from seethrough.remedies.rung import BLOCK, Attempt, Progress, Ward
from seethrough.remedies.rungs.choosing import Exam, exam_of
from seethrough.remedies.rungs.exchanged import control_rows, learned_on_exchanged, near_own, weights_of
from seethrough.remedies.rungs.fitting import Last, last_of
from seethrough.remedies.rungs.tail import Rows, Tail, rows_of, tail_of
from seethrough.remedies.rungs.training import Course, Step, Trained, trained

RATES = (0.003, 0.01, 0.03)
ORIGINALS = 0.2


@dataclass(frozen=True)
class Block:
    """Counterfactual data, as in `exchanged`, from a last layer near the network's own; what comes before the block, normalisation and
    running statistics stay as they are.
    """

    name: str = "block"
    changes: str = BLOCK

    def unfit(self, ward: Ward) -> str | None:
        if last_of(ward) is None:
            return "no_head"
        return "no_block" if tail_of(ward) is None else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last, tail = last_of(ward), tail_of(ward)
        assert last is not None and tail is not None
        exam = exam_of(ward)
        heads = learned_on_exchanged(ward, last, exam)
        rows, chosen = both_rows(ward, tail)
        course = course_of(ward, tail, last, rows, chosen, exam, weights_of(rows.pool, ORIGINALS))
        runs: list[tuple[float, Trained]] = []
        for k, rate in enumerate(RATES):
            runs.append((rate, trained(course, near_own(ward, last, exam), likelihood, rate=rate)))
            if progress:
                progress(k + 1, len(RATES))
        rate, best = max(runs, key=lambda run: run[1].marks.value)
        controls = {}
        for name, kept in control_rows(rows.pool).items():
            other = replace(course, weights=weights_of(rows.pool, ORIGINALS, kept))
            spent = trained(other, heads.controls[name], likelihood, rate=rate, epochs=best.passes, choose=False)
            controls[name] = spent.edit(last)
        said = {"rate": rate, "passes": best.passes, "pictures": len(rows.pool), **best.marks.to_dict()}
        return Attempt(best.edit(last), said, controls)


def likelihood(step: Step) -> Tensor:
    """Cross-entropy."""
    return cross_entropy(step.logits, step.places)


_rows: WeakKeyDictionary[Ward, tuple[Rows, Rows]] = WeakKeyDictionary()


def both_rows(ward: Ward, tail: Tail) -> tuple[Rows, Rows]:
    """Pictures to learn from and to choose by, up to before the block; asked once for a ward."""
    if ward not in _rows:
        _rows[ward] = rows_of(tail, learning(ward)), rows_of(tail, exam_of(ward).pool)
    return _rows[ward]


def course_of(
    ward: Ward, tail: Tail, last: Last, rows: Rows, chosen: Rows, exam: Exam, weights: NDArray[np.float64]
) -> Course:
    """What is trained and on what; of the exam those pictures for which there was room."""
    if len(chosen.pool) < len(exam.pool):
        chance = {(int(n), *map(int, d)) for n, d in zip(chosen.pool.numbers, chosen.pool.donors)}
        kept = np.array([(int(n), *map(int, d)) in chance for n, d in zip(exam.pool.numbers, exam.pool.donors)])
        exam = Exam(chosen.pool, {name: of[kept] for name, of in exam.groups.items()}, exam.usual_before)
    return Course(ward, tail, last, rows, weights, chosen, exam)
