"""Entrance: how the images of a question come to a graph that was proved for them, and where in it what is asked stands.

A question may be about pictures or about a layer's value that stands for them, may ask the output or a unit inside, and may
run the network with other constants. All of that is told apart here; a run only asks for a graph and for what goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.graph.beside import for_versions, passing_by
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import Ways
from seethrough.graph.fast.halved import Halving
from seethrough.graph.fast.local import Spared
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Place
from seethrough.graph.source import GraphSource
from seethrough.graph.walk import Forward
from seethrough.results import INPUT, Passes


@dataclass
class Counter:
    """What a run, and the runs it gave rise to, really sent through the network; and whether the network's weights were
    looked at since the question was asked; ``halved`` is how often memory ran out and half as many went on; ``through``
    whether a final softmax is looked through, None while nothing has run; ``many`` how many images are asked about in all,
    where it is known, and ``ways`` on which graphs many pictures go; ``spared`` where only what changes was computed;
    ``halving`` asks about many pictures in bfloat16, where that was wanted;
    ``graphs`` those that were proved for a form of the images, so that the network's state is looked at once a question.
    """

    forward: int = 0
    backward: int = 0
    looked: bool = False
    halved: int = 0
    through: bool | None = None
    many: int = 0
    ways: Ways = field(default_factory=Ways)
    spared: list[Spared] = field(default_factory=list)
    halving: Halving | None = None
    graphs: dict[Hashable, Graph] = field(default_factory=dict)

    @property
    def passes(self) -> Passes:
        return Passes(self.forward, self.backward)


@dataclass(eq=False)
class Entrance:
    """Where the images of a run go in, and where its question stands; the parameters are those of `seethrough.graph.run.Run`.

    Attributes
    ----------
    passed
        What passes the layer by that the run starts at, by graph; runs that differ in nothing else share it.
    """

    source: GraphSource
    counter: Counter
    beside: Tensor
    start: str = INPUT
    answer: str | None = None
    probabilities: bool = False
    fixed: Graph | None = None
    passed: dict[Graph, dict[int, Tensor]] = field(default_factory=dict)

    def proved(
        self, images: Tensor, *, gradient: bool = False, forward: Callable[[Graph], Forward | None] | None = None
    ) -> Graph:
        """A graph that gives what the network gives on these images; looked for once a question and form of the images.

        Parameters
        ----------
        forward
            How it is run where it is still to be proved, see `GraphSource.proved`.
        """
        if self.fixed is not None:
            return self.fixed
        pictures = self.pictures(images)
        form = self.source, pictures.shape, pictures.stride(), pictures.dtype, pictures.device, gradient
        found = self.counter.graphs.get(form)
        if found is None:
            thorough = not self.counter.looked
            found = self.source.proved(pictures, gradient=gradient, thorough=thorough, forward=forward)
            self.counter.looked = True
            self._same_question(found, len(images))
            if found.source == "fake":  # others hold for these very images
                self.counter.graphs[form] = found
        return found

    def _same_question(self, graph: Graph, number: int) -> None:
        """Refuse a graph at some batch size that can't look through the softmax that others were looked through: one
        question would speak of logits here and of probabilities there.
        """
        through = graph.logits != graph.output
        if self.counter.through is None:
            self.counter.through = through
        elif self.counter.through != through and not self.probabilities and self.answer is None:
            raise NetworkRefused(
                f"the network can be written down at other batch sizes, and not for {number} images at once, so its "
                "softmax can't be looked through there; ask about probabilities"
            )

    # --- what goes in -------------------------------------------------------------------------------------------------

    def pictures(self, images: Tensor) -> Tensor:
        """The pictures that go in where these images are asked about."""
        if self.start == INPUT:
            return images
        return self.beside.repeat(len(images) // len(self.beside), *[1] * (self.beside.dim() - 1))

    def given(self, graph: Graph, images: Tensor) -> dict[int, Tensor]:
        """Values by number that the graph is run from."""
        given = dict(self.source.given(graph, self.pictures(images)))
        if self.start == INPUT:
            return given
        by = for_versions(graph, self._passing_by(graph), len(images) // len(self.beside))
        return {**given, **by, self.place(graph, INPUT).value: images}

    def _passing_by(self, graph: Graph) -> dict[int, Tensor]:
        """What passes the layer by that the run starts at, for the pictures it was had from: run once for all versions.
        It isn't counted apart; each version counts as a forward, though only what lies behind the layer is run.
        """
        if graph not in self.passed:
            by = passing_by(graph, self.place(graph, INPUT).value, self.asked(graph).value)
            self.passed[graph] = execute(graph, self.source.given(graph, self.beside), by) if by else {}
        return self.passed[graph]

    # --- where things stand -------------------------------------------------------------------------------------------

    def asked(self, graph: Graph) -> Place:
        """Where what the target is taken from is found."""
        if self.answer is not None:
            return self.place(graph, self.answer)
        return graph.output if self.probabilities else graph.logits

    def place(self, graph: Graph, layer: str) -> Place:
        """Where what a layer returned is found; `INPUT` is what the run starts at.

        Raises
        ------
        NetworkRefused
            Nothing of the layer can be looked at.
        """
        if layer == INPUT:
            return graph.input if self.start == INPUT else Place(self.place(graph, self.start).value)
        place = graph.place(layer)
        if place is None and graph.source == "whole":
            _, reasons = self.source.why_not(self.beside)
            raise NetworkRefused(
                f"no layer of this network can be looked at, because it can't be written down: {'; '.join(dict.fromkeys(reasons))}"
            )
        if place is None:
            raise NetworkRefused(f"layer {layer!r} gives no value that depends on the image")
        return place
