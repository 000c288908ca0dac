"""Numbers and names as a person reads them in a line of text."""

from __future__ import annotations

import re

from seethrough.anatomy.rows import Shape

NONE = "·"
"""Where there is nothing to tell."""


def plain(text: str) -> str:
    """Text from outside on one line, without what would steer a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "�", text)


def amount(number: int | None, figures: int = 3) -> str:
    """``86.7 M``; three figures say enough."""
    if not number:
        return NONE
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            whole = len(str(number // size))
            return f"{number / size:.{max(0, figures - whole)}f} {unit}"
    return str(number)


def dimensions(shape: Shape) -> str:
    """``224×224×64``."""
    return "×".join(map(str, shape)) or "one number"


def size_in_words(count: int) -> str:
    """A number of bytes: ``528 MB``, in steps of 1,000."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
