"""Wiring: layers that nothing uses, weights that no output depends on, outputs that don't depend on the image, and how a
network ends. All read off the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from seethrough.anatomy.checks.parts import Part, paths
from seethrough.anatomy.findings import Claim, Finding
from seethrough.graph.graph import Graph, Layer
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.reach import carrying, reaching, weights_read
from seethrough.graph.untouched import storage_of
from seethrough.models.opened import Opened

PASSING = (Kind.RESHAPE, Kind.PERMUTE, Kind.CAST)
"""What an output may go through after its last activation without becoming another."""

PROBABILITIES = ("softmax", "sigmoid")
RECTIFIERS = ("relu", "relu6", "threshold")


@dataclass(frozen=True)
class Wiring:
    """A network's graph, read for what reaches an output.

    Attributes
    ----------
    returned
        Names of everything that the network returns; the graph knows those that depend on the image.
    origins
        Weights from which constants of the graph were computed: they are used, wherever the constant goes.
    outputs
        How many outputs the one that is meant has.
    called_in_training
        Gives the identities of the modules that a forward in training calls; asked for only where some are never called
        in inference.
    """

    opened: Opened
    parts: tuple[Part, ...]
    graph: Graph
    returned: tuple[str, ...] = ()
    origins: Sequence[torch.Tensor] = ()
    outputs: int | None = None
    called_in_training: Callable[[], frozenset[int]] = frozenset

    # --- who is used --------------------------------------------------------------------------------------------------

    @cached_property
    def reaching(self) -> frozenset[int]:
        return reaching(self.graph)

    @cached_property
    def read(self) -> frozenset[int]:
        """The storages of weights that some operation reads, or that constants were made of."""
        return weights_read(self.graph) | self._folded

    @cached_property
    def needed(self) -> frozenset[int]:
        """The same, of operations from which an output is reached."""
        return weights_read(self.graph.operations[k] for k in self.reaching) | self._folded

    @cached_property
    def _folded(self) -> frozenset[int]:
        return frozenset(s for s in map(storage_of, self.origins) if s is not None)

    @cached_property
    def calls(self) -> dict[int, list[Layer]]:
        """From a module's identity to its calls."""
        calls: dict[int, list[Layer]] = {}
        for layer in self.graph.layers.values():
            calls.setdefault(layer.module, []).append(layer)
        return calls

    def holds_layers(self, part: Part) -> bool:
        """Whether there are layers inside: then these are looked at, and it is no more than a box around them."""
        return any(part.layer.children())

    def is_called(self, part: Part) -> bool:
        """Called, or its weights read by what is around it (attention's output projection in torch)."""
        return id(part.layer) in self.calls or bool(_storages(part) & self.read)

    def is_needed(self, part: Part) -> bool:
        """Whether an output depends on what it does; a layer that hands on what it is given does no harm."""
        spans = [range(*call.span) for call in self.calls.get(id(part.layer), ())]
        if _storages(part) & self.needed or not any(spans):
            return True
        return any(k in self.reaching for span in spans for k in span)

    # --- claims -------------------------------------------------------------------------------------------------------

    def claims(self) -> tuple[Claim, ...]:
        """That everything is used, and how it ends."""
        ending = Claim("ending", None, {"activation": self.endings[0] if self.endings else ""}, tuple(self._ending()))
        findings = tuple(self._unused())
        idle = {path for f in findings for path in f.layers}
        found = {"layers": len(self.parts), "used": sum(p.path not in idle for p in self.parts)}
        return ending, Claim("wiring", None, found, findings)

    def _unused(self) -> Iterator[Finding]:
        alone = [p for p in self.parts if p.count or not self.holds_layers(p)]
        layers = [p for p in alone if p.layer is not self.opened.module and "InputLayer" not in p.kinds]
        idle = tuple(p for p in layers if not self.is_called(p))
        learning = self.called_in_training() if any(p.count for p in idle) else frozenset()
        helping = tuple(p for p in idle if id(p.layer) in learning and p.count)
        if helping:
            yield _about("layers_of_training", "info", helping, sum(p.count for p in helping))
        holding = tuple(p for p in idle if p.count and p not in helping)
        scripted = [p.path for p in idle if isinstance(p.layer, torch.jit.ScriptModule)]  # runs as one operation
        empty = tuple(p for p in idle if not p.count and id(p.layer) not in learning and p.path not in scripted)
        if holding:
            yield _about("layers_not_used", "warning", holding, sum(p.count for p in holding))
        if empty:
            yield _about("layers_not_used_empty", "info", empty, 0)
        dead = tuple(p for p in layers if self.is_called(p) and not self.is_needed(p))
        if dead:
            yield _about("dead_branch", "warning", dead, sum(p.count for p in dead))
        told = {p.path for p in (*idle, *dead)}
        yield from self._unreached([p for p in self.parts if p.path not in told])
        yield from self._without_image()

    def _unreached(self, parts: Iterable[Part]) -> Iterator[Finding]:
        """Single weights of layers that are used."""
        found = {
            p.path: [w for w in p.parameters if w.shape and storage_of(w.tensor) not in self.needed] for p in parts
        }
        found = {path: weights for path, weights in found.items() if weights}
        if found:
            names = ", ".join(dict.fromkeys(w.name for weights in found.values() for w in weights))
            count = sum(w.count for weights in found.values() for w in weights)
            yield Finding("weights_not_used", "warning", tuple(found), {"names": names, "parameters": count})

    def _without_image(self) -> Iterator[Finding]:
        """Outputs that are the same whatever the image."""
        values = carrying(self.graph)
        without = [name for name, place in self.graph.outputs.items() if place.value not in values]
        without += [name for name in self.returned if name not in self.graph.outputs]
        if without:
            names = ", ".join(name or "output" for name in without)
            yield Finding("outputs_without_image", "error", (), {"names": names, "outputs": len(without)})

    # --- the end ------------------------------------------------------------------------------------------------------

    @cached_property
    def endings(self) -> list[str]:
        """Names of the activations that the meant output ends with, the last first, one upon the other."""
        return [operation.name for operation in self._endings()]

    def _endings(self) -> Iterator[Operation]:
        value = self.graph.output.value
        while (at := self.graph.producer.get(value)) is not None:
            operation = self.graph.operations[at]
            if operation.kind in (Kind.SOFTMAX, Kind.ACTIVATION):
                yield operation
            elif operation.kind not in PASSING:
                return
            if len(operation.inputs) != 1:
                return
            value = operation.inputs[0]

    def _ending(self) -> Iterator[Finding]:
        last, before = (*self.endings, "", "")[:2]
        if last in PROBABILITIES and before in PROBABILITIES:
            yield Finding("ends_twice", "warning", self._where(), {"last": last, "before": before})
        elif last in RECTIFIERS:
            yield Finding("ends_in_rectifier", "warning", self._where(), {"activation": last})
        elif last == "softmax" and self.outputs == 1:
            yield Finding("softmax_of_one", "error", self._where())
        elif not last:
            yield Finding("ends_in_logits", "info")

    def _where(self) -> tuple[str, ...]:
        """The layers in which the last activations stand, in the network's order."""
        found = [operation.layer.partition(":")[0] for operation in self._endings()]
        return tuple(dict.fromkeys(path for path in reversed(found) if path))


def _about(name: str, level: str, parts: tuple[Part, ...], parameters: int) -> Finding:
    return Finding(name, level, paths(parts), {"parameters": parameters})


def _storages(part: Part) -> set[int | None]:
    return {storage_of(w.tensor) for w in part.parameters if w.shape} - {None}
