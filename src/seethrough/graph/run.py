"""Run: one question about one batch of images, everything computed at most once.

This is what an attribution method is given. It asks for values, gradients and scores; that twelve methods on one image
share a forward, and one walk back for each set of rules, is none of its business.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

from seethrough.errors import NetworkRefused, UsageError
from seethrough.graph import many
from seethrough.graph.beside import of_one
from seethrough.graph.entrance import Counter, Entrance
from seethrough.graph.execute import execute
from seethrough.graph.fast.ahead import ahead
from seethrough.graph.fast.choose import MANY, Known
from seethrough.graph.fast.local import Changes, score_changes
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Place
from seethrough.graph.rules import PLAIN, Rule, Rules
from seethrough.graph.source import GraphSource
from seethrough.graph.untouched import same_chance
from seethrough.graph.walk import Forward, Piece
from seethrough.results import INPUT

Made = TypeVar("Made")

Asks = tuple[Rules, str]
"""A gradient that will be asked for: under which rules, at which layer."""

TOGETHER = 8
"""Images that methods which move the image send through the network at once, where nobody says how many."""

Scores = Callable[[Tensor, Tensor], Tensor]
"""From the network's output (N, outputs, …) and the images' numbers in the batch (N,) to the target's value for each
image (N,).
"""


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
    black, white
        A black picture as the network sees it, and a white one, to broadcast against the images; None where nobody
        knows.
    together
        Images that a method which moves them sends through at once.
    keeps
        Keep the numbers inside the network for rules that read them (`Rules.values`), so that nobody has to run it again
        for them.
    answer
        The layer that is asked instead of the network's output: the target is then a function of its value.
    start
        The layer whose value stands for the images, see `from_layer`; ``beside`` are the pictures it was had from.
    fixed
        A graph to run instead of the source's: the same network with other constants (`on`).
    passed
        What passes the layer by that the run starts at, by graph; runs that differ in nothing else share it.
    walks
        Whether a gradient will be asked for at all; where one is in spite of False, the forward is run once more.
    moved
        The run whose images these are, moved (`at`).
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
        keeps: bool = False,
        answer: str | None = None,
        start: str = INPUT,
        beside: Tensor | None = None,
        fixed: Graph | None = None,
        white: Tensor | None = None,
        passed: dict[Graph, dict[int, Tensor]] | None = None,
        walks: bool = True,
        moved: Run | None = None,
    ) -> None:
        self.moved = moved
        self.together, self.keeps, self.answer = together, keeps, answer
        self.start, self.beside, self.fixed = start, images if beside is None else beside, fixed
        self.source, self.images, self.target = source, images, target
        self.black, self.white = black, white
        self.asks, self.probabilities = tuple(asks), probabilities
        self.counter = counter or Counter()
        self.passed = {} if passed is None else passed
        self.entrance = Entrance(source, self.counter, self.beside, start, answer, probabilities, fixed, self.passed)
        self.expected = 0
        """How many other images were announced, see `in_groups`."""
        self.rows = torch.arange(len(images), device=images.device) if rows is None else rows
        self._layers: set[str] = {layer for _, layer in self.asks if layer != INPUT}
        self._starts: set[str] = ({layer for _, layer in self.asks} or {INPUT}) if walks else set()
        self._kept: dict[Hashable, Any] = {}
        self._watcher: Rule | None = None
        self._forward: Forward | None = None
        self._gradients: dict[int, dict[str, tuple[Rules, Tensor]]] = {}
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
        if self._forward is None and layer != INPUT:
            self._layers.add(layer)  # kept from the first forward on, instead of by another
        place = self._place(layer)
        if layer not in self._layers:
            self._layers.add(layer)
            if place.value not in self.forward.values:
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
            if rules.values and not self.keeps:
                self.keeps, self._forward = True, None
            self._walk(rules, {layer, *(at for r, at in self.asks if r is rules)})
        return self._gradients[id(rules)][layer][1]

    def down(self, layer: str, quantity: Tensor, rules: Rules) -> Tensor:
        """What arrives at the images, (N, C, H, W), when a quantity is sent down from a layer, as (N, C, H, W) there; what
        passes the layer by isn't in it.
        """
        if INPUT not in self._starts:
            self._starts.add(INPUT)
            self._forward = None
        place, start = self._place(layer), self._place(INPUT)
        self.counter.backward += len(self.images)
        arrived = self.forward.walk({place.value: place.back(quantity)}, {start.value}, rules)
        return start.of(arrived.get(start.value, torch.zeros_like(self.images)))

    @property
    def walks(self) -> bool:
        """Whether the forward is had so that it can be walked back."""
        return bool(self._starts)

    def will_walk(self) -> None:
        """Have the forward ready to be walked back, where it was said that nothing would be."""
        if not self._starts:
            self._starts.add(INPUT)
            self._forward = None

    def watch(self, watcher: Rule) -> None:
        """Have the next plain walk to the images go by a rule that hands down what calculus does and looks at what passes,
        so that no walk of its own is needed for it. A walk that was done already is done again.
        """
        self._watcher = watcher
        self._gradients.pop(id(PLAIN), None)
        if not self.keeps:
            self.keeps, self._forward = True, None

    def forget(self, rules: Rules) -> None:
        """Drop what was asked for under rules that nobody will use again, and what they hold."""
        self._gradients.pop(id(rules), None)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What several methods of this run need, made by the first that asks: noisy gradients, masked scores, rules
        built for this graph. The key says all that it depends on beside the run.
        """
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def had(self, key: Hashable) -> Any:
        """What was made under a key, see `once`; None where nothing was."""
        return self._kept.get(key)

    def in_groups(
        self,
        count: int,
        work: Callable[[range], None],
        progress: Callable[[int, int], None] | None = None,
        walked: int = 0,
    ) -> None:
        """Have ``work`` done for the numbers 0 to ``count`` − 1, as many at once as `versions` says. Where memory runs out
        half as many are tried, and so on; ``work`` must not have changed anything by then.

        Parameters
        ----------
        walked
            How many versions are walked back, in this call and others like it.

        Raises
        ------
        EnvironmentLacks
            Where memory doesn't even suffice for one at once.
        """
        many.in_groups(self, count, work, progress, walked)

    def score(self, images: Tensor) -> Tensor:
        """The target's value at other images, (M,); nothing is kept. M is N, or k · N: then image i stands for picture
        i mod N.
        """
        with torch.no_grad():
            return self._ask(many.answers(self, images), self._rows_for(images))

    @property
    def has_run(self) -> bool:
        """Whether the images went through the network already."""
        return self._forward is not None

    def clean(self, graph: Graph, wanted: set[int]) -> Known | None:
        """A case of which a graph's values are known: what the run's own images go in as, and the wanted values; None where
        they went through another, or these weren't kept.
        """
        values = self.forward.values
        if graph is not self.graph or not wanted <= values.keys():
            return None
        return self.entrance.given(graph, self.images), {v: values[v] for v in wanted}

    def score_changes(self, changes: Changes, progress: Callable[[int, int], None] | None = None) -> Tensor:
        """The target's value at versions of the run's images that differ from them inside boxes alone, (K, N): computed
        only where something changes where that is less work, and noted in ``counter.spared``. Each version counts as a
        forward, however little of it is run; those of which the answer is checked count once.
        """
        return score_changes(self, changes, progress)

    def plainly(self, images: Tensor) -> Tensor:
        """The value that the target is taken from at other images, (M, …), by the plain graph; uncounted."""
        with torch.no_grad():
            graph = self.entrance.proved(images)
            value = self.entrance.asked(graph).value
            return execute(graph, self.entrance.given(graph, images), [value])[value]

    def alone(self, image: int) -> dict[int, Tensor]:
        """What the graph is run from for one of the images, by value number, a batch of one."""
        return of_one(self.graph, self.entrance.given(self.graph, self.images), image)

    def ask(self, out: Tensor, image: int) -> Tensor:
        """The target's value for one of the images where the value that it is taken from is ``out``, (M, …): (M,)."""
        with torch.no_grad():
            return self._ask(self._answer.of(out), self.rows[image].expand(len(out)))

    def at(self, images: Tensor, layer: str = INPUT) -> Run:
        """The same question about other images, counted with this one. M as for `score`. Where only its gradient at a
        layer will be asked for, what comes before the layer runs without gradients.
        """
        beside = None if self.start == INPUT else self.beside
        asks = [] if layer == INPUT else [(PLAIN, layer)]
        moved = self.moved or self
        return self._like(images=images, rows=self._rows_for(images), beside=beside, asks=asks, moved=moved)

    def asking(self, target: Scores) -> Run:
        """Another question about the same images, counted with this one; they don't go through the network again."""
        other = self._like(target=target)
        other.keeps, other._forward = self.keeps, self.forward
        other._layers, other._starts = set(self._layers), set(self._starts)
        return other

    def on(self, graph: Graph) -> Run:
        """The same question to another network: a graph with the same operations and other constants."""
        return self._like(fixed=graph)

    def from_layer(self, layer: str) -> Run:
        """The same question about what a layer returned: its value, as the graph has it, stands for the images, and what
        passes it by (a residual) stays as these pictures made it. For layer forms of methods that move their input.

        Raises
        ------
        NetworkRefused
            The layer gives no value, or one that doesn't have an entry an image.
        """
        if self.start != INPUT:
            raise UsageError(f"This run starts at layer {self.start!r} already.")
        self.value(layer)
        value = self._place(layer).value
        raw = self.forward.values[value]
        if len(raw) != len(self.images):
            raise NetworkRefused(
                f"layer {layer!r} returns {len(raw)} entries for {len(self.images)} image(s) (windows, say), so it can't "
                "stand for the images; ask about a layer before or behind it"
            )
        return self._like(images=raw, start=layer, beside=self.images, black=None, white=None, passed={})

    def _like(self, **changed: Any) -> Run:
        """This question with something changed; counted with this one."""
        same = {
            "source": self.source,
            "images": self.images,
            "target": self.target,
            "probabilities": self.probabilities,
            "black": self.black,
            "white": self.white,
            "counter": self.counter,
            "rows": self.rows,
            "together": self.together,
            "answer": self.answer,
            "start": self.start,
            "beside": self.beside,
            "fixed": self.fixed,
            "passed": self.passed,
        }
        return Run(**{**same, **changed})

    @property
    def start_place(self) -> Place:
        """Where the images are found, or the value of the layer that stands for them, as (N, C, …)."""
        place = None if self.start == INPUT else self.graph.place(self.start)
        return place or self.graph.input

    @property
    def answer_value(self) -> int:
        """The number of the value that the target is taken from."""
        return self._answer.value

    @property
    def answer_place(self) -> Place:
        """Where what the target is taken from is found."""
        return self._answer

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
        """The run of the graph, made at first need; where the graph has to be proved first, it is the run that proves it."""
        if self._forward is None:
            proof: dict[Graph, Forward] = {}

            def proving(graph: Graph) -> Forward | None:
                try:
                    wanted, starts = self._needs(graph)
                except NetworkRefused:  # which is said once the graph is believed
                    return None
                if starts:
                    starts = {graph.input.value, *starts}
                proof.clear()
                proof[graph] = Forward(graph, self.entrance.given(graph, self.images), wanted, starts, self.keeps)
                return proof[graph]

            # Many go on twins wherever they are in their row, so that the numbers don't depend on what was proved before.
            shares = self.moved is None and self.start == INPUT and self.counter.many < MANY
            gradient = bool(self._starts)
            graph = self.entrance.proved(self.images, gradient=gradient, forward=proving if shares else None)
            self.counter.forward += len(self.images)
            self._forward = proof.get(graph) or self._run(graph)
            self._gradients, self._scores = {}, None
        return self._forward

    def _needs(self, graph: Graph) -> tuple[set[int], set[int]]:
        """The values to keep, and where gradients end."""
        layers = (self.entrance.place(graph, layer).value for layer in self._layers)
        wanted = {graph.output.value, graph.logits.value, self.entrance.asked(graph).value, *layers}
        return wanted, {self.entrance.place(graph, layer).value for layer in self._starts}

    def _run(self, graph: Graph) -> Forward:
        wanted, starts = self._needs(graph)
        with same_chance() if graph.draws else nullcontext():
            given = self.entrance.given(graph, self.images)
            if graph.source == "fake":  # others hold for these very images
                given |= ahead(graph, given, wanted, starts, self.counter.ways, self.counter.many)
            by = graph
            if self.moved is not None and not self.keeps and self.fixed is None:
                by = many.way_back(self.moved, graph, given, {*wanted, *starts}, len(self.images))
            return Forward(graph, given, wanted, starts, self.keeps, by)

    def _walk(self, rules: Rules, layers: set[str]) -> None:
        forward = self.forward
        places = {layer: self._place(layer) for layer in layers}
        answer = self._answer
        self.counter.backward += len(self.images)
        if rules.start is not None:
            seed = rules.start(self)
        else:
            seed = self._slope() * forward.values[answer.value] if rules.relevance else self._slope()
        by = rules
        if rules is PLAIN and INPUT in layers and self._watcher is not None:
            by, self._watcher = Rules(rest=self._watcher, values=True), None
        arrived = forward.walk({answer.value: seed}, {p.value for p in places.values()}, by)
        # The rules are kept beside what they gave: their id is the key, and must not be another's meanwhile.
        found = self._gradients.setdefault(id(rules), {})
        for layer, place in places.items():
            g = arrived.get(place.value)
            found[layer] = rules, place.of(g) if g is not None else torch.zeros_like(place.of(self._stands_at(place)))

    def _stands_at(self, place: Place) -> Tensor:
        at_start = place.value == self._place(INPUT).value
        return self.images if at_start else self.forward.values[place.value]

    @property
    def is_constant(self) -> bool:
        """Whether the target has no slope at any output: small changes of the answer don't change it."""
        return not bool(self._slope().any())

    def _slope(self) -> Tensor:
        """The target's gradient at the output, in the order of axes of the graph's value."""
        if self._seed is None:
            self._seed = self.slope(self.forward.values[self._answer.value])
        return self._seed

    def slope(self, out: Tensor) -> Tensor:
        """The target's gradient with respect to the value it is taken from, were that value ``out`` (both in the order of
        axes of the graph's value).
        """
        out = out.detach().requires_grad_()
        with torch.enable_grad():
            score = self._ask(self._answer.of(out), self.rows)
            # a target that takes no notice of the output, or thresholds it, has no slope
            slope = torch.autograd.grad(score.sum(), out)[0] if score.requires_grad else torch.zeros_like(out)
        return slope.detach()

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
    def pieces(self) -> list[Piece]:
        """The operations as they ran, each with its numbers, from the images on."""
        if not self.keeps or INPUT not in self._starts:
            self.keeps, self._forward = True, None
            self._starts.add(INPUT)
        return self.forward.pieces

    @property
    def _answer(self) -> Place:
        return self.entrance.asked(self.forward.graph)

    def _place(self, layer: str) -> Place:
        return self.entrance.place(self.forward.graph, layer)
