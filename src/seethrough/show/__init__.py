"""Words and pictures: the one room that turns data into what a person reads and sees, in English or 简体中文."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seethrough.show.figures import figure

__all__ = ["figure"]


def __getattr__(name: str) -> Any:
    if name != "figure":
        raise AttributeError(f"module 'seethrough.show' has no attribute {name!r}")
    from seethrough.show.figures import figure  # matplotlib is imported when the first picture is drawn

    return figure
