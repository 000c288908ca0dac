"""DeepLIFT's rules for what is linear, works value by value, multiplies two values or takes the largest.

Throughout, ``x`` and ``y`` are what went into an operation and came out at the picture, ``x′`` and ``y′`` at the
baseline, ``Δx = x − x′``, ``x̄ = (x + x′) / 2``, and ``m`` is the multiplier that arrived. Each rule keeps the sum: ``Σ m ·
Δ`` over the inputs is what it was over the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.graph.arguments import Arguments
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.rules import Shares
from seethrough.graph.walk import Piece


@dataclass(frozen=True, slots=True)
class Both:
    """One operation as it ran on the picture and on the baseline."""

    here: Piece
    there: Piece

    @property
    def operation(self) -> Operation:
        return self.here.operation

    @property
    def source(self) -> int:
        """The one value that it depends on."""
        (number,) = self.here.inputs
        return number

    @property
    def given(self) -> Arguments:
        return Arguments.of(self.operation, {}, self.here.batch)

    @property
    def stands(self) -> bool:
        """Whether all that it reads beside what carries a gradient is the same at the baseline."""
        return all(v in self.here.inputs or torch.equal(*self.at(v)) for v in self.operation.inputs)

    def at(self, number: int) -> tuple[Tensor, Tensor]:
        """A value at the picture and at the baseline."""
        return self.here.values[number], self.there.values[number]

    def result(self) -> tuple[int, Tensor, Tensor]:
        """The number of what it gives, and that at the picture and at the baseline."""
        number = next(v for v in self.operation.outputs if v is not None)
        return number, *self.at(number)

    def arrived(self, arrived: Shares) -> Tensor:
        return arrived[self.result()[0]]

    def middle(self, number: int) -> Tensor:
        """x̄ of a value, or of what stands still."""
        x, x0 = self.at(number)
        return (x + x0) / 2 if x.is_floating_point() else x

    def refuse(self, why: str) -> NetworkRefused:
        where = f" in layer {self.operation.layer!r}" if self.operation.layer else ""
        return NetworkRefused(
            f"DeepLIFT has no rule for {self.operation.name!r}{where}: {why}; use integrated_gradients, which asks for "
            "gradients alone"
        )


Pairwise = Callable[[Both, Shares], Shares]


def linear(both: Both, arrived: Shares) -> Shares:
    """Calculus; refused where the operation itself is another at the baseline (an index that the picture chose)."""
    if not both.stands:
        raise both.refuse("what it does depends on the picture in a way that has no gradient")
    return both.here.vjp(arrived)


def middle(both: Both, arrived: Shares) -> Shares:
    """Calculus at x̄: exact for everything of first or second degree."""
    m, inputs = both.arrived(arrived), both.here.inputs
    with torch.enable_grad():
        between = {v: both.middle(v).detach().requires_grad_(v in inputs) for v in both.operation.inputs}
        found = torch.autograd.grad(both.here.again(between), [between[v] for v in inputs], m, allow_unused=True)
    return {v: s for v, s in zip(inputs, found) if s is not None}


def product(both: Both, arrived: Shares) -> Shares:
    """Of one value and constants: calculus. Of two values, or one with itself: calculus at x̄. By a mask that the picture
    made (``x * (x > 0)``): value by value.
    """
    carriers = [a for a in both.operation.arguments if isinstance(a, Ref) and a.value in both.here.inputs]
    if len(carriers) > 1:
        return middle(both, arrived)
    masked = both.operation.kind is Kind.MULTIPLY and not both.stands
    return placewise(both, arrived) if masked else linear(both, arrived)


def placewise(both: Both, arrived: Shares) -> Shares:
    """``m · Δy / Δx``; where Δx is lost in rounding, the mean of both slopes."""
    if len(both.here.inputs) > 1:
        raise both.refuse("it mixes several values that depend on the picture")
    number, y, y0 = both.result()
    x, x0 = both.at(both.source)
    m = arrived[number]
    if x.shape != y.shape or not x.is_floating_point():
        return linear(both, arrived)
    change = x - x0
    near = change.abs() <= torch.finfo(x.dtype).eps ** 0.5 * torch.maximum(x.abs(), x0.abs())
    here, there = (piece.vjp({number: m}).get(both.source, torch.zeros_like(x)) for piece in (both.here, both.there))
    return {both.source: torch.where(near, (here + there) / 2, m * (y - y0) / torch.where(near, 1, change))}


def largest(both: Both, arrived: Shares) -> Shares:
    """A largest value gives its rise to the place where it is now and its fall to the place where it was: there the
    input rose (or fell) at least as much, so that no multiplier is beyond m. Windows that overlap are summed.
    """
    return _extreme(both, arrived, both.here, both.there)


def smallest(both: Both, arrived: Shares) -> Shares:
    """As `largest`: a smallest value falls with the place where it is now, and rises with the place where it was."""
    return _extreme(both, arrived, both.there, both.here)


def resized(both: Both, arrived: Shares) -> Shares:
    """Linear, but where the places to look at depend on the picture."""
    if len(both.here.inputs) > 1:
        raise both.refuse("where it looks depends on the picture")
    return linear(both, arrived)


def _extreme(both: Both, arrived: Shares, at_rise: Piece, at_fall: Piece) -> Shares:
    number, y, y0 = both.result()
    given = arrived[number] * (y - y0)
    risen, fallen = at_rise.vjp({number: given * (y > y0)}), at_fall.vjp({number: given * (y < y0)})
    shares = {}
    for v in both.here.inputs:
        x, x0 = both.at(v)
        whole = risen.get(v, 0 * x) + fallen.get(v, 0 * x)
        shares[v] = torch.where(whole != 0, whole / torch.where(x == x0, 1, x - x0), 0)
    return shares


def chosen(both: Both, arrived: Shares) -> Shares:
    """``where`` and ``masked_fill``. At a place whose condition is another at the baseline, all of Δy goes to the branch it
    takes now, or, where that stands still, to the other; elsewhere it is linear.
    """
    args, _ = both.operation.bound()
    condition, yes, no = args if both.operation.name == "where" else (args[1], args[2], args[0])
    if not isinstance(condition, Ref) or torch.equal(*both.at(condition.value)):
        return linear(both, arrived)
    c, c0 = both.at(condition.value)
    number, y, y0 = both.result()
    given = arrived[number] * (y - y0) * (c != c0)
    shares = both.here.vjp({number: arrived[number] * (c == c0)})

    def changed(branch: Any) -> tuple[int | None, Tensor]:
        if not isinstance(branch, Ref) or branch.value not in both.here.inputs:
            return None, torch.zeros_like(y)
        x, x0 = both.at(branch.value)
        return branch.value, (x - x0).expand_as(y)

    (first, up), (second, down) = changed(yes), changed(no)
    for value, change, takes in ((first, up, c | (down == 0)), (second, down, ~c | (up == 0))):
        if value is not None:
            share = torch.where(takes & (change != 0), given / torch.where(change == 0, 1, change), 0)
            share = share.sum_to_size(both.at(value)[0].shape)
            shares[value] = shares[value] + share if value in shares else share
    return shares


def quotient(both: Both, arrived: Shares) -> Shares:
    """``a / b = a · 1/b``: the product of a and of ``1/b``, which is rescaled: ``Δ(1/b) = −Δb / (b b′)``."""
    args, _ = both.operation.bound()
    top, under = args[0], args[1]
    if not isinstance(under, Ref) or under.value not in both.here.inputs:
        return linear(both, arrived)
    m = both.arrived(arrived)
    b, b0 = both.at(under.value)
    a = (both.middle(top.value), *both.at(top.value)) if isinstance(top, Ref) else (top, top, top)
    shares = {under.value: (-m * a[0] / (b * b0)).sum_to_size(b.shape)}
    if isinstance(top, Ref) and top.value in both.here.inputs:
        above = (m * (1 / b + 1 / b0) / 2).sum_to_size(a[1].shape)
        shares[top.value] = shares.get(top.value, 0) + above
    return shares


def gated(both: Both, arrived: Shares) -> Shares:
    """``glu``: one half of the channels times the sigmoid of the other."""
    axis = both.given.get(1, "dim", -1)
    m = both.arrived(arrived)
    (a, b), (a0, b0) = (t.chunk(2, axis) for t in both.at(both.source))
    s, s0 = b.sigmoid(), b0.sigmoid()
    near = b == b0
    slope = torch.where(near, s * (1 - s), (s - s0) / torch.where(near, 1, b - b0))
    return {both.source: torch.cat([m * (s + s0) / 2, m * (a + a0) / 2 * slope], axis)}


def root(both: Both, arrived: Shares) -> Shares:
    """The root of something of second degree (a norm, a standard deviation): ``Δ√q = Δq / (√q + √q′)``, and ``∇q = 2 √q
    ∇√q`` at x̄.
    """
    if both.given.get(1, "p", 2) not in (2, 2.0, "fro") and both.operation.name != "std":
        raise both.refuse("only the Euclidean norm has one")
    number, y, y0 = both.result()
    total = y + y0
    with torch.enable_grad():
        x = both.middle(both.source).detach().requires_grad_()
        between = both.here.again({both.source: x})
        weight = arrived[number] * 2 * between.detach() / torch.where(total == 0, 1, total)
        (share,) = torch.autograd.grad(between, x, weight)
    return {both.source: share.nan_to_num(0.0)}
