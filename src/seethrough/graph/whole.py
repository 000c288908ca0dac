"""Whole: a network that can't be written down, as a graph of one opaque operation. Calling it is all that can be done;
it has outputs and gradients.

The gradient comes from calling it once more: what a forward writes into its network is put back as soon as it returns,
so that what autograd would keep of it for later is no longer what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn as nn

from seethrough.graph.graph import Graph, Value
from seethrough.graph.in_order import GradientsInOrder
from seethrough.graph.operations import Kind, Operation, Place, Ref
from seethrough.graph.outputs import output_tensors
from seethrough.graph.tree import flatten
from seethrough.graph.untouched import chance_now, same_chance, set_chance, untouched


def whole(
    module: nn.Module,
    call: Callable[..., Any],
    tensors: Sequence[torch.Tensor],
    *,
    layout: str,
    training: bool,
    inputs: Sequence[str] = ("",),
) -> Graph:
    """The graph of one operation, for the batch size of these inputs; ``call`` takes them as the graph does, (N, C, …),
    the images first. ``inputs`` are their names.
    """
    network = Network(module, call, training)
    outputs = network.outputs(tensors)
    numbers = range(len(tensors))
    arguments, spec = flatten(((network, *(Ref(v) for v in numbers)), {}))
    places = {name: Place(v) for v, name in enumerate(outputs, len(tensors))}
    operation = Operation(
        Opaque.apply, "network", Kind.OPAQUE, arguments, spec, tuple(p.value for p in places.values()), "network"
    )
    values = {v: Value(tuple(t.shape), t.dtype) for v, t in enumerate((*tensors, *outputs.values()))}
    given = {name: Place(v) for v, name in enumerate(inputs)}
    return Graph([operation], values, given, places, {}, layout, batch=len(tensors[0]), source="whole")


@dataclass(frozen=True, eq=False)
class Network:
    """A person's network as something that gives outputs and slopes, and is left as it was found."""

    module: nn.Module
    call: Callable[..., Any]
    training: bool

    def outputs(self, tensors: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """What it returns, by name, cut off from how it came about; it requires a gradient where the network's own
        does.
        """
        with untouched(self.module, training=self.training), torch.enable_grad():
            images, *beside = (t.detach().clone() for t in tensors)
            found = output_tensors(self.call(images.requires_grad_(images.is_floating_point()) * 1, *beside))
            return {name: t.detach().clone().requires_grad_(t.requires_grad) for name, t in found.items()}

    def slope(self, tensors: Sequence[torch.Tensor], arrived: tuple[torch.Tensor | None, ...]) -> torch.Tensor | None:
        """What arrives at the images, the first of the inputs, when ``arrived`` is sent down from the outputs."""
        with untouched(self.module, training=self.training), torch.enable_grad(), GradientsInOrder():
            leaf, *beside = (t.detach().clone() for t in tensors)
            outputs = output_tensors(self.call(leaf.requires_grad_() * 1, *beside)).values()
            pairs = [(t, a) for t, a in zip(outputs, arrived) if a is not None and t.requires_grad]
            if not pairs:
                return None
            ends, seeds = zip(*pairs)
            return torch.autograd.grad(ends, leaf, seeds, allow_unused=True)[0]


class Opaque(torch.autograd.Function):
    """Calls the network, and once more, under the same chance, to walk back."""

    @staticmethod
    def forward(ctx: Any, network: Network, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.network, ctx.chance = network, chance_now()
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        found = network.outputs(tensors).values()
        outputs = tuple(t.detach() for t in found)
        ctx.mark_non_differentiable(*(t for t, own in zip(outputs, found) if not own.requires_grad))
        return outputs

    @staticmethod
    def backward(ctx: Any, *arrived: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        tensors = ctx.saved_tensors
        with same_chance():
            set_chance(ctx.chance)
            return None, ctx.network.slope(tensors, arrived), *(None for _ in tensors[1:])
