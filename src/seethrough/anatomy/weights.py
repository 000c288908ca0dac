"""A layer's own weights, told apart: trainable, frozen, and what is no parameter at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
import torch.nn as nn
from torch.nn.parameter import is_lazy


@dataclass(frozen=True, slots=True)
class Weight:
    """One array of a layer.

    Attributes
    ----------
    name
        As the framework calls it: ``"weight"``, ``"kernel"``.
    shape
        None for a lazy parameter of torch, which has none before the first call.
    dtype
        ``"float32"``.
    trainable
        Whether training would change it.
    buffer
        True for what torch keeps beside its parameters, such as running statistics. Keras counts these among the
        weights, as not trainable, and so do we there.
    tensor
        The tensor itself.
    identity
        Equal where two layers share one array.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    trainable: bool
    buffer: bool
    tensor: torch.Tensor
    identity: int

    @property
    def count(self) -> int:
        """How many numbers."""
        return 0 if self.shape is None else prod(self.shape)


def own_weights(layer: nn.Module, framework: str) -> tuple[Weight, ...]:
    """The weights that belong to a layer itself and not to one inside of it, in the framework's order."""
    return tuple(_keras_weights(layer) if framework == "keras" else _torch_weights(layer))


def _torch_weights(module: nn.Module) -> Iterator[Weight]:
    for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
        yield _of_tensor(name, parameter, buffer=False)
    for name, buffer in module.named_buffers(recurse=False, remove_duplicate=False):
        yield _of_tensor(name, buffer, buffer=True)


def _of_tensor(name: str, tensor: torch.Tensor, *, buffer: bool) -> Weight:
    shape = None if is_lazy(tensor) else tuple(tensor.shape)
    return Weight(
        name,
        shape,
        str(tensor.dtype).removeprefix("torch."),
        tensor.requires_grad and not buffer,
        buffer,
        tensor,
        id(tensor),
    )


def _keras_weights(layer: Any) -> Iterator[Weight]:
    # a Keras layer lists the weights of the layers inside of it with its own
    inside = {id(w) for part in layer._flatten_layers(include_self=False) for w in part.weights}
    for w in layer.weights:
        if id(w) not in inside:
            yield Weight(w.name, tuple(w.shape), str(w.dtype), bool(w.trainable), False, w.value, id(w))
