"""Run: one question about one batch of images, everything computed at most once.

This is what an attribution method is given. It asks for values, gradients and scores; that twelve methods on one image
share a forward, and one walk back for each set of rules, is none of its business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Place
from seethrough.graph.rules import PLAIN, Rules
from seethrough.graph.source import GraphSource
from seethrough.graph.untouched import same_chance
from seethrough.graph.walk import Forward
from seethrough.results import INPUT, Passes

Asks = tuple[Rules, str]
"""A gradient that will be asked for: under which rules, at which layer."""

TOGETHER = 8
"""Images that methods which move the image send through the network at once, where nobody says how many."""

Scores = Callable[[Tensor, Tensor], Tensor]
"""From the network's output (N, outputs, …) and the images' numbers in the batch (N,) to the target's value for each
image (N,).
"""


@dataclass
class Counter:
    """What a run, and the runs it gave rise to, really sent through the network; and whether the network's weights were
    looked at since the question was asked.
    """

    forward: int = 0
    backward: int = 0
    looked: bool = False

    @property
    def passes(self) -> Passes:
        return Passes(self.forward, self.backward)


class Run:
    """One graph, one batch of images, one target.

    Parameters
    ----------
    source
        Where the network's graph comes from; with what stands beside the images, where the network takes more.
    images
        (N, C, …), float.
    target
        The target's value for each image, from the output; may be set once the outputs have been seen, before anything
        is asked of it.
    asks
        Gradients that will be asked for, so that one walk gives them all.
    probabilities
        Speak of the output as it is instead of looking through a final softmax.
    black
        A black picture as the network sees it, to broadcast against the images; None where nobody knows.
    together
        Images that a method which moves them sends through at once.
    """

    def __init__(
        self,
        source: GraphSource,
        images: Tensor,
        target: Scores | None = None,
        *,
        asks: Iterable[Asks] = (),
        probabilities: bool = False,
        black: Tensor | None = None,
        counter: Counter | None = None,
        rows: Tensor | None = None,
        together: int = TOGETHER,
    ) -> None:
        self.together = together
        self.source, self.images, self.target, self.black = source, images, target, black
        self.asks, self.probabilities = tuple(asks), probabilities
        self.counter = counter or Counter()
        self.rows = torch.arange(len(images), device=images.device) if rows is None else rows
        self._layers: set[str] = {layer for _, layer in self.asks if layer != INPUT}
        self._starts: set[str] = {layer for _, layer in self.asks} or {INPUT}
        self._forward: Forward | None = None
        self._gradients: dict[int, dict[str, Tensor]] = {}
        self._scores: Tensor | None = None
        self._seed: Tensor | None = None

    # --- what a method asks -------------------------------------------------------------------------------------------

    @property
    def scores(self) -> Tensor:
        """The target's value at each image, (N,)."""
        if self._scores is None:
            self._scores = self._score_of(self.forward.values[self._answer.value])
        return self._scores

    @property
    def logits(self) -> Tensor:
        """What the target is taken from: the output before a final softmax, (N, outputs, …), or the output itself where
        probabilities are meant.
        """
        return self._answer.of(self.forward.values[self._answer.value])

    @property
    def output(self) -> Tensor:
        """What the network gives, (N, outputs, …)."""
        place = self.graph.output
        return place.of(self.forward.values[place.value])

    def value(self, layer: str) -> Tensor:
        """What a layer returned, (N, C, H, W)."""
        place = self._place(layer)
        if layer not in self._layers:
            self._layers.add(layer)
            self._forward = None
        return place.of(self.forward.values[place.value])

    def gradient(self, layer: str = INPUT, rules: Rules = PLAIN) -> Tensor:
        """The target's gradient at a layer, or at the images, (N, C, H, W); zero where nothing reaches it."""
        if layer not in self._gradients.get(id(rules), {}):
            if layer not in self._starts and INPUT not in self._starts:
                self._starts.add(layer)
                self._forward = None
            if layer not in (INPUT, *self._layers):
                self._layers.add(layer)
                self._forward = None
            self._walk(rules, {layer, *(at for r, at in self.asks if r is rules)})
        return self._gradients[id(rules)][layer]

    def score(self, images: Tensor) -> Tensor:
        """The target's value at other images, (M,); nothing is kept. M is N, or k · N: then image i stands for picture
        i mod N.
        """
        with torch.no_grad():
            graph = self._proved(images)
            place = self._answer_of(graph)
            self.counter.forward += len(images)
            with same_chance() if graph.draws else nullcontext():
                out = execute(graph, self.source.given(graph, images), [place.value])[place.value]
            return self._ask(place.of(out), self._rows_for(images))

    def at(self, images: Tensor) -> Run:
        """The same question about other images, counted with this one. M as for `score`."""
        return Run(
            self.source,
            images,
            self.target,
            probabilities=self.probabilities,
            black=self.black,
            counter=self.counter,
            rows=self._rows_for(images),
            together=self.together,
        )

    @property
    def versions(self) -> int:
        """How many versions of its images a method that moves them sends through at once."""
        return max(1, self.together // len(self.images))

    @property
    def graph(self) -> Graph:
        """The graph that is run."""
        return self.forward.graph

    # --- how it is had ------------------------------------------------------------------------------------------------

    @property
    def forward(self) -> Forward:
        """The run of the graph, made at first need."""
        if self._forward is None:
            graph = self._proved(self.images, gradient=True)
            wanted = {
                graph.output.value,
                graph.logits.value,
                *(self._place_in(graph, layer).value for layer in self._layers),
            }
            self.counter.forward += len(self.images)
            with same_chance() if graph.draws else nullcontext():
                starts = [self._place_in(graph, layer).value for layer in self._starts]
                self._forward = Forward(graph, self.source.given(graph, self.images), wanted, starts)
            self._gradients, self._scores = {}, None
        return self._forward

    def _proved(self, images: Tensor, *, gradient: bool = False) -> Graph:
        graph = self.source.proved(images, gradient=gradient, thorough=not self.counter.looked)
        self.counter.looked = True
        return graph

    def _walk(self, rules: Rules, layers: set[str]) -> None:
        forward = self.forward
        places = {layer: self._place(layer) for layer in layers}
        answer = self._answer
        self.counter.backward += len(self.images)
        arrived = forward.walk({answer.value: self._slope()}, {p.value for p in places.values()}, rules)
        found = self._gradients.setdefault(id(rules), {})
        for layer, place in places.items():
            g = arrived.get(place.value)
            found[layer] = place.of(g) if g is not None else torch.zeros_like(place.of(self._stands_at(place)))

    def _stands_at(self, place: Place) -> Tensor:
        return self.images if place.value == self.graph.input.value else self.forward.values[place.value]

    def _slope(self) -> Tensor:
        """The target's gradient at the output, in the order of axes of the graph's value."""
        if self._seed is None:
            out = self.forward.values[self._answer.value].detach().requires_grad_()
            with torch.enable_grad():
                score = self._ask(self._answer.of(out), self.rows)
                (slope,) = torch.autograd.grad(score.sum(), out)
            self._seed = slope
        return self._seed

    def _ask(self, out: Tensor, rows: Tensor) -> Tensor:
        if self.target is None:
            raise UsageError("Nothing was asked: this run has no target yet.")
        return self.target(out, rows)

    def _score_of(self, out: Tensor) -> Tensor:
        with torch.no_grad():
            return self._ask(self._answer.of(out), self.rows)

    def _rows_for(self, images: Tensor) -> Tensor:
        return self.rows.repeat(len(images) // len(self.rows))

    @property
    def _answer(self) -> Place:
        return self._answer_of(self.forward.graph)

    def _answer_of(self, graph: Graph) -> Place:
        return graph.output if self.probabilities else graph.logits

    def _place(self, layer: str) -> Place:
        return self._place_in(self.forward.graph, layer)

    def _place_in(self, graph: Graph, layer: str) -> Place:
        if layer == INPUT:
            return graph.input
        place = graph.place(layer)
        if place is None and graph.source == "whole":
            _, reasons = self.source.why_not(self.images)
            raise NetworkRefused(
                f"no layer of this network can be looked at, because it can't be written down: {'; '.join(dict.fromkeys(reasons))}"
            )
        if place is None:
            raise NetworkRefused(f"layer {layer!r} gives no value that depends on the image")
        return place
