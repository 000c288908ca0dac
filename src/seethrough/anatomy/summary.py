"""Summary: a whole network as a tree of layers with shapes, parameters, multiply-accumulates and receptive fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from seethrough.anatomy.connections import Connection, connections
from seethrough.anatomy.rows import Count, Reading, Row, Rows, Shape
from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.models.opened import Opened
from seethrough.results import Note, Saved

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Summary(Saved):
    """What a network is.

    Attributes
    ----------
    source, kind, framework, layout, weights
        How it was named, its class, ``"torch"`` or ``"keras"``, ``"channels_first"`` or ``"channels_last"``, where its
        weights come from.
    rows
        The layers as a tree.
    parameters, trainable, frozen
        Counted once each, wherever they are shared. Keras' count includes its running statistics, as not trainable.
    buffers
        Numbers that torch keeps beside its parameters.
    bytes
        What parameters and buffers take in memory.
    dtypes
        How many parameters have which type.
    macs
        Multiply-accumulates for one picture; None without a graph.
    input_size
        Shape of one input, without the batch, in the network's own layout; None where nobody said it.
    outputs
        Shapes of what it returns, by name (``""`` for a single output).
    connections
        Which layer reads what another gives, beyond the one called just before it: shortcuts and branches.
    missing
        What isn't told and why, a sentence each.
    abridged
        Whether its text keeps to a few screens; not where a depth or a pattern was asked for.
    """

    source: str
    kind: str
    framework: str
    layout: str
    weights: str
    rows: tuple[Row, ...]
    count: Count
    dtypes: Mapping[str, int]
    macs: int | None = None
    input_size: tuple[int, ...] | None = None
    outputs: Mapping[str, Shape] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    abridged: bool = True

    @property
    def parameters(self) -> int:
        return self.count.parameters

    @property
    def trainable(self) -> int:
        return self.count.trainable

    @property
    def frozen(self) -> int:
        return self.count.frozen

    @property
    def buffers(self) -> int:
        return self.count.buffers

    @property
    def bytes(self) -> int:
        return self.count.bytes

    def __str__(self) -> str:
        from seethrough.anatomy.table import as_text

        return as_text(self)

    def __rich__(self) -> RenderableType:
        from seethrough.anatomy.table import as_rich

        return as_rich(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON. ``layers`` has every row, in order, none folded; shapes are without the batch."""
        return {
            "source": self.source,
            "class": self.kind,
            "framework": self.framework,
            "layout": self.layout,
            "weights": self.weights,
            "parameters": self.parameters,
            "trainable": self.trainable,
            "frozen": self.frozen,
            "buffers": self.buffers,
            "bytes": self.bytes,
            "dtypes": dict(self.dtypes),
            "macs": self.macs,
            "input_size": None if self.input_size is None else list(self.input_size),
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            "layers": [_row_to_dict(row) for top in self.rows for row in top.walk()],
            "connections": [{"from": c.source, "to": c.target, "how": c.how} for c in self.connections],
            "missing": list(self.missing),
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
        }


def summarize(
    opened: Opened,
    graph: Graph | None = None,
    *,
    why_not: str | None = None,
    depth: int | None = None,
    pattern: str | None = None,
) -> Summary:
    """Say what a network is.

    Parameters
    ----------
    graph
        The network written down; None where that can't be had, and then there are neither shapes nor MACs nor receptive
        fields.
    why_not
        Why there is no graph, for the sentence that says so; by default that the input size isn't known.
    depth
        How many levels of the tree to tell; by default all. What lies deeper is in the numbers of what is told.
    pattern
        Tell only the layers whose path fits a pattern (``"layer3.*"``, ``"block[1-3]*"``), under what they are in.

    Raises
    ------
    UsageError
        For a depth below 1, and a pattern that no layer fits.
    """
    making = Rows(opened, graph)
    rows = making.all()
    reading = making.reading
    return Summary(
        source=opened.source,
        kind=type(opened.module).__name__,
        framework=opened.framework,
        layout=opened.layout,
        weights=opened.weights,
        rows=_told(rows, depth, pattern),
        count=sum((row.count for row in rows), Count()),
        dtypes=making.dtypes,
        macs=None if reading is None else reading.macs,
        input_size=opened.input_size,
        outputs={} if reading is None else reading.outputs(),
        connections=() if graph is None else connections(graph, _leaves(rows)),
        missing=tuple(_missing(opened, reading, why_not, making.lazy)),
        notes=opened.notes,
        abridged=depth is None and pattern is None,
    )


def _leaves(rows: tuple[Row, ...]) -> list[str]:
    return [row.path for top in rows for row in top.walk() if not row.children]


def _told(rows: tuple[Row, ...], depth: int | None, pattern: str | None) -> tuple[Row, ...]:
    if depth is not None and depth < 1:
        raise UsageError(f"depth={depth} tells nothing; the uppermost layers are depth=1.")
    if pattern is not None:
        names = [row.path for top in rows for row in top.walk()]
        rows = _fitting(rows, pattern)
        if not rows:
            raise UsageError(f"No layer's path fits {pattern!r}.{nearest(pattern.strip('*'), names)}")
    return rows if depth is None else down_to(rows, depth)


def _fitting(rows: tuple[Row, ...], pattern: str) -> tuple[Row, ...]:
    kept = []
    for row in rows:
        inside = _fitting(row.children, pattern)
        if fnmatchcase(row.path, pattern):
            kept.append(row)
        elif inside:
            kept.append(_with(row, inside))
    return tuple(kept)


def down_to(rows: tuple[Row, ...], depth: int) -> tuple[Row, ...]:
    """The uppermost levels of a tree."""
    return tuple(_with(row, down_to(row.children, depth - 1) if depth > 1 else ()) for row in rows)


def _with(row: Row, children: tuple[Row, ...]) -> Row:
    """With other rows inside; alike where these are alike too."""
    return (
        row
        if children == row.children
        else replace(row, children=children, likeness=(row.likeness, *(c.likeness for c in children)))
    )


def _missing(opened: Opened, reading: Reading | None, why_not: str | None, lazy: list[str]) -> list[str]:
    found = []
    if reading is None:
        reason = why_not or (
            "the input size isn't known; say input_size=(3, 224, 224)"
            if opened.input_size is None
            else "the network wasn't written down"
        )
        found.append(f"No output shapes, MACs and receptive fields: {reason.rstrip('.')}.")
    if reading is not None and reading.graph.ended:
        found.append(
            f"The graph ends {reading.graph.ended.rstrip('.')}; of what comes behind there are no shapes, MACs and "
            "receptive fields."
        )
    if reading is not None and reading.unknown:
        names = sorted({f"{o.name} in {o.layer}" if o.layer else o.name for o in reading.unknown})
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        found.append(f"MACs leave out what isn't known to us: {', '.join(names[:3])}{more}.")
    if lazy:
        found.append(
            f"Parameters without a shape until the first call aren't counted: {', '.join(lazy[:3])}{', …' if len(lazy) > 3 else ''}."
        )
    return found


def _row_to_dict(row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "class": row.kind,
        "outputs": [list(shape) for shape in row.outputs],
        "parameters": row.count.parameters,
        "trainable": row.count.trainable,
        "frozen": row.count.frozen,
        "buffers": row.count.buffers,
        "shared": row.shared,
        "shared_with": row.shared_with,
        "macs": row.macs,
        "activations": row.activations,
        "receptive_field": None if row.receptive is None else row.receptive.to_dict(),
        "calls": row.calls,
        "state": row.state,
        "layers": len(row.children),
    }
