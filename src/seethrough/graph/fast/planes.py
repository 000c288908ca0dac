"""Planes: what a network computes with its channels last, or through reshapes that move no place, written on planes
(N, C, H, W).

A linear layer over the last axis of (N, H, W, C) is a convolution of one place; a normalisation over it normalises the
channels of each place. Written so they can be fused with their neighbours, and changes of a few places can be followed
through them. Values keep their numbers, and those that are wanted their axes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seethrough.graph.execute import plan
from seethrough.graph.fast.boxes.rules_moving import moved
from seethrough.graph.graph import Graph, Value
from seethrough.graph.operations import PLACEWISE, Kind, Operation, Ref, Size
from seethrough.graph.tree import flatten, leaves_of

LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
"""Permutations that put the channels last, and back."""


def on_planes(graph: Graph, wanted: Iterable[int], given: Iterable[int]) -> Graph:
    """The operations from the given values to the wanted ones, on planes where they can be."""
    writing = _Writing(graph, frozenset(wanted), frozenset(given))
    return replace(graph, operations=writing.operations(), values=writing.values)


def channel_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Normalisation of the channels of each place."""
    return F.layer_norm(x.permute(LAST), (x.shape[1],), weight, bias, eps).permute(FIRST)


@dataclass(frozen=True, eq=False)
class Part:
    """One of several tensors that a function gives, whatever the order of memory."""

    function: Any
    which: int

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return leaves_of(self.function(*args, **kwargs))[self.which]


@dataclass(frozen=True, eq=False)
class Chain:
    """Operations that each read what the one before gives, as one."""

    steps: Sequence[Operation]

    def __call__(self, x: Tensor) -> Tensor:
        batch = len(x)
        for step in self.steps:
            x = step.call({step.inputs[0]: x}, batch)
        return x


@dataclass(frozen=True, eq=False)
class Shuffle:
    """Channels in ``groups`` groups, one of each in turn (Zhang et al., ShuffleNet, CVPR 2018), with the channels of each
    place side by side in memory before and after.
    """

    groups: int

    def __call__(self, x: Tensor) -> Tensor:
        return x.permute(LAST).unflatten(3, (self.groups, -1)).transpose(3, 4).flatten(3).permute(FIRST)

    @classmethod
    def of(cls, graph: Graph, operation: Operation) -> Shuffle | None:
        """What an operation does, where it is this."""
        rule = moved(graph, operation)
        if rule is None or not rule.pointwise or rule.channels is None:
            return None
        order = torch.arange(len(rule.channels))
        groups = (g for g in range(2, len(order)) if len(order) % g == 0)
        return next((cls(g) for g in groups if torch.equal(order.view(g, -1).t().flatten(), rule.channels)), None)


