"""Slices: pictures that go against their class's habit, beside those that follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.background import Background
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import Cells, cells_of
from seethrough.findings.finders.finder import questions, told_apart
from seethrough.findings.finders.grouping import kinds_of
from seethrough.findings.finders.pointed import discriminant
from seethrough.findings.finders.properties import MEASURES

WEAK = 0.7
"""What tells the two slices apart no better isn't handed on."""

SURE = 2.5
"""By so many standard errors of an area under a curve it has to be above a half."""

LEAST = 4
"""Pictures of either slice with which something can be seen."""

EVEN = 0.1
"""How far a habit's direction is a plain difference of means: an easy habit shows in it, what is hard to learn doesn't."""

ROUNDS = 40
SPREAD = 0.05
"""Least variance of a slice, in units of all pictures'."""


@dataclass(frozen=True)
class Slices:
    """A head that can learn only what is easiest is fitted on the network's own features (a bias amplified; Yenamandra et al.,
    FACTS, ICCV 2023); a mixture that sees its answers and the network's mistakes (Eyuboglu et al., Domino, ICLR 2022) tells
    pictures that follow it from those that go against it. What differs between these two *within* classes as it does between
    answers is a candidate: light, colour and detail, or what lies beside the thing as a whole.
    """

    name: str = "slices"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        found = []
        cells = cells_of(facts, canvas)
        for answer, rivals, own, rival in questions(facts, np.unique(numbers)):
            both = np.concatenate([own, rival])
            both = both[np.isin(facts.classes[both], (answer, *rivals))]
            is_own = facts.classes[both] == answer
            if min(is_own.sum(), (~is_own).sum()) < LEAST:
                continue
            against = _against(facts, both, is_own, chance)
            for name, (aspect, looks) in MEASURES.items():
                table = np.stack([facts.looks[look] for look in looks], 1)[both]
                line = (table[is_own].mean(0) - table[~is_own].mean(0)) / (table.var(0) + 1e-12)
                auc = within(table @ line, is_own, against)
                if auc is not None:
                    found.append(Candidate(aspect, answer, rivals, (self.name,), auc, 1.0, {f"slices.{name}": auc}))
            auc = None if cells is None else _beside(cells, both, is_own, against)
            if auc is not None:
                measured = {"slices.against": int(against.sum())}
                found.append(Candidate(Background(), answer, rivals, (self.name,), auc, 1.0, measured))
        return found


