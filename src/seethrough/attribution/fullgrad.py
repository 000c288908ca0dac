"""FullGrad: the gradient at the picture, and at every bias of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.linalg import vector_norm as norm
from torch.nn.functional import interpolate

from seethrough.attribution.gradient import GRADIENT
from seethrough.attribution.method import Needs, Outcome, Reduce, method
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref
from seethrough.graph.rules import Shares
from seethrough.graph.run import Run
from seethrough.results import Passes

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece


def biases(run: Run) -> Biases:
    """What biases add, gathered by the plain walk to the images that others need too."""

    def watched() -> Biases:
        found = Biases(run.graph, run.images)
        run.watch(found.plain)
        return found

    return run.once("biases", watched)


@method(
    family=GRADIENT,
    needs=Needs.RULES,
    cost="1 forward, 1 walk back",
    good_for="what pixels and the network's biases add together; smooth and complete",
    source="Srinivas & Fleuret, 2019",
    reduce=Reduce.NONE,
    signed=False,
    measures="rank",
    work=Passes(0, 1),
    before=biases,
)
def fullgrad(run: Run) -> Outcome:
    """FullGrad: ``ψ(x · g) + Σ ψ(b · ∂f/∂b)`` over every bias b that has places, where ψ takes the size, brings a layer's
    largest to 1, and the layer to the size of the picture (Srinivas & Fleuret, 2019, eq. 5).

    A batch normalisation's bias is ``β − μ γ / σ`` (section 3.2 of the paper); of an activation that isn't piecewise
    linear through 0 it is what its tangent has at 0 (section 3.1). Biases are found on the graph, however the network
    spells them; those without places (of linear layers at the end) count in the sum, not in the map, as in the paper.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, in no unit, since each layer is brought to the same height. Before that, pixels' and biases'
    parts sum to the target for networks that are piecewise linear: ``full_gradient`` says ``sum``, ``score``, the part
    of the ``biases`` and the relative ``gap``.
    """
    return run.once("full gradient", lambda: _full(run))


def _full(run: Run) -> Outcome:
    x = run.images
    found = biases(run)
    inputs = x * run.gradient()
    found.map += scaled(inputs, x)
    own = inputs.flatten(1).sum(1)
    total, score = own + found.sum.to(own), run.scores
    gap = ((total - score).abs() / score.abs().clamp(min=1e-6)).tolist()
    numbers = {"sum": total.tolist(), "score": score.tolist(), "biases": found.sum.tolist(), "gap": gap}
    return Outcome(found.map if x.dim() == 4 else found.map[:, 0], {"full_gradient": numbers})


def scaled(part: Tensor, x: Tensor) -> Tensor:
    """ψ, (N, H, W): the size of a layer's part (N, C, h, w), its largest brought to 1, at the size of the picture; the
    channels added.
    """
    grid, part = (1, *part.shape[2:])[-2:], part.flatten(2)
    largest = norm(part, torch.inf, (1, 2), keepdim=True)[:, 0].clamp(min=torch.finfo(part.dtype).tiny)
    map = (norm(part, 1, 1) / largest).reshape(len(part), 1, *grid)
    wanted = (1, *x.shape[2:])[-2:]
    return (map if map.shape[2:] == wanted else interpolate(map, wanted, mode="bilinear", align_corners=False))[:, 0]


@dataclass
class Biases:
    """Walks back by plain calculus and gathers what biases add on the way: ``map`` (N, H, W), ψ of those with places;
    ``sum`` (N,), of all.
    """

    graph: Graph
    x: Tensor

    def __post_init__(self) -> None:
        self.map = self.x.new_zeros(len(self.x), *((1, *self.x.shape[2:])[-2:]))
        self.sum = self.x.new_zeros(len(self.x), dtype=torch.promote_types(self.x.dtype, torch.float32))

    def plain(self, piece: Piece, arrived: Shares) -> Shares:
        shares = piece.vjp(arrived)
        part = bias_part(piece, arrived, shares)
        if part is not None:
            value, given = part
            self.sum += given.flatten(1).sum(1)
            grid = self.graph.grids.get(value)
            if grid is not None:
                self.map += scaled(grid.of(given), self.x)
        return shares


def bias_part(piece: Piece, arrived: Shares, shares: Shares) -> tuple[int, Tensor] | None:
    """What an operation gives beyond its tangent through 0, times what arrived there, with the value's number; None
    where it gives nothing of the kind.
    """
    operation = piece.operation
    value = next((v for v in arrived if v in operation.outputs), None)
    if value is None or len(arrived) > 1 or len(arrived[value]) != piece.batch:
        return None
    g = arrived[value]
    bias = _bias(operation, g.dim())
    if bias is not None:
        return value, (bias.to(g) * g).expand_as(g)
    inner = [v for v in operation.inputs if v in shares]
    if (
        operation.kind in (Kind.ACTIVATION, Kind.ELEMENTWISE)
        and operation.name not in _THROUGH_ZERO
        and len(inner) == 1
    ):
        source = piece.values[inner[0]]
        return (value, g * piece.values[value] - shares[inner[0]] * source) if source.shape == g.shape else None
    if operation.kind is Kind.MULTIPLY and operation.name in ("mul", "multiply") and len(inner) == 2:
        return value, -g * piece.values[value]  # a product is of degree two: its tangent counts it twice
    return None


# Piecewise linear through 0: what they give is their tangent alone.
_THROUGH_ZERO = frozenset(("relu", "leaky_relu", "prelu", "rrelu", "abs", "neg", "maximum", "minimum"))


def _bias(operation: Operation, rank: int) -> Tensor | None:
    """The constant that an operation adds, to broadcast against its output of this rank; None where it adds none."""
    args, named = operation.bound()

    def given(position: int, name: str) -> Any:
        return args[position] if len(args) > position else named.get(name)

    if operation.kind in (Kind.CONVOLUTION, Kind.TRANSPOSED):
        return _on_channels(given(2, "bias"), rank)
    if operation.kind is Kind.LINEAR:
        return given(2, "bias") if isinstance(given(2, "bias"), Tensor) else None
    if operation.name == "affine":
        mean, scale, shift = args[1:4]
        return None if any(isinstance(a, Ref) for a in (mean, scale, shift)) else shift - mean * scale
    if operation.name == "batch_norm" and not (given(5, "training") or False):
        mean, variance, weight, bias = (given(k, n) for k, n in enumerate(_NORM, 1))
        eps = given(7, "eps")
        scale = torch.rsqrt(variance + (1e-5 if eps is None else eps))
        scale = scale if weight is None else scale * weight
        return _on_channels((0 if bias is None else bias) - mean * scale, rank)
    if operation.kind is Kind.ADD and len(operation.inputs) == 1:
        return _added(operation.name, args, named)
    return None


_NORM = ("running_mean", "running_var", "weight", "bias")


def _on_channels(bias: Any, rank: int) -> Tensor | None:
    return bias.reshape(-1, *[1] * (rank - 2)) if isinstance(bias, Tensor) else None


def _added(name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor | None:
    """The constant of a sum or difference with one value of the network."""
    first, other = [*args, named.get("other")][:2]
    factor, turned = named.get("alpha", 1), name == "rsub"
    if isinstance(first, Ref) and isinstance(other, Ref):
        return None  # twice the same value
    constant, sign = (other, -1 if name in ("sub", "subtract") else 1) if isinstance(first, Ref) else (first, 1)
    if isinstance(constant, Ref) or constant is None:
        return None
    return torch.as_tensor(constant) * (1 if turned else sign * (factor if isinstance(first, Ref) else 1))
