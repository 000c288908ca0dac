"""One case of bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LEOPARDS = "demo:leopards"


@dataclass(frozen=True, slots=True)
class Case:
    """What is wrong, the command that meets it, and what makes it in the working folder."""

    what: str
    command: str
    make: Callable[[], object] = lambda: None
