"""The straight line from a baseline to a picture, looked at where the gradient changes.

Points of the line give scores and gradients. Between two neighbours the integral of the gradient is taken by the trapezoidal
rule. On a network of rectifiers the gradient jumps at many corners: were they anywhere, it would walk at random from the one end
to the other, and such a bridge is off from the trapezoid by ``h ‖g_b − g_a‖ / √12`` (numbers times the way; h the piece's
length). New points go where that is largest, and all pieces together say how far off the values are expected to be. That is
ours; non-uniform path integration (Bhat & Raychowdhury, 2023) goes by the score's rise, whose errors cancel and say little of
where the values are wrong.

What a piece's values add up to is known besides, since both its ends gave their score: what the trapezoid misses of it is laid
where the ends differ, by ``(g_b − g_a)²``, as for errors whose size is known and whose sum is. No number's share leaves what its
two ends alone would give it; where that doesn't suffice, something lies between the ends that neither shows, and it is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.graph.run import Run

AT_FIRST = 12
"""Points where nobody says how many: `EVENLY` in equal steps, the others where the gradient changes."""

EVENLY, MORE = 8, 4

AT_MOST = 128
"""To so many it goes on then, by `MORE`, as long as more is missing than `MISSING`, or values are less sure than `UNSURE`."""

MISSING = 0.01
"""Of the score's rise, so much may be missing."""

