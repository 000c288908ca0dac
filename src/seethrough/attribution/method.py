"""What a method of attribution declares about itself, and the table of all of them.

A method is a function that takes a `Run` (and a layer, where it needs one) and gives a tensor; the decorator puts it
into the table with what others need to know: how its map is reduced to one number a place, whether its sign means
something, which gradients it will ask for, what it costs. Adding one touches its own file and its test.
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from torch import Tensor

from seethrough.errors import UsageError, nearest
from seethrough.graph.rules import PLAIN, Rules
from seethrough.graph.run import Run
from seethrough.results import Passes


class Needs(Enum):
    """What a method can't do without."""

    NOTHING = "any network"
    GRADIENTS = "a gradient from the answer to the image"
    PICTURES = "inputs with height and width"
    SPATIAL_LAYER = "a layer with height and width"
    LAYER = "a layer"
    RULES = "a network that can be written down, operation by operation"
    POOLED_HEAD = "average pooling over the places of a layer, with one linear layer behind it"
    ATTENTION = "attention among the picture's places"


class Reduce(Enum):
    """How channels become one number a place."""

    STRONGEST = "largest |value| over the channels"
    SUM = "sum over the channels"
    NONE = "one value a place already"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a method's cost may depend on: the size of the network's input, the channels and the grid of the layer that
    its map is taken from (0 where it takes none).
    """

    height: int
    width: int
    channels: int = 0
    grid: tuple[int, int] = (0, 0)


ONE_WALK = Passes(1, 1)
Work = Callable[[Mapping[str, Any], Facts], Passes]
"""From a method's settings to what it runs for one picture, beside the forward that all methods share."""


@dataclass(frozen=True, slots=True)
class Dial:
    """The setting that trades a method's time for its quality: its name, and its values from cheap to fine. A time
    budget is spent by turning it.
    """

    setting: str
    values: tuple[Any, ...]


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
    work
        What it runs for one picture beside the shared forward, from its settings: a `Passes`, or a function of the
        settings and `Facts`.
    dial
        The setting that a time budget turns; None where there is nothing to turn.
    black_box
        Whether it only asks for answers to other pictures, never for a gradient or a layer.
    measures
        What the numbers of its map are: ``"target"`` (in units of the target), ``"slope"`` (of the target per unit of
        input) or ``"rank"`` (an order of places, in no unit).
    before
        Told of a run before any method is asked, where it looks at what others walk for (`Run.watch`).
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
    work: Passes | Work = ONE_WALK
    dial: Dial | None = None
    black_box: bool = False
    measures: str = "target"
    before: Callable[[Run], None] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_layer(self) -> bool:
        """Whether its map comes from a layer: its function is given the layer's path behind the run."""
        return self.needs in (Needs.SPATIAL_LAYER, Needs.LAYER)

    @property
    def needs_gradient(self) -> bool:
        """Whether it walks back: a method of a layer with no rules only reads it, or asks what lies behind it."""
        if self.black_box or (self.needs is Needs.SPATIAL_LAYER and self.rules is None):
            return False
        return self.needs in (
            Needs.GRADIENTS, Needs.PICTURES, Needs.SPATIAL_LAYER, Needs.LAYER, Needs.RULES, Needs.ATTENTION
        )  # fmt: skip

    def passes(self, settings: Mapping[str, Any], facts: Facts) -> Passes:
        """What it runs for one picture with these settings (its defaults where they say nothing)."""
        given = {**self.defaults, **settings}
        return self.work(given, facts) if callable(self.work) else self.work

    def reduced(self, values: Tensor) -> Tensor:
        """Its tensor, (N, C, H, W), (N, C, L) or (N, F), as one number a place, (N, H, W)."""
        if self.reduce is not Reduce.NONE and values.dim() > 2:
            values = values.abs().amax(1) if self.reduce is Reduce.STRONGEST else values.sum(1)
        elif self.reduce is Reduce.STRONGEST:
            values = values.abs()
        return values.reshape(len(values), 1, -1) if values.dim() == 2 else values


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
    folded = folded_name(name)
    for known, found in METHODS.items():
        if folded_name(known) == folded:
            return found
    close = name.strip().casefold().replace("-", "_").replace(" ", "_")
    every = f" There are: {', '.join(METHODS)}."
    raise UsageError(f"There is no method {name!r}.{nearest(close, list(METHODS)) or every}")


# As papers write them, in letters: "LRP-ε", "z⁺" and "SmoothGrad²" after NFKC, "Grad-CAM++", "GradCAMPlusPlus".
_LETTERS = {"++": "pp", "+": "plus", "×": "x", "ε": "epsilon", "γ": "gamma", "α": "alpha", "β": "beta"}


def folded_name(name: str) -> str:
    """A method's name as all of its spellings have it.

    >>> folded_name("Grad-CAM++"), folded_name("gradcam_pp"), folded_name("LRP-ε")
    ('gradcampp', 'gradcampp', 'lrpepsilon')
    """
    name = unicodedata.normalize("NFKC", name).casefold()
    for sign, letters in _LETTERS.items():
        name = name.replace(sign, letters)
    name = "".join(c for c in name if c.isalnum())
    return name.replace("plusplus", "pp")
