"""Fused: a graph with as few, as large operations as its convolutions allow, to be executed many times.

In inference a batch normalisation, or any affine function of the channels, only scales and shifts what a convolution gives,
``(w ∗ x + b − m) · s + t = (s w) ∗ x + (b − m) · s + t``; zeros laid around a picture are the convolution's own padding; what is
added to it and a rectifier behind it are done while its numbers are still at hand. The numbers are the same up to rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from seethrough.graph.execute import plan
from seethrough.graph.fast.convolution import Convolution, Sides, activation_of
from seethrough.graph.fast.packed import NONE, Pair
from seethrough.graph.fast.planes import Part, Shuffle, on_planes
from seethrough.graph.graph import Graph
from seethrough.graph.linear_maps import scaling
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.tree import flatten

IN_ANY_ORDER = frozenset(
    (
        Kind.CONVOLUTION,
        Kind.AFFINE,
        Kind.ACTIVATION,
        Kind.ADD,
        Kind.MULTIPLY,
        Kind.CONCAT,
        Kind.PAD,
        Kind.MAX_POOL,
        Kind.AVERAGE_POOL,
        Kind.REDUCE,
        Kind.DROPOUT,
    )
)
"""Kinds that give the same numbers whatever order of memory they are given."""


def fused(graph: Graph, wanted: Iterable[int], given: Iterable[int] = (), *, gradients: bool = False) -> Graph:
    """The operations that lead from the given values (the graph's inputs where none are named) to the wanted ones, fused.

    Parameters
    ----------
    gradients
        Fold in what is affine and nothing else, and keep to functions that have gradients, so that rules for rectifiers
        and sums find them where they were.

    Returns
    -------
    Graph
        With the same numbers of values, of which those that nobody wants may be gone. Its convolutions are
        `Convolution`s. Only to be executed.
    """
    return _Fusing(graph, frozenset(wanted), frozenset(given), gradients).graph()


@dataclass
class _Fusing:
    old: Graph
    wanted: frozenset[int]
    given: frozenset[int]
    gradients: bool
    done: list[Operation | None] = field(default_factory=list)
    made: dict[int, int] = field(default_factory=dict)
    """From a value to the position of the operation that gives it."""

    def graph(self) -> Graph:
        given = self.given or frozenset(place.value for place in self.old.inputs.values())
        if not self.gradients:
            self.old = on_planes(self.old, self.wanted, given)
        steps = plan(self.old, self.wanted, given).steps
        self.readers = Counter(v for step in steps for v in step.inputs)
        self.readers.update(self.wanted)
        for step in steps:
            self._take(step)
        done = [operation for operation in self.done if operation is not None]
        return replace(self.old, operations=done if self.gradients else [in_order(o) for o in done])

    def _take(self, step: Operation) -> None:
        operation = self._convolution(step)
        if operation is None:
            if self._affine(step) or (not self.gradients and (self._activation(step) or self._sum(step))):
                return
            operation = step
        self._append(operation)

    def _append(self, operation: Operation) -> None:
        self.made.update({v: len(self.done) for v in operation.outputs if v is not None})
        self.done.append(operation)

    def _alone(self, value: int) -> tuple[int, Convolution] | None:
        """The convolution that gives a value which nobody but one operation reads, and its position."""
        at = self.made.get(value)
        operation = None if at is None else self.done[at]
        if at is None or operation is None or not isinstance(operation.function, Convolution):
            return None
        return (at, operation.function) if self.readers[value] == 1 else None

    def _becomes(self, at: int, convolution: Convolution, step: Operation, *more: Ref) -> bool:
        """The convolution at a position now gives what ``step`` gives."""
        operation = self.done[at]
        assert operation is not None
        leaves, spec = flatten(((*operation.bound()[0], *more), {}))
        self.done[at] = None
        new = replace(operation, function=convolution, arguments=leaves, spec=spec, outputs=step.outputs)
        position = at if not more else len(self.done)  # with something added, not before that is there
        if more:
            self.done.append(new)
        else:
            self.done[at] = new
        self.made[step.outputs[0] or 0] = position
        return True

    # --- one by one ---------------------------------------------------------------------------------------------------

    def _convolution(self, step: Operation) -> Operation | None:
        if step.name != "conv2d":
            return None
        args, kwargs = step.bound()

        def said(position: int, name: str, default: Any) -> Any:
            return args[position] if len(args) > position else kwargs.get(name, default)

        x, weight, bias = said(0, "input", None), said(1, "weight", None), said(2, "bias", None)
        if not isinstance(x, Ref) or not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
            return None
        shape = self.old.values[x.value].shape
        if len(shape) != 4:
            return None
        stride, dilation = _two(said(3, "stride", 1)), _two(said(5, "dilation", 1))
        pads = _sides(said(4, "padding", 0), (weight.shape[2], weight.shape[3]), dilation)
        x, pads = self._padded(x, pads)
        size = (4, *(int(n) for n in shape[1:2]), *(min(int(n), 16) for n in shape[2:]))  # type: ignore[arg-type]
        function = Convolution(
            weight.detach(), None if bias is None else bias.detach(), stride, pads, dilation,
            int(said(6, "groups", 1)), NONE, size, not self.gradients,
        )  # fmt: skip
        leaves, spec = flatten(((x,), {}))
        return replace(step, function=function, arguments=leaves, spec=spec)

    def _padded(self, x: Ref, pads: Sides) -> tuple[Ref, Sides]:
        """What is padded with zeros for one reader is padded by that reader."""
        at = self.made.get(x.value)
        before = None if at is None or self.readers[x.value] != 1 else self.done[at]
        widths = None if before is None or self.gradients else _zeros_around(before)
        if at is None or before is None or widths is None:
            return x, pads
        self.done[at] = None
        (source,) = (a for a in before.arguments if isinstance(a, Ref))
        return source, (pads[0] + widths[0], pads[1] + widths[1], pads[2] + widths[2], pads[3] + widths[3])

    def _affine(self, step: Operation) -> bool:
        found = scaling(step)
        one = None if found is None else self._alone(found[0])
        if found is None or one is None or step.outputs[0] is None:
            return False
        _, scale, shift = found
        at, convolution = one
        outputs = convolution.weight.shape[0]
        before = self.done[at]
        if before is None or convolution.activation != NONE or len(before.inputs) > 1 or before.context != step.context:
            return False
        numbers = [None if c is None else _by_channel(c, outputs, step.name == "batch_norm") for c in (scale, shift)]
        if any(n is None and c is not None for n, c in zip(numbers, (scale, shift))):
            return False
        return self._becomes(at, _folded(convolution, *numbers), step)

    def _activation(self, step: Operation) -> bool:
        activation = activation_of(step)
        one = None if activation is None else self._alone(step.inputs[0])
        if activation is None or one is None or one[1].activation != NONE:
            return False
        return self._becomes(one[0], replace(one[1], activation=activation), step)

    def _sum(self, step: Operation) -> bool:
        args, kwargs = step.bound()
        if step.name != "add" or kwargs or len(args) != 2 or not all(isinstance(a, Ref) for a in args):
            return False
        values = self.old.values
        if args[0].value == args[1].value or values[args[0].value] != values[args[1].value]:
            return False
        for own, other in sorted(
            ((args[0], args[1]), (args[1], args[0])), key=lambda pair: -self.made.get(pair[0].value, -1)
        ):
            one = self._alone(own.value)
            operation = None if one is None else self.done[one[0]]
            if one is not None and operation is not None and one[1].activation == NONE and len(operation.inputs) == 1:
                return self._becomes(one[0], replace(one[1]), step, other)
        return False


def _folded(convolution: Convolution, scale: Tensor | None, shift: Tensor | None) -> Convolution:
    """``scale · (w ∗ x + b) + shift`` as one convolution; reckoned in double."""
    dtype, before = convolution.weight.dtype, convolution.scale
    bias = convolution.bias if convolution.bias is None else convolution.bias.double()
    if scale is not None:
        scale = scale.double()
        bias = None if bias is None else bias * scale
    if shift is not None:
        bias = shift.double() if bias is None else bias + shift.double()
    both = before if scale is None else scale if before is None else before * scale
    return replace(convolution, scale=both, bias=None if bias is None else bias.to(dtype))


def _by_channel(constant: Tensor, channels: int, flat: bool) -> Tensor | None:
    """One number a channel, (C,), of a constant that broadcasts against (N, C, H, W) or, ``flat``, stands along C."""
    constant = constant.detach()
    if constant.numel() == 1:
        return constant.reshape(1).expand(channels)
    if flat or (constant.dim() in (3, 4) and constant.shape[-3] == channels):
        return constant.flatten() if constant.numel() == channels else None
    return None


def _two(number: Any) -> Pair:
    numbers = tuple(number) if isinstance(number, (tuple, list)) else (number,)
    return (int(numbers[0]), int(numbers[-1]))


def _sides(padding: Any, kernel: Pair, dilation: Pair) -> Sides:
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2
    down, across = _two(padding)
    return down, down, across, across


def _zeros_around(operation: Operation) -> Sides | None:
    """How far an operation lays zeros around a picture; None where it does anything else."""
    if operation.kind is not Kind.PAD or len(operation.inputs) != 1:
        return None
    args, kwargs = operation.bound()
    widths = args[1] if len(args) > 1 else kwargs.get("pad")
    mode = args[2] if len(args) > 2 else kwargs.get("mode", "constant")
    value = args[3] if len(args) > 3 else kwargs.get("value")
    if operation.name != "pad" or mode != "constant" or value not in (None, 0) or not isinstance(widths, (tuple, list)):
        return None
    numbers = [n if isinstance(n, int) else -1 for n in widths] + [0] * (8 - len(widths))
    if any(n < 0 for n in numbers) or any(numbers[4:]):
        return None
    return numbers[2], numbers[3], numbers[0], numbers[1]


def in_order(operation: Operation) -> Operation:
    """An operation that may look at the order of memory is given the usual one."""
    if operation.kind in IN_ANY_ORDER or isinstance(operation.function, (Part, Shuffle)):
        return operation
    function = operation.function

    def usual(*args: Any, **kwargs: Any) -> Any:
        return function(*[_usual(a) for a in args], **{k: _usual(a) for k, a in kwargs.items()})

    usual.plain = function  # type: ignore[attr-defined]  # for those who know that it gives the same in any order
    return replace(operation, function=usual)


def _usual(argument: Any) -> Any:
    return argument.contiguous() if isinstance(argument, torch.Tensor) else argument
