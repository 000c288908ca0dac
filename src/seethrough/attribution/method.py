"""What a method of attribution declares about itself, and the table of all of them.

A method is a function that takes a `Run` (and a layer, where it needs one) and gives a tensor; the decorator puts it
into the table with what others need to know: how its map is reduced to one number a place, whether its sign means
something, which gradients it will ask for, what it costs. Adding one touches its own file and its test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from torch import Tensor

from seethrough.errors import UsageError, nearest
from seethrough.graph.rules import PLAIN, Rules


class Needs(Enum):
    """What a method can't do without."""

    NOTHING = "any network"
    GRADIENTS = "a gradient from the answer to the image"
    PICTURES = "inputs with height and width"
    SPATIAL_LAYER = "a layer with height and width"


class Reduce(Enum):
    """How channels become one number a place."""

    STRONGEST = "largest |value| over the channels"
    SUM = "sum over the channels"
    NONE = "one value a place already"


@dataclass(frozen=True, eq=False)
class Method:
    """One method of the field, as data.

    Attributes
    ----------
    name
        The function's name: ``"gradcam"``.
    function
        ``(run, …settings) -> Tensor`` or, for layer methods, ``(run, layer, …settings) -> Tensor``; it may return an
        `Outcome` to add checks.
    family, cost, good_for, source
        For the table a person reads: the family; passes for one image; what it is good for; authors and year.
    needs, reduce, signed
        See `Needs`, `Reduce`; whether negative numbers mean "against".
    rules
        Under which rules it will ask for gradients; None where it asks for none at the images themselves.
    """

    name: str
    function: Callable[..., Any]
    family: str
    cost: str
    good_for: str
    source: str
    needs: Needs = Needs.NOTHING
    reduce: Reduce = Reduce.SUM
    signed: bool = True
    rules: Rules | None = PLAIN
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_layer(self) -> bool:
        """Whether its map comes from a layer."""
        return self.needs is Needs.SPATIAL_LAYER


@dataclass(frozen=True)
class Outcome:
    """What a method gives when it has more to say than its tensor: numbers that tell how far to believe it, by name."""

    values: Tensor
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_TABLE: dict[str, Method] = {}
METHODS: Mapping[str, Method] = MappingProxyType(_TABLE)
"""Every method by name, in the order they are presented."""


def method(**declared: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function into the table of methods; keywords are `Method`'s fields."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        name = function.__name__
        _TABLE[name] = Method(name=name, function=function, defaults=defaults, **declared)
        return function

    return put


def method_named(name: str) -> Method:
    """The method of this name.

    Raises
    ------
    UsageError
        Where there is none; names the nearest.
    """
    folded = name.strip().casefold().replace("-", "_").replace(" ", "_")
    if folded not in METHODS:
        known = f" There are: {', '.join(METHODS)}."
        raise UsageError(f"There is no method {name!r}.{nearest(folded, list(METHODS)) or known}")
    return METHODS[folded]
