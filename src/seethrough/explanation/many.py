"""Maps of many images: one method over a folder, image after image, so that nothing grows with it.

Images are read ahead by other processes and sent through in batches; what comes before a class activation map's layer runs on
the fused twin; each shard of maps is written before the next begins, and an interrupted run goes on (`seethrough.jobs`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.running import told
from seethrough.attribution import method_named, targets_by_image
from seethrough.datasets.collection import Collection, collect
from seethrough.errors import InputRefused, UsageError
from seethrough.explanation.answer import Start, asked_of, started
from seethrough.explanation.asked import Asked, layers_of, settings_of
from seethrough.explanation.maps import for_each_image
from seethrough.graph.fast.choose import Ways
from seethrough.graph.run import TOGETHER
from seethrough.images import Geometry
from seethrough.jobs import Batch, Passed, Results, run
from seethrough.network import Network, as_network
from seethrough.results import Note, Target

Progress = Callable[[int, int], None]
"""Told the images done, and those in all."""

TRIED = 8
"""Images that are looked at for one that can be read, before a run is begun."""


@dataclass(frozen=True, eq=False)
class OneMap:
    """The map of one of many images.

    Attributes
    ----------
    name
        The image's: its path inside the folder.
    item
        Its number in the collection.
    values
        float32 (h, w), on the grid that the method gives: a layer's, or the input's.
    target, score
        What was asked about, and its value.
    geometry
        Where the network's input lies on the picture.
    """

    name: str
    item: int
    values: NDArray[np.float32]
    target: Target
    score: float
    geometry: Geometry

    @property
    def map(self) -> NDArray[np.float32]:
        """float32 (H, W), on the pixels of the picture; 0 where the network never saw it."""
        return self.geometry.to_picture(self.values)[0]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """bool (H, W): what of the picture the network saw."""
        return self.geometry.to_picture(self.values)[1]


@dataclass(frozen=True, eq=False)
class ManyMaps:
    """Maps of many images by one method, read shard by shard: iterating gives a `OneMap` for each image, in order.

    Attributes
    ----------
    method, signed
        Which, and whether its maps have signs.
    layer
        Where its maps are taken from; None for the input.
    passed
        Images that couldn't be read, with reasons.
    notes, provenance
        What must be known to read them rightly; what rebuilds them.
    """

    method: str
    signed: bool
    layer: str | None
    images: Collection
    passed: tuple[Passed, ...]
    notes: tuple[Note, ...]
    provenance: Mapping[str, Any]
    results: Results = field(repr=False)

    def __len__(self) -> int:
        return len(self.images) - len(self.passed)

    def __iter__(self) -> Iterator[OneMap]:
        for items, arrays in self.results.shards():
            if len(items):
                yield from self._of_shard(items, arrays)

    def _of_shard(self, items: NDArray[np.int64], arrays: Mapping[str, NDArray[Any]]) -> Iterator[OneMap]:
        begin = 0
        targets = [_target_of(line) for line in arrays["target"].tobytes().splitlines()]
        for row, item in enumerate(items.tolist()):
            height, width = arrays["grid"][row].tolist()
            values = arrays["map"][begin : begin + height * width].reshape(height, width)
            begin += height * width
            sides = arrays["geometry"][row].tolist()
            yield OneMap(
                self.images[item].name,
                item,
                values,
                targets[row],
                float(arrays["score"][row]),
                Geometry((sides[0], sides[1]), (sides[2], sides[3]), (sides[4], sides[5]), sides[6], sides[7]),
            )


def maps(
    net: Network | Any,
    images: Any,
    method: str = "gradcam",
    target: Any = None,
    *,
    layer: str | None = None,
    probabilities: bool = False,
    folder: str | Path | None = None,
    batch: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> ManyMaps:
    """A map of each of many images, by one method.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A folder, a list of paths or pictures, a uint8 array (N, H, W, 3), ready tensors, or a `Collection`; of any sizes.
    method
        Its name.
    target
        What all are asked about, as for `explain`, or a list with one for each image; None for each image's own first
        answer.
    layer, probabilities, settings
        As for `explain`.
    folder
        Where maps are kept while they are made, and taken up again where it stopped; by default a temporary place.
    batch
        Images at once; by default eight on a processor, and elsewhere measured where there are many.
    workers
        Processes that read pictures; 0 to read them in this one; by default as many as fit.
    progress
        Told how far it is.

    Returns
    -------
    ManyMaps
        ``for one in maps(net, "photos/"): one.name, one.map``

    Raises
    ------
    UsageError
        An unknown method, setting, layer or target; a folder that holds another run.
    InputRefused
        Not one image that can be read; a network that can't be explained this way, or answers with NaN.
    """
    net = as_network(net)
    found = method_named(method)
    collection = collect(images)
    asked = Asked(
        (found,),
        frozenset(),
        settings_of([found], settings),
        layers_of(layer, [found]),
        probabilities=probabilities,
        many=len(collection),
    )
    if isinstance(target, list | tuple) and len(target) != len(collection):
        raise UsageError(f"{len(target)} targets for {len(collection)} images; give one for each, or one for all.")
    work = Work(net, asked, target)
    notes = _on_one(work, collection)
    results = run(
        net,
        collection,
        work,
        folder=None if folder is None else Path(folder),
        batch=batch or _batch(net),
        workers=workers,
        progress=progress,
    )
    return ManyMaps(
        found.name,
        found.signed,
        layer,
        collection,
        results.passed,
        (*collection.notes, *notes),
        results.provenance,
        results,
    )


@dataclass(frozen=True, eq=False)
class Work:
    """The work: of each image a map by the one method that is asked; all shards are one question, so that a fused twin is
    believed once.
    """

    net: Network
    asked: Asked
    target: Any
    name: str = "maps"

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that the numbers depend on."""
        (method,) = self.asked.methods
        return {
            "method": method.name,
            "layer": list(self.asked.layers) or None,
            "target": _said(self.target),
            "probabilities": self.asked.probabilities,
            "settings": {key: _said(value) for key, value in self.asked.used(method).items()},
        }

    def part(self) -> Shard:
        """A new shard."""
        return Shard(self)

    def started(self, batch: Batch) -> Start:
        """The question about some of the images, with nothing asked yet."""
        said = [self.target[item] for item in batch.items] if isinstance(self.target, list | tuple) else self.target
        said = said if callable(said) else targets_by_image(said, len(batch.items))
        return started(self.net, batch.prepared, replace(self.asked, target=said))


