"""Rules: how a quantity walks back through one kind of operation.

A rule takes a ``piece`` (one operation as it ran: its vector-Jacobian product, and its numbers where the rules ask for
them) and what arrived at its outputs, by value number, and returns what arrives at each input. ``plain`` is calculus;
the others are methods of the field. A set of rules names the operations it treats differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seethrough.graph.operations import Kind, Operation

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece

Shares = dict[int, Tensor]
Rule = Callable[[Any, Shares], Shares]


def plain(piece: Piece, arrived: Shares) -> Shares:
    """Calculus."""
    return piece.vjp(arrived)


def guided(piece: Piece, arrived: Shares) -> Shares:
    """Let through what was positive on the way up and is positive on the way down (Springenberg et al., 2015, section
    3.4).
    """
    return piece.vjp({v: a.clamp(min=0) for v, a in arrived.items()})


def deconv(piece: Piece, arrived: Shares) -> Shares:
    """Let through what is positive on the way down, whatever was on the way up (Zeiler & Fergus, 2014, section 2.1)."""
    (share,) = arrived.values()
    return dict.fromkeys(piece.inputs, share.clamp(min=0))


@dataclass(frozen=True, eq=False)
class Rules:
    """Which rule holds for which operation, at rectifiers, for which function, for which kind; ``rest`` otherwise.

    Attributes
    ----------
    operations
        Rules that depend on where an operation stands (the first layer, a convolution whose batch norm is folded into
        it): they belong to one graph.
    rest
        The rule for everything that isn't named.
    values
        Whether the rules read the numbers that went through an operation (`Piece.values`), not only its calculus.
    relevance
        Whether the walk starts with the target's own value, shared among the outputs in play (``slope · output``),
        instead of its gradient.
    start
        What the walk starts with, from the run, where it is neither; in the order of axes of the graph's value.

    >>> Rules({Kind.ACTIVATION: guided}).of(operation) is plain       # doctest: +SKIP
    """

    kinds: Mapping[Kind, Rule] = field(default_factory=dict)
    names: Mapping[str, Rule] = field(default_factory=dict)
    rectifiers: Rule | None = None
    operations: Mapping[Operation, Rule] = field(default_factory=dict)
    rest: Rule = plain
    values: bool = False
    relevance: bool = False
    start: Callable[[Any], Tensor] | None = None

    @property
    def are_calculus(self) -> bool:
        """Whether no operation is treated otherwise than by calculus."""
        return self.rest is plain and not (self.kinds or self.names or self.operations or self.rectifiers)

    def of(self, operation: Operation) -> Rule:
        if operation in self.operations:
            return self.operations[operation]
        if self.rectifiers is not None and is_rectifier(operation):
            return self.rectifiers
        return self.names.get(operation.name) or self.kinds.get(operation.kind) or self.rest


def is_rectifier(operation: Operation) -> bool:
    """Whether an operation is ``max(x, 0)``, perhaps with a cap, however it was spelled: ``nn.ReLU6`` runs as
    ``hardtanh(x, 0, 6)``.
    """
    if operation.name in ("relu", "relu6"):
        return True
    floor = _FLOORS.get(operation.name)
    if floor is None:
        return False
    place, name = floor
    arguments, keywords = operation.bound()
    lowest = arguments[place] if len(arguments) > place else keywords.get(name)
    if isinstance(lowest, Tensor):
        return not bool(lowest.any())
    return not isinstance(lowest, bool) and isinstance(lowest, (int, float)) and lowest == 0


# Where each of these is told the least value that it lets through: position and keyword.
_FLOORS = {
    "hardtanh": (1, "min_val"),
    "clamp": (1, "min"),
    "clip": (1, "min"),
    "clamp_min": (1, "min"),
    "maximum": (1, "other"),
}

PLAIN = Rules()


def _each(piece: Piece, arrived: Shares) -> Shares:
    return piece.vjp(arrived)


EACH = Rules(rest=_each)
"""Calculus too, operation by operation, as other rules walk."""

# Both methods are defined for rectifiers; other activations keep their own derivative.
GUIDED = Rules(rectifiers=guided)
DECONV = Rules(rectifiers=deconv)
