"""Twins: a network runs on stand-ins of its weights that have a shape and no data, in whatever precision is asked for.

Every torch function is seen on its way in, and a parameter or buffer among its arguments is exchanged for its twin. So
the person's network computes, is trained and casts nothing: gradients, running statistics and a half-precision copy
are the twins'.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedOperatorException,
    unset_fake_temporarily,
)
from torch.overrides import TorchFunctionMode

from seethrough.graph.tree import flatten, unflatten

NEEDS_VALUES = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException)
"""What torch raises where a tensor without data is asked for its numbers."""


class Twins(TorchFunctionMode):
    """Exchanges a network's floating point weights for fake twins.

    Parameters
    ----------
    module
        The person's network; only read.
    fake
        The world in which the twins are.
    dtype
        What floating point weights are cast to; None leaves each as it is.
    real_factories
        Make tensors that depend on nothing (``torch.arange(7)``) with their values, for networks that look at them.
    """

    def __init__(
        self, module: nn.Module, fake: FakeTensorMode, *, dtype: torch.dtype | None = None, real_factories: bool = False
    ) -> None:
        super().__init__()
        self.real_factories = real_factories
        self.parameters = {id(p): _twin(p, fake, dtype) for p in module.parameters() if _is_exchanged(p)}
        self.buffers = {id(b): _twin(b, fake, dtype) for b in module.buffers() if _is_exchanged(b)}
        self._twins = self.parameters | self.buffers

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        flat, spec = flatten((args, kwargs or {}))
        tensors = False
        fakes = False
        for i, a in enumerate(flat):
            if isinstance(a, torch.Tensor):
                flat[i] = a = self._twins.get(id(a), a)
                tensors = True
                fakes = fakes or isinstance(a, FakeTensor)
        swapped, named = unflatten(flat, spec)
        if fakes or not (tensors or self.real_factories):
            return func(*swapped, **named)
        with unset_fake_temporarily():  # counters, seeds, tables of positions: a network may look at their values
            return func(*swapped, **named)


def _is_exchanged(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.layout is torch.strided


def _twin(tensor: torch.Tensor, fake: FakeTensorMode, dtype: torch.dtype | None) -> torch.Tensor:
    with fake:
        twin = torch.empty_strided(
            tensor.size(), tensor.stride(), dtype=dtype or tensor.dtype, device=tensor.device
        )  # a tensor of its own: views of one storage are parameters of their own too
        return nn.Parameter(twin, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else twin
