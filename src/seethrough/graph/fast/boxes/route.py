"""Route: what a change of one value passes on its way to another, and as what.

As a box, wherever an operation has a rule and all that changes arrives as boxes; through a head, which makes of a changed plane
what has no places; and behind that, and behind what mixes the whole plane, in full: the tail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import prod

from seethrough.graph.cost import macs, size_in_bytes
from seethrough.graph.execute import plan
from seethrough.graph.fast.boxes.rule import Head, HeadOf, Rule, RuleOf
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation, Size

Plane = tuple[int, int, int]
"""Channels, height, width."""


@dataclass(frozen=True, eq=False)
class Step:
    """An operation that boxes travel through.

    Attributes
    ----------
    changes
        For each of the rule's sources, whether it changes.
    aligned
        Boxes come out as the one that changes goes in: nothing is cut.
    dense
        Multiplications of the whole plane.
    """

    operation: Operation
    rule: Rule
    output: int
    plane: Plane
    changes: tuple[bool, ...]
    aligned: bool
    dense: int

    @property
    def sources(self) -> tuple[int, ...]:
        return self.rule.sources


@dataclass(frozen=True, eq=False)
class Route:
    """From the value ``start`` to the value ``end`` of a graph.

    Attributes
    ----------
    steps, heads, tail
        In the order in which they run.
    planes
        Channels, height and width of what the steps read and give.
    changed
        Numbers of the values that travel as boxes.
    handed
        Those of them that the tail, or who asked, wants in full.
    fills
        From a value that windows are cut from to what may stand beyond its edges.
    beside
        Values that don't change and are read by an operation of the steps, but not by its rule, or by the tail.
    """

    graph: Graph
    start: int
    end: int
    steps: tuple[Step, ...]
    heads: tuple[Head, ...]
    tail: tuple[Operation, ...]
    planes: dict[int, Plane]
    changed: frozenset[int]
    handed: tuple[int, ...]
    fills: dict[int, tuple[float, ...]]
    beside: frozenset[int]
    tail_macs: int

    @cached_property
    def largest_behind(self) -> int:
        """Bytes of the largest value of the tail, for one picture; 1 where there is no tail."""
        given = (v for operation in self.tail for v in operation.outputs if v is not None)
        return max((size_in_bytes(self.graph.values[v]) for v in given), default=1)

    @cached_property
    def last(self) -> dict[int, int]:
        """From a value that a step reads to the last step that does; as many as there are steps where the end reads it."""
        found = {v: k for k, step in enumerate(self.steps) for v in step.sources}
        return found | dict.fromkeys((*self.handed, *(head.source for head in self.heads)), len(self.steps))

    @property
    def dense(self) -> int:
        """Multiplications that the changed part costs one picture in full."""
        heads = (prod(self.planes[h.source][1:]) * h.macs for h in self.heads)
        return sum(s.dense for s in self.steps) + sum(heads) + self.tail_macs


def route(graph: Graph, start: int, end: int, rule_of: RuleOf, head_of: HeadOf) -> Route:
    """The route of a change through a fused graph."""
    way = plan(graph, [end], [start]).steps
    readers = _readers(way)
    changed, boxed, behind = {start}, _boxed_at(graph, start), set[int]()
    steps: list[Step] = []
    heads: list[Head] = []
    tail: list[Operation] = []
    for operation in way:
        come = [v for v in operation.inputs if v in changed]
        if not come:
            continue
        changed.update(v for v in operation.outputs if v is not None)
        if id(operation) in behind:
            continue
        if all(v in boxed for v in come):
            step = _step(graph, operation, come, rule_of)
            if step is not None:
                steps.append(step)
                boxed.add(step.output)
                continue
            head = head_of(graph, operation)
            if head is not None and _fits(head, way, readers, end):
                heads.append(head)
                behind.update(id(o) for o in head.steps)
                continue
        tail.append(operation)
    read_in_full = {v for operation in tail for v in operation.inputs} | {end}
    planes = {v: _plane(graph, v) for step in steps for v in (*step.sources, step.output)}
    planes.update({v: _plane(graph, v) for v in boxed})
    fills: dict[int, dict[float, None]] = {}
    for step in steps:
        for v in step.sources if not step.aligned else ():
            fills.setdefault(v, {})[step.rule.fill] = None
    handed = tuple(sorted(boxed & read_in_full))
    for v in handed:
        fills.setdefault(v, {0.0: None})
    read = {v for step in steps for v in step.operation.inputs if v not in fills} | read_in_full
    return Route(
        graph, start, end, tuple(steps), tuple(heads), tuple(tail), planes, frozenset(boxed), handed,
        {v: tuple(f) for v, f in fills.items()}, _repeatable(graph, read - changed),
        sum(work(graph, o) for o in tail),
    )  # fmt: skip


def _repeatable(graph: Graph, values: Iterable[int]) -> frozenset[int]:
    """The values themselves where they can be repeated for each picture of a batch, else what they are made of."""
    found, open_ends = set(), list(values)
    while open_ends:
        v = open_ends.pop()
        at = graph.producer.get(v)
        if at is None or follows_the_batch(graph, v):
            found.add(v)
        else:
            open_ends += graph.operations[at].inputs
    return frozenset(found)


def work(graph: Graph, operation: Operation) -> int:
    """Multiplications of an operation of a fused graph for one picture; none where they aren't known."""
    if isinstance(operation.function, Convolution):
        return prod(_plane(graph, operation.outputs[0] or 0)[1:]) * operation.function.macs
    return macs(operation, graph.values, 1) or 0


def _step(graph: Graph, operation: Operation, come: list[int], rule_of: RuleOf) -> Step | None:
    rule, output = rule_of(graph, operation), operation.outputs[0]
    if rule is None or output is None or not set(come) <= set(rule.sources):
        return None
    if not all(v in come or follows_the_batch(graph, v) for v in operation.inputs):
        return None
    changes = tuple(v in come for v in rule.sources)
    aligned = rule.pointwise and len(rule.sources) == 1
    return Step(operation, rule, output, _plane(graph, output), changes, aligned, work(graph, operation))


def _fits(head: Head, way: Iterable[Operation], readers: dict[int, set[int]], end: int) -> bool:
    """Whether all of a head's operations are on the way, and nobody else reads what they give in between."""
    own, on_way = {id(o) for o in head.steps}, {id(o) for o in way}
    between = {v for o in head.steps for v in o.outputs if v is not None} - {head.output}
    return own <= on_way and end not in between and all(readers.get(v, set()) <= own for v in between)


def _readers(way: Iterable[Operation]) -> dict[int, set[int]]:
    readers: dict[int, set[int]] = {}
    for operation in way:
        for v in operation.inputs:
            readers.setdefault(v, set()).add(id(operation))
    return readers


def _boxed_at(graph: Graph, start: int) -> set[int]:
    return {start} if len(graph.values[start].shape) == 4 else set()


def _plane(graph: Graph, value: int) -> Plane:
    _, channels, height, width = graph.values[value].at(1)
    return channels, height, width


def follows_the_batch(graph: Graph, value: int) -> bool:
    """Whether a value has one entry a picture along its first axis, and nothing else of it goes with the batch."""
    first, *others = graph.values[value].shape or (0,)
    return isinstance(first, Size) and first == Size(1, 0) and not any(isinstance(n, Size) for n in others)
