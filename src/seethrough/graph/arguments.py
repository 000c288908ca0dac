"""An operation's arguments as its signature names them, and their shapes; for those who read a graph without running
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from seethrough.graph.graph import Value
from seethrough.graph.operations import Operation, Ref, Size


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one operation at one batch size."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    values: Mapping[int, Value]
    batch: int

    @classmethod
    def of(cls, operation: Operation, values: Mapping[int, Value], batch: int) -> Arguments:
        positional, named = operation.bound()
        return cls(positional, named, values, batch)

    def get(self, position: int, name: str, default: Any = None) -> Any:
        """What was given at a position or by name; a number that goes with the batch as a number."""
        given = self.positional[position] if position < len(self.positional) else self.named.get(name, default)
        return given.at(self.batch) if isinstance(given, Size) else given

    def shape(self, argument: Any) -> tuple[int, ...]:
        """The shape of an argument that is a value of the graph or a constant tensor."""
        if isinstance(argument, Ref):
            return self.values[argument.value].at(self.batch)
        if isinstance(argument, torch.Tensor):
            return tuple(argument.shape)
        raise TypeError(f"{argument!r} is no tensor")

    def per_axis(self, position: int, name: str, default: Any, axes: int) -> tuple[int, ...]:
        """A setting of a convolution or pooling, once for each spatial axis: ``2`` is ``(2, 2)``."""
        given = self.get(position, name, default)
        numbers = tuple(given) if isinstance(given, (tuple, list, torch.Size)) else (given,)
        numbers = tuple(int(n.at(self.batch)) if isinstance(n, Size) else int(n) for n in numbers)
        return numbers * axes if len(numbers) == 1 else numbers


def is_tensor(argument: Any) -> bool:
    """Whether an argument stands for a tensor."""
    return isinstance(argument, (Ref, torch.Tensor))
