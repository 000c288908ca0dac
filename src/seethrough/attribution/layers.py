"""Which layer a class activation map is taken from: found on the graph, not guessed from names."""

from __future__ import annotations

from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind

LISTED = 6


def spatial_layers(graph: Graph) -> list[str]:
    """The layers whose value has height and width above 1, in order of first call."""
    return [path for path in graph.layers if is_spatial(graph, path)]


def is_spatial(graph: Graph, path: str) -> bool:
    """Whether a layer's (or operation's) value stands on the picture, (N, C, H, W) with more than one place."""
    place = graph.place(path)
    return place is not None and place.value in graph.grids


def last_spatial(graph: Graph) -> str | None:
    """The layer (or operation) of the last value with height and width on the way to the answer, before it is pooled;
    None where there is none.
    """
    on_the_way = {graph.logits.value}
    for operation in reversed(graph.operations):
        made = [v for v in operation.outputs if v in on_the_way]
        if not made:
            continue
        if operation.kind not in _NO_NEWS and made[0] in graph.grids:
            return _name(graph, made[0], operation.path)
        on_the_way.update(operation.inputs)
    return None


# Operations after which the same evidence stands on fewer places, or in another form.
_NO_NEWS = frozenset(
    (Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.REDUCE, Kind.DROPOUT, Kind.PERMUTE, Kind.RESHAPE, Kind.CAST)
)


def _name(graph: Graph, value: int, path: str) -> str:
    """What a person calls a value: the layer that returns it, the outermost of several; else the operation that makes
    it.
    """
    places = ((layer, graph.place(layer)) for layer in graph.layers if is_spatial(graph, layer))
    returning = [layer for layer, place in places if place is not None and place.value == value]
    return min(returning, key=lambda p: (p.count(".") + p.count("/"), len(p)), default=path)


def chosen_layer(graph: Graph, wanted: str | None) -> str:
    """The layer a person named, or the last spatial one.

    Raises
    ------
    UsageError
        No such layer (nearest names follow), or one without height and width (those that have them follow).
    """
    if wanted is None:
        found = last_spatial(graph)
        if found is None:
            raise UsageError(
                "This network has no layer with height and width, which a class activation map needs; use a gradient "
                "method or occlusion."
            )
        return found
    if wanted not in graph.layers and wanted not in graph.operation_at:
        raise UsageError(f"There is no layer {wanted!r}.{nearest(wanted, [*graph.layers, *graph.operation_at])}")
    if not is_spatial(graph, wanted):
        have = spatial_layers(graph)
        some = ", ".join(have[-LISTED:])
        more = f" (the last {LISTED} of {len(have)})" if len(have) > LISTED else ""
        raise UsageError(
            f"Layer {wanted!r} has no height and width, which a class activation map needs. "
            f"These have: {some or 'none'}{more}."
        )
    return wanted
