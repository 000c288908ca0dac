"""Which layer a class activation map is taken from: found on the graph, not guessed from names."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph, Layer
from seethrough.graph.grid import Grid
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.reads import reads
from seethrough.results import INPUT

LISTED = 6


def spatial_layers(graph: Graph) -> list[str]:
    """The layers whose value has height and width above 1, in order of first call."""
    return [path for path in graph.layers if is_spatial(graph, path)]


def is_spatial(graph: Graph, path: str) -> bool:
    """Whether a layer's (or operation's) value stands on the picture, (N, C, H, W) with more than one place."""
    place = graph.place(path)
    return place is not None and place.value in graph.grids


def last_spatial(graph: Graph) -> str | None:
    """The layer (or operation) of the last value all of whose places the answer reads, and past which it reads no place
    of any other, before it is pooled; None where there is none.

    Of a network that answers from its class token, that is what its last attention is given: behind it the other tokens
    reach nothing. Where no value is the only way, one of the last that is read as a whole is taken, else in part.
    """
    attends: dict[int, bool] = {}
    found: dict[str, int] = {}
    for read in reads(graph, graph.logits.value):
        value, mask = next(iter(read.given.items()))
        _mark(read.operation, all(attends.get(v, False) for v in read.given), attends)
        grid = graph.grids.get(value)
        if grid is None or attends.get(value, False) or _says_nothing_new(graph, read.operation, grid):
            continue
        places = grid.of(mask).any(1)
        if places.all() and not any(_reads_places(graph, *other) for other in read.earlier.items()):
            return called(graph, value)
        if places.any():
            found.setdefault("all" if places.all() else "some", value)
    last = found.get("all", found.get("some"))
    return None if last is None else called(graph, last)


def _reads_places(graph: Graph, value: int, mask: Tensor) -> bool:
    grid = graph.grids.get(value)
    return grid is not None and bool(grid.of(mask).any())


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


def called(graph: Graph, value: int) -> str:
    """What a person calls a value: the layer that makes and returns it, under whatever axes, the outermost of several,
    rather than one that hands it on as it is, or returns it among others; else the operation that makes it.
    """

    def strange(layer: Layer) -> tuple[bool, int, int]:
        at = graph.producer.get(layer.output.value if layer.output else value, -1)
        made = layer.span[0] <= at < layer.span[1] and len(layer.outputs) == 1
        return not made, layer.path.count(".") + layer.path.count("/"), len(layer.path)

    same = set(_under_other_axes(graph, value))
    returning = [layer for layer in graph.layers.values() if layer.output is not None and layer.output.value in same]
    if returning:
        return min(returning, key=strange).path
    return graph.operations[graph.producer[value]].path if value in graph.producer else INPUT


def _under_other_axes(graph: Graph, value: int) -> Iterator[int]:
    """The value, and what it is turned into and read as alone: windows rolled back, channels put first."""
    size = graph.grids[value].height, graph.grids[value].width
    while True:
        yield value
        readers = graph.consumers.get(value, [])
        if len(readers) != 1 or graph.operations[readers[0]].kind not in (Kind.PERMUTE, Kind.RESHAPE, Kind.CAST):
            return
        value = next((v for v in graph.operations[readers[0]].outputs if v is not None), value)
        grid = graph.grids.get(value)
        if grid is None or (grid.height, grid.width) != size:
            return


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


def any_layer(graph: Graph, wanted: str | None) -> str:
    """The layer a person named, with or without places; or the last spatial one.

    Raises
    ------
    UsageError
        No such layer (nearest names follow), or one whose value doesn't depend on the image.
    """
    if wanted is None:
        return chosen_layer(graph, None)
    if graph.place(wanted) is None:
        if wanted in graph.layers:
            raise UsageError(f"Layer {wanted!r} gives no value that depends on the image; name another one.")
        raise UsageError(f"There is no layer {wanted!r}.{nearest(wanted, [*graph.layers, *graph.operation_at])}")
    return wanted
