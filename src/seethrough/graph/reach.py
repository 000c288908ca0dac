"""Reach: which operations an output depends on, and which values depend on the image. Read off the list; nothing runs."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn as nn

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation
from seethrough.graph.untouched import storage_of


def reaching(graph: Graph) -> frozenset[int]:
    """Positions of the operations from which some output is reached.

    The order of the list is an order in which it runs, so that one pass from its end finds them all.
    """
    wanted = {place.value for place in graph.outputs.values()}
    found: set[int] = set()
    for position in reversed(range(len(graph))):
        operation = graph.operations[position]
        if any(value in wanted for value in operation.outputs):
            found.add(position)
            wanted.update(operation.inputs)
    return frozenset(found)


def carrying(graph: Graph) -> frozenset[int]:
    """The values into which something of the image goes, the input among them."""
    found = {graph.input.value}
    for operation in graph:
        if any(value in found for value in operation.inputs):
            found.update(value for value in operation.outputs if value is not None)
    return frozenset(found)


def weights_read(operations: Iterable[Operation]) -> frozenset[int]:
    """The storages (`storage_of`) of the constants that some operations are given; a weight is known by its own,
    through whatever view it is read.
    """
    found: set[int | None] = set()
    for operation in operations:
        held = (getattr(a, "value", a) for a in operation.arguments)  # a Keras variable, multiplied as it is
        tensors = [a for a in held if isinstance(a, torch.Tensor)]
        if isinstance(
            operation.function, nn.Module
        ):  # a scripted module runs as one operation, with weights of its own
            tensors += [*operation.function.parameters(), *operation.function.buffers()]
        found.update(map(storage_of, tensors))
    return frozenset(storage for storage in found if storage is not None)
