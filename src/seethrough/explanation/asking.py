"""Asking: from what a person said as target to the function that a run asks, and back to what can be said again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from seethrough.attribution import AIMS, Question, Seen, Unit, question
from seethrough.errors import UsageError
from seethrough.explanation.asked import Asked
from seethrough.graph.execute import execute
from seethrough.graph.run import Run
from seethrough.models.answers import as_probabilities, final_activation, gives_quantities
from seethrough.network import Network, Prepared
from seethrough.results import Prediction, Target


def with_unit(net: Network, prepared: Prepared, asked: Asked) -> tuple[Asked, str | None]:
    """The layer that is asked instead of the output, where the targets are units; units said in words made such.

    Raises
    ------
    UsageError
        Units of several layers at once, or beside other targets.
    """
    if callable(asked.target):
        return asked, None
    if any(isinstance(said, str) and said.rstrip().endswith(("]", *"0123456789")) for said in asked.target):
        graph = net.source_of(prepared).proved(prepared.batch)
        known = {*graph.layers, *graph.operation_at}
        targets = [Unit.said(said, known) or said if isinstance(said, str) else said for said in asked.target]
        asked = replace(asked, target=targets)
    layers = {said.layer if isinstance(said, Unit) else None for said in asked.target}
    if len(layers) > 1:
        raise UsageError(
            "The targets of one call are units of one layer, or none of them is a unit; ask about them apart."
        )
    return asked, layers.pop()


def question_of(net: Network, run: Run, prediction: Prediction, prepared: Prepared, asked: Asked) -> Question:
    """The targets, about logits or about probabilities."""
    graph, final = run.graph, final_activation(run.graph)

    def settled(outputs: Tensor, quantity: str, through: Callable[[Tensor], Tensor] = lambda out: out) -> Question:
        aims = not callable(asked.target) and any(isinstance(said, AIMS) for said in asked.target)
        seen = _seen(net, run, prepared, outputs, quantity, through) if aims else None
        return question(asked.target, outputs, net.classes, quantity, seen)

    if run.answer is not None:
        if asked.probabilities:
            raise UsageError("A unit inside the network has no probability; leave probabilities out.")
        return settled(run.logits, "activation")
    if gives_quantities(net.opened):
        if asked.probabilities:
            raise UsageError(
                f"{net.opened.source} gives quantities ({net.opened.task}), no probabilities to ask about; leave "
                "probabilities out."
            )
        return settled(run.output, "output")
    if not asked.probabilities:
        bare = "output" if prediction.probabilities is None else "logit"
        return settled(run.logits, "logit" if final else bare)
    if final is None and prediction.probabilities is None:
        raise UsageError(f"{net.opened.source} gives no probabilities to ask about; leave probabilities out.")

    def through(output: Tensor) -> Tensor:
        found = as_probabilities(graph, output)
        return output if found is None else found

    found = settled(through(run.logits), "probability", through)
    return replace(found, score=lambda output, rows: found.score(through(output), rows))


def _seen(
    net: Network, run: Run, prepared: Prepared, outputs: Tensor, quantity: str, through: Callable[[Tensor], Tensor]
) -> Callable[[int], Seen]:
    """What aims are settled on, by image."""
    graph = run.graph

    def other(name: str, i: int) -> Tensor:
        if name not in graph.outputs:
            raise UsageError(f"The network has no output {name!r}; it has: {', '.join(graph.outputs)}.")
        place = graph.outputs[name]
        given = run.source.given(graph, run.images)
        return place.of(execute(graph, given, [place.value])[place.value])[i : i + 1]

    def embedding(picture: Any) -> Tensor:
        beside = net.prepare(picture)
        return through(Run(net.source_of(beside), beside.batch[:1], probabilities=run.probabilities).logits)

    def seen(i: int) -> Seen:
        geometry = prepared.geometries[i]
        return Seen(
            outputs[i : i + 1].detach(),
            net.classes,
            quantity,
            lambda name: other(name, i),
            geometry.on_grid,
            geometry.on_input,
            embedding,
            geometry.size,
        )

    return seen


def rebuilding(target: Target) -> int | str:
    """A target as it can be asked again: an index, ``"281 - 282"``, or the name of a function."""
    if len(target.indices) == 1:
        return int(target.indices[0][0])
    words = [f"{'+' if sign > 0 else '-'} {index}" for index, sign in target.indices]
    return " ".join(words).removeprefix("+ ") or target.label
