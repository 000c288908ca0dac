"""Grids: which values of a graph are places of a picture, found by carrying addresses along its operations.

Nothing is asked of the person and nothing read off names. The picture is the first map; what `carry` says of each
operation tells of every value where its numbers belong. A value has a grid where each place of each image is found
exactly once, in all images alike; where two answers are possible it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seethrough.graph.addresses import NOWHERE, Addresses, natural, slimmed, thin
from seethrough.graph.carry import Step, carried
from seethrough.graph.grid import Grid
from seethrough.graph.operations import Size

if TYPE_CHECKING:
    from seethrough.graph.graph import Graph, Value

IMAGES = 2
"""Addresses are carried for two images, so that an axis of images is told from others."""


def images_of(graph: Graph) -> int:
    """For how many images a graph's shapes are written out: as many as it holds for, where it holds for these alone."""
    images = graph.values[graph.input.value].shape[0]
    return images if isinstance(images, int) else IMAGES


def grids_of(graph: Graph) -> dict[int, Grid]:
    """The grid of every value that has one, by the value's number.

    Maps (N, C, H, W) are `Grid.plain`; a single place is no grid.
    """
    images = images_of(graph)
    grids: dict[int, Grid] = {}
    reader = _Reader(images)
    known: dict[int, Addresses | None] = {}
    shape = graph.values[graph.input.value].at(images)
    if len(shape) == 4:
        known[graph.input.value] = natural(images, *shape[2:], shape)
    last: dict[int, int] = {v: k for k, operation in enumerate(graph) for v in operation.inputs}

    def shape_of(value: int) -> tuple[int, ...]:
        return graph.values[value].at(images)

    for k, operation in enumerate(graph):
        outputs = [None if v is None else shape_of(v) for v in operation.outputs]
        told = any(v in known for v in operation.inputs)
        step = Step(operation, known, images, next((s for s in outputs if s is not None), ()), shape_of)
        for value, found in zip(operation.outputs, carried(step, outputs)):
            if value is None or (found is None and not told):
                continue
            known[value] = found
            if found is not None and (grid := reader.grid(found, graph.values[value])) is not None:
                grids[value] = grid
        for v in operation.inputs:
            if last[v] == k:
                known.pop(v, None)
    return grids


@dataclass(frozen=True)
class _Tokens:
    """Which tokens of an image are its places: for each place the token's number, and the tokens that are none."""

    index: Tensor
    others: tuple[int, ...]


class _Reader:
    """Reads grids out of addresses. Most values of a network share theirs with many others, so that each tensor of
    addresses is looked at once.
    """

    def __init__(self, images: int) -> None:
        self.images = images
        self.seen: dict[Any, tuple[Tensor, _Tokens | None]] = {}

    def grid(self, addresses: Addresses, value: Value) -> Grid | None:
        """The grid of a value; None unless each place of each image is found exactly once, all its channels together,
        in all images alike.
        """
        address = addresses.one
        if address is None or address.dim() < 3 or addresses.area <= 1:
            return None
        sized = [a for a, n in enumerate(value.shape) if isinstance(n, Size) and n.b == 0]
        for axis in sized or range(address.dim()):
            if address.shape[axis] % self.images == 0:
                for major in (True, False):
                    found = self._along(addresses, address, axis, major)
                    if found is not None:
                        return found
        return None

    def _along(self, addresses: Addresses, address: Tensor, axis: int, major: bool) -> Grid | None:
        """With the images along this axis."""
        per_image = address.shape[axis] // self.images
        slim = thin(address)
        if slim.shape[axis] != address.shape[axis]:
            return None
        sizes, at = list(address.shape), axis
        if per_image > 1:
            split = (self.images, per_image) if major else (per_image, self.images)
            slim, at = slim.unflatten(axis, split), axis if major else axis + 1
            slim = thin(slimmed(slim))  # heads beside the images, among which nothing changes
            sizes[axis : axis + 1] = split
        sizes[at] = 1
        places = tuple(a for a in range(len(sizes)) if a != at and slim.shape[a] > 1)
        channels = tuple(a for a in range(len(sizes)) if a != at and a not in places)
        tokens = self._tokens(slim.movedim(at, 0), addresses.area) if channels else None
        if tokens is None:
            return None
        start = int(tokens.index[0])
        follow = bool((tokens.index == torch.arange(start, start + addresses.area)).all())
        return Grid(
            addresses.height,
            addresses.width,
            axis,
            per_image,
            major,
            places,
            channels,
            tuple(sizes),
            None if follow else tokens.index,
            start,
            tokens.others,
        )

    def _tokens(self, slim: Tensor, area: int) -> _Tokens | None:
        key = (slim.data_ptr(), slim.shape, slim.stride(), area)
        if key not in self.seen:
            self.seen[key] = slim, _tokens(slim.flatten(1).long(), area)
        return self.seen[key][1]


def _tokens(rows: Tensor, area: int) -> _Tokens | None:
    """From the addresses (images, tokens)."""
    here = rows[0] >= 0
    shift = area * torch.arange(len(rows)).unsqueeze(1)
    if int(here.sum()) != area or not torch.equal(rows, torch.where(here, rows[0] + shift, NOWHERE)):
        return None
    place = rows[0][here]
    index = torch.full((area,), -1)
    if int(place.max()) >= area:
        return None
    index[place] = here.nonzero().flatten()
    if int(index.min()) < 0:
        return None
    return _Tokens(index, tuple((~here).nonzero().flatten().tolist()))
