"""Findings in the filters of trained networks: how many planted defects are found, and how many alarms photographs contradict.

    python benchmarks/filter_findings.py [NAME]

Filters are judged by their weights alone. So on networks that nobody touched every warning is held against pictures: a dead filter's
output must hardly vary, the outputs of near-duplicates must go together, a dominating filter's must vary far more than the others'. What
they contradict is a false alarm. In fresh copies a dead, a cloned and a scaled filter are then planted, at several places, and a first
layer that strides by four.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seethrough as st
from planted import DATA, Subject, plant, subjects
from seethrough.anatomy.filter_findings import FilterFinding
from seethrough.anatomy.filters import Filters
from seethrough.graph.execute import execute
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.network import Network

PLACES = 3
"""Times that each kind of defect is planted into each network."""

PICTURES, AT_ONCE = 40, 5
NAMES = {"duplicates": "duplicate"}
"""What our findings are called where the planting calls them otherwise."""

HARDLY, TOGETHER, FAR = 0.02, 0.9, 3.0
"""Standard deviation of a dead filter's output over the layer's median, at most; correlation of near-duplicates, at least; standard
deviation of a dominating filter's output over the median, at least.
"""

LARGER = {
    "squeezenet1_0_tf_imagenet": "torch",
    "mobilenet_v1_025_224_imagenet": "tf",
    "mobilenet_v1_075_224_imagenet_deq": "tf",
    "mobilenet_v2_100_224_imagenet_deq": "tf",
    "mobilenet_v3_large_minimalistic_224_imagenet_deq": "tf",
    "vgg19_blocks1to3_imagenet": "caffe",
}
"""Further networks of the folder, looked at clean, with how they want their pictures."""


class Moments:
    """Sums over all places of all pictures: from an operation's path to means and covariances of its output's channels."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.first: dict[str, NDArray[np.float64]] = {}
        self.second: dict[str, NDArray[np.float64]] = {}

    def add(self, path: str, values: NDArray[np.float64]) -> None:
        """Take in (N, K, *places)."""
        rows = np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])
        self.count[path] = self.count.get(path, 0) + len(rows)
        self.first[path] = self.first.get(path, 0) + rows.sum(axis=0)
        self.second[path] = self.second.get(path, 0) + rows.T @ rows

    def covariance(self, path: str) -> NDArray[np.float64]:
        """(K, K)."""
        mean = self.first[path] / self.count[path]
        return self.second[path] / self.count[path] - np.outer(mean, mean)


def responses(net: Network, operations: list[str], pictures: list[Any]) -> Moments:
    """What some convolutions give for pictures, before anything else happens to it."""
    moments = Moments()
    for start in range(0, len(pictures), AT_ONCE):
        prepared = net.prepare(pictures[start : start + AT_ONCE])
        source = net.source_of(prepared)
        graph = source.proved(prepared.batch)
        wanted = {path: graph.operation_at[path].outputs[0] for path in operations}
        found = execute(graph, source.given(graph, prepared.batch), [v for v in wanted.values() if v is not None])
        for path, value in wanted.items():
            if value is not None:
                moments.add(path, found[value].double().numpy())
    return moments


def contradicted(filters: Filters, net: Network, pictures: list[Any]) -> Iterator[FilterFinding]:
    """The warnings that pictures don't bear out."""
    warnings = [f for f in filters.findings if f.level == "warning"]
    if not warnings:
        return
    paths = list(dict.fromkeys(filters[f.layer].kernels.operation for f in warnings))
    moments = responses(net, paths, pictures)
    for finding in warnings:
        kernels = filters[finding.layer].kernels
        covariance = moments.covariance(kernels.operation)
        gain = np.ones(kernels.count) if kernels.gain is None else kernels.gain
        if not borne_out(finding, covariance, np.sqrt(np.maximum(np.diag(covariance), 0)) * np.abs(gain)):
            yield finding


def borne_out(finding: FilterFinding, covariance: NDArray[np.float64], spread: NDArray[np.float64]) -> bool:
    """Whether what some channels gave agrees with what their weights say."""
    which, median = list(finding.filters), np.median(spread[spread > 0])
    if finding.name == "dead":
        return bool((spread[which] <= HARDLY * median).all())
    if finding.name == "dominating":
        return bool((spread[which] >= FAR * median).all())
    if finding.name == "duplicate":
        deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
        correlation = covariance / np.outer(deviation, deviation)
        return all(correlation[np.ix_(group, group)].min() >= TOGETHER for group in finding.groups)
    return False


def clean(name: str, net: Network, pictures: list[Any]) -> int:
    """Print what is found in a network that nobody touched; how many alarms are false."""
    filters = st.filters(net, "*")
    warnings = [f for f in filters.findings if f.level == "warning"]
    false = list(contradicted(filters, net, pictures))
    tally = {kind: sum(f.name == kind for f in warnings) for kind in dict.fromkeys(f.name for f in warnings)}
    told = ", ".join(f"{kind} in {count} layers" for kind, count in tally.items()) or "nothing"
    total = sum(layer.kernels.count for layer in filters.values())
    print(f"  {name:48s} {len(filters):3d} layers {total:6,d} filters: {told}; contradicted: {len(false)}", flush=True)
    for finding in false:
        print(f"      {finding.name} in {finding.layer}: {finding.groups or finding.filters}")
    return len(false)


def planted(subject: Subject) -> tuple[int, int]:
    """Print which planted defects are found; how many are, of how many."""
    hits, missed = 0, []
    for seed in range(PLACES):
        net = subject.fresh()
        defects = plant(net, seed)
        filters = st.filters(net, "*")
        for defect in defects:
            name = NAMES.get(defect.finding, defect.finding)
            same = [f for f in filters.findings if (f.name, f.layer) == (name, defect.layer)]
            if any(set(defect.units) <= set(f.filters) for f in same):
                hits += 1
            else:
                missed.append(defect)
    if any(f.name == "aliasing" for f in st.filters(subject.strided()).findings):
        hits += 1
    else:
        missed.append("stride 4")
    whole = hits + len(missed)
    print(f"  {subject.name:48s} {hits} of {whole} found", *(f"\n      missed: {one}" for one in missed), flush=True)
    return hits, whole


def filters_on_planted_defects(only: str = "") -> bool:
    """Print both tables; whether all that was planted is found, with at most two false alarms in all clean networks together."""
    chosen = [subject for subject in subjects() if only.lower() in subject.name.lower()]
    print("Filters: planted defects")
    found = [planted(subject) for subject in chosen]
    print("Filters: warnings on clean networks, held against pictures")
    false = sum(clean(s.name, s.fresh(), list(s.pictures()[0])[:PICTURES]) for s in chosen)
    photos = sorted((DATA / "boxes/val_227").glob("*"))[:PICTURES]
    for name, preprocessing in LARGER.items():
        file = DATA / f"models/{name}.keras"
        if only.lower() in name and file.exists():
            false += clean(name, st.open(file, preprocessing=preprocessing), list(photos))
    print(f"Found {sum(h for h, _ in found)} of {sum(n for _, n in found)}; false alarms: {false}")
    return all(hits == whole for hits, whole in found) and false <= 2


if __name__ == "__main__":
    make_torchvision_importable()
    raise SystemExit(0 if filters_on_planted_defects(*sys.argv[1:2]) else 1)
