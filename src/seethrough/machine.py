"""The machine as this process may use it: how many processors are its own, how threads wait for each other, and whether
freed memory stays here. Imports neither torch nor NumPy.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

KEEP_MEMORY_VARIABLE = "SEETHROUGH_KEEP_MEMORY"
"""Set to 0, freed memory goes back to the system at once, in commands and in the library."""

THREADS_VARIABLE = "SEETHROUGH_THREADS"
"""How a command's threads are set: a number of them, or 0 to leave all of it to OpenMP's own variables."""

SPINS = "200"
"""How often a thread of GNU's OpenMP looks whether there is work before it sleeps: some ten microseconds, about what waking
it takes; its own 300,000 keep a processor busy for many milliseconds, and so from whoever works beside.
"""

CGROUP = Path("/sys/fs/cgroup")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT = 1 << 30
USUAL = {M_TRIM_THRESHOLD: 64 << 20, M_MMAP_THRESHOLD: 32 << 20}
"""What both thresholds of glibc come to by themselves once large blocks were freed."""


def processors() -> int:
    """How many processors this process may use: those it is bound to, or fewer where its container is granted less."""
    granted = _granted()
    return _bound() if granted is None else max(1, min(_bound(), round(granted)))


def _bound() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _granted() -> float | None:
    """Processors' worth of time that the container grants; None where it grants all."""
    try:
        if (CGROUP / "cpu.max").exists():
            most, period = (CGROUP / "cpu.max").read_text("ascii").split()
        else:
            most, period = (
                (CGROUP / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii").strip() for name in ("quota", "period")
            )
        return None if most == "max" or int(most) <= 0 else int(most) / int(period)
    except (OSError, ValueError):
        return None


def set_threads(environment: MutableMapping[str, str]) -> None:
    """Choose, for a process of our own and before torch is imported, how many threads there are and how they wait.

    Where its container grants a process fewer processors than it sees, as many as those, since OpenMP counts all; else as many
    as torch itself chooses, which knows processors that are two halves of one. A thread that has nothing to do sleeps soon:
    one that looks for work all the time keeps a busy neighbour, or its own fellow, from the processor
    (``benchmarks/threads.py``). What the person set stays.
    """
    said = environment.get(THREADS_VARIABLE, "").strip()
    if said == "0":
        return
    if said.isdecimal():
        environment["OMP_NUM_THREADS"] = said
    elif processors() < _bound():
        environment.setdefault("OMP_NUM_THREADS", str(processors()))
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPINS)


def how_threads_wait(environment: Mapping[str, str]) -> str:
    """What was set, in words."""
    if policy := environment.get("OMP_WAIT_POLICY"):
        return f"as OMP_WAIT_POLICY={policy} says"
    spins = environment.get("GOMP_SPINCOUNT")
    return (
        "look for work for as long as OpenMP has it" if spins is None else f"sleep after looking {spins} times for work"
    )


def memory_may_be_kept() -> bool:
    """Whether the person leaves it to us."""
    return os.environ.get(KEEP_MEMORY_VARIABLE, "").strip() != "0"


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory instead of giving it back to the system at once, until this process ends.

    glibc maps every large block anew and unmaps it when freed, so that each feature map of each forward pass is paid
    for twice: the kernel clears its pages, and they are faulted in one by one. With both thresholds at 1 GiB blocks are
    used again (``benchmarks/allocator.py`` prints what that is worth). The price is that the process keeps its peak.

    Returns
    -------
    bool
        Whether it was set; False where the C library is another one, or the person said no.
    """
    global _for_good
    _for_good = memory_may_be_kept() and _set(dict.fromkeys(USUAL, KEPT))
    return _for_good


_for_good, _working, _lock = False, 0, threading.Lock()


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """The same for the time of some long work, in a process that isn't ours; what was kept is given back behind it. The
    price is that the process holds its peak for so long.
    """
    global _working
    if _for_good or not memory_may_be_kept():
        yield
        return
    with _lock:
        _working += 1
        if _working == 1:
            _set(dict.fromkeys(USUAL, KEPT))
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if not _working:
                _set(USUAL)
                give_back()


def _set(thresholds: dict[int, int]) -> bool:
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and all(mallopt(name, size) == 1 for name, size in thresholds.items())


def give_back() -> None:
    """Give what is kept and not in use back to the system, once: behind a part of the work that took much, before another one that
    takes its memory in other pieces and would take it anew.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


@cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
