"""An entry of the vocabulary: a method in words."""

from __future__ import annotations

from dataclasses import dataclass

from seethrough.show.language import Both


@dataclass(frozen=True, slots=True)
class MethodWords:
    """How a method is called, and how to read its map, in a line."""

    name: Both
    line: Both
