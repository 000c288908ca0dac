"""Estimate: where the thing is, where nobody drew it — out of a box, or out of the picture alone.

A box says that what lies around it isn't the thing: colours inside it that also lie around it belong to the background. That is
GrabCut's idea (Rother, Kolmogorov & Blake, 2004), here with smoothed histograms of colours, and the guided filter (He, Sun & Tang,
2010) where they cut a graph. Without a box guesses that don't know of each other stand for it: which colours the border of the
picture doesn't have, what is fenced off from the border by edges (geodesic saliency; Wei, Wen, Zhu & Sun, 2012), and where the
network finds much. How far they agree is what the estimate is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, label, uniform_filter1d, zoom
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

Plane = NDArray[np.floating[Any]]

WORK = 96
"""Pixels a side on which is estimated."""

BINS, SOFT = 16, 1.0
"""Levels of each colour channel, and the deviation in levels by which their counts are smoothed."""

ROUNDS = 5
"""How often colours and places are matched to each other."""

CERTAIN = 4.0
"""A colour speaks for or against by so much at most, in natural logarithms of the odds."""

TWICE = 2.0
"""What a pixel's colour counts for beside its place."""

NEAR = 10.0
"""Ground so many pixels away from a box counts for a third of what lies next to it."""

RADIUS, EDGE = 5, 1e-4
"""Of the guided filter: pixels to each side, and the variance below which nothing is an edge."""

MIDDLE, CORNER = 0.75, 0.4
"""How likely the middle of a box belongs to the thing, and its corners."""

RIM = 0.04
"""Of the side: what lies so near to the border is ground, where nothing else is known."""

COARSE = 40
"""Places a side between which ways are sought."""

FENCE = 0.05
"""Of white: a thing that is fenced off by less isn't."""

STANDS = 0.9
"""So far must something be fenced off, of what is needed."""

AGREE, LEAST, MOST = 0.4, 0.01, 0.75
"""An estimate is worth something where the two guesses overlap so far, and it covers between so much and so much."""

AMID, ASIDE = 0.5, 0.05
"""The same of a picture without a box, of which the thing is the smaller part."""

SCANT, FULL = 0.15, 0.97
"""Of a box: where the thing would cover less, or more, the box itself is taken."""

GENEROUS = 0.2
"""From this chance on a pixel belongs to the thing: to miss some of it is worse than to take some ground for it."""


