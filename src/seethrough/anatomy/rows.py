"""Rows: a network's tree of layers, each with its weights and what the graph knows of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import torch.nn as nn

from seethrough.anatomy.weights import Weight, own_weights
from seethrough.graph.cost import count_macs, size_in_bytes
from seethrough.graph.graph import Graph, Layer
from seethrough.graph.operations import Kind, Operation, Size
from seethrough.graph.receptive import ReceptiveField, receptive_fields
from seethrough.models.opened import Opened

Shape = tuple[int | str, ...]
"""Without the batch where it comes first; elsewhere the batch is ``"N"``, or ``"64N"`` where 64 windows of each picture
stand on one axis.
"""

NOT_CALLED = "not called"
WEIGHTS_USED = "weights used"
"""The layer itself isn't called, but what is around it reads its weights (attention's output projection in torch)."""


@dataclass(frozen=True, slots=True)
class Count:
    """Numbers that a part of a network holds."""

    parameters: int = 0
    trainable: int = 0
    buffers: int = 0
    bytes: int = 0

    @property
    def frozen(self) -> int:
        return self.parameters - self.trainable

    def __add__(self, other: Count) -> Count:
        return Count(
            self.parameters + other.parameters,
            self.trainable + other.trainable,
            self.buffers + other.buffers,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or a module with layers inside.

    Attributes
    ----------
    path, name, kind
        The whole path, its last part, the class.
    count
        What it and the layers inside hold, each array counted where it is met first: the rows of one level add up.
    shared
        Parameters in it that were counted in an earlier row, ``shared_with``.
    outputs
        Shapes of what it returns (at its first call), in the network's own layout; empty where nobody knows.
    macs
        Multiply-accumulates of all its calls for one picture, the layers inside included; None without a graph.
    receptive
        What its units see of the picture (at its first call).
    calls
        How often one pass calls it; None without a graph.
    state
        ``"not called"``, ``"weights used"`` or nothing.
    children
        The layers inside.
    likeness
        Equal for rows that differ in name and place alone.
    activations
        Bytes of all values that its calls make for one picture, the layers inside included; what only looks at another
        value in another form takes none. None without a graph.
    settings
        How it was made, name and value as text.
    """

    path: str
    name: str
    kind: str
    count: Count
    shared: int = 0
    shared_with: str | None = None
    outputs: tuple[Shape, ...] = ()
    macs: int | None = None
    receptive: ReceptiveField | None = None
    calls: int | None = None
    state: str = ""
    children: tuple[Row, ...] = ()
    likeness: Hashable = field(default=None, repr=False)
    activations: int | None = None
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def walk(self) -> Iterator[Row]:
        """This row and all below, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Place:
    """A layer at one place of the tree."""

    path: str
    name: str
    layer: nn.Module
    inside: tuple[Place, ...]


def places(opened: Opened) -> tuple[Place, ...]:
    """The tree of a network's layers; one that is registered twice stands at both places."""
    if opened.framework == "keras":
        return _by_path(opened.layers)
    whole = tuple(_registered(opened.module, "", (opened.module,)))
    return whole or tuple(Place(path, path, layer, ()) for path, layer in opened.layers.items())


def _registered(module: nn.Module, prefix: str, above: tuple[nn.Module, ...]) -> Iterator[Place]:
    for name, child in module._modules.items():
        if child is not None and not any(child is a for a in above):
            path = f"{prefix}{name}"
            yield Place(path, name, child, tuple(_registered(child, f"{path}.", (*above, child))))


def _by_path(layers: Mapping[str, Any]) -> tuple[Place, ...]:
    """Keras' paths as a tree: ``outer/inner`` is inside of ``outer``."""
    inside: dict[str, list[str]] = {}
    for path in layers:
        above = path.rpartition("/")[0]
        inside.setdefault(above if above in layers else "", []).append(path)

    def place(path: str, above: str) -> Place:
        name = path.removeprefix(f"{above}/") if above else path
        return Place(path, name, layers[path], tuple(place(p, path) for p in inside.get(path, ())))

    return tuple(place(path, "") for path in inside.get("", ()))


