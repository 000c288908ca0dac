"""Measures of filters: how large each is, what it is like, how fine it is, whether it alternates.

All are computed from the weights alone, in double precision. Throughout, ``w`` is the kernels' weights, (K, C, *places).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.kernels import Kernels

LOW, HIGH = 1 / 8, 1 / 4
"""The ends of the bands in cycles per pixel of the layer's input: low is below `LOW` (waves longer than eight pixels), high
from `HIGH` on (waves of four pixels and shorter), up to 1/2 along an axis.
"""

FINE = 64
"""Samples of the spectrum along each axis."""

SMALLEST, LARGEST = 3, FINE // 2
"""Kernels with fewer places along an axis have neither bands nor a checkerboard; larger ones are pictures."""


@dataclass(frozen=True, eq=False, slots=True)
class Measures:
    """Numbers of each filter of a layer.

    Attributes
    ----------
    rms
        float64 (K,): root of the mean square of its weights.
    size
        float64 (K,): what counts for the next layer, ``rms · |gain|``; rms where no batch normalisation follows.
    relative
        float64 (K,): size over the median size of the filters that read the same channels, zeros left out; over the layer's median
        where each reads a channel of its own. NaN where all are 0.
    total
        float64 (K,): sum of the weights over their sum of absolutes, -1…1: 1 for a filter that only adds, 0 for one that ignores a constant
        input; 0 for a filter of zeros.
    like, cosine
        int (K,) and float64 (K,): the filter most like it, or most opposite, among those that read the same channels, and the
        cosine of the angle between the two, signed. -1 and NaN where there is none.
    bands
        float64 (K, 3): shares of the kernel's energy at low, middle and high frequencies, adding up to 1; NaN for kernels under
        `SMALLEST` places along an axis, and for zeros.
    checkerboard
        float64 (K,): share of the energy that alternates from place to place (see `checkerboard`); NaN where there are no bands.
    beyond
        float64 (K,): share of the energy at frequencies that the layer's own stride can't carry, over 1 / (2 · stride) along some
        axis; NaN without a stride, and where there are no bands.
    unevenness
        float64 (K,): of a transposed convolution, how unevenly it paints a constant input (see `unevenness`); NaN for others.
    """

    rms: NDArray[np.float64]
    size: NDArray[np.float64]
    relative: NDArray[np.float64]
    total: NDArray[np.float64]
    like: NDArray[np.int64]
    cosine: NDArray[np.float64]
    bands: NDArray[np.float64]
    checkerboard: NDArray[np.float64]
    beyond: NDArray[np.float64]
    unevenness: NDArray[np.float64]

    def of(self, rows: NDArray[np.int64]) -> Measures:
        """The measures of some filters; ``like`` still counts among all."""
        return Measures(*(getattr(self, f.name)[rows] for f in fields(self)))


def measure(kernels: Kernels) -> Measures:
    """Measure every filter of a layer."""
    w = kernels.weights.astype(np.float64)
    w[~np.isfinite(w.reshape(len(w), -1)).all(axis=1)] = np.nan  # a filter that holds one infinity has no measures
    rms = np.sqrt(np.mean(w.reshape(len(w), -1) ** 2, axis=1))
    size = rms if kernels.gain is None else rms * np.abs(kernels.gain.astype(np.float64))
    like, cosine = most_alike(w, kernels.group)
    nothing = np.full(len(w), np.nan)
    has_bands = has_frequencies(kernels)
    return Measures(
        rms=rms,
        size=size,
        relative=_relative(size, kernels),
        total=_ratio(w.reshape(len(w), -1).sum(1), np.abs(w).reshape(len(w), -1).sum(1)),
        like=like,
        cosine=cosine,
        bands=bands(w) if has_bands else np.full((len(w), 3), np.nan),
        checkerboard=checkerboard(w) if has_bands else nothing,
        beyond=beyond(w, kernels.stride) if has_bands and _strides(kernels) else nothing,
        unevenness=unevenness(w, kernels.stride) if kernels.form == "transposed" else nothing,
    )


def has_frequencies(kernels: Kernels) -> bool:
    """Whether its kernels are large enough to speak of frequencies: a kernel of k places can't tell apart what is nearer than
    1/k cycles.
    """
    return min(kernels.places) >= SMALLEST and kernels.form != "linear" and max(kernels.places) <= LARGEST


def _strides(kernels: Kernels) -> bool:
    return kernels.form != "transposed" and max(kernels.stride) > 1


def cosines(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, K): the cosine of the angle between each two filters; 0 with a filter of zeros, or of what is no number."""
    rows = np.nan_to_num(w.reshape(len(w), -1), nan=0.0, posinf=0.0, neginf=0.0)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    rows = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)  # squares of tiny numbers vanish
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return np.clip(rows @ rows.T, -1, 1)


