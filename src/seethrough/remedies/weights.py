"""Weights: which of a network's numbers a repair may change, by name: its last linear layer, and the block before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.findings.facts import Facts
from seethrough.gallery.head import head_of
from seethrough.graph.execute import plan
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation
from seethrough.models.again import FUNCTION
from seethrough.models.keras_copy import parameters_of
from seethrough.network import Network

LAYERS = 2
"""So many layers that see places the last block has at least, where the network has so many: one alone can only weigh anew
what was mixed before it.
"""

CLOSE = 1e-3
"""How far, beside the largest, a layer's weights may lie from what the graph was found to do with its features."""


def parameters(net: Network) -> Mapping[str, Tensor]:
    """The live parameters of a network by path: PyTorch's own names, of Keras the variables' paths. Running statistics are
    none.
    """
    if net.opened.framework == "keras":
        return parameters_of(net.module)
    return dict(net.module.named_parameters())


@dataclass(frozen=True, eq=False)
class Head:
    """The last linear layer, as a matrix of K classes by D features whatever shape the framework gives it.

    A network of a single output, which a sigmoid ends, counts as one of two classes: its weights are those of class 1, and
    those of class 0 are 0 (the answers of both are then a softmax).

    Attributes
    ----------
    weight, bias
        Paths of the parameters; ``bias`` is None where the layer has none, and then b stays 0.
    turned
        Whether the parameter is (D, K).
    single
        Whether there is a single output.
    """

    weight: str
    bias: str | None
    turned: bool
    single: bool
    _weight: Tensor
    _bias: Tensor | None

    @property
    def paths(self) -> tuple[str, ...]:
        """Of its parameters."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)

    def read(self) -> tuple[Tensor, Tensor]:
        """W (K, D) and b (K,), float32, copies: the outputs before a softmax are ``features @ W.T + b``."""
        return self.of({})

    def of(self, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """W and b as they are with some parameters changed (by path; others count as they are): `weights`, undone."""
        weight = weights.get(self.weight, self._weight)
        bias = None if self._bias is None or self.bias is None else weights.get(self.bias, self._bias)
        matrix = _matrix(weight.detach(), self.turned).float().cpu().clone()
        bias = torch.zeros(len(matrix)) if bias is None else bias.detach().reshape(-1).float().cpu().clone()
        if self.single:
            matrix, bias = torch.cat([torch.zeros_like(matrix), matrix]), torch.cat([torch.zeros_like(bias), bias])
        return matrix, bias

    def weights(self, matrix: Tensor, bias: Tensor) -> dict[str, Tensor]:
        """W (K, D) and b (K,) as the parameters of this network, each in its own shape and type.

        Raises
        ------
        ValueError
            A bias for a layer that has none.
        """
        if self.single:
            matrix, bias = matrix[1:] - matrix[:1], bias[1:] - bias[:1]
        turned = (matrix.T if self.turned else matrix).reshape(self._weight.shape)
        found = {self.weight: turned.detach().to(self._weight.dtype).contiguous().clone()}
        if self.bias is not None and self._bias is not None:
            found[self.bias] = bias.detach().reshape(self._bias.shape).to(self._bias.dtype).contiguous().clone()
        elif bool(bias.detach().any()):
            raise ValueError(f"The layer of {self.weight} has no bias, so b must be 0.")
        return found


def head(net: Network, facts: Facts) -> Head | None:
    """The last linear layer, where its outputs are those of the network before a softmax; None where there is none, its
    weights are used elsewhere too or aren't a parameter (but computed from some), or nothing is known of the inside.
    """
    graph = _graph(net)
    operation = None if graph is None else head_of(graph)
    if graph is None or operation is None or facts.head is None:
        return None
    live = parameters(net)
    behind = [graph.operations[k] for v in operation.outputs if v is not None for k in graph.consumers.get(v, ())]
    found = [path for each in (operation, *behind[:1]) for path in _held(each, live)]
    for weight in found:
        turned = _orientation(live[weight].detach(), facts.head[0])
        if turned is None or _readers(graph, live[weight]) > 1:
            continue
        bias = next((path for path in found if _is_bias(live[path].detach(), facts.head[1])), None)
        if bias is None and np.abs(facts.head[1]).any():
            return None
        bias_tensor = None if bias is None else live[bias]
        return Head(weight, bias, turned, len(facts.head[0]) == 1, live[weight], bias_tensor)
    return None


@dataclass(frozen=True)
class Block:
    """The last part of a network before its head that is passed through one value.

    Attributes
    ----------
    paths
        Of the parameters of its convolutions and linear layers that see places, from the first to the last.
    before
        The value of the graph that all of the block is computed from.
    """

    paths: tuple[str, ...]
    before: int


def block(net: Network) -> tuple[str, ...]:
    """Paths of the parameters of the last block; none where no layer sees places, or nothing is known of the inside."""
    found = last_block(net)
    return () if found is None else found.paths


def last_block(net: Network, layers: int = LAYERS) -> Block | None:
    """The last block: as little of the network's end as begins at a value through which everything passes (behind a
    residual sum, between two layers that follow each other) and has so many layers that see places; of a network with
    fewer, all of it.
    """
    graph = _graph(net)
    if graph is None:
        return None
    live = parameters(net)
    last = head_of(graph)
    steps = plan(graph, [graph.logits.value], [graph.input.value]).steps
    cuts = _cuts(graph, steps)
    found: dict[str, None] = {}
    seen, before = 0, graph.input.value
    for step in reversed(steps):
        if seen >= layers and any(v in cuts for v in step.outputs if v is not None):
            before = next(v for v in step.outputs if v in cuts and v is not None)
            break
        held = _held(step, live) if step is not last and _sees_places(graph, step) else []
        seen += bool(held)
        found = dict.fromkeys(held) | found
    return Block(tuple(found), before) if found else None


def _graph(net: Network) -> Graph | None:
    if net.opened.framework == FUNCTION:
        return None
    try:
        return net.graph()
    except NetworkRefused:
        return None


def _cuts(graph: Graph, steps: tuple[Operation, ...]) -> frozenset[int]:
    """The values through which everything passes: when one is made, it alone is still to be read."""
    last = {v: k for k, step in enumerate(steps) for v in step.inputs}
    last[graph.logits.value] = len(steps)
    waiting: set[int] = {graph.input.value}
    found = set()
    for k, step in enumerate(steps):
        waiting |= {v for v in step.outputs if v is not None and last.get(v, -1) > k}
        waiting -= {v for v in step.inputs if last[v] <= k}
        if len(waiting) == 1:
            found |= waiting
    return frozenset(found)


def _sees_places(graph: Graph, operation: Operation) -> bool:
    """A convolution over more than one place, or a linear layer over tokens."""
    shape = graph.values[next(v for v in operation.outputs if v is not None)].shape
    if operation.kind in (Kind.CONVOLUTION, Kind.TRANSPOSED):
        return any(n != 1 for n in graph.values[operation.inputs[0]].shape[2:])
    return operation.kind in (Kind.LINEAR, Kind.MATMUL) and len(shape) > 2


def _held(operation: Operation, live: Mapping[str, Tensor]) -> list[str]:
    """Paths of the parameters that an operation works with: themselves, or as Keras turns the axes of a kernel."""
    constants = [a for a in operation.arguments if isinstance(a, Tensor) and a.dim()]
    found = []
    for constant in constants:
        same = [path for path, p in live.items() if _shares(constant, p)]
        found += same or [path for path, p in live.items() if _is_turned(constant, p)][:1]
    return list(dict.fromkeys(found))


def _shares(one: Tensor, other: Tensor) -> bool:
    return one.numel() == other.numel() and one.data_ptr() == other.data_ptr()


def _is_turned(constant: Tensor, parameter: Tensor) -> bool:
    if parameter.dim() != 4 or sorted(constant.shape) != sorted(parameter.shape) or constant.dim() != 4:
        return False
    value = parameter.detach()
    turned = (value.permute(axes) for axes in permutations(range(4)))
    return any(t.shape == constant.shape and torch.equal(t, constant.detach()) for t in turned)


def _readers(graph: Graph, parameter: Tensor) -> int:
    """How many operations work with a parameter."""
    return sum(any(isinstance(a, Tensor) and _shares(a, parameter) for a in each.arguments) for each in graph)


def _matrix(weight: Tensor, turned: bool) -> Tensor:
    """(K, D), from a parameter of that or with single places around it."""
    sides = [n for n in weight.shape if n != 1]
    plain = (
        weight.reshape(sides) if len(sides) == 2 else weight.reshape(weight.shape[-2:] if turned else weight.shape[:2])
    )
    return plain.T if turned else plain


def _orientation(weight: Tensor, asked: np.ndarray) -> bool | None:
    """Whether a parameter is (D, K), by what the graph was found to do; None where it does something else."""
    wanted = torch.from_numpy(np.asarray(asked, np.float32))
    if weight.numel() != wanted.numel() or weight.dim() < 2:
        return None
    for turned in (False, True):
        flat = _matrix(weight, turned)
        if flat.shape == wanted.shape and _alike(flat, wanted):
            return turned
    return None


def _is_bias(parameter: Tensor, asked: np.ndarray) -> bool:
    wanted = torch.from_numpy(np.asarray(asked, np.float32))
    return parameter.shape == wanted.shape and _alike(parameter, wanted)


def _alike(one: Tensor, other: Tensor) -> bool:
    scale = float(other.abs().max())
    return float((one.float().cpu() - other).abs().max()) <= CLOSE * max(scale, 1e-6)


__all__ = ["Block", "Head", "block", "head", "last_block", "parameters"]
