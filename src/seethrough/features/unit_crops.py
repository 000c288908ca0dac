"""Crops: what a unit saw of its best pictures, cut from the pictures that the person gave.

Where a unit sees a small part of the picture, the crop is its receptive field, exactly, clipped where the network saw
no more. Deep units can in theory see all or most of it, and a crop would show nothing; there the crop is all that the
network saw, with the unit's own activation over it, which tells where it really looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.features.unit_layers import UnitLayer
from seethrough.graph.execute import execute
from seethrough.graph.untouched import same_chance
from seethrough.images import Geometry, is_ready
from seethrough.network import Network, Prepared

LARGEST_FIELD = 0.25
"""Share of the picture up to which a receptive field is shown as it is."""

TOGETHER = 16
"""Pictures sent through at once where activations are drawn."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A unit on an image: channel ``channel`` of a layer at a place (counted row by row), on image ``item``."""

    layer: UnitLayer
    channel: int
    item: int
    place: int


@dataclass(frozen=True, eq=False, slots=True)
class Crop:
    """What a unit saw of a picture.

    Attributes
    ----------
    pixels
        uint8 (h, w, 3), of the person's own picture.
    box
        (top, left, bottom, right) of these pixels in what the unit could see, 0…1; less than all of it where its field
        reaches beyond what the network saw.
    activation
        float32, the unit's activation over these pixels, on the layer's grid; None where the crop is the receptive
        field, or the unit has no places.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    activation: NDArray[np.float32] | None = None


def shows_field(layer: UnitLayer) -> bool:
    """Whether the crops of a layer's units are their receptive fields."""
    field = layer.receptive
    if field is None or len(layer.size) != 2 or len(layer.input_size) != 2 or None in field.size:
        return False
    share = np.prod([min((size or n) / n, 1) for size, n in zip(field.size, layer.input_size)])
    return bool(share <= LARGEST_FIELD)


def crops(net: Network, collection: Collection, sights: Sequence[Sight]) -> Iterator[tuple[int, Crop]]:
    """The crop of each sight with its number among them, in the order of the images: each image is read once, a few are
    held at a time.
    """
    by_item: dict[int, list[int]] = {}
    for number, sight in enumerate(sights):
        by_item.setdefault(sight.item, []).append(number)
    order = sorted(by_item)
    for first in range(0, len(order), TOGETHER):
        items = order[first : first + TOGETHER]
        prepared = [_prepared(net, collection, item) for item in items]
        drawn = {sights[n].layer for item in items for n in by_item[item] if not shows_field(sights[n].layer)}
        maps = _activations(net, prepared, [layer for layer in drawn if len(layer.size) == 2])
        for row, item in enumerate(items):
            for number in by_item[item]:
                yield number, _crop(sights[number], prepared[row], maps, row)


def _prepared(net: Network, collection: Collection, item: int) -> Prepared:
    """One image as the network takes it, with the pixels that are cut."""
    source = collection[item].source
    return net.prepare(source[None] if is_ready(source) else [collection.picture(item).pixels])


def _crop(sight: Sight, prepared: Prepared, maps: dict[str, NDArray[np.float32]], row: int) -> Crop:
    layer, geometry, pixels = sight.layer, prepared.geometries[0], prepared.pictures[0].pixels
    if shows_field(layer):
        return field_crop(pixels, geometry, layer, sight.place)
    top, left, bottom, right = _whole_pixels(_on_picture(geometry, _seen(geometry)), pixels.shape[:2])
    activation = maps[layer.path][row, sight.channel] if layer.path in maps else None
    return Crop(pixels[top:bottom, left:right], activation=activation)


def field_crop(pixels: NDArray[np.uint8], geometry: Geometry, layer: UnitLayer, place: int) -> Crop:
    """The receptive field of a unit at a place, cut from a picture and clipped to what the network saw of it."""
    field = field_of(layer, place)
    seen = _seen(geometry)
    clipped = tuple(max(a, b) for a, b in zip(field[:2], seen[:2])) + tuple(
        min(a, b) for a, b in zip(field[2:], seen[2:])
    )
    top, left, bottom, right = _whole_pixels(_on_picture(geometry, clipped), pixels.shape[:2])
    height, width = field[2] - field[0], field[3] - field[1]
    box = (
        (clipped[0] - field[0]) / height,
        (clipped[1] - field[1]) / width,
        (clipped[2] - field[0]) / height,
        (clipped[3] - field[1]) / width,
    )
    return Crop(pixels[top:bottom, left:right], box)


def field_of(layer: UnitLayer, place: int) -> tuple[float, float, float, float]:
    """(top, left, bottom, right) of what a unit sees, in pixels of the network's input, not clipped."""
    field = layer.receptive
    assert field is not None
    at = np.unravel_index(place, layer.size)
    low = [start + stride * int(i) for start, stride, i in zip(field.start, field.stride, at)]
    high = [begin + (size or n) for begin, size, n in zip(low, field.size, layer.input_size)]
    return low[0], low[1], high[0], high[1]


def _seen(geometry: Geometry) -> tuple[float, ...]:
    """The part of the network's input on which the picture lies: less than all of it where it was padded."""
    corner = -geometry.top, -geometry.left
    low = [max(0, c) for c in corner]
    high = [min(size, c + resized) for size, c, resized in zip(geometry.size, corner, geometry.resized)]
    return (*low, *high)


def _on_picture(geometry: Geometry, box: Sequence[float]) -> tuple[float, ...]:
    """From the network's input to the person's picture."""
    ratios = [p / r for p, r in zip(geometry.picture, geometry.resized)]
    corner = geometry.top, geometry.left
    return tuple((edge + corner[i % 2]) * ratios[i % 2] for i, edge in enumerate(box))


def _whole_pixels(box: Sequence[float], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Rounded to pixels, at least one of them, inside the picture."""
    low = [min(max(round(edge), 0), n - 1) for edge, n in zip(box[:2], size)]
    high = [min(max(round(edge), start + 1), n) for edge, start, n in zip(box[2:], low, size)]
    return low[0], low[1], high[0], high[1]


def _activations(
    net: Network, prepared: Sequence[Prepared], layers: Iterable[UnitLayer]
) -> dict[str, NDArray[np.float32]]:
    """By path the values of layers, float32 (N, C, H, W); the network runs only as far as to these."""
    layers = list(layers)
    if not layers:
        return {}
    batch = torch.cat([each.batch for each in prepared])
    source = net.source_of(prepared[0])
    graph = source.proved(batch)
    places = {layer.path: place for layer in layers if (place := graph.place(layer.path)) is not None}
    with same_chance() if graph.draws else nullcontext():
        values = execute(graph, source.given(graph, batch), {place.value for place in places.values()})
    return {path: place.of(values[place.value]).float().cpu().numpy() for path, place in places.items()}
