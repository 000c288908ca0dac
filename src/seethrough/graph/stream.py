"""Stream: the value that a transformer's blocks add to, one after the other, as the attentions of a graph tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seethrough.graph.attention_maps import AttentionMap
from seethrough.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Block:
    """An attention, the value that it reads (before norms and projections), and the value that its block hands on."""

    at: AttentionMap
    given: int
    left: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The blocks whose values the head can be given, ``last``: the value that it is given, and whether the last attention
    stands behind it, as a pooling of its own.
    """

    blocks: tuple[Block, ...]
    last: int
    pooled: bool


def stream_of(graph: Graph, found: Sequence[AttentionMap]) -> Stream:
    """The stream of the last blocks that share a shape; the attentions before (another width, another number of tokens)
    have none that the head could read.
    """
    given = [_stream_value(graph, at.values) for at in found]
    pooled = not bool(len(found[-1].rows) == found[-1].keys)
    shape = graph.values[given[-1]].shape
    last = given[-1] if pooled else _last_added(graph, given[-1], found[-1])
    own, left = (found[:-1], given[1:]) if pooled else (found, [*given[1:], last])
    blocks = [Block(at, start, end) for at, start, end in zip(own, given, left) if graph.values[end].shape == shape]
    return Stream(tuple(blocks), last, pooled)


def _stream_value(graph: Graph, value: int) -> int:
    """Up from an attention's values, through projection and norm, to what two things were added, or joined, into."""
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        if len(operation.inputs) != 1:
            break
        value = operation.inputs[0]
    return value


def _last_added(graph: Graph, given: int, at: AttentionMap) -> int:
    """The last value of the stream: the last sum with its shape, behind the last attention; the attention's own block's
    first one where there is no second.
    """
    shape, after = graph.values[given].shape, graph.producer[at.operation.outputs[0] or 0]
    sums = [
        v
        for operation in graph.operations[after + 1 :]
        for v in operation.outputs
        if v is not None and operation.name == "add" and len(operation.inputs) > 1 and graph.values[v].shape == shape
    ]
    return sums[-1] if sums else given
