"""Passing: values looked at as they are computed, and let go as soon as the network itself is done with them.

`execute` hands back every value that was asked for, and so holds them all; a look at twenty layers would hold twenty. Here
each is shown once. What is held at any moment is what a plain forward holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch

from seethrough.graph.execute import Plan, plan, reusing, store, switched
from seethrough.graph.graph import Graph

Look = Callable[[int, torch.Tensor], None]
"""Told a value's number and the value; what of it is to stay must be copied, since it may be overwritten afterwards."""


def pass_by(graph: Graph, given: Mapping[int, torch.Tensor], wanted: Iterable[int], look: Look) -> None:
    """Compute the wanted values from the given ones, without gradients, and show each once.

    Parameters
    ----------
    graph, given
        As for `execute`.
    wanted
        Numbers of the values to show, in the order in which they come to be.
    """
    wanted = set(wanted)
    values = dict(given)
    batch = len(next(iter(given.values())))
    for v in wanted & values.keys():
        look(v, values[v])
    way = letting_go(plan(graph, wanted, given), wanted)
    with torch.no_grad():
        for operation, ends in zip(reusing(graph, way, given), way.ends):
            with switched(operation.context):
                store(operation, operation.call(values, batch), values)
            for v in operation.outputs:
                if v is not None and v in wanted:
                    look(v, values[v])
            for v in ends:
                values.pop(v, None)


def letting_go(way: Plan, wanted: Iterable[int]) -> Plan:
    """The same plan, in which wanted values too end with the last step that reads them."""
    wanted = set(wanted)
    last = {v: k for k, step in enumerate(way.steps) for v in (*step.inputs, *step.outputs) if v in wanted}
    ends = [list(these) for these in way.ends]
    for v, k in last.items():
        ends[k].append(v)
    return Plan(way.steps, tuple(tuple(these) for these in ends))
