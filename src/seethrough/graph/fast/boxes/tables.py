"""Tables of places: for each place of an output along an axis, the places of the source that it is made of."""

from __future__ import annotations

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.intervals import within
from seethrough.graph.fast.boxes.rule import Interval


def reached(table: Tensor, interval: Interval, length: int) -> Interval:
    """The outputs from the first to the last that read a place of the interval; ``table`` (length, taps), where −1 reads
    nothing.
    """
    first, last = (end[:, None, None] for end in interval)
    read = ((table >= first) & (table <= last)).any(2)
    outputs = torch.arange(length)
    low = torch.where(read, outputs, length).amin(1)
    return within(low, torch.where(read, outputs, -1).amax(1), length, (low, low))


def taps(weights: Tensor) -> tuple[Tensor, Tensor]:
    """The sources that each output weighs, (m, taps), −1 where there are fewer, and by how much, of weights (m, n)."""
    used = weights != 0
    most = max(1, int(used.sum(1).max()))
    order = used.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :most]
    there = used.gather(1, order)
    return order.masked_fill(~there, -1), weights.gather(1, order).masked_fill(~there, 0)


def spans(table: Tensor) -> bool:
    """Whether a table of one tap reads each place of as many in order: the plane as it is."""
    return table.shape[1] == 1 and torch.equal(table[:, 0], torch.arange(len(table)))
