"""Training: the last block and the rows of the last layer, a few passes, stopped where pictures that aren't learned from say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.remedies.rung import Edit, Progress, Ward
from seethrough.remedies.rungs.choosing import Exam, Marks
from seethrough.remedies.rungs.fitting import Last, Linear, as_tensor
from seethrough.remedies.rungs.levels import level_of
from seethrough.remedies.rungs.tail import Rows, Tail, features_of
from seethrough.remedies.rungs.varied import Varied

EPOCHS = 8
PATIENCE = 4
"""Passes without anything gained, after which it ends."""

AVERAGED = 0.95
"""What is kept after each step is the weights' running mean, of which so much is what it was: single steps jump about."""

BATCH = 64
PASS = 1024
"""Pictures drawn for a pass, whatever there are."""

ANCHOR = 0.1
"""What it costs where outputs that no picture belongs to, or the height of the others beside them, leave their place: times
the mean square of the distance.
"""

Loss = Callable[["Step"], Tensor]


@dataclass(frozen=True, eq=False)
class Step:
    """What a loss is given.

    Attributes
    ----------
    rows
        int64 (n,): which of the pictures.
    values
        What comes before the block, (n, …).
    logits
        (n, C): of the outputs that are learned.
    places
        (n,): to which of them each picture belongs.
    """

    rows: NDArray[np.int64]
    values: Tensor
    logits: Tensor
    places: Tensor


@dataclass(frozen=True, eq=False)
class Trained:
    """A block and a last layer.

    Attributes
    ----------
    weights
        Of the block, by path.
    whole
        The last layer, all K rows.
    marks
        On the pictures to choose by.
    passes
        How many it took; 0 where what it began with is best.
    """

    weights: dict[str, Tensor]
    whole: Linear
    marks: Marks
    passes: int

    def edit(self, last: Last) -> Edit:
        """The change that it is."""
        return Edit(weights={**(self.weights if self.passes else {}), **last.edit(self.whole).weights})


@dataclass(frozen=True, eq=False)
class Course:
    """What is trained, and on what.

    Attributes
    ----------
    rows, weights
        Pictures to learn from, and how often each is drawn, (n,), adding up to 1.
    chosen, exam
        Pictures to choose by, and their groups.
    varied
        How pictures that are learned from vary from step to step; only where the tail is whole.
    levelled
        What the outputs begin with is set by the pictures to choose by (`level_of`): exchanged pictures are no everyday ones, and
        who learned from them may be readier to give one of the answers.
    steady
        Every filter keeps its length: what normalises behind it stays as it is and counts on that, and with it larger steps learn
        more instead of less; and steps grow through the first pass.
    paired
        With each picture that is drawn another version of it is, if there is one: behind all that are drawn, in the same order.
    traced
        The loss takes gradients of what comes before the block; else they aren't had.
    """

    ward: Ward
    tail: Tail
    last: Last
    rows: Rows
    weights: NDArray[np.float64]
    chosen: Rows
    exam: Exam
    varied: Varied | None = None
    levelled: bool = False
    steady: bool = False
    paired: bool = False
    traced: bool = False

    def marked(self, weights: Mapping[str, Tensor], whole: Linear) -> tuple[Linear, Marks]:
        """The marks of a block and last layer; and that layer, levelled where it is to be."""
        logits = whole(features_of(self.tail, self.chosen, weights))
        if self.levelled and self.last.has_bias:
            more = level_of(self.exam, logits)
            whole, logits = Linear(whole.weight, whole.bias + more), logits + more
        return whole, self.exam.marks(logits)


