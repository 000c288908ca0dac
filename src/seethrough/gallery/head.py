"""The value before the head: what a network knows of a picture just before it names it, found in the graph."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Place
from seethrough.models.answers import QUANTITIES
from seethrough.results import INPUT

_BEHIND = frozenset(
    (
        Kind.SOFTMAX,
        Kind.ACTIVATION,
        Kind.AFFINE,
        Kind.ADD,
        Kind.MULTIPLY,
        Kind.ELEMENTWISE,
        Kind.AVERAGE_POOL,
        Kind.REDUCE,
        Kind.RESHAPE,
        Kind.PERMUTE,
        Kind.SELECT,
        Kind.CAST,
        Kind.DROPOUT,
        Kind.RESIZE,
    )
)
"""What may stand between the layer that gives the outputs and the outputs themselves."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A value of the graph that is taken as one vector a picture.

    Attributes
    ----------
    name
        What a person calls it: the layer that gives it, else the operation.
    place
        Where it is found.
    features
        The axis of its features, 1 or −1; over the others but the first the mean is taken.
    """

    name: str
    place: Place
    features: int

    def of(self, value: Tensor) -> Tensor:
        """(N, D), float32, from the graph's own value."""
        value = self.place.of(value).float()
        if value.dim() < 3:
            return value.reshape(len(value), -1)
        return value.movedim(self.features, 1).flatten(2).mean(2)


def vector_of(graph: Graph, layer: str | None, task: str | None = None) -> Vector:
    """The vector that stands for a picture.

    Parameters
    ----------
    layer
        A layer (or operation) by its path; None for the value before the head: the input of the last linear layer, or
        convolution that is one, on the way to the outputs. Where there is no such layer, or the outputs are an
        embedding themselves, the outputs.
    task
        What the outputs are, where it is known (`seethrough.models.opened.TASKS`).

    Raises
    ------
    UsageError
        No such layer.
    NetworkRefused
        One whose value doesn't depend on the picture.
    """
    if layer is not None:
        return _named(graph, layer)
    head = None if task in QUANTITIES and task != "regression" else head_of(graph)
    if head is None:
        return Vector("", graph.output, 1)
    value, features = _unmoved(graph, head.inputs[0], 1 if head.kind is Kind.CONVOLUTION else -1)
    grid = graph.grids.get(value)
    if grid is not None:
        return Vector(_name(graph, value), Place(value, None, None if grid.plain else grid), 1)
    return Vector(_name(graph, value), Place(value), features)


def _named(graph: Graph, layer: str) -> Vector:
    known = [*graph.layers, *graph.operation_at]
    if layer not in known:
        raise UsageError(f"There is no layer {layer!r}.{nearest(layer, known)}")
    place = graph.place(layer)
    if place is None:
        raise NetworkRefused(f"Layer {layer!r} gives no value that depends on the picture; name another.")
    return Vector(layer, place, -1 if _in_rows(graph, place) else 1)


def _in_rows(graph: Graph, place: Place) -> bool:
    """Whether a value is a row of vectors (N, L, C) without a grid: tokens as a linear layer or normalisation gives."""
    if place.grid is not None or len(graph.values[place.value].shape) != 3 or place.value not in graph.producer:
        return False
    made = graph.operations[graph.producer[place.value]]
    return graph.layout == "channels_first" and (made.kind in (Kind.LINEAR, Kind.ADD) or made.name == "layer_norm")


def head_of(graph: Graph) -> Operation | None:
    """The last linear operation on the one way back from the outputs."""
    value = graph.logits.value
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if len(operation.inputs) != 1:
            return None
        if _is_linear(graph, operation):
            return operation
        if operation.kind not in _BEHIND:
            return None
        value = operation.inputs[0]
    return None


def _unmoved(graph: Graph, value: int, features: int) -> tuple[int, int]:
    """The value behind casts, copies and the flattening of a single place, which no layer gives; and its features' axis."""
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if operation.kind is Kind.RESHAPE and _has_one_place(graph, operation.inputs[0]):
            features = 1
        elif operation.kind is not Kind.CAST:
            break
        value = operation.inputs[0]
    return value, features


def _has_one_place(graph: Graph, value: int) -> bool:
    shape = graph.values[value].shape
    return len(shape) > 2 and all(n == 1 for n in shape[2:])


def _is_linear(graph: Graph, operation: Operation) -> bool:
    """Whether the outputs are weighted sums of the inputs at one place: a linear layer, a 1 × 1 convolution, or one that
    is as large as what it is given.
    """
    if operation.kind in (Kind.LINEAR, Kind.MATMUL):
        return True
    if operation.kind is not Kind.CONVOLUTION:
        return False
    positional, named = operation.bound()
    weight = positional[1] if len(positional) > 1 else named.get("weight")
    given = graph.values[operation.inputs[0]].shape[2:]
    kernel = tuple(weight.shape[2:]) if isinstance(weight, Tensor) else ()
    return all(k in (1, n) for k, n in zip(kernel, given)) and bool(kernel)


def _name(graph: Graph, value: int) -> str:
    """The outermost layer that gives a value, of several that hand it on the first; else its operation."""
    if value == graph.input.value:
        return INPUT
    giving = [layer.path for layer in graph.layers.values() if layer.output and layer.output.value == value]
    if giving:
        return min(giving, key=lambda path: path.count(".") + path.count("/"))
    return graph.operations[graph.producer[value]].path
