"""A network that first takes a constant off its picture: the same answers to shifted pictures."""

from __future__ import annotations

from dataclasses import replace

import torch

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.tree import flatten


def shifted(graph: Graph, shift: float) -> Graph:
    """A graph whose first step subtracts a constant from the images; all else as it was, nothing of it copied."""
    image = graph.input.value
    without = max(graph.values) + 1
    arguments, spec = flatten(((Ref(image), shift), {}))
    first = Operation(torch.sub, "sub", Kind.ADD, list(arguments), spec, (without,), path="shift/sub")
    rest = [_reading(operation, image, without) for operation in graph.operations]
    spans = {path: replace(layer, span=(layer.span[0] + 1, layer.span[1] + 1)) for path, layer in graph.layers.items()}
    values = {**graph.values, without: graph.values[image]}
    return replace(graph, operations=[first, *rest], values=values, layers=spans)


def _reading(operation: Operation, old: int, new: int) -> Operation:
    """The operation, reading one value in another's stead."""
    if old not in operation.inputs:
        return operation
    arguments = [Ref(new) if isinstance(a, Ref) and a.value == old else a for a in operation.arguments]
    return replace(operation, arguments=arguments)