def in_box(x: Plane, box: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The thing in a box.

    Parameters
    ----------
    x
        float32 (3, H, W), 0…1.
    box
        bool (H, W), True in the box, or in one of several.

    Returns
    -------
    ndarray, bool (H, W): nowhere True where the box isn't; the box itself where colours tell nothing.
    """
    if not box.any() or box.all():
        return box
    small, inside = _small(x), _small(box[None].astype(np.float32))[0]
    prior = np.zeros_like(inside)
    pieces = np.zeros(inside.shape, np.int32)
    count = label(inside > 0.5, output=pieces)
    for number in range(1, int(count) + 1):  # type: ignore[arg-type]
        prior = np.maximum(prior, _roundish(pieces == number))
    chance = grown(small, np.where(inside > 0.5, prior, 0.0).astype(np.float32))
    found = _large(chance, box.shape) >= GENEROUS
    found = _filled(_without_specks(found & box))
    share = found.sum() / box.sum()
    return found & box if SCANT <= share <= FULL else box


def alone(x: Plane, spots: Plane | None = None) -> Guess:
    """The thing in a picture of which nobody said anything: what stands out from the border.

    Parameters
    ----------
    x
        float32 (3, H, W), 0…1.
    spots
        (h, w), ≥ 0, on any grid over the picture: how much a network finds where, whatever it makes of it (the sum of a late
        layer's activations; Wei, Luo, Wu & Zhou, 2017); None where nobody knows. Asked only where the picture's own two
        guesses disagree: a network that goes by the ground finds much on the ground.
    """
    small = _small(x)
    inside = np.ones(small.shape[1:], bool)
    rim = max(1, round(RIM * min(inside.shape)))
    inside[:rim] = inside[-rim:] = inside[:, :rim] = inside[:, -rim:] = False
    by_place = _roundish(inside, AMID, ASIDE)
    guesses = [grown(small, by_place, near=np.inf), fenced_off(small)]
    agreement = _overlap(*(guess >= _between(guess) for guess in guesses))
    stands = bool(guesses[1].max() >= STANDS)  # else wherever the guesses lie they lie by chance
    if stands and agreement < AGREE and spots is not None:
        theirs = _large(spots / max(float(np.quantile(spots, 0.98)), 1e-9), inside.shape).clip(0, 1).astype(np.float32)
        ours = _by_areas(_by_areas(np.stack(guesses).mean(0)[None], 1, spots.shape[0]), 2, spots.shape[1])[0]
        agreement = _overlap(ours >= _between(ours), spots >= _between(spots))
        guesses.append(theirs)
    prior = np.where(inside, np.stack([by_place, *guesses]).mean(0), 0)
    chance = _large(grown(small, prior.astype(np.float32), near=np.inf), x.shape[1:])
    found = _filled(_without_specks(chance >= GENEROUS))
    return Guess(found, agreement if stands else 0.0, float(found.mean()))


@dataclass(frozen=True, eq=False)
class Guess:
    """A thing as it was estimated.

    Attributes
    ----------
    mask
        bool (H, W).
    agreement
        How far the two guesses overlap, 0…1: what both take for the thing, of what either does.
    area
        The mask's share of the picture.
    """

    mask: NDArray[np.bool_]
    agreement: float
    area: float

    @property
    def good(self) -> bool:
        """Whether it is worth something: the two agree, and it is neither next to nothing nor next to all."""
        return self.agreement >= AGREE and LEAST <= self.area <= MOST


def fenced_off(x: Plane) -> Plane:
    """How much must be crossed to come from the border to each pixel, (h, w), from 0 to 1 for what is furthest: the shortest
    way over differences of colour (Wei, Wen, Zhu & Sun, 2012), without what any small step costs.
    """
    coarse = x
    for axis in (1, 2):
        coarse = _by_areas(coarse, axis, min(coarse.shape[axis], COARSE))
    h, w = coarse.shape[1:]
    at = np.arange(h * w).reshape(h, w)
    starts, ends = (
        np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()]),
        np.concatenate([at[:, 1:].ravel(), at[1:].ravel()]),
    )
    flat = coarse.reshape(3, -1)
    steps = np.sqrt(((flat[:, starts] - flat[:, ends]) ** 2).sum(0))
    usual = np.median(steps)
    steps = np.maximum(steps - usual, 0) + 1e-4
    rim = np.unique(np.concatenate([at[0], at[-1], at[:, 0], at[:, -1]]))
    size = h * w + 1
    graph = coo_array(
        (np.concatenate([steps, np.full(len(rim), 1e-6)]), (np.concatenate([starts, np.full(len(rim), size - 1)]),
         np.concatenate([ends, rim]))), shape=(size, size),
    ).tocsr()  # fmt: skip
    far = dijkstra(graph, directed=False, indices=size - 1)[:-1].reshape(h, w)
    top = float(np.quantile(far, 0.98))
    return np.clip(_large((far / max(top, FENCE)).astype(np.float32), x.shape[1:]), 0, 1)


def _between(values: Plane) -> float:
    """The level that parts low values from high ones best (Otsu, 1979)."""
    counts, ends = np.histogram(values, 64)
    middle = (ends[1:] + ends[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    low = np.cumsum(counts * middle)
    mean_low, mean_high = low / np.maximum(below, 1), (low[-1] - low) / np.maximum(above, 1)
    return float(ends[1:][np.argmax(below * above * (mean_low - mean_high) ** 2)])


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    either = int((one | other).sum())
    return float((one & other).sum() / either) if either else 0.0


def grown(x: Plane, prior: Plane, near: float = NEAR) -> Plane:
    """How likely each pixel belongs to the thing, (h, w), 0…1.

    Parameters
    ----------
    x
        (3, h, w), 0…1.
    prior
        (h, w): how likely it does by where it lies alone; what has 0 never does.
    near
        Ground so many pixels away from where the thing can be counts for a third of what lies next to it.
    """
    code, off = _codes(x), prior <= 0
    lean = np.log(np.clip(prior, 1e-3, 1 - 1e-3) / (1 - np.clip(prior, 1e-3, 1 - 1e-3)))
    filtering = _Guided(x)
    counts = np.exp(-np.asarray(distance_transform_edt(off)) / near).astype(np.float32)
    chance = prior
    for _ in range(ROUNDS):
        speaks = _told_by_colour(code, chance, (1 - chance) * counts)
        chance = 1 / (1 + np.exp(-(speaks + lean)))
        chance = np.where(off, 0, filtering(chance.astype(np.float32)))
    return chance.astype(np.float32)


def _told_by_colour(code: NDArray[np.int64], thing: Plane, ground: Plane) -> Plane:
    """By how much each pixel's colour speaks for the thing, from what each pixel counts for in the one and the other."""
    sides = []
    for weight in (thing, ground):
        counts = np.bincount(code.ravel(), weight.ravel(), BINS**3).reshape(BINS, BINS, BINS)
        smooth = gaussian_filter(counts, SOFT, mode="nearest", truncate=2.0)
        sides.append(smooth.ravel() / max(float(smooth.sum()), 1e-9) + 1e-5)
    return np.clip(TWICE * np.log(sides[0] / sides[1]), -CERTAIN, CERTAIN).astype(np.float32)[code]


def _codes(x: Plane) -> NDArray[np.int64]:
    """Of each pixel the number of its colour's bin, (h, w): brightness, and two differences, spread as far as they vary."""
    red, green, blue = x
    level = np.zeros(red.shape, np.int64)
    for of, low, high in (
        ((red + green + blue) / 3, 0.0, 1.0),
        (red - blue, -0.5, 0.5),
        (green - (red + blue) / 2, -0.3, 0.3),
    ):
        level = level * BINS + np.clip((of - low) / (high - low) * BINS, 0, BINS - 1).astype(np.int64)
    return level


@dataclass(eq=False)
class _Guided:
    """The guided filter of one picture: what is given is smoothed, and keeps the picture's edges."""

    x: Plane

    def __post_init__(self) -> None:
        self._mean = self._near(self.x)
        i, j = np.triu_indices(3)
        (a, b, c, d, e, f) = (
            self._near(self.x[i] * self.x[j]) - self._mean[i] * self._mean[j] + EDGE * (i == j)[:, None, None]
        )
        # the inverse of a symmetric matrix [[a b c] [b d e] [c e f]] at every pixel
        rows = np.array([[d * f - e * e, c * e - b * f, b * e - c * d], [c * e - b * f, a * f - c * c, b * c - a * e],
                         [b * e - c * d, b * c - a * e, a * d - b * b]])  # fmt: skip
        self._inverse = (rows / (a * rows[0, 0] + b * rows[0, 1] + c * rows[0, 2])).astype(np.float32)

    def __call__(self, given: Plane) -> Plane:
        mean = self._near(given)
        slope = np.einsum("ijhw,jhw->ihw", self._inverse, self._near(self.x * given) - self._mean * mean)
        rest = mean - (slope * self._mean).sum(0)
        return np.clip((self._near(slope) * self.x).sum(0) + self._near(rest), 0, 1)

    def _near(self, of: Plane) -> Plane:
        across = uniform_filter1d(of, 2 * RADIUS + 1, -1, mode="nearest")
        return np.asarray(uniform_filter1d(across, 2 * RADIUS + 1, -2, mode="nearest"))


def _roundish(box: NDArray[np.bool_], middle: float = MIDDLE, corner: float = CORNER) -> Plane:
    """How likely each pixel of a box belongs to the thing, by where it lies in it: things are round rather than square."""
    rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
    down = (np.arange(box.shape[0]) - rows.mean()) / max(1.0, len(rows) / 2)
    across = (np.arange(box.shape[1]) - columns.mean()) / max(1.0, len(columns) / 2)
    far = np.clip((down[:, None] ** 2 + across[None] ** 2) / 2, 0, 1)
    return np.where(box, middle + (corner - middle) * far, 0).astype(np.float32)


def _small(x: Plane) -> Plane:
    """On the working grid, (C, h, w): at most `WORK` a side, by areas."""
    side = max(x.shape[1:])
    if side <= WORK:
        return x
    sizes = [max(8, round(n * WORK / side)) for n in x.shape[1:]]
    for axis, size in enumerate(sizes, 1):
        x = _by_areas(x, axis, size)
    return x


def _by_areas(x: Plane, axis: int, size: int) -> Plane:
    """The mean of what of an axis falls into each of so many equal parts."""
    n = x.shape[axis]
    ends = np.arange(size + 1) * (n / size)
    sums = np.concatenate(
        [np.zeros_like(np.take(x, [0], axis), np.float64), np.cumsum(x, axis, dtype=np.float64)], axis
    )
    low = np.floor(ends).astype(int).clip(0, n)
    part = (ends - low).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    at = np.take(sums, low, axis) * (1 - part) + np.take(sums, np.minimum(low + 1, n), axis) * part
    return (np.diff(at, axis=axis) * (size / n)).astype(np.float32)


def _large(chance: Plane, shape: tuple[int, ...]) -> Plane:
    if chance.shape == shape:
        return chance
    grown_up = zoom(chance, [n / m for n, m in zip(shape, chance.shape)], order=1, grid_mode=True, mode="nearest")
    return np.asarray(grown_up)


def _filled(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(binary_fill_holes(found), bool)


def _without_specks(found: NDArray[np.bool_], least: float = 0.1) -> NDArray[np.bool_]:
    """Only pieces that aren't small beside the largest."""
    pieces = np.zeros(found.shape, np.int32)
    if int(label(found, output=pieces)) < 2:  # type: ignore[arg-type]
        return found
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (sizes >= least * sizes.max())[pieces]
