"""Halved: a fused graph whose convolutions and products compute in bfloat16, for answers of which three digits are enough.

Which operations do follows torch's own automatic mixed precision: convolutions, linear layers, matrix products and attention
compute in 8 bits of mantissa and add up in float32; softmax, norms, means and sums in float32; the others in what they are
given. Unlike there, weights are cast once, and laid out for it where that can be had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import MANY
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.graph import Graph, Value
from seethrough.graph.operations import Context, Kind, Operation, Ref
from seethrough.graph.tree import flatten

HALF, WHOLE = torch.bfloat16, torch.float32

IN_HALF = frozenset((Kind.CONVOLUTION, Kind.TRANSPOSED, Kind.LINEAR, Kind.MATMUL, Kind.ATTENTION))
"""Kinds that compute in bfloat16 whatever they are given."""

AS_GIVEN = frozenset(
    (
        Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY, Kind.AFFINE, Kind.MAX_POOL, Kind.CONCAT, Kind.RESHAPE, Kind.PERMUTE,
        Kind.SELECT, Kind.EXPAND, Kind.PAD, Kind.DROPOUT,
    )
)  # fmt: skip
"""Kinds that compute in bfloat16 where all they are given is."""

EVERY = 32
"""Calls of which two are also computed in float32, so that it is known how far off the others are."""

PRECISIONS = ("float32", "bf16")


@cache
def can_halve() -> bool:
    """Whether this processor computes in bfloat16 itself, so that it may be worth it."""
    try:
        return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except AttributeError:
        return False


def refuse_precision(precision: str) -> None:
    """A precision that there isn't."""
    if precision not in PRECISIONS:
        raise UsageError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}.")


def halving_for(precision: str) -> Halving | None:
    """What a method's questions are asked by; None where they are asked in float32."""
    return Halving() if precision == "bf16" and can_halve() else None


class Halving:
    """What one question asked in bfloat16, and how far off it was.

    What bfloat16 makes of the pictures themselves is known beside what float32 makes of them, and taken off everywhere: what is
    left of the error is that of the changes.

    Attributes
    ----------
    answers, compared
        How many were had so, and how many of these in float32 too.
    difference
        The largest difference of these.
    moved
        The largest difference between these and the answer to the pictures themselves.
    seconds
        That these took in bfloat16, and in float32.
    """

    def __init__(self) -> None:
        self.answers = self.compared = self._calls = 0
        self.difference = self.moved = 0.0
        self.seconds = (0.0, 0.0)
        self._ways: dict[tuple[Graph, int, frozenset[int]], Graph] = {}
        self._clean: dict[tuple[Graph, int, frozenset[int]], tuple[Tensor, Tensor, Tensor]] = {}
        """The pictures, the answer to them, and what bfloat16 is off there."""

    def takes(self, graph: Graph, pictures: int) -> bool:
        """Whether so many pictures may go through a graph so: many, and it was written down for any batch size, in
        float32, and draws nothing.
        """
        return (
            pictures >= MANY
            and graph.source == "fake"
            and graph.batch is None
            and not graph.draws
            and graph.values[graph.input.value].dtype == WHOLE
        )

    def run(
        self,
        graph: Graph,
        given: Mapping[int, Tensor],
        wanted: int,
        pictures: Tensor,
        known: Callable[[], tuple[Mapping[int, Tensor], Mapping[int, Tensor]]],
    ) -> Tensor:
        """The wanted value for versions of the pictures, (k · N, …), all versions of picture 0 … N − 1 in turn.

        Parameters
        ----------
        graph
            In float32.
        pictures, known
            The pictures themselves; what they are run from, and the wanted value then.
        """
        key = graph, wanted, frozenset(given)
        if key not in self._ways:
            self._ways[key] = halved(graph, [wanted], given)
        half = self._ways[key]
        if key not in self._clean or self._clean[key][0] is not pictures:
            whole, values = known()
            clean = values[wanted]
            self._clean[key] = pictures, clean, clean - execute(half, whole, [wanted])[wanted]
        _, clean, off = self._clean[key]
        start = perf_counter()
        found = execute(half, given, [wanted])[wanted]
        middle = perf_counter()
        times = len(found) // len(off), *(1 for _ in off.shape[1:])
        found = found + off.repeat(times)
        if self._calls % EVERY in (0, 1):
            begin = perf_counter()
            right = execute(graph, given, [wanted])[wanted]
            before = (0.0, 0.0) if self._calls == 1 else self.seconds  # the first call lays things out
            self.seconds = before[0] + middle - start, before[1] + perf_counter() - begin
            self.difference = max(self.difference, float((found - right).abs().max()))
            self.moved = max(self.moved, float((right - clean.repeat(times)).abs().max()))
            self.compared += len(found)
        self._calls, self.answers = self._calls + 1, self.answers + len(found)
        return found


