"""Units: what each channel of a layer looks for, read off the pictures on which it fires most.

One pass over many images keeps a few numbers of each unit on each; best pictures, statistics and searches come from
those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seethrough.attribution import last_spatial
from seethrough.datasets.collection import Collection, collect
from seethrough.errors import UsageError
from seethrough.features.unit_layers import UnitLayer, unit_layers
from seethrough.features.unit_search import ROUNDING, Found, UnitSearch, deviations, ranked
from seethrough.features.unit_tally import Answers, LayerUnits, answers_of, tally
from seethrough.features.unit_work import UnitWork, named
from seethrough.graph.graph import Graph
from seethrough.graph.run import Counter
from seethrough.jobs import Passed, Progress, Results, run
from seethrough.models.labels import resolve
from seethrough.network import Network, as_network
from seethrough.results import Note, Passes, Shown

if TYPE_CHECKING:
    from seethrough.features.unit_maximized import MaximizedUnits


@dataclass(frozen=True, eq=False)
class Units(Shown, Mapping[str, LayerUnits]):
    """What the units of some layers look for: a mapping from the layer's path to its units.

    Attributes
    ----------
    net, collection
        The network and the images.
    layers
        The units, layer by layer.
    answers
        What the network answered to each image.
    classes
        Of each image its class, by which selectivity is counted: its true one where most images have such, else the
        network's answer; None where nobody knows.
    by_truth
        Whether these are the true ones.
    channels
        The channels that were asked for, the same in every layer; None for all.
    passed
        Images that could not be read, with the reason.
    maximized
        From a layer's path to a maximized picture of each unit and what it reached; empty where none was asked for.
    passes
        What was run in this call; nothing where all was found in the folder.
    results
        The rows on disk, by `seethrough.features.unit_work`.
    """

    net: Network
    collection: Collection
    layers: Mapping[str, LayerUnits]
    answers: Answers
    classes: tuple[str | None, ...]
    by_truth: bool
    channels: tuple[int, ...] | None
    passed: tuple[Passed, ...]
    results: Results = field(repr=False)
    passes: Passes = field(default_factory=Passes)
    maximized: Mapping[str, MaximizedUnits] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, layer: str) -> LayerUnits:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def images(self) -> int:
        """How many images were looked at."""
        return len(self.collection) - len(self.passed)

    def search(self, picture: Any, top: int = 10) -> UnitSearch:
        """Which units fire most unusually on a picture.

        Parameters
        ----------
        picture
            A path, PIL image or uint8 array (H, W, 3); or a ready batch of one.
        top
            How many units.

        Raises
        ------
        UsageError
            More than one picture.
        """
        prepared = self.net.prepare(picture)
        if len(prepared.batch) != 1:
            raise UsageError(f"One picture is searched with, not {len(prepared.batch)}.")
        work = UnitWork(self.net, tuple(u.layer for u in self.layers.values()), self.channels, relevance=False)
        rows = work.rows(prepared)
        fired = [rows[named(i, "largest")][0] for i in range(len(self))]
        rarer = self._rarer(fired)
        unusual = [
            deviations(f, u.spread.mean, u.spread.deviation) for f, u in zip(fired, self.layers.values(), strict=True)
        ]
        found = []
        owners = [(i, row) for i, values in enumerate(fired) for row in range(len(values))]
        for at in ranked(np.concatenate(rarer), np.concatenate(unusual))[:top]:
            i, row = owners[at]
            units = list(self.layers.values())[i]
            place = int(rows[named(i, "at")][0, row])
            found.append(
                Found(
                    layer=units.path,
                    channel=int(units.channels[row]),
                    activation=float(fired[i][row]),
                    place=tuple(map(int, np.unravel_index(place, units.layer.size))) if units.layer.size else (),
                    rarer=float(rarer[i][row]),
                    deviations=float(unusual[i][row]),
                )
            )
        answer = int(rows["answer"][0])
        name = self.name_of(answer) if answer >= 0 else None
        return UnitSearch(
            prepared.pictures[0], tuple(found), self.images, name, float(rows["chance"][0]), self.provenance
        )

    def name_of(self, output: int) -> str:
        """What an output is called."""
        return _name_of(self.net, output)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: of each unit its numbers, and its best images by name."""
        return {
            "provenance": dict(self.provenance),
            "images": self.images,
            "classes_by": "truth" if self.by_truth else "answer",
            "passed": [{"name": p.name, "reason": p.reason} for p in self.passed],
            "layers": {path: units.to_dict(self.collection) for path, units in self.items()},
        }

    def _rarer(self, fired: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Of each unit the share of images on which it fires at least as strongly; from the rows of all of them."""
        thresholds = [values - ROUNDING * np.abs(values) for values in fired]
        more = [np.zeros(len(values), np.int64) for values in fired]
        for items, arrays in self.results.shards():
            if len(items):
                for i, values in enumerate(thresholds):
                    more[i] += (arrays[named(i, "largest")] >= values).sum(0)
        return [each / max(self.images, 1) for each in more]


def units(
    net: Network | Any,
    images: Any,
    layer: str | Sequence[str] | None = None,
    *,
    folder: str | Path | None = None,
    top: int = 9,
    relevance: bool = True,
    target: str | int | None = None,
    truth: Any = None,
    channels: Sequence[int] | None = None,
    maximized: bool = False,
    seed: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Units:
    """What each unit of a layer looks for: one pass over many images.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A folder, a list of pictures, a uint8 array (N, H, W, 3), or a `Collection`.
    layer
        A path, a pattern such as ``"block*_conv1"``, or a list of these; by default the last layer with places before
        the answer.
    folder
        Where the rows are kept, so that an interrupted run goes on and a finished one is read; by default a temporary
        folder.
    top
        Best images of each unit.
    relevance
        Also find the images on which a unit contributed most to the target; costs a walk back to the layer.
    target
        What the relevance is for: an output by label or index, ``"a - b"``; by default each image's own first answer.
    truth
        The class of each image, as for `collect`; by default the folder that it lies in.
    channels
        Which units; by default all.
    maximized
        Also make a maximized picture of each unit (`maximize`, 128 steps), which takes much longer than the pass; units
        that fire on no image get one too.
    seed
        Of the maximized pictures.
    batch
        Images at once; by default measured.
    progress
        Told the images done, and those in all.

    Returns
    -------
    Units

    Raises
    ------
    UsageError
        No such layer or channel; a layer without channels; settings that conflict.
    InputRefused
        Not one image can be read.

    Examples
    --------
    >>> import numpy as np, seethrough as st
    >>> pictures = np.random.default_rng(0).integers(0, 255, (6, 128, 128, 3), np.uint8)
    >>> found = st.units("demo:leopards", pictures, "stage3", top=2)
    >>> found["stage3"].best.items.shape
    (96, 2)
    """
    net = as_network(net)
    if top < 1:
        raise UsageError(f"top is at least 1, not {top}.")
    collection = collect(images, truth=truth)
    layers = chosen_layers(net.graph(), layer)
    wanted = _checked(channels, layers)
    work = UnitWork(net, layers, wanted, relevance, target, Counter(many=len(collection)))
    results = run(
        net, collection, work, folder=None if folder is None else Path(folder), batch=batch, progress=progress
    )
    answers = answers_of(results)
    by_truth = 2 * sum(item.truth is not None for item in collection) > len(collection)
    classes = _true_classes(net, collection) if by_truth else _answered_classes(net, answers)
    tallied = tally(results, layers, wanted, top=top, relevance=relevance, classes=classes)
    found = Units(
        net=net,
        collection=collection,
        layers={each.path: each for each in tallied},
        answers=answers,
        classes=classes,
        by_truth=by_truth,
        channels=wanted,
        passed=results.passed,
        results=results,
        passes=work.counter.passes,
        maximized=_maximized(net, tallied, folder, seed) if maximized else {},
        provenance=_provenance(results, collection, work, top),
    )
    return replace(found, notes=tuple(_notes(found, relevance)))


def _maximized(
    net: Network, layers: Sequence[LayerUnits], folder: str | Path | None, seed: int
) -> Mapping[str, MaximizedUnits]:
    from seethrough.features.unit_maximized import maximized  # the whole of optimisation, where it is asked for

    return maximized(net, layers, None if folder is None else Path(folder), seed)


def chosen_layers(graph: Graph, said: str | Sequence[str] | None) -> tuple[UnitLayer, ...]:
    """The layers that a person means, each once."""
    if said is None:
        said = last_spatial(graph)
        if said is None:
            raise UsageError("This network has no layer with height and width to look at by default; name a layer.")
    patterns = [said] if isinstance(said, str) else list(said)
    if not patterns:
        raise UsageError("No layer was named; name one, or leave it to the last with height and width.")
    found = {layer.path: layer for pattern in patterns for layer in unit_layers(graph, pattern)}
    return tuple(found.values())


def _checked(channels: Sequence[int] | None, layers: Sequence[UnitLayer]) -> tuple[int, ...] | None:
    """The channels that were asked for, in order, each once; they must be there in every layer."""
    if channels is None:
        return None
    wanted = tuple(sorted({int(c) for c in channels}))
    if not wanted:
        raise UsageError("No channel was named; name some, or leave channels out for all.")
    for layer in layers:
        if not 0 <= wanted[0] <= wanted[-1] < layer.channels:
            wrong = wanted[0] if wanted[0] < 0 else wanted[-1]
            raise UsageError(
                f"There is no channel {wrong} in layer {layer.path!r}, which has {layer.channels}, 0 to "
                f"{layer.channels - 1}."
            )
    return wanted


def _name_of(net: Network, output: int) -> str:
    names = net.classes
    return names[output] if names is not None and output < len(names) else f"output {output}"


def _answered_classes(net: Network, answers: Answers) -> tuple[str | None, ...]:
    return tuple(None if index < 0 else _name_of(net, int(index)) for index in answers.indices)


def _true_classes(net: Network, collection: Collection) -> tuple[str | None, ...]:
    """The true class of each image, by the network's own name for it where it has one (of ``n02129604``: tiger)."""
    known: dict[str, str] = {}
    for item in collection:
        if item.truth is not None and item.truth not in known:
            known[item.truth] = _own_name(net, item.truth)
    return tuple(None if item.truth is None else known[item.truth] for item in collection)


def _own_name(net: Network, said: str) -> str:
    if net.classes is None:
        return said
    try:
        return net.classes[resolve(said, net.classes)]
    except UsageError:
        return said


def _provenance(results: Results, collection: Collection, work: UnitWork, top: int) -> dict[str, Any]:
    return {
        **results.provenance,
        "settings": dict(work.settings),
        "images": collection.source,
        "number": len(collection),
        "top": top,
    }


def _notes(found: Units, relevance: bool) -> Iterator[Note]:
    """What must be known to read the units rightly."""
    yield from found.net.opened.notes
    if found.passed:
        first = found.passed[0]
        yield Note("units_passed", "warning", {"count": len(found.passed), "name": first.name, "reason": first.reason})
    for path, units in found.items():
        silent = int(units.spread.silent.sum())
        if silent:
            yield Note("units_silent", "warning", {"layer": path, "count": silent, "of": len(units)})
        if not units.layer.rectified:
            yield Note("units_not_rectified", "info", {"layer": path})
        full = (units.spread.at_largest > units.best.items.shape[1]) & ~units.spread.silent
        ceiling = int(full.sum())
        if ceiling > 0:
            yield Note("units_at_ceiling", "warning", {"layer": path, "count": ceiling, "of": len(units)})
        if relevance and not units.layer.answers:
            yield Note("units_behind_answer", "warning", {"layer": path})
        if len(units.preferences.classes) < 2:
            yield Note("units_without_classes", "info", {"layer": path})


__all__ = ["LayerUnits", "UnitSearch", "Units", "units"]