def trained(
    course: Course,
    start: Linear,
    loss: Loss,
    *,
    rate: float,
    epochs: int = EPOCHS,
    choose: bool = True,
    every: int = 1,
    progress: Progress | None = None,
) -> Trained:
    """Train, in steps that grow smaller, and keep what does best on the pictures to choose by (the beginning too).

    Parameters
    ----------
    start
        The last layer to begin with, all K rows.
    rate
        A step, in parts of a parameter's own width (its root mean square), so that it means the same everywhere.
    choose
        Keep the best pass; else the last of ``epochs``, as for a control.
    every
        After so many passes it is looked how it does, and after the last.
    """
    tail, last = course.tail, course.last
    chance = np.random.default_rng([course.ward.seed, 31])
    block = {path: p.clone(memory_format=torch.preserve_format).requires_grad_(True) for path, p in tail.own.items()}
    matrix, bias = (as_tensor(each).requires_grad_(True) for each in (start.weight[last.rows], start.bias[last.rows]))
    learned = [*block.values(), matrix, *([bias] if last.has_bias else [])]
    mean = {id(p): p.detach().clone(memory_format=torch.preserve_format) for p in (*learned, bias)}
    steps = max(1, epochs * -(-PASS // BATCH))
    optimizer = torch.optim.Adam([{"params": [p], "lr": rate * _width(p)} for p in learned])
    rising = PASS // BATCH if course.steady else 1
    slower = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.0, 1 - step / steps) * min(1.0, (step + 1) / rising)
    )
    places = torch.from_numpy(last.places(course.rows.pool.classes))
    others = _others(last)

    with torch.no_grad():
        filters = [(each, _lengths(each)) for each in tail.filters(block)] if course.steady else []

    def now(passes: int) -> Trained:
        weights = {path: mean[id(p)].clone(memory_format=torch.preserve_format) for path, p in block.items()}
        whole = Linear(start.weight.copy(), start.bias.copy())
        whole.weight[last.rows], whole.bias[last.rows] = mean[id(matrix)].double(), mean[id(bias)].double()
        return Trained(weights, *course.marked(weights, whole), passes)

    others_of = another_version(course.rows.pool.numbers, course.weights, chance) if course.paired else None
    best = found = now(0)
    done = 0
    while done < epochs:
        if done and course.ward.deadline is not None and time.monotonic() > course.ward.deadline:
            break
        drawn = PASS if others_of is None else PASS // 2
        order = chance.choice(len(course.weights), drawn, p=course.weights)
        for rows in np.split(order, PASS // BATCH):
            rows = rows if others_of is None else np.concatenate([rows, others_of(rows)])
            optimizer.zero_grad()
            with torch.enable_grad():
                values = course.rows.at(rows)
                if course.varied is not None:
                    values = course.varied(rows, values, chance)
                values.requires_grad_(course.traced)
                features = tail.features(values, block).float()
                logits = features @ matrix.T + bias
                cost = loss(Step(rows, values, logits, places[torch.from_numpy(rows)]))
                if others is not None:
                    cost = cost + ANCHOR * _left(course.rows.pool.logits[rows], features, logits, last, others)
                cost.backward()
            optimizer.step()
            slower.step()
            with torch.no_grad():
                for each, length in filters:
                    each.mul_(length / _lengths(each).clamp_min(1e-12))
            for p in learned:
                mean[id(p)].lerp_(p.detach(), 1 - AVERAGED)
        done += 1
        if progress:
            progress(done, epochs)
        if choose and done % every == 0:
            found = now(done)
            best = _better(best, found)
            if done - best.passes >= max(PATIENCE, epochs // 2):
                break
    found = found if found.passes == done else now(done)
    return _better(best, found) if choose else found


def another_version(
    numbers: NDArray[np.int64], weights: NDArray[np.float64], chance: np.random.Generator
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """For rows, by chance other rows of the same pictures; the row itself where there is no other that is learned from."""
    used = np.flatnonzero(weights > 0)
    order = used[np.argsort(numbers[used], kind="stable")]
    first, last = (np.searchsorted(numbers[order], numbers, side=side) for side in ("left", "right"))
    place = np.zeros(len(numbers), np.int64)
    place[order] = np.arange(len(order))

    def others(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        many = last[rows] - first[rows]
        further = 1 + np.floor(chance.random(len(rows)) * (many - 1).clip(min=0)).astype(np.int64)
        return order[first[rows] + (place[rows] - first[rows] + np.where(many > 1, further, 0)) % many]

    return others


def _better(best: Trained, found: Trained) -> Trained:
    return found if found.marks.value > best.marks.value + 1e-9 else best


def _lengths(filters: Tensor) -> Tensor:
    """(O, 1, …), of filters (O, …)."""
    return filters.flatten(1).norm(dim=1).reshape(-1, *[1] * (filters.dim() - 1))


def _width(parameter: Tensor) -> float:
    """Its root mean square; of a parameter that is 0, a tenth."""
    found = float(parameter.detach().float().square().mean().sqrt())
    return found if found > 0 else 0.1


def _others(last: Last) -> tuple[NDArray[np.int64], Tensor, Tensor] | None:
    """Outputs that no picture belongs to, and their rows; None where there are none."""
    at = np.setdiff1d(np.arange(len(last.whole.weight)), last.rows)
    return (at, as_tensor(last.whole.weight[at]), as_tensor(last.whole.bias[at])) if len(at) else None


def _left(
    before: NDArray, features: Tensor, logits: Tensor, last: Last, others: tuple[NDArray[np.int64], Tensor, Tensor]
) -> Tensor:
    """How far outputs that aren't learned, and the height of those that are, have left their place, squared."""
    at, weight, bias = others
    was, height = as_tensor(before[:, at]), as_tensor(before[:, last.rows]).logsumexp(1)
    return (features @ weight.T + bias - was).square().mean() + (logits.logsumexp(1) - height).square().mean()
