"""Prove: a graph is believed once it gives what the network itself gives.

For each form of input and batch size, the same images go through the person's module and through the graph. Outputs
must agree, and before the first walk back the input's gradients too: of 35 odd networks that a recorder got wrong in
silence, 13 had the right output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn as nn

from seethrough.graph.graph import Graph
from seethrough.graph.in_order import GradientsInOrder
from seethrough.graph.outputs import output_tensors
from seethrough.graph.rules import EACH
from seethrough.graph.untouched import same_chance, untouched
from seethrough.graph.walk import Forward

CORNERS = 1e-4
"""Of a gradient's length, so much may be off: where rounding puts a unit on the other side of a rectifier's corner, or
takes another of two equal places of a pool, the gradient jumps in what that unit sees. What an operation does wrong is
a matter of per cents.
"""


def disagreement(
    graph: Graph,
    module: nn.Module,
    call: Callable[..., Any],
    given: Mapping[int, torch.Tensor],
    native: Callable[[torch.Tensor], torch.Tensor],
    *,
    gradient: bool,
    training: bool = False,
    forward: Callable[[Graph], Forward | None] | None = None,
) -> str | None:
    """What the graph gets wrong on these inputs, in words; None where it agrees with the network.

    Parameters
    ----------
    given
        The graph's inputs by value number, in their order: the images (N, C, …) first.
    native
        Brings an input into the network's own layout.
    gradient
        Compare the images' gradients too.
    forward
        Runs the graph on these inputs and keeps the output, walked back from the images where ``gradient``; None where it
        can't give what somebody wants of it beside. It is run here where nobody says how.
    """
    place, start = graph.outputs[graph.meant], graph.input.value

    def run() -> Forward:
        own = forward and forward(graph)
        return own or Forward(graph, given, [place.value], [start] if gradient else [])

    images, *beside = given.values()

    def network(images: torch.Tensor) -> torch.Tensor:
        with same_chance(), GradientsInOrder():
            inputs = [native(images), *(native(t).clone() for t in beside)]
            return output_tensors(call(*inputs))[graph.meant]

    if not gradient:
        with untouched(module, training=training), torch.no_grad():
            reference = network(images.clone())
            with same_chance(), _stumbling() as stumble:
                found = place.of(run().values[place.value])
                return difference("output", found, reference)
        return stumble[0]
    with untouched(module, training=training), torch.enable_grad():
        leaf = images.detach().clone().requires_grad_()
        reference = network(leaf * 1)
        if not reference.requires_grad:  # nothing to walk back: the output is all there is to compare
            return disagreement(graph, module, call, given, native, gradient=False, training=training, forward=forward)
        seed = torch.randn(reference.shape, generator=torch.Generator().manual_seed(0)).to(reference)
        seed = seed / _flatness(graph, reference.detach())
        (slope,) = torch.autograd.grad(reference, leaf, seed, allow_unused=True)
        with same_chance(), _stumbling() as stumble:
            ran = run()
            wrong = difference("output", place.of(ran.values[place.value]), reference.detach())
            if wrong:
                return wrong
            back = place.back(seed)
            found, zero = ran.walk({place.value: back}, [start], EACH).get(start), torch.zeros_like(images)
            return difference("gradient", zero if found is None else found, zero if slope is None else slope)
    return stumble[0]


def _flatness(graph: Graph, output: torch.Tensor) -> torch.Tensor | float:
    """The derivative of a final softmax or sigmoid, to divide what goes down by: of a network that is sure of its answer
    nothing but rounding would arrive at the image otherwise, and rounding is no disagreement.
    """
    at = graph.producer.get(graph.outputs[graph.meant].value)
    name = "" if at is None else graph.operations[at].name
    if name not in ("softmax", "sigmoid"):
        return 1.0
    slope = output if name == "softmax" else output * (1 - output)
    return slope.clamp(min=torch.finfo(output.dtype).tiny ** 0.75)


@contextmanager
def _stumbling() -> Iterator[list[str]]:
    """An exception of the graph's own run is a disagreement, not the person's; what it was is in the list."""
    said: list[str] = []
    try:
        yield said
    except Exception as error:
        said.append(f"it can't be run: {type(error).__name__}: {str(error).partition(chr(10))[0]}")


def difference(what: str, found: torch.Tensor, reference: torch.Tensor) -> str | None:
    """How two tensors that should be the same differ beyond rounding (100 steps of the dtype, against the largest number);
    None where they don't.
    """
    if found.shape != reference.shape:
        return f"its {what} has shape {tuple(found.shape)}, the network's {tuple(reference.shape)}"
    if torch.equal(found, reference) or not reference.numel():
        return None
    if not torch.equal(found.isnan(), reference.isnan()):
        return f"its {what} has numbers where the network has none"
    tolerance = 100 * (torch.finfo(reference.dtype).eps if reference.is_floating_point() else 0)
    scale = reference.abs().nan_to_num(posinf=0).max().item()
    off = (found - reference).nan_to_num(posinf=0, neginf=0)
    error = off.abs().max().item()
    if error <= tolerance * scale:
        return None
    if what == "gradient" and torch.linalg.vector_norm(off) <= CORNERS * torch.linalg.vector_norm(
        reference.nan_to_num()
    ):
        return None
    return f"its {what} is off by {error:.1e} of {scale:.1e}"
