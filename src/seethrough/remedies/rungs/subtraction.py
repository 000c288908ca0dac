"""Subtraction: what a fault adds to an answer is taken off it again, without any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.remedies.pool import NOBODY, Pool, involved, learning
from seethrough.remedies.rung import WRAPPED, Attempt, Edit, Progress, Ward
from seethrough.remedies.rungs.choosing import balanced, best_of, exam_of
from seethrough.remedies.rungs.fitting import Last, as_tensor, last_of
from seethrough.remedies.rungs.wrapped import at_their_height

PROJECTED, ESTIMATED, LEADING = "projected", "estimated", "leading"
"""How much of a fault there is: by projection on what it moves; by regression; and, for a control, by what varies most."""

STRENGTHS = (0.5, 1.0, 1.5)
RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class Subtracted:
    """The wrapper: ``logit_k − s · f(φ · r + c)`` for each of M amounts, f the amount itself or what of it is above 0.

    Attributes
    ----------
    slopes, offsets
        float32 (M, D) and (M,): how an amount, in units of the logit, is read from features.
    outputs
        (M,): from which output it is taken.
    rows
        The outputs whose sum of exponentials stays what it was, so that no other output wins or loses.
    strength
        s.
    above
        Only what is above 0, which speaks for the output.
    """

    slopes: Tensor
    offsets: Tensor
    outputs: tuple[int, ...]
    rows: tuple[int, ...]
    strength: float
    above: bool

    def __call__(self, features: Tensor, logits: Tensor) -> Tensor:
        amounts = features @ self.slopes.to(features).T + self.offsets.to(features)
        amounts = self.strength * (amounts.clamp(min=0) if self.above else amounts)
        return at_their_height(logits, self.rows, lambda z: _taken(z, amounts, self.outputs))


def _taken(logits: Tensor, amounts: Tensor, outputs: tuple[int, ...]) -> Tensor:
    found = logits.clone()
    for column, output in enumerate(outputs):
        found[:, output] = found[:, output] - amounts[:, column].to(found)
    return found


@dataclass(frozen=True)
class Subtraction:
    """A component of an output's contributions ``w_k · φ`` is taken off where it speaks for the output, as of spurious components
    in SpuFix (Neuhaus, Augustin, Boreiko & Hein, ICCV 2023); the component is what an exchange of the aspect moves, instead of
    one that a person picks among principal components.
    """

    name: str = "subtraction"
    changes: str = WRAPPED

    def unfit(self, ward: Ward) -> str | None:
        return "no_head" if last_of(ward) is None else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last = last_of(ward)
        assert last is not None
        pool, exam = learning(ward), exam_of(ward)
        features, logits = as_tensor(exam.pool.features), as_tensor(exam.pool.logits)
        tried = [
            {"amount": amount, "above": above, "strength": strength}
            for strength in STRENGTHS
            for amount in (PROJECTED, ESTIMATED)
            for above in (True, False)
        ]

        def make(each: dict[str, Any], how: str | None = None, changed: Pool = pool) -> Subtracted:
            slopes, offsets, outputs = amounts_of(ward, last, changed, how or each["amount"])
            rows = tuple(int(k) for k in last.rows)
            return Subtracted(slopes, offsets, outputs, rows, each["strength"], each["above"])

        settings, wrapper, marks = best_of(
            ward, tried, make, lambda w: exam.marks(w(features, logits).numpy()),
            None if progress is None else lambda done: progress(done, len(tried)),
        )  # fmt: skip
        chance = np.random.default_rng([ward.seed, 23])
        controls = {
            "shuffled": Edit(wrapper=make(settings, changed=_dealt_anew(pool, chance))),
            "plain": Edit(wrapper=make(settings, how=LEADING)),
        }
        return Attempt(Edit(wrapper=wrapper), {**settings, **marks.to_dict()}, controls)


def amounts_of(ward: Ward, last: Last, pool: Pool, how: str) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """How much each fault adds to each output between which it decides: slopes (M, D), offsets (M,), and the M outputs. What an
    output gets is counted against the mean of those that pictures belong to, which alone decides between them.
    """
    own = last.own.weight - last.own.weight.mean(0)
    slopes, offsets, outputs = [], [], []
    for column, fault in enumerate(ward.faults):
        rows = np.flatnonzero(pool.donors[:, column] != NOBODY)
        if not len(rows):
            continue
        phi = pool.features[rows].astype(np.float64)
        given, classes = pool.donor_classes[rows, column], pool.classes[rows]
        even = balanced(classes * (int(given.max()) + 1) + given)
        mean = even @ phi
        for k in involved(fault):
            if not (given == k).any() or (given == k).all():
                continue
            w = own[int(last.places(np.array([k]))[0])]
            if how == LEADING:
                slope = _projection(w, _leading(w * (pool.features[~pool.exchanged] - mean)))
            else:
                moved = _mean(phi, even * (given == k)) - _mean(phi, even * (given != k))
                slope = _projection(w, w * moved) if how == PROJECTED else _estimate(w, moved, phi, given == k, even)
            slopes.append(slope)
            offsets.append(-float(mean @ slope))
            outputs.append(k)
    return as_tensor(np.array(slopes)), as_tensor(np.array(offsets)), tuple(outputs)


def _mean(phi: NDArray, weights: NDArray) -> NDArray[np.float64]:
    return weights @ phi / weights.sum()


def _projection(w: NDArray, direction: NDArray) -> NDArray[np.float64]:
    """What a component of the contributions ``w · φ`` along a direction adds to the output, as a slope over φ."""
    length = float(np.linalg.norm(direction))
    v = direction / length if length > 0 else direction
    return float(v.sum()) * v * w


def _leading(contributions: NDArray) -> NDArray[np.float64]:
    """The first principal component, with the sign with which it speaks for the output."""
    centred = contributions - contributions.mean(0)
    v = np.linalg.svd(centred, full_matrices=False)[2][0]
    return v if v.sum() >= 0 else -v


def _estimate(
    w: NDArray, moved: NDArray, phi: NDArray, there: NDArray[np.bool_], weights: NDArray
) -> NDArray[np.float64]:
    """What tells from features whether the aspect was given, by ridge regression, as a slope over φ; so large that what is read
    of a move is what the move adds to the output.
    """
    mean = weights @ phi
    spread = np.sqrt(weights @ (phi - mean) ** 2)
    spread = np.where(spread > 1e-6 * max(float(spread.max()), 1e-12), spread, np.inf)
    x = (phi - mean) / spread
    t = there - float(weights @ there)
    if x.shape[1] <= len(x):
        square = (x * weights[:, None]).T @ x
        found = np.linalg.solve(square + RIDGE * np.eye(len(square)), x.T @ (weights * t))
    else:  # the same by the pictures' products, of which there are fewer than features
        root = np.sqrt(weights)[:, None] * x
        found = root.T @ np.linalg.solve(root @ root.T + RIDGE * np.eye(len(x)), np.sqrt(weights) * t)
    read = float(found / spread @ moved)
    return (found / spread) * (float(w @ moved) / read if abs(read) > 1e-12 else 0.0)


def _dealt_anew(pool: Pool, chance: np.random.Generator) -> Pool:
    """The donors' classes of exchanged pictures dealt out anew, so that what they move is chance."""
    given = pool.donor_classes.copy()
    for column in range(given.shape[1]):
        rows = np.flatnonzero(pool.donors[:, column] != NOBODY)
        given[rows, column] = given[chance.permutation(rows), column]
    return Pool(pool.features, pool.logits, pool.numbers, pool.classes, pool.donors, given, pool.ways)
