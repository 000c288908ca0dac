"""Occlusion at a layer: what the target loses when a part of what a layer gave is taken away.

Nothing is approximated, no gradient is needed, and what comes before the layer is run once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from seethrough.attribution.cam_ablated import behind
from seethrough.attribution.layer_forms import LAYER
from seethrough.attribution.masks import Pair, covering, windows
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.attribution.reach import of_windows, under
from seethrough.errors import UsageError
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run
from seethrough.results import Passes

EMPTY = ("zero", "mean")

SIDE = 14
"""Patches along the longer side of a layer's grid, about, where nobody says how large they are."""


@method(
    family=LAYER,
    needs=Needs.SPATIAL_LAYER,
    cost="1 forward of what lies behind the layer, for each of its places",
    good_for="what the answer really loses without what a layer found at a place; needs no gradient",
    source="Zeiler & Fergus, 2014, at a layer",
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, facts: Passes(len(places_of(facts.grid, settings["patch"])) + 1, 0),
)
def layer_occlusion(
    run: Run,
    layer: str,
    *,
    patch: int | None = None,
    empty: str = "zero",
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Occlusion at a layer: the target's drop when all channels of a patch of the layer's grid are taken away (Zeiler &
    Fergus, 2014, section 4.2, with the layer as the picture). What passes the layer by stays.

    Parameters
    ----------
    patch
        Side of a patch in places of the layer's grid; None: so large that about fourteen stand along its longer side.
    empty
        What stands there instead: ``"zero"``, or ``"mean"``: each channel's own mean over its places.

    Returns
    -------
    Tensor, (N, H, W), signed, on the layer's grid, in units of the target: positive where what was found speaks for it.
    """
    if empty not in EMPTY:
        raise UsageError(f"empty is one of {', '.join(EMPTY)}, not {empty!r}.")
    a = run.value(layer)
    size = (a.shape[2], a.shape[3])
    places = places_of(size, patch)
    below, replaced = behind(run, layer)
    instead = a.mean((2, 3), keepdim=True) if empty == "mean" else torch.zeros_like(a[:1, :, :1, :1])
    masks = covering(places, size)

    def whole(numbers: range) -> Tensor:
        left = masks.some(numbers)[:, :, None].to(a)
        return replaced((left * a + (1 - left) * instead).flatten(0, 1))

    reach = of_windows(places)
    scores = below.score_changes(Changes(reach.boxes, under(a, instead, reach.within), whole), progress)
    drops = (below.scores - scores).to(a)
    values = torch.zeros_like(a[:, 0])
    for (rows, columns), drop in zip(places, drops):
        values[:, rows, columns] = drop[:, None, None]
    return values


def places_of(size: Pair | Sequence[int], patch: Any) -> list[tuple[slice, slice]]:
    """The patches, side by side, the last of each row and column cut off at the edge.

    Raises
    ------
    UsageError
        A patch that isn't a whole number from 1 to the grid's shorter side.
    """
    height, width = size[0], size[1]
    if not height or not width:
        return []
    side = max(1, min(round(max(height, width) / SIDE), height, width)) if patch is None else patch
    if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= min(height, width):
        raise UsageError(
            f"layer_occlusion's patch is a whole number of places from 1 to {min(height, width)} of this layer, not {patch!r}."
        )
    return list(windows((height, width), (side, side), (side, side)))
