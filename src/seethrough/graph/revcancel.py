"""RevCancel: DeepLIFT's second rule, for rectifiers behind a linear layer (Shrikumar, Greenside & Kundaje, 2017, section
3.5.3).

With ``z = Wx + b`` and ``y = f(z)``, each input raises z or lowers it: ``Δz⁺ = Σ w_i Δx_i`` over those where that is
positive, ``Δz⁻`` over the others. What the rise does to y is the mean of what it does alone and of what it does after the
fall, and the other way round:

    Δy⁺ = ½ (f(z′ + Δz⁺) − f(z′)) + ½ (f(z′ + Δz⁻ + Δz⁺) − f(z′ + Δz⁻))

so that both have a multiplier of their own, ``m · Δy⁺ / Δz⁺`` and ``m · Δy⁻ / Δz⁻``. An input takes the one or the other for
each weight, by the sign of ``w_i Δx_i``, and half of both where it doesn't change: behind the linear layer there is one
multiplier again. Letters otherwise as in `deeplift_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from seethrough.graph.deeplift_rules import Both, Pairwise, linear
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.rules import Shares, is_rectifier

Awaiting = dict[int, list[tuple[Both, Tensor]]]
"""By the value that a linear layer gives: what follows it up to the rectifier, that first, with what arrived there."""


def chains(graph: Graph) -> Iterator[list[Operation]]:
    """Linear layer, what scales its channels, rectifier: each read by the next alone."""
    for operation in graph:
        if operation.kind not in (Kind.CONVOLUTION, Kind.LINEAR) or _weights(operation) is None:
            continue
        chain = [operation]
        while len(readers := graph.consumers.get(chain[-1].outputs[0] or 0, [])) == 1:
            chain.append(graph.operations[readers[0]])
            if is_rectifier(chain[-1]) and len(chain[-1].inputs) == 1:
                yield chain
            if chain[-1].name not in ("batch_norm", "affine"):
                break


def _weights(operation: Operation) -> tuple[int, int | None] | None:
    """Where in an operation's arguments its weight and its bias stand, where both are constants."""
    args, kwargs = operation.bound()
    weight, bias = (args[i] if len(args) > i else kwargs.get(n) for i, n in ((1, "weight"), (2, "bias")))
    if len(operation.inputs) != 1 or not isinstance(weight, Tensor):
        return None
    places = {id(a): i for i, a in enumerate(operation.arguments)}
    return places[id(weight)], None if bias is None else places[id(bias)]


def remembered(awaiting: Awaiting, rule: Pairwise) -> Pairwise:
    """A rule above the linear layer: as ever, and what arrived is kept for the layer."""

    def remember(both: Both, arrived: Shares) -> Shares:
        above = awaiting.pop(both.result()[0], [])
        awaiting[both.source] = [*above, (both, both.arrived(arrived))]
        return rule(both, arrived)

    return remember


def split(awaiting: Awaiting) -> Pairwise:
    """The rule of the linear layer: the rectifier's, and its own, for rise and fall apart."""

    def at_linear(both: Both, arrived: Shares) -> Shares:
        steps = awaiting.pop(both.result()[0], [])
        if not steps:
            return linear(both, arrived)
        x, x0 = both.at(both.source)
        change = (x - x0).detach().requires_grad_()
        up, down = change.clamp(min=0), change.clamp(max=0)
        with torch.enable_grad():
            raised = _signed(both, up, 1) + _signed(both, down, -1)
            lowered = _signed(both, up, -1) + _signed(both, down, 1)
        rise, fall, scales = raised.detach(), lowered.detach(), []
        for step, _ in reversed(steps[1:]):
            scale = linear(step, {step.result()[0]: torch.ones_like(rise)})[step.source]
            rise, fall = torch.where(scale > 0, rise, fall) * scale, torch.where(scale > 0, fall, rise) * scale
            scales.append(scale)
        m_rise, m_fall = _cancelled(*steps[0], rise, fall)
        for scale in reversed(scales):
            m_rise, m_fall = torch.where(scale > 0, m_rise, m_fall) * scale, torch.where(
                scale > 0, m_fall, m_rise
            ) * scale  # fmt: skip
        return {both.source: _handed_down(both, change, raised, lowered, m_rise, m_fall)}

    return at_linear


def _signed(both: Both, given: Tensor, sign: int) -> Tensor:
    """The linear layer with its positive or its negative weights alone, and no bias."""
    found = _weights(both.operation)
    assert found is not None
    at, bias = found
    weight = both.operation.arguments[at]
    arguments = {at: weight.clamp(min=0) if sign > 0 else weight.clamp(max=0)}
    return both.here.again({both.source: given}, arguments if bias is None else {**arguments, bias: None})


def _cancelled(both: Both, m: Tensor, rise: Tensor, fall: Tensor) -> tuple[Tensor, Tensor]:
    """The multipliers of Δz⁺ and Δz⁻ at the rectifier; the mean of both slopes where one of them is nothing."""
    z0, v = both.at(both.source)[1], both.source

    def f(z: Tensor) -> Tensor:
        return both.here.again({v: z})

    start, end = f(z0), f(z0 + rise + fall)
    risen, fallen = f(z0 + rise), f(z0 + fall)
    number = both.result()[0]
    slope = (both.here.vjp({number: m})[v] + both.there.vjp({number: m})[v]) / 2
    pair = ((rise, risen - start + end - fallen), (fall, fallen - start + end - risen))
    up, down = (torch.where(d == 0, slope, m * given / 2 / torch.where(d == 0, 1, d)) for d, given in pair)
    return up, down


def _handed_down(both: Both, change: Tensor, raised: Tensor, lowered: Tensor, m_rise: Tensor, m_fall: Tensor) -> Tensor:
    """``Σ w_i m⁺`` where ``w_i Δx_i`` raised the layer, ``Σ w_i m⁻`` where it lowered it, half of both where x_i stands
    still.
    """
    (found,) = torch.autograd.grad((raised, lowered), change, (m_rise, m_fall))
    (still,) = both.here.vjp({both.result()[0]: (m_rise + m_fall) / 2}).values()
    return torch.where(change == 0, still, found)
