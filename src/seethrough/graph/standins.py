"""Stand-ins: functions that are written down instead of the ones that were called, because they do the same and can be
run again.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from seethrough.graph.in_order import receives_in_order, receives_in_rows

# Multi-head attention is written in Python as its own composition: a copy of its code whose guard is off opens it.
open_attention = types.FunctionType(
    F.multi_head_attention_forward.__code__,
    {**F.__dict__, "has_torch_function": lambda tensors: False},
    "multi_head_attention_forward",
    F.multi_head_attention_forward.__defaults__,
)


def setitem(tensor: torch.Tensor, index: Any, value: Any) -> torch.Tensor:
    """``tensor[index] = value``; gives the tensor."""
    tensor[index] = value
    return tensor


def batch_norm(
    input: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Batch normalisation whose running statistics move in copies: torch writes them in training and says so in no
    schema.
    """
    if training:
        running_mean, running_var = (None if t is None else t.clone() for t in (running_mean, running_var))
    return receives_in_order(F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps))


def instance_norm(
    input: torch.Tensor,
    running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Instance normalisation; running statistics as in `batch_norm`."""
    if use_input_stats:
        running_mean, running_var = (None if t is None else t.clone() for t in (running_mean, running_var))
    return receives_in_rows(
        F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    )


for _stand_in in (setitem, batch_norm, instance_norm):
    _stand_in.__module__ = "torch"
STAND_INS: dict[Any, Callable[..., Any]] = {
    torch.Tensor.__setitem__: setitem,
    F.batch_norm: batch_norm,
    F.instance_norm: instance_norm,
}


def property_getter(getter: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """``Tensor.T.__get__`` as a function of one tensor with the property's name."""
    name = getter.__self__.__name__

    def read(tensor: torch.Tensor) -> torch.Tensor:
        return getattr(tensor, name)

    read.__name__ = name
    read.__module__ = "torch"
    return read
