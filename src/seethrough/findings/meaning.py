"""Meaning: what words mean, by what is known of their own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.statistics import Interval, proportion

ENOUGH = 0.7
"""Of a word's pictures so many are taken for it, and of those that are taken for it so many are its own: else it isn't used."""

REACH = 1.5
"""A picture looks like a word up to so much of the squared distance of its furthest own picture: with few pictures that one isn't far."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of n pictures.

    Attributes
    ----------
    told
        float32 (n, D): what words are told apart by.
    looks
        float32 (n, d): colours and detail; the same where words are told apart by these.
    """

    told: NDArray[np.float32]
    looks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.told)


def together(several: Sequence[Seen]) -> Seen:
    """All of them, one behind the other."""
    told = np.concatenate([each.told for each in several]) if several else np.zeros((0, 1), np.float32)
    if all(each.looks is each.told for each in several):
        return Seen(told, told)
    return Seen(told, np.concatenate([each.looks for each in several]))


@dataclass(frozen=True, eq=False)
class Meaning:
    """What words mean: the mean of each one's pictures, and how far pictures of one word lie apart in each feature. Nearest shrunken
    means (Tibshirani et al., 2002) without a threshold: what hardly varies within words counts more, but never without limit.

    A network that tells two things apart may see nothing of what they are: sand is green to it where nothing else is. So what looks like
    a word to it has to be of such colours and detail as well.

    Attributes
    ----------
    means
        (K, D).
    width
        (D,).
    reach
        (K,): up to this squared distance a picture looks like it.
    taken_for
        int64 (M,): for which word each of their own pictures is taken, by the means and widths of all the others.
    tellable
        bool (K,): which words are told from the others.
    looks
        What the words mean by colours and detail; None where this is that.
    """

    means: NDArray[np.float64]
    width: NDArray[np.float64]
    reach: NDArray[np.float64]
    taken_for: NDArray[np.int64]
    tellable: NDArray[np.bool_]
    looks: Meaning | None = None

    def nearest(self, seen: Seen) -> NDArray[np.int64]:
        """Which word each of n pictures looks like, int64 (n,); −1 for none."""
        if not len(seen):
            return np.zeros(0, np.int64)
        apart = self.apart(seen.told)
        rows, best = np.arange(len(seen)), apart.argmin(1)
        near = apart[rows, best] <= self.reach[best]
        if self.looks is not None:
            near &= self.looks.apart(seen.looks)[rows, best] <= self.looks.reach[best]
        return np.where(near, best, -1)

    def apart(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """How far each of rows (n, D) is from each word, squared, (n, K)."""
        return np.stack([(((rows - mean) / self.width) ** 2).mean(1) for mean in self.means], 1)


def meaning(seen: Seen, of: NDArray[np.int64], count: int) -> Meaning:
    """What words mean by what is known of their M pictures; ``of`` (M,) says whose each is, of ``count`` words."""
    own = meaning_of(seen.told, of, count)
    return own if seen.looks is seen.told else replace(own, looks=meaning_of(seen.looks, of, count, least=1.0))


def meaning_of(rows: NDArray[np.float32], of: NDArray[np.int64], count: int, *, least: float = 0.0) -> Meaning:
    """What words mean by rows (M, D) of their pictures.

    Parameters
    ----------
    of
        (M,): whose each is, of ``count`` words.
    least
        What is nearer than so much in each feature is alike, however like each other the pictures of a word are.
    """
    z = rows.astype(np.float64)
    sizes = np.bincount(of, minlength=count)
    means = np.stack([z[of == k].mean(0) for k in range(count)])
    spread = ((z - means[of]) ** 2).sum(0)
    taken_for, apart = np.empty(len(z), np.int64), np.empty(len(z))
    for row, k in enumerate(of):
        n = sizes[k]
        without, far = means.copy(), z[row] - means[k]
        without[k] = means[k] - far / (n - 1)
        width = _width(spread - n / (n - 1) * far**2, len(z) - 1 - count, least)
        distances = (((z[row] - without) / width) ** 2).mean(1)
        taken_for[row], apart[row] = distances.argmin(), distances[k]
    tellable = []
    for k in range(count):
        hits, taken = int((taken_for[of == k] == k).sum()), int((taken_for == k).sum())
        own = proportion(hits, int(sizes[k]))
        tellable.append(own.value >= ENOUGH and own.low > 1 / count and hits >= ENOUGH * taken)
    reach = np.array([max(REACH * apart[of == k].max(), float(least > 0)) for k in range(count)])
    return Meaning(means, _width(spread, len(z) - count, least), reach, taken_for, np.array(tellable, bool))


def _width(spread: NDArray[np.float64], free: int, least: float) -> NDArray[np.float64]:
    """The standard deviation within words, of each feature, and the usual one added to it."""
    deviation = np.sqrt(np.maximum(spread, 0) / max(1, free))
    varying = deviation[deviation > 0]
    return deviation + max(float(np.median(varying)) if len(varying) else 1e-6, least)


def difference(one: Interval, other: Interval) -> Interval:
    """Of two shares of different pictures, with its 95 % interval out of theirs (Newcombe, 1998, method 10)."""
    value = one.value - other.value
    low = value - float(np.hypot(one.value - one.low, other.high - other.value))
    high = value + float(np.hypot(one.high - one.value, other.value - other.low))
    return Interval(value, low, high, min(one.n, other.n))
