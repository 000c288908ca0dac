"""Our own process: what may be set because nobody else lives in it. The library itself does none of this, but that it keeps
freed memory for the time of long work (`seethrough.machine`).
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import warnings
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from seethrough.machine import keep_freed_memory, set_threads

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and SIGTERM."""


class Terminated(BaseException):
    """SIGTERM, as an exception, so that whatever cleans up on the way out does."""


def prepare() -> None:
    """Prepare this process for the command line; before torch or Keras is imported."""
    os.environ["KERAS_BACKEND"] = "torch"
    set_threads(os.environ)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold bytes that no encoding knows; a terminal may know few characters.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def leave(code: int) -> NoReturn:
    """End this process with a code, after everything that is to be done at its end.

    Python remembers a Ctrl-C that went through ``exec`` of a text, as dataclasses use it while a library is imported, and under
    ``python -m`` then ends by the signal, though the exception was handled (``run_eval_code_obj`` and ``exit_sigint`` in its
    source).
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


__all__ = ["INTERRUPTED", "TERMINATED", "Terminated", "keep_freed_memory", "leave", "prepare"]
