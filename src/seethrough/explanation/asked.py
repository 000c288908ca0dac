"""What a person asked: which methods, with which settings, about which targets — settled before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch import Tensor

from seethrough.attribution import METHODS, Method, method_named
from seethrough.errors import UsageError, nearest
from seethrough.explanation.defaults import DEFAULTS_BY_KIND, NetworkKind
from seethrough.graph.fast.choose import Ways
from seethrough.graph.fast.halved import PRECISIONS
from seethrough.graph.run import TOGETHER
from seethrough.network import Prepared

ALL = "all"

Progress = Callable[[str, int, int], None]
"""Told the method's name, steps done, steps in all."""


FOR_ALL = ("references", "baselines")
"""Settings that are several pictures for each image, however many there are of either."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The methods of a question; those in ``optional`` weren't named one by one, and give way where they don't fit."""

    methods: tuple[Method, ...]
    optional: frozenset[str]


@dataclass(frozen=True, eq=False)
class Asked:
    """What a person asked: a target an image (or one function), settings by method.

    ``layers`` are the layers of class activation maps, several to be fused, none to be found; ``budget`` is in seconds
    for one image; ``many`` is how many images are asked about in all, and ``ways`` on which graphs they go;
    ``precision`` is what answers to many changed pictures are computed in.
    """

    methods: tuple[Method, ...]
    optional: frozenset[str]
    settings: Mapping[str, Mapping[str, Any]]
    layers: tuple[str, ...] = ()
    target: Any = None
    probabilities: bool = False
    progress: Progress | None = None
    together: int = TOGETHER
    trust: bool = False
    budget: float | None = None
    many: int = 0
    precision: str = PRECISIONS[0]
    ways: Ways = field(default_factory=Ways)

    def part(self, rows: slice, number: int) -> Asked:
        """The same about some of the images; a setting with a row for each (a baseline, say) goes with them."""

        def cut(value: Any) -> Any:
            each = isinstance(value, Tensor | np.ndarray) and value.ndim > 0 and number > 1 and len(value) == number
            return value[rows] if each else value

        settings = {
            m: {key: value if key in FOR_ALL else cut(value) for key, value in given.items()}
            for m, given in self.settings.items()
        }
        return replace(
            self, settings=settings, target=self.target[rows] if isinstance(self.target, list) else self.target
        )

    def options(self, method: Method) -> dict[str, Any]:
        """What a method is called with."""
        told = self.progress
        if told is None or "progress" not in method.defaults:
            return dict(self.settings[method.name])
        return {**self.settings[method.name], "progress": lambda done, total: told(method.name, done, total)}

    def used(self, method: Method) -> dict[str, Any]:
        """All settings of a method, as given or by default."""
        return {k: v for k, v in {**method.defaults, **self.settings[method.name]}.items() if k != "progress"}


def chosen(methods: Sequence[str] | str | None, kind: NetworkKind = NetworkKind.CONVOLUTIONS) -> Chosen:
    """The methods a person named: by name, by family (``"relevance"``), ``"all"``, or left out again (``"-occlusion"``);
    those that suit the kind of network where nobody named any.

    Raises
    ------
    UsageError
        A name that is neither a method nor a family; nothing left.
    """
    if methods is None:
        return Chosen(tuple(METHODS[m] for m in DEFAULTS_BY_KIND[kind]), frozenset(DEFAULTS_BY_KIND[kind]))
    said = [part.strip() for name in ([methods] if isinstance(methods, str) else methods) for part in name.split(",")]
    said = [name for name in said if name]
    if not said:
        raise UsageError(f"No method was named; there are: {', '.join(METHODS)}.")
    found: dict[str, bool] = {}
    if all(name.startswith("-") for name in said):
        said = [ALL, *said]
    for name in said:
        several = _several(name.removeprefix("-"))
        if name.startswith("-"):
            for m in several or [method_named(name[1:]).name]:
                found.pop(m, None)
        elif several:
            found |= {m: found.get(m, True) for m in several}
        else:
            found[method_named(name).name] = False
    if not found:
        raise UsageError(f"{', '.join(said)} leaves no method; name one that is to be asked.")
    return Chosen(tuple(METHODS[m] for m in found), frozenset(m for m, optional in found.items() if optional))


