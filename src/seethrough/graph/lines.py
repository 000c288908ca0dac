"""Lines: where in the person's own code something happens, for messages that say it."""

from __future__ import annotations

import sys
from functools import cache


def here() -> str:
    """The line of the person's code that is running: the innermost frame outside of torch, Keras and this package."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not _is_library(name):
            return f"{name.replace(chr(92), '/').rsplit('/', 1)[-1]}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"


def line_of(error: BaseException) -> str:
    """The line of the person's code from which an exception came."""
    found, trace = "?", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not _is_library(name):
            found = f"{name.replace(chr(92), '/').rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


@cache
def _is_library(file: str) -> bool:
    file = file.replace("\\", "/")
    return any(part in file for part in ("/torch/", "/keras/", "/seethrough/graph/"))
