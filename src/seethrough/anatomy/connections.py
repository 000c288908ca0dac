"""Connections: which layer reads what another gives, beyond the one that was called just before it.

A network that is a chain has none. What is told here is what a list of layers hides: the shortcut around a block, the
branches of an inception module, the features that a dense block gathers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation

READS = "reads"


@dataclass(frozen=True, slots=True)
class Connection:
    """A value that goes past other layers.

    Attributes
    ----------
    source
        Path of the layer that gives it; ``""`` for the picture itself.
    target
        Path of the layer that reads it; or, where it meets another value outside of any layer (``x + f(x)``), of the
        layer that gives that other value.
    how
        ``"reads"``, or what brings the two together: ``"add"``, ``"concatenation"``, ``"multiply"``…
    """

    source: str
    target: str
    how: str


def connections(graph: Graph, leaves: Collection[str]) -> tuple[Connection, ...]:
    """The connections between layers, each once, in the order in which they are met.

    Parameters
    ----------
    leaves
        Paths of the layers that have no layers inside.
    """
    reading = _Reading(graph, frozenset(leaves))
    for operation in graph:
        reading.read(operation)
    return tuple(dict.fromkeys(reading.found))


class _Reading:
    """Goes along the operations and knows of every value which call of a layer it comes from."""

    def __init__(self, graph: Graph, leaves: frozenset[str]) -> None:
        self.graph, self.leaves = graph, leaves
        self.calls: list[str] = [""]
        """Paths of the layers in the order of their calls; the picture comes before the first."""
        self.number: dict[str, int] = {}
        self.origin: dict[int, int] = {graph.input.value: 0}
        self.found: list[Connection] = []

    def read(self, operation: Operation) -> None:
        sources = {v: self.origin[v] for v in operation.inputs if v in self.origin}
        if not sources:
            return
        leaf = self._leaf(operation.layer)
        if leaf is None:
            call = self._met(operation, sources)
        else:
            call = self._read(leaf, sources)
        self.origin.update((v, call) for v in operation.outputs if v is not None)

    def _leaf(self, path: str) -> str | None:
        """The call of a layer without layers inside, in which an operation happened: ``"relu:2"``."""
        while path:
            if path.partition(":")[0] in self.leaves:
                return path
            path = path.rpartition("/")[0]
        return None

    def _read(self, leaf: str, sources: dict[int, int]) -> int:
        if leaf not in self.number:
            self.number[leaf] = len(self.calls)
            self.calls.append(leaf)
        here = self.number[leaf]
        for source in sources.values():
            if source not in (here, here - 1):
                self._tell(source, here, READS)
        return here

    def _met(self, operation: Operation, sources: dict[int, int]) -> int:
        """Outside of any layer: the result is taken for the latest layer's, where the others have come to it."""
        latest = max(sources.values())
        if operation.kind not in _FORMS:
            for source in sources.values():
                if source != latest:
                    self._tell(source, latest, operation.kind.value)
        return latest

    def _tell(self, source: int, target: int, how: str) -> None:
        self.found.append(Connection(_path(self.calls[source]), _path(self.calls[target]), how))


_FORMS = frozenset((Kind.RESHAPE, Kind.EXPAND, Kind.CREATE))


def _path(call: str) -> str:
    return call.partition(":")[0]
