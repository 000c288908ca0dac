"""How a row is measured: rounds of ours and the peer's in turn, and the peak memory of each in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import os
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from rows.nets import warm
from rows.row import Pair, Row, Setting, settled, timed

LEAST, MOST, ENOUGH = 3, 15, 6.0
"""Rounds at least, where the time allows them, and at most; seconds after which there are enough."""

TURNS = 0.5
"""Seconds for which the peer and ours, asked again, take turns before a network is newly opened."""


def timings(row: Row, setting: Setting, limit: float) -> dict[str, Any]:
    """Seconds of both sides over alternating rounds, and how far the results agree.

    Parameters
    ----------
    limit
        Seconds after which no other round is begun; the first is always done.

    Returns
    -------
    dict
        ``first`` (each on a newly opened network), ``next`` (the same network asked again) and ``theirs``: seconds of all the
        work in each round, reckoned from the timed part where only that was done; ``others``: which part of the
        processors other processes took meanwhile.
    """
    warm(setting.device)
    pair = row.build(setting)
    first, again, theirs = [], [], []
    begun, busy, own = time.perf_counter(), _busy(), _own()
    while True:
        opened = pair.opened()
        settled(setting.device)
        seconds, _ = timed(lambda: pair.ours(opened), setting.device)  # noqa: B023
        first.append(seconds)
        turns = time.perf_counter()
        while True:
            seconds, expected = timed(pair.theirs, setting.device)
            theirs.append(seconds / pair.share)
            seconds, found = timed(lambda: pair.ours(opened), setting.device)  # noqa: B023
            again.append(seconds / pair.our_share)
            if time.perf_counter() - turns > TURNS:
                break
        first[-1] += again[-1] * (1 - pair.our_share)
        spent = time.perf_counter() - begun
        if len(first) >= MOST or spent > limit or (len(first) >= LEAST and spent > ENOUGH):
            break
    processors = spent * (os.cpu_count() or 1)
    others = max(0.0, (_busy() - busy - (_own() - own)) / processors)
    if pair.unlike is not None:
        found, expected = pair.unlike[0](opened), pair.unlike[1]()
    agreed = pair.agreement(found, expected)
    return {
        "first": first, "next": again, "theirs": theirs, "others": others, "setting": pair.setting,
        "share": pair.share, "our_share": pair.our_share, "chosen": _plain(setting.chosen),
        "agreement": {"figure": agreed.figure, "value": agreed.value},
    }  # fmt: skip


def _plain(chosen: dict[str, Any]) -> dict[str, Any]:
    """Choices as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items()}


def peak(row: Row, setting: Setting, side: str) -> float:
    """What one call adds to the memory, in MB, over the process with everything ready; a process asks this once."""
    warm(setting.device)
    pair = row.build(setting)
    opened = pair.opened() if side == "ours" else None
    if setting.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _asked(pair, opened)
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    before = _from_now()
    _asked(pair, opened)
    return _status("VmHWM") - before


def _asked(pair: Pair, opened: Any) -> None:
    pair.theirs() if opened is None else pair.ours(opened)


def _from_now() -> float:
    """MB in memory, from which on the peak is counted anew."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        warnings.warn("this system doesn't count the peak anew", stacklevel=1)
    return _status("VmRSS")


def _status(key: str) -> float:
    """A line of this process' status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def _busy() -> float:
    """Seconds that all processors worked since the system started; 0 where it doesn't say."""
    try:
        numbers = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0.0
    return (sum(numbers) - numbers[3] - numbers[4]) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
