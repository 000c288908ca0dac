"""The first class activation map, of networks that average a layer's places and put one linear layer behind: its weights
are read off the network, nothing is walked back.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.attribution.cam import FAMILY
from seethrough.attribution.layers import called
from seethrough.attribution.method import Needs, Outcome, Reduce, method
from seethrough.errors import UsageError
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.run import Run
from seethrough.results import Passes

INSTEAD = "use gradcam, which is the same thing for any network"


@method(
    family=FAMILY,
    cost="1 forward",
    good_for="where the evidence lies, exactly, in networks that end in average pooling and one linear layer",
    source="Zhou, Khosla, Lapedriza, Oliva & Torralba, 2016",
    needs=Needs.POOLED_HEAD,
    reduce=Reduce.NONE,
    rules=None,
    work=Passes(0, 0),
)
def cam(run: Run, layer: str) -> Outcome:
    """CAM: a channel counts by its weight in the linear layer behind the pooling, ``M(x, y) = Σₖ wₖ aₖ(x, y)`` (Zhou et
    al., CVPR 2016, eq. 2). For a target of several outputs their weights are added as the target adds them. The layer
    that is pooled is found; a network that does something else behind it is refused.

    Returns
    -------
    Tensor, (N, H, W), signed, on the grid of the layer that is pooled, in units of the target; its mean is the target
    less the bias, as is reported by ``pooled_head``.
    """
    head = pooled_head(run.graph, run.answer_value)
    stands, asked = (run.graph.place(path) for path in (head.layer, layer))
    if stands is None or asked is None or stands.value != asked.value:
        raise UsageError(f"cam of what was asked stands on layer {head.layer!r}, not on {layer!r}; {INSTEAD}.")
    a, weights = run.value(layer), slope_at_logits(run) @ head.weight.to(run.logits)
    values = torch.einsum("nc,nchw->nhw", weights, a)
    return Outcome(values, {"pooled_head": {"mean": values.mean((1, 2)).tolist(), "score": run.scores.tolist()}})


def slope_at_logits(run: Run) -> Tensor:
    """How the target goes with each output, (N, outputs); of outputs with places, summed over them."""
    logits = run.logits.detach().requires_grad_()
    with torch.enable_grad():
        assert run.target is not None
        (slope,) = torch.autograd.grad(run.target(logits, run.rows).sum(), logits)
    return slope.flatten(2).sum(2) if slope.dim() > 2 else slope


@dataclass(frozen=True)
class PooledHead:
    """Average pooling with one linear layer behind: the layer that is pooled, and the weights (outputs, C)."""

    layer: str
    weight: Tensor


# What hands on the numbers of a pooled value as they are.
_AS_IT_IS = frozenset((Kind.RESHAPE, Kind.DROPOUT, Kind.CAST, Kind.PERMUTE))


def pooled_head(graph: Graph, answer: int) -> PooledHead:
    """The pooled head that gives an answer.

    Raises
    ------
    UsageError
        Where there is none; says which operation stands in the way.
    """
    weight, value = None, answer
    while value in graph.producer:
        operation = graph.operations[graph.producer[value]]
        before = operation.inputs[0] if len(operation.inputs) == 1 else None
        if before is None or value in graph.grids:
            break
        if before in graph.grids and _averages(operation, graph):
            channels = graph.grids[before].shape(graph.values[before].at(1))[1]
            weight = torch.eye(channels) if weight is None else weight
            return PooledHead(called(graph, before), weight)
        linear = _weight_of(operation)
        if linear is not None and weight is None:
            weight = linear
        elif linear is not None:
            raise UsageError(
                f"cam needs {Needs.POOLED_HEAD.value}; layer {operation.layer!r} is a second one, so {INSTEAD}."
            )
        elif operation.kind not in _AS_IT_IS and not _adds_constant(operation):
            break
        value = before
    raise UsageError(f"cam needs {Needs.POOLED_HEAD.value}; {_in_the_way(graph, value)}, so {INSTEAD}.")


def _averages(operation: Operation, graph: Graph) -> bool:
    """Whether it takes the mean over all places of what it is given: tried out on one random value."""
    if operation.kind is not Kind.AVERAGE_POOL and operation.name != "mean":
        return False
    before = operation.inputs[0]
    probe = torch.rand(graph.values[before].at(1), generator=torch.Generator().manual_seed(0))
    found = operation.call({before: probe}, 1).flatten()
    mean = graph.grids[before].of(probe).mean((2, 3)).flatten()
    return found.shape == mean.shape and torch.allclose(found, mean, atol=1e-5)


def _weight_of(operation: Operation) -> Tensor | None:
    """The weights (outputs, inputs) of a linear layer, however it is written: linear, a product with a constant, a
    convolution of single places.
    """
    constants = [a for a in operation.arguments if isinstance(a, Tensor)]
    if not constants:
        return None
    if operation.kind is Kind.LINEAR:
        return constants[0].detach()
    if operation.kind is Kind.MATMUL and operation.name in ("matmul", "mm") and constants[0].dim() == 2:
        return constants[0].detach().T
    plain = operation.kind is Kind.CONVOLUTION and constants[0].shape[2:].numel() == 1 and not _in_groups(operation)
    return constants[0].detach().flatten(1) if plain else None


def _in_groups(operation: Operation) -> bool:
    arguments, keywords = operation.bound()
    return (arguments[6] if len(arguments) > 6 else keywords.get("groups", 1)) != 1


def _adds_constant(operation: Operation) -> bool:
    """A bias that is added apart."""
    return operation.name == "add" and any(isinstance(a, Tensor) for a in operation.arguments)


def _in_the_way(graph: Graph, value: int) -> str:
    if value not in graph.producer:
        return "here the answer comes straight from the picture"
    operation = graph.operations[graph.producer[value]]
    where = f" in layer {operation.layer!r}" if operation.layer else ""
    return f"here {operation.name!r}{where} stands between them"
