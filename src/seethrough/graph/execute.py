"""Execute: run a graph, from any of its values to any other, keeping only what is asked for.

One loop. A value lives from the operation that gives it to the last that reads it, unless somebody wants it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import torch

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Context, Kind, Operation, Ref
from seethrough.graph.tree import leaves_of


@dataclass(frozen=True)
class Plan:
    """Which operations must run to get some values from others, and which values end with each."""

    steps: tuple[Operation, ...]
    ends: tuple[tuple[int, ...], ...]

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        """The values that each step reads."""
        return tuple(step.inputs for step in self.steps)


def plan(graph: Graph, wanted: Iterable[int], given: Iterable[int]) -> Plan:
    """The shortest way from ``given`` values to ``wanted`` ones."""
    given, wanted = set(given), set(wanted)
    needed = wanted - given
    steps: list[Operation] = []
    for operation in reversed(graph.operations):
        if any(o in needed for o in operation.outputs):
            steps.append(operation)
            needed.update(v for v in operation.inputs if v not in given)
    steps.reverse()
    last: dict[int, int] = {}
    for k, operation in enumerate(steps):
        for v in operation.inputs:
            last[v] = k
        for v in operation.outputs:
            if v is not None:
                last.setdefault(v, k)
    ends: list[list[int]] = [[] for _ in steps]
    for v, k in last.items():
        if v not in wanted:
            ends[k].append(v)
    return Plan(tuple(steps), tuple(tuple(e) for e in ends))


def relu_(x: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    """``relu`` into its own input."""
    return torch.relu_(x)


def relu6_(x: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    """``relu6`` into its own input."""
    return torch.nn.functional.hardtanh_(x, 0.0, 6.0)


def add_(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """``x + y`` into ``x``."""
    return x.add_(y)


def affine_(x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """``(x − mean) · scale + shift`` into ``x``."""
    return x.sub_(mean).mul_(scale).add_(shift)


_IN_PLACE = {"relu": relu_, "relu6": relu6_, "add": add_, "affine": affine_}
# What these give is nobody else's: no view of anything, and not what went in.
_FRESH = frozenset((Kind.CONVOLUTION, Kind.LINEAR, Kind.AFFINE, Kind.ADD, Kind.NORMALISATION))


def reusing(graph: Graph, way: Plan, given: Iterable[int]) -> tuple[Operation, ...]:
    """The plan's steps, where an operation may write into its input instead: made by the step's way, read by nobody
    else, and not wanted. The numbers are the same to the bit; a fresh block of memory for each costs a third of the time
    of a light network.
    """
    given, readers = set(given), Counter(v for step in way.steps for v in step.inputs)
    steps = []
    for step, ends in zip(way.steps, way.ends):
        source = step.arguments[0] if step.arguments else None
        function = _IN_PLACE.get(step.name)
        if (
            function is not None
            and step.kind is not Kind.WRITE  # relu_ on a part is called relu, too
            and isinstance(source, Ref)
            and source.value in ends
            and source.value not in given
            and readers[source.value] == sum(isinstance(a, Ref) and a == source for a in step.arguments) == 1
            and graph.operations[graph.producer[source.value]].kind in _FRESH
            and graph.values[source.value] == graph.values[step.outputs[0] or 0]
            and (step.name != "add" or len(step.arguments) == 2)
        ):
            step = replace(step, function=function)
        steps.append(step)
    return tuple(steps)


@dataclass(frozen=True)
class Way:
    """A plan, and for each of its steps what does the same where no gradient passes, see `reusing`."""

    plan: Plan
    alone: tuple[Operation, ...]


WAYS = 32
"""Ways of one graph that are kept."""

_ways: WeakKeyDictionary[Graph, dict[tuple[frozenset[int], frozenset[int]], Way]] = WeakKeyDictionary()


def way_of(graph: Graph, wanted: Iterable[int], given: Iterable[int]) -> Way:
    """How to go from given values to wanted ones in a graph that is finished; thought out once, kept with the graph."""
    key = frozenset(wanted), frozenset(given)
    kept = _ways.setdefault(graph, {})
    found = kept.get(key)
    if found is None:
        made = plan(graph, *key)
        found = Way(made, reusing(graph, made, key[1]))
        if len(kept) >= WAYS:
            kept.clear()
        kept[key] = found
    return found


def execute(graph: Graph, given: Mapping[int, torch.Tensor], wanted: Iterable[int]) -> dict[int, torch.Tensor]:
    """The wanted values, computed from the given ones without gradients.

    Parameters
    ----------
    graph
        The network.
    given
        Values by number: the images at ``graph.input.value``, and whatever is to stand in for what the network would
        compute there.
    wanted
        Numbers of the values to hand back.
    """
    values = dict(given)
    batch = len(next(iter(given.values())))
    wanted = tuple(wanted)
    way = way_of(graph, wanted, given)
    with torch.no_grad():
        for operation, ends in zip(way.alone, way.plan.ends):
            with switched(operation.context):
                store(operation, operation.call(values, batch), values)
            for v in ends:
                values.pop(v, None)
    return {v: values[v] for v in wanted}


def store(operation: Operation, result: object, values: dict[int, torch.Tensor]) -> None:
    """Put what an operation returned under the numbers of its outputs."""
    leaves = [result] if isinstance(result, torch.Tensor) else leaves_of(result)
    for number, leaf in zip(operation.outputs, leaves):
        if number is not None:
            values[number] = leaf


@contextmanager
def _autocast(context: Context) -> Iterator[None]:
    device, dtype = context.autocast or ("cpu", None)
    off = torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False)
    with off[0], off[1], torch.autocast(device, dtype, enabled=context.autocast is not None):
        yield


def switched(context: Context):
    """The switches an operation ran under, but for gradients, which the caller decides on."""
    if context.autocast is None and not torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled("cuda"):
        return nullcontext()
    return _autocast(context)