class Rows:
    """Makes the rows of one network; remembers what was counted, so that nothing is counted twice."""

    def __init__(self, opened: Opened, graph: Graph | None) -> None:
        self.opened = opened
        self.reading = None if graph is None else Reading(graph, opened.input_size)
        self.counted: dict[int, str] = {}
        self.seen: dict[int, str] = {}
        self.labels: dict[Hashable, int] = {}
        self.lazy: list[str] = []
        self.dtypes: dict[str, int] = {}

    def all(self) -> tuple[Row, ...]:
        """The rows of the network's own level, with everything below."""
        rows = tuple(self.row(p) for p in places(self.opened))
        module = self.opened.module
        if self.opened.framework == "keras" or any(layer is module for layer in self.opened.layers.values()):
            return rows
        weights = own_weights(module, self.opened.framework)
        count, shared, holder = self._count(weights, "")
        names = ", ".join(w.name for w in weights)
        # a tensor that the network keeps beside its layers: a class token, a scale
        return (Row("", f"({names})", type(module).__name__, count, shared, holder), *rows) if weights else rows

    def row(self, place: Place) -> Row:
        layer, path = place.layer, place.path
        first = self.seen.setdefault(id(layer), path)
        weights = own_weights(layer, self.opened.framework)
        count, shared, holder = self._count(weights, path)
        children = tuple(self.row(p) for p in place.inside)
        count = sum((c.count for c in children), count)
        kind = type(layer).__name__
        facts = self._facts(layer, weights, again=first != path)
        if not facts.calls and any(c.calls for c in children):
            # a list of layers isn't called, they are
            inside = (sum(c.macs or 0 for c in children), sum(c.activations or 0 for c in children))
            facts = Facts(calls=0, macs=inside[0], activations=inside[1])
        settings = () if first != path else self._settings(path, plain_only=bool(children))
        shapes = tuple((w.name, w.shape, w.dtype, w.trainable) for w in weights)
        likeness = (kind, settings, shapes, holder is None, *facts.alike, tuple(c.likeness for c in children))
        return Row(
            path, place.name, kind, count, shared + sum(c.shared for c in children), first if first != path else holder,
            facts.outputs, facts.macs, facts.receptive, facts.calls, facts.state, children,
            self.labels.setdefault(likeness, len(self.labels)), facts.activations, settings,
        )  # fmt: skip

    def _count(self, weights: tuple[Weight, ...], path: str) -> tuple[Count, int, str | None]:
        """What is new here, how much was counted before, and where."""
        count, shared, holder = Count(), 0, None
        for w in weights:
            if w.shape is None:
                self.lazy.append(f"{path}.{w.name}")
                continue
            earlier = self.counted.setdefault(w.identity, path)
            if earlier != path:
                holder = holder or earlier
                shared += 0 if w.buffer else w.count
                continue
            parameters = 0 if w.buffer else w.count
            size = w.count * w.tensor.dtype.itemsize
            if parameters:
                self.dtypes[w.dtype] = self.dtypes.get(w.dtype, 0) + parameters
            count += Count(parameters, parameters if w.trainable else 0, w.count if w.buffer else 0, size)
        return count, shared, holder

    def _facts(self, layer: nn.Module, weights: tuple[Weight, ...], *, again: bool) -> Facts:
        if self.reading is None:
            return Facts()
        if again:
            return Facts(calls=0)  # its calls are those of the first place
        if self.opened.framework == "keras" and type(layer).__name__ == "InputLayer":
            # never called: it says what will come
            return Facts((tuple("any" if n is None else n for n in getattr(layer, "batch_shape", ())[1:]),), 0)
        return self.reading.facts(layer, weights)

    def _settings(self, path: str, *, plain_only: bool) -> tuple[tuple[str, str], ...]:
        try:
            settings = self.opened.info[path]
        except (NotImplementedError, KeyError):
            return ()  # a custom Keras layer that can't say how it was made
        return tuple(
            (name, repr(value))
            for name, value in settings.items()
            if name != "name" and (not plain_only or isinstance(value, (bool, int, float, str)))
        )


# --- what the graph knows of a layer ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What one pass through a network tells of a layer."""

    outputs: tuple[Shape, ...] = ()
    macs: int | None = None
    receptive: ReceptiveField | None = None
    calls: int | None = None
    state: str = ""
    activations: int | None = None

    @property
    def alike(self) -> tuple[Hashable, ...]:
        """What must be equal in layers that are alike; where they stand and what they see may differ."""
        return self.outputs, self.macs, self.calls, self.state


