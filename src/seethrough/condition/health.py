"""The verb: what is to be noticed in a network that looks at many images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seethrough.condition.compare import Comparison, compare
from seethrough.condition.evidence import Evidence, evidence_of
from seethrough.condition.findings import FEWEST_IMAGES, Finding, findings
from seethrough.condition.layer import LayerHealth, StrideHealth
from seethrough.condition.measure import layers_of, strides_of
from seethrough.condition.watch import Watching, joined
from seethrough.datasets.collection import Collection, collect
from seethrough.errors import UsageError
from seethrough.graph.graph import Graph
from seethrough.jobs.run import run
from seethrough.jobs.work import Passed
from seethrough.network import Network, as_network
from seethrough.results import Note, Shown

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Health(Shown):
    """The state of a network, measured over images.

    Attributes
    ----------
    network
        What it was opened as.
    layers
        Every layer with units, from the input on.
    strides
        Every stride over maps large enough to have a spectrum.
    findings
        What is to be noticed, the worst first.
    evidence
        Pictures for the worst findings, by their place among the findings.
    images
        How many images were looked at, of how many ``passed`` are those that couldn't be read.
    classes
        Of how many classes they were known to be; 0 where nobody said.
    other, comparison
        The same of another network over the same images, and what differs.
    notes
        How far to believe it.
    """

    network: str
    layers: tuple[LayerHealth, ...]
    strides: tuple[StrideHealth, ...]
    findings: tuple[Finding, ...]
    images: int
    source: str
    classes: int = 0
    evidence: Mapping[int, tuple[Evidence, ...]] = field(default_factory=dict)
    passed: tuple[Passed, ...] = ()
    other: Health | None = None
    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, layer: str) -> LayerHealth:
        """A layer by its path."""
        return next(each for each in self.layers if each.path == layer)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all but the arrays of each unit."""
        return {
            "network": self.network,
            "images": self.images,
            "source": self.source,
            "classes": self.classes,
            "findings": [f.to_dict() for f in self.findings],
            "layers": [layer.to_dict() for layer in self.layers],
            "strides": [stride.to_dict() for stride in self.strides],
            "passed": [{"name": p.name, "reason": p.reason} for p in self.passed],
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "other": None if self.other is None else self.other.to_dict(),
            "provenance": dict(self.provenance),
        }


def health(
    net: Network | Any,
    images: Any,
    *,
    layers: str | Sequence[str] | None = None,
    truth: str | Path | Mapping[str, str] | Sequence[str] | None = None,
    other: Network | Any = None,
    folder: str | Path | None = None,
    batch: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Health:
    """Dead, always-on, duplicate and dominating units, rank, aliasing, saturation and selectivity of every layer.

    One pass over the images; what is kept doesn't grow with their number. Each finding names the units and numbers that it rests
    on; its advice, and how that could be wrong, is in `seethrough.condition.advice`, in words on the page.

    Parameters
    ----------
    net
        A network, or whatever `open` takes.
    images
        A folder (folders in it are classes), paths, pictures, or a uint8 array (N, H, W, 3). Some 200 or more, like those that the
        network is for: what is said of units holds on these images.
    layers
        Only layers of these paths or patterns.
    truth
        The class of each image, for selectivity: a list, a mapping from name to class, or a CSV file; by default the folders.
    other
        A second network, to compare: layers are matched by path, else by order.
    folder
        Where the run is kept, to go on after an interruption; two networks have a folder each inside of it.
    batch
        Images at once; by default measured.
    seed
        Of the places at which activation vectors are taken for correlations and rank.
    progress
        Told the images done, and those in all.

    Returns
    -------
    Health

    Raises
    ------
    UsageError
        A pattern that fits no layer; a network without a layer that can be measured.
    InputRefused
        Where not one image can be read, or the network can't be written down.

    Notes
    -----
    After Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks* (2014), who mended AlexNet by what they saw in its
    filters. Dead units, thresholds and the order of findings are ours; selectivity is that of Morcos et al. (2018), participation
    that of Gao et al. (2017).
    """
    first = as_network(net)
    second = None if other is None else as_network(other)
    collection = collect(images, truth=truth)
    patterns = (layers,) if isinstance(layers, str) else tuple(layers or ())
    folders = [None if folder is None else Path(folder) for _ in range(2)]
    if folder is not None and second is not None:
        folders = [Path(folder) / "first", Path(folder) / "second"]
    done = _examine(first, collection, patterns, folders[0], batch, seed, progress)
    if second is None:
        return done
    beside = _examine(second, collection, patterns, folders[1], batch, seed, progress)
    return _with(done, beside)


def _examine(
    net: Network,
    collection: Collection,
    patterns: tuple[str, ...],
    folder: Path | None,
    batch: int | None,
    seed: int,
    progress: Progress | None,
) -> Health:
    names = sorted({t for t in collection.truths if t is not None})
    truths = tuple(-1 if t is None else names.index(t) for t in collection.truths) if names else ()
    work = Watching(net, len(collection), patterns, truths, seed)
    results = run(net, collection, work, folder=folder, batch=batch, progress=progress)
    whole = joined(results)
    passed = {p.item for p in results.passed}
    graph = _graph_of(net, collection, passed)
    watched = work.watched(graph)
    if not watched.sites:
        said = f" among those that {', '.join(patterns)} names" if patterns else ""
        raise UsageError(
            f"{net.opened.source} has no layer with units{said}: no convolution, linear layer or activation."
        )
    measured, strides = layers_of(watched, whole), strides_of(watched, whole)
    found = findings(measured, strides)
    read = len(collection) - len(results.passed)
    notes = (Note("few_images", "warning", {"images": read, "wanted": FEWEST_IMAGES}),) if read < FEWEST_IMAGES else ()
    return Health(
        network=net.opened.source,
        layers=measured,
        strides=strides,
        findings=found,
        images=read,
        source=collection.source,
        classes=len(names),
        evidence=evidence_of(net, work, collection, found, measured, watched, _first(collection, passed)),
        passed=results.passed,
        notes=notes + net.opened.notes,
        provenance=results.provenance,
    )


def _with(first: Health, second: Health) -> Health:
    """The first network's health, compared with the second's."""
    beside = compare(first.layers, second.layers, first.findings, second.findings, first.strides, second.strides)
    return replace(first, other=second, comparison=beside)


def _graph_of(net: Network, collection: Collection, passed: set[int]) -> Graph:
    """The graph for one of the images; its sites are those of every other."""
    prepared = net.prepare([collection.picture(_first(collection, passed)).pixels])
    return net.source_of(prepared).proved(prepared.batch)


def _first(collection: Collection, passed: set[int]) -> int:
    """The first image that can be read."""
    return next(i for i in range(len(collection)) if i not in passed)
