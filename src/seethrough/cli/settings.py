"""``--set NAME=VALUE``: settings of methods as words of a shell, each of the type that its method has by default."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.attribution import Method

YES, NO, NONE = ("true", "yes", "on"), ("false", "no", "off"), ("none",)


def settings(
    said: Sequence[str], options: Mapping[str, Any], methods: Sequence[Method], *, seed: int | None = None
) -> dict[str, Any]:
    """What `explain` takes as settings.

    Parameters
    ----------
    said
        ``"steps=64"``, or ``"rise.samples=4000"`` for one method alone.
    options
        Those that were given by options of their own, such as ``--steps``.
    methods
        The methods that are asked; a value is read as the type of its default there.
    seed
        For every method that draws; None where none was given.

    Raises
    ------
    UsageError
        No ``=`` in it, a value of another type, a setting that was said twice. Whether there is such a setting is for
        `explain` to say.
    """
    found = dict(options)
    for word in said:
        name, equals, value = word.partition("=")
        name, value = name.strip().replace("-", "_"), value.strip()
        if not equals or not name or not value:
            raise UsageError(f"--set takes NAME=VALUE, such as --set steps=64; this is {word!r}.")
        if name in found:
            raise UsageError(f"The setting {name!r} is said twice; say it once.")
        found[name] = _value(name, value, _defaults(name, methods))
    if seed is not None and "seed" not in found and any("seed" in m.defaults for m in methods):
        found["seed"] = seed
    return found


def _defaults(name: str, methods: Sequence[Method]) -> list[Any]:
    """What a setting is where nobody says it, in every method that has it."""
    method, _, setting = name.rpartition(".")
    return [m.defaults[setting] for m in methods if setting in m.defaults and method in ("", m.name)]


def _value(name: str, said: str, defaults: Sequence[Any]) -> Any:
    """A word as a value.

    >>> _value("steps", "64", [32]), _value("fill", "0.5", ["mean"]), _value("window", "8x4", [None])
    (64, 0.5, (8, 4))
    """
    found = _read(said)
    for default in defaults:
        if isinstance(default, bool):
            if not isinstance(found, bool):
                raise UsageError(f"{name} is true or false, not {said!r}.")
        elif isinstance(default, int):
            if not isinstance(found, int) or isinstance(found, bool):
                raise UsageError(f"{name} is a whole number, such as {default}; this is {said!r}.")
        elif isinstance(default, float) and (not isinstance(found, int | float) or isinstance(found, bool)):
            raise UsageError(f"{name} is a number, such as {default}; this is {said!r}.")
    if isinstance(found, int) and not isinstance(found, bool) and any(isinstance(d, float) for d in defaults):
        return float(found)
    if defaults and all(isinstance(default, tuple) for default in defaults) and not isinstance(found, tuple):
        return (found,)
    return found


def _read(said: str) -> Any:
    """A number, several with ``x`` or commas between them, yes or no, none, or else the word itself."""
    folded = said.casefold()
    for words, meaning in ((YES, True), (NO, False), (NONE, None)):
        if folded in words:
            return meaning
    for between in ("x", ","):
        parts = folded.replace("×", "x").split(between)
        numbers = [_number(part) for part in parts]
        if len(parts) > 1 and all(number is not None for number in numbers):
            return tuple(numbers)
    number = _number(said)
    return said if number is None else number


def _number(said: str) -> int | float | None:
    try:
        return int(said)
    except ValueError:
        pass
    try:
        number = float(said)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
