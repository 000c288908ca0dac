"""Which layer a class activation map is taken from: found on the graph, not guessed from names."""

from __future__ import annotations

from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.graph.grid import Grid
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.reads import reads

LISTED = 6


def spatial_layers(graph: Graph) -> list[str]:
    """The layers whose value has height and width above 1, in order of first call."""
    return [path for path in graph.layers if is_spatial(graph, path)]


def is_spatial(graph: Graph, path: str) -> bool:
    """Whether a layer's (or operation's) value stands on the picture, (N, C, H, W) with more than one place."""
    place = graph.place(path)
    return place is not None and place.value in graph.grids


def last_spatial(graph: Graph) -> str | None:
    """The layer (or operation) of the last value on the way to the answer all of whose places are still read, before it
    is pooled; None where there is none.

    Of a network that answers from its class token, that is what its last attention is given: behind it the other tokens
    reach nothing.
    """
    attends: dict[int, bool] = {}
    partly: str | None = None
    for operation, given in reads(graph, graph.logits.value):
        value, mask = next(iter(given.items()))
        _mark(operation, all(attends.get(v, False) for v in given), attends)
        grid = graph.grids.get(value)
        if grid is None or attends.get(value, False) or _says_nothing_new(graph, operation, grid):
            continue
        read = grid.of(mask).any(1)
        if read.all():
            return _name(graph, value, operation.path)
        if partly is None and read.any():
            partly = _name(graph, value, operation.path)
    return partly


def _mark(operation: Operation, attended: bool, attends: dict[int, bool]) -> None:
    """Mark an operation's inputs that lead into an attention and nowhere else: queries, keys and values, up to the layer
    that makes them.
    """
    product = operation.kind is Kind.ATTENTION or (operation.kind is Kind.MATMUL and len(operation.inputs) > 1)
    projects = operation.kind in (Kind.LINEAR, Kind.CONVOLUTION)
    for v in operation.inputs:
        attends[v] = attends.get(v, True) and (product or (attended and not projects))


# Operations after which the same evidence stands on fewer places, or in another form.
_NO_NEWS = frozenset(
    (Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.REDUCE, Kind.DROPOUT, Kind.PERMUTE, Kind.RESHAPE, Kind.CAST)
)


def _says_nothing_new(graph: Graph, operation: Operation, grid: Grid) -> bool:
    if operation.kind is not Kind.SELECT:
        return operation.kind in _NO_NEWS
    before = graph.grids.get(operation.inputs[0])
    return before is not None and (before.height, before.width) == (grid.height, grid.width)


def _name(graph: Graph, value: int, path: str) -> str:
    """What a person calls a value: the layer that makes and returns it, the outermost of several, rather than one that
    hands it on as it is; else the operation that makes it.
    """
    at = graph.producer.get(value, -1)
    places = {layer: graph.layers[layer].output for layer in graph.layers}
    returning = [layer for layer, place in places.items() if place is not None and place.value == value]
    makers = [layer for layer in returning if graph.layers[layer].span[0] <= at < graph.layers[layer].span[1]]
    return min(makers or returning, key=lambda p: (p.count(".") + p.count("/"), len(p)), default=path)


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
