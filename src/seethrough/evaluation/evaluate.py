"""Evaluate: methods × metrics × pictures, one batch after the other, so that memory doesn't grow with the folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seethrough.anatomy.running import told
from seethrough.attribution import Method
from seethrough.datasets.collection import Collection, Item, collect
from seethrough.errors import InputRefused, NetworkRefused, UsageError, nearest
from seethrough.evaluation.evaluation import Evaluation
from seethrough.evaluation.metric import METRICS, Metric, Reads, metric_named
from seethrough.evaluation.objects import objects
from seethrough.evaluation.subject import Subject, null_subjects, subject
from seethrough.explanation.answer import Start, started
from seethrough.explanation.asked import Asked, chosen, layers_of, settings_of
from seethrough.explanation.maps import for_each_image
from seethrough.explanation.room import room
from seethrough.jobs import Passed
from seethrough.models.labels import resolve
from seethrough.network import Network, Prepared, as_network
from seethrough.results import Note, Passes
from seethrough.trust.nulls import NULLS

ALL, TRUTH = "all", "truth"
ALWAYS = ("insertion", "deletion", "faithfulness_correlation", "emprt", "sparseness")
WHERE = ("pointing_game", "attribution_localisation", "auc")
"""Measured where nobody says what; the latter where somebody drew the objects."""

FEW = 10
"""Of fewer pictures it is said that they are few."""

Progress = Callable[[int, int], None]
"""Told the pictures done, and those in all."""


def evaluate(
    net: Network | Any,
    images: Any,
    methods: Sequence[str] | str | None = None,
    metrics: Sequence[str] | str | None = None,
    target: Any = None,
    *,
    masks: Any = None,
    boxes: Any = None,
    truth: Any = None,
    layer: str | Sequence[str] | None = None,
    nulls: bool = True,
    seed: int = 0,
    memory_limit: str | int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Evaluation:
    """How good methods' maps are by the metrics of the field, over many pictures.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A folder, a list of pictures, a uint8 array (N, H, W, 3), ready numbers, or a `Collection`. A picture that can't be
        read is passed by and listed.
    methods
        As for `explain`.
    metrics
        Names of metrics (`seethrough.evaluation.METRICS`), of families (``"faithfulness"``), or ``"all"``; None for
        insertion, deletion, faithfulness correlation, eMPRT and sparseness, and where objects are drawn the pointing game,
        attribution localisation and AUC.
    target
        As for `explain`: one for all, or a list with one for each; ``"truth"`` for each picture's own class; None for each
        picture's own first answer.
    masks, boxes
        Where the object is on each picture, for metrics of localisation, on the picture's own pixels: a folder of masks
        named like the pictures, a CSV file, a mapping from name, or a list in order.
    truth
        The class of each picture, as for `collect`; by default the folder that it lies in.
    layer
        As for `explain`.
    nulls
        Also measure maps that know nothing of the network: noise, blurred noise, a hill in the centre, edges. A method that
        isn't better than these says nothing.
    seed
        Of the null maps and of every metric that draws.
    memory_limit
        What a question may take beside the weights, ``"2GB"`` or bytes; None for what is free.
    progress
        Told the pictures done and those in all.
    settings
        Of methods (``steps=64``) or metrics (``deletion.steps=16`` as ``**{"deletion.steps": 16}``); each goes to those that
        have it.

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        An unknown method, metric or setting; metrics of localisation without masks or boxes.
    InputRefused
        Not one picture can be read.

    Examples
    --------
    >>> import numpy as np, seethrough as st
    >>> pictures = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3), np.uint8)
    >>> found = st.evaluate("demo:leopards", pictures, ["saliency"], ["sparseness"], nulls=False)
    >>> found.values.shape
    (1, 1, 2)
    """
    net = as_network(net)
    collection = collect(images, truth=truth)
    where = objects(collection, masks, boxes)
    measured = chosen_metrics(metrics, where is not None)
    named = {
        part.strip() for name in ([metrics] if isinstance(metrics, str) else metrics or ()) for part in name.split(",")
    }
    wanted = chosen(methods)
    own, theirs = _settings(wanted.methods, measured, settings, seed)
    layers = layers_of(layer, wanted.methods)
    asked = Asked(wanted.methods, wanted.optional, own, layers)
    targets = targets_of(net, collection, target)
    table = _Table(wanted.methods, measured, theirs, nulls, seed, frozenset(named))
    passed: list[Passed] = []
    for number, item in enumerate(collection):
        try:
            prepared = prepared_of(net, collection, number)
            masks_of = [None if where is None else where(number, prepared.pictures[0])]
            target_of = targets if callable(targets) else [targets[number]]
            with told(net.opened, net.source_of(prepared), prepared.batch):
                fits = room(net, prepared, wanted.methods, 1, memory_limit)
                begun = started(net, prepared, replace(asked, target=target_of, together=fits.together))
                table.add(item, begun, prepared, masks_of)
        except NetworkRefused:
            raise
        except InputRefused as error:
            passed.append(Passed(number, item.name, str(error)))
        if progress:
            progress(number + 1, len(collection))
    if len(passed) == len(collection):
        raise InputRefused(f"Not one of {len(passed)} pictures can be evaluated; the first: {passed[0].reason}")
    return table.evaluation(net, collection, passed, {k: _plain(v) for k, v in settings.items()}, seed)


def chosen_metrics(said: Sequence[str] | str | None, located: bool) -> tuple[Metric, ...]:
    """The metrics that a person means, each once.

    Raises
    ------
    UsageError
        An unknown name; one that needs to know where the objects are, named where nobody drew them.
    """
    names = [*ALWAYS, *(WHERE if located else ())] if said is None else [said] if isinstance(said, str) else list(said)
    names = [part.strip() for name in names for part in name.split(",") if part.strip()]
    if not names:
        raise UsageError(f"No metric was named; there are: {', '.join(METRICS)}.")
    found: dict[str, Metric] = {}
    for name in names:
        folded = name.casefold()
        several = [m for m in METRICS.values() if folded in (ALL, m.family)]
        several = [m for m in several if located or m.reads is not Reads.TRUTH or folded == m.family]
        for each in several or [metric_named(name)]:
            found[each.name] = each
    needing = next((m for m in found.values() if m.reads is Reads.TRUTH and not located), None)
    if needing is not None:
        raise UsageError(f"{needing.name} needs to know where the objects are; give masks or boxes, or leave it out.")
    return tuple(found.values())


def _settings(
    methods: Sequence[Method], metrics: Sequence[Metric], given: Mapping[str, Any], seed: int
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Settings by method, and by metric."""
    theirs: dict[str, dict[str, Any]] = {m.name: {"seed": seed} if "seed" in m.defaults else {} for m in metrics}
    rest: dict[str, Any] = {}
    keys = {key for m in metrics for key in m.defaults}
    own = {key for m in methods for key in m.defaults if key != "progress"}
    for key, value in given.items():
        name, _, setting = key.rpartition(".")
        if name in theirs:
            if setting not in METRICS[name].defaults:
                hint = nearest(setting, list(METRICS[name].defaults)) or " It has none."
                raise UsageError(f"No setting of {name} is called {setting!r}.{hint}")
            theirs[name][setting] = value
            continue
        if not name and setting in keys:
            for m in metrics:
                if setting in m.defaults:
                    theirs[m.name].setdefault(setting, value) if setting != "seed" else None
            if setting not in own:
                continue
        rest[key] = value
    return settings_of(methods, rest), theirs


