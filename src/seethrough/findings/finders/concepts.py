"""Concepts: traits that return at places of many pictures, found as non-negative factors of a layer's values, and how much each
counts (Fel et al., CRAFT, CVPR 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import Cells, cells_of
from seethrough.findings.finders.finder import both_ways, strongest, told_apart
from seethrough.findings.finders.placed import aspect_of_trait
from seethrough.findings.inside import Inside

CONCEPTS = 10
"""Of the pictures of an answer and its rivals."""

ROUNDS = 40
PLACES = 2500
"""Of which factors are learned."""

WEAK = 0.62
"""What tells answers apart no better isn't handed on."""

CONTEXT = 0.7
"""Of a concept, the part that lies beside the things of the answer's pictures."""

COUNTS = 0.05
"""Of the answer's variance a concept takes part in so much, or it is left out."""

DESIGNS, ASKED = 16, 6
"""In so many ways concepts are dimmed, on so many pictures."""

TOGETHER = 16

TINY = 1e-12
"""Taken for nothing: smaller numbers would take many times as long to multiply."""


@dataclass(frozen=True)
class Concepts:
    """A concept that tells answers apart, lies mostly beside the thing and counts for the answer is a candidate: as a thing, a
    region or the background, by where it lies.
    """

    name: str = "concepts"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        cells = cells_of(facts, canvas)
        if cells is None:
            return []
        found: list[Candidate] = []
        for answer, rivals, own, rival, against in both_ways(facts, np.unique(numbers)):
            mine, theirs = cells.rows(own), cells.rows(rival)
            if min(len(mine), len(theirs)) < 2:
                continue
            values = _some(cells.plain[np.concatenate([mine, theirs])], chance)
            traits = factors(values, min(CONCEPTS, values.shape[1]), chance)
            amounts, others = (amounts_of(cells.plain[rows], traits) for rows in (mine, theirs))
            for k in range(len(traits)):
                auc = _strength(amounts[..., k], others[..., k])
                total = float(amounts[..., k].sum())
                share = float(amounts[cells.free[mine], k].sum()) / total if total > 0 else 0.0
                if auc < WEAK or share < CONTEXT:
                    continue
                what = aspect_of_trait(cells, np.linalg.pinv(traits)[:, k].astype(np.float32), mine, theirs, against)
                if what is None or what.auc < WEAK:
                    continue
                counts = importance(cells, canvas, mine[:ASKED], traits, k, answer, chance)
                if counts < COUNTS:
                    continue
                measured = {"concept": {"beside": share, "counts": counts}, "thing": what.where.to_dict()}
                found.append(Candidate(what.aspect, answer, rivals, (self.name,), min(auc, what.auc), 1.0, measured))
        return strongest(found)


def factors(values: NDArray[np.float32], count: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Rows W ≥ 0, (count, C), such that values ≈ U W with U ≥ 0 (Lee & Seung, 2001), each of length 1.

    Parameters
    ----------
    values
        (n, C), ≥ 0.
    """
    n, channels = values.shape
    scale = np.sqrt(max(float(values.mean()), 1e-12) / count)
    u = scale * chance.uniform(0.1, 1, (n, count)).astype(np.float32)
    w = scale * chance.uniform(0.1, 1, (count, channels)).astype(np.float32)
    for _ in range(ROUNDS):
        u = np.maximum(u * (values @ w.T) / (u @ (w @ w.T) + 1e-9), TINY)
        w = np.maximum(w * (u.T @ values) / ((u.T @ u) @ w + 1e-9), TINY)
    length = np.linalg.norm(w, axis=1, keepdims=True)
    return (w / np.maximum(length, 1e-9))[length[:, 0] > 1e-9].astype(np.float32)


def amounts_of(values: NDArray, traits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of each trait there is at each place, ≥ 0, (n, h, w, k): U for a W that is held."""
    x = np.maximum(values.reshape(-1, values.shape[-1]).astype(np.float32), 0)
    towards, among = x @ traits.T, traits @ traits.T
    u = np.maximum(towards, 0) / len(traits)
    for _ in range(ROUNDS):
        u = np.maximum(u * np.maximum(towards, 0) / (u @ among + 1e-9), TINY)
    return u.reshape(*values.shape[:3], len(traits)).astype(np.float32)


def importance(
    cells: Cells,
    canvas: Canvas,
    rows: NDArray[np.int64],
    traits: NDArray[np.float32],
    k: int,
    answer: int,
    chance: np.random.Generator,
) -> float:
    """In how much of the variance of an answer a trait takes part, when all are dimmed at random: the total Sobol index, by
    Jansen's estimator (1999); the mean over some pictures. What factors leave of the values isn't touched.
    """
    inside = cells.inside
    found = []
    with torch.no_grad():
        for row in rows:
            plain = cells.plain[row].astype(np.float32)
            amount = amounts_of(plain[None], traits)[0]
            rest = plain - amount @ traits
            one = chance.random((DESIGNS, len(traits)), np.float32)
            other = one.copy()
            other[:, k] = chance.random(DESIGNS, np.float32)
            x = canvas.load([int(cells.numbers[row])]).x
            f, g = (_answers(inside, x, rest, amount, traits, dimmed)[:, answer] for dimmed in (one, other))
            variance = float(f.var())
            found.append(float(((f - g) ** 2).mean()) / (2 * variance) if variance > 1e-12 else 0.0)
    return float(np.mean(found)) if found else 0.0


def _answers(
    inside: Inside, x: torch.Tensor, rest: NDArray, amount: NDArray, traits: NDArray, dimmed: NDArray
) -> NDArray[np.float32]:
    """The answers' probabilities with traits dimmed, (n, K)."""
    values = rest[None] + np.einsum("hwk,nk,kc->nhwc", amount, dimmed, traits, optimize=True)
    given = torch.from_numpy(values.astype(np.float32)).permute(0, 3, 1, 2)
    x = x.expand(TOGETHER, -1, -1, -1)
    parts = [inside.onward(x[: len(part)], part) for part in given.split(TOGETHER)]
    out = torch.cat(parts)
    return (out.softmax(1) if out.shape[1] > 1 else torch.cat([-out, out], 1).sigmoid()).numpy()


def _some(values: NDArray, chance: np.random.Generator) -> NDArray[np.float32]:
    flat = values.reshape(-1, values.shape[-1])
    rows = chance.permutation(len(flat))[:PLACES]
    return np.maximum(flat[rows].astype(np.float32), 0)


def _strength(own: NDArray, rival: NDArray) -> float:
    """How well a trait's amounts tell pictures apart, all that there is of it or the most at one place."""
    return max(told_apart(own.mean((1, 2)), rival.mean((1, 2))), told_apart(own.max((1, 2)), rival.max((1, 2))))
