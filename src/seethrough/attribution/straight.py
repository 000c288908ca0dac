"""The straight line from a baseline to a picture, looked at where the score changes.

On a network of rectifiers the score rises in straight pieces, and a rule of quadrature is wrong only where a corner lies
between its points. Since a point gives a score with its gradient, what is missing between two neighbours is known: the
rule's share less what the score really rose. So points go where most is missing, each picture's own, as non-uniform
path integration does with the score's rise (Bhat & Raychowdhury, 2023); that the error itself leads is ours.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.graph.run import Run

AT_FIRST = 32
"""Points where nobody says how many."""

AT_MOST = 128
"""To so many it goes on then, as long as more is missing than `MISSING`."""

MISSING = 0.01
"""Of the score's rise, so much may be missing."""

Progress = Callable[[int, int], None]


class Line:
    """Scores and gradients at points of the lines from ``start`` to the run's images.

    Attributes
    ----------
    at
        (K, N) from 0, the baseline, to 1, the picture: rising, each picture's own.
    scores
        (K, N): the target there.
    steps
        (N,): how many points were looked at for each picture, beside the picture itself.
    """

    def __init__(self, run: Run, start: Tensor) -> None:
        x = run.images
        self.run, self.way, self.start = run, x - start, start
        self.at = torch.ones(1, len(x), dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
        self.scores = run.scores[None].to(self.at)
        self._gradients = [run.gradient()]
        self._slopes = self._slope(self._gradients[0])[None]
        self._open = torch.ones(len(x), dtype=torch.bool, device=x.device)
        self._numbers = torch.zeros(1, len(x), dtype=torch.long, device=x.device)
        self.steps = torch.zeros(len(x), dtype=torch.long, device=x.device)

    @property
    def rise(self) -> Tensor:
        """What the target rises from the baseline to the picture, (N,)."""
        return self.scores[-1] - self.scores[0]

    @property
    def gaps(self) -> Tensor:
        """What `integral` is short of the rise or beyond it, as a part of the rise, (N,)."""
        return self._errors().sum(0).abs() / self.rise.abs().clamp(min=1e-6)

    def look(self, count: int, total: int, progress: Progress | None = None, *, only_open: bool = False) -> None:
        """Look at ``count`` more points, the first from the baseline on in equal steps, later ones in the middle of the
        pieces of which most is missing.

        Parameters
        ----------
        only_open
            Pictures whose gap is small enough already keep the points that they have.
        """
        alphas = self._next(count)
        x, done = self.run.images, len(self._gradients) - 1
        self._open = self.gaps > MISSING if only_open else torch.ones_like(self._open)
        found: list[tuple[Tensor, Tensor]] = []

        def some(numbers: range) -> None:
            there = [self.start + alphas[k].to(x).reshape(-1, *[1] * (x.dim() - 1)) * self.way for k in numbers]
            run = self.run.at(torch.cat(there))
            g = run.gradient().reshape(len(numbers), *x.shape)
            found.extend(zip(run.scores.reshape(len(numbers), -1), g))

        self.run.in_groups(count, some, progress and (lambda k, _: progress(done + k, max(total, done + k))))
        self._take(alphas, torch.stack([score for score, _ in found]), [g for _, g in found])

    def integral(self) -> Tensor:
        """``∫ g dα`` by the trapezoidal rule on the points, (N, C, …)."""
        weights = torch.zeros_like(self.at)
        weights[:-1] += self._lengths() / 2
        weights[1:] += self._lengths() / 2
        return self._sum(weights, lambda g: g)

    def shared(self) -> Tensor:
        """The rise of each piece, shared out by ``g²/‖g‖²``, the mean of its two ends', (N, C, …)."""
        lengths = self._in_order([(g.flatten(1).to(self.at) ** 2).sum(1) for g in self._gradients])
        there = (lengths > 0).to(self.at)  # an end without a gradient leaves its part to the other
        rises, ends = self.scores.diff(dim=0), (there[:-1] + there[1:]).clamp(min=1)
        weights = torch.zeros_like(self.at)
        weights[:-1] += rises * there[:-1] / ends
        weights[1:] += rises * there[1:] / ends
        return self._sum(weights / lengths.clamp(min=torch.finfo(lengths.dtype).tiny), torch.square)

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _next(self, count: int) -> Tensor:
        """(count, N)."""
        if len(self.at) == 1:
            return torch.arange(count, device=self.at.device)[:, None].expand(count, self.at.shape[1]) / count
        lengths = self._lengths()
        # where nothing is missing anywhere, rounding mustn't choose: longer pieces first
        even = 1e-4 * (self.scores.amax(0) - self.scores.amin(0)) * lengths
        worst = (self._errors().abs() + even).topk(count, dim=0).indices
        return self.at.gather(0, worst) + lengths.gather(0, worst) / 2

    def _take(self, alphas: Tensor, scores: Tensor, gradients: list[Tensor]) -> None:
        """A picture that has enough takes each point as one that lies where the picture is itself: it weighs nothing."""
        keep, image = self._open[None], self._gradients[0]
        numbers = torch.arange(len(alphas), device=self.at.device)[:, None] + len(self._gradients)
        self._gradients += [torch.where(self._open.reshape(-1, *[1] * (g.dim() - 1)), g, image) for g in gradients]
        slopes = torch.stack([self._slope(g) for g in self._gradients[-len(alphas) :]])
        at = torch.cat([self.at, torch.where(keep, alphas.to(self.at), self.at.new_ones(()))])
        scores = torch.cat([self.scores, torch.where(keep, scores.to(self.scores), self.scores[-1])])
        order = at.sort(dim=0, stable=True).indices
        self._numbers = torch.cat([self._numbers, numbers.expand(len(alphas), at.shape[1])]).gather(0, order)
        self._slopes = torch.cat([self._slopes, slopes]).gather(0, order)
        self.at, self.scores = at.gather(0, order), scores.gather(0, order)
        self.steps += len(alphas) * self._open

    def _slope(self, g: Tensor) -> Tensor:
        """Of the score along the line, (N,)."""
        return (g.to(self.at) * self.way).flatten(1).sum(1)

    def _lengths(self) -> Tensor:
        return self.at.diff(dim=0)

    def _errors(self) -> Tensor:
        """Of each piece, what the trapezoid gives less what the score rose, (K − 1, N)."""
        return self._lengths() * (self._slopes[:-1] + self._slopes[1:]) / 2 - self.scores.diff(dim=0)

    def _in_order(self, numbers: list[Tensor]) -> Tensor:
        return torch.stack(numbers).gather(0, self._numbers)

    def _sum(self, weights: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
        total = zeros_to_sum(self.run.images)
        unordered = torch.zeros_like(weights).scatter(0, self._numbers, weights)
        for weight, g in zip(unordered, self._gradients):
            total += weight.reshape(-1, *[1] * (g.dim() - 1)).to(total) * of(g.to(total))
        return total


def line(run: Run, steps: int | None, baseline: Fill, progress: Progress | None = None) -> Line:
    """The line from a baseline, looked at ``steps`` times; None: `AT_FIRST` times, and on until less than `MISSING` of
    the rise is missing for each picture, at most `AT_MOST` times. Once for all methods of a run that ask for the same.
    """
    if not isinstance(baseline, str | float | int):
        return along(run, fill(run, baseline), steps, progress)
    return run.once(("line", steps, baseline), lambda: along(run, fill(run, baseline), steps, progress))


def along(run: Run, start: Tensor, steps: int | None, progress: Progress | None = None) -> Line:
    """The line from where somebody says, looked at as `line` says; of a run that starts at a layer, the layer's."""
    found = Line(run, start)
    count = AT_FIRST if steps is None else steps
    some, left = max(1, count // 4), count
    while left:
        found.look(min(some, left), count, progress)
        left -= min(some, left)
    while steps is None and count < AT_MOST and bool((found.gaps > MISSING).any()):
        found.look(some, AT_MOST, progress, only_open=True)
        count += some
    return found
