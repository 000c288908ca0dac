"""Embed: one pass over many images, that keeps of each its vector, its answers, a thumbnail and, if asked, a map."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.anatomy.running import told
from seethrough.attribution import METHODS, chosen_layer, question
from seethrough.gallery.head import Vector, vector_of
from seethrough.gallery.thumbnails import small_map, thumbnail
from seethrough.graph.fast.ahead import through
from seethrough.graph.fast.choose import Ways
from seethrough.graph.graph import Graph
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Counter, Run
from seethrough.graph.untouched import same_chance
from seethrough.jobs import Batch
from seethrough.models.answers import gives_quantities
from seethrough.network import Network, Prepared
from seethrough.results import Prediction

ANSWERS = 5
"""Answers kept of each image, strongest first."""

MAP_CELLS = 14
"""Places a side of a map as it is kept."""


@dataclass(frozen=True)
class Embedding:
    """The work: of each image the vector at a layer and the strongest answers.

    Attributes
    ----------
    net
        The network.
    layer
        Where vectors are taken; None for the value before the head.
    side
        Pixels a side of a thumbnail.
    maps
        Whether a Grad-CAM of the first answer is kept too.
    images
        How many there are in all, where that is known.
    ways
        On which graphs they go.
    """

    net: Network
    layer: str | None
    side: int
    maps: bool = False
    images: int = 0
    ways: Ways = field(default_factory=Ways, compare=False)
    name: str = "wall"
    draws: bool = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that the numbers depend on."""
        return {"layer": self.layer, "side": self.side, "maps": MAP_CELLS if self.maps else 0, "answers": ANSWERS}

    def part(self) -> Shard:
        """A new shard."""
        return Shard(self)


@dataclass
class Shard:
    """Rows of some images: ``embedding`` float32 (n, D); ``top`` int32 and ``chance`` float32 (n, 5), where the network
    answers with scores; ``thumbnail`` uint8 (n, s, s, 3); ``map`` uint8 (n, 14, 14), 255 at each map's own ``largest``
    float32 (n,), in units of the target.
    """

    work: Embedding
    rows: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Take in the next images."""
        prepared = batch.prepared
        with told(self.work.net.opened, self.work.net.source_of(prepared), prepared.batch):
            vectors, answers, heat = self._looked(prepared)
        self._keep("embedding", vectors.detach().cpu().numpy().astype(np.float32))
        self._keep("thumbnail", np.stack([thumbnail(p.pixels, self.work.side) for p in prepared.pictures]))
        if not gives_quantities(self.work.net.opened):
            top, chance = strongest(answers)
            self._keep("top", top)
            self._keep("chance", chance)
        if heat is not None:
            codes, largest = zip(*(small_map(m, g, MAP_CELLS) for m, g in zip(heat, prepared.geometries)))
            self._keep("map", np.stack(codes))
            self._keep("largest", np.array(largest, np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of the shard; nothing where not one image came."""
        return {name: np.concatenate(rows) for name, rows in self.rows.items()}

    def _keep(self, name: str, rows: NDArray[Any]) -> None:
        self.rows.setdefault(name, []).append(rows)

    def _looked(self, prepared: Prepared) -> tuple[Tensor, Prediction, NDArray[Any] | None]:
        looked = _with_maps if self.work.maps else _forward
        return looked(self.work, prepared)


def _forward(work: Embedding, prepared: Prepared) -> tuple[Tensor, Prediction, None]:
    """One pass, without gradients."""
    source = work.net.source_of(prepared)
    graph = source.proved(prepared.batch)
    vector = _vector(work, graph)
    given = source.given(graph, prepared.batch)
    with torch.no_grad(), same_chance() if graph.draws else nullcontext():
        values = given | through(graph, given, [vector.place.value, graph.output.value], work.ways, work.images)
    output = graph.output.of(values[graph.output.value])
    return vector.of(values[vector.place.value]), work.net.answers(graph, output, prepared), None


def _with_maps(work: Embedding, prepared: Prepared) -> tuple[Tensor, Prediction, NDArray[Any]]:
    """The same, with a walk back from the first answer to the last layer that has places."""
    source = work.net.source_of(prepared)
    graph = source.proved(prepared.batch, gradient=True)
    layer = chosen_layer(graph, None)
    run = Run(source, prepared.batch, asks=[(PLAIN, layer)], counter=Counter(many=work.images, ways=work.ways))
    vectors = _of_run(run, graph, _vector(work, graph))
    answers = work.net.answers(run.graph, run.output, prepared)
    vectors = _forward(work, prepared)[0] if vectors is None else vectors
    run.target = question(None, run.logits, work.net.classes, "logit").score
    heat = METHODS["gradcam"].function(run, layer)
    return vectors, answers, heat.detach().float().cpu().numpy()


def _of_run(run: Run, graph: Graph, vector: Vector) -> Tensor | None:
    """The vectors from the run's own forward; None where what they are taken from goes by no name of its own."""
    place = graph.place(vector.name) if vector.name else None
    if place is None or place.value != vector.place.value:
        return None
    return vector.of(place.back(run.value(vector.name)))


def _vector(work: Embedding, graph: Graph) -> Vector:
    return vector_of(graph, work.layer, work.net.opened.task)


def strongest(answers: Prediction) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The strongest outputs of each image, strongest first, and their probabilities (NaN where there are none)."""
    order = np.argsort(-answers.values, axis=1, kind="stable")[:, :ANSWERS]
    chances = np.full(answers.values.shape, np.nan) if answers.probabilities is None else answers.probabilities
    return order.astype(np.int32), np.take_along_axis(chances, order, 1).astype(np.float32)
