"""Our own process: what may be set because nobody else lives in it. The library itself never does any of this."""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import signal
import sys
import warnings
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and SIGTERM."""

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT = 1 << 30


class Terminated(BaseException):
    """SIGTERM, as an exception, so that whatever cleans up on the way out does."""


def prepare() -> None:
    """Prepare this process for the command line; before torch or Keras is imported."""
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold bytes that no encoding knows; a terminal may know few characters.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory instead of giving it back to the system at once.

    glibc maps every large block anew and unmaps it when freed, so that each feature map of each forward pass is paid
    for twice: the kernel clears its pages, and they are faulted in one by one. With both thresholds at 1 GiB blocks are
    used again (``benchmarks/allocator.py`` prints what that is worth). The price is that the process keeps its peak
    until it ends, which a command does soon; that is why the library leaves this alone.

    Returns
    -------
    bool
        Whether it was set; False where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(mallopt(threshold, KEPT) == 1 for threshold in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD))


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
