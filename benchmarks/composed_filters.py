"""Composed kernels against what the filters really give: how far a picture of a filter behind a rectifier can be believed.

    python benchmarks/composed_filters.py

For each filter of a layer above the first convolution, the composed kernel is run over pictures, and its answers are compared with the
filter's own, place by place: their correlation is 1 where the picture is the whole truth. Borders, where padding answers, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import seethrough as st
from planted import DATA, subjects
from seethrough.anatomy.filters import LayerFilters
from seethrough.graph.arguments import Arguments
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.network import Network

PICTURES, AT_ONCE, BORDER = 24, 4, 3

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def answers(net: Network, layer: LayerFilters, pictures: Sequence[Any]) -> Pair:
    """What a layer's filters give, and what their composed kernels give, (K, places)."""
    assert layer.composed is not None
    real, composed = [], []
    for start in range(0, len(pictures), AT_ONCE):
        prepared = net.prepare(list(pictures[start : start + AT_ONCE]))
        source = net.source_of(prepared)
        graph = source.proved(prepared.batch)
        upper, lower = (graph.operation_at[k.operation] for k in (layer.kernels, layer.composed.bottom))
        given, read = upper.outputs[0] or 0, lower.inputs[0]
        found = execute(graph, source.given(graph, prepared.batch), [given, read])
        steps = layer.composed.bottom.stride
        padding = [u * s + low for u, s, low in zip(_padding(graph, upper), steps, _padding(graph, lower))]
        kernels = torch.from_numpy(layer.composed.weights)
        answer = torch.nn.functional.conv2d(found[read], kernels, stride=layer.composed.stride, padding=padding)
        real.append(_inside(found[given]))
        composed.append(_inside(answer))
    return np.concatenate(real, axis=1), np.concatenate(composed, axis=1)


def _padding(graph: Graph, operation: Any) -> tuple[int, ...]:
    return Arguments.of(operation, graph.values, 1).per_axis(4, "padding", 0, 2)


def _inside(values: torch.Tensor) -> NDArray[np.float64]:
    inner = values[:, :, BORDER:-BORDER, BORDER:-BORDER]
    return inner.transpose(0, 1).flatten(1).double().numpy()


def correlations(real: NDArray[np.float64], composed: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): of the filters that vary, the correlation of what they give with what their composed kernel gives."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (real, composed))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1)[lengths > 0] / lengths[lengths > 0]


def cases() -> list[tuple[str, str, Callable[[], Network], Callable[[], Sequence[Any]]]]:
    """Networks with a layer above their first convolution, and pictures."""
    by_name = {subject.name: subject for subject in subjects()}
    layers = {"CIFAR ResNet-20": "layer1.0.conv1", "Tiny VGG": "conv_1_2", "MobileNet 128": "conv_dw_1"}
    found = [(n, p, by_name[n].fresh, lambda n=n: by_name[n].pictures()[0]) for n, p in layers.items() if n in by_name]
    vgg = DATA / "models/vgg19_blocks1to3_imagenet.keras"
    if vgg.exists():
        found.append(("VGG19", "block1_conv2", lambda: st.open(vgg, preprocessing="caffe"), _photos))
    return found


def _photos() -> list[Path]:
    return sorted((DATA / "boxes/val_227").glob("*"))


def main() -> int:
    """Print the table."""
    print(f"{'network':16s} {'layer':16s} filters   correlation: median, lower quartile, least; weight kept")
    for name, path, fresh, pictures in cases():
        net = fresh()
        layer = st.filters(net, path)[path]
        found = correlations(*answers(net, layer, pictures()[:PICTURES]))
        kept = 0.0 if layer.composed is None else float(np.mean(layer.composed.kept))
        quartile, median = np.percentile(found, [25, 50])
        print(
            f"{name:16s} {path:16s} {len(found):7d}   {median:.2f}, {quartile:.2f}, {found.min():.2f}; {kept:.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    make_torchvision_importable()
    raise SystemExit(main())
