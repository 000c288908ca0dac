"""Relevance rules of linear layers: how what an output is worth is shared among what it was made of.

Throughout, a layer computes ``z_j = Σ_i w_ij x_i + b_j``; ``R_j`` is the relevance that arrived at its outputs, what is
returned is the relevance ``R_i`` of its inputs. Superscripts are parts: ``x⁺ = max(x, 0)``, ``x⁻ = min(x, 0)``. A
quotient by z is stabilised (`stabilised`). Each rule is a function of the layer, the operation as it ran, and R.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seethrough.graph.linear_maps import LinearMap

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece

EPSILON = 1e-6
"""What is added to a denominator, as a part of the layer's own size."""

LayerRule = Callable[[LinearMap, "Piece", Tensor], Tensor]


def stabilised(z: Tensor, epsilon: float = EPSILON) -> Tensor:
    """``z + ε · σ · sign(z)`` with ``sign(0) = 1`` and σ the root mean square of z over each entry of the batch: a
    denominator that isn't zero, wherever the network's numbers lie. Where ε is 0, what would be divided by zero gets
    nothing.
    """
    if epsilon == 0:
        return torch.where(z == 0, torch.inf, z)
    each = tuple(range(1, z.dim()))
    size = torch.linalg.vector_norm(z, dim=each, keepdim=True) if each else z.abs()
    size = size / max(1, z[0].numel()) ** 0.5
    step = torch.where(size > 0, max(epsilon, torch.finfo(z.dtype).eps) * size, 1)
    return z + torch.where(z < 0, -step, step)


def epsilon(layer: LinearMap, piece: Piece, relevance: Tensor, *, eps: float = EPSILON) -> Tensor:
    """LRP-ε: ``R_i = Σ_j x_i w_ij / z_j · R_j`` (Bach et al., 2015, eq. 58). What belongs to ε and to the bias is
    absorbed. With ``eps=0`` LRP-0 (eq. 56).
    """
    return layer.given(piece) * layer.transposed(piece, relevance / stabilised(layer.outputs(piece), eps))
