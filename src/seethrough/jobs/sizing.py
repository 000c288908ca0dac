"""Sizing: how many images at once, by trying it on the work itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

from seethrough.anatomy.free_memory import free_memory
from seethrough.errors import EnvironmentLacks, is_out_of_memory

BATCH = 16
"""Images at once where too few are to be done for measuring to pay."""

SMALLEST = 8
"""The first size that is tried."""

GAIN = 1.1
"""A larger batch has to do so many times as many images a second."""

SHARE = 0.5
"""Of the memory that is free, so much may be taken by a batch that is foreseen, not measured."""

ROOM = 2 * 2**30
"""So many bytes at most of a machine's own memory, however much is free: others want it too, and many images shall take no more than
few. A graph that is walked back holds all that is between; of MobileNetV2 at 224 pixels 16 pictures take 2.5 GB.
"""


def measured(attempt: Callable[[int], None], largest: int, device: torch.device) -> int:
    """The number of images at once that does most images a second and fits.

    A batch is doubled for as long as that is worth it: not where twice the memory of the last one isn't there, nor where it
    brings less than a tenth more images a second. What a size costs once (a graph is proved for each) doesn't count.

    Parameters
    ----------
    attempt
        Does the work on so many images and forgets it.
    largest
        The most that may go at once.
    device
        Whose memory it takes.
    """
    best, rate = 1, 0.0
    size = min(SMALLEST, largest)
    while True:
        before = _peak(device)
        try:
            attempt(size)  # proves the graph
            start = time.perf_counter()
            attempt(size)
            took = time.perf_counter() - start
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return best if rate else halved(size)
        if rate and size / took < GAIN * rate:
            return best
        best, rate = size, size / took
        if size == largest or not _fits(2 * (_peak(device) - before), device):
            return best
        size = min(2 * size, largest)


def halved(batch: int) -> int:
    """The next smaller batch.

    Raises
    ------
    EnvironmentLacks
        Where there is none.
    """
    if batch == 1:
        raise EnvironmentLacks(
            "Not even one image at a time fits into the memory of this machine; close other programs, or use smaller inputs."
        )
    return batch // 2


def _fits(needed: int, device: torch.device) -> bool:
    free = free_memory(device)
    most = ROOM if device.type == "cpu" else needed
    return needed <= (most if free is None else min(most, SHARE * free))


def _peak(device: torch.device) -> int:
    """The most bytes that were taken so far; 0 where nobody knows."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