@dataclass
class _Writing:
    graph: Graph
    wanted: frozenset[int]
    given: frozenset[int]
    done: list[Operation] = field(default_factory=list)
    plane: dict[int, int] = field(default_factory=dict)
    """From a value (N, H, W, C) to the one that holds the same as (N, C, H, W)."""
    same: dict[int, int] = field(default_factory=dict)
    """From a value (N, C, H, W) to another that holds the same."""
    maker: dict[int, Operation] = field(default_factory=dict)
    """For those of both that nobody has read as they are so far, the operation that gave them."""

    def operations(self) -> list[Operation]:
        self.values = dict(self.graph.values)
        self.new = max(self.values, default=0) + 1
        for step in plan(self.graph, self.wanted, self.given).steps:
            step = _unwrapped(self._renamed(step))
            if not self._reordered(step) and not self._turned(step) and not self._parted(step):
                for v in step.inputs:
                    self._needed(v)
                self.done.append(step)
        for v in self.wanted:
            self._needed(v)
        return self._chained()

    def _renamed(self, step: Operation) -> Operation:
        if not any(v in self.same for v in step.inputs):
            return step
        arguments = [Ref(self.same.get(a.value, a.value)) if isinstance(a, Ref) else a for a in step.arguments]
        return replace(step, arguments=arguments)

    def _needed(self, value: int) -> None:
        """Give a value under its own number and with its channels last after all, for who reads it so."""
        step = self.maker.pop(value, None)
        if step is None:
            return
        if value in self.plane:
            args = (Ref(self.plane[value]), LAST)
            self.done.append(written(step, torch.permute, "permute", Kind.PERMUTE, args))
        else:
            self.done.append(written(step, torch.detach, "detach", Kind.CAST, (Ref(self.same[value]),)))

    def _reordered(self, step: Operation) -> bool:
        """Leave out what only lays the channels last in memory, as Keras does before each convolution."""
        if step.name != "contiguous" or torch.channels_last not in step.arguments or step.inputs[0] in self.plane:
            return False
        (source,), (output,) = step.inputs, step.outputs
        if output is not None:
            self.same[output], self.maker[output] = source, step
        return True

    # --- channels last ------------------------------------------------------------------------------------------------

    def _turned(self, step: Operation) -> bool:
        """Write a step that reads or gives (N, H, W, C) on planes; False where it can't be."""
        output = step.outputs[0] if len(step.outputs) == 1 else None
        if output is None or step.kind is Kind.WRITE:
            return False
        if step.name == "permute":
            return self._permuted(step)
        if not step.inputs or not all(v in self.plane for v in step.inputs):
            return False
        write = _TURNED.get(step.name) or (_placewise if step.name in PLACEWISE else None)
        written = None if write is None else write(self, step)
        if written is None:
            return False
        operation, still_last = written
        if still_last:
            operation = replace(operation, outputs=(self._turn(step, output),))
        self.done.append(operation)
        return True

    def _permuted(self, step: Operation) -> bool:
        (source,), (output,) = step.inputs, step.outputs
        assert output is not None
        axes = tuple(a for a in step.arguments if isinstance(a, int))
        if axes == LAST and source not in self.plane and len(self.values[source].shape) == 4:
            self.plane[output] = source
        elif axes == FIRST and source in self.plane:
            self.same[output] = self.plane[source]
        else:
            return False
        self.maker[output] = step
        return True

    def _turn(self, step: Operation, value: int) -> int:
        """A new value that holds a value (N, H, W, C) as (N, C, H, W)."""
        self.plane[value], self.new = self.new, self.new + 1
        self.maker[value] = replace(step, outputs=(value,))
        old = self.values[value]
        self.values[self.plane[value]] = Value(tuple(old.shape[a] for a in FIRST), old.dtype)
        return self.plane[value]

    # --- several outputs, several reshapes ------------------------------------------------------------------------------

    def _parted(self, step: Operation) -> bool:
        """Write what cuts a plane in parts as one operation a part."""
        if step.name not in ("chunk", "split", "tensor_split") or len(step.inputs) != 1 or step.random:
            return False
        if any(len(self.values[v].shape) != 4 for v in (*step.inputs, *step.outputs) if v is not None):
            return False
        (source,) = step.inputs
        turned = self._along_channels(step, 2) if source in self.plane else None
        if turned is None:
            self._needed(source)
        for k, value in enumerate(step.outputs):
            if value is not None:
                part = replace(turned or step, function=Part(step.function, k), name="moved")
                self.done.append(replace(part, outputs=(self._turn(step, value) if turned else value,)))
        return True

    def _along_channels(self, step: Operation, position: int) -> Operation | None:
        """A step that works along the last axis, named at a position or as ``dim``, along the channels of planes; None
        where it works along another.
        """
        args, kwargs = step.bound()
        args = list(args)
        axis = args[position] if len(args) > position else kwargs.pop("dim", kwargs.pop("axis", None))
        axis = axis[0] if isinstance(axis, (tuple, list)) and len(axis) == 1 else axis
        if axis not in (-1, 3) or isinstance(axis, bool):
            return None
        if len(args) > position:
            args[position] = 1
        else:
            kwargs["dim"] = 1
        leaves, spec = flatten((tuple(args), kwargs))
        return replace(step, arguments=[self._on_plane(a) for a in leaves], spec=spec)

    def _on_plane(self, argument: Any) -> Any:
        return Ref(self.plane[argument.value]) if isinstance(argument, Ref) else argument

    def _chained(self) -> list[Operation]:
        """The operations, with reshapes that lead from a plane to a plane as one."""
        maker = {v: o for o in self.done for v in o.outputs if v is not None}
        readers = Counter(v for o in self.done for v in o.inputs)
        readers.update(self.wanted)
        gone: set[int] = set()
        found: dict[int, Operation] = {}
        for operation in self.done:
            if not self._moves(operation) or len(self.values[operation.outputs[0] or 0].shape) != 4:
                continue
            chain = [operation]
            while len(self.values[(source := chain[0].inputs[0])].shape) != 4:
                before = maker.get(source)
                if before is None or readers[source] != 1 or not self._moves(before):
                    break
                chain.insert(0, before)
            if len(chain) > 1 and len(self.values[source].shape) == 4:
                gone.update(id(o) for o in chain[:-1])
                whole = written(operation, Chain(chain), "moved", Kind.SELECT, (Ref(source),))
                shuffle = Shuffle.of(replace(self.graph, values=self.values), whole)
                found[id(operation)] = whole if shuffle is None else replace(whole, function=shuffle)
        return [found.get(id(o), o) for o in self.done if id(o) not in gone]

    @staticmethod
    def _moves(operation: Operation) -> bool:
        kinds = operation.kind in (Kind.RESHAPE, Kind.PERMUTE) or operation.name in ("contiguous", "clone")
        return kinds and len(operation.inputs) == len(operation.outputs) == 1 and operation.outputs[0] is not None