@dataclass(frozen=True)
class Reading:
    """A graph, read for one picture."""

    graph: Graph
    input_size: tuple[int, ...] | None

    @cached_property
    def costs(self) -> tuple[int | None, ...]:
        return count_macs(self.graph, self.graph.batch or 1)

    @cached_property
    def before(self) -> list[int]:
        """MACs of all operations before each one."""
        return _sums(n or 0 for n in self.costs)

    @cached_property
    def made(self) -> list[int]:
        """Bytes of the values made by all operations before each one."""
        batch = self.graph.batch or 1
        return _sums(0 if o.kind in _LOOKS else _bytes_made(self.graph, o, batch) for o in self.graph)

    @cached_property
    def macs(self) -> int:
        """For one picture."""
        return self.before[-1] // (self.graph.batch or 1)

    @cached_property
    def unknown(self) -> tuple[Operation, ...]:
        """The operations whose MACs aren't known."""
        return tuple(o for o, n in zip(self.graph, self.costs) if n is None)

    @cached_property
    def fields(self) -> dict[int, ReceptiveField]:
        return receptive_fields(self.graph, self.spatial)

    @property
    def spatial(self) -> tuple[int, ...] | None:
        """The picture's axes in the graph's input: behind the channels, unless it is in the layout of a channels-last
        network.
        """
        shape = self.graph.values[self.graph.input.value].at(1)[1:]
        size = self.input_size or ()
        moved = (*size[-1:], *size[:-1])
        native = self.graph.layout == "channels_last" and shape == size and shape != moved
        return tuple(range(1, len(shape))) if native else None

    @cached_property
    def calls(self) -> dict[int, list[Layer]]:
        """From a module's identity to its calls."""
        calls: dict[int, list[Layer]] = {}
        for layer in self.graph.layers.values():
            calls.setdefault(layer.module, []).append(layer)
        return calls

    @cached_property
    def read(self) -> frozenset[int]:
        """Where the memory of the constants lies that operations read."""
        constants = (a for o in self.graph for a in o.arguments if isinstance(a, torch.Tensor))
        return frozenset(a.untyped_storage().data_ptr() for a in constants if a.layout is torch.strided)

    def facts(self, layer: nn.Module, weights: tuple[Weight, ...]) -> Facts:
        """Of a layer; the first call speaks for shape and receptive field."""
        calls = self.calls.get(id(layer), [])
        if not calls and self.graph.ended:
            return Facts()  # it may come behind the end
        if not calls:
            used = any(w.shape is not None and w.tensor.untyped_storage().data_ptr() in self.read for w in weights)
            return Facts(calls=0, state=WEIGHTS_USED if used else NOT_CALLED)
        first = calls[0]
        place = first.output
        spans = sorted({c.span for c in calls})
        macs, made, reached = 0, 0, 0
        for start, stop in spans:
            start = max(start, reached)  # a module that calls itself stands in its own span
            reached = max(reached, stop)
            macs += self.before[reached] - self.before[min(start, reached)]
            made += self.made[reached] - self.made[min(start, reached)]
        return Facts(
            tuple(self.shape(s) for s in first.shapes),
            macs // (self.graph.batch or 1),
            None if place is None else self.fields.get(place.value),
            len(calls),
            activations=made // (self.graph.batch or 1),
        )

    def outputs(self) -> dict[str, Shape]:
        """Shapes of what the network returns, by name, in its own layout; none where the graph ends before it does."""
        if self.graph.ended:
            return {}
        found = {}
        for name, place in self.graph.outputs.items():
            shape = self.graph.values[place.value].shape
            found[name] = self.shape(shape if place.permutation is None else tuple(shape[a] for a in place.permutation))
        return found

    def shape(self, shape: tuple[int | Size, ...]) -> Shape:
        """As a person writes it."""
        if shape and (shape[0] == Size(1, 0) or (self.graph.batch is not None and shape[0] == self.graph.batch)):
            shape = shape[1:]
        return tuple(_with_batch(n) if isinstance(n, Size) else n for n in shape)


def _with_batch(size: Size) -> str:
    times = "N" if size.a == 1 else f"{size.a}N"
    return times if not size.b else f"{times}{size.b:+}"


_LOOKS = frozenset((Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.EXPAND, Kind.CREATE))
"""Operations that show another value in another form, or make what doesn't depend on the picture."""


def _bytes_made(graph: Graph, operation: Operation, batch: int) -> int:
    return sum(size_in_bytes(graph.values[v], batch) for v in operation.outputs if v is not None)


def _sums(numbers: Iterable[int]) -> list[int]:
    sums = [0]
    for n in numbers:
        sums.append(sums[-1] + n)
    return sums
