"""Class activation maps by masked pictures: the picture seen through one channel of a layer at a time, and what the
network answers to it. No gradient is needed.

Throughout, ``a`` is the layer's activation, (N, C, h, w), and ``m`` a mask made of it: brought to the picture's size by
bilinear interpolation, then scaled to 0 … 1 (`cam_masks`). (With the corners of both grids laid upon each other, as some
do, a mask would stand up to half a cell off its layer's places.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, relu

from seethrough.attribution.cam import FAMILY
from seethrough.attribution.cam_masks import Progress, seen_through, unit_cells
from seethrough.attribution.enlarged import enlarged
from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.method import Dial, Facts, Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

CHANNELS = 64
"""So many channels are tried where nobody says how many: those that vary most over the picture (as Faster Score-CAM
does); all of a modern network's would take thousands of forwards.
"""


def _tries(settings: Mapping[str, Any], facts: Facts) -> int:
    """How many channels are tried; those that make the same mask as another, or none, cost nothing."""
    return min(settings["channels"] or facts.channels, facts.channels)


@method(
    family=FAMILY,
    cost="1 forward a channel",
    good_for="evidence without a gradient: what the answer becomes when only a channel's places are seen",
    source="Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, facts: Passes(_tries(settings, facts), 0),
    dial=Dial("channels", (16, 32, 64, 128, 256, 512)),
    measures="rank",
)
def scorecam(
    run: Run, layer: str, *, channels: int | None = CHANNELS, fill: Fill = "zero", progress: Progress | None = None
) -> Tensor:
    """Score-CAM: a channel counts by the target of the picture seen through it, softmaxed over the channels (Wang et al.,
    CVPR Workshops 2020, eq. 5 to 7).

    Parameters
    ----------
    channels
        How many channels are tried, those that vary most; None or 0: all, as in the paper.
    fill
        What stands where the mask hides the picture: the paper's zero (in the network's units), or any fill of
        `occlusion`.

    Returns
    -------
    Tensor, (N, h, w), ≥ 0, on the layer's grid; an order of places, in no unit.
    """
    a = most_varied("scorecam", run.value(layer), channels)
    scores = seen_through(run, a, fill, progress)
    return _weighted(scores, a)


@method(
    family=FAMILY,
    cost="n forwards a channel",
    good_for="Score-CAM with masks that noise makes less sharp",
    source="Wang, Naidu, Michael & Kundu, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, facts: Passes(_tries(settings, facts) * settings["samples"], 0),
    dial=Dial("samples", (2, 4, 8, 16, 35)),
    measures="rank",
)
def sscam(
    run: Run,
    layer: str,
    *,
    channels: int | None = CHANNELS,
    samples: int = 4,
    noise: float = 2.0,
    fill: Fill = "zero",
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    """SS-CAM: Score-CAM, its scores averaged over masks with Gaussian noise added (Wang et al., 2020, section 3).

    Parameters
    ----------
    channels, fill
        As for `scorecam`.
    samples
        How many noisy masks a channel, ≥ 1; the paper takes 35.
    noise
        Standard deviation of the noise on masks that go from 0 to 1; 2 in the paper. 0 gives Score-CAM.
    seed
        Of the noise, which is the same for every picture and channel.

    Returns
    -------
    Tensor, (N, h, w), ≥ 0, on the layer's grid; an order of places, in no unit.
    """
    if samples < 1 or noise < 0:
        raise UsageError(f"sscam needs samples ≥ 1 and noise ≥ 0, not samples={samples}, noise={noise}.")
    a = most_varied("sscam", run.value(layer), channels)
    chance = torch.Generator().manual_seed(seed)
    noises = noise * torch.randn(samples, *run.images.shape[2:], generator=chance).to(run.images)
    scores = seen_through(run, a, fill, progress, samples, lambda m, k: m + noises[k], shows_more=True)
    return _weighted(scores, a)


@method(
    family=FAMILY,
    cost="n forwards a channel",
    good_for="Score-CAM that also asks of faint pictures",
    source="Naidu, Ghosh, Maurya, Nayak & Kundu, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, facts: Passes(_tries(settings, facts) * settings["steps"], 0),
    dial=Dial("steps", (2, 4, 8, 16)),
    measures="rank",
)
def iscam(
    run: Run,
    layer: str,
    *,
    channels: int | None = CHANNELS,
    steps: int = 4,
    fill: Fill = "zero",
    progress: Progress | None = None,
) -> Tensor:
    """IS-CAM: Score-CAM, its scores averaged on the way from nothing to the picture seen through the mask, ``1/n Σᵢ
    f(i/n · m · x)`` (after Naidu et al., 2020).

    Parameters
    ----------
    channels, fill
        As for `scorecam`.
    steps
        n, ≥ 1; 1 gives Score-CAM.

    Returns
    -------
    Tensor, (N, h, w), ≥ 0, on the layer's grid; an order of places, in no unit.
    """
    if steps < 1:
        raise UsageError(f"iscam needs steps ≥ 1, not {steps}.")
    a = most_varied("iscam", run.value(layer), channels)
    scores = seen_through(run, a, fill, progress, steps, lambda m, i: m * (i + 1) / steps)
    return _weighted(scores, a)


@method(
    family=FAMILY,
    cost="1 walk back to the layer, 1 forward a group of channels",
    good_for="Score-CAM's question asked of few, cleaned groups of channels",
    source="Zhang, Rao & Yang, 2021",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=lambda settings, facts: Passes(min(settings["groups"], facts.channels) + 1, 1),
    dial=Dial("groups", (8, 16, 32, 64)),
)
def groupcam(
    run: Run,
    layer: str,
    *,
    groups: int = 32,
    keep: float = 0.3,
    fill: Fill = "blur",
    progress: Progress | None = None,
) -> Tensor:
    """Group-CAM: channels weighted as in Grad-CAM are added up in groups; what each group's places alone add to the target
    of a blurred picture is its weight (Zhang, Rao & Yang, 2021, section 3).

    Parameters
    ----------
    groups
        Groups of neighbouring channels, ≥ 1.
    keep
        The part of a group's places that stay; the weaker ones are taken for noise.
    fill
        What stands where the mask hides the picture, any fill of `occlusion`.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the picture's grid, in units of the target.
    """
    if groups < 1 or not 0 < keep <= 1:
        raise UsageError(f"groupcam needs groups ≥ 1 and 0 < keep ≤ 1, not groups={groups}, keep={keep}.")
    a, g = run.value(layer), run.gradient(layer)
    weighted = g.mean((2, 3), keepdim=True) * a
    maps = torch.stack([relu(part.sum(1)) for part in weighted.tensor_split(min(groups, a.shape[1]), 1)], 1)
    least = maps.flatten(2).quantile(1 - keep, 2)[..., None, None]
    maps = torch.where(maps > least, maps, 0)
    scores = seen_through(run, maps, fill, progress)
    adds = scores - run.score(_cover(run, fill))[:, None]
    size = run.images.shape[2:]
    return relu(enlarged((adds[..., None, None] * unit_cells(maps, size)).sum(1), size))


def most_varied(name: str, a: Tensor, channels: int | None) -> Tensor:
    """Each picture's channels that vary most over its places, (N, K, h, w)."""
    if channels is not None and channels < 0:
        raise UsageError(f"{name} needs channels ≥ 0 (0: all), not {channels}.")
    if not channels or channels >= a.shape[1]:
        return a
    spread = a.flatten(2).var(2, unbiased=False)
    best = spread.topk(channels, 1).indices.sort(1).values
    return a.gather(1, best[..., None, None].expand(-1, -1, *a.shape[2:]))


def _cover(run: Run, wanted: Fill) -> Tensor:
    return fill(run, wanted).expand_as(run.images).contiguous()


def _weighted(scores: Tensor, a: Tensor) -> Tensor:
    """Channels added up by the softmax of their scores."""
    return relu((scores.softmax(1)[..., None, None] * a).sum(1))
