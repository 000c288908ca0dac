"""Looking: the one pass over all pictures, in shards that are taken up again; what it keeps are the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from seethrough.anatomy.running import told
from seethrough.attribution.layers import last_spatial
from seethrough.findings.canvas import Canvas
from seethrough.findings.foreground import Estimated
from seethrough.findings.heat import heat_of
from seethrough.findings.looks import LOOKS, measured, measured_on
from seethrough.findings.split import SMALL, mark
from seethrough.gallery.head import Vector, vector_of
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Run
from seethrough.jobs import Batch
from seethrough.models.answers import as_probabilities
from seethrough.network import Prepared
from seethrough.results import INPUT

CELLS = 14
"""Places a side of where the evidence lies."""


@dataclass(frozen=True, eq=False)
class Looking:
    """The work: of each picture all that `seethrough.findings.facts.Facts` holds."""

    canvas: Canvas
    drawn: str = ""
    """What tells masks apart from others, where there are any."""
    name: str = "audit"
    draws: bool = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that the numbers depend on beside network and pictures."""
        return {"small": SMALL, "cells": CELLS, "looks": list(LOOKS), "on things": True, "foreground": self.drawn}

    def part(self) -> Looked:
        """A new shard."""
        return Looked(self.canvas)


@dataclass(eq=False)
class Looked:
    """Rows of some pictures."""

    canvas: Canvas
    rows: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Take in the next pictures."""
        net, prepared = self.canvas.net, batch.prepared
        with told(net.opened, net.source_of(prepared), prepared.batch):
            self._walked(prepared)
        x = self.canvas.unseen(prepared.batch)
        fore = self._fore(batch, x)
        self._keep("small", _small(x))
        if fore is not None:
            self._keep("fore", _small(fore)[..., 0])
        if isinstance(self.canvas.foreground, Estimated):
            self._keep("agreement", np.array([*map(self.canvas.foreground.agreement, batch.items)], np.float32))
        for name, values in measured(x, fore).items():
            self._keep(f"look.{name}", values.numpy().astype(np.float32))
        for name, values in () if fore is None else measured_on(x, fore).items():
            self._keep(f"look on.{name}", values.numpy().astype(np.float32))
        self._keep("mark", np.array([mark(np.ascontiguousarray(p)) for p in _bytes(x)], np.uint64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of the shard; nothing where not one picture came."""
        return {name: np.concatenate(rows) for name, rows in self.rows.items()}

    def _keep(self, name: str, rows: NDArray[Any]) -> None:
        self.rows.setdefault(name, []).append(rows)

    def _walked(self, prepared: Prepared) -> None:
        """Answers, features, and one walk back from each picture's own answer to the last layer with places, or the input
        where there is none: gradient times activation there.
        """
        source = self.canvas.net.source_of(prepared)
        graph = source.proved(prepared.batch, gradient=True)
        layer = last_spatial(graph) or INPUT
        run = Run(source, prepared.batch, _own_answer, asks=[(PLAIN, layer)])
        vector = vector_of(graph, None, self.canvas.net.opened.task)
        self._keep("feature", _features(run, graph, vector).numpy().astype(np.float32))
        logits = run.logits.detach().float()
        self._keep("logits", logits.flatten(2).mean(2).numpy() if logits.dim() > 2 else logits.numpy())
        chances = as_probabilities(graph, run.output.detach().float())
        chances = run.output.detach().float().sigmoid() if chances is None else chances
        self._keep("answer", (chances.flatten(2).mean(2) if chances.dim() > 2 else chances).numpy())
        heat = heat_of(run, layer).sum(1, keepdim=True).relu()
        self._keep("heat", interpolate(heat, (CELLS, CELLS), mode="area")[:, 0].numpy().astype(np.float32))

    def _fore(self, batch: Batch, x: Tensor) -> Tensor | None:
        if self.canvas.foreground is None:
            return None
        each = [
            self.canvas.foreground.on(number, batch.prepared.part(slice(k, k + 1)), x[k])
            for k, number in enumerate(batch.items)
        ]
        return torch.stack([torch.zeros_like(x[0, :1]) if fore is None else fore for fore in each])


def _own_answer(out: Tensor, rows: Tensor) -> Tensor:
    scores = out.flatten(2).mean(2) if out.dim() > 2 else out
    return scores.amax(1) if scores.shape[1] > 1 else scores[:, 0] * scores[:, 0].sign()


def _features(run: Run, graph: Graph, vector: Vector) -> Tensor:
    """From the run's own forward where the vector goes by a name of its own."""
    place = graph.place(vector.name) if vector.name else None
    if place is not None and place.value == vector.place.value:
        return vector.of(place.back(run.value(vector.name))).detach()
    given = run.source.given(graph, run.images)
    return vector.of((given | execute(graph, given, [vector.place.value]))[vector.place.value])


def _bytes(x: Tensor) -> NDArray[np.uint8]:
    return (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _small(x: Tensor) -> NDArray[np.uint8]:
    return _bytes(interpolate(x, (SMALL, SMALL), mode="area"))
