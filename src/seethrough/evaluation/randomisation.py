"""Randomisation: whether a map depends on what the network has learned, and on what it was asked.

Throughout ``a`` is the map, ``ã`` that of a network whose weights were drawn anew (`seethrough.graph.redraw`); the person's
network isn't touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError
from seethrough.evaluation.masked import refuse_few
from seethrough.evaluation.metric import Reads, metric
from seethrough.evaluation.similarity import histogram_entropy, similarity
from seethrough.graph.graph import Graph
from seethrough.graph.redraw import can_be_redrawn, redrawn
from seethrough.graph.run import Run

FAMILY = "randomisation"
Ask = Callable[[Run], Tensor]


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Adebayo et al., 2018")
def mprt(run: Run, values: Tensor, ask: Ask, *, stages: int = 4, measure: str = "spearman", seed: int = 0) -> Tensor:
    """Model parameter randomisation: how alike |a| and |ã| are while the weights are drawn anew from the answer
    downwards, the mean over the stages (Adebayo et al., Sanity checks, 2018, section 3; that it can't rank methods:
    Binder et al., 2023).

    Parameters
    ----------
    stages
        After how many parts of the layers, the last after all of them, ≥ 1.
    measure
        ``"spearman"``, ``"pearson"``, ``"kendall"`` or ``"ssim"``.
    seed
        Of the weights.

    Returns
    -------
    Tensor, (N,), −1…1: 1 for a method that doesn't look at the weights.
    """
    refuse_few("mprt", stages=stages)
    others = [_places(ask(run.on(graph))) for graph in cascade(run.graph, stages, seed, top_down=True)]
    return _mean_similarity(measure, _places(values), others, values)


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Hedström, Weber, Lapuschkin & Höhne, 2024")
def smprt(
    run: Run,
    values: Tensor,
    ask: Ask,
    *,
    stages: int = 4,
    samples: int = 8,
    noise: float = 0.1,
    measure: str = "spearman",
    seed: int = 0,
) -> Tensor:
    """Smooth MPRT: as `mprt`, from the picture upwards, of maps averaged over noisy pictures, so that noise in the maps
    isn't taken for a dependence on the weights (Hedström et al., 2024, section 3.2).

    Parameters
    ----------
    stages, measure, seed
        As for `mprt`.
    samples
        How many noisy pictures, the picture itself among them, ≥ 1.
    noise
        Standard deviation of the noise as a part of each picture's range.

    Returns
    -------
    Tensor, (N,), −1…1.
    """
    refuse_few("smprt", stages=stages, samples=samples)

    def smooth(asked: Run) -> Tensor:
        pictures = _noisy(asked.images, samples, noise, seed)
        return torch.stack([_places(ask(asked.at(each))) for each in pictures]).mean(0)

    others = [smooth(run.on(graph)) for graph in cascade(run.graph, stages, seed, top_down=False)]
    return _mean_similarity(measure, smooth(run), others, values)


@metric(family=FAMILY, reads=Reads.METHOD, better="higher", source="Hedström, Weber, Lapuschkin & Höhne, 2024")
def emprt(run: Run, values: Tensor, ask: Ask, *, seed: int = 0) -> Tensor:
    """Efficient MPRT: the rise of a map's complexity when all weights are drawn anew, ``(c(ã) − c(a)) / c(a)``, with c the
    entropy of the histogram of |map| (Hedström et al., 2024, eq. 4 and 5).

    Parameters
    ----------
    seed
        Of the weights.

    Returns
    -------
    Tensor, (N,): above 0 where the map of the trained network is the simpler one. NaN for a flat map.
    """
    (graph,) = cascade(run.graph, 1, seed, top_down=True)
    return _like(complexity_rise(_places(values).numpy(), _places(ask(run.on(graph))).numpy()), values)


def complexity_rise(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(c(ã) − c(a)) / c(a), of maps (N, …): (N,)."""
    before, after = histogram_entropy(maps), histogram_entropy(others)
    return np.divide(after - before, before, out=np.full(len(before), np.nan), where=before > 0)


