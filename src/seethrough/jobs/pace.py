"""Pace: how fast a run goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """A clock for a run, to be told what `Progress` is told. What was done before it started doesn't count.

    Attributes
    ----------
    done, total
        Images.
    """

    clock: Callable[[], float] = time.monotonic
    done: int = 0
    total: int = 0
    _start: float | None = field(default=None, repr=False)
    _before: int = field(default=0, repr=False)
    _last: float = field(default=0.0, repr=False)

    def __call__(self, done: int, total: int) -> None:
        """So many are done now."""
        self._last = self.clock()
        if self._start is None:
            self._start, self._before = self._last, done
        self.done, self.total = done, total

    @property
    def rate(self) -> float | None:
        """Images a second; None before there is one."""
        took = 0.0 if self._start is None else self._last - self._start
        return (self.done - self._before) / took if took > 0 and self.done > self._before else None

    @property
    def left(self) -> float | None:
        """Seconds that the others will take; None where nobody knows."""
        rate = self.rate
        return None if rate is None else (self.total - self.done) / rate
