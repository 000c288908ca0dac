"""Tail: what lies between two values of a graph, as one function that can be differentiated more than once.

A walk (`seethrough.graph.walk`) hands down first derivatives, piece by piece; for second ones autograd must see all of
it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from seethrough.graph.execute import plan, store, switched
from seethrough.graph.graph import Graph


def tail(
    graph: Graph, start: int, end: int, given: Mapping[int, torch.Tensor]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """From the value ``start`` to the value ``end``, by their numbers; what passes ``start`` by is computed from
    ``given``.
    """
    given = {v: t.detach() for v, t in given.items()}
    way = plan(graph, [end], {*given, start})
    batch = len(next(iter(given.values())))

    def function(value: torch.Tensor) -> torch.Tensor:
        values = {**given, start: value}
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # the fused ones have no second derivative
            for operation, ends in zip(way.steps, way.ends):
                with switched(operation.context):
                    store(operation, operation.call(values, batch), values)
                for v in ends:
                    values.pop(v, None)
        return values[end]

    return function


def curvature(
    function: Callable[[torch.Tensor], torch.Tensor], value: torch.Tensor, direction: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of a function's sum at a value, and its Hessian times a direction: zeros where it is straight."""
    value = value.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(function(value).sum(), value, create_graph=True)
        if not gradient.requires_grad:
            return gradient.detach(), torch.zeros_like(value)
        (bent,) = torch.autograd.grad(gradient, value, direction, allow_unused=True)
    return gradient.detach(), torch.zeros_like(value) if bent is None else bent
