"""Guided integrated gradients: the way on which the target's gradient is small."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.method import Dial, Needs, Outcome, method
from seethrough.attribution.path import PATH, completeness
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

CLOSE = 1e-9
"""Of the whole way, in float64, what counts as there."""


@method(
    family=PATH,
    needs=Needs.GRADIENTS,
    cost="n forwards, n walks back, one after the other",
    good_for="what each pixel adds, with less noise gathered on the way",
    source="Kapishnikov, Venugopalan, Avci, Wedin, Terry & Bolukbasi, 2021",
    work=lambda settings, _: Passes(settings["steps"] + 1, settings["steps"] + 1),
    dial=Dial("steps", (8, 16, 32, 50, 100, 200)),
)
def guided_ig(
    run: Run,
    *,
    steps: int = 50,
    fraction: float = 0.25,
    distance: float = 0.02,
    baseline: Fill = "black",
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Guided IG: at each step the numbers of the picture whose gradient is smallest go on first, within a band around
    the straight line (Kapishnikov et al., 2021, algorithm 1 and section 4.3). What a step adds is reckoned with the mean
    of the gradients at its two ends; the first's alone, as the authors', is biased by having been chosen for its size.

    Parameters
    ----------
    steps
        How often a gradient is taken, ≥ 1.
    fraction
        Of the numbers of a picture, so many go on at once, from 0 (one) to 1 (all, the straight line).
    distance
        How far, as a part of the way, a number may be ahead of or behind the straight line; 0 is the straight line, 1
        no bound.
    baseline
        As for integrated gradients.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums, up to the length of a step, to the target's rise from
    baseline to picture (``completeness``).
    """
    if steps < 1 or not 0 <= fraction <= 1 or not 0 <= distance <= 1:
        raise UsageError(
            f"guided_ig needs steps ≥ 1, and fraction and distance from 0 to 1, not {steps}, {fraction} and {distance}."
        )
    x = run.images
    start = fill(run, baseline).expand_as(x)
    path = _Path(start.double().flatten(1), x.double().flatten(1))
    values = torch.zeros_like(path.end)
    g = _gradient(run, path.x)
    for k in range(steps):
        step = path.on(g, (k + 1) / steps, distance, fraction)
        first, g = g, _gradient(run, path.x) if k + 1 < steps else run.gradient().double().flatten(1)
        values += step * (first + g) / 2
        if progress:
            progress(k + 1, steps)
    values = values.to(torch.promote_types(x.dtype, torch.float32)).reshape(x.shape)
    rise = run.scores - run.score(start.contiguous())
    return Outcome(values, {"completeness": completeness(values, rise, steps)})


def _gradient(run: Run, at: Tensor) -> Tensor:
    return run.at(at.to(run.images).reshape(run.images.shape)).gradient().double().flatten(1)


class _Path:
    """A way from ``start`` to ``end``, (N, F), of which the numbers go each at its own pace; ``x`` is where it is."""

    def __init__(self, start: Tensor, end: Tensor) -> None:
        self.start, self.end, self.x = start, end, start.clone()
        self.whole = (end - start).abs().sum(1)

    def on(self, g: Tensor, alpha: float, distance: float, fraction: float) -> Tensor:
        """Go on until ``alpha`` of the way is done, numbers with small |g| first; what that changes, (N, F)."""
        way, before = self.end - self.start, self.x
        low, high = self.start + max(alpha - distance, 0.0) * way, self.start + min(alpha + distance, 1.0) * way
        behind = (self.x - self.start) * way.sign() < (low - self.start) * way.sign()
        x = torch.where(behind, low, self.x)
        strength, target = g.abs(), self.whole * (1 - alpha)
        rank = int(fraction * (g.shape[1] - 1)) + 1
        while True:
            left = (self.end - x).abs().sum(1) - target  # L1 still to go in this step, (N,)
            going = left > CLOSE * self.whole
            strength = torch.where(x == high, torch.inf, strength)
            going &= strength.isfinite().any(1)
            if not going.any():
                break
            least = strength.kthvalue(rank, dim=1, keepdim=True).values
            chosen = (strength <= least) & strength.isfinite() & going[:, None]
            room = torch.where(chosen, high - x, 0.0)
            part = (left / room.abs().sum(1).clamp(min=torch.finfo(x.dtype).tiny)).clamp(max=1.0)
            moved = torch.where(chosen & (part[:, None] >= 1), high, x + part[:, None] * room)
            x = torch.where(chosen, moved, x)
        self.x = x
        return x - before
