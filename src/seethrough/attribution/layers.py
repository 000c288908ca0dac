"""Which layer a class activation map is taken from: found on the graph, not guessed from names."""

from __future__ import annotations

from typing import Any

from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind

LISTED = 6


def spatial_layers(graph: Graph) -> list[str]:
    """The layers whose value has height and width above 1, in order of first call."""
    return [path for path in graph.layers if is_spatial(graph, path)]


def is_spatial(graph: Graph, path: str) -> bool:
    """Whether a layer's (or operation's) value is (N, C, H, W) with more than one place."""
    place = graph.place(path)
    if place is None:
        return False
    return _is_wide(place.shape(graph.values[place.value].shape))


def last_spatial(graph: Graph) -> str:
    """The last value with height and width on the way to the answer, before it is pooled.

    Raises
    ------
    UsageError
        Where there is none.
    """
    on_the_way = {graph.logits.value}
    for operation in reversed(graph.operations):
        made = [v for v in operation.outputs if v in on_the_way]
        if not made:
            continue
        if operation.kind not in _NO_NEWS and _is_wide(graph.values[made[0]].shape):
            return _name(graph, made[0], operation.path)
        on_the_way.update(operation.inputs)
    raise UsageError("This network has no layer with height and width, which a class activation map needs; use a gradient method or occlusion.")


# Operations after which the same evidence stands on fewer places, or in another form.
_NO_NEWS = frozenset((Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.REDUCE, Kind.DROPOUT, Kind.PERMUTE, Kind.RESHAPE, Kind.CAST))


def _is_wide(shape: tuple[Any, ...]) -> bool:
    return len(shape) == 4 and all(isinstance(n, int) for n in shape[2:]) and shape[2] * shape[3] > 1


def _name(graph: Graph, value: int, path: str) -> str:
    """What a person calls a value: the layer that returns it, the outermost of several; else the operation that makes it."""
    candidates = [p for p in graph.layers if (place := graph.place(p)) is not None and place.value == value and is_spatial(graph, p)]
    return min(candidates, key=lambda p: (p.count(".") + p.count("/"), len(p))) if candidates else path


def chosen_layer(graph: Graph, wanted: str | None) -> str:
    """The layer a person named, or the last spatial one.

    Raises
    ------
    UsageError
        No such layer (nearest names follow), or one without height and width (those that have them follow).
    """
    if wanted is None:
        return last_spatial(graph)
    known = wanted in graph.layers or wanted in graph.operation_at
    if not known:
        raise UsageError(f"There is no layer {wanted!r}.{nearest(wanted, list(graph.layers))}")
    if not is_spatial(graph, wanted):
        have = spatial_layers(graph)
        some = ", ".join(have[-LISTED:])
        more = f" (the last {LISTED} of {len(have)})" if len(have) > LISTED else ""
        raise UsageError(f"Layer {wanted!r} has no height and width, which a class activation map needs. These have: {some or 'none'}{more}.")
    return wanted
