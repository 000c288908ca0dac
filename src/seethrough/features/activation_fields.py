"""Fields: what a unit of a layer sees, on the pixels of the picture that a person gave."""

from __future__ import annotations

from dataclasses import dataclass

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Place
from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a picture in its pixels, from edge to edge: the first pixel is 0 … 1."""

    top: float
    left: float
    bottom: float
    right: float


def field_of(graph: Graph, place: Place, fields: dict[int, ReceptiveField]) -> ReceptiveField | None:
    """The receptive field of a layer's units by their rows and columns; None where it doesn't move evenly with them.

    Tokens have one where they stand in the picture's order, or where each sees the whole picture.
    """
    found = fields.get(place.value)
    if found is None or found.whole or len(found.size) != 2:
        return found
    if place.grid is not None:
        return found if place.grid.index is None else None
    return found if len(place.shape(graph.values[place.value].shape)) == 4 else None


def seen_by(field: ReceptiveField, geometry: Geometry, row: int, column: int) -> Rectangle | None:
    """What the unit at a row and column sees, cut to the picture; None where all of it is padding."""
    sides: list[tuple[float, float]] = []
    for axis, place in enumerate((row, column)):
        size, extent = field.size[axis], geometry.size[axis]
        start = 0.0 if size is None else field.start[axis] + field.stride[axis] * place
        low, high = max(0.0, start), min(float(extent), start + (extent if size is None else size))
        offset = (geometry.top, geometry.left)[axis]
        ratio = geometry.picture[axis] / geometry.resized[axis]
        most = geometry.picture[axis]
        sides.append((min(max((low + offset) * ratio, 0.0), most), min(max((high + offset) * ratio, 0.0), most)))
    (top, bottom), (left, right) = sides
    return Rectangle(top, left, bottom, right) if bottom > top and right > left else None
