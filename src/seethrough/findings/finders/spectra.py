"""Spectra: patterns of some frequencies and directions, laid over pictures that are answered so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, uniform_filter1d

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.spectrum import Disc, Spectrum
from seethrough.findings.aspects.without import painted_over
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.cells import chosen, rows_among
from seethrough.findings.finders.finder import questions, told_apart
from seethrough.findings.looks import luma

PERMUTED = 40
"""How often answers are dealt out anew, to see how large a difference is by chance."""

CLEAR = 0.5
"""Frequencies that differ by this part of the largest difference belong to the pattern."""

WIDE = 0.2
"""Of all frequencies: what differs in more of them is detail as such, and no pattern."""

MOST = 12
"""Frequencies that a pattern has at most, its strongest."""

FINE = 96
"""Frequencies a side are told apart at most."""

DARK = 1e-7
"""Power a pixel that isn't told from none: a thousandth of a grey level, squared, and less than any picture's noise."""

LEAST = 4
"""Pictures of an answer, and of its rivals, of which frequencies are compared."""

AT_ONCE = 64


@dataclass(frozen=True)
class Spectra:
    """Where brightness beside the thing has more or less of some frequencies than of others as fine, by more between answers
    than ever with answers dealt out anew. What differs in all directions alike is detail, which others look at.
    """

    name: str = "spectrum"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        if facts.fore is None or canvas.foreground is None or facts.agreement is not None:
            return []  # what an estimate leaves over of the things has patterns of its own
        planes = planes_of(facts, canvas)
        found = []
        for answer, rivals, own, rival in questions(
            facts, np.unique(numbers)
        ):  # a picture twice would make chance seem small
            mine, theirs = (rows_among(planes.numbers, some) for some in (own, rival))
            if min(len(mine), len(theirs)) < LEAST:
                continue
            both = planes.logs[np.concatenate([mine, theirs])]
            is_own = np.arange(len(both)) < len(mine)
            seen = differences(both, is_own)
            limit = max(float(abs(differences(both, chance.permutation(is_own))).max()) for _ in range(PERMUTED))
            discs = planes.discs(abs(seen), max(limit, CLEAR * float(abs(seen).max())))
            if discs:
                on = planes.covered(discs)
                strong = both[:, on] @ seen[on]
                auc = told_apart(strong[is_own], strong[~is_own])
                measured = {"spectrum": {"cycles": list(discs[0][:2]), "more": bool(seen[on].sum() > 0)}}
                found.append(Candidate(Spectrum(discs), answer, rivals, (self.name,), auc, 1.0, measured))
        return found


def differences(planes: NDArray, own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much more of each frequency the answer's pictures have, (h, w): t."""
    a, b = planes[own], planes[~own]
    return (a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b) + 1e-9)


@dataclass(frozen=True, eq=False)
class Planes:
    """Of n pictures how strong each frequency is beside others as fine.

    Attributes
    ----------
    numbers
        int64 (n,), the pictures, in order.
    logs
        float32 (n, h, w), decimal logarithms of power.
    down, across
        (h,) and (w,), cycles a pixel: from −½ to ½, and from 0 to ½.
    bin
        How far the frequencies are apart that pictures of this size can tell.
    """

    numbers: NDArray[np.int64]
    logs: NDArray[np.float32]
    down: NDArray[Any]
    across: NDArray[Any]
    bin: float

    def discs(self, seen: NDArray, limit: float) -> tuple[Disc, ...]:
        """Discs around what lies above a limit, (h, w), the strongest first; none where that is much of the plane."""
        above = seen > limit
        if not above.any() or above.mean() > WIDE:
            return ()
        pieces = np.zeros(seen.shape, np.int32)
        label(above, np.ones((3, 3)), output=pieces)
        found: list[tuple[float, Disc]] = []
        for number, place in enumerate(find_objects(pieces), 1):
            rows, columns = np.nonzero(pieces == number)
            weight = seen[rows, columns]
            y, x = ((at * weight).sum() / weight.sum() for at in (self.down[rows], self.across[columns]))
            spans = (float(np.ptp(at[part])) / 2 for at, part in zip((self.down, self.across), place))
            reach = max(*spans, 1.5 * self.bin)
            found.append((float(weight.max()), (round(float(y), 4), round(float(x), 4), round(reach, 4))))
        found.sort(key=lambda each: -each[0])
        return tuple(disc for _, disc in found[:MOST])

    def covered(self, discs: tuple[Disc, ...]) -> NDArray[np.bool_]:
        """The frequencies in discs, (h, w)."""
        on = np.zeros((len(self.down), len(self.across)), bool)
        for y, x, reach in discs:
            on |= np.hypot(self.down[:, None] - y, self.across[None] - x) <= reach
        return on


_PLANES: WeakKeyDictionary[Canvas, Planes] = WeakKeyDictionary()


def planes_of(facts: Facts, canvas: Canvas) -> Planes:
    """The planes of the finding pictures, of brightness beside the things."""
    wanted = chosen(facts)
    kept = _PLANES.get(canvas)
    if kept is None or not np.array_equal(kept.numbers, wanted):
        parts, size = [], (2, 2)
        for at in range(0, len(wanted), AT_ONCE):
            grey = luma(painted_over(canvas.load(wanted[at : at + AT_ONCE])))[:, 0].numpy()
            size = grey.shape[1], grey.shape[2]
            parts.append(strengths(grey))
        down, across = _frequencies(*size)
        logs = np.concatenate(parts) if parts else np.zeros((0, len(down), len(across)), np.float32)
        _PLANES[canvas] = kept = Planes(wanted, logs, down, across, 1 / min(size))
    return kept


def strengths(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strong each frequency of grey pictures (n, H, W) is, as a decimal logarithm of its power, less the middle one of
    those that are as fine.
    """
    height, width = grey.shape[1:]
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    spread = np.fft.rfft2((grey - grey.mean((1, 2), keepdims=True)) * window)
    power = abs(np.fft.fftshift(spread, axes=1)) ** 2
    step = _step(height, width)
    power = _mixed(power, step)[:, ::step, ::step]
    logs = _mixed(np.log10(power + DARK * height * width), 3)
    down, across = _frequencies(height, width)
    rings = np.round(np.hypot(down[:, None], across[None]) * min(len(down), 2 * len(across)) / 2).astype(np.int64)
    usual = np.stack([np.median(logs[:, rings == ring], axis=1) for ring in range(rings.max() + 1)], 1)
    return (logs - usual[:, rings]).astype(np.float32)


def _mixed(planes: NDArray, reach: int) -> NDArray:
    """Each frequency with so many around it; what is beyond the highest downwards are the lowest again."""
    down = uniform_filter1d(planes, reach, axis=1, mode="wrap")
    return np.asarray(uniform_filter1d(down, reach, axis=2, mode="nearest"))


def _step(height: int, width: int) -> int:
    return max(1, -(-min(height, width) // FINE))


def _frequencies(height: int, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    step = _step(height, width)
    return np.fft.fftshift(np.fft.fftfreq(height))[::step], np.fft.rfftfreq(width)[::step]