@metric(family=FAMILY, reads=Reads.METHOD, better="lower", source="Sixt, Granz & Landgraf, 2020")
def random_logit(run: Run, values: Tensor, ask: Ask, *, measure: str = "ssim", seed: int = 0) -> Tensor:
    """Random logit: how alike the map is to that of another output, drawn at random (Sixt, Granz & Landgraf, 2020, section
    5).

    Parameters
    ----------
    measure
        As for `mprt`.
    seed
        Of the output.

    Returns
    -------
    Tensor, (N,), −1…1: 1 for a method that doesn't look at what was asked. NaN where there is no other output.
    """
    outputs = run.logits.shape[1]
    if outputs < 2:
        return torch.full((len(values),), torch.nan, dtype=torch.float64)
    step = 1 + int(torch.randint(outputs - 1, (1,), generator=torch.Generator().manual_seed(seed)))
    others = torch.empty(int(run.rows.max()) + 1, dtype=torch.long, device=run.rows.device)
    others[run.rows] = (asked_about(run) + step) % outputs
    other = run.at(run.images)
    other.target = lambda out, rows: _by_output(out).gather(1, others[rows][:, None])[:, 0]
    return _mean_similarity(measure, _signed(values), [_signed(ask(other))], values)


def asked_about(run: Run) -> Tensor:
    """The output that each image's target depends on most, (N,)."""
    out = run.logits.detach().requires_grad_()
    target = run.target
    if target is None:
        raise UsageError("Nothing was asked: this run has no target yet.")
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(target(out, run.rows).sum(), out)
    return _by_output(slope).abs().argmax(1)


def _by_output(out: Tensor) -> Tensor:
    """(N, outputs): of outputs with places, their mean."""
    return out.flatten(2).mean(2) if out.dim() > 2 else out


def cascade(graph: Graph, stages: int, seed: int, *, top_down: bool) -> Iterator[Graph]:
    """The network with more and more of its weights drawn anew, in ``stages`` parts of its layers; the last has none of
    its own.

    Raises
    ------
    NetworkRefused
        Its weights can't be seen.
    """
    if not can_be_redrawn(graph):
        raise NetworkRefused(
            "the weights of this network can't be drawn anew, because it can't be written down for any picture; use "
            "metrics of faithfulness"
        )
    new = redrawn(graph, seed).operations
    places = [k for k, (own, other) in enumerate(zip(graph.operations, new)) if own is not other]
    places = places[::-1] if top_down else places
    stages = min(stages, len(places))
    for stage in range(1, stages + 1):
        drawn = set(places[: round(len(places) * stage / stages)])
        operations = [new[k] if k in drawn else own for k, own in enumerate(graph.operations)]
        copy = replace(graph, operations=operations)
        copy.__dict__["grids"] = graph.grids  # where tokens stand doesn't depend on weights
        yield copy


def _noisy(x: Tensor, samples: int, noise: float, seed: int) -> Iterator[Tensor]:
    each = tuple(range(1, x.dim()))
    deviation = noise * (x.amax(each, keepdim=True) - x.amin(each, keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    yield x
    for _ in range(samples - 1):
        yield x + deviation * torch.randn(x.shape[1:], generator=chance).to(x)


def _signed(values: Tensor) -> Tensor:
    """One number a place, (N, H, W), on the processor."""
    return values.detach().double().cpu().sum(1)


def _places(values: Tensor) -> Tensor:
    return _signed(values).abs()


def _mean_similarity(measure: str, own: Tensor, others: list[Tensor], like: Tensor) -> Tensor:
    """The mean similarity to the others; a map that is flat has none to one that isn't."""
    found = np.stack([similarity(measure, own.numpy(), other.numpy()) for other in others])
    return _like(found.mean(0), like)


def _like(numbers: np.ndarray, values: Tensor) -> Tensor:
    return torch.from_numpy(numbers).to(values.device)
