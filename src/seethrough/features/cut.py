"""The cut: a network up to the layers that are asked for and no further, run with gradients for the picture alone.

The graph's list says which operations lead from the picture to some layers; only these run. Weights take part as numbers: they
receive no gradient, and the person's parameters, flags and hooks are as they were.

A rectifier blocks the gradient wherever its unit is silent, so that a unit that is silent everywhere could never be woken.
Those that a layer ends in therefore let a part of the gradient through on the way back, and for the first steps all others too;
what they give on the way up is unchanged (after the redirected rectifiers of Lucid, which let it through under other conditions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from seethrough.anatomy.layers import channels_at
from seethrough.errors import NetworkRefused, UsageError
from seethrough.features.objectives import OUTPUT
from seethrough.graph.execute import execute, plan, store, switched
from seethrough.graph.fast.gradients import fused_for_gradients
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation, Place
from seethrough.graph.rules import is_rectifier
from seethrough.graph.source import GraphSource

LEAK = 0.1
"""Share of the gradient that passes a rectifier where it is closed."""


class Cut:
    """The part of a network that some layers depend on, for batches of one size.

    Parameters
    ----------
    source
        Where the network's graph comes from.
    layers
        Paths of layers, and `OUTPUT` for the network's output before a final softmax.
    example
        A batch (N, C, H, W) as the network takes it.
    gradient
        Whether the gradient will be asked for, so that it is proved too.

    Raises
    ------
    NetworkRefused
        Where a layer can't be looked at.
    UsageError
        Where there is no such layer.
    """

    def __init__(self, source: GraphSource, layers: Sequence[str], example: Tensor, *, gradient: bool = True) -> None:
        self.source, self.layers, self.gradient = source, tuple(layers), gradient
        self._take(source.proved(example, gradient=gradient))

    def _take(self, graph: Graph) -> None:
        self.graph = graph
        self.places = {layer: _place(graph, layer) for layer in self.layers}
        given = {place.value for place in graph.inputs.values()}
        wanted = {p.value for p in self.places.values()}
        numbers = replace(graph, operations=[_weights_as_numbers(s) for s in plan(graph, wanted, given).steps])
        # what is reported is always measured on the graph as it is (`values`)
        self.way = plan(fused_for_gradients(numbers, wanted, given), wanted, given)
        self.steps = self.way.steps

    @cached_property
    def last_rectifiers(self) -> frozenset[int]:
        """The values that a layer ends in and a rectifier gives."""
        producer, operations = self.graph.producer, self.graph.operations
        values = [p.value for p in self.places.values() if p.value in producer]
        return frozenset(v for v in values if is_rectifier(operations[producer[v]]))

    def rectified(self, layer: str) -> bool:
        """Whether a layer ends in a rectifier, so that its units can be silent."""
        return self.places[layer].value in self.last_rectifiers

    @property
    def operations(self) -> int:
        """How many operations run."""
        return len(self.steps)

    def values(self, batch: Tensor) -> dict[str, Tensor]:
        """Each layer's value, without gradients."""
        graph = self._graph_for(batch)
        found = execute(graph, self.source.given(graph, batch), {p.value for p in self.places.values()})
        return {layer: self._of(layer, found) for layer in self.layers}

    def differentiable(self, batch: Tensor, *, waking: bool = False) -> dict[str, Tensor]:
        """Each layer's value, to be differentiated by the batch.

        Parameters
        ----------
        waking
            All rectifiers let a part of the gradient through, not only the last.
        """
        graph = self._graph_for(batch)
        values = self.source.given(graph, batch)
        with torch.enable_grad():
            for step, ends in zip(self.steps, self.way.ends):
                with switched(step.context):
                    leaks = is_rectifier(step) and (waking or step.outputs[0] in self.last_rectifiers)
                    store(step, _leaking(step, values, len(batch)) if leaks else step.call(values, len(batch)), values)
                for v in ends:
                    values.pop(v, None)
        return {layer: self._of(layer, values) for layer in self.layers}

    def _of(self, layer: str, values: dict[int, Tensor]) -> Tensor:
        value = self.places[layer].of(values[self.places[layer].value])
        return value.flatten(2).mean(2) if layer == OUTPUT and value.dim() > 2 else value

    def _graph_for(self, batch: Tensor) -> Graph:
        """Operations that were recorded of one batch hold for that batch alone."""
        if self.graph.source == "real":
            self.__dict__.pop("last_rectifiers", None)
            self._take(self.source.proved(batch.detach(), gradient=self.gradient, thorough=False))
        return self.graph


def _place(graph: Graph, layer: str) -> Place:
    if layer == OUTPUT:
        return graph.logits
    place = channels_at(graph, layer)
    if place is None and graph.source == "whole":
        raise NetworkRefused(
            "No layer of this network can be looked at, because it can't be written down; ask for a class."
        )
    if place is None:
        raise UsageError(f"Layer {layer!r} gives no value with channels that depends on the picture; name another.")
    return place


def _weights_as_numbers(operation: Operation) -> Operation:
    """The operation with its constants outside of any gradient; a Keras variable is the tensor that it holds."""
    return replace(operation, arguments=[_as_number(a) for a in operation.arguments])


def _as_number(argument: Any) -> Any:
    held = argument if isinstance(argument, Tensor) else getattr(argument, "value", None)
    return held.detach() if isinstance(held, Tensor) else argument


def _leaking(operation: Operation, values: dict[int, Tensor], batch: int) -> Tensor:
    (source,) = operation.inputs
    bare = operation.name == "relu"
    return _Leaking.apply(values[source], lambda x: operation.call({source: x}, batch), bare)  # pyright: ignore[reportReturnType]


class _Leaking(torch.autograd.Function):
    """A rectifier that passes `LEAK` of the gradient where it is closed; a ``bare`` one has no cap."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rectifier: Any, bare: bool) -> Tensor:
        y = rectifier(x)
        ctx.bare = bare
        # of others as a factor: a choice between two tensors takes several times as long as a product
        ctx.save_for_backward(y if bare else (y == x).to(y.dtype).mul_(1 - LEAK).add_(LEAK))
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (kept,) = ctx.saved_tensors
        passed = torch.ops.aten.leaky_relu_backward(gradients[0], kept, LEAK, True) if ctx.bare else gradients[0] * kept
        return passed, None, None
