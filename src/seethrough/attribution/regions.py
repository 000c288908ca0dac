"""XRAI: which regions of a picture speak for the target, the strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.method import Facts, Needs, Outcome, Reduce, method
from seethrough.attribution.path import PATH, STEPS, completeness
from seethrough.attribution.straight import AT_FIRST, line
from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

SCALES = (50, 100, 150, 250, 500, 1200)
SMOOTHING, SMALLEST, SEEN_AT = 0.8, 150, 224
"""Of the segments, as in the authors' program: Gaussian before, pixels of the smallest, and at what size (shorter side)
these numbers hold.
"""
GROWN = 5
"""Pixels that a segment grows by on each side, so that it has its edges."""
NEW = 50
"""A region that adds fewer pixels isn't looked at."""


def _work(settings: Mapping[str, Any], _: Facts) -> Passes:
    steps = settings["steps"] or AT_FIRST
    return Passes(2 * steps, 2 * steps + 1)


@method(
    family=PATH,
    needs=Needs.PICTURES,
    cost="2 n forwards, 2 n walks back, and segments of the picture",
    good_for="whole regions, ranked; where you want an area rather than pixels",
    source="Kapishnikov, Bolukbasi, Viégas & Terry, 2019",
    reduce=Reduce.NONE,
    work=_work,
    dial=STEPS,
)
def xrai(run: Run, *, steps: int | None = None, progress: Callable[[int, int], None] | None = None) -> Outcome:
    """XRAI: integrated gradients from a black and from a white picture, their mean gathered over regions; regions join,
    the one of highest mean first (Kapishnikov et al., 2019, algorithm 1).

    The regions are segments of the picture after Felzenszwalb and Huttenlocher at six scales, a little grown; they
    overlap, and of each only what no stronger one has covered counts. What stays is one region too. Where nobody knows
    what black and white are to the network, each picture's least and largest numbers stand for them. Needs scikit-image
    (the extra ``data``).

    Parameters
    ----------
    steps
        As for integrated gradients, of each of the two.

    Returns
    -------
    Tensor, (N, H, W), signed: each pixel has its region's mean, in units of the target; sums over a picture to what the
    two integrated gradients sum to (``completeness``).
    """
    if steps is not None and steps < 1:
        raise UsageError(f"xrai needs steps ≥ 1, not {steps}.")
    felzenszwalb()
    x = run.images
    ends: tuple[Fill, Fill] = ("black", "white")
    if run.black is None or run.white is None:
        least, largest = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        ends = run.source.native(least.expand_as(x)), run.source.native(largest.expand_as(x))
    paths = [line(run, steps, end, progress) for end in ends]
    each = torch.stack([path.way.to(path.at) * path.integral() for path in paths]).mean(0).sum(1)
    fewest = max(1, round(NEW * smaller(tuple(x.shape[2:])) ** 2))
    values = torch.stack([joined(one, segments(image), fewest) for one, image in zip(each, x)])
    rise = (paths[0].rise + paths[1].rise) / 2
    return Outcome(values, {"completeness": completeness(values, rise, paths[0].steps + paths[1].steps)})


def joined(attribution: Tensor, regions: Tensor, fewest: int = NEW) -> Tensor:
    """Of an attribution (H, W) each pixel's region mean, (H, W): regions, bool (M, H, W), are taken in the order of the
    mean over what they add, if they add ``fewest`` pixels.
    """
    given = attribution.detach().double().cpu().flatten()
    inside = regions.flatten(1)
    sizes, sums = inside.sum(1).double(), torch.stack([given[region].sum() for region in inside])
    free, found = torch.ones_like(given, dtype=torch.bool), given.clone()
    while bool((sizes >= fewest).any()):
        best = int(torch.where(sizes >= fewest, sums / sizes.clamp(min=1), -torch.inf).argmax())
        added = inside[best] & free
        found[added] = given[added].mean()
        free &= ~added
        gone = inside[:, added]
        sizes, sums = sizes - gone.sum(1), sums - gone.double() @ given[added]
        sizes[best] = 0
    if bool(free.any()):
        found[free] = given[free].mean()
    return found.reshape(attribution.shape).to(attribution)


def smaller(size: tuple[int, ...]) -> float:
    """How much smaller a picture is than those for which the numbers hold."""
    return min(1.0, min(size) / SEEN_AT)


def segments(image: Tensor) -> Tensor:
    """Regions of a picture (C, H, W) at all scales, bool (M, H, W); they overlap."""
    from scipy.ndimage import distance_transform_edt, find_objects, zoom

    x: np.ndarray = image.detach().double().cpu().numpy()
    x = (x - x.min()) / max(x.max() - x.min(), 1e-12) * 2 - 1
    size = x.shape[1:]
    if min(size) > SEEN_AT:
        factor = SEEN_AT / min(size)
        x = np.asarray(zoom(x, (1, factor, factor), order=1, grid_mode=True, mode="nearest"))
    smallest, reach = max(1, round(SMALLEST * smaller(size) ** 2)), max(1, round(GROWN * smaller(size)))
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, x.shape[1:]))
    masks = []
    for scale in SCALES:
        found = felzenszwalb()(x.transpose(1, 2, 0), scale=scale, sigma=SMOOTHING, min_size=smallest, channel_axis=-1)
        for number, box in enumerate(find_objects(found + 1)):
            around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
            mask = np.zeros(found.shape, bool)
            mask[around] = np.asarray(distance_transform_edt(found[around] != number)) <= reach
            masks.append(mask[np.ix_(rows, columns)])
    return torch.from_numpy(np.stack(masks))


def felzenszwalb() -> Callable[..., np.ndarray]:
    try:
        from skimage.segmentation import felzenszwalb
    except ImportError:
        raise EnvironmentLacks(
            "xrai needs scikit-image for the regions of a picture; install it with: pip install 'seethrough[data]'"
        ) from None
    return felzenszwalb
