"""Ahead: what comes before the places where a walk back ends, on the fused twin.

A class activation map walks back to its layer and no further. Of what comes before it nothing is kept and nothing has a
gradient, so that it may run on any graph that gives the same; behind it the plain graph runs, as always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from seethrough.graph.execute import execute, plan
from seethrough.graph.fast.choose import MANY, Known, Ways
from seethrough.graph.graph import Graph


def ahead(
    graph: Graph,
    given: Mapping[int, Tensor],
    wanted: Iterable[int],
    starts: Iterable[int],
    ways: Ways,
    pictures: int,
) -> dict[int, Tensor]:
    """Values from which the wanted ones can be had, and walked back to ``starts``, without what comes before; none where
    that goes the plain way.

    Parameters
    ----------
    given
        What the graph is run from: the images, and what stands beside them.
    pictures
        How many will go this way in all.
    """
    if pictures < MANY or given.keys() >= set(starts):
        return {}
    cut = before(graph, wanted, starts) - set(given)
    if not cut:
        return {}
    way = ways.of(graph, cut, given, pictures, lambda: _of_one(graph, given, cut))
    return {} if way is graph else execute(way, given, cut)


def through(
    graph: Graph, given: Mapping[int, Tensor], wanted: Iterable[int], ways: Ways, pictures: int
) -> dict[int, Tensor]:
    """The wanted values for some images of many, without gradients: on the fused twin where it pays."""
    wanted = set(wanted)
    if graph.source != "fake":  # others hold for these very images
        return execute(graph, given, wanted)
    return execute(ways.of(graph, wanted, given, pictures, lambda: _of_one(graph, given, wanted)), given, wanted)


def before(graph: Graph, wanted: Iterable[int], starts: Iterable[int]) -> set[int]:
    """The last values that don't come from any of ``starts``, those among them, that the wanted ones are made of."""
    wanted, starts = set(wanted), set(starts)
    behind: set[int] = set()
    read: set[int] = set()
    needed = set(plan(graph, wanted, ()).steps)
    for operation in graph:
        if not behind.isdisjoint(operation.inputs) or not starts.isdisjoint(operation.inputs):
            behind.update(v for v in operation.outputs if v is not None)
            read.update(operation.inputs if operation in needed else ())
    return (read | starts | wanted) - behind


def _of_one(graph: Graph, given: Mapping[int, Tensor], cut: Iterable[int]) -> Known:
    """A case of which the plain graph's values are known: the first of the images, where the graph holds for one."""
    one = {v: t[:1] for v, t in given.items()} if graph.holds_for(1) else dict(given)
    return one, execute(graph, one, cut)
