"""Which layers have units, how many, and what each unit can see of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seethrough.anatomy.layers import channels_at, find_values
from seethrough.errors import UsageError
from seethrough.graph.execute import plan
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.receptive import ReceptiveField, receptive_fields
from seethrough.graph.rules import is_rectifier
from seethrough.results import INPUT

LISTED = 5
"""Layers named in a refusal."""


@dataclass(frozen=True, slots=True)
class UnitLayer:
    """A layer whose channels are units.

    Attributes
    ----------
    path, kind
        Where it is, and its class; an operation's own name where it is no layer.
    channels
        How many units it has.
    size
        Its places: (H, W), or (L,); empty where a unit is one number a picture.
    rectified
        Whether the graph makes certain that its values are never negative, so that 0 is "silent".
    receptive
        What a unit at a place sees, in pixels of the network's input; None where nobody can say.
    input_size
        (H, W) of the network's input.
    answers
        Whether the network's answer depends on it, so that its units can be relevant.
    """

    path: str
    kind: str
    channels: int
    size: tuple[int, ...]
    rectified: bool
    receptive: ReceptiveField | None
    input_size: tuple[int, ...]
    answers: bool

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "path": self.path,
            "class": self.kind,
            "channels": self.channels,
            "size": list(self.size),
            "rectified": self.rectified,
            "receptive_field": None if self.receptive is None else self.receptive.to_dict(),
        }


def unit_layers(graph: Graph, pattern: str) -> tuple[UnitLayer, ...]:
    """The layers that a path or a pattern names and that have units; an operation by its own path too.

    Raises
    ------
    UsageError
        No such layer (nearest names follow); a layer without units (those before and behind it follow).
    """
    paths = find_values(graph, pattern)
    fields = receptive_fields(graph)
    found = tuple(layer for path in paths if (layer := _described(graph, path, fields)) is not None)
    if not found:
        raise UsageError(
            f"Layer {paths[0]!r} gives no channels that depend on the picture, so it has no units. "
            f"These nearby have: {', '.join(_nearby(graph, paths[0])) or 'none'}."
        )
    return found


def _described(graph: Graph, path: str, fields: dict[int, ReceptiveField]) -> UnitLayer | None:
    shape = _shape(graph, path)
    if shape is None:
        return None
    place = graph.place(path)
    assert place is not None
    kind = graph.layers[path].kind if path in graph.layers else graph.operation_at[path].name
    picture = graph.input.shape(graph.values[graph.input.value].at(graph.batch or 2))
    return UnitLayer(
        path=path,
        kind=kind,
        channels=shape[0],
        size=shape[1:],
        rectified=never_negative(graph, place.value),
        receptive=fields.get(place.value),
        input_size=picture[2:],
        answers=_is_read(graph, place.value),
    )


def _is_read(graph: Graph, value: int) -> bool:
    answer = graph.logits.value
    return value == answer or any(value in step.inputs for step in plan(graph, [answer], [value]).steps)


def _shape(graph: Graph, path: str) -> tuple[int, ...] | None:
    """(C, …) of a layer's value for one picture; None where it has no channels, or doesn't depend on the picture."""
    place = channels_at(graph, path)
    if path == INPUT or place is None or place.value == graph.input.value:
        return None
    batch = graph.batch or 2
    shape = place.shape(graph.values[place.value].at(batch))
    return shape[1:] if shape[0] == batch and min(shape) > 0 else None


def _nearby(graph: Graph, path: str) -> list[str]:
    """Layers with units around this one, in the network's order."""
    paths = list(graph.layers)
    at = paths.index(path) if path in paths else 0
    close = sorted((abs(i - at), i) for i, other in enumerate(paths) if i != at and _shape(graph, other) is not None)
    return [paths[i] for i in sorted(i for _, i in close[:LISTED])]


_POSITIVE = frozenset(("sigmoid", "softmax", "softplus", "hardsigmoid", "abs", "square", "exp"))
_KEEPS_SIGN = frozenset(
    (Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.CONCAT, Kind.ADD, Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.DROPOUT,
     Kind.CAST)
)  # fmt: skip
"""Kinds that give nothing negative where they are given nothing negative."""


def never_negative(graph: Graph, value: int) -> bool:
    """Whether the graph makes certain that a value is nowhere below 0: a rectifier, or what keeps the sign, gave it."""
    return all(_gives_none(operation) for operation in _last_deciding(graph, value))


def _last_deciding(graph: Graph, value: int) -> Iterator[Operation | None]:
    """The operations that decide on a value's sign, past those that keep it; None for the input, or a constant that is
    added.
    """
    pending, seen = [value], set[int]()
    while pending:
        v = pending.pop()
        if v in seen:
            continue
        seen.add(v)
        operation = graph.operations[graph.producer[v]] if v in graph.producer else None
        if operation is None or operation.kind not in _KEEPS_SIGN:
            yield operation
        elif operation.kind is Kind.ADD and len(operation.inputs) < 2:
            yield None
        else:
            pending += operation.inputs


def _gives_none(operation: Operation | None) -> bool:
    return operation is not None and (operation.name in _POSITIVE or is_rectifier(operation))
