"""Extremal perturbation: the smallest part of a picture that keeps the answer."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad, unfold

from seethrough.attribution.fills import Fill, cover
from seethrough.attribution.masked import Progress, nothing
from seethrough.attribution.method import Dial, Needs, Outcome, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes

AREAS = (0.05, 0.1, 0.2)

WIDTH = 3
"""Of the spots that a node lights, in nodes: full to half of it, and then falling as a Gaussian of half of it."""

SOFT = 1 / 20
"""Temperature of the maximum over them."""

RATE = 0.1
"""Of Adam, at the lattice."""

STRICT = (10.0, 20.0)
"""What the area counts for beside the answer, at the first step and at the last."""

KEPT = 0.9
"""An area suffices from so much of the answer's rise on."""


@method(
    family=PERTURBATION,
    cost="n forwards and n walks back an area",
    good_for="how little of the picture is enough for the answer",
    source="Fong, Patrick & Vedaldi, 2019",
    needs=Needs.GRADIENTS,
    reduce=Reduce.NONE,
    signed=False,
    rules=None,
    work=lambda settings, _: Passes(
        len(settings["areas"]) * (settings["steps"] + 1) + 1, len(settings["areas"]) * settings["steps"]
    ),
    dial=Dial("steps", (25, 50, 100, 200)),
    measures="rank",
)
def extremal_perturbation(
    run: Run,
    *,
    areas: Sequence[float] = AREAS,
    steps: int = 50,
    step: int | None = None,
    fill: Fill = "blur",
    progress: Progress | None = None,
) -> Outcome:
    """Extremal perturbations: for each area a, the smooth mask m of that area under which the answer is largest,
    ``argmax f(m ⊙ x + (1 − m) ⊙ fill) − λ |sorted(m) − r_a|²``, where r_a is 1 in a part a of its places and 0 elsewhere
    (Fong, Patrick & Vedaldi, 2019, eq. 3 to 5).

    A mask is a lattice of numbers of which every place takes a soft maximum of those near it. The answer is measured
    in parts of the most it has risen from the covered picture, so that λ means the same for every network; Adam
    stands for the paper's gradient descent with momentum.

    Parameters
    ----------
    areas
        Parts of the picture, each between 0 and 1.
    steps
        Of the optimizer for each area, ≥ 1.
    step
        Pixels between the lattice's nodes; None: a 32nd of the shorter side.
    fill
        What covers, as for `occlusion`; ``"inpaint"`` can't be, since the mask must be walked back through.

    Returns
    -------
    Tensor, (N, H, W), 0 to 1, without a unit: the mean of the masks, so that a place counts for more the smaller the
    area is in which it was needed. The smallest area that keeps 90 % of the answer's rise above the covered picture, or
    the largest where none does, and the answer there, is reported as ``enough``.
    """
    x = run.images
    areas = tuple(areas) if isinstance(areas, Sequence) else (areas,)
    lattice = _refused(x, areas, steps, step, fill)
    covered, none = cover(run, fill), nothing(run, fill)
    most = (run.scores - none).abs().clamp(min=1e-6).repeat(len(areas), 1)
    shape = tuple(ceil(side / lattice) + 1 for side in x.shape[2:])
    nodes = torch.full((len(areas), len(x), *shape), 0.5, dtype=most.dtype, device=x.device, requires_grad=True)
    wanted = torch.stack([_reference(a, x) for a in areas])
    optimizer = torch.optim.Adam([nodes], lr=RATE)

    def slopes(masks: Tensor) -> Tensor:
        """How the answer, in parts of the most it has risen to, changes with each mask, (areas, N, H, W)."""
        found = torch.zeros_like(masks)

        def some(numbers: range) -> None:
            leaf = masks[numbers.start : numbers.stop].detach().requires_grad_()
            with torch.enable_grad():
                pictures = covered(leaf)
            there = run.at(pictures.detach())
            (slope,) = torch.autograd.grad(pictures, leaf, there.gradient().to(pictures))
            reached = torch.maximum(
                most[numbers.start : numbers.stop], (there.scores.unflatten(0, (-1, len(x))) - none).abs()
            )
            most[numbers.start : numbers.stop] = reached
            found[numbers.start : numbers.stop] = slope / reached[:, :, None, None]

        run.in_groups(len(areas), some)
        return found

    for k in range(steps):
        strict = STRICT[0] * (STRICT[1] / STRICT[0]) ** (k / max(1, steps - 1))
        with torch.enable_grad():
            masks = smooth(nodes, lattice, x.shape[2:])
            apart = (masks.flatten(2).sort(2).values - wanted[:, None]).square().mean(2)
            loss = strict * apart.sum() - (masks * slopes(masks)).sum()
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        with torch.no_grad():
            nodes.clamp_(0, 1)
        if progress:
            progress(k + 1, steps)
    with torch.no_grad():
        masks = smooth(nodes, lattice, x.shape[2:])
    return Outcome(masks.mean(0), {"enough": _enough(run, masks, areas, fill, none)})


