"""Class activation maps by taking parts of a layer away: nothing is approximated, and only what lies behind the layer is
run again. No gradient is needed.

Throughout, ``a`` is the layer's activation, (N, C, H, W). Tokens of the layer that are no places of the picture (class,
register, distillation tokens) stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, relu

from seethrough.attribution.cam import FAMILY
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.attribution.reach import of_masks, under
from seethrough.graph.cost import size_in_bytes
from seethrough.graph.execute import plan
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run
from seethrough.results import Passes

Progress = Callable[[int, int], None]

LIGHTER = 16
"""Versions of a layer's value go on so many times as many at once as pictures do, at most, where they take no more memory:
few operations are left to be waited for, and a linear layer reads its weights once for all of them.
"""


@method(
    family=FAMILY,
    cost="1 forward of what lies behind the layer, for each channel",
    good_for="weights without a gradient: what the answer really loses without a channel",
    source="Desai & Ramaswamy, 2020",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda _, facts: Passes(facts.channels, 0),
    measures="rank",
)
def ablationcam(run: Run, layer: str, *, progress: Progress | None = None) -> Tensor:
    """Ablation-CAM: a channel counts by what the target loses where it is zero everywhere (Desai & Ramaswamy, WACV 2020,
    eq. 5). The paper divides by the target, which changes no order, and turns the map round where the target is
    negative; here nothing is divided.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid; an order of places, in units of the target times the activation.
    """
    a = run.value(layer)
    below, replaced = behind(run, layer)
    lost = torch.zeros(a.shape[:2], dtype=a.dtype, device=a.device)

    # without a channel that is zero everywhere the layer is what it was
    alive = torch.nonzero(a.transpose(0, 1).flatten(1).any(1))[:, 0]

    def some(numbers: range) -> None:
        own = alive[numbers.start : numbers.stop]
        without = a.repeat(len(own), *[1] * (a.dim() - 1)).unflatten(0, (len(own), -1))
        without[torch.arange(len(own)), :, own] = 0
        scores = below.score(replaced(without.flatten(0, 1))).reshape(len(own), -1)
        lost[:, own] = (run.scores - scores).T.to(a)

    below.in_groups(len(alive), some, progress)
    return relu((lost[..., None, None] * a).sum(1))


@method(
    family=FAMILY,
    cost="1 forward of what lies behind the layer, for each of its places",
    good_for="what each place of a layer says alone, without a gradient",
    source="Byun & Lee, 2024",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda _, facts: Passes(facts.grid[0] * facts.grid[1] + 1, 0),
)
def reciprocam(run: Run, layer: str, *, spread: bool = True, progress: Progress | None = None) -> Tensor:
    """Recipro-CAM: what a place of the layer adds to the target where it alone is left (Byun & Lee, CVPR Workshops 2024,
    section 3). The paper takes the scores as they are and stretches them; here the score of the empty layer is taken
    off, so that zero means nothing.

    Parameters
    ----------
    spread
        Leave the eight neighbours of a place too, by halves and quarters (the paper's Gaussian), so that later
        convolutions don't meet a single spike.

    Returns
    -------
    Tensor, (N, H, W), signed, on the layer's grid, in units of the target.
    """
    a = run.value(layer)
    height, width = a.shape[2:]
    below, replaced = behind(run, layer)
    empty = below.at(replaced(torch.zeros_like(a)))  # what the places are changes of
    masks = torch.stack([_left(k, height, width, spread) for k in range(height * width)]).to(a)

    def whole(numbers: range) -> Tensor:
        alone = (masks[numbers.start : numbers.stop, None, None] * a).flatten(0, 1)
        return replaced(alone)

    reach = of_masks(1 - masks[:, None])
    inside = under(torch.zeros_like(a), a, reach.within)
    scores = empty.score_changes(Changes(reach.boxes, inside, whole), progress)
    return (scores - empty.scores).T.to(a).unflatten(1, (height, width))


def behind(run: Run, layer: str) -> tuple[Run, Callable[[Tensor], Tensor]]:
    """What lies behind a layer, as a run of its own, and how activations (k · N, C, H, W) become what that run is given:
    the layer's value with other numbers at the picture's places.
    """
    below, place = run.from_layer(layer), run.graph.place(layer)
    assert place is not None  # the run starts there
    below.together = run.together * _lighter(run, place.value)
    value = below.images
    rest = value - place.back(place.of(value)) if place.grid is not None else None

    def replaced(a: Tensor) -> Tensor:
        given = place.back(a)
        return given if rest is None else given + rest.repeat(len(given) // len(rest), *[1] * (rest.dim() - 1))

    return below, replaced


def _lighter(run: Run, value: int) -> int:
    """How many versions of a value can be run on in the memory that one picture takes from the start: at most `LIGHTER`."""
    graph = run.graph
    most, every = [], []
    for start in (graph.input.value, value):
        steps = [
            sum(size_in_bytes(graph.values[v]) for v in {*step.inputs, *step.outputs} if v is not None)
            for step in plan(graph, [run.answer_value], [start]).steps
        ]
        most.append(max(steps, default=0))
        every.append(sum(steps))
    times = min(before // max(1, behind) for before, behind in (most, every))
    return max(1, min(times, LIGHTER))


def _left(place: int, height: int, width: int, spread: bool) -> Tensor:
    """Ones at a place, a half beside it, a quarter across; zeros elsewhere."""
    row, column = divmod(place, width)
    near = torch.tensor([0.5, 1.0, 0.5]) if spread else torch.tensor([0.0, 1.0, 0.0])
    mask = torch.zeros(height + 2, width + 2)
    mask[row : row + 3, column : column + 3] = near[:, None] * near
    return mask[1:-1, 1:-1]
