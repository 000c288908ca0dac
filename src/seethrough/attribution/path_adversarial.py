"""Adversarial gradient integration: ways to pictures that the network takes for something else."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Dial, Needs, Outcome, method
from seethrough.attribution.path import PATH, completeness
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards and 2 n walks back for each of k other answers",
    good_for="what sets this answer apart from the network's next ones; needs no baseline",
    source="Pan, Li & Zhu, 2021",
    rules=None,
    work=lambda settings, _: Passes(
        settings["others"] * (settings["steps"] + 1), settings["others"] * (2 * settings["steps"] + 1)
    ),
    dial=Dial("steps", (2, 4, 8, 16)),
)
def agi(
    run: Run,
    *,
    others: int = 4,
    steps: int = 8,
    pace: float = 0.02,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """AGI: ``−Σ g · Δx`` along the steepest way towards another answer, ``Δx = ε · sign(∇ log p(other))``, until the
    network gives that answer; the mean over several (Pan, Li & Zhu, 2021, algorithm 1). Of a step, g is the mean of its two
    ends' (the authors take the first's).

    Parameters
    ----------
    others
        How many other answers, ≥ 1: the strongest of those that the target doesn't ask for. Fewer where the network has
        fewer.
    steps
        At most so many steps to each, ≥ 1.
    pace
        ε, as a part of each picture's range (max − min).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums, up to the length of a step, to the target's mean drop on
    the ways (``completeness``). A way stays within the least and the largest number of each channel of its picture.
    """
    if others < 1 or steps < 1 or pace <= 0:
        raise UsageError(f"agi needs others ≥ 1, steps ≥ 1 and pace > 0, not {others}, {steps} and {pace}.")
    x, goals = run.images, _goals(run, others)
    others, each = len(goals), tuple(range(2, x.dim())) or (1,)
    low, high = x.amin(each, keepdim=True), x.amax(each, keepdim=True)
    stride = pace * (x.amax(tuple(range(1, x.dim())), keepdim=True) - x.amin(tuple(range(1, x.dim())), keepdim=True))
    total, drop = zeros_to_sum(x), run.scores.new_zeros(len(x))

    def some(numbers: range) -> None:
        goal, many = goals[numbers.start : numbers.stop].flatten(), len(numbers)
        bounds = [t.repeat(many, *[1] * (x.dim() - 1)) for t in (low, high, stride)]
        at = run.at(x.repeat(many, *[1] * (x.dim() - 1)))
        gathered = torch.zeros_like(at.images)
        for _ in range(steps):
            away = at.asking(lambda out, _: log_softmax(_flat(out), 1).gather(1, goal[:, None])[:, 0])
            there = (_flat(at.logits).argmax(1) == goal).reshape(-1, *[1] * (x.dim() - 1))
            to = (at.images + bounds[2] * away.gradient().sign()).clamp(bounds[0], bounds[1])
            last, at = at, run.at(torch.where(there, at.images, to))
            gathered = gathered - (last.gradient() + at.gradient()) / 2 * (at.images - last.images)
        lost = run.scores - at.scores.reshape(many, len(x))
        total.add_(gathered.reshape(many, *x.shape).sum(0) / others)
        drop.add_(lost.sum(0) / others)

    run.in_groups(others, some, progress)
    return Outcome(total, {"completeness": completeness(total, drop, steps)})


def _goals(run: Run, others: int) -> Tensor:
    """The strongest answers that the target doesn't ask for, (others, N)."""
    out = run.logits.detach().requires_grad_()
    assert run.target is not None
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(run.target(out, run.rows).sum(), out)
    free = _flat(out.detach()).masked_fill(_flat(slope) > 0, -torch.inf)
    fewest = int(free.isfinite().sum(1).min())
    if not fewest:
        raise UsageError(
            "agi goes to other answers of the network, and this one has none beside the target; use integrated_gradients."
        )
    return free.topk(min(others, fewest), dim=1).indices.T


def _flat(out: Tensor) -> Tensor:
    """(N, outputs): of outputs with places, their mean."""
    return out.flatten(2).mean(2) if out.dim() > 2 else out.reshape(len(out), -1)
