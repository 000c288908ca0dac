"""Windows: which stretch of the picture is seen from each place of a value, and how it moves from place to place.

The bookkeeping is kept per axis, as a list of runs, so that it follows a map through permutations and reshapes:
flattened into tokens, cut into windows, put together again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

Number = int | Fraction
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of an axis, or of what has become a part of one: its length, and how far the window moves with each
    place of it.
    """

    size: int
    steps: tuple[Number, ...]

    @property
    def still(self) -> bool:
        return not any(self.steps)


@dataclass(frozen=True, slots=True)
class Window:
    """The pixels ``low … high`` (one number per spatial axis of the picture) seen at place 0, and how they move along
    the axes of a value.

    An axis is its runs, outermost first, of which the place is the mixed-radix number.
    """

    axes: tuple[tuple[Run, ...], ...]
    low: tuple[Number, ...]
    high: tuple[Number, ...]

    @property
    def shape(self) -> Shape:
        return tuple(prod([r.size for r in axis]) for axis in self.axes)

    def spread(self, axes: Iterable[int]) -> Window:
        """Looked at from all places of these axes at once: the union, which no longer moves along them."""
        low, high, changed = list(self.low), list(self.high), list(self.axes)
        for a in {a % len(self.axes) for a in axes}:
            for run in self.axes[a]:
                for d, step in enumerate(run.steps):
                    reach = step * (run.size - 1)
                    low[d] += min(0, reach)
                    high[d] += max(0, reach)
            changed[a] = (self.still_run(prod([r.size for r in self.axes[a]])),)
        return Window(tuple(changed), tuple(low), tuple(high))

    def everywhere(self, shape: Shape) -> Window:
        """Seen alike by every number of a value of this shape."""
        spread = self.spread(range(len(self.axes)))
        return Window(tuple((self.still_run(n),) for n in shape), spread.low, spread.high)

    def with_axes(self, axes: Sequence[tuple[Run, ...]]) -> Window:
        return replace(self, axes=tuple(axes))

    def resized(self, axis: int, size: int) -> Window:
        """An axis along which nothing moves, with another length: channels behind a convolution."""
        still = self.spread([axis])
        return still.with_axes(
            [(self.still_run(size),) if a == axis % len(self.axes) else runs for a, runs in enumerate(still.axes)]
        )

    def slid(self, axis: int, size: int, first: Number, last: Number, step: Number = 1) -> Window:
        """Read through a sliding window: place ``i`` of the new axis reads the places ``first + step · i`` to ``last +
        step · i`` of this one.
        """
        runs = self.axes[axis]
        if all(r.still for r in runs):
            return self.resized(axis, size)
        if (first, last, step) == (0, 0, 1) and prod([r.size for r in runs]) == size:
            return self
        if len(runs) != 1:
            return self.resized(axis, size)
        (steps,) = (r.steps for r in runs)
        ends = [(s * first, s * last) for s in steps]
        moved = (Run(size, tuple(_number(s * step) for s in steps)),)
        return Window(
            tuple(moved if a == axis else r for a, r in enumerate(self.axes)),
            tuple(_number(low + min(e)) for low, e in zip(self.low, ends)),
            tuple(_number(high + max(e)) for high, e in zip(self.high, ends)),
        )

    def reshaped(self, shape: Shape) -> Window:
        """The same places in the same order under other axes; spread where a run would have to be broken unevenly."""
        if shape == self.shape:
            return self
        pending = list(_joined(r for axis in self.axes for r in axis if r.size > 1))[::-1]
        axes: list[tuple[Run, ...]] = []
        for n in shape:
            taken: list[Run] = []
            while n > 1 and pending:
                run = pending.pop()
                if run.size > n and run.size % n == 0:
                    inner = run.size // n
                    pending.append(Run(inner, run.steps))
                    run = Run(n, tuple(s * inner for s in run.steps))
                if n % run.size:
                    return self.everywhere(shape)
                taken.append(run)
                n //= run.size
            axes.append(tuple(_joined(taken)) or (self.still_run(1),))
        return self.with_axes(axes)

    def sees_all(self, extents: Shape) -> tuple[bool, ...]:
        """Along which spatial axes every place sees the whole picture."""
        return tuple(
            low <= 0 and high >= n - 1 and not any(r.steps[d] for axis in self.axes for r in axis)
            for d, (low, high, n) in enumerate(zip(self.low, self.high, extents))
        )

    def motion(self, d: int) -> Number:
        """How far it moves at most along one axis of the picture."""
        return sum(abs(r.steps[d]) * (r.size - 1) for axis in self.axes for r in axis)

    def still_run(self, size: int) -> Run:
        return Run(size, (0,) * len(self.low))