def breaking(facts: Facts, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far each of some pictures goes against the habit of its class, (n,): how weakly the amplified head says its class, and
    how wrong the network is about it, each in units of its spread; −∞ where its class isn't known.
    """
    found = np.full(len(numbers), -np.inf)
    label = facts.classes[numbers]
    known = label >= 0
    wrong = _wrong(facts, numbers[known])
    wrong = (wrong - wrong.mean()) / (wrong.std() + 1e-9) if len(wrong) else wrong
    for k in np.unique(label[known]):
        mine = label[known] == k
        found[np.flatnonzero(known)[mine]] = (wrong - _habits(facts, numbers[known], mine))[mine]
    return found


def within(score: NDArray, is_own: NDArray[np.bool_], against: NDArray[np.bool_]) -> float | None:
    """How well a score that is higher for an answer tells those of its class that follow the habit from those that don't, and the
    other way round for its rivals, together; None where that may be chance.
    """
    gain = pairs = 0.0
    error = 0.0
    for rows, sign in ((is_own, 1), (~is_own, -1)):
        follow, break_ = score[rows & ~against] * sign, score[rows & against] * sign
        n, m = len(follow), len(break_)
        if n and m:
            gain += told_apart(follow, break_) * n * m
            error += (n * m) ** 2 * (n + m + 1) / (12 * n * m)  # the variance of Mann and Whitney's statistic
            pairs += n * m
    if not pairs or min(int(against.sum()), int((~against).sum())) < LEAST:
        return None
    auc = gain / pairs
    return float(auc) if auc >= max(WEAK, 0.5 + SURE * np.sqrt(error) / pairs) else None


def _beside(
    cells: Cells, numbers: NDArray[np.int64], is_own: NDArray[np.bool_], against: NDArray[np.bool_]
) -> float | None:
    """The same for the direction in which what lies beside the things differs most between the answers, with every thing painted
    over; each picture under a direction that was drawn without it.
    """
    kept = np.isin(numbers, cells.numbers)
    rows, own = cells.rows(numbers[kept]), is_own[kept]
    z, _ = cells.main
    free = cells.free[rows][..., None]
    mean = (z[rows] * free).sum((1, 2)) / np.maximum(free.sum((1, 2)), 1)
    score = np.zeros(len(rows))
    fold = np.arange(len(rows)) % 4
    for k in range(4):
        learn = fold != k
        if min((own & learn).sum(), (~own & learn).sum()) < LEAST:
            return None
        line = discriminant(mean[own & learn], mean[~own & learn])
        score[~learn] = (mean[~learn] - mean[learn].mean(0)) @ line / (np.std(mean[learn] @ line) + 1e-12)
    return within(score, own, against[kept])


def _against(
    facts: Facts, numbers: NDArray[np.int64], is_own: NDArray[np.bool_], chance: np.random.Generator
) -> NDArray[np.bool_]:
    """Which pictures go against their class's habit."""
    found = np.zeros(len(numbers), bool)
    for mine in (is_own, ~is_own):
        habit = _habits(facts, numbers, mine)
        found |= mine & (_mixture(facts, numbers, mine, habit, chance) > 0.5)
    return found


def _habits(facts: Facts, numbers: NDArray[np.int64], is_own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How strongly the amplified head says "own", (n,), in units of its spread among them: of mean 0 in the class. Each picture
    under a head that was fitted without it, since a head with few pictures knows each of its own.
    """
    x = facts.features[numbers].astype(np.float64)
    x = (x - x.mean(0)) / (x.std(0) + 1e-3 * max(float(x.std()), 1e-9))
    found = np.zeros(len(x))
    fold = np.arange(len(x)) % 5
    for k in range(5):
        learn = fold != k
        if (is_own & learn).any() and (~is_own & learn).any():
            line = x[is_own & learn].mean(0) - x[~is_own & learn].mean(0)
            found[~learn] = x[~learn] @ line / (np.linalg.norm(line) + 1e-12)
    return (found - found[is_own].mean()) / (found[is_own].std() + 1e-9)


def _wrong(facts: Facts, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """How wrong the network is about pictures whose class is known, (n,): what training would lessen."""
    chances = facts.answers[numbers, facts.classes[numbers]].astype(np.float64)
    return -np.log(np.clip(chances, 1e-3, 1))


def _mixture(
    facts: Facts,
    numbers: NDArray[np.int64],
    is_own: NDArray[np.bool_],
    habit: NDArray[np.float64],
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    """How likely each picture of the class is of the slice that the habit speaks against, (n,); 0 for the others. A mixture of
    two Gaussians over the habit, how wrong the network is, and the two main directions of its features.
    """
    found = np.zeros(len(numbers))
    mine = np.flatnonzero(is_own)
    if len(mine) < 2 * LEAST:
        return found
    own = numbers[mine]
    wrong = _wrong(facts, own)
    x = facts.features[own].astype(np.float64)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    main = (u * s)[:, :2]
    table = np.stack([2 * habit[mine], wrong, *main.T], 1)
    table[:, 1:] = (table[:, 1:] - table[:, 1:].mean(0)) / (table[:, 1:].std(0) + 1e-9)
    share, posterior, centres = mixture(table, chance)
    slice_ = int(centres[:, 0].argmin())
    if share[slice_] < 0.5:  # a habit is what most of the class have
        found[mine] = posterior[:, slice_]
    return found


def mixture(
    rows: NDArray[np.float64], chance: np.random.Generator, kinds: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A mixture of Gaussians with a variance for each direction, by expectation and maximization (Dempster, Laird & Rubin, 1977):
    each one's share (k,), how likely each row is of it (n, k), and the centres (k, d).
    """
    centres, of = kinds_of(rows, kinds, chance)
    k = len(centres)
    posterior = np.eye(k)[of]
    share = np.full(k, 1 / k)
    for _ in range(ROUNDS):
        weight = posterior.sum(0) + 1e-9
        share = weight / weight.sum()
        centres = posterior.T @ rows / weight[:, None]
        variance = posterior.T @ rows**2 / weight[:, None] - centres**2
        variance = np.maximum(variance, SPREAD * rows.var(0) + 1e-12)
        apart = ((rows[:, None] - centres[None]) ** 2 / variance[None] + np.log(variance)[None]).sum(2)
        logs = np.log(share) - apart / 2
        posterior = np.exp(logs - logs.max(1, keepdims=True))
        posterior /= posterior.sum(1, keepdims=True)
    return share, posterior, centres