def halved(graph: Graph, wanted: Iterable[int], given: Iterable[int]) -> Graph:
    """A graph (fused, as a rule) in bfloat16: the same given and wanted values, in float32; only to be executed.

    Parameters
    ----------
    wanted, given
        As the graph was fused for: these keep their numbers and their dtype.
    """
    return _Halving(graph, frozenset(wanted), frozenset(given)).graph()


def _cast(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype)


@dataclass
class _Halving:
    old: Graph
    wanted: frozenset[int]
    given: frozenset[int]
    done: list[Operation] = field(default_factory=list)

    def graph(self) -> Graph:
        self.values = dict(self.old.values)
        self.next = max(self.values) + 1
        self.is_half: set[int] = set()
        self.other: dict[int, int] = {}
        """From a value to the same in the other precision."""
        for step in self.old:
            self._take(step)
        return replace(self.old, operations=self.done, values=self.values)

    def _take(self, step: Operation) -> None:
        floats = [v for v in step.inputs if self.values[v].dtype in (WHOLE, HALF)]
        half = step.kind in IN_HALF or (
            step.kind in AS_GIVEN and bool(floats) and all(v in self.is_half for v in floats)
        )
        half = half and step.context.autocast is None and all(self._is_float(v) for v in step.outputs if v is not None)
        arguments = [self._argument(a, half) for a in step.arguments]
        function = _halved(step.function) if half and isinstance(step.function, Convolution) else step.function
        outputs = tuple(self._made(v) if half and v in self.wanted else v for v in step.outputs)
        self.done.append(replace(step, function=function, arguments=arguments, outputs=outputs))
        if half:
            self._are_half(outputs)
        for made, v in zip(outputs, step.outputs):
            if made is not None and v is not None and made != v:
                self._append(made, v, WHOLE)
                self.other[v] = made

    def _is_float(self, value: int) -> bool:
        return self.old.values[value].dtype == WHOLE

    def _are_half(self, outputs: Iterable[int | None]) -> None:
        for v in outputs:
            if v is not None:
                self.is_half.add(v)
                self.values[v] = Value(self.values[v].shape, HALF)

    def _argument(self, argument: Any, half: bool) -> Any:
        """An argument as the operation is to be given it."""
        if isinstance(argument, Tensor) and half and argument.dtype == WHOLE:
            return argument.to(HALF)
        if not isinstance(argument, Ref) or self.values[argument.value].dtype not in (WHOLE, HALF):
            return argument
        v = argument.value
        if (v in self.is_half) == half:
            return argument
        if v not in self.other:
            self.other[v] = self._made(v)
            self._append(v, self.other[v], HALF if half else WHOLE)
            if half:
                self._are_half([self.other[v]])
        return Ref(self.other[v])

    def _made(self, like: int) -> int:
        """A new value."""
        number, self.next = self.next, self.next + 1
        self.values[number] = self.old.values.get(like, self.values[like])
        return number

    def _append(self, source: int, result: int, dtype: torch.dtype) -> None:
        leaves, spec = flatten(((Ref(source), dtype), {}))
        context = Context(grad=False)
        self.done.append(Operation(_cast, "to", Kind.CAST, leaves, spec, (result,), context=context))


def _halved(convolution: Convolution) -> Convolution:
    bias = convolution.bias
    weight = convolution.folded().to(HALF)
    return replace(convolution, weight=weight, scale=None, bias=None if bias is None else bias.to(HALF))
