"""Need: what a question to a network will hold in memory, known before anything of it is run.

The graph is run on tensors that have a shape and no data, forward and back as the question will be, at two batch sizes;
between, and beyond, memory grows evenly. Weights, which are there already, don't count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from seethrough.graph.cost import size_in_bytes
from seethrough.graph.execute import execute
from seethrough.graph.fakes import fake_tensors
from seethrough.graph.graph import Graph
from seethrough.graph.ledger import Ledger
from seethrough.graph.twins import NEEDS_VALUES
from seethrough.graph.walk import Forward

GENEROUS = 4
"""A forward that is kept, with what passes while it is walked back, holds less than all its values so many times."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a run holds at its peak: ``fixed + each · B`` at batch size B."""

    fixed: int
    each: int

    def at(self, batch: int) -> int:
        """At a batch size."""
        return self.fixed + self.each * batch


def at_most(graph: Graph, batch: int) -> int:
    """A bound that costs nothing to know: all values of the graph, generously."""
    return GENEROUS * sum(size_in_bytes(value, batch) for value in graph.values.values())


def need(graph: Graph, given: Mapping[int, torch.Tensor], *, gradient: bool) -> Need | None:
    """What a run of a graph holds, with a walk back to its input or without; None where it needs values to go on.

    Parameters
    ----------
    given
        What it is run from, by value number; only forms count.
    """
    try:
        one, two = (_peak(graph, given, batch, gradient=gradient) for batch in (1, 2))
    except NEEDS_VALUES:
        return None
    each = max(0, two - one)
    return Need(one - each, each)


def _peak(graph: Graph, given: Mapping[int, torch.Tensor], batch: int, *, gradient: bool) -> int:
    ledger, answer, start = Ledger(lambda: ("", "")), graph.output.value, graph.input.value
    with fake_tensors():
        inputs = {v: torch.empty((batch, *t.shape[1:]), dtype=t.dtype, device=t.device) for v, t in given.items()}
        for tensor in inputs.values():
            ledger.hold(tensor, "input")
        with ledger:
            if gradient:
                forward = Forward(graph, inputs, {answer}, [start])
                forward.walk({answer: torch.empty_like(forward.values[answer])}, {start})
            else:
                with torch.no_grad():
                    execute(graph, inputs, [answer])
    return max((m.bytes for m in ledger.moments), default=ledger.total)
