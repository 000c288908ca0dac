"""Cost: whether boxes or whole pictures are quicker, for a network, a size, a plan, on this machine.

Both are reckoned from the same few rates, measured once in a process: of convolutions over several places, of those of one
place, of those of one channel, of numbers that are moved, and what a call costs whatever it does. Where a network is slower
than these rates, it is so in both ways; what differs is counted: the places that are computed, the windows that are cut, the
calls, and the weights that come from memory for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from math import prod
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor

from seethrough.graph.fast.boxes.plan import Batch, Plan
from seethrough.graph.fast.boxes.route import Route, Step
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.operations import Operation

TOGETHER = 8
"""Whole pictures that are sent through at once."""

NEW = 2
"""Calls that one of a size that was never seen costs more: oneDNN makes a program for it. Each batch has sizes of its own."""

POSITION = 30e-6
"""Seconds that planning takes for a position."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What this machine does in a second: multiplications in convolutions that ``slide`` a kernel, ``mix`` the channels of one
    place, or keep each channel ``alone``; numbers ``moved``; and the seconds of a ``call``.
    """

    slide: float
    mix: float
    alone: float
    moved: float
    call: float


@dataclass(frozen=True, slots=True)
class Seconds:
    """What all positions of a plan take, about."""

    boxes: float
    whole: float

    @property
    def cheaper(self) -> Literal["boxes", "whole"]:
        return "boxes" if self.boxes < self.whole else "whole"


def predicted(route: Route, plan: Plan, rates: Rates | None = None) -> Seconds:
    """About how long a plan takes, and as many whole pictures; the clean run is among the boxes'."""
    rates = rates or measured()
    whole = sum(_whole(route, step, rates, 1) for step in route.steps) + _end(route, rates, TOGETHER)
    whole += sum(_once(step.operation, rates) for step in route.steps) / TOGETHER
    boxes = sum(_batch(route, batch, rates) for batch in plan.batches)
    boxes += whole + plan.positions * (POSITION + _end(route, rates, plan.positions))
    return Seconds(boxes, whole * plan.positions)


def _batch(route: Route, batch: Batch, rates: Rates) -> float:
    found = 0.0
    for step, full in zip(route.steps, batch.full):
        found += _once(step.operation, rates) + NEW * rates.call
        found += _whole(route, step, rates, len(batch)) if full else _boxed(route, batch, step, rates)
    return found


def _boxed(route: Route, batch: Batch, step: Step, rates: Rates) -> float:
    height, width = batch.size(step.output)
    numbers = step.plane[0] * height * width
    for v in step.sources:
        channels, rows, columns = route.planes[v]
        if step.aligned:
            numbers += 0 if _convolves(step.operation) else channels * height * width
        else:
            # a box is put by and a window is cut, and that reaches a little beyond the places that answer the output's
            numbers += 4 * channels * (height * rows // step.plane[1] + 2) * (width * columns // step.plane[2] + 2)
    return len(batch) * (step.rule.macs * height * width / _rate(step.operation, rates) + numbers / rates.moved)


def _whole(route: Route, step: Step, rates: Rates, pictures: int) -> float:
    numbers = prod(step.plane) + sum(prod(route.planes[v]) for v in step.sources if not _convolves(step.operation))
    return pictures * (step.dense / _rate(step.operation, rates) + numbers / rates.moved)


def _end(route: Route, rates: Rates, together: int) -> float:
    """Seconds for each picture in what comes behind the boxes; as many together share the weights."""
    macs = route.tail_macs + sum(h.macs * prod(route.planes[h.source][1:]) for h in route.heads)
    weights = sum(h.macs * prod(route.planes[h.source][1:]) for h in route.heads)
    weights += sum(_weights(o) for o in route.tail)
    calls = len(route.tail) + len(route.heads)
    return macs / rates.mix + (weights / rates.moved + calls * rates.call) / together


def _once(operation: Operation, rates: Rates) -> float:
    return rates.call + _weights(operation) / rates.moved


def _weights(operation: Operation) -> int:
    function = operation.function
    if isinstance(function, Convolution):
        return function.weight.numel()
    return sum(a.numel() for a in operation.arguments if isinstance(a, Tensor))


def _convolves(operation: Operation) -> bool:
    return isinstance(operation.function, Convolution)


def _rate(operation: Operation, rates: Rates) -> float:
    function = operation.function
    if not isinstance(function, Convolution):
        return rates.mix
    if function.groups > 1 and function.weight.shape[1] < 4:
        return rates.alone
    return rates.mix if function.kernel == (1, 1) else rates.slide


# --- this machine ---------------------------------------------------------------------------------------------------------


def measured() -> Rates:
    """The rates of this machine with as many threads as torch has now; measured at the first call, in some 30 ms."""
    return _measured(torch.get_num_threads())


@cache
def _measured(threads: int) -> Rates:
    def convolution(
        outputs: int, inputs: int, kernel: int, groups: int, places: int
    ) -> tuple[Callable[[], object], int]:
        weight = torch.rand(outputs, inputs // groups, kernel, kernel)
        function = Convolution(weight, torch.rand(outputs), (1, 1), (0, 0, 0, 0), (1, 1), groups)
        x = torch.rand(TOGETHER, inputs, places, places).contiguous(memory_format=torch.channels_last)
        given = (places - kernel + 1) ** 2 * TOGETHER
        return lambda: function.inside(x), given * function.macs

    slide, mix, alone = convolution(64, 64, 3, 1, 18), convolution(128, 128, 1, 1, 14), convolution(96, 96, 3, 96, 18)
    small, _ = convolution(8, 8, 1, 1, 2)
    rows, index = torch.rand(4096, 64), torch.randint(4096, (8192,))
    with torch.no_grad():
        took = _least([slide[0], mix[0], alone[0], lambda: rows.index_select(0, index), small])
    moved = 2 * index.numel() * rows.shape[1] / took[3]  # read, and written
    return Rates(slide[1] / took[0], mix[1] / took[1], alone[1] / took[2], moved, took[4])


def _least(works: Iterable[Callable[[], object]], turns: int = 7) -> list[float]:
    """The shortest of several turns of each; what else the machine does only makes them longer."""
    works = list(works)
    least = [float("inf")] * len(works)
    for _ in range(turns):
        for i, once in enumerate(works):
            start = perf_counter()
            once()
            least[i] = min(least[i], perf_counter() - start)
    return least
