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


def stabilised(z: Tensor, epsilon: float = EPSILON, *, above: bool = False) -> Tensor:
    """``z + ε · σ · sign(z)`` with ``sign(0) = 1`` and σ the root mean square of z over each entry of the batch: a
    denominator that isn't zero, wherever the network's numbers lie. Where ε is 0, what would be divided by zero gets
    nothing. ``above`` says that no z is below zero, which saves a look at each.
    """
    if epsilon == 0:
        return torch.where(z == 0, torch.inf, z)
    each = tuple(range(1, z.dim()))
    size = torch.linalg.vector_norm(z, dim=each, keepdim=True) if each else z.abs()
    size = size / max(1, z[0].numel()) ** 0.5
    step = torch.where(size > 0, max(epsilon, torch.finfo(z.dtype).eps) * size, 1)
    return z + (step if above else torch.where(z < 0, -step, step))


def epsilon(layer: LinearMap, piece: Piece, relevance: Tensor, *, eps: float = EPSILON) -> Tensor:
    """LRP-ε: ``R_i = Σ_j x_i w_ij / z_j · R_j`` (Bach et al., 2015, eq. 58). What belongs to ε and to the bias is
    absorbed. With ``eps=0`` LRP-0 (eq. 56).
    """
    return layer.given(piece) * layer.transposed(piece, relevance / stabilised(layer.outputs(piece), eps))


def gamma(layer: LinearMap, piece: Piece, relevance: Tensor, *, favour: float = 0.25, eps: float = EPSILON) -> Tensor:
    """LRP-γ: what speaks for an output counts γ times more: ``R_i = Σ_j x_i (w_ij + γ w_ij⁺) / z_j^γ · R_j`` (Montavon et
    al., 2019, eq. 10.7), in its form for inputs and outputs of either sign (Andéol et al., 2021, eq. 13): at an output
    above zero that is ``x⁺ w⁺ + x⁻ w⁻``, at one below zero ``x⁺ w⁻ + x⁻ w⁺``.
    """
    x, z, b = layer.given(piece), layer.outputs(piece), layer.bias

    def up() -> Tensor:
        return layer.weight + favour * layer.positive

    def down() -> Tensor:
        return layer.weight + favour * layer.negative

    above = None if b is None else b + favour * b.clamp(min=0)
    below = None if b is None else b + favour * b.clamp(max=0)
    found = _shared(layer, piece, relevance * (z > 0), x, up, down, above, eps)
    against = relevance * (z < 0)
    if bool(against.any()):  # not behind a rectifier, unless a residual was added in between
        found += _shared(layer, piece, against, x, down, up, below, eps)
    return found


def z_plus(layer: LinearMap, piece: Piece, relevance: Tensor, *, eps: float = EPSILON, bias: bool = True) -> Tensor:
    """LRP-z⁺, which is α₁β₀: ``R_i = Σ_j (x_i w_ij)⁺ / (Σ_i (x_i w_ij)⁺ + b_j⁺) · R_j`` (Montavon et al., 2017, eq. 12,
    for inputs of either sign as in Bach et al., 2015, eq. 60). Without ``bias`` the inputs share what the bias would have
    absorbed.
    """
    b, x = layer.bias if bias else None, layer.given(piece)
    b = None if b is None else b.clamp(min=0)
    return _shared(layer, piece, relevance, x, lambda: layer.positive, lambda: layer.negative, b, eps, above=True)


def alpha_beta(
    layer: LinearMap, piece: Piece, relevance: Tensor, *, alpha: float = 2.0, beta: float = 1.0, eps: float = EPSILON
) -> Tensor:
    """LRP-αβ: ``R_i = Σ_j (α (x_i w_ij)⁺ / z_j⁺ − β (x_i w_ij)⁻ / z_j⁻) R_j`` with ``α − β = 1``, the bias in z (Bach et
    al., 2015, eq. 60).
    """
    found = alpha * z_plus(layer, piece, relevance, eps=eps)
    if beta == 0:
        return found
    b, x = layer.bias, layer.given(piece)
    against = None if b is None else b.clamp(max=0)
    return found - beta * _shared(
        layer, piece, relevance, x, lambda: layer.negative, lambda: layer.positive, against, eps
    )


def z_box(
    layer: LinearMap, piece: Piece, relevance: Tensor, *, low: Tensor, high: Tensor, eps: float = EPSILON
) -> Tensor:
    """LRP-z𝓑, for inputs between ``low`` and ``high``: ``R_i = Σ_j (x_i w_ij − l_i w_ij⁺ − h_i w_ij⁻) / Σ_i (…) · R_j``
    (Montavon et al., 2017, eq. 14). The bias gets nothing.
    """
    x = layer.given(piece)
    low, high = low.to(x).expand_as(x), high.to(x).expand_as(x)
    z, back = layer.apply(piece, x, layer.weight)
    z_low, back_low = layer.apply(piece, low, layer.positive)
    z_high, back_high = layer.apply(piece, high, layer.negative)
    share = relevance / stabilised(z - z_low - z_high, eps)
    return x * back(share) - low * back_low(share) - high * back_high(share)


def w_square(layer: LinearMap, piece: Piece, relevance: Tensor, *, eps: float = EPSILON) -> Tensor:
    """LRP-w², which doesn't look at the input: ``R_i = Σ_j w_ij² / Σ_i w_ij² · R_j`` (Montavon et al., 2017, eq. 13). The
    bias gets nothing.
    """
    x = layer.given(piece)
    z, back = layer.apply(piece, torch.ones_like(x), layer.weight.square())
    return back(relevance / stabilised(z, eps))


def flat(layer: LinearMap, piece: Piece, relevance: Tensor) -> Tensor:
    """LRP-flat: evenly among all inputs an output sees (Lapuschkin et al., 2019, supplementary note 3). Padding and the
    bias get nothing.
    """
    x = layer.given(piece)
    if layer.kind == "affine":
        return relevance
    if layer.kind == "linear":
        return (relevance.sum(-1, keepdim=True) / x.shape[-1]).expand_as(x)
    # All channels of a group get the same, so one channel a group is enough.
    groups, weight = layer.groups, layer.weight
    one = torch.ones_like(x[:, :groups])
    seen, back = layer.apply(piece, one, torch.ones_like(weight[:groups, :1]))
    each = x.shape[1] // groups
    summed = relevance.unflatten(1, (groups, -1)).sum(2)
    return back(summed / (seen * each).clamp(min=1)).repeat_interleave(each, 1)


def _shared(
    layer: LinearMap,
    piece: Piece,
    relevance: Tensor,
    x: Tensor,
    weight: Callable[[], Tensor],
    weight_below: Callable[[], Tensor],
    bias: Tensor | None,
    eps: float,
    *,
    above: bool = False,
) -> Tensor:
    """R in proportion to ``x⁺ weight + x⁻ weight_below``; the bias counts and absorbs its part. Behind a rectifier there
    is no x⁻, and half of the work: weights are made when they are needed. ``above``: what is given is never below zero.
    """
    parts = [(x, weight)] if bool(x.min() >= 0) else [(x.clamp(min=0), weight), (x.clamp(max=0), weight_below)]
    ways = [layer.apply(piece, part, w()) for part, w in parts]
    z = ways[0][0] if len(ways) == 1 else ways[0][0] + ways[1][0]
    share = relevance / stabilised(z if bias is None else z + bias, eps, above=above)
    first, *second = (part * back(share) for (part, _), (_, back) in zip(parts, ways))
    return first + second[0] if second else first