def smooth(nodes: Tensor, step: int, size: Sequence[int]) -> Tensor:
    """A lattice, (areas, N, h, w), as masks (areas, N, H, W): each node the soft maximum, ``Σ v exp(v / T) / Σ exp(v /
    T)``, of those near it, which count less the farther they are; between nodes bilinear.
    """
    reach = 2 * WIDTH
    away = torch.arange(-reach, reach + 1, device=nodes.device, dtype=nodes.dtype)
    distance = (away[:, None] ** 2 + away**2).sqrt() / WIDTH
    kernel = torch.exp(-2 * (distance - 0.5).clamp(min=0) ** 2).reshape(1, 1, -1, 1)
    flat = nodes.flatten(0, 1)[:, None]
    near = unfold(pad(flat, (reach,) * 4), len(away)).unflatten(1, (1, -1)) * kernel
    lit = (near * (near / SOFT).softmax(2)).sum(2).unflatten(2, nodes.shape[2:])
    large = [(n - 1) * step + 1 for n in nodes.shape[2:]]
    masks = interpolate(lit, large, mode="bilinear", align_corners=True)
    return masks[:, 0, : size[0], : size[1]].unflatten(0, nodes.shape[:2])


def _reference(area: float, x: Tensor) -> Tensor:
    """The sorted mask of this area: 0 and then 1."""
    places = x.shape[2] * x.shape[3]
    return (torch.arange(places, device=x.device) >= round((1 - area) * places)).to(x)


def _enough(run: Run, masks: Tensor, areas: Sequence[float], fill: Fill, none: Tensor) -> dict[str, list[float]]:
    """For each picture the smallest area that suffices."""
    found = torch.zeros(len(areas), len(run.images)).to(run.scores)
    covered = cover(run, fill)

    def some(numbers: range) -> None:
        pictures = covered(masks[numbers.start : numbers.stop])
        found[numbers.start : numbers.stop] = run.score(pictures).reshape(len(numbers), -1)

    run.in_groups(len(areas), some)
    keeps = (found - none >= KEPT * (run.scores - none)).T.tolist()
    order = sorted(range(len(areas)), key=lambda k: areas[k])
    chosen = [next((k for k in order if of[k]), order[-1]) for of in keeps]
    return {
        "area": [areas[k] for k in chosen],
        "answer": [float(found[k, i]) for i, k in enumerate(chosen)],
        "whole": run.scores.tolist(),
        "covered": none.tolist(),
    }


def _refused(x: Tensor, areas: Sequence[float], steps: int, step: int | None, fill: Fill) -> int:
    """Pixels between nodes, where nothing speaks against the settings."""
    if x.dim() != 4:
        raise UsageError(
            f"extremal_perturbation needs {Needs.PICTURES.value}; one input of this network has the shape {tuple(x.shape[1:])}."
        )
    if not areas or not all(0 < a < 1 for a in areas):
        raise UsageError(f"extremal_perturbation's areas are parts of the picture between 0 and 1, not {areas!r}.")
    if steps < 1 or (step is not None and step < 1):
        raise UsageError(f"extremal_perturbation needs steps ≥ 1 and step ≥ 1, not steps={steps}, step={step}.")
    if isinstance(fill, str) and fill == "inpaint":
        raise UsageError("extremal_perturbation can't walk back through fill='inpaint'; use 'blur'.")
    return max(1, min(x.shape[2:]) // 32) if step is None else step
