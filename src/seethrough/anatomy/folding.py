"""Folding: what repeats in a row of layers, so that ten thousand of them are one screen.

A network that is made by a loop is a sequence with tandem repeats: ``conv relu conv relu …``. From left to right,
wherever a stretch repeats itself at once, the period that saves most lines is taken; the same is then done inside of
one period. Stretches are compared by a rolling hash (Karp and Rabin, Efficient randomized pattern-matching algorithms,
1987), so that the whole takes n · log n.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WORTH = 4
"""A fold that hides fewer lines than this costs more than it saves: the reader has to think, and loses names."""

_CANDIDATES = 8
_PRIME = (1 << 61) - 1
_BASE = 1_000_003


@dataclass(frozen=True, slots=True)
class Repeat:
    """``times`` stretches of ``period`` items that are alike, the first at ``start``. A single item is one stretch of
    one.
    """

    start: int
    period: int = 1
    times: int = 1

    @property
    def stop(self) -> int:
        return self.start + self.period * self.times


def repeats(labels: Sequence[int], lines: Sequence[int], names: Sequence[str]) -> list[Repeat]:
    """Cut a sequence into single items and stretches that repeat.

    Parameters
    ----------
    labels
        Equal for items that are alike.
    lines
        How many lines each item takes when shown.
    names
        What a person calls them; of several ways to cut a repeat, the one that keeps names with a common beginning
        together is taken.
    """
    stretches, positions, before = _Stretches(labels), _positions(labels), _sums(lines)
    found: list[Repeat] = []
    i = 0
    while i < len(labels):
        best = max(_candidates(labels, i, positions[labels[i]], stretches, before), default=None)
        if best is None or best[0] < WORTH:
            found.append(Repeat(i))
            i += 1
            continue
        _, shorter, length = best
        period = -shorter
        start = _start(i, period, length % period, names)
        found += [Repeat(k) for k in range(i, start)]
        found.append(Repeat(start, period, (length - (start - i)) // period))
        i = found[-1].stop
    return found


def _candidates(
    labels: Sequence[int], i: int, positions: list[int], stretches: _Stretches, before: list[int]
) -> Iterator[tuple[int, int, int]]:
    """(lines hidden, −period, length of the periodic stretch) for the next places where the same label stands."""
    at = bisect_right(positions, i)
    for j in positions[at : at + _CANDIDATES]:
        period = j - i
        length = period + stretches.common(i, j)
        times = length // period
        if times > 1:
            yield before[i + period * times] - before[i + period], -period, length


def _start(i: int, period: int, slack: int, names: Sequence[str]) -> int:
    """Where in a periodic stretch the first period is best begun.

    The end of a loop is sharp, since what follows is different; before its beginning there is often something like its
    end. So the latest start is right, unless names say otherwise.
    """
    if period > 64:
        return i + slack
    return max(range(i, i + slack + 1), key=lambda start: (len(common_words(names[start : start + period])), start))


def common_words(names: Sequence[str]) -> str:
    """What all names begin with, in whole words: ``conv2_block1`` for ``conv2_block1_relu`` and ``conv2_block1_add``;
    often nothing.
    """
    first, last = (re.split(r"([._/-])", n) for n in (min(names), max(names)))
    same = next((k for k, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    return "".join(first[:same]).rstrip("._/-")


def _positions(labels: Sequence[int]) -> dict[int, list[int]]:
    where: dict[int, list[int]] = {}
    for i, label in enumerate(labels):
        where.setdefault(label, []).append(i)
    return where


def _sums(numbers: Sequence[int]) -> list[int]:
    sums = [0]
    for n in numbers:
        sums.append(sums[-1] + n)
    return sums


class _Stretches:
    """Compares stretches of one sequence in log n."""

    def __init__(self, labels: Sequence[int]) -> None:
        self.labels = labels
        self.hashes, self.powers = [0], [1]
        for label in labels:
            self.hashes.append((self.hashes[-1] * _BASE + label + 1) % _PRIME)
            self.powers.append(self.powers[-1] * _BASE % _PRIME)

    def common(self, i: int, j: int) -> int:
        """How many items from ``i`` and from ``j > i`` on are equal."""
        low, high = 0, len(self.labels) - j
        while low < high:
            middle = (low + high + 1) // 2
            if self._hash(i, middle) == self._hash(j, middle):
                low = middle
            else:
                high = middle - 1
        return low

    def _hash(self, start: int, length: int) -> int:
        return (self.hashes[start + length] - self.hashes[start] * self.powers[length]) % _PRIME
