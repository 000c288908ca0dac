"""ViT-CX: what parts of the picture that a transformer's features tell apart do to the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from seethrough.attribution.attention import ATTENTION
from seethrough.attribution.cam_masks import unit_masks
from seethrough.attribution.method import Dial, Needs, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    family=ATTENTION,
    cost="2 forwards a mask",
    good_for="transformers, without gradient or attention: what the answer really does when parts are seen alone",
    source="Xie, Li, Cao & Zhang, 2023",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(2 * min(settings["masks"], facts.channels) + 1, 0),
    dial=Dial("masks", (8, 16, 32, 64, 128)),
)
def vit_cx(
    run: Run,
    layer: str,
    *,
    masks: int = 64,
    noise: float = 0.1,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """ViT-CX: a layer's channels, alike ones put together, are masks; a place counts by what the target is when the
    picture is seen through the masks that show it, ``f(x·m + ε(1−m)) − f(x + ε(1−m)) + f(x)``, where the second term
    takes the noise's own effect off, over how much the place is shown in all (Xie et al., IJCAI 2023, eq. 4 to 7). The
    answer to an empty picture, f(0), is taken off too, so that zero means that nothing of the answer is seen there.

    Parameters
    ----------
    masks
        How many groups of alike channels at most (the paper groups up to a distance instead; then nobody knows how many
        masks there will be): by complete linkage of the cosines between channels, each scaled to 0 … 1.
    noise
        Standard deviation of the noise, in units of the network's input; 0.1 in the paper.
    seed
        Of the noise, another for each mask and the same for every picture.

    Returns
    -------
    Tensor, (N, H, W), signed, on the picture's grid, in units of the target.
    """
    if masks < 1 or noise < 0:
        raise UsageError(f"vit_cx needs masks ≥ 1 and noise ≥ 0, not masks={masks}, noise={noise}.")
    x, a = run.images, run.value(layer)
    count = min(masks, a.shape[1])
    grouped = torch.stack([groups_of_alike(each, count) for each in a])
    chance = torch.Generator().manual_seed(seed)
    rise = run.scores - run.score(torch.zeros_like(x))
    total, shown = torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])

    @cache
    def disturbance(_: int) -> Tensor:
        return noise * torch.randn(x.shape[1:], generator=chance)

    def some(numbers: range) -> None:
        each = [unit_masks(grouped[:, [k]], x) for k in numbers]
        noises = [disturbance(k).to(x) * (1 - m) for k, m in zip(numbers, each)]
        through = run.score(torch.cat([x * m + n for m, n in zip(each, noises)])).reshape(len(numbers), -1)
        whole = run.score(torch.cat([x + n for n in noises])).reshape(len(numbers), -1)
        for m, score in zip(each, through - whole + rise):
            total.add_(score[:, None, None].to(m) * m[:, 0])
            shown.add_(m[:, 0])

    run.in_groups(count, some, progress)
    return torch.where(shown > 0, total / shown.where(shown > 0, 1), 0)


def groups_of_alike(a: Tensor, count: int) -> Tensor:
    """The channels of one picture (C, h, w), each scaled to 0 … 1, those most alike added up: (count, h, w), zeros where
    there are fewer groups.
    """
    flat = a.flatten(1)
    least, most = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    unit = torch.where(most > least, (flat - least) / (most - least).where(most > least, 1), 0)
    of = np.arange(len(unit))
    if count < len(unit):
        lengths = unit.norm(dim=1, keepdim=True)
        directions = (unit / lengths.where(lengths > 0, 1)).double().cpu().numpy()
        above = np.triu_indices(len(unit), 1)
        distances = np.clip(1 - (directions @ directions.T)[above], 0, None)
        of = fcluster(linkage(distances, "complete"), count, "maxclust") - 1
    summed = unit.new_zeros(count, unit.shape[1])
    return summed.index_add(0, torch.as_tensor(of, device=unit.device).long(), unit).unflatten(1, a.shape[1:])
