"""Normalisations that take their statistics from the picture, told apart into what they do: cut into groups, subtract the
mean (or not), divide by the spread, weigh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.graph.arguments import Arguments
from seethrough.graph.operations import Operation


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``y = weight · (x − mean(x)) / √(mean(…²) + ε) + bias``, over the last axis of ``flat(x)``.

    ``flat`` gives x with the places that share a statistic along its last axis; ``weight`` broadcasts against x, or is
    None; ``centred`` is False where no mean is subtracted.
    """

    flat: Callable[[Tensor], Tensor]
    weight: Tensor | None
    eps: float
    centred: bool

    @classmethod
    def of(cls, operation: Operation, batch: int, x: Tensor) -> Normalisation | None:
        """What `layer_norm`, `rms_norm`, `group_norm` or `instance_norm` was told; None for another operation, or where
        kept statistics are used.
        """
        given = Arguments.of(operation, {}, batch)
        if operation.name in ("layer_norm", "rms_norm"):
            axes, centred = len(given.get(1, "normalized_shape")), operation.name == "layer_norm"
            eps = given.get(4, "eps", 1e-5) if centred else given.get(3, "eps")
            weight = given.get(2, "weight")
            eps = torch.finfo(x.dtype).eps if eps is None else eps
            return cls(lambda t: t.flatten(-axes), weight, eps, centred)
        if operation.name == "group_norm":
            groups, weight, eps = given.get(1, "num_groups"), given.get(2, "weight"), given.get(4, "eps", 1e-5)
        elif operation.name == "instance_norm" and given.get(5, "use_input_stats", True):
            groups, weight, eps = x.shape[1], given.get(3, "weight"), given.get(7, "eps", 1e-5)
        else:
            return None
        weight = weight if weight is None else weight.reshape(-1, *[1] * (x.dim() - 2))
        return cls(lambda t: t.reshape(len(t), groups, -1), weight, eps, True)

    def centre(self, flat: Tensor) -> Tensor:
        """Less its mean, where that is subtracted; its own transpose."""
        return flat - flat.mean(-1, keepdim=True) if self.centred else flat

    def spread(self, flat: Tensor) -> Tensor:
        """What is divided by, (…, 1)."""
        return (self.centre(flat).square().mean(-1, keepdim=True) + self.eps).sqrt()

    def weighed(self, arrived: Tensor) -> Tensor:
        """What arrived at y, at the value before it is weighed."""
        return arrived if self.weight is None else arrived * self.weight