def _number(n: Number) -> Number:
    """A fraction that is whole as an integer, which is faster to work with."""
    return n.numerator if isinstance(n, Fraction) and n.denominator == 1 else n


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Neighbouring runs that move as one, as one."""
    last: Run | None = None
    for run in runs:
        if last is not None and all(a == b * run.size for a, b in zip(last.steps, run.steps)):
            last = Run(last.size * run.size, run.steps)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def union(windows: Sequence[Window], shape: Shape) -> Window:
    """The smallest window moving evenly that holds all of these, broadcast to one shape.

    Along each axis of the picture it moves as the one of them does after which it is smallest: beside a window that
    stands still and is wide, one that moves inside of it doesn't count.
    """
    windows = _aligned([_broadcast(w, shape) for w in windows])
    first = windows[0]
    if all(w.axes == first.axes for w in windows):
        return Window(first.axes, *_hull(windows))
    led = [Window(leader.axes, *_hull([_following(w, leader) for w in windows])) for leader in windows]
    best = [min(led, key=lambda w: (w.high[d] - w.low[d], w.motion(d))) for d in range(len(first.low))]
    axes = [
        tuple(Run(run.size, tuple(w.axes[a][i].steps[d] for d, w in enumerate(best))) for i, run in enumerate(runs))
        for a, runs in enumerate(first.axes)
    ]
    return Window(
        tuple(axes), tuple(w.low[d] for d, w in enumerate(best)), tuple(w.high[d] for d, w in enumerate(best))
    )


def _hull(windows: Sequence[Window]) -> tuple[tuple[Number, ...], tuple[Number, ...]]:
    return tuple(map(min, zip(*(w.low for w in windows)))), tuple(map(max, zip(*(w.high for w in windows))))


def _broadcast(window: Window, shape: Shape) -> Window:
    if window.shape == shape:
        return window
    missing = len(shape) - len(window.axes)
    axes: list[tuple[Run, ...]] = [()] * missing + list(window.axes)
    if missing < 0 or any(
        size not in (1, n) for size, n in zip((prod([r.size for r in axis]) for axis in axes), shape)
    ):
        return window.everywhere(shape)
    return window.with_axes(
        [axis if prod([r.size for r in axis]) == n and axis else (window.still_run(n),) for axis, n in zip(axes, shape)]
    )


def _aligned(windows: list[Window]) -> list[Window]:
    """With the same runs along each axis; spread where one axis is divided in two ways."""
    for a in range(len(windows[0].axes)):
        if len({tuple(r.size for r in w.axes[a]) for w in windows}) == 1:
            continue
        divisions = {tuple(r.size for r in w.axes[a]) for w in windows if not all(r.still for r in w.axes[a])}
        if len(divisions) > 1:
            windows = [w.spread([a]) for w in windows]
        elif divisions:
            sizes = divisions.pop()
            windows = [
                w.with_axes(
                    [
                        tuple(map(w.still_run, sizes)) if b == a and all(r.still for r in axis) else axis
                        for b, axis in enumerate(w.axes)
                    ]
                )
                for w in windows
            ]
        else:
            windows = [w.resized(a, w.shape[a]) for w in windows]
    return windows


def _following(window: Window, leader: Window) -> Window:
    """Widened so that it may move as another one does and still hold what it held: a linear difference is extreme at
    the ends.
    """
    low, high = list(window.low), list(window.high)
    for ours, theirs in zip(itertools.chain(*window.axes), itertools.chain(*leader.axes)):
        for d, (a, b) in enumerate(zip(ours.steps, theirs.steps)):
            lag = (a - b) * (ours.size - 1)
            low[d] += min(0, lag)
            high[d] += max(0, lag)
    return Window(leader.axes, tuple(map(_number, low)), tuple(map(_number, high)))
