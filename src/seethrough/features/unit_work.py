"""What is measured of each image for its units: one forward, and one walk back to the layers where relevance is asked.

Of every unit and image four numbers stay: the largest activation and its place, and the relevance and the place where
most of it lies. Relevance is activation times gradient of the target, added up over the places with its sign: what the
unit contributed to the answer, to first order (*gradient × activation*; with a linear rest of the network, exactly).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.anatomy.running import told
from seethrough.attribution import question
from seethrough.errors import NetworkRefused
from seethrough.features.unit_layers import UnitLayer
from seethrough.graph.fast.ahead import through
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Place
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Counter, Run
from seethrough.graph.untouched import same_chance
from seethrough.jobs import Batch
from seethrough.models.answers import as_probabilities, gives_quantities, mean_over_places
from seethrough.network import Network, Prepared

Rows = dict[str, NDArray[Any]]
"""Numbers by name, a row an image."""

ROWS = 1
"""Version of what is kept of an image: other rows in a folder are another run."""

UNKNOWN = -1
"""The answer of a network whose outputs are no classes."""


def named(layer: int, what: str) -> str:
    """The name of a layer's rows: ``"0.largest"``; a path may hold anything."""
    return f"{layer}.{what}"


@dataclass(frozen=True, eq=False)
class UnitWork:
    """Units of some layers, over many images.

    Attributes
    ----------
    layers
        Whose units.
    channels
        Which of them (int64), one list for all layers; None for all.
    relevance
        Whether each image is walked back too.
    target
        Relevant for what: an output by label or index, ``"a - b"``; None for each image's own first answer.
    """

    net: Network
    layers: tuple[UnitLayer, ...]
    channels: tuple[int, ...] | None = None
    relevance: bool = True
    target: Any = None
    counter: Counter = field(default_factory=Counter)
    name: str = "units"

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that the rows depend on but the network and the images."""
        return {
            "layers": [layer.path for layer in self.layers],
            "channels": None if self.channels is None else list(self.channels),
            "relevance": self.relevance,
            "target": self.target,
            "rows": ROWS,
        }

    def part(self) -> UnitPart:
        """A new shard, empty."""
        return UnitPart(self)

    def rows(self, prepared: Prepared) -> Rows:
        """What is kept of some images.

        Returns
        -------
        dict
            ``answer`` int64 (N,), the output that is largest; ``chance`` float32 (N,), its probability (NaN where there
            is none). For each layer, by `named`: ``largest`` float32 (N, C), the largest activation over the places;
            ``at`` int32 (N, C), at which; ``relevance`` float32 (N, C) in units of the target, and ``relevant_at``.
        """
        source = self.net.source_of(prepared)
        with told(self.net.opened, source, prepared.batch[:1]):
            return self._walked(prepared) if self.relevance else self._run(prepared)

    def _run(self, prepared: Prepared) -> Rows:
        """Forward alone."""
        source = self.net.source_of(prepared)
        graph = source.proved(prepared.batch, thorough=not self.counter.looked)
        self.counter.looked = True
        self.counter.forward += len(prepared.batch)
        places = [_place(graph, layer.path) for layer in self.layers]
        wanted = {graph.output.value, *(place.value for place in places)}
        with same_chance() if graph.draws else nullcontext():
            values = through(graph, source.given(graph, prepared.batch), wanted, self.counter.ways, self.counter.many)
        rows = self._answers(graph, graph.output.of(values[graph.output.value]))
        for i, place in enumerate(places):
            rows |= self._activations(i, place.of(values[place.value]))
        return rows

    def _walked(self, prepared: Prepared) -> Rows:
        """Forward, and back to the layers."""
        plain = gives_quantities(self.net.opened)
        asks = [(PLAIN, layer.path) for layer in self.layers]
        run = Run(self.net.source_of(prepared), prepared.batch, asks=asks, probabilities=plain, counter=self.counter)
        quantity = "output" if plain else "logit"
        run.target = question(self.target, run.logits, self.net.classes, quantity).score
        if not _can_be_walked(run) and any(layer.answers for layer in self.layers):
            raise NetworkRefused(
                f"{self.net.opened.source} has no gradient, since something in it leaves the calculus (NumPy, detach, "
                "argmax), and relevance needs one; ask without it (relevance=False)."
            )
        rows = self._answers(run.graph, run.output)
        for i, layer in enumerate(self.layers):
            activation = run.value(layer.path)
            rows |= self._activations(i, activation)
            rows |= self._relevances(i, activation * run.gradient(layer.path))
        return rows

    def _answers(self, graph: Graph, output: Tensor) -> Rows:
        """The first answer to each image, and how likely it is."""
        number = len(output)
        nothing = np.full(number, UNKNOWN, np.int64), np.full(number, np.nan, np.float32)
        if gives_quantities(self.net.opened):
            return {"answer": nothing[0], "chance": nothing[1]}
        scores = mean_over_places(output.float())
        answer = scores.argmax(1)
        chances = as_probabilities(graph, output.float())
        likely = None if chances is None else mean_over_places(chances).gather(1, answer[:, None])[:, 0]
        return {"answer": answer.cpu().numpy(), "chance": nothing[1] if likely is None else likely.cpu().numpy()}

    def _activations(self, layer: int, activation: Tensor) -> Rows:
        largest, at = self._chosen(activation).max(2)
        return {named(layer, "largest"): _float32(largest), named(layer, "at"): at.cpu().numpy().astype(np.int32)}

    def _relevances(self, layer: int, share: Tensor) -> Rows:
        share = self._chosen(share)
        return {
            named(layer, "relevance"): _float32(share.sum(2)),
            named(layer, "relevant_at"): share.argmax(2).cpu().numpy().astype(np.int32),
        }

    def _chosen(self, values: Tensor) -> Tensor:
        """(N, C, …) as (N, chosen channels, places)."""
        flat = values.detach().reshape(*values.shape[:2], -1)
        return flat if self.channels is None else flat[:, list(self.channels)]


class UnitPart:
    """The rows of a shard, gathered batch by batch."""

    def __init__(self, work: UnitWork) -> None:
        self.work = work
        self.gathered: list[Rows] = []

    def add(self, batch: Batch) -> None:
        """Measure some more images."""
        self.gathered.append(self.work.rows(batch.prepared))

    def arrays(self) -> Rows:
        """A row an image, in the order in which they came; nothing where there was none."""
        if not self.gathered:
            return {}
        return {name: np.concatenate([rows[name] for rows in self.gathered]) for name in self.gathered[0]}


def _can_be_walked(run: Run) -> bool:
    """Whether a gradient leaves the answer: not where the network leaves the calculus before it."""
    answer = (run.graph.output if run.probabilities else run.graph.logits).value
    forward = run.forward
    return answer in forward.starts or any(answer in piece.outputs for piece in forward.pieces)


def _place(graph: Graph, path: str) -> Place:
    place = graph.place(path)
    if place is None:
        raise NetworkRefused(f"Layer {path!r} gives no value that depends on the image at this batch size.")
    return place


def _float32(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
