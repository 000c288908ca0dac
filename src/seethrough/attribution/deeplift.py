"""DeepLIFT: what each pixel adds to the target, compared with a baseline, operation by operation.

Throughout, ``x`` are the images, ``x′`` the baseline and ``m`` the multipliers that the walk back gives, all (N, C, H, W);
the map is ``m · (x − x′)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.gradient import zeros_to_sum
from seethrough.attribution.method import Dial, Needs, Outcome, method
from seethrough.attribution.path import PATH
from seethrough.errors import UsageError
from seethrough.graph.deeplift import rescale_rules, revcancel_rules
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.graph.walk import Forward
from seethrough.results import INPUT, Passes


@method(
    family=PATH,
    needs=Needs.RULES,
    cost="2 forwards, 1 walk back",
    good_for="what each pixel adds, exactly summed, at the price of a gradient",
    source="Shrikumar, Greenside & Kundaje, 2017",
    rules=None,
    work=Passes(1, 1),
)
def deeplift(run: Run, *, baseline: Fill = "black") -> Outcome:
    """DeepLIFT with the rescale rule: ``m = Δy / Δx`` at every non-linearity (Shrikumar, Greenside & Kundaje, 2017,
    section 3.5.1); products, softmax, normalisations and maxima as `seethrough.graph.deeplift` says.

    Parameters
    ----------
    baseline
        x′, as in `integrated_gradients`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums over a picture to the target's rise from baseline to
    picture, up to rounding. Both are reported as ``summation_to_delta``, with the ``gaps`` between them (relative to the
    rise, or to a thousandth of the target where the rise is less).
    """
    return _summed(*contributions(run, fill(run, baseline)), run)


@method(
    family=PATH,
    needs=Needs.RULES,
    cost="2 forwards, 1 walk back",
    good_for="what each pixel adds where evidence for and against cancels out",
    source="Shrikumar, Greenside & Kundaje, 2017",
    rules=None,
    work=Passes(1, 1),
)
def deeplift_revcancel(run: Run, *, baseline: Fill = "black") -> Outcome:
    """DeepLIFT with the RevCancel rule at rectifiers that follow a convolution or a linear layer: what raises their input
    and what lowers it is told apart (Shrikumar, Greenside & Kundaje, 2017, section 3.5.3); the rescale rule elsewhere.

    Returns
    -------
    Tensor, (N, C, H, W), as `deeplift`.
    """
    return _summed(*contributions(run, fill(run, baseline), make=revcancel_rules), run)


@method(
    family=PATH,
    needs=Needs.RULES,
    cost="n forwards, n walks back",
    good_for="what each pixel adds, not hanging on one baseline",
    source="Lundberg & Lee, 2017",
    rules=None,
    work=lambda settings, _: Passes(_count(settings), _count(settings)),
    dial=Dial("samples", (2, 4, 8, 16)),
)
def deepshap(
    run: Run,
    *,
    baselines: Sequence[Fill] | None = None,
    samples: int = 8,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """DeepSHAP: the mean of DeepLIFT over several baselines (Lundberg & Lee, 2017, section 4.2). SHAP takes them from the
    data the network was trained on; where none are given, these stand in for them: black, the picture's mean colour, the
    picture blurred, and pictures of noise with the mean and the spread of the picture's own channels.

    Parameters
    ----------
    baselines
        A list of baselines, each as in `integrated_gradients`; None for the ones above.
    samples
        How many of those, ≥ 1.
    seed
        Of the noise; every picture meets the same.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; sums over a picture to the target's rise from the mean of the
    baselines' values (``summation_to_delta``).
    """
    if samples < 1 or (baselines is not None and not len(baselines)):
        raise UsageError(f"deepshap needs at least one baseline, not samples={samples}, baselines={baselines}.")
    if isinstance(baselines, str | Tensor):
        raise UsageError("deepshap takes a list of baselines: write list(tensor) for one of each of its rows.")
    starts = [fill(run, b) for b in baselines] if baselines is not None else _stand_ins(run, samples, seed)
    total, before = zeros_to_sum(run.images), torch.zeros_like(run.scores)
    for done, start in enumerate(starts, 1):
        values, scores = contributions(run, start)
        total += values / len(starts)
        before += scores / len(starts)
        if progress:
            progress(done, len(starts))
    return _summed(total, before, run)


def contributions(
    run: Run, start: Tensor, layer: str = INPUT, make: Callable[[Forward], Rules] = rescale_rules
) -> tuple[Tensor, Tensor]:
    """``m · Δ`` at the images or at a layer, (N, C, H, W), and the target's value at the baselines, (N,)."""
    # In the images' own order in memory: in another, the network may be another graph.
    there = run.at(torch.empty_like(run.images).copy_(start.expand_as(run.images)))
    there.keeps = True
    here, before = (run.images, there.images) if layer == INPUT else (run.value(layer), there.value(layer))
    rules = make(there.forward)
    m = run.gradient(layer, rules)
    run.forget(rules)  # they hold every number of the baseline's run
    return (here - before) * m, there.scores


def _summed(values: Tensor, before: Tensor, run: Run) -> Outcome:
    added, rise = values.flatten(1).sum(1), run.scores - before
    # Of a rise that is itself but rounding, the gap is a part of the target's own size.
    size = torch.maximum(rise.abs(), 1e-3 * torch.maximum(run.scores.abs(), before.abs())).clamp(min=1e-12)
    gaps = (added - rise).abs() / size
    return Outcome(
        values, {"summation_to_delta": {"sum": added.tolist(), "rise": rise.tolist(), "gaps": gaps.tolist()}}
    )


def _count(settings: Mapping[str, Any]) -> int:
    given = settings["baselines"]
    return settings["samples"] if given is None else len(given)


def _stand_ins(run: Run, samples: int, seed: int) -> list[Tensor]:
    """The first so many of: black, mean colour, blur, noise, more noise, …"""
    x = run.images
    starts = [fill(run, wanted) for wanted in ("black", "mean", "blur")[: 3 if x.dim() == 4 else 2]]
    each = tuple(range(2, x.dim())) or (1,)
    mean, spread = x.mean(each, keepdim=True), x.std(each, keepdim=True, correction=0)
    chance = torch.Generator().manual_seed(seed)
    while len(starts) < samples:
        starts.append(mean + spread * torch.randn(x.shape[1:], generator=chance).to(x))
    return starts[:samples]
