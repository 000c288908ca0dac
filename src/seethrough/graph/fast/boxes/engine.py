"""Engine: runs a plan, box by box, and gives the answer for every position.

One batch after the other: the changed boxes of the start are asked for, each step makes the boxes of its output from windows of
its sources, and what is left at the end goes through the heads and, many positions at once, through the tail.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seethrough.graph.execute import execute, switched
from seethrough.graph.fast.boxes.arena import Arena, arenas_of
from seethrough.graph.fast.boxes.heads import head_of
from seethrough.graph.fast.boxes.plan import Batch, Plan, make_plan
from seethrough.graph.fast.boxes.route import Route, route
from seethrough.graph.fast.boxes.rules import rule_of
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.graph import Graph
from seethrough.graph.tree import leaves_of

Inside = Callable[[Tensor, Tensor, Tensor, int, int], Tensor]
"""From the numbers of some positions (k,), the top (k,) and left (k,) of boxes of a common size, and that size h × w, to the
changed value in those boxes, (k, C, h, w). Where a box is larger than the position's own, the clean value stands around it.
"""

PLANS = 4
"""Plans that are kept."""

WAITING = 128 << 20
"""Bytes of what waits for the tail."""

TAIL = 64 << 20
"""Bytes of the largest value of a tail: so many positions go through it at once."""


@dataclass(eq=False)
class Clean:
    """What one picture left behind, run once without any change."""

    arenas: dict[int, Arena]
    beside: dict[int, Tensor]
    heads: list[Any]

    def plane(self, value: int) -> Tensor:
        """A value that changes for nobody, (1, …)."""
        return self.arenas[value].plane if value in self.arenas else self.beside[value]


class Boxes:
    """Local changes of one value, followed to another through a fused graph.

    Parameters
    ----------
    graph
        See `seethrough.graph.fast.fused.fused`; ``start`` and ``end`` are values that it was told to keep.
    start
        The value (N, C, H, W) that is changed.
    end
        The value that is asked for.
    """

    def __init__(self, graph: Graph, start: int, end: int) -> None:
        self.graph, self._once = graph, _unpacked(graph)
        self.route: Route = route(graph, start, end, rule_of, head_of)
        self.macs = 0
        """Multiplications that were run for changed boxes so far."""
        self._plans: OrderedDict[tuple[bytes, int | None], Plan] = OrderedDict()
        self._last = self._last_readers()

    def plan(self, boxes: Tensor, most: int | None = None) -> Plan:
        """The plan for boxes of the start, (K, 4): top, bottom, left, right, ends exclusive; ``most`` positions a batch.
        The last few are kept.
        """
        boxes = boxes.detach().cpu().long().contiguous()
        key = boxes.numpy().tobytes(), most
        if key not in self._plans:
            self._plans[key] = make_plan(self.route, boxes, most)
            if len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return self._plans[key]

    def clean(self, given: Mapping[int, Tensor]) -> Clean:
        """Run one picture, batch size 1, and keep what boxes are surrounded by."""
        way = self.route
        sources = [head.source for head in way.heads]
        values = execute(self._once, given, {*way.fills, *way.beside, *sources})
        with torch.no_grad():
            heads = [head.clean(values[v]) for head, v in zip(way.heads, sources)]
            beside = {v: values[v] for v in way.beside}
            arenas = arenas_of({v: values.pop(v) for v in way.fills}, way.fills)
        return Clean(arenas, beside, heads)

    def run(
        self, clean: Clean, plan: Plan, inside: Inside, progress: Callable[[int, int], None] | None = None
    ) -> Tensor:
        """The value at the end for each position, (K, *its shape behind the batch)."""
        for v, room in sorted(plan.rooms.items(), key=lambda item: -sum(item[1])):  # so that each grows once
            clean.arenas[v].reserve(*room)
        with torch.no_grad():
            end = _End(self, clean, plan)
            done = 0
            for batch in plan.batches:
                end.take(_Running(self, clean, batch).run(inside))
                done += len(batch)
                if progress:
                    progress(done, plan.positions)
            return end.give()

    def _last_readers(self) -> list[list[int]]:
        """For each step, the values that no later one reads; what the end reads stays."""
        ends: list[list[int]] = [[] for _ in self.route.steps]
        for v, k in self.route.last.items():
            if k < len(ends):
                ends[k].append(v)
        return ends


class _Running:
    """One batch under way."""

    def __init__(self, boxes: Boxes, clean: Clean, batch: Batch) -> None:
        self.boxes, self.clean, self.batch = boxes, clean, batch
        self.box: dict[int, Tensor] = {}
        self.full: dict[int, Tensor] = {}

    def run(self, inside: Inside) -> _Running:
        route, batch = self.boxes.route, self.batch
        self._came(route.start, inside(batch.numbers, *batch.origin(route.start), *batch.size(route.start)))
        for k, (step, full, ends) in enumerate(zip(route.steps, batch.full, self.boxes._last)):
            if full:
                self._in_full(k)
            else:
                windows = [self._window(k, source) for source in range(len(step.sources))]
                with switched(step.operation.context):
                    y = step.rule.apply(windows, *batch.places(step.output))
                self.boxes.macs += y.shape[0] * y.shape[2] * y.shape[3] * step.rule.macs
                self._came(step.output, y)
            for v in ends:
                self.box.pop(v, None)
                self.full.pop(v, None)
        return self

    def _came(self, value: int, box: Tensor) -> None:
        self.box[value] = box
        if value in self.batch.stored:
            self.clean.arenas[value].store(box)

    def _window(self, k: int, source: int) -> Tensor:
        route, batch = self.boxes.route, self.batch
        step = route.steps[k]
        v = step.sources[source]
        if (k, source) in batch.direct:
            return self.box[v]
        fill = route.fills[v].index(step.rule.fill)
        arena = self.clean.arenas[v]
        return arena.cut(batch.index(batch.down.cut(k, source), batch.across.cut(k, source), v, arena.boxes, fill))

    def whole(self, value: int) -> Tensor:
        """A changed value in full, (B, C, H, W)."""
        if value not in self.full:
            batch, arena = self.batch, self.clean.arenas[value]
            index = batch.index(batch.down.whole(value), batch.across.whole(value), value, arena.boxes, 0)
            self.full[value] = arena.cut(index)
        return self.full[value]

    def _in_full(self, k: int) -> None:
        route, count = self.boxes.route, len(self.batch)
        step = route.steps[k]
        values = {}
        for v in step.operation.inputs:
            changes = v in step.sources and step.changes[step.sources.index(v)]
            values[v] = self.whole(v) if changes else self.clean.plane(v).expand(count, *self.clean.plane(v).shape[1:])
        with switched(step.operation.context):
            result = step.operation.call(values, count)
        self.full[step.output] = result if isinstance(result, Tensor) else leaves_of(result)[0]
        self.boxes.macs += step.dense * count


class _End:
    """What waits for the heads and the tail, and what they gave."""

    def __init__(self, boxes: Boxes, clean: Clean, plan: Plan) -> None:
        self.boxes, self.clean, self.positions = boxes, clean, plan.positions
        self.route = boxes.route
        self.answers: Tensor | None = None
        self._forget()

    def _forget(self) -> None:
        self.numbers: list[Tensor] = []
        self.wholes: dict[int, list[Tensor]] = {v: [] for v in self.route.handed}
        self.taken: list[list[tuple[Tensor, ...]]] = [[] for _ in self.route.heads]
        self.waiting = 0

    def take(self, batch: _Running) -> None:
        self.numbers.append(batch.batch.numbers)
        for v, waiting in self.wholes.items():
            waiting.append(batch.whole(v))
            self.waiting += _bytes(waiting[-1])
        for head, kept, taken in zip(self.route.heads, self.clean.heads, self.taken):
            taken.append(head.take(kept, *self._boxed(batch, head.source)))
            self.waiting += sum(map(_bytes, taken[-1]))
            box = taken and batch.full.get(head.source, batch.box.get(head.source))
            assert isinstance(box, Tensor)
            self.boxes.macs += head.work(*box.shape[2:]) * len(batch.batch)
        if self.waiting > WAITING:
            self._flush()

    @staticmethod
    def _boxed(batch: _Running, value: int) -> tuple[Tensor, Tensor, Tensor]:
        if value in batch.full:
            nothing = torch.zeros(len(batch.batch), dtype=torch.int64)
            return batch.full[value], nothing, nothing
        return batch.box[value], *batch.batch.origin(value)

    def _flush(self) -> None:
        if not self.numbers:
            return
        numbers = torch.cat(self.numbers)
        given = {v: torch.cat(waiting) for v, waiting in self.wholes.items()}
        for head, kept, taken in zip(self.route.heads, self.clean.heads, self.taken):
            given[head.output] = head.give(kept, taken)
        self._forget()
        end = self.route.end
        together = max(1, TAIL // self.route.largest_behind)
        for first in range(0, len(numbers), together):
            some = slice(first, first + together)
            answers = self._answers(end, {v: t[some] for v, t in given.items()}, len(numbers[some]))
            if self.answers is None:
                self.answers = answers.new_empty(self.positions, *answers.shape[1:])
            self.answers[numbers[some].to(answers.device)] = answers
        self.boxes.macs += self.route.tail_macs * len(numbers)

    def _answers(self, end: int, given: dict[int, Tensor], count: int) -> Tensor:
        if end in given:
            return given[end]
        for v in self.route.beside:
            alone = self.clean.plane(v)
            given[v] = alone.expand(count, *alone.shape[1:])
        return execute(self.boxes.graph, given, [end])[end]

    def give(self) -> Tensor:
        self._flush()
        assert self.answers is not None
        return self.answers


def _unpacked(graph: Graph) -> Graph:
    """The graph for one whole picture alone, for which no weight is laid out or folded: that would stay in memory."""
    steps = [
        replace(step, function=replace(step.function, once=True)) if isinstance(step.function, Convolution) else step
        for step in graph
    ]
    return replace(graph, operations=steps)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
