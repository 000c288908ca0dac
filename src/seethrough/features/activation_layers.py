"""Which layers a look at activations is about, and what is known of each before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seethrough.anatomy.layers import channels_at, find_values
from seethrough.errors import NetworkRefused
from seethrough.features.activation_ends import Ends, ends_of
from seethrough.features.activation_fields import field_of
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind
from seethrough.graph.receptive import ReceptiveField, receptive_fields
from seethrough.results import Note

NAMED = 3
"""Layers that a note or a refusal names."""


@dataclass(frozen=True, slots=True)
class Site:
    """A layer that is looked at.

    Attributes
    ----------
    path, kind
        Where it is, and its class; of an operation by its own path, the function's name.
    ends
        The function that its values come from; None where there is none.
    field
        What a unit sees of the network's input; None where that doesn't move evenly.
    """

    path: str
    kind: str
    ends: Ends | None
    field: ReceptiveField | None


def sites_of(graph: Graph, names: Sequence[str], patterns: Sequence[str]) -> tuple[tuple[Site, ...], tuple[Note, ...]]:
    """The layers that patterns name, in the network's order within each pattern, and what was left out.

    Parameters
    ----------
    names
        All layers of the network, the uncalled too.
    patterns
        Paths, of layers or of operations, or patterns with ``*``; none for the last layer of each size of map.

    Raises
    ------
    UsageError
        A pattern that fits no layer; names the nearest.
    NetworkRefused
        Where nothing that fits has a value that depends on the image.
    """
    notes: list[Note] = []
    if not patterns:
        paths = last_of_each_size(graph)
        notes.append(Note("layers_by_size", numbers={"layers": len(paths)}))
        if not paths:
            raise NetworkRefused("no layer of this network has height and width; name the layers that are meant")
    else:
        paths, notes = _named(graph, names, patterns)
    fields = receptive_fields(graph)
    return tuple(_site(graph, path, fields) for path in paths), tuple(notes)


def last_of_each_size(graph: Graph) -> tuple[str, ...]:
    """Of the layers with height and width, for each size the one whose value comes last: what stands at the end of each
    stage, under the name of the outermost layer that gives it. Padding makes sizes of its own and is passed over.
    """
    found: dict[tuple[object, ...], tuple[int, str]] = {}
    for path, layer in graph.layers.items():
        place = channels_at(graph, path)
        at = None if place is None else graph.producer.get(place.value)
        whole = layer.span == (0, len(graph))
        if place is None or at is None or whole or place.value not in graph.grids or _pads(graph, at):
            continue
        size = tuple(place.shape(graph.values[place.value].shape))[2:]
        if size != (1, 1) and at > found.get(size, (-1, ""))[0]:
            found[size] = at, path
    return tuple(path for _, path in sorted(found.values()))


def _pads(graph: Graph, at: int) -> bool:
    return graph.operations[at].kind is Kind.PAD


def _named(graph: Graph, names: Sequence[str], patterns: Sequence[str]) -> tuple[tuple[str, ...], list[Note]]:
    asked = dict.fromkeys(path for pattern in patterns for path in find_values(graph, pattern, names))
    paths = tuple(path for path in asked if channels_at(graph, path) is not None)
    rest = [path for path in asked if path not in paths]
    shown = ", ".join(map(repr, rest[:NAMED])) + ("…" if len(rest) > NAMED else "")
    if not paths:
        are = f"layer {shown} gives" if len(rest) == 1 else f"the layers {shown} give"
        raise NetworkRefused(f"{are} no value that depends on the image; name another layer")
    return paths, [Note("layers_left_out", numbers={"layers": len(rest), "names": shown})] if rest else []


def _site(graph: Graph, path: str, fields: dict[int, ReceptiveField]) -> Site:
    place = graph.place(path)
    assert place is not None, path
    kind = graph.layers[path].kind if path in graph.layers else graph.operation_at[path].name
    return Site(path, kind, ends_of(graph, place.value), field_of(graph, place, fields))
