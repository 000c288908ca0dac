"""Occlusion and ablation: what the target loses when one part of the picture is covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.masked import Progress, added_up, of_coalitions, scores, window_drops
from seethrough.attribution.masks import Masks, Pair, covers_of, given, windows
from seethrough.attribution.method import Dial, Facts, Needs, Outcome, Reduce, method
from seethrough.attribution.segments import CELLS, Wanted, count_of, segments_of
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

PERTURBATION = "perturbation"


@method(
    family=PERTURBATION,
    cost="1 forward a window",
    good_for="what the answer really loses; needs no gradient",
    source="Zeiler & Fergus, 2014",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(_windows_of(settings, facts), 0),
    black_box=True,
)
def occlusion(
    run: Run,
    *,
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """Occlusion: the target's drop when a window is covered, averaged at each place over the windows that cover it
    (Zeiler & Fergus, 2014, section 4.2).

    Parameters
    ----------
    window
        Height and width of the window in pixels of the network's input; None: a seventh of the shorter side.
    stride
        Steps between windows in the same pixels; None: half the window. The last window of a row or column is cut off
        at the edge, so that every pixel is covered; with a stride larger than the window those between are not.
    fill
        What covers: ``"mean"`` (the picture's own mean colour), ``"blur"`` (the picture, strongly blurred),
        ``"inpaint"`` (continued from what is left), ``"noise"``, ``"black"``, ``"white"``, ``"zero"``, a number in the
        network's input units, or a tensor in the layout of its input that broadcasts against the images.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: positive where covering hurts it, 0 where no window covers; the
    share of that is reported as ``uncovered``.
    """
    size = (run.images.shape[2], run.images.shape[3])
    window, stride = _windows(size, window, stride)
    drops = window_drops(run, window, stride, fill, progress)
    return _averaged(run, drops.masks, drops.values)


@method(
    family=PERTURBATION,
    cost="1 forward a segment or mask",
    good_for="what the answer loses without a part that you can name",
    source="Zeiler & Fergus, 2014; Kokhlikyan et al. (Captum), 2020",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(_parts_of(settings, facts), 0),
    dial=Dial("cells", (4, 7, 10, 14, 20)),
    black_box=True,
)
def feature_ablation(
    run: Run,
    *,
    segments: Wanted = "grid",
    cells: int | Sequence[int] = CELLS,
    masks: Tensor | np.ndarray | None = None,
    fill: Fill = "mean",
    progress: Progress | None = None,
) -> Outcome:
    """Feature ablation: the target's drop when a segment is covered as a whole, ``f(x) − f(x without it)``.

    Parameters
    ----------
    segments
        ``"grid"``, ``"slic"`` (superpixels of each picture; needs scikit-image), or whole numbers (H, W) or (N, H, W)
        of the size of the network's input, one for each segment.
    cells
        Cells along each side of the grid, or (down, across); about so many superpixels in all.
    masks
        Instead of segments: (K, H, W) of the size of the network's input, each from 1 where it covers to 0 where it
        leaves the picture; they may overlap, and a place then has the mean of what covers it.
    fill
        What covers, as for `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target: positive where covering hurts it, 0 where nothing covers; the
    share of that is reported as ``uncovered``.
    """
    if masks is not None:
        covers = given(1 - covers_of(run, masks, "feature_ablation"))
        return _averaged(run, covers, run.scores - scores(run, covers, fill, progress=progress))
    parts = segments_of(run, segments, cells)
    found = of_coalitions(run, parts, _all_but_one, fill, "all but one", progress)
    drops = [(run.scores[i] - left).to(run.scores) for i, (_, left) in enumerate(found)]
    return Outcome(parts.painted(drops))


def _all_but_one(segments: int) -> Tensor:
    return ~torch.eye(segments, dtype=torch.bool)


def _averaged(run: Run, masks: Masks, drops: Tensor) -> Outcome:
    """At each place the mean drop of what covers it."""
    total = added_up(run, masks, drops, inverse=True)
    weight = added_up(run, masks, torch.ones_like(drops[:, :1]), inverse=True)
    share = float((weight == 0).float().mean())
    checks: Mapping[str, Mapping[str, Any]] = {"uncovered": {"share": share}} if share else {}
    return Outcome(torch.where(weight > 0, total / weight.clamp(min=1e-12), 0), checks)


# --- windows ----------------------------------------------------------------------------------------------------------


def _windows(size: Pair, window: int | Sequence[int] | None, stride: int | Sequence[int] | None) -> tuple[Pair, Pair]:
    """Window and stride in pixels, as said or by default."""
    shape = _pair("window", max(1, min(size) // 7) if window is None else window)
    if shape[0] > size[0] or shape[1] > size[1]:
        raise UsageError(
            f"occlusion's window {_by(shape)} is larger than the network's input {_by(size)}; make it smaller."
        )
    return shape, _pair("stride", (max(1, shape[0] // 2), max(1, shape[1] // 2)) if stride is None else stride)


def _pair(name: str, given: int | Sequence[int]) -> Pair:
    pair = (given, given) if isinstance(given, int) else tuple(given) if isinstance(given, Sequence) else ()
    if len(pair) != 2 or any(isinstance(p, bool) or not isinstance(p, int) or p < 1 for p in pair):
        raise UsageError(
            f"occlusion's {name} is a whole number of pixels ≥ 1, or two of them (height, width), not {given!r}."
        )
    return pair[0], pair[1]


def _by(pair: Pair) -> str:
    return f"{pair[0]} × {pair[1]}"


def _windows_of(settings: Mapping[str, Any], facts: Facts) -> int:
    size = (facts.height, facts.width)
    return len(list(windows(size, *_windows(size, settings["window"], settings["stride"]))))


def _parts_of(settings: Mapping[str, Any], facts: Facts) -> int:
    if settings["masks"] is not None:
        return len(settings["masks"])
    return count_of(settings["segments"], settings["cells"], (facts.height, facts.width))
