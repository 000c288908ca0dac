"""Occlusion: what the target loses when a part of the picture is covered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run

Pair = tuple[int, int]


@method(
    family="perturbation",
    cost="1 forward a window",
    good_for="what the answer really loses; needs no gradient",
    source="Zeiler & Fergus, 2014",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    black_box=True,
)
def occlusion(
    run: Run,
    *,
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    fill: Fill = "mean",
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Occlusion: the target's drop when a window is covered, averaged at each place over the windows that cover it
    (Zeiler & Fergus, 2014, section 4.2).

    Parameters
    ----------
    window
        Height and width of the window in pixels of the network's input; None: a seventh of the shorter side.
    stride
        Steps between windows in the same pixels, at most the window; None: half the window. The last window of a row or
        column is cut off at the edge, so that every pixel is covered.
    fill
        What covers: ``"mean"`` (the picture's own mean colour), ``"blur"`` (the picture, strongly blurred),
        ``"black"``, ``"zero"``, a number in the network's input units, or a tensor in the layout of its input that
        broadcasts against the images.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: positive where covering hurts it.
    """
    x = run.images
    size = (x.shape[2], x.shape[3])
    window = _pair("window", max(1, min(size) // 7) if window is None else window)
    stride = _pair("stride", (max(1, window[0] // 2), max(1, window[1] // 2)) if stride is None else stride)
    _refuse_gaps(size, window, stride)
    cover = fills.fill(run, fill).expand_as(x)
    places = list(windows(size, window, stride))
    total, count = torch.zeros((len(x), *size), device=x.device), torch.zeros(size, device=x.device)
    whole = run.scores

    def cover_some(numbers: range) -> None:
        some = places[numbers.start : numbers.stop]
        covered = x.repeat(len(some), 1, 1, 1)
        for k, (rows, columns) in enumerate(some):
            covered[k * len(x) : (k + 1) * len(x), :, rows, columns] = cover[:, :, rows, columns]
        drops = whole - run.score(covered).reshape(len(some), len(x))
        for drop, (rows, columns) in zip(drops, some):
            total[:, rows, columns] += drop[:, None, None]
            count[rows, columns] += 1

    run.in_groups(len(places), cover_some, progress)
    return total / count


def windows(size: Pair, window: Pair, stride: Pair) -> Iterator[tuple[slice, slice]]:
    """All windows as slices of rows and columns, the last of each row and column cut off at the edge.

    >>> [(r.start, r.stop) for r, c in windows((5, 1), (3, 1), (3, 1))]
    [(0, 3), (3, 5)]
    """
    for top in _starts(size[0], window[0], stride[0]):
        for left in _starts(size[1], window[1], stride[1]):
            yield slice(top, min(top + window[0], size[0])), slice(left, min(left + window[1], size[1]))


def _starts(length: int, window: int, stride: int) -> range:
    """Where windows begin along an axis: so many that the last reaches the end."""
    return range(0, max(0, -(-(length - window) // stride)) * stride + 1, stride)


def _pair(name: str, given: int | Sequence[int]) -> Pair:
    pair = (given, given) if isinstance(given, int) else tuple(given) if isinstance(given, Sequence) else ()
    if len(pair) != 2 or any(isinstance(p, bool) or not isinstance(p, int) or p < 1 for p in pair):
        raise UsageError(
            f"occlusion's {name} is a whole number of pixels ≥ 1, or two of them (height, width), not {given!r}."
        )
    return pair[0], pair[1]


def _refuse_gaps(size: Pair, window: Pair, stride: Pair) -> None:
    if window[0] > size[0] or window[1] > size[1]:
        raise UsageError(
            f"occlusion's window {_by(window)} is larger than the network's input {_by(size)}; make it smaller."
        )
    if any(step > cover < whole for whole, cover, step in zip(size, window, stride)):
        raise UsageError(
            f"occlusion's stride {_by(stride)} is larger than its window {_by(window)}, so that pixels would be left "
            "out; make it smaller."
        )


def _by(pair: Pair) -> str:
    return f"{pair[0]} × {pair[1]}"
