"""A process of its own for what parses strangers' bytes in C: it may die, and it may take only so much.

The child gets a path, and answers with plain data and with numbers in a file. It imports neither torch nor Keras, so that
it starts in a fraction of a second; it has a limit on memory and on processor time where the system keeps limits
(elsewhere it is a process like any other). However it ends, this process lives on and has one sentence to say.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seethrough.errors import EnvironmentLacks, InputRefused, SeethroughError

READERS = {"hdf5": ("seethrough.models.hdf5", "read_hdf5", "h5py")}
"""From the name of a format to who reads it: a module of ours, a function in it, and the library it needs."""

MEMORY = 256 * 2**20
"""How much more than its libraries a reader may take, in bytes."""

LIBRARIES = 4 * 2**30
"""How much address space they may take while they are loaded."""

SECONDS = 1.0
BYTES_A_SECOND = 20 * 2**20
"""A reader has `SECONDS` of processor time after its libraries are loaded, and one more for so many bytes of the file;
damaged files have HDF5 turn in circles.
"""

PATIENCE = 20
"""How many times as long it may take by the clock on the wall, on a machine with other work."""

OUT_OF_TIME = {getattr(signal, name) for name in ("SIGPROF", "SIGXCPU") if hasattr(signal, name)}

LARGEST_ANSWER = 64 * 2**20

START = (
    "import json, sys\n"
    "request = json.load(sys.stdin)\n"
    "sys.path[:] = request['path']\n"
    "from seethrough.models.reader import answer\n"
    "answer(request)\n"
)

KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
"""Of the environment, what a library may need to load; the rest is nobody's business there."""

ADDED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::", "HDF5_PLUGIN_PATH": ""}
"""One thread is enough; HDF5 loads no code from anywhere."""


def read_apart(kind: str, path: Path, numbers: Path | None, where: str) -> dict[str, Any]:
    """Read a file in a process of its own.

    Parameters
    ----------
    kind
        One of `READERS`.
    numbers
        The file that the reader writes numbers to; None where it only looks.
    where
        What the file is called in a message.

    Returns
    -------
    dict
        Whatever the reader says, as plain data; not to be believed.

    Raises
    ------
    InputRefused
        What the reader refuses; a reader that crashed, or wanted more memory or time than it may have.
    EnvironmentLacks
        A library that isn't installed, a reader that was killed from outside, a process that can't be started.
    """
    size = path.stat().st_size
    request = {
        "kind": kind, "file": str(path.resolve()), "numbers": str(numbers.resolve()) if numbers else None, "where": where,
        "path": sys.path, "seconds": SECONDS + size / BYTES_A_SECOND,
    }  # fmt: skip
    said, code, in_time = _asked(json.dumps(request).encode(), PATIENCE * request["seconds"])
    if not in_time or -code in OUT_OF_TIME:
        raise InputRefused(
            f"Reading {where} took more than {request['seconds']:.1f} s, and the reader process was stopped; the file is "
            "broken or made to mislead. Save the network again."
        )
    if code != 0:
        raise _died(code, where)
    return _understood(said, where)


def _asked(request: bytes, seconds: float) -> tuple[bytes, int, bool]:
    """What a child says, its exit code, and whether it ended by itself in time."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | ADDED
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", START],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentLacks(f"The reader process can't be started: {error.strerror or error}.") from error
    assert child.stdin is not None and child.stdout is not None
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), child.kill()))
    with child:
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it died before it could listen
                child.stdin.write(request)
                child.stdin.close()
            said = child.stdout.read(LARGEST_ANSWER + 1)
            if len(said) > LARGEST_ANSWER:
                child.kill()
        except BaseException:
            child.kill()
            raise
        finally:
            timer.cancel()
    return said, child.returncode, not late.is_set()


def _died(code: int, where: str) -> SeethroughError:
    """Who is killed by SIGKILL is killed by the system or a person; every other end is the file's doing."""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if how == "SIGKILL":
        return EnvironmentLacks(
            f"The reader process died ({how}) while reading {where}; something outside ended it, most often a system "
            "that is out of memory. Close other programs and try again."
        )
    return InputRefused(
        f"The reader process died ({how}) while reading {where}; the file is broken or made to do harm, and nothing of "
        "it was opened. Save the network again."
    )


def _understood(said: bytes, where: str) -> dict[str, Any]:
    try:
        answered = json.loads(said)
        if "refused" in answered:
            raise {kind.__name__: kind for kind in REFUSALS}[answered["kind"]](str(answered["refused"]))
        return dict(answered["read"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, SeethroughError):
            raise
        raise InputRefused(f"The reader process gave no sense about {where}; don't trust this file.") from error


# What follows runs in the child.

REFUSALS = (InputRefused, EnvironmentLacks)


def answer(request: Mapping[str, Any]) -> None:
    """Read what was asked for, under limits, and print it as JSON; the child's whole life."""
    home, name, library = READERS[request["kind"]]
    _limit_memory(LIBRARIES)
    with contextlib.suppress(ImportError):  # the reader itself says which extra is missing
        importlib.import_module(library)
    read = getattr(importlib.import_module(home), name)
    _limit_memory(_address_space() + MEMORY)
    _limit_time(request["seconds"])
    file, numbers = Path(request["file"]), request["numbers"]
    try:
        said: dict[str, Any] = {"read": read(file, Path(numbers) if numbers else None, request["where"])}
    except REFUSALS as error:
        said = {"kind": type(error).__name__, "refused": str(error)}
    except MemoryError:
        refused = f"Reading {request['where']} takes more than the limit of {MEMORY >> 20} MB; save the network again."
        said = {"kind": "InputRefused", "refused": refused}
    except OSError as error:
        said = {"kind": "EnvironmentLacks", "refused": f"The numbers of {request['where']} can't be copied: {error}."}
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()


def _address_space() -> int:
    """How many bytes of addresses this process has; only Linux says it, and elsewhere the libraries' share stays."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return LIBRARIES


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _lower(resource, resource.RLIMIT_CORE, 0)  # no picture of memory is left on disk
    _lower(resource, resource.RLIMIT_AS, limit)


def _limit_time(seconds: float) -> None:
    """An alarm that ends the process, and where that was switched off, the system's own limit in whole seconds."""
    try:
        import resource
    except ImportError:  # Windows
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    _lower(resource, resource.RLIMIT_CPU, int(time.process_time() + seconds) + 2)


def _lower(resource: Any, which: int, limit: int) -> None:
    hard = resource.getrlimit(which)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS keeps no limit below what is taken
        resource.setrlimit(which, (limit, hard))