@dataclass
class Shard:
    """Rows of some images: ``map`` float32, all their numbers one behind the other; ``grid`` int32 (n, 2), height and width
    of each; ``target`` uint8, what was asked about each, a line of JSON; ``score`` float32 (n,); ``geometry`` int32 (n, 8),
    see `Geometry`.
    """

    work: Work
    rows: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Take in the next images."""
        net, prepared, number = self.work.net, batch.prepared, len(batch.items)
        with told(net.opened, net.source_of(prepared), prepared.batch):
            start = self.work.started(batch)
            ((method, at),) = start.layers.items()
            outcome = asked_of(method, start.run, at, start.asked.options(method))
        values = method.reduced(outcome.values.detach()).float().cpu().numpy()
        targets = for_each_image(start.question.targets, number)
        self._keep("map", values.ravel())
        self._keep("grid", np.full((number, 2), values.shape[1:], np.int32))
        self._keep("target", np.frombuffer(b"".join(_line_of(target) for target in targets), np.uint8))
        self._keep("score", start.run.scores.detach().float().cpu().numpy())
        self._keep("geometry", np.array([_sides(geometry) for geometry in prepared.geometries], np.int32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of the shard; nothing where not one image came."""
        return {name: np.concatenate(rows) for name, rows in self.rows.items()}

    def _keep(self, name: str, rows: NDArray[Any]) -> None:
        self.rows.setdefault(name, []).append(rows)


def _batch(net: Network) -> int | None:
    """Images at once where nobody says: a processor is busy with few, and each size has to be proved before it is used."""
    on_processor = all(t.device.type == "cpu" for t in net.module.parameters())
    return TOGETHER if on_processor else None


def _on_one(work: Work, images: Collection) -> tuple[Note, ...]:
    """What must be known of the network and the question, found on the first image that can be read; what can't be asked is
    refused so before a run is begun.
    """
    work = replace(work, asked=replace(work.asked, many=0, ways=Ways()))
    for item in range(min(len(images), TRIED)):
        try:
            image = images[item].source[None] if images.ready else [images.picture(item).pixels]
            prepared = work.net.prepare(image)
        except InputRefused:
            continue  # the run will say so
        with told(work.net.opened, work.net.source_of(prepared), prepared.batch):
            start = work.started(Batch((item,), prepared))
        return (*start.prediction.notes, *start.notes)
    return ()


def _line_of(target: Target) -> bytes:
    return json.dumps([target.indices, target.label, target.quantity]).encode() + b"\n"


def _target_of(line: bytes) -> Target:
    indices, label, quantity = json.loads(line)
    return Target(tuple((index, sign) for index, sign in indices), label, quantity)


def _sides(geometry: Geometry) -> tuple[int, ...]:
    return (*geometry.picture, *geometry.resized, *geometry.size, geometry.top, geometry.left)


def _said(value: Any) -> Any:
    """A setting as plain data."""
    if isinstance(value, list | tuple):
        return [_said(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, bool | int | float | str | type(None)) else repr(value)
