"""A graph: a network written down once, as the list of its operations, the values between them, and the layers they
happened in.

Plain data; whoever wants to know something of a network reads this list. The order of the list is an order in which it
runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from seethrough.graph.grid import Grid
from seethrough.graph.grids import grids_of
from seethrough.graph.operations import Kind, Operation, Place, Size


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor between operations: its shape, in which the batch may stand as a `Size`, and its dtype."""

    shape: tuple[int | Size, ...]
    dtype: torch.dtype

    def at(self, batch: int) -> tuple[int, ...]:
        """The shape at a batch size."""
        return tuple(int(n.at(batch)) if isinstance(n, Size) else n for n in self.shape)


@dataclass(frozen=True, slots=True)
class Layer:
    """A module, or Keras layer, at one of its calls.

    ``path`` is its name, with ``:2`` for a second call; ``kind`` its class; ``inputs`` and ``outputs`` where the
    tensors it took and returned are found (in the layer's own layout); ``span`` the operations (first, behind the last)
    that ran inside it; ``module`` the id of the object.
    """

    path: str
    kind: str
    inputs: tuple[Place | None, ...]
    outputs: tuple[Place | None, ...]
    span: tuple[int, int]
    module: int
    shapes: tuple[tuple[int | Size, ...], ...] = ()

    @property
    def output(self) -> Place | None:
        """Where its (first) value is found; None where it doesn't depend on the image or took a way that can't be
        followed.
        """
        return next((p for p in self.outputs if p is not None), None)


@dataclass(eq=False)
class Graph:
    """A network as the list of its operations.

    Attributes
    ----------
    operations
        In an order in which they run.
    values
        From number to `Value`.
    inputs
        From name (``""`` for a single input) to where it goes in; the first is the one that is explained, the others
        stand beside it. Internally each is (N, C, …).
    outputs
        From name (``""`` for a single output, else key, field or position) to where it is found, as the network has it.
    layers
        From path to `Layer`, in the order of first call.
    layout
        ``"channels_last"`` where the network's own layers speak (N, H, W, C).
    batch
        The one batch size it holds for, or None where it holds for any.
    source
        ``"fake"`` for a network written down without computing, ``"real"`` for the operations of one image, which hold
        for that image alone, ``"whole"`` for a network that is one opaque operation.
    chosen
        The name of the output that was asked for; None where nobody said which.
    ended
        Why the graph ends before the network does: the layer, the operation and its line. Nothing where it is the whole
        network. Such a graph is only read: its outputs are those of the last layers that were completed.
    """

    operations: list[Operation]
    values: dict[int, Value]
    inputs: dict[str, Place]
    outputs: dict[str, Place]
    layers: dict[str, Layer]
    layout: str = "channels_first"
    batch: int | None = None
    source: str = "fake"
    chosen: str | None = None
    ended: str = ""

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    @cached_property
    def producer(self) -> dict[int, int]:
        """From a value to the position of the operation that gives it; the inputs have none."""
        return {v: k for k, op in enumerate(self.operations) for v in op.outputs if v is not None}

    @cached_property
    def consumers(self) -> dict[int, list[int]]:
        """From a value to the positions of the operations that read it."""
        readers: dict[int, list[int]] = {}
        for k, op in enumerate(self.operations):
            for v in op.inputs:
                readers.setdefault(v, []).append(k)
        return readers

    @cached_property
    def input(self) -> Place:
        """Where the images go in: what is explained."""
        return next(iter(self.inputs.values()))

    @property
    def meant(self) -> str:
        """The name of the output that is meant: the one asked for, else ``logits`` where there is one, else the first."""
        if self.chosen is not None:
            return self.chosen
        return "logits" if "logits" in self.outputs else next(iter(self.outputs))

    @cached_property
    def output(self) -> Place:
        """Where the output that is meant is found, as (N, outputs, …) whatever the network's own layout; tokens that
        form a grid as (N, outputs, H, W).
        """
        place = self.outputs[self.meant]
        if len(self.values[place.value].shape) != 3:
            return self._channels_first(place)
        on_grid = self._on_grid(place)
        if on_grid is not None or self.layout == "channels_last" or not self._features_last(place):
            return on_grid or self._channels_first(place)
        return moved(place, (0, 2, 1))

    def _features_last(self, place: Place) -> bool:
        """Whether a value is a row of vectors (N, L, C), as a linear layer or a normalisation over them gives it."""
        at = self.producer.get(place.value)
        while at is not None and place.permutation is None:
            last = self.operations[at]
            if last.kind is Kind.LINEAR or last.name == "layer_norm":
                return True
            if last.kind not in (Kind.SOFTMAX, Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY) or len(last.inputs) != 1:
                return False
            at = self.producer.get(last.inputs[0])
        return False

    @cached_property
    def logits(self) -> Place:
        """The output before a final softmax or sigmoid (the softmax is looked through); the output itself where there
        is none.
        """
        place = self.output
        at = self.producer.get(place.value)
        if at is None:
            return place
        last = self.operations[at]
        final = last.name in ("softmax", "log_softmax", "sigmoid", "logsigmoid")
        return replace(place, value=last.inputs[0]) if final and len(last.inputs) == 1 else place

    @cached_property
    def draws(self) -> bool:
        """Whether any of its operations draws random numbers."""
        return any(operation.random for operation in self.operations)

    def holds_for(self, batch: int) -> bool:
        """Whether this graph may be run at a batch size."""
        return self.batch is None or self.batch == batch

    def native(self, path: str) -> Place | None:
        """Where a layer's value is found, in the layer's own layout."""
        return self.layers[path].output

    @cached_property
    def operation_at(self) -> dict[str, Operation]:
        """From an operation's path to the operation."""
        return {operation.path: operation for operation in self.operations}

    @cached_property
    def grids(self) -> dict[int, Grid]:
        """How the numbers of a value stand on the picture, by the value; a value without places has none."""
        return grids_of(self)

    def place(self, path: str) -> Place | None:
        """Where the value of a layer, or of an operation by its own path, is found, as (N, C, …) whatever the layer's
        own layout; tokens that form a grid as (N, C, H, W).
        """
        if path not in self.layers:
            operation = self.operation_at.get(path)
            value = next((v for v in operation.outputs if v is not None), None) if operation is not None else None
            return None if value is None else self._on_grid(Place(value)) or Place(value)
        place = self.layers[path].output
        return None if place is None else self._on_grid(place) or self._channels_first(place)

    def _on_grid(self, place: Place) -> Place | None:
        """As (N, C, H, W), where the value has places."""
        grid = self.grids.get(place.value)
        return None if grid is None else Place(place.value, None, None if grid.plain else grid)

    def _channels_first(self, place: Place) -> Place:
        """A place in the network's own layout, as (N, C, …)."""
        rank = len(self.values[place.value].shape)
        if self.layout == "channels_first" or rank < 3:
            return place
        return moved(place, (0, rank - 1, *range(1, rank - 1)))


def moved(place: Place, axes: tuple[int, ...]) -> Place:
    """A place whose axes are permuted once more; a permutation that changes nothing is none."""
    axes = axes if place.permutation is None else tuple(place.permutation[a] for a in axes)
    return Place(place.value, None if axes == tuple(range(len(axes))) else axes)
