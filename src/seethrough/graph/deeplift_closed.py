"""DeepLIFT's rules for softmax, attention and normalisations: taken apart into products and functions of one value, each
of which keeps the sum, and put together again in closed form. Letters as in `deeplift_rules`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.graph.attention import Attention
from seethrough.graph.deeplift_rules import Both, linear
from seethrough.graph.normalisation import Normalisation
from seethrough.graph.rules import Shares
from seethrough.graph.walk import Piece


def softmax(both: Both, arrived: Shares) -> Shares:
    """``Δp_i = Λ_i (Δx_i − ΔL)``, where Λ_i is the logarithmic mean of p_i and p′_i and L the log of the sum; since the Δp
    add up to zero, ``ΔL = Σ Λ_i Δx_i / Σ Λ_i``. What softmax's own derivative is with p for Λ.
    """
    x, x0 = both.at(both.source)
    axis, name = both.given.get(1, "dim", -1), both.operation.name
    if name == "softmin":
        x, x0 = -x, -x0
    m = both.arrived(arrived).to(x.dtype)
    share = log_mean(x, x0, axis)
    if name == "log_softmax":
        return {both.source: m - share / share.sum(axis, keepdim=True) * m.sum(axis, keepdim=True)}
    found = through_softmax(m, share, axis)
    return {both.source: -found if name == "softmin" else found}


def log_mean(x: Tensor, x0: Tensor, axis: int) -> Tensor:
    """The logarithmic mean ``(p − p′) / (log p − log p′)`` of softmax(x) and softmax(x′); never beyond the larger."""
    log, log0 = x.log_softmax(axis), x0.log_softmax(axis)
    apart = (log - log0).abs().nan_to_num(0.0, posinf=0.0)  # both forbidden: −∞ − −∞
    larger = torch.maximum(log, log0).exp()
    return larger * torch.where(apart > 0, -torch.expm1(-apart) / torch.where(apart > 0, apart, 1), 1)


def through_softmax(m: Tensor, share: Tensor, axis: int) -> Tensor:
    """``Λ (m − Σ Λ m / Σ Λ)``."""
    return share * (m - (share * m).sum(axis, keepdim=True) / share.sum(axis, keepdim=True))


def log_sum(both: Both, arrived: Shares) -> Shares:
    """``logsumexp``: see `softmax`."""
    x, x0 = both.at(both.source)
    axis, kept = both.given.get(1, "dim"), both.given.get(2, "keepdim", False)
    if not isinstance(axis, int):
        raise both.refuse("it sums over several axes")
    m, share = both.arrived(arrived), log_mean(x, x0, axis)
    return {both.source: (m if kept else m.unsqueeze(axis)) * share / share.sum(axis, keepdim=True)}


def attention(both: Both, arrived: Shares) -> Shares:
    """Two products and a softmax between them."""
    told, m = Attention.of(both.operation, both.here.batch), both.arrived(arrived)

    def of(number: int | Tensor | None, piece: Piece) -> Tensor | None:
        return piece.values[number] if isinstance(number, int) else number

    (q, k, v, mask), (q0, k0, v0, mask0) = (
        [of(n, piece) for n in (told.query, told.key, told.value, told.mask)] for piece in (both.here, both.there)
    )
    if mask is not None and mask0 is not None and not torch.equal(mask, mask0):
        raise both.refuse("its mask depends on the picture")
    assert isinstance(q, Tensor) and isinstance(k, Tensor) and isinstance(v, Tensor)
    assert isinstance(q0, Tensor) and isinstance(k0, Tensor) and isinstance(v0, Tensor)
    s, s0 = told.scores(q, k, mask), told.scores(q0, k0, mask)
    p = ((s.softmax(-1) + s0.softmax(-1)) / 2).nan_to_num(0.0)
    with torch.enable_grad():
        qm, km, vm = (((a + b) / 2).detach().requires_grad_() for a, b in ((q, q0), (k, k0), (v, v0)))
        (mv,) = torch.autograd.grad(p @ told.for_heads(vm, qm), vm, m)
        mp = m @ told.for_heads(vm.detach(), qm).transpose(-2, -1)
        ms = through_softmax(mp, log_mean(s, s0, -1), -1).nan_to_num(0.0)
        mq, mk = torch.autograd.grad(told.scores(qm, km), (qm, km), ms)
    shares: Shares = {}
    for number, share in ((told.query, mq), (told.key, mk), (told.value, mv)):
        if isinstance(number, int) and number in both.here.inputs:
            shares[number] = shares[number] + share if number in shares else share
    return shares


def normalised(told: Normalisation, m: Tensor, x: Tensor, x0: Tensor) -> Tensor:
    """``c / √v`` over the last axis, where ``c`` is x less its mean (or x) and ``v = mean(c²) + ε``: a product, whose second
    half ``r`` is rescaled, ``Δr = −Δv / (s s′ (s + s′))``, and ``Δv = mean(2 c̄ Δc)``.
    """
    c, c0, s, s0 = told.centre(x), told.centre(x0), told.spread(x), told.spread(x0)
    between = (c + c0) / 2
    found = m * (1 / s + 1 / s0) / 2 - 2 * between * (between * m).mean(-1, keepdim=True) / (s * s0 * (s + s0))
    return told.centre(found)


def normalisation(both: Both, arrived: Shares) -> Shares:
    """Over the last axes, groups of channels, or each channel alone; `normalised`."""
    x, x0 = both.at(both.source)
    told = Normalisation.of(both.operation, both.here.batch, x)
    if told is None:
        return linear(both, arrived)
    m = told.flat(told.weighed(both.arrived(arrived)))
    return {both.source: normalised(told, m, told.flat(x), told.flat(x0)).reshape(x.shape)}


def batch_norm(both: Both, arrived: Shares) -> Shares:
    """With kept statistics it is linear."""
    if both.given.get(5, "training", False):
        raise both.refuse("it takes its statistics from the batch")
    return linear(both, arrived)


def unit_length(both: Both, arrived: Shares) -> Shares:
    """``normalize``: a vector over its length; `normalised`. One that has no length at the picture or at the baseline
    (padding, say) is rescaled number by number, ``m Δy / Δx``, which keeps the sum too.
    """
    given = both.given
    axis, eps = given.get(2, "dim", 1), given.get(3, "eps", 1e-12)
    if given.get(1, "p", 2.0) != 2:
        raise both.refuse("only the Euclidean length has one")
    number, y, y0 = both.result()
    (x, x0), m = both.at(both.source), arrived[number]
    short = torch.minimum(x.norm(dim=axis, keepdim=True), x0.norm(dim=axis, keepdim=True)) <= eps
    told = Normalisation(lambda t: t, None, 0.0, centred=False)
    safe, safe0, last = (torch.where(short, 1, t).movedim(axis, -1) for t in (x, x0, m))
    found = normalised(told, last / x.shape[axis] ** 0.5, safe, safe0).movedim(-1, axis)
    return {both.source: torch.where(short, m * (y - y0) / torch.where(x == x0, 1, x - x0), found)}


def local_response_norm(both: Both, arrived: Shares) -> Shares:
    """``x · d^−β`` with ``d = k + α · (mean of x² over neighbouring channels)``: a product with something rescaled."""
    given = both.given
    size, alpha, beta, k = (given.get(i, n, d) for i, (n, d) in enumerate(_LRN, 1))
    x, x0 = both.at(both.source)
    m = both.arrived(arrived)

    def squares(t: Tensor) -> Tensor:
        flat = t.square().reshape(len(t), 1, t.shape[1], -1)
        padded = F.pad(flat, (0, 0, size // 2, (size - 1) // 2))
        return k + alpha * F.avg_pool2d(padded, (size, 1), 1).reshape(t.shape)

    d, d0 = squares(x), squares(x0)
    near = d == d0
    slope = torch.where(near, -beta * d ** (-beta - 1), (d**-beta - d0**-beta) / torch.where(near, 1, d - d0))
    with torch.enable_grad():
        between = ((x + x0) / 2).detach().requires_grad_()
        (through,) = torch.autograd.grad(squares(between), between, m * between.detach() * slope)
    return {both.source: m * (d**-beta + d0**-beta) / 2 + through}


_LRN = (("size", 5), ("alpha", 1e-4), ("beta", 0.75), ("k", 1.0))