UNSURE = 0.3
"""Of the values' length, so much may they be off, by what is expected."""

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
    walked
        How many points are expected in all.
    """

    def __init__(self, run: Run, start: Tensor, walked: int) -> None:
        x = run.images
        self.walked = walked
        self.run, self.way, self.start = run, x - start, start
        self.at = torch.ones(1, len(x), dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
        self.scores = run.scores[None].to(self.at)
        self._gradients = [run.gradient()]
        self._slopes = self._slope(self._gradients[0])[None]
        self._open = torch.ones(len(x), dtype=torch.bool, device=x.device)
        self._numbers = torch.zeros(1, len(x), dtype=torch.long, device=x.device)
        self._met: dict[tuple[int, int, int], Tensor] = {}
        self.steps = torch.zeros(len(x), dtype=torch.long, device=x.device)

    @property
    def rise(self) -> Tensor:
        """What the target rises from the baseline to the picture, (N,)."""
        return self.scores[-1] - self.scores[0]

    @property
    def gaps(self) -> Tensor:
        """What the values are short of the rise or beyond it, as a part of the rise, (N,)."""
        return self._left().sum(0).abs() / self.rise.abs().clamp(min=1e-6)

    @property
    def errors(self) -> Tensor:
        """How far the values are expected to be off, as a part of their length, (N,)."""
        length = (self.way.to(self.at) * self.integral()).flatten(1).norm(dim=1)
        return self._expected().norm(dim=0) / length.clamp(min=torch.finfo(length.dtype).tiny)

    @property
    def enough(self) -> Tensor:
        """Which pictures' values add up and are sure, (N,)."""
        return (self.gaps <= MISSING) & (self.errors <= UNSURE)

    def look(self, count: int, total: int, progress: Progress | None = None, *, only_open: bool = False) -> None:
        """Look at ``count`` more points, the first from the baseline on in equal steps, later ones in the middle of the
        pieces whose values are least sure.

        Parameters
        ----------
        only_open
            Pictures that have `enough` keep the points that they have.
        """
        alphas = self._next(count)
        x, done = self.run.images, len(self._gradients) - 1
        self._open = ~self.enough if only_open else torch.ones_like(self._open)
        found: list[tuple[Tensor, Tensor]] = []

        def some(numbers: range) -> None:
            there = [self.start + alphas[k].to(x).reshape(-1, *[1] * (x.dim() - 1)) * self.way for k in numbers]
            run = self.run.at(torch.cat(there))
            g = run.gradient().reshape(len(numbers), *x.shape)
            found.extend(zip(run.scores.reshape(len(numbers), -1), g))

        told = progress and (lambda k, _: progress(done + k, max(total, done + k)))
        self.run.in_groups(count, some, told, self.walked)
        self._take(alphas, torch.stack([score for score, _ in found]), [g for _, g in found])

    def integral(self) -> Tensor:
        """``∫ g dα``, (N, C, …): the trapezoidal rule on the points, and what it misses of each piece's rise laid where the
        piece's ends differ.
        """
        weights = torch.zeros_like(self.at)
        weights[:-1] += self._lengths() / 2
        weights[1:] += self._lengths() / 2
        total = self._sum(weights, lambda g: g)
        for n, (ends, moved) in enumerate(zip(self._numbers.T.tolist(), self._moved().T.tolist())):
            laid = torch.zeros_like(total[n])
            for a, b, factor in zip(ends, ends[1:], moved):
                if factor:
                    laid += factor * (self._gradients[b][n] - self._gradients[a][n]).to(total).square()
            total[n] -= self.way[n].to(total) * laid
        return total

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
        # where nothing is unsure anywhere, rounding mustn't choose: longer pieces first
        even = 1e-4 * (self.scores.amax(0) - self.scores.amin(0)) * lengths
        worst = (self._expected() + self._left().abs() + even).topk(count, dim=0).indices
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

    def _off(self) -> Tensor:
        """Of each piece, what the trapezoid gives less what the score rose, (K − 1, N)."""
        return self._lengths() * (self._slopes[:-1] + self._slopes[1:]) / 2 - self.scores.diff(dim=0)

    def _moved(self) -> Tensor:
        """By what ``(g_b − g_a)²`` times the way is multiplied to be taken off each piece, (K − 1, N)."""
        square, most = self._apart()
        tiny = torch.finfo(square.dtype).tiny
        bound = self._lengths() / (2 * most.clamp(min=tiny))
        return torch.where(square > 0, self._off() / square.clamp(min=tiny), 0.0).clamp(-bound, bound)

    def _left(self) -> Tensor:
        """What of that can't be laid anywhere, (K − 1, N)."""
        return self._off() - self._moved() * self._apart()[0]

    def _expected(self) -> Tensor:
        """How far the values of each piece are expected to be off, (K − 1, N)."""
        return self._lengths() * (self._apart()[0] / 12).sqrt()

    def _apart(self) -> tuple[Tensor, Tensor]:
        """Of each piece the squared length of ``(g_b − g_a)`` times the way, and its largest number, (K − 1, N) each."""
        table = []
        for n, ends in enumerate(self._numbers.T.tolist()):
            for a, b in pairwise(ends):
                if (n, a, b) not in self._met:
                    apart = (self._gradients[b][n] - self._gradients[a][n]).to(self.at) * self.way[n]
                    self._met[n, a, b] = torch.stack([apart.square().sum(), apart.abs().max()])
                table.append(self._met[n, a, b])
        square, most = torch.stack(table).view(len(self.way), -1, 2).unbind(2)
        return square.T, most.T

    def _in_order(self, numbers: list[Tensor]) -> Tensor:
        return torch.stack(numbers).gather(0, self._numbers)

    def _sum(self, weights: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
        total = zeros_to_sum(self.run.images)
        unordered = torch.zeros_like(weights).scatter(0, self._numbers, weights)
        for weight, g in zip(unordered, self._gradients):
            total += weight.reshape(-1, *[1] * (g.dim() - 1)).to(total) * of(g.to(total))
        return total


def line(run: Run, steps: int | None, baseline: Fill, progress: Progress | None = None) -> Line:
    """The line from a baseline, looked at ``steps`` times; None: `AT_FIRST` times, and on until each picture has `enough`,
    at most `AT_MOST` times. Once for all methods of a run that ask for the same.
    """
    if not isinstance(baseline, str | float | int):
        return along(run, fill(run, baseline), steps, progress)
    return run.once(("line", steps, baseline), lambda: along(run, fill(run, baseline), steps, progress))


def along(run: Run, start: Tensor, steps: int | None, progress: Progress | None = None) -> Line:
    """The line from where somebody says, looked at as `line` says; of a run that starts at a layer, the layer's."""
    count = AT_FIRST if steps is None else steps
    found = Line(run, start, count)
    some, left = EVENLY if steps is None else max(1, count // 4), count
    while left:
        found.look(min(some, left), count, progress)
        left -= min(some, left)
    while steps is None and count < AT_MOST and not bool(found.enough.all()):
        found.look(MORE, AT_MOST, progress, only_open=True)
        count += MORE
    return found
