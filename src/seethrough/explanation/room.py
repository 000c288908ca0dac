"""Room: how many images at once a question may send through a network, so that it fits into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from seethrough.anatomy.figures import size_in_words
from seethrough.anatomy.free_memory import free_memory
from seethrough.anatomy.largest_batch import size_of
from seethrough.attribution import Method
from seethrough.errors import EnvironmentLacks, NetworkRefused
from seethrough.graph.need import Need, at_most, need
from seethrough.graph.run import TOGETHER
from seethrough.network import Network, Prepared
from seethrough.results import Note

SHARE = 0.9
"""Of the memory that is free, so much may be used."""

TOGETHER_ELSEWHERE = 64
"""Images that methods which move them send through at once on a device that isn't the processor, where memory allows it:
a processor is busy with `TOGETHER` already, an accelerator is not."""


@dataclass(frozen=True, slots=True)
class Room:
    """Images explained at once, and images that methods which move them send through at once."""

    batch: int
    together: int
    notes: tuple[Note, ...] = ()


def room(net: Network, prepared: Prepared, methods: Sequence[Method], batch: int, limit: str | int | None) -> Room:
    """How many at once fit.

    Parameters
    ----------
    batch
        Images to be explained at once where they fit.
    limit
        Memory that the question may take beside the weights; None for what is free.

    Raises
    ------
    EnvironmentLacks
        Where not even one image fits; says how much it needs.
    """
    device = prepared.batch.device
    wanted = Room(min(batch, len(prepared.batch)), TOGETHER if device.type == "cpu" else TOGETHER_ELSEWHERE)
    size = _free(device) if limit is None else size_of(limit)
    if size is None:
        return wanted
    source = net.source_of(prepared)
    try:
        graph = source.written(prepared.batch)
    except NetworkRefused:
        return wanted  # what its operations hold isn't known before they run
    if _generously(at_most(graph, max(wanted.batch, wanted.together))) <= size:
        return wanted
    given = source.given(graph, prepared.batch[:1])
    walked, run = (need(graph, given, gradient=gradient) for gradient in (True, False))
    if walked is None or run is None:
        return wanted
    takes = 0
    for tried in _smaller(wanted):
        takes = _takes(tried, methods, walked, run)
        if takes <= size:
            return tried if tried == wanted else Room(tried.batch, tried.together, (_note(tried, size),))
    raise EnvironmentLacks(
        f"Explaining one image with {', '.join(m.name for m in methods)} takes {size_in_words(takes)} beside the "
        f"weights, and {size_in_words(size)} {'are free' if limit is None else 'are allowed'}; use smaller pictures"
        f"{', or close other programs' if limit is None else ', or allow more'}."
    )


def _generously(bound: int) -> int:
    """Of a forward that is kept, one for those that methods send through, and the network's own as its proof."""
    return 3 * bound


def _smaller(wanted: Room) -> Iterator[Room]:
    """Fewer and fewer at once: first of those that methods send through, then of the images."""
    batch, together = wanted.batch, wanted.together
    yield wanted
    while together > 1 or batch > 1:
        together = max(1, together // 2)
        batch = min(batch, together)
        yield Room(batch, together)


def _takes(tried: Room, methods: Sequence[Method], walked: Need, run: Need) -> int:
    """Bytes at the peak. At every batch size the graph is proved first, with the network's own run beside it."""
    kept, moved = walked.at(tried.batch), max(tried.batch, tried.together // tried.batch * tried.batch)
    moves = [2 * (run if m.black_box else walked).at(moved) for m in methods if "progress" in m.defaults]
    return max(2 * kept, kept + max(moves, default=0))


def _note(tried: Room, size: int) -> Note:
    return Note("smaller_batches", "info", {"together": max(tried.batch, tried.together), "limit": size_in_words(size)})


def _free(device: torch.device) -> int | None:
    """Bytes that may be used on a device; None where nobody knows."""
    free = free_memory(device)
    return None if free is None else int(SHARE * free)
