"""Expected gradients: integrated gradients over many baselines instead of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Dial, Facts, Needs, Outcome, method
from seethrough.attribution.path import PATH, completeness
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

MIXTURE = ("black", "mean", "noise", "blur")
FLAT = ("black", "mean", "noise", "zero")
"""The same number for inputs without height and width, which have no blur."""


def _work(settings: Mapping[str, Any], _: Facts) -> Passes:
    given, samples = settings["references"], settings["samples"]
    return Passes(samples + min(samples, len(MIXTURE) if isinstance(given, str) else len(given)), samples)


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back",
    good_for="what each pixel adds, without one baseline deciding what counts as nothing",
    source="Erion, Janizek, Sturmfels, Lundberg & Lee, 2021",
    rules=None,
    work=_work,
    dial=Dial("samples", (8, 16, 32, 48, 96, 192)),
)
def expected_gradients(
    run: Run,
    *,
    samples: int = 48,
    references: str | Tensor | np.ndarray = "mixture",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Expected gradients, also GradientSHAP: ``E[(x − x′) · g(x′ + α(x − x′))]`` over baselines x′ and α uniform from 0
    to 1 (Erion et al., 2021, eq. 5; Lundberg & Lee, 2017).

    Parameters
    ----------
    samples
        How many pairs of a baseline and an α, ≥ 1; spread over the baselines, and for each evenly over α.
    references
        The baselines: pictures of the training data, (K, …) in the layout of the network's input, or ``"mixture"``: a
        black picture, each picture's mean colour, Gaussian noise of its mean and deviation, and the picture blurred.
    seed
        Of the draws, which are the same for every picture.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums, up to chance, to the target's rise from the mean over the
    baselines to the picture (``completeness``).
    """
    if samples < 1:
        raise UsageError(f"expected_gradients needs samples ≥ 1, not {samples}.")
    x, starts = run.images, _starts(run, references)
    pairs = drawn(len(starts), samples, seed)
    total = zeros_to_sum(x)

    def some(numbers: range) -> None:
        mine = [(starts[j], alpha) for j, alpha in (pairs[k] for k in numbers)]
        g = run.at(torch.cat([start + alpha * (x - start) for start, alpha in mine])).gradient()
        for (start, _), one in zip(mine, g.reshape(len(numbers), *x.shape)):
            total.add_((x - start).to(total) * one)

    run.in_groups(samples, some, progress, walked=samples)
    values = total / samples
    used = sorted({j for j, _ in pairs})
    shares = torch.tensor([sum(j == k for j, _ in pairs) / samples for k in used]).to(total)
    scores: list[Tensor] = []

    def score(numbers: range) -> None:
        here = run.score(torch.cat([starts[used[k]].expand_as(x) for k in numbers]))
        scores.extend(here.reshape(len(numbers), len(x)))

    run.in_groups(len(used), score)
    rise = run.scores - (shares[:, None] * torch.stack(scores)).sum(0)
    return Outcome(values, {"completeness": completeness(values, rise, samples)})


def drawn(references: int, samples: int, seed: int) -> list[tuple[int, float]]:
    """Pairs of a baseline's number and an α: each baseline as often as the others, give or take one, in an order of
    chance; the α's of a baseline one from each of as many equal parts of the way.
    """
    chance = np.random.default_rng(seed)
    turns = np.resize(chance.permutation(references), samples)
    pairs = []
    for j in dict.fromkeys(turns.tolist()):
        many = int((turns == j).sum())
        pairs += [(j, float(alpha)) for alpha in (np.arange(many) + chance.random(many)) / many]
    return pairs


def _starts(run: Run, references: str | Tensor | np.ndarray) -> list[Tensor]:
    x = run.images
    if isinstance(references, str):
        if references != "mixture":
            raise UsageError(f"The references are pictures, (K, …), or 'mixture', not {references!r}.")
        return [fill(run, kind) for kind in (MIXTURE if x.dim() == 4 else FLAT)]
    given = torch.as_tensor(references)
    wants = tuple(run.source.native(x).shape[1:])
    if tuple(given.shape[1:]) != wants or not len(given):
        raise UsageError(f"References have the shape (K, {', '.join(map(str, wants))}), not {tuple(given.shape)}.")
    return list(run.source.internal(given).to(x)[:, None])