def targets_of(net: Network, collection: Collection, said: Any) -> Any:
    """A target for each picture, or one function for all."""
    if callable(said):
        return said
    if isinstance(said, str) and said == TRUTH:
        unknown = next((item.name for item in collection if item.truth is None), None)
        if unknown is not None:
            raise UsageError(f"Nobody says what {unknown!r} really is; give truth, or another target.")
        return [_output(net, item.truth or "") for item in collection]
    if isinstance(said, (list, tuple, np.ndarray)):
        if len(said) != len(collection):
            raise UsageError(f"{len(said)} targets for {len(collection)} pictures; give one for each, or one for all.")
        return [each.item() if isinstance(each, np.generic) else each for each in said]
    return [said] * len(collection)


def _output(net: Network, truth: str) -> int | str:
    """An output by its number or name."""
    return int(truth) if truth.isdecimal() else resolve(truth, net.classes) if net.classes is not None else truth


def prepared_of(net: Network, collection: Collection, number: int) -> Prepared:
    """One image of a collection as the network takes it."""
    source = collection[number].source
    if collection.ready:
        return net.prepare(source[None])
    picture = collection.picture(number)
    prepared = net.prepare(picture.pixels)
    return replace(prepared, pictures=(picture,))


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)


@dataclass(eq=False)
class _Table:
    """An evaluation in the making."""

    methods: Sequence[Method]
    metrics: Sequence[Metric]
    settings: Mapping[str, Mapping[str, Any]]
    nulls: bool
    seed: int
    named: frozenset[str]
    columns: list[np.ndarray] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    passes: dict[str, Passes] = field(default_factory=dict)
    measuring: Passes = field(default_factory=Passes)
    notes: dict[str, Note] = field(default_factory=dict)

    @property
    def rows(self) -> list[str]:
        return [m.name for m in self.methods] + list(NULLS if self.nulls else ())

    def add(self, item: Item, start: Start, prepared: Prepared, masks: Sequence[np.ndarray | None]) -> None:
        """Measure every method on a picture."""
        if prepared.batch.dim() != 4:
            raise UsageError("Metrics are of maps of pictures; one input of this network has no height and width.")
        column = np.full((len(self.rows), len(self.metrics)), np.nan)
        for one in self._subjects(start, prepared, masks):
            before = start.run.counter.passes
            row = self.rows.index(one.name)
            column[row] = [self._measured(one, metric) for metric in self.metrics]
            self.measuring += start.run.counter.passes - before
        self.columns.append(column)
        self.names.append(item.name)
        self.targets.append(for_each_image(start.question.targets, 1)[0].label)
        for note in (*start.prediction.notes, *start.notes):
            self.notes.setdefault(f"{note.name} {dict(note.numbers)}", note)

    def _measured(self, one: Subject, metric: Metric) -> float:
        """What a metric says; one that can't be had for this network is refused where it was named, and else left out."""
        try:
            return float(one.measured(metric, self.settings[metric.name])[0])
        except NetworkRefused as refused:
            if metric.name in self.named:
                raise
            self._note(Note("metric_refused", "info", {"metric": metric.name, "reason": str(refused)}))
            return float("nan")

    def _subjects(self, start: Start, prepared: Prepared, masks: Sequence[np.ndarray | None]) -> Iterator[Subject]:
        for method in start.layers:
            before, began = start.run.counter.passes, time.perf_counter()
            try:
                one = subject(start, method, prepared.geometries, masks)
            except (UsageError, InputRefused) as refused:
                if method.name not in start.asked.optional:
                    raise
                self._note(Note("method_refused", "info", {"method": method.name, "reason": str(refused)}))
                continue
            self.seconds[method.name] = self.seconds.get(method.name, 0) + time.perf_counter() - began
            spent = start.run.counter.passes - before + Passes(forward=len(prepared.batch))
            self.passes[method.name] = self.passes.get(method.name, Passes()) + spent
            yield one
        if self.nulls:
            yield from null_subjects(start, prepared.geometries, masks, self.seed)

    def _note(self, note: Note) -> None:
        self.notes.setdefault(f"{note.name} {dict(note.numbers)}", note)

    def evaluation(
        self, net: Network, collection: Collection, passed: Sequence[Passed], settings: Mapping[str, Any], seed: int
    ) -> Evaluation:
        """What came of it; methods that fitted nowhere are left out."""
        number = len(self.columns)
        if number < FEW:
            self._note(Note("evaluated_few", "warning", {"images": number}))
        kept = [i for i, name in enumerate(self.rows) if name in self.passes or name in NULLS]
        names = tuple(self.rows[i] for i in kept)
        many = {name: self.passes.get(name, Passes()) for name in names}
        return Evaluation(
            methods=names,
            metrics=tuple(m.name for m in self.metrics),
            images=tuple(self.names),
            values=np.stack(self.columns, 2)[kept],
            nulls=sum(name in NULLS for name in names),
            targets=tuple(self.targets),
            seconds=np.array([self.seconds.get(name, 0.0) / number for name in names]),
            passes=tuple(Passes(p.forward // number, p.backward // number) for p in many.values()),
            metric_passes=self.measuring,
            passed=tuple(passed),
            settings=settings,
            notes=tuple(self.notes.values()),
            provenance={**net.provenance, "images": collection.source, "number": number, "seed": seed},
        )