def most_alike(w: NDArray[np.float64], group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each filter the one of its group whose cosine with it is largest in absolute value, and that cosine."""
    like, cosine = np.full(len(w), -1), np.full(len(w), np.nan)
    for members in members_of(group):
        if len(members) < 2:
            continue
        angles = cosines(w[members])
        np.fill_diagonal(angles, 0)
        nearest = np.abs(angles).argmax(axis=1)
        like[members], cosine[members] = members[nearest], angles[np.arange(len(members)), nearest]
    return like, cosine


def members_of(group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The filters of each group."""
    return [np.flatnonzero(group == one) for one in np.unique(group)]


def bands(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, 3): shares of the energy below `LOW`, between, and from `HIGH` cycles per pixel on, by distance from frequency 0.

    White noise has 5 %, 15 % and 80 % of its energy there in two dimensions.
    """
    distance = np.sqrt(sum((f**2 for f in _frequencies(w.ndim - 2)), np.zeros((FINE,) * (w.ndim - 2))))
    return _shares(w, [distance < LOW, (distance >= LOW) & (distance < HIGH), distance >= HIGH])


def beyond(w: NDArray[np.float64], stride: tuple[int, ...]) -> NDArray[np.float64]:
    """(K,): the share of the energy over 1 / (2 · stride) cycles per pixel along some axis: what sampling with that stride takes
    for something coarser.
    """
    over = np.zeros((FINE,) * (w.ndim - 2), bool)
    for f, step in zip(_frequencies(w.ndim - 2), stride):
        over |= np.abs(f) > 1 / (2 * step)
    return _shares(w, [over, ~over])[:, 0]


def _frequencies(axes: int) -> list[NDArray[np.float64]]:
    """Cycles per pixel along each axis, for each sample of the spectrum."""
    return list(np.meshgrid(*[np.fft.fftfreq(FINE).astype(np.float64)] * axes, indexing="ij"))


def _shares(w: NDArray[np.float64], parts: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """(K, parts): the shares of a kernel's energy, all slices together, in parts of the spectrum.

    The energy of w in a part P of the spectrum is Σ w(x) · w(y) · p(x − y), where p is P's own inverse transform (Parseval): a quadratic
    form in the weights, so that no spectrum of any kernel is ever needed.
    """
    places = np.indices(w.shape[2:]).reshape(w.ndim - 2, -1)
    apart = tuple((axis[:, None] - axis[None, :]) % FINE for axis in places)
    flat = w.reshape(*w.shape[:2], -1)
    energies = [((flat @ np.fft.ifftn(part).real[apart]) * flat).sum(axis=(1, 2)) for part in parts]
    sums = np.maximum(np.stack(energies, axis=1), 0)  # rounding alone is below
    return _ratio(sums, sums.sum(axis=1, keepdims=True), otherwise=np.nan)


def checkerboard(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,): the share of a kernel's energy that is a checkerboard, 0…1.

    Of the n places of a slice the part along (−1)^(x + y) has the energy (Σ w · (−1)^(x + y))² / n; summed over slices, over the
    energy of all. It is 1 for a checkerboard and 1/n on average for white noise.
    """
    signs = (-1.0) ** np.indices(w.shape[2:]).sum(axis=0)
    along = (w * signs).reshape(*w.shape[:2], -1).sum(axis=2) ** 2 / signs.size
    return _ratio(along.sum(axis=1), (w**2).reshape(len(w), -1).sum(axis=1), otherwise=np.nan)


def structure(w: NDArray[np.float64]) -> tuple[float, float]:
    """How far a layer's kernels are from random ones, in standard errors: along their places, and from slice to slice.

    Products of neighbouring weights, and of weights at one place of two slices, each filter at RMS 1. Were the weights independent with
    mean 0, the sum of P such products would have mean 0 and variance P. (0, 0) where all are zeros.
    """
    rms = np.sqrt(np.mean(w.reshape(len(w), -1) ** 2, axis=1))
    living = w[np.isfinite(rms) & (rms > 0)] / rms[np.isfinite(rms) & (rms > 0)].reshape(-1, *(1,) * (w.ndim - 1))
    places = [_neighbours(living, axis) for axis in range(2, w.ndim)]
    slices = [living[:, a] * living[:, b] for a in range(w.shape[1]) for b in range(a)]
    return _standard_errors(places), _standard_errors(slices)


def _neighbours(w: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Products of the weights that are next to each other along an axis."""
    count = w.shape[axis]
    return np.take(w, range(1, count), axis) * np.take(w, range(count - 1), axis)


def _standard_errors(products: list[NDArray[np.float64]]) -> float:
    count = sum(p.size for p in products)
    return float(sum(p.sum() for p in products) / np.sqrt(count)) if count else 0.0


def unevenness(w: NDArray[np.float64], stride: tuple[int, ...]) -> NDArray[np.float64]:
    """(K,): how unevenly a transposed convolution paints a constant input, 0 (even) … 1 (only a pattern).

    The outputs fall into as many phases as the stride has places; a phase gets the sum S of the weights that fall there. The share
    of Σ S² that is variance over the phases, all slices together (Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts,
    Distill 2016).
    """
    phases = np.indices(w.shape[2:])
    number = np.zeros(w.shape[2:], int)
    for axis, step in enumerate(stride):
        number = number * step + phases[axis] % step
    flat = w.reshape(*w.shape[:2], -1)
    sums = np.stack([flat[..., number.ravel() == p].sum(axis=2) for p in range(prod(stride))], axis=2)
    return _ratio(((sums - sums.mean(axis=2, keepdims=True)) ** 2).sum(axis=(1, 2)), (sums**2).sum(axis=(1, 2)), np.nan)


def _relative(size: NDArray[np.float64], kernels: Kernels) -> NDArray[np.float64]:
    out = np.full_like(size, np.nan)
    for members in members_of(kernels.group) if kernels.shared else [np.arange(len(size))]:
        counted = size[members][np.isfinite(size[members]) & (size[members] > 0)]
        if len(counted):
            out[members] = size[members] / np.median(counted)
    return out


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64], otherwise: float = 0.0) -> NDArray[np.float64]:
    """Part over whole; ``otherwise`` where the whole is 0 or no number."""
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), otherwise)
    return np.divide(part, whole, out=out, where=np.isfinite(whole) & (whole > 0))
