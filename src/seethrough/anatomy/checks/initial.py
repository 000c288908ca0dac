"""Initial: whether a layer's weights still are as its framework drew them before training.

A framework draws the weights of a layer from a bounded distribution whose bounds follow from the layer's shape: PyTorch
uniformly within ±1/√fan_in, Keras as the layer's initializer says (by default uniformly within ±√(6/(fan_in + fan_out)),
Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010). Training
carries some weights across such a sharp bound almost at once. So a layer is held for untrained where no weight is beyond
it, and where the weights in between are spread as they were drawn (Kolmogorov–Smirnov).

Distributions without a bound are left out: a trained layer may look like one of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np
import torch

from seethrough.anatomy.checks.parts import Part, has_data

ENOUGH = 100
"""Of fewer numbers nothing is said."""

LOOKED_AT = 20_000
"""Numbers of one array that are compared with a distribution; the bound is held against all."""

LIKELY = 1e-3
"""How improbable the spread may be, under the distribution, before we say that it isn't that one."""

SLACK = 1e-3
"""How far beyond a bound rounding to half precision may carry a number, relatively."""

TRUNCATED = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at ±2."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A distribution around 0 with a sharp end at ``bound``: uniform, or normal cut off at two deviations."""

    bound: float
    normal: bool = False

    def fits(self, tensor: torch.Tensor) -> bool:
        """Whether numbers may have been drawn from it."""
        if tensor.numel() < ENOUGH or self.bound <= 0:
            return False
        low, high = (float(n) for n in torch.aminmax(tensor.detach()))
        if not max(-low, high) <= self.bound * (1 + SLACK):
            return False
        from scipy import stats  # takes a second to import, and most networks never get here

        flat = tensor.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // LOOKED_AT)].double().cpu().numpy() / self.bound
        cumulative = stats.truncnorm(-2, 2, scale=0.5).cdf if self.normal else stats.uniform(-1, 2).cdf
        return bool(stats.kstest(np.clip(some, -1, 1), cumulative).pvalue >= LIKELY)


def as_drawn(part: Part, framework: str) -> bool | None:
    """Whether a layer's kernels still are as they were drawn; None where it has none whose distribution is known."""
    own = _keras(part) if framework == "keras" else _torch(part)
    known = [(tensor, drawn) for tensor, drawn in own if has_data(tensor) and tensor.numel() >= ENOUGH]
    return all(drawn.fits(tensor) for tensor, drawn in known) if known else None


def _torch(part: Part) -> list[tuple[torch.Tensor, Drawn]]:
    if not {"Linear", "_ConvNd"} & set(part.kinds):
        return []
    return [
        (w.tensor, Drawn(1 / sqrt(prod(w.shape[1:])))) for w in part.parameters if w.name == "weight" and w.shape and prod(w.shape[1:])
    ]  # fmt: skip


def _keras(part: Part) -> list[tuple[torch.Tensor, Drawn]]:
    if "EinsumDense" in part.kinds:  # which axes go in and which come out, its equation says
        return []
    depthwise = getattr(part.layer, "depthwise_initializer", None)
    found = []
    for w in part.parameters:
        initializer = getattr(part.layer, f"{w.name}_initializer", depthwise if w.name == "kernel" else None)
        if (drawn := _of_initializer(initializer, w.shape or ())) is not None:
            found.append((w.tensor, drawn))
    return found


def _of_initializer(initializer: Any, shape: tuple[int, ...]) -> Drawn | None:
    """What a Keras initializer draws for a shape; None where it isn't bounded, or not one of those that are known."""
    distribution = getattr(initializer, "distribution", None)
    if len(shape) < 2 or distribution not in ("uniform", "truncated_normal"):
        return None
    places = prod(shape[:-2])
    ins, outs = shape[-2] * places, shape[-1] * places
    fan = {"fan_in": ins, "fan_out": outs, "fan_avg": (ins + outs) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    if distribution == "uniform":
        return Drawn(sqrt(3 * variance))
    return Drawn(2 * sqrt(variance) / TRUNCATED, normal=True)
