"""The largest batch: how many inputs at once still fit into a given memory.

After each operation of a step, what is held is ``a + b · B`` at batch size B: weights don't grow with the batch, and
activations grow evenly. Two batch sizes give every ``a`` and ``b``, and the largest B is arithmetic; the step is then
made at that batch size and at the next, so that what is said has been seen. Where a network doesn't grow evenly, the
place where it stops to fit is sought between batch sizes that were seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.memory import MemoryUse, Trial, memory_use, on_top
from seethrough.errors import InputRefused, UsageError
from seethrough.graph.memory import Held

if TYPE_CHECKING:
    from rich.console import RenderableType

WITNESSES = (2, 3)
"""Batch sizes that tell how memory grows; not 1, at which batch normalisation can't be trained on a single value."""

MOST = 2**20
"""Batch sizes above aren't looked at."""

UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


@dataclass(frozen=True, eq=False)
class LargestBatch:
    """How many inputs at once fit; all sizes in bytes.

    Attributes
    ----------
    batch
        The largest batch whose peak fits into ``limit``; 0 where none does. Also ``int(…)`` of this record.
    cautious
        The same, where all that may come on top of the peak (``MemoryUse.workspace``) comes too.
    limit
        The memory that was given.
    peak, next_peak
        What that batch takes, and what one more input would; where nothing fits, ``peak`` is 0 and ``next_peak`` is
        what the smallest batch takes.
    smallest
        The smallest batch that the network runs on: 1, or 2 where it can't be trained on a single input.
    memory
        All about that batch; where nothing fits, about the smallest.
    """

    batch: int
    cautious: int
    limit: int
    peak: int
    next_peak: int
    smallest: int
    memory: MemoryUse

    def __int__(self) -> int:
        return self.batch

    __index__ = __int__

    def __str__(self) -> str:
        from seethrough.anatomy.memory_table import largest_text

        return largest_text(self)

    def __rich__(self) -> RenderableType:
        from seethrough.anatomy.memory_table import largest_facts, rich_facts

        return rich_facts(largest_facts(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "batch": self.batch,
            "with_workspace": self.cautious,
            "limit": self.limit,
            "peak": self.peak,
            "next_peak": self.next_peak,
            "smallest": self.smallest,
            "memory": self.memory.to_dict(),
        }


def size_of(said: str | int) -> int:
    """Bytes, from ``"24GB"`` (10⁹), ``"24GiB"`` (2³⁰), ``"16000MB"`` or a number of bytes.

    >>> size_of("24GB"), size_of("1.5 GiB")
    (24000000000, 1610612736)

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(said, int) and not isinstance(said, bool) and said > 0:
        return said
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(said))
    unit = UNITS.get(match[2].upper() or "B") if match else None
    size = round(float(match[1]) * unit) if match and unit else 0
    if size < 1:
        raise UsageError(f"A size of memory is written as 24GB, 24GiB or 16000MB; this is {said!r}.")
    return size


def largest_batch(trial: Trial, limit: str | int) -> LargestBatch:
    """How many inputs at once fit into ``limit``.

    Raises
    ------
    UsageError
        For a size that can't be read.
    """
    steps, room = _Steps(trial), size_of(limit)
    grows = _Growth.between(*(steps.held(b) for b in WITNESSES), copies=trial.copies)
    guess, cautious = (WITNESSES[0], None) if grows is None else (grows.largest(room), grows.largest_cautious(room))
    smallest = WITNESSES[0] if guess >= WITNESSES[0] else steps.smallest()
    batch = _last_that_fits(lambda b: steps.held(b).peak.bytes <= room, guess, smallest)
    if cautious is None:
        cautious = _last_that_fits(lambda b: steps.with_workspace(b) <= room, batch, smallest)
    cautious = min(cautious, batch)
    return LargestBatch(
        batch,
        cautious if cautious >= smallest else 0,
        room,
        steps.held(batch).peak.bytes if batch else 0,
        steps.held(batch + 1 if batch else smallest).peak.bytes,
        smallest,
        memory_use(trial, steps.held(batch or smallest)),
    )


class _Steps:
    """The steps that were made, by batch size."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._made: dict[int, Held] = {}

    def held(self, batch: int) -> Held:
        if batch not in self._made:
            self._made[batch] = self.trial.held(batch)
        return self._made[batch]

    def with_workspace(self, batch: int) -> int:
        found = self.held(batch)
        return found.peak.bytes + on_top(found, self.trial.copies)

    def smallest(self) -> int:
        """1, where the network runs on a single input."""
        try:
            self.held(1)
        except InputRefused:
            return WITNESSES[0]
        return 1


def _last_that_fits(fits: Callable[[int], bool], guess: int, smallest: int) -> int:
    """The largest batch that was seen to fit while the next was seen not to; 0 where the smallest doesn't fit."""
    guess = min(max(guess, smallest), MOST)
    low, high = smallest - 1, MOST + 1
    for batch in (guess, guess + 1):
        if low < batch < high:
            low, high = (batch, high) if fits(batch) else (low, batch)
    while high - low > 1:
        batch = (low + high) // 2 if high <= MOST else min(2 * low, MOST)
        low, high = (batch, high) if fits(batch) else (low, batch)
    return low if low >= smallest else 0


@dataclass(frozen=True, eq=False)
class _Growth:
    """What is held at batch size B: ``fixed + each · B``.

    ``fixed`` and ``each`` are int64 (operations,), of what is held after each operation; the cautious ones (lines,)
    have what may come on top: a convolution's column matrix, and an optimizer that steps all parameters at once.
    """

    fixed: NDArray[np.int64]
    each: NDArray[np.int64]
    cautious_fixed: NDArray[np.int64]
    cautious_each: NDArray[np.int64]

    @classmethod
    def between(cls, one: Held, other: Held, *, copies: int) -> _Growth | None:
        """From two batch sizes; None where other operations ran, or a line isn't one of whole bytes."""
        if [m.operation for m in one.moments] != [m.operation for m in other.moments]:
            return None
        trained = sum(s.parameter for s in one.shares.values() if s.gradient)
        low, high = (
            np.array([*(m.bytes for m in h.moments), h.columns, h.between + copies * trained], np.int64)
            for h in (one, other)
        )
        each, rest = np.divmod(high - low, other.batch - one.batch)
        if rest.any() or (each < 0).any():
            return None
        fixed = low - each * one.batch
        with_columns = fixed[:-2] + fixed[-2], each[:-2] + each[-2]
        return cls(fixed[:-2], each[:-2], np.append(with_columns[0], fixed[-1]), np.append(with_columns[1], each[-1]))

    def largest(self, room: int) -> int:
        return _largest(self.fixed, self.each, room)

    def largest_cautious(self, room: int) -> int:
        return _largest(self.cautious_fixed, self.cautious_each, room)


def _largest(fixed: NDArray[np.int64], each: NDArray[np.int64], room: int) -> int:
    """The largest B with ``fixed + each · B ≤ room`` throughout; 0 where there is none."""
    if (fixed > room).any():
        return 0
    growing = each > 0
    return int(((room - fixed[growing]) // each[growing]).min()) if growing.any() else MOST
