"""Tail: a network from before its last block to the features that its last layer reads, as a function of the block's weights.

It is run on the graph, where the weights are found that an operation works with; so PyTorch's and Keras' networks go the same
way, nothing of the person's network is touched, and what comes before the block is computed once a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.findings.canvas import TOGETHER, Pictures
from seethrough.gallery.head import Vector, vector_of
from seethrough.graph.execute import execute, plan, store, switched
from seethrough.graph.fast.choose import MANY, Ways
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation
from seethrough.remedies.pool import Pool, made
from seethrough.remedies.rung import Ward
from seethrough.remedies.weights import LAYERS, last_block, parameters

LARGEST = 2**30
"""Bytes that the values before the block may take; of more pictures some are left out."""

DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Use:
    """An argument of an operation that is a parameter, or one whose axes are turned.

    Attributes
    ----------
    path
        The parameter's.
    axes
        How its axes are turned; None where the argument lies in the parameter's own memory.
    """

    path: str
    axes: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Tail:
    """The end of a ward's network.

    Attributes
    ----------
    steps
        Its operations.
    uses
        From the place of a step, and of an argument in it, to the parameter that stands there.
    own
        The parameters as they are, by path, copies.
    before
        The value of the graph from which all of it is computed.
    """

    ward: Ward
    graph: Graph
    steps: tuple[Operation, ...]
    ends: tuple[tuple[int, ...], ...]
    uses: Mapping[tuple[int, int], Use]
    own: Mapping[str, Tensor]
    before: int
    vector: Vector
    _ways: Ways = field(default_factory=Ways)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the network, from the pictures on."""
        return self.before == self.graph.input.value

    @property
    def across(self) -> int:
        """The axis of the pictures' columns, where it is whole."""
        return 3 if self.graph.layout == "channels_first" else 2

    def values(self, x: Tensor) -> Tensor:
        """What comes before the block, for pictures (n, 3, H, W) from 0 to 1, in the graph's own axes."""
        found = []
        source = self.ward.canvas.net.source
        for at in range(0, len(x), TOGETHER):
            given = source.given(self.graph, self.ward.canvas.as_seen(x[at : at + TOGETHER]))
            way = self._ways.of(self.graph, [self.before], given, MANY, lambda g=given: (g, self._executed(g)))
            found.append(execute(way, given, [self.before])[self.before])
        return torch.cat(found)

    def _executed(self, given: Mapping[int, Tensor]) -> dict[int, Tensor]:
        return execute(self.graph, given, [self.before])

    def features(self, values: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """What the last layer reads, (n, D), differentiable in the values and in the weights of the block.

        Parameters
        ----------
        values
            Before the block.
        weights
            By path, in the parameters' own shapes; those that are left out are the network's own.
        """
        held = {self.before: values}
        for k, (step, ends) in enumerate(zip(self.steps, self.ends)):
            arguments = [self._argument(k, j, a, weights) for j, a in enumerate(step.arguments)]
            with switched(step.context):
                store(step, replace(step, arguments=arguments).call(held, len(values)), held)
            for v in ends:
                held.pop(v, None)
        return self.vector.of(held[self.vector.place.value])

    def filters(self, weights: Mapping[str, Tensor]) -> list[Tensor]:
        """Filters of convolutions, (O, …) each, as the operations have them; in the weights' own memory."""
        found = [
            self._argument(k, j, self.steps[k].arguments[j], weights) for k, j in self.uses if self.uses[k, j].path in weights
        ]  # fmt: skip
        return [each for each in found if isinstance(each, Tensor) and each.dim() >= 3]

    def _argument(self, step: int, place: int, argument: object, weights: Mapping[str, Tensor]) -> object:
        use = self.uses.get((step, place))
        if use is None or use.path not in weights:
            return argument
        assert isinstance(argument, Tensor)
        weight = weights[use.path]
        if use.axes is not None:
            return weight.permute(use.axes)
        return weight.as_strided(argument.shape, argument.stride())


def tail_of(ward: Ward, layers: int = LAYERS) -> Tail | None:
    """The end of a network, of so many layers that see places at least; None where it has no block whose weights can be learned,
    or can't be walked back through.
    """
    net = ward.canvas.net
    found = last_block(net, layers)
    if found is None or net.opened.framework == "function":
        return None
    try:
        x = ward.canvas.as_seen(ward.canvas.load(ward.learn[:2]).x)
        graph = net.source.proved(x, gradient=True)
    except NetworkRefused:
        return None
    if graph.batch is not None or graph.source != "fake" or graph.draws or found.before not in graph.values:
        return None
    vector = vector_of(graph, None, net.opened.task)
    way = plan(graph, [vector.place.value], [found.before])
    live = parameters(net)
    plain = {path: p.detach() for path, p in live.items() if p.dtype in DTYPES}
    uses = {
        (k, j): use
        for k, step in enumerate(way.steps)
        for j, a in enumerate(step.arguments)
        if isinstance(a, Tensor) and a.dim() and (use := _use(a, plain, step.layer)) is not None
    }
    uses = {at: use for at, use in uses.items() if use.path in found.paths}
    copies = {path: _copied(plain[path]) for path in dict.fromkeys(use.path for use in uses.values())}
    return Tail(ward, graph, way.steps, way.ends, uses, copies, found.before, vector) if copies else None


def _copied(parameter: Tensor) -> Tensor:
    """In the same order in memory, so that what lay in the parameter's own memory lies in the copy's."""
    return parameter.clone(memory_format=torch.preserve_format)


def _use(argument: Tensor, own: Mapping[str, Tensor], layer: str) -> Use | None:
    """The parameter that an argument is; of several that are equal the one of the layer in which it is used."""
    for path, parameter in own.items():
        if parameter.numel() == argument.numel() and parameter.data_ptr() == argument.data_ptr():
            return Use(path, None)
    turned = [
        Use(path, axes) for path, parameter in own.items() if (axes := _axes(argument, parameter)) is not None
    ]  # fmt: skip
    plain = layer.replace("/", ".")
    return next((use for use in turned if plain and plain in use.path.replace("/", ".")), turned[0] if turned else None)


def _axes(argument: Tensor, parameter: Tensor) -> tuple[int, ...] | None:
    if argument.dim() != parameter.dim() or sorted(argument.shape) != sorted(parameter.shape):
        return None
    for axes in permutations(range(parameter.dim())):
        turned = parameter.permute(axes)
        if turned.shape == argument.shape and torch.equal(turned, argument.detach()):
            return axes
    return None


@dataclass(frozen=True, eq=False)
class Rows:
    """Pictures of a pool, up to before the block.

    Attributes
    ----------
    pool
        Of n pictures.
    values
        (n, …), in half the digits where they take too much room.
    """

    pool: Pool
    values: Tensor

    def at(self, rows: NDArray[np.int64] | slice) -> Tensor:
        """The values of some, in full."""
        return self.values[rows if isinstance(rows, slice) else torch.from_numpy(rows)].float()


def rows_of(
    tail: Tail,
    pool: Pool,
    kept: NDArray[np.bool_] | None = None,
    at_once: int = 32,
    held: Callable[[Pictures], Pictures] | None = None,
) -> Rows:
    """What comes before the block of all pictures of a pool, or of as many as there is room for, drawn by chance.

    Parameters
    ----------
    kept
        bool (n,): those that are wanted; by default all.
    held
        As for `made`.
    """
    numbers = np.arange(len(pool)) if kept is None else np.flatnonzero(kept)
    each = tail.graph.values[tail.before].at(1)
    numbers_each = int(np.prod(each))
    digits = torch.float32 if 4 * numbers_each * len(numbers) <= LARGEST else torch.float16
    room = max(at_once, LARGEST // (numbers_each * digits.itemsize))
    if len(numbers) > room:
        chance = np.random.default_rng([tail.ward.seed, 29])
        numbers = np.sort(chance.choice(numbers, room, replace=False))
    part = pool[numbers]
    values = [
        tail.values(made(tail.ward, some.numbers, some.donors, held, some.ways)).to(digits)
        for some in (part[np.arange(at, min(at + at_once, len(part)))] for at in range(0, len(part), at_once))
    ]
    return Rows(part, torch.cat(values))


def features_of(tail: Tail, rows: Rows, weights: Mapping[str, Tensor], at_once: int = 64) -> NDArray[np.float32]:
    """(n, D) of all rows, without gradients."""
    with torch.no_grad():
        each = [
            tail.features(rows.at(slice(at, at + at_once)), weights) for at in range(0, len(rows.pool), at_once)
        ]  # fmt: skip
    return torch.cat(each).float().numpy()
