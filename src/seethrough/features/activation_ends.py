"""Ends: the function that a layer's values come from, and where it goes flat, read off the graph.

A rectifier holds back what is negative: it gives exactly zero there, which is its use. Where a function stops at another
value (6, or ±1), a unit that sits there tells no difference and learns nothing: it is *saturated* (Glorot and Bengio,
Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref

MARGIN = 0.01
"""A function that nears its end without reaching it counts as there within this share of its range."""


@dataclass(frozen=True, slots=True)
class Ends:
    """A function of one number, and where it goes flat.

    Attributes
    ----------
    name
        ``"relu6"``.
    zero
        Whether what is held back becomes exactly zero: a rectifier.
    low, high
        Values at which it ends, other than a rectifier's zero; None where it goes on.
    margin
        How near to an end counts as there.
    """

    name: str
    zero: bool = False
    low: float | None = None
    high: float | None = None
    margin: float = 0.0

    @property
    def saturates(self) -> bool:
        """Whether it has an end."""
        return self.low is not None or self.high is not None

    def reached(self, values: Tensor) -> Tensor:
        """Where values are at an end, bool."""
        there = values != values  # nowhere
        if self.low is not None:
            there = there | (values <= self.low + self.margin)
        if self.high is not None:
            there = there | (values >= self.high - self.margin)
        return there


def ends_of(graph: Graph, value: int) -> Ends | None:
    """The function that gave a value, looked for behind what only moves or picks numbers; None where no such function did.

    Where several values are put together, all must have come from the same.
    """
    at = graph.producer.get(value)
    if at is None:
        return None
    operation = graph.operations[at]
    if operation.kind in _PASSED_THROUGH:
        found = {ends_of(graph, v) for v in operation.inputs}
        return found.pop() if len(found) == 1 else None
    read = _READ.get(operation.name)
    if read is not None:
        return read(operation)
    return Ends(operation.name) if operation.kind in (Kind.ACTIVATION, Kind.SOFTMAX) else None


_PASSED_THROUGH = (
    Kind.RESHAPE,
    Kind.PERMUTE,
    Kind.CAST,
    Kind.DROPOUT,
    Kind.SELECT,
    Kind.CONCAT,
    Kind.MAX_POOL,
)


def _hard(operation: Operation, low: float | None, high: float | None) -> Ends | None:
    """A function that is cut: at 0 from below it is a rectifier, whatever it is called."""
    if low is None and high is None:
        return None
    zero = low == 0
    name = {None: "relu", 6.0: "relu6"}.get(high, operation.name) if zero else operation.name
    return Ends(name, zero=zero, low=None if zero else low, high=high)


def _number(operation: Operation, position: int, *names: str, default: float | None = None) -> float | None:
    args, kwargs = operation.bound()
    given: Any = args[position] if len(args) > position else next((kwargs[n] for n in names if n in kwargs), default)
    return None if given is None or isinstance(given, Ref | Tensor) else float(given)


def _hardtanh(operation: Operation) -> Ends | None:
    low, high = _number(operation, 1, "min_val", default=-1.0), _number(operation, 2, "max_val", default=1.0)
    return _hard(operation, low, high)


def _clamp(operation: Operation) -> Ends | None:
    return _hard(operation, _number(operation, 1, "min"), _number(operation, 2, "max"))


def _from_below(operation: Operation) -> Ends | None:
    return _hard(operation, _number(operation, 1, "min"), None)


def _exponential(operation: Operation) -> Ends:
    """ELU and CELU: flat at −α."""
    alpha = _number(operation, 1, "alpha", default=1.0) or 1.0
    return Ends(operation.name, low=-alpha, margin=MARGIN * alpha)


def _soft(low: float, high: float) -> Callable[[Operation], Ends]:
    return lambda operation: Ends(operation.name, low=low, high=high, margin=MARGIN * (high - low))


_READ: Mapping[str, Callable[[Operation], Ends | None]] = {
    "relu": lambda operation: Ends("relu", zero=True),
    "relu6": lambda operation: Ends("relu6", zero=True, high=6.0),
    "hardswish": lambda operation: Ends("hardswish", zero=True),
    "hardsigmoid": lambda operation: Ends("hardsigmoid", low=0.0, high=1.0),
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _from_below,
    "sigmoid": _soft(0.0, 1.0),
    "tanh": _soft(-1.0, 1.0),
    "softsign": _soft(-1.0, 1.0),
    "elu": _exponential,
    "celu": _exponential,
    "selu": lambda operation: Ends("selu", low=-1.7580993, margin=MARGIN * 1.7580993),
}
"""By the function's name, where it ends; an activation that isn't here goes on."""
