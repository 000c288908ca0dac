"""Where graphs come from: a network, written down at first use, proved, and kept until the network changes.

A network that can't be written down for any batch size is written down at the one in use; one that looks at values on
its way is recorded for real, for these images alone; and what even that can't show runs as one opaque operation. Each
step down is told, with the operation and the line that forced it.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn as nn

from seethrough.errors import NetworkRefused, UsageError, nearest
from seethrough.graph.canonical import canonical
from seethrough.graph.fakes import fake_tensors, no_collection
from seethrough.graph.graph import Graph
from seethrough.graph.prove import disagreement
from seethrough.graph.record import record
from seethrough.graph.recording import Recording
from seethrough.graph.so_far import record_so_far
from seethrough.graph.unite import unite
from seethrough.graph.untouched import ONE_AT_A_TIME
from seethrough.graph.walk import Forward
from seethrough.graph.whole import whole

BATCHES = (2, 3)
"""Batch sizes at which a network is written down: they tell what goes with the batch. Every batch size is proved
against the network before it is used, so that further witnesses would tell nothing that the proof doesn't.
"""

KEPT = 4
"""Graphs kept of one network (input sizes, states of its weights)."""


@dataclass(eq=False)
class _Entry:
    """What is known of a network in one state for one form of input."""

    any_batch: Graph | None = None
    refused: str = ""
    fixed: dict[int, Graph] = field(default_factory=dict)
    way: dict[int, str] = field(default_factory=dict)
    proved: set[tuple[int, bool]] = field(default_factory=set)
    reasons: dict[int, list[str]] = field(default_factory=dict)
    origins: dict[int, tuple[torch.Tensor, int]] = field(default_factory=dict)
    """Weights from which constants were computed, with their checksums then."""


class GraphSource:
    """The graphs of one network.

    Parameters
    ----------
    module
        The person's network; never changed.
    call
        Calls it on a batch in its own layout; with several inputs, on a batch of each in the order of ``inputs``.
    paths
        From module (``id``) to the path a person uses.
    layout
        ``"channels_first"`` or ``"channels_last"``: the network's own.
    training
        Look at it as in training instead of as in inference.
    output
        The name of the output that is meant; None for ``logits`` where there is one, else the first.
    inputs
        Names of the inputs: first the images', which are explained, then those beside them; see `beside`.
    forms
        For each input beside the images a batch of one, of which only the form counts: enough to write the network
        down.
    """

    def __init__(
        self,
        module: nn.Module,
        call: Callable[..., Any],
        paths: Mapping[int, str],
        *,
        layout: str = "channels_first",
        training: bool = False,
        output: str | None = None,
        inputs: Sequence[str] = ("",),
        forms: Sequence[torch.Tensor] = (),
    ) -> None:
        self.module, self.call, self.paths, self.layout, self.training = module, call, dict(paths), layout, training
        self.output, self.inputs = output, tuple(inputs)
        self._beside = tuple(self.internal(t) for t in forms)
        self._holds_forms_alone = len(self.inputs) > 1
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()

    def native(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, …) in the network's own layout."""
        return images.movedim(1, -1) if self.layout == "channels_last" and images.dim() > 2 else images

    def internal(self, images: torch.Tensor) -> torch.Tensor:
        """The network's own layout as (N, C, …)."""
        return images.movedim(-1, 1) if self.layout == "channels_last" and images.dim() > 2 else images

    def beside(self, tensors: Mapping[str, torch.Tensor]) -> GraphSource:
        """The same source, with what its other inputs hold while images are asked about.

        Parameters
        ----------
        tensors
            From the name of each other input to a batch in the network's own layout: row i mod N stands with image i.
        """
        view = copy(self)
        view._beside = tuple(self.internal(tensors[name]) for name in self.inputs[1:])
        view._holds_forms_alone = False
        return view

    def given(self, graph: Graph, images: torch.Tensor) -> dict[int, torch.Tensor]:
        """What a graph is run from: images (N, C, …), and what stands beside each of them, by value number."""
        return {place.value: t for place, t in zip(graph.inputs.values(), self._tensors(images), strict=True)}

    def written(self, images: torch.Tensor) -> Graph:
        """The graph for any batch size, to be read but not yet proved; only the form of the images counts.

        Raises
        ------
        NetworkRefused
            Where the network can't be written down for any batch size; says what forces it.
        UsageError
            Where there is no output of the name that was asked for.
        """
        with ONE_AT_A_TIME:
            entry = self._entry(images)
            if entry.any_batch is None:
                raise NetworkRefused(entry.refused)
            return entry.any_batch

    def written_so_far(self, images: torch.Tensor) -> Graph:
        """The graph up to where the network can't be written down any further, only to be read: ``graph.ended`` says
        where and why. For any batch size where that goes, else for one image.

        Raises
        ------
        NetworkRefused
            Where not even its first operation can be written down.
        """
        with ONE_AT_A_TIME:
            try:
                return self._write(_Entry(), images, BATCHES, record_so_far)
            except NetworkRefused:
                return self._write(_Entry(), images, (1,), record_so_far)

    def proved(
        self,
        images: torch.Tensor,
        *,
        gradient: bool = False,
        thorough: bool = True,
        forward: Callable[[Graph], Forward | None] | None = None,
    ) -> Graph:
        """A graph that gives what the network gives on these images (N, C, …), gradients too where asked.

        Parameters
        ----------
        thorough
            Read the weights again that constants were computed from, in case they were written past torch's notice
            (``.data``); once is enough for one question.
        forward
            Runs the graph on these images, see `disagreement`: for who needs what is inside and would run it once more.

        Raises
        ------
        UsageError
            Where there is no output of the name that was asked for; where nobody said what stands `beside` the images.
        Whatever the network itself raises on such images.
        """
        if self._holds_forms_alone:
            raise UsageError(f"Beside the images the network takes {', '.join(self.inputs[1:])}; give these too.")
        with ONE_AT_A_TIME:
            entry = self._entry(images, thorough=thorough)
            batch = len(images)
            reasons: list[str] = []
            for way, graph in self._candidates(entry, images, reasons):
                if way in ("real", "whole") or not self._wrong(entry, way, graph, images, gradient, reasons, forward):
                    if entry.way.get(batch) != way:
                        entry.way[batch], entry.reasons[batch] = way, reasons
                    return graph
        raise NetworkRefused("; ".join(reasons))

    def likely(self, images: torch.Tensor) -> Graph | None:
        """The graph that these images will go through if their proof, where it is still to come, doesn't say otherwise; to
        be read until then. None where that isn't one for any batch size.
        """
        with ONE_AT_A_TIME:
            entry = self._entry(images, thorough=False)
            return entry.any_batch if entry.way.get(len(images), "any batch") == "any batch" else None

    def why_not(self, images: torch.Tensor) -> tuple[str, tuple[str, ...]]:
        """How these images go (``"any batch"``, ``"this batch"``, ``"real"``, ``"whole"``), and what forced each step
        down.
        """
        entry = self._entry(images, thorough=False)
        return entry.way.get(len(images), "any batch"), tuple(entry.reasons.get(len(images), ()))

    def origins(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The weights from which constants of these images' graphs were computed, and which no operation reads as such."""
        with ONE_AT_A_TIME:
            return tuple(tensor for tensor, _ in self._entry(images, thorough=False).origins.values())

    def answer(self, images: torch.Tensor) -> Any:
        """What the network itself returns for images (N, C, …), with what stands beside them; whoever asks leaves it
        `untouched`.
        """
        return self.call(*self._native(images))

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _tensors(self, images: torch.Tensor) -> list[torch.Tensor]:
        """A batch for each input, in their order, as the graph takes them."""
        return [images, *(_repeated(t, len(images)) for t in self._beside)]

    def _native(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The same in the network's own layout."""
        return [self.native(t) for t in self._tensors(images)]

    def _entry(self, images: torch.Tensor, *, thorough: bool = True) -> _Entry:
        key = (
            *(_form(t) for t in (images, *self._beside)),
            _surroundings(),
            state_of(self.module),
        )
        entry = self._entries.get(key)
        if entry is None or (thorough and any(checksum(t) != known for t, known in entry.origins.values())):
            entry = _Entry()
            try:
                entry.any_batch = self._write(entry, images, BATCHES)
            except NetworkRefused as error:
                entry.refused = str(error)
            self._entries[key] = entry
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return entry

    def _write(
        self,
        entry: _Entry,
        images: torch.Tensor,
        batches: tuple[int, ...],
        how: Callable[..., Recording] = record,
    ) -> Graph:
        fakes = fake_tensors()
        recordings: list[Recording] = []
        with no_collection():
            for b in batches:
                earlier = recordings[0] if recordings else None
                recordings.append(self._record(images, b, how, earlier=earlier, fake_mode=fakes))
            entry.origins |= {id(t): (t, checksum(t)) for t in recordings[0].origins}
            try:
                return self._graph(recordings)
            except NetworkRefused:
                if len(batches) == 1:
                    raise
            # a function that keeps what it once computed (``lru_cache``) computes it in the first recording alone
            recordings[0] = self._record(images, batches[0], how, earlier=recordings[1], fake_mode=fakes)
            return self._graph(recordings)

    def _graph(self, recordings: Sequence[Recording], source: str = "fake") -> Graph:
        graph = canonical(unite(recordings, layout=self.layout, source=source, inputs=self.inputs))
        return graph if graph.ended else self._chosen(graph, recordings[0].returned)

    def _chosen(self, graph: Graph, returned: Sequence[str]) -> Graph:
        """The graph with the output that was asked for as the one that is meant, of all that the network returned."""
        if self.output is None:
            return graph
        if self.output not in returned:
            names = [name or "one alone, without a name" for name in returned]
            raise UsageError(
                f"{type(self.module).__name__} gives no output {self.output!r}.{nearest(self.output, names)} There are: "
                f"{', '.join(names)}."
            )
        if self.output not in graph.outputs:
            raise NetworkRefused(f"nothing that can be seen leads from the image to the output {self.output!r}")
        return replace(graph, chosen=self.output)

    def _record(
        self, images: torch.Tensor, batch: int | None, how: Callable[..., Recording] = record, **more: Any
    ) -> Recording:
        example, *beside = self._native(images)
        try:
            return how(
                self.module,
                self.call,
                example,
                batch=batch,
                paths=self.paths,
                training=self.training,
                beside=beside,
                **more,
            )
        except (NetworkRefused, KeyboardInterrupt):
            raise
        except Exception as error:
            if batch is None:
                raise
            # on tensors without data only: the real run decides whether the network itself is at fault
            raise NetworkRefused(
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
            ) from error

    def _candidates(self, entry: _Entry, images: torch.Tensor, reasons: list[str]) -> Iterator[tuple[str, Graph]]:
        batch = len(images)
        known = entry.way.get(batch)
        if known in (None, "any batch"):
            if entry.any_batch is None:
                reasons.append(entry.refused)
            else:
                yield "any batch", entry.any_batch
        if known in (None, "any batch", "this batch"):
            if batch not in entry.fixed:
                try:
                    entry.fixed[batch] = self._write(entry, images, (batch,))
                except NetworkRefused as error:
                    reasons.append(str(error))
            if batch in entry.fixed:
                yield "this batch", entry.fixed[batch]
        if known != "whole":
            try:
                graph = self._graph([self._record(images, None)], "real")
                wrong = self._disagreement(graph, images, gradient=True)
                if wrong is None:
                    yield "real", graph
                else:
                    reasons.append(wrong)
            except NetworkRefused as error:
                reasons.append(str(error))
        yield "whole", self._whole(images)

    def _wrong(
        self,
        entry: _Entry,
        way: str,
        graph: Graph,
        images: torch.Tensor,
        gradient: bool,
        reasons: list[str],
        forward: Callable[[Graph], Forward | None] | None,
    ) -> bool:
        done = (len(images), gradient)
        if done in entry.proved and entry.way.get(len(images)) == way:
            return False
        wrong = self._disagreement(graph, images, gradient=gradient, forward=forward)
        if wrong is not None:
            reasons.append(f"written down for {way}, {wrong}")
            entry.proved -= {(len(images), True), (len(images), False)}
            return True
        entry.proved |= {done, (len(images), False)}
        return False

    def _disagreement(
        self,
        graph: Graph,
        images: torch.Tensor,
        *,
        gradient: bool,
        forward: Callable[[Graph], Forward | None] | None = None,
    ) -> str | None:
        given = self.given(graph, images)
        return disagreement(
            graph,
            self.module,
            self.call,
            given,
            self.native,
            gradient=gradient,
            training=self.training,
            forward=forward,
        )

    def _whole(self, images: torch.Tensor) -> Graph:
        def call(*tensors: torch.Tensor) -> Any:
            return self.call(*(self.native(t) for t in tensors))

        tensors = self._tensors(images)
        graph = whole(self.module, call, tensors, layout=self.layout, training=self.training, inputs=self.inputs)
        return self._chosen(graph, list(graph.outputs))


def _repeated(tensor: torch.Tensor, number: int) -> torch.Tensor:
    """Row i mod N of a tensor of N rows, for each i below a number."""
    rows = len(tensor)
    return tensor if rows == number else tensor[torch.arange(number, device=tensor.device) % rows]


def _form(tensor: torch.Tensor) -> tuple[Any, ...]:
    """What of an input a graph depends on."""
    return tuple(tensor.shape[1:]), tensor.dtype, str(tensor.device), _order(tensor)


def _order(images: torch.Tensor) -> str:
    last = images.dim() == 4 and images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    return "channels last" if last else "plain"


def _surroundings() -> tuple[Any, ...]:
    """What is switched around a call of the network and may change what it does."""
    casts = tuple(
        (device, torch.get_autocast_dtype(device)) for device in ("cpu", "cuda") if torch.is_autocast_enabled(device)
    )
    return torch.get_default_dtype(), casts


def checksum(tensor: torch.Tensor) -> int:
    """CRC-32 of what a tensor holds: unlike its version, it tells of writes through ``.data``."""
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())


_PLAIN = frozenset((int, float, bool, str, type(None)))
_DICTS = frozenset((dict, OrderedDict))
_TENSORS = frozenset(("_parameters", "_buffers"))
_TENSOR = frozenset((torch.Tensor, nn.Parameter))
_MANY = 1000
"""Containers longer than this count by their length."""


def state_of(module: nn.Module) -> int:
    """A number that changes when the network does: its modules, their attributes, hooks and functions of their own, its
    parameters and buffers and what was last written into them.

    Training flags don't count, since a network is looked at as in inference whatever its mode.

    Raises
    ------
    NetworkRefused
        A lazy layer that has no weights yet.
    """
    parts: list[Any] = []
    for m in module.modules():
        parts.append(id(m))
        for key, value in vars(m).items():
            kind = type(value)
            if kind in _PLAIN:
                if key != "training":
                    parts += (key, value)
            elif kind not in _DICTS:
                parts += (key, _mark(value, 3))
            elif value and key == "_modules":
                parts += (key, *value, *map(id, value.values()))
            elif value:
                if key in _TENSORS and any(nn.parameter.is_lazy(t) for t in value.values()):
                    name = next(n for n, one in module.named_modules() if one is m)
                    raise NetworkRefused(
                        f"layer {name!r} has no weights yet; call the network once on a batch of images, so that it makes "
                        "them"
                    )
                parts += (key, _mark(value, 3))
    return hash(tuple(parts))


def _mark(value: Any, depth: int) -> Any:
    """Something hashable that changes when a value does: itself where it is plain, what it holds where it is a
    container, else its identity.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in _TENSOR or isinstance(value, torch.Tensor):
        return (
            id(value),
            0 if value.is_inference() else value._version,
            value.data_ptr() if value.layout is torch.strided else 0,
        )
    if (kind is tuple or kind is list) and len(value) <= _MANY and _PLAIN.issuperset(map(type, value)):
        return tuple(value)
    if depth and isinstance(value, (dict, list, tuple)):
        if len(value) > _MANY:
            return id(value), len(value)
        if isinstance(value, dict):
            return tuple([(_mark(k, depth - 1), _mark(v, depth - 1)) for k, v in value.items()])
        return tuple(_mark(v, depth - 1) for v in value)
    return id(value)
