"""What a metric of explanations declares about itself, and the table of all of them.

A metric is a function that reads like its paper and gives one number an image, (N,). What it is given is what it needs: a
map; a map and the truth; a run and the values of a map; these and the method itself, to be asked again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from seethrough.errors import UsageError, nearest


class Reads(Enum):
    """What a metric is given, and in which order."""

    MAP = "the map"
    """``(maps)``: float (N, H, W), one number a place."""

    TRUTH = "the map and where the object is"
    """``(maps, masks)``: with bool (N, H, W)."""

    NETWORK = "the map and the network"
    """``(run, values)``: values (N, 1 or C, H, W) on the grid of the run's images."""

    METHOD = "the method itself, asked again"
    """``(run, values, ask)``: with a function from another run to its values, of the same shape."""


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric of the field, as data.

    Attributes
    ----------
    name, function
        The function's name, and the function.
    family
        ``"faithfulness"``, ``"robustness"``, ``"localisation"``, ``"complexity"``, ``"randomisation"`` or
        ``"axiomatic"``.
    reads
        What it is given.
    better
        Which way is better: ``"higher"`` or ``"lower"``.
    source
        Authors and year.
    probability
        Whether it follows the target's probability where the network gives one, as its paper does, instead of what was
        explained.
    measures
        The maps it is defined for, by what their numbers are (`Method.measures`).
    defaults
        Its settings.
    """

    name: str
    function: Callable[..., Any]
    family: str
    reads: Reads
    better: str
    source: str
    probability: bool = False
    measures: tuple[str, ...] = ("slope", "target", "rank")
    defaults: Mapping[str, Any] = field(default_factory=dict)


_TABLE: dict[str, Metric] = {}
METRICS: Mapping[str, Metric] = MappingProxyType(_TABLE)
"""Every metric by name, in the order they are presented."""


def metric(**declared: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function into the table of metrics; keywords are `Metric`'s fields."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        _TABLE[function.__name__] = Metric(function.__name__, function, defaults=defaults, **declared)
        return function

    return put


def metric_named(name: str) -> Metric:
    """The metric of this name.

    Raises
    ------
    UsageError
        Where there is none; names the nearest.
    """
    folded = name.strip().casefold().replace("-", "_").replace(" ", "_")
    if folded not in METRICS:
        known = f" There are: {', '.join(METRICS)}."
        raise UsageError(f"There is no metric {name!r}.{nearest(folded, list(METRICS)) or known}")
    return METRICS[folded]
