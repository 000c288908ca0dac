"""Beside: what passes a layer by on its way to the answer, so that many versions of the layer's value need it once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from seethrough.graph.execute import plan
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Size


def passing_by(graph: Graph, start: int, end: int) -> list[int]:
    """The values that what lies between ``start`` and ``end`` reads and that don't come from ``start``: a residual, a
    gate, a class token. Those of which one can't tell where the images stand (several in one axis, say) are left out.
    """
    behind = {start}
    for operation in graph:
        if any(v in behind for v in operation.inputs):
            behind.update(v for v in operation.outputs if v is not None)
    read = {
        v
        for operation in plan(graph, [end], [start]).steps
        if any(v in behind for v in operation.inputs)
        for v in operation.inputs
    }
    by = [v for v in sorted(read - behind) if v in graph.producer and _axis(graph, v) is not None]
    return [] if any(_draws(operation) for operation in plan(graph, by, []).steps) else by


def _draws(operation: Operation) -> bool:
    """Whether an operation draws random numbers: torch's own attention is marked so even where it drops nothing."""
    if operation.kind is not Kind.ATTENTION:
        return operation.random
    arguments, keywords = operation.bound()
    return (arguments[4] if len(arguments) > 4 else keywords.get("dropout_p", 0)) != 0


def for_versions(graph: Graph, values: Mapping[int, Tensor], times: int) -> dict[int, Tensor]:
    """The values for so many versions of the images, one version behind the other."""
    return {v: t.repeat(*_repeats(graph, v, t.dim(), times)) if times > 1 else t for v, t in values.items()}


def of_one(graph: Graph, values: Mapping[int, Tensor], image: int) -> dict[int, Tensor]:
    """The values for one of the images alone."""
    return {
        v: t if (axis := _axis(graph, v)) is None or axis < 0 else t.narrow(axis, image, 1) for v, t in values.items()
    }


def _repeats(graph: Graph, value: int, axes: int, times: int) -> list[int]:
    at = _axis(graph, value)
    return [times if axis == at else 1 for axis in range(axes)]


def _axis(graph: Graph, value: int) -> int | None:
    """The axis of the images; −1 where a value is the same for all; None where there is no axis of theirs alone."""
    sized = [axis for axis, n in enumerate(graph.values[value].shape) if isinstance(n, Size)]
    if not sized:
        return -1 if graph.batch is None else None
    (axis, *more) = sized
    return axis if not more and graph.values[value].shape[axis] == Size(1, 0) else None
