"""Sites: the layers whose units are measured, found on the graph.

A convolution, its normalisation and its activation are one layer to whoever asks about its units, however many modules they
are: the site is named after what has the weights, and measured behind the activation. An activation that stands alone (behind a
residual sum) is a site without weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seethrough.anatomy.layers import find_layers
from seethrough.graph.arguments import Arguments
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref, Size

WITH_WEIGHTS = frozenset((Kind.CONVOLUTION, Kind.TRANSPOSED, Kind.LINEAR, Kind.MATMUL))
"""A matrix product with a constant is how Keras writes a dense layer."""

RECTIFIERS = frozenset(("relu", "relu6"))
"""Activations that are 0 where their input isn't positive: only there does a unit die for good."""

_CARRIES_ON = frozenset((Kind.AFFINE, Kind.DROPOUT, Kind.ADD, Kind.MULTIPLY))
_MIXES = WITH_WEIGHTS | {Kind.MATMUL, Kind.ATTENTION, Kind.RECURRENT, Kind.OPAQUE}


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """A layer whose units are measured.

    Attributes
    ----------
    path
        What a person calls it.
    kind
        ``"convolution"``, ``"depthwise convolution"``, ``"transposed convolution"``, ``"linear"``, or ``"activation"``
        for one that stands alone.
    value
        The number of the value that is measured, in this graph.
    activation
        Its activation's name, ``"relu"``; None where it has none.
    weights
        What computes its units, a row each: (C, …); None for an activation alone.
    scale
        By what each unit's weights are multiplied behind it (batch normalisation), (C,); None where by nothing.
    role
        ``"answer"`` where its units are the network's outputs, ``"sum"`` where it stands behind a residual sum, else
        nothing.
    paths
        Every layer that it is made of, for patterns.
    position
        Where its first operation stands in the graph.
    groups
        Into how many groups of filters it falls; each group reads inputs of its own.
    """

    path: str
    kind: str
    value: int
    activation: str | None
    weights: Tensor | None
    scale: Tensor | None
    role: str
    paths: tuple[str, ...]
    position: int = 0
    groups: int = 1

    @property
    def rectified(self) -> bool:
        """Whether its units are 0 where they don't fire."""
        return self.activation in RECTIFIERS

    @property
    def comparable(self) -> bool:
        """Whether its filters read the same inputs, so that their weights can be compared."""
        return self.weights is not None and self.kind != "depthwise convolution" and self.weights[0].numel() > 1


def sites(graph: Graph) -> list[Site]:
    """Every layer with units, in the order in which they run."""
    answers = _answers(graph)
    taken: set[int] = set()
    found: list[Site] = []
    for position, operation in enumerate(graph):
        if operation.kind in WITH_WEIGHTS:
            weights = weights_of(operation)
            if weights is None:
                continue
            chain = _chain(graph, operation)
        elif operation.kind is Kind.ACTIVATION and operation.outputs[0] not in taken:
            weights, chain = None, [operation]
        else:
            continue
        last = chain[-1].outputs[0]
        if last is None or not _has_units(graph, last):
            continue
        taken.update(v for step in chain for v in step.outputs if v is not None)
        site = _site(graph, chain, weights, last, answers)
        found.append(replace(site, position=position, groups=_groups(operation)))
    return _named_once(found)


def chosen(found: Sequence[Site], layers: Sequence[str], names: Sequence[str]) -> list[Site]:
    """The sites that patterns of layers name; all where there is none.

    Raises
    ------
    seethrough.errors.UsageError
        Where a pattern fits no layer.
    """
    if not layers:
        return list(found)
    wanted = {path for pattern in layers for path in find_layers(names, pattern)}
    return [site for site in found if any(_inside(path, wanted) for path in site.paths)]


def units_of(site: Site, graph: Graph, tensor: Tensor) -> Tensor:
    """A site's value as (N, C, places); a value without places has one."""
    grid = graph.grids.get(site.value)
    if grid is not None:
        return grid.of(tensor).flatten(2)
    if tensor.dim() > 2 and site.kind == "linear":
        tensor = tensor.movedim(-1, 1)
    return tensor.flatten(2) if tensor.dim() > 2 else tensor.unsqueeze(2)


def weights_of(operation: Operation) -> Tensor | None:
    """The constant that an operation computes its units with, a row a unit; None where it depends on the image."""
    weights = Arguments.of(operation, {}, 1).get(1, "weight")
    if not isinstance(weights, torch.Tensor):
        return None
    if operation.kind is Kind.MATMUL:
        return weights.detach().T if weights.dim() == 2 and operation.name in ("matmul", "mm") else None
    if operation.kind is not Kind.TRANSPOSED:
        return weights.detach()
    parts = weights.detach().unflatten(0, (_groups(operation), -1))  # (groups, inputs, outputs of a group, …)
    return parts.transpose(1, 2).flatten(0, 1)


