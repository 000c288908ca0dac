"""Inputs: what a network takes besides pictures, by name, and which of several is the one that is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seethrough.errors import UsageError

KINDS = ("float", "int64", "int32", "bool")
"""What the numbers of an input may be; ``float`` is whatever the network computes in."""


@dataclass(frozen=True, slots=True)
class Input:
    """One of a network's inputs.

    Attributes
    ----------
    shape
        Without the batch, in the network's own layout; None where nobody knows it.
    kind
        One of `KINDS`; None where nobody said so: then arrays of whole numbers stay what they are.
    """

    shape: tuple[int, ...] | None
    kind: str | None = None

    @property
    def is_picture(self) -> bool:
        """Whether one such input has the three axes of a picture."""
        return self.shape is not None and len(self.shape) == 3


def are_several(said: Any) -> bool:
    """Whether an input size speaks of inputs one by one: a mapping from names, or a list of shapes."""
    return isinstance(said, Mapping) or (
        isinstance(said, tuple | list) and any(isinstance(part, tuple | list) for part in said)
    )


def inputs_said(said: Mapping[Any, Any] | Sequence[Any]) -> dict[str, Input]:
    """Inputs by name, or by position (``"0"``, ``"1"``), in the order they were said.

    Parameters
    ----------
    said
        ``{"image": (3, 64, 64), "words": (16, "int64")}``, or a list of such shapes. A shape may end with what the
        numbers are, one of `KINDS`; ``()`` is one number an image.

    Raises
    ------
    UsageError
        What is no shape.
    """
    parts = said.items() if isinstance(said, Mapping) else enumerate(said)
    found = {str(name): _input(str(name), shape) for name, shape in parts}
    if not found:
        raise UsageError("An input size without inputs says nothing; give a shape for each: {'image': (3, 224, 224)}.")
    return found


def _input(name: str, said: Any) -> Input:
    parts: tuple[Any, ...] = tuple(said) if isinstance(said, tuple | list) else (said,)
    kind = parts[-1] if parts and isinstance(parts[-1], str) else None
    shape = parts if kind is None else parts[:-1]
    whole = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in shape)
    if not whole or (kind is not None and kind not in KINDS):
        raise UsageError(
            f"The shape of the input {name!r} is whole numbers above 0, such as (3, 224, 224), and may end with one of "
            f"{', '.join(map(repr, KINDS))}; this is {said!r}."
        )
    return Input(shape, kind)


def explained_first(inputs: Mapping[str, Input]) -> dict[str, Input]:
    """The inputs with the one in front that is explained: the first that has the three axes of a picture, else the
    first. The others follow in their order.
    """
    first = next((name for name, one in inputs.items() if one.is_picture), next(iter(inputs), ""))
    return dict(sorted(inputs.items(), key=lambda item: item[0] != first))