def _unwrapped(step: Operation) -> Operation:
    """A step whose constants are tensors, where they are objects that stand for one (variables of Keras)."""
    if not any(_stands_for_a_tensor(a) for a in step.arguments):
        return step
    return replace(step, arguments=[torch.detach(a) if _stands_for_a_tensor(a) else a for a in step.arguments])


def _stands_for_a_tensor(argument: Any) -> bool:
    return hasattr(argument, "__torch_function__") and hasattr(argument, "shape") and not isinstance(argument, Tensor)


def written(step: Operation, function: Any, name: str, kind: Kind, args: tuple[Any, ...]) -> Operation:
    """A step with another function and arguments, which gives the same value."""
    leaves, spec = flatten((args, {}))
    return replace(step, function=function, name=name, kind=kind, arguments=leaves, spec=spec)


# --- one by one: the operation on planes, and whether what it gives had its channels last -------------------------------

_Turned = tuple[Operation, bool] | None


def _said(step: Operation, position: int, name: str, default: Any = None) -> Any:
    args, kwargs = step.bound()
    return args[position] if len(args) > position else kwargs.get(name, default)


def _placewise(writing: _Writing, step: Operation) -> _Turned:
    """Element by element; constants that broadcast are turned with the values."""
    if any(isinstance(a, Size) for a in step.arguments):
        return None
    arguments = [
        a.detach()[(None,) * (4 - a.dim())].permute(FIRST)
        if isinstance(a, Tensor) and 0 < a.dim() <= 4
        else writing._on_plane(a)
        for a in step.arguments
    ]
    return replace(step, arguments=arguments), True


def _linear(writing: _Writing, step: Operation) -> _Turned:
    weight, bias = _said(step, 1, "weight"), _said(step, 2, "bias")
    if len(step.inputs) != 1 or not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        return None
    return _one_by_one(writing, step, weight, bias), True


def _product(writing: _Writing, step: Operation) -> _Turned:
    """``x @ W``, with a constant W."""
    x, weight = _said(step, 0, "input"), _said(step, 1, "other")
    if not isinstance(x, Ref) or not isinstance(weight, Tensor) or weight.dim() != 2:
        return None
    return _one_by_one(writing, step, weight.t(), None), True


def _one_by_one(writing: _Writing, step: Operation, weight: Tensor, bias: Tensor | None) -> Operation:
    (source,) = step.inputs
    args = (Ref(writing.plane[source]), weight.detach()[:, :, None, None].contiguous(), bias)
    return written(step, F.conv2d, "conv2d", Kind.CONVOLUTION, args)


def _layer_norm(writing: _Writing, step: Operation) -> _Turned:
    shape = _said(step, 1, "normalized_shape")
    (source,) = step.inputs
    if tuple(shape) != (writing.values[source].shape[3],):
        return None
    weight, bias, eps = _said(step, 2, "weight"), _said(step, 3, "bias"), _said(step, 4, "eps", 1e-5)
    args = (Ref(writing.plane[source]), weight, bias, eps)
    return written(step, channel_norm, "channel_norm", Kind.AFFINE, args), True


def _across(writing: _Writing, step: Operation) -> _Turned:
    """What mixes the numbers along the last axis."""
    position = 2 if step.name == "normalize" else 1
    turned = writing._along_channels(step, position) if len(writing.values[step.outputs[0] or 0].shape) == 4 else None
    return None if turned is None else (turned, True)


def _mean(writing: _Writing, step: Operation) -> _Turned:
    """The mean over the plane, or across the channels."""
    across = _across(writing, step)
    if across is not None:
        return across
    axes, keep = _said(step, 1, "dim", step.bound()[1].get("axis")), _said(step, 2, "keepdim", False)
    if not isinstance(axes, (tuple, list)) or {a % 4 for a in axes} != {1, 2} or _said(step, 3, "dtype") is not None:
        return None
    args = (Ref(writing.plane[step.inputs[0]]), (2, 3), bool(keep))
    return written(step, torch.mean, "mean", Kind.REDUCE, args), bool(keep)


_TURNED = {
    "linear": _linear,
    "matmul": _product,
    "layer_norm": _layer_norm,
    "mean": _mean,
    **dict.fromkeys("var std sum amax amin softmax log_softmax glu normalize cat".split(), _across),
}
