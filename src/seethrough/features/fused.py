"""Fused: a convolution and the normalisation behind it as one convolution, for steps that are taken many times.

In inference a batch normalisation, or any affine function of the channels, only scales and shifts what a convolution gives,
``(w ∗ x + b − m) · s + t = (s w) ∗ x + (b − m) · s + t``. On a processor it costs as much as a light convolution, forward and back.
The numbers are the same up to rounding; what is reported is always measured on the graph as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from seethrough.graph.operations import Operation, Ref
from seethrough.graph.tree import flatten

Affine = tuple[Tensor, Tensor, Tensor]
"""(mean, scale, shift), each (C,)."""


def fused(steps: Sequence[Operation], kept: Collection[int]) -> tuple[Operation, ...]:
    """The same steps, where a normalisation that alone reads a convolution is in it.

    Parameters
    ----------
    kept
        Numbers of values that must be there in the end.
    """
    readers = Counter(v for step in steps for v in step.inputs)
    done: list[Operation] = []
    made: dict[int, int] = {}
    for step in steps:
        source = step.arguments[0].value if step.arguments and isinstance(step.arguments[0], Ref) else -1
        at = made.get(source)
        one = None if at is None or readers[source] != 1 or source in kept else _one(done[at], step)
        if at is not None and one is not None:
            done[at] = one
            made[one.outputs[0] or 0] = at
            continue
        if step.name == "conv2d":
            made[step.outputs[0] or 0] = len(done)
        done.append(step)
    return tuple(done)


def _one(convolution: Operation, behind: Operation) -> Operation | None:
    """Both as one convolution; None where the second isn't an affine function of the channels."""
    (x, weight, *rest), keywords = convolution.bound()
    affine = _affine_of(behind, weight.shape[0]) if isinstance(weight, Tensor) else None
    if affine is None or convolution.context != behind.context:
        return None
    mean, scale, shift = affine
    bias = rest[0] if rest else keywords.get("bias")
    if not all(isinstance(t, Tensor) and t.dtype == weight.dtype for t in affine):
        return None
    new = ((0 if bias is None else bias) - mean) * scale + shift
    others = {key: value for key, value in keywords.items() if key != "bias"}
    leaves, spec = flatten(((x, weight * scale[:, None, None, None], new, *rest[1:]), others))
    return replace(convolution, arguments=leaves, spec=spec, outputs=behind.outputs)


def _affine_of(operation: Operation, channels: int) -> Affine | None:
    arguments, keywords = operation.bound()
    if operation.name == "affine":
        numbers = arguments[1:4]
        if all(isinstance(t, Tensor) and t.shape == (1, channels, 1, 1) for t in numbers):
            mean, scale, shift = (t.flatten() for t in numbers)
            return mean, scale, shift
        return None
    if operation.function is torch.nn.functional.batch_norm or operation.name == "batch_norm":
        return _normalisation(arguments, keywords)
    return None


def _normalisation(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Affine | None:
    """``torch.nn.functional.batch_norm`` in inference: (x − mean) / √(variance + ε) · weight + bias."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    if len(arguments) > len(names):
        return None  # another function of this name
    said = {**dict(zip(names, arguments)), **keywords}
    mean, variance = said.get("running_mean"), said.get("running_var")
    if said.get("training", False) or not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
        return None
    weight, bias = said.get("weight"), said.get("bias")
    scale = torch.rsqrt(variance + said.get("eps", 1e-5))
    scale = scale if weight is None else scale * weight
    return mean, scale, torch.zeros_like(mean) if bias is None else bias