def _several(name: str) -> list[str]:
    """The methods that ``"all"`` or the name of a family stands for; none for a single method's name."""
    folded = name.casefold().replace("_", " ").replace("-", " ").strip()
    if folded == ALL:
        return list(METHODS)
    return [] if folded.replace(" ", "_") in METHODS else [m.name for m in METHODS.values() if m.family == folded]


def settings_of(methods: Iterable[Method], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each setting to the methods that have it; ``"rise.samples"`` to that method alone.

    Raises
    ------
    UsageError
        A setting that none of them has.
    """
    methods = list(methods)
    names = ", ".join(m.name for m in methods) if len(methods) <= 6 else f"these {len(methods)} methods"
    known = {key for m in methods for key in m.defaults if key != "progress"}
    each: dict[str, dict[str, Any]] = {m.name: {} for m in methods}
    for key, value in given.items():
        name, _, setting = key.rpartition(".")
        if name and method_named(name).name not in each:
            raise UsageError(
                f"The setting {key!r} is for {method_named(name).name}, which isn't asked; ask it, or leave it out."
            )
        takers = [METHODS[method_named(name).name]] if name else methods
        takers = [m for m in takers if setting in m.defaults and setting != "progress"]
        if not takers:
            own = sorted(
                known if not name else {k for k in METHODS[method_named(name).name].defaults if k != "progress"}
            )
            others = [m.name for m in METHODS.values() if setting in m.defaults and setting != "progress"][:3]
            if others and not name:
                hint = f" {', '.join(others)} {'has' if len(others) == 1 else 'have'} it; name such a method."
            else:
                hint = nearest(setting, own) or f" There are: {', '.join(own) or 'none'}."
            raise UsageError(f"No setting of {name or names} is called {setting!r}.{hint}")
        for m in takers:
            if name or setting not in each[m.name] or f"{m.name}.{setting}" not in given:
                each[m.name][setting] = value
    return each


def layers_of(layer: str | Sequence[str] | None, methods: Sequence[Method]) -> tuple[str, ...]:
    """The layers a person named.

    Raises
    ------
    UsageError
        None of the methods takes a layer.
    """
    if layer is None:
        return ()
    if not any(m.takes_layer for m in methods):
        names = ", ".join(m.name for m in methods)
        raise UsageError(f"layer={layer!r} says nothing to {names}: no layer is to be chosen there; leave it out.")
    return (layer,) if isinstance(layer, str) else tuple(layer)


def seconds_of(budget: float | str | None) -> float | None:
    """A time, in seconds or as ``"60s"``, ``"2min"``.

    Raises
    ------
    UsageError
        Anything else, or no time at all.
    """
    if budget is None:
        return None
    said = str(budget).strip().casefold()
    unit = next((u for u in ("minutes", "min", "seconds", "sec", "ms", "s", "m", "h") if said.endswith(u)), "")
    factor = {"h": 3600.0, "minutes": 60.0, "min": 60.0, "m": 60.0, "ms": 0.001}.get(unit, 1.0)
    try:
        seconds = float(said.removesuffix(unit)) * factor
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"A budget is a time above 0, such as 60, '60s' or '2min', not {budget!r}.")
    return seconds


def refuse_mixed_sizes(prepared: Prepared) -> None:
    """Pictures of different sizes have maps of different sizes, which one result doesn't hold."""
    sizes = sorted({p.size for p in prepared.pictures})
    if len(sizes) > 1:
        shown = ", ".join(f"{width} × {height}" for height, width in sizes[:3])
        raise UsageError(
            f"The {len(prepared.pictures)} pictures have {len(sizes)} different sizes ({shown}"
            f"{'…' * (len(sizes) > 3)}); explain pictures of one size together, others one by one."
        )


def refuse_no_batch(size: int) -> None:
    """A batch has at least one image."""
    if size < 1:
        raise UsageError(f"batch_size is at least 1, not {size}.")


def rows_of(number: int, size: int) -> Iterator[slice]:
    """The images in batches of a size."""
    for start in range(0, number, size):
        yield slice(start, min(start + size, number))