# --- pieces -----------------------------------------------------------------------------------------------------------


def _site(graph: Graph, chain: list[Operation], weights: Tensor | None, value: int, answers: set[int]) -> Site:
    first, last = chain[0], chain[-1]
    activation = last.name if last.kind is Kind.ACTIVATION else None
    summed = weights is None and _producer(graph, first.inputs[0], Kind.ADD)
    role = "answer" if value in answers else "sum" if summed else ""
    path = first.layer if first.layer in graph.layers else first.path
    paths = tuple(dict.fromkeys(p for step in chain for p in (step.layer, step.path)))
    return Site(path, _kind(first, weights), value, activation, weights, _scale(chain, weights), role, paths)


def _kind(operation: Operation, weights: Tensor | None) -> str:
    if operation.kind is Kind.MATMUL:
        return Kind.LINEAR.value
    if weights is None or operation.kind is not Kind.CONVOLUTION:
        return operation.kind.value
    return "depthwise convolution" if _groups(operation) > 1 and weights.shape[1] == 1 else operation.kind.value


def _groups(operation: Operation) -> int:
    if operation.kind not in (Kind.CONVOLUTION, Kind.TRANSPOSED):
        return 1
    return int(Arguments.of(operation, {}, 1).get(6, "groups", 1))


def _chain(graph: Graph, operation: Operation) -> list[Operation]:
    """An operation, and those behind it that read nothing else and are read by nobody else, up to an activation."""
    chain = [operation]
    while chain[-1].kind is not Kind.ACTIVATION:
        value = chain[-1].outputs[0]
        readers = graph.consumers.get(value, []) if value is not None else []
        if len(readers) != 1 or value in {p.value for p in graph.outputs.values()}:
            break
        after = graph.operations[readers[0]]
        alone = len(after.inputs) == 1 and sum(isinstance(a, Ref) for a in after.arguments) == 1
        if not alone or not (
            after.kind in _CARRIES_ON or after.kind is Kind.ACTIVATION or after.name in ("batch_norm", "contiguous")
        ):
            break
        chain.append(after)
    return chain


def _scale(chain: list[Operation], weights: Tensor | None) -> Tensor | None:
    """By what normalisation multiplies each unit."""
    if weights is None:
        return None
    scale = None
    for step in chain[1:]:
        given = Arguments.of(step, {}, 1)
        factor = None
        if step.name == "affine":
            factor = given.get(2, "scale")
        elif step.name == "batch_norm":
            factor = _of_batch_norm(given)
        if isinstance(factor, torch.Tensor) and factor.numel() in (1, len(weights)):
            flat = factor.detach().flatten().expand(len(weights))
            scale = flat if scale is None else scale * flat
    return scale


def _of_batch_norm(given: Arguments) -> Tensor | None:
    variance, gain, eps = given.get(2, "running_var"), given.get(3, "weight"), given.get(7, "eps", 1e-5)
    if not isinstance(variance, torch.Tensor):
        return None
    return (1 if gain is None else gain) / torch.sqrt(variance + eps)


def _has_units(graph: Graph, value: int) -> bool:
    """Whether a value has an axis of units and one of images: (N, C), (N, C, …), tokens."""
    shape = graph.values[value].shape
    images = (isinstance(shape[0], Size) and (shape[0].a, shape[0].b) == (1, 0)) or graph.batch is not None
    return value in graph.grids or (len(shape) >= 2 and images)


def _answers(graph: Graph) -> set[int]:
    """The values that are the network's outputs but for pooling and the like; none where it gives maps of features."""
    if len(graph.values[graph.output.value].shape) > 3:
        return set()
    found: set[int] = set()
    pending = [graph.output.value]
    while pending:
        value = pending.pop()
        if value in found:
            continue
        found.add(value)
        at = graph.producer.get(value)
        if at is not None and graph.operations[at].kind not in _MIXES:
            pending.extend(graph.operations[at].inputs)
    return found


def _producer(graph: Graph, value: int, kind: Kind) -> bool:
    at = graph.producer.get(value)
    return at is not None and graph.operations[at].kind is kind and len(graph.operations[at].inputs) > 1


def _inside(path: str, wanted: set[str]) -> bool:
    return any(path == w or path.startswith((f"{w}.", f"{w}/")) for w in wanted)


def _named_once(found: list[Site]) -> list[Site]:
    """Two operations of one layer go by their own paths."""
    return list(_renamed(found))


def _renamed(found: list[Site]) -> Iterator[Site]:
    names = [site.path for site in found]
    seen: dict[str, int] = {}
    for site in found:
        if names.count(site.path) == 1:
            yield site
            continue
        own = site.paths[1] if len(site.paths) > 1 else site.path
        seen[own] = seen.get(own, 0) + 1
        yield replace(site, path=own if seen[own] == 1 else f"{own}:{seen[own]}")
