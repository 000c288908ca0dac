"""Free memory: what a device, or a container's own limit, leaves."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def free_memory(device: torch.device) -> int | None:
    """Bytes that could be taken on a device without swapping; None where nobody knows."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    known = [n for n in (_available(), _granted()) if n is not None]
    return min(known) if known else None


def _available() -> int | None:
    """What the system could give without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on this system
        return None


def _granted() -> int | None:
    """What a container's own limit leaves."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text("ascii").strip()
        return None if most == "max" else max(0, int(most) - int((folder / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        return None
