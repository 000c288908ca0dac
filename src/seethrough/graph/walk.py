"""Walk back: from a target to any value of the graph, operation by operation, under a set of rules.

The forward is run once with gradients on. Of each operation we keep where its inputs and outputs stand in autograd's
graph (an *edge*, which holds no data); its vector-Jacobian product is then autograd's own work between those edges, and
nothing is kept in memory that plain autograd wouldn't keep. What an operation hands down is decided by a rule
(`seethrough.graph.rules`); with ``plain`` everywhere the walk is the gradient, and autograd goes it in one go.

One forward serves any number of walks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge

from seethrough.graph.execute import store, switched, way_of
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation
from seethrough.graph.rules import PLAIN, Rules
from seethrough.graph.tree import leaves_of


@dataclass(slots=True, eq=False)
class Piece:
    """One operation as it ran.

    ``inputs`` and ``outputs`` are edges by value number: only those that carry a gradient. ``values`` are the numbers
    of all its inputs and outputs, by value number, where the rules ask for them; empty otherwise. ``batch`` is how many
    images went through.
    """

    operation: Operation
    inputs: dict[int, GradientEdge]
    outputs: dict[int, GradientEdge]
    batch: int = 1
    values: Mapping[int, torch.Tensor] = field(default_factory=dict)

    def vjp(self, arrived: Mapping[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        """The vector-Jacobian product: what plain calculus hands to each input."""
        at = [v for v in arrived if v in self.outputs]
        if not at or not self.inputs:
            return {}
        shares = torch.autograd.grad(
            [self.outputs[v] for v in at],
            list(self.inputs.values()),
            [arrived[v] for v in at],
            retain_graph=True,
            allow_unused=True,
        )
        return {v: s for v, s in zip(self.inputs, shares) if s is not None}

    def again(
        self, values: Mapping[int, torch.Tensor] | None = None, arguments: Mapping[int, Any] | None = None
    ) -> torch.Tensor:
        """What the operation gives (its first output) for other values, by value number, or with other arguments, by
        their position in ``operation.arguments`` (a weight of one sign, no bias); in the caller's grad mode.
        """
        operation = self.operation
        if arguments:
            changed = [arguments.get(i, a) for i, a in enumerate(operation.arguments)]
            operation = replace(operation, arguments=changed)
        with switched(operation.context):
            result = operation.call({**self.values, **(values or {})}, self.batch)
        return result if isinstance(result, torch.Tensor) else next(t for t in leaves_of(result) if t is not None)


class Forward:
    """A run of a graph with gradients, ready to be walked back.

    Parameters
    ----------
    graph
        The network.
    given
        Values by number to start from (usually the images at the input); they receive gradients.
    wanted
        Numbers of the values to keep.
    starts
        Where gradients end: the given values where nothing is said. What comes before them runs without gradients, as
        in a plain forward; a value that a gradient passes through anyway needn't be one.
    keeps
        Keep the numbers of each operation's inputs and outputs for rules that read them. Most of them are kept for
        autograd anyway.
    by
        A graph that gives the same under the same numbers of values, to be run in its stead.
    """

    def __init__(
        self,
        graph: Graph,
        given: Mapping[int, torch.Tensor],
        wanted: Iterable[int],
        starts: Iterable[int] | None = None,
        keeps: bool = False,
        by: Graph | None = None,
    ) -> None:
        self.graph, self.keeps = graph, keeps
        wanted = set(wanted)
        self.batch = len(next(iter(given.values())))
        self.asked = set(given if starts is None else starts)
        self.starts: set[int] = set()
        values = {v: self._started(v, t.detach()) for v, t in given.items()}
        self.pieces: list[Piece] = []
        self.edges: dict[int, GradientEdge] = {v: _edge(values[v]) for v in self.starts}
        way = way_of(graph if by is None else by, wanted, given)
        with torch.enable_grad():
            for operation, alone, reads, ends in zip(way.plan.steps, way.alone, way.plan.reads, way.plan.ends):
                self._run(operation, alone, reads, values)
                for v in ends:
                    values.pop(v, None)
        self.values = {v: values[v].detach() for v in wanted if v in values}

    def _started(self, number: int, tensor: torch.Tensor) -> torch.Tensor:
        """The value, as the end of gradients where it was asked for and none passes through it."""
        if number not in self.asked or tensor.requires_grad or not (tensor.is_floating_point() or tensor.is_complex()):
            return tensor
        self.starts.add(number)
        return tensor.detach().requires_grad_()

    def _run(
        self, operation: Operation, alone: Operation, reads: tuple[int, ...], values: dict[int, torch.Tensor]
    ) -> None:
        """Run one operation; ``alone`` is what does the same where no gradient passes."""
        read = {v: values[v] for v in reads}
        carriers = [v for v, t in read.items() if t.requires_grad]
        if len(carriers) > 1:
            # A view each, so that no input is found on the way to another: the piece's own calculus stops at its own
            # inputs.
            for v in carriers:
                read[v] = read[v].view_as(read[v])
        inputs = {v: _edge(read[v]) for v in carriers}
        step = operation if carriers else alone
        with nullcontext() if operation.context.grad else torch.no_grad(), switched(operation.context):
            store(operation, step.call(read, self.batch), values)
        if not self.asked.isdisjoint(operation.outputs):
            for v in self.asked.intersection(operation.outputs):
                values[v] = self._started(v, values[v])
                if v in self.starts:
                    self.edges[v] = _edge(values[v])
        if not inputs:
            return
        outputs = {v: _edge(values[v]) for v in operation.outputs if v is not None and values[v].requires_grad}
        if outputs:
            numbers = {v: t.detach() for v, t in read.items()} if self.keeps else {}
            if self.keeps:
                numbers |= {v: values[v].detach() for v in operation.outputs if v is not None}
            self.pieces.append(Piece(operation, inputs, outputs, self.batch, numbers))
            self.edges.update(outputs)

    def walk(
        self, seeds: Mapping[int, torch.Tensor], wanted: Iterable[int], rules: Rules = PLAIN
    ) -> dict[int, torch.Tensor]:
        """What arrives at the wanted values when ``seeds`` are sent down.

        Parameters
        ----------
        seeds
            Gradient of the target by value number.
        wanted
            Numbers of values; the walk ends when all have got theirs. A value that nothing reaches is absent from the
            answer.
        """
        wanted = set(wanted)
        if rules.are_calculus:
            return self._gradient(seeds, wanted)
        arrived: dict[int, torch.Tensor] = dict(seeds)
        done: dict[int, torch.Tensor] = {}
        open_ends = wanted - self.starts
        for piece in reversed(self.pieces):
            at = {v: arrived.pop(v) for v in piece.outputs if v in arrived}
            for v in wanted & at.keys():
                done[v] = at[v]
            open_ends -= piece.outputs.keys()
            if not open_ends and not (wanted & self.starts):
                break
            if not at:
                continue
            for v, share in rules.of(piece.operation)(piece, at).items():
                arrived[v] = arrived[v] + share if v in arrived else share
        for v in wanted & self.starts:
            if v in arrived:
                done[v] = arrived[v]
        return done

    def _gradient(self, seeds: Mapping[int, torch.Tensor], wanted: set[int]) -> dict[int, torch.Tensor]:
        """What arrives under calculus alone, in one go: the operations hang together in autograd's graph."""
        at, to = [v for v in seeds if v in self.edges], [v for v in wanted if v in self.edges]
        done = {v: seeds[v] for v in wanted if v in seeds}
        if not at or not to:
            return done
        shares = torch.autograd.grad(
            [self.edges[v] for v in at],
            [self.edges[v] for v in to],
            [seeds[v] for v in at],
            retain_graph=True,
            allow_unused=True,
        )
        return {**done, **{v: share for v, share in zip(to, shares) if share is not None}}


def _edge(tensor: torch.Tensor) -> GradientEdge:
    """Where a tensor stands in autograd's graph: what `get_gradient_edge` gives, which looks twice as long."""
    node = tensor.grad_fn
    if node is None or isinstance(node, _OF_PYTHON):
        return get_gradient_edge(tensor)
    return GradientEdge(node, tensor.output_nr)


_OF_PYTHON = torch._C._FunctionBase
"""A node of somebody's own autograd function, which needs a token that keeps it alive."""
