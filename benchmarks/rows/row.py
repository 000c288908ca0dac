"""What a row of the table is: a work, ours and the peer's way to do it, and how far the two results agree.

Rows are data. How they are measured stands in `rows.measured`, how they are shown in `rows.shown`; none of the three imports a
peer before a row is run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

Call = Callable[[], Any]


@dataclass(frozen=True)
class Agreement:
    """How far two results agree.

    Attributes
    ----------
    figure
        ``"difference"`` (the largest, relative to the largest number of the peer's) or ``"rank correlation"``.
    value
        The figure's.
    """

    figure: str
    value: float


@dataclass(frozen=True)
class Pair:
    """One work on one network, ready to be timed from both sides.

    Attributes
    ----------
    opened
        A newly opened network, of which nothing is recorded or planned yet; not timed.
    ours
        The work, on what ``opened`` gave.
    theirs
        The same work as the peer does it.
    agreement
        From ours' result and the peer's.
    setting
        The peer's, in words.
    share, our_share
        How much of the work a timed call of each side does. Where that is less than all of it, each part costs the same
        and the rest is reckoned.
    unlike
        Two calls of the same smaller work, ours and the peer's, to be compared where what was timed can't be.
    """

    opened: Call
    ours: Callable[[Any], Any]
    theirs: Call
    agreement: Callable[[Any, Any], Agreement]
    setting: str
    share: float = 1.0
    our_share: float = 1.0
    unlike: tuple[Callable[[Any], Any], Call] | None = None


@dataclass
class Setting:
    """What a row is asked for.

    Attributes
    ----------
    network
        A key of `rows.nets.NETWORKS`.
    quick
        Time a stated part of what costs the same part by part.
    device
        ``"cpu"`` or ``"cuda"``.
    chosen
        The peer's best settings by name; filled by whoever chooses, so that another process needn't choose again.
    """

    network: str
    quick: bool = False
    device: str = "cpu"
    chosen: dict[str, Any] = field(default_factory=dict)

    def best(self, name: str, calls: Mapping[Any, Call], rounds: int = 3, limit: float = 20.0) -> Any:
        """The key whose call takes least, in the median over alternating rounds; found once."""
        if name not in self.chosen:
            seconds = medians(calls, rounds, limit, self.device)
            self.chosen[name] = min(seconds, key=lambda key: seconds[key])
        return self.chosen[name]

    def once(self, name: str, find: Call) -> Any:
        """A setting that is searched for; found once."""
        if name not in self.chosen:
            self.chosen[name] = find()
        return self.chosen[name]


@dataclass(frozen=True)
class Row:
    """One work of the table.

    Attributes
    ----------
    key
        What ``--rows`` takes.
    work
        In words, by language.
    peer
        Whom it is measured against, by language; ``needs`` are the modules which that takes.
    bars
        By network, which multiple of ours the peer's time is to be; None where none is set.
    build
        From a `Setting` to its `Pair`; the peer's best setting is chosen on the way.
    counts
        Which of our calls the ratio is of: ``"first"``, everything included, or ``"next"``.
    """

    key: str
    work: Mapping[str, str]
    peer: Mapping[str, str]
    bars: Mapping[str, float | None]
    build: Callable[[Setting], Pair]
    needs: tuple[str, ...] = ()
    counts: str = "first"


def timed(call: Call, device: str = "cpu") -> tuple[float, Any]:
    """Seconds of a call, until the device is done, and what it gave."""
    settled(device)
    start = time.perf_counter()
    found = call()
    settled(device)
    return time.perf_counter() - start, found


def settled(device: str) -> None:
    """Wait for what was sent to a device."""
    if device == "cuda":
        torch.cuda.synchronize()


def medians(calls: Mapping[Any, Call], rounds: int, limit: float, device: str = "cpu") -> dict[Any, float]:
    """Seconds of each call, alternating: medians of so many rounds, or of as many as a time allows, but at least one. The
    first round is a warm-up where there are others.
    """
    taken: dict[Any, list[float]] = {key: [] for key in calls}
    start = time.perf_counter()
    for _ in range(rounds + 1):
        for key, call in calls.items():
            taken[key].append(timed(call, device)[0])
        if time.perf_counter() - start > limit:
            break
    return {key: statistics.median(seconds[1:] or seconds) for key, seconds in taken.items()}
