"""Intervals of places along one axis, many at once: first and last, both within; empty where the first lies behind the
last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.rule import Interval


def within(first: Tensor, last: Tensor, length: int, of: Interval) -> Interval:
    """``first … last`` cut to the places 0 … length − 1; empty, as (length, −1), where nothing is left of it or the
    interval that it was made of was empty itself.
    """
    first, last = first.clamp(min=0), last.clamp(max=length - 1)
    nothing = (first > last) | (of[0] > of[1])
    return first.masked_fill(nothing, length), last.masked_fill(nothing, -1)


def same(interval: Interval, length: int) -> Interval:
    """The interval itself."""
    return within(*interval, length, interval)


def everywhere(interval: Interval, length: int) -> Interval:
    """All places, but for empty intervals."""
    return within(torch.zeros_like(interval[0]), torch.full_like(interval[1], length - 1), length, interval)


def hull(intervals: Sequence[Interval]) -> Interval:
    """The smallest intervals that hold several, of which empty ones are (length, −1)."""
    first, last = intervals[0]
    for low, high in intervals[1:]:
        first, last = torch.minimum(first, low), torch.maximum(last, high)
    return first, last


def ceil_div(numbers: Tensor, by: int) -> Tensor:
    """``⌈numbers / by⌉`` of whole numbers."""
    return -torch.div(-numbers, by, rounding_mode="floor")


def floor_div(numbers: Tensor, by: int) -> Tensor:
    """``⌊numbers / by⌋`` of whole numbers."""
    return torch.div(numbers, by, rounding_mode="floor")
