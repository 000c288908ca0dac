"""Subjects: one method's maps of some pictures, ready to be measured by any metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution import Method
from seethrough.evaluation.metric import Metric, Reads
from seethrough.explanation.answer import Start, asked_of
from seethrough.graph.run import Run
from seethrough.images import Geometry
from seethrough.models.answers import as_probabilities
from seethrough.trust.maps import Case
from seethrough.trust.nulls import NULLS, null_maps

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Subject:
    """One method's maps of the pictures of a run.

    Attributes
    ----------
    name
        The method's, or the null map's.
    run
        The question, in what was explained; ``sure`` the same in probabilities, where the network gives some.
    values
        float64 (N, 1, H, W) on the grid of the network's input.
    geometries, masks
        Of each picture the way to its pixels, and where its object is, bool (H, W), or None.
    case
        The method's answer as it gave it; None for a null map.
    ask
        The same method about another run, on the same grid; None for a null map.
    """

    name: str
    run: Run
    sure: Run
    values: Tensor
    geometries: Sequence[Geometry]
    masks: Sequence[np.ndarray | None]
    case: Case | None = None
    ask: Callable[[Run], Tensor] | None = None

    def measured(self, metric: Metric, settings: Mapping[str, Any]) -> np.ndarray:
        """What a metric says, float64 (N,); NaN where it says nothing of this map."""
        number = len(self.values)
        nothing = np.full(number, NAN)
        if not bool(torch.isfinite(self.values).all()) or not self._defined(metric):
            return nothing
        if metric.reads is Reads.MAP:
            return np.asarray(metric.function(self.values[:, 0].cpu().numpy(), **settings), np.float64)
        if metric.reads is Reads.TRUTH:
            return np.array([self._located(metric, i, settings) for i in range(number)])
        run = self.sure if metric.probability else self.run
        if metric.reads is Reads.NETWORK:
            values, more = self._values_for(metric)
            return _numbers(metric.function(run, values, **{**more, **settings}))
        return nothing if self.ask is None else _numbers(metric.function(run, self.values, self.ask, **settings))

    def _defined(self, metric: Metric) -> bool:
        """Whether the metric is defined for maps in these units; a null map is an order of places."""
        return (self.case.method.measures if self.case else "rank") in metric.measures

    def _values_for(self, metric: Metric) -> tuple[Tensor, dict[str, Any]]:
        """What a metric is given: of slopes, where it asks what they say of a change, their signs and channels too."""
        case = self.case
        if case is None or case.method.measures != "slope" or "slopes" not in metric.defaults:
            return self.values, {}
        values = case.values
        return (values, {"slopes": True}) if values.shape == self.run.images.shape else (self.values, {})

    def _located(self, metric: Metric, image: int, settings: Mapping[str, Any]) -> float:
        """On the picture's own pixels, as far as the network saw them."""
        mask = self.masks[image]
        if mask is None:
            return NAN
        placed, seen = self.geometries[image].to_picture(self.values[image, 0].cpu().numpy())
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        cut = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        return float(metric.function(placed[cut][None], mask[cut][None], **settings)[0])


def _numbers(found: Tensor) -> np.ndarray:
    return found.detach().double().cpu().numpy()


def subject(
    start: Start,
    method: Method,
    geometries: Sequence[Geometry],
    masks: Sequence[np.ndarray | None],
    settings: Mapping[str, Any] | None = None,
) -> Subject:
    """A method's maps of the pictures of a question; with other settings than were asked, where they are given.

    Raises
    ------
    UsageError, InputRefused
        The method doesn't fit this network.
    """
    run, layers, options = start.run, start.layers[method], start.asked.options(method) | dict(settings or {})
    outcome = asked_of(method, run, layers, options)
    case = Case(
        method,
        layers[0] if layers else None,
        {**start.asked.used(method), **(settings or {})},
        outcome.values,
        outcome.checks,
    )

    def on_grid(values: Tensor) -> Tensor:
        return case.on_grid(tuple(run.images.shape[2:]), values)[:, None].to(run.images.device)

    return Subject(
        name=method.name,
        run=run,
        sure=in_probabilities(start),
        values=on_grid(outcome.values),
        geometries=geometries,
        masks=masks,
        case=case,
        ask=lambda other: on_grid(asked_of(method, other, layers, options).values),
    )


def null_subjects(
    start: Start, geometries: Sequence[Geometry], masks: Sequence[np.ndarray | None], seed: int
) -> list[Subject]:
    """Maps that know nothing of the network: what any other must be better than."""
    maps = null_maps(start.run.images, seed).to(start.run.images.device)
    sure = in_probabilities(start)
    return [Subject(name, start.run, sure, maps[:, k : k + 1], geometries, masks) for k, name in enumerate(NULLS)]


def in_probabilities(start: Start) -> Run:
    """The question about the target's probability, where it is one output of a network that gives probabilities; else the
    question itself.
    """
    run, settled = start.run, start.question
    single = all(len(t.indices) == 1 and t.quantity in ("logit", "output") for t in settled.targets)
    if run.answer is not None or not single or start.prediction.probabilities is None:
        return run
    graph, score = run.graph, settled.score

    def chance(out: Tensor, rows: Tensor) -> Tensor:
        found = as_probabilities(graph, out) if run.probabilities or graph.logits == graph.output else through(out)
        return score(out if found is None else found, rows)

    def through(out: Tensor) -> Tensor:
        """What the final activation makes of logits."""
        name = graph.operations[graph.producer[graph.output.value]].name
        return out.sigmoid() if "sigmoid" in name else out.softmax(1)

    def made() -> Run:
        sure = run.at(run.images)
        sure.target = chance
        return sure

    return run.once(("evaluation", "probabilities"), made)
