"""How much of the world the graph can write down.

For each network: seconds to record it, operations as called and in canonical form, what its output and its gradient are
off by against the network itself at another batch size than it was recorded at (0 is bit-equal), and which way it went.

    python benchmarks/coverage.py [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch

import networks
from seethrough.graph.execute import execute
from seethrough.graph.outputs import output_tensors
from seethrough.graph.source import GraphSource
from seethrough.graph.walk import Forward
from seethrough.models import open_model

BATCH = 4
OUTPUT, GRADIENT = 1e-6, 5e-6
"""How far rounding may take them: a sum that runs in another order of memory is rounded otherwise, and a gradient goes through twice as many."""
LIMIT = 2.5
"""Seconds within which a network should be recorded."""


def row(name: str, source: GraphSource, size: tuple[int, ...]) -> tuple[bool, float]:
    """Print one network's line; gives whether all is well, and the seconds."""
    torch.manual_seed(0)
    images = torch.rand(BATCH, *size)
    start = time.perf_counter()
    graph = source.written(images[:1])
    seconds = time.perf_counter() - start
    with torch.no_grad():
        reference = next(iter(output_tensors(source.call(source.native(images))).values()))
        found = execute(graph, {graph.input.value: images}, [graph.output.value])[graph.output.value]
    output = off(graph.output.of(found), reference)
    gradient = off(*gradients(source, graph, images[:2]))
    fine = output <= OUTPUT and gradient <= GRADIENT
    mark = "" if fine else "   WRONG"
    print(
        f"{name:24} {seconds:6.2f} s {len(graph):6} operations   output {output:.0e}   gradient {gradient:.0e}{mark}",
        flush=True,
    )
    return fine, seconds


def gradients(source: GraphSource, graph: Any, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The graph's gradient and autograd's, of the sum of outputs weighed at random."""
    leaf = images.clone().requires_grad_()
    out = next(iter(output_tensors(source.call(source.native(leaf * 1))).values()))
    seed = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad(out, leaf, seed)
    place = graph.output
    forward = Forward(graph, {graph.input.value: images}, [place.value])
    return forward.walk({place.value: place.back(seed)}, [graph.input.value])[graph.input.value], expected


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference, relative to the largest number."""
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30)).item()


def keras_networks() -> dict[str, Callable[[], tuple[GraphSource, tuple[int, ...]]]]:
    import keras

    def made(model: Any) -> tuple[GraphSource, tuple[int, ...]]:
        opened = open_model(model)
        height, width, channels = (n or 224 for n in model.input_shape[1:])
        source = GraphSource(model, partial(model, training=False), opened.paths, layout="channels_last")
        return source, (channels, height, width)

    named = {
        f"keras {n}": partial(lambda n: made(getattr(keras.applications, n)(weights=None)), n) for n in networks.KERAS
    }
    return {**named, "keras nested": lambda: made(networks.keras_nested())}


def torch_networks() -> dict[str, Callable[[], tuple[GraphSource, tuple[int, ...]]]]:
    def made(build: Callable[[], torch.nn.Module], size: tuple[int, ...]) -> tuple[GraphSource, tuple[int, ...]]:
        torch.manual_seed(0)
        module = build().eval()
        return GraphSource(module, module, {id(m): name for name, m in module.named_modules()}), size

    return {f"torch {n}": partial(made, build, size) for n, (build, size) in networks.TORCH.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    only = parser.parse_args().only.casefold()
    every = {**keras_networks(), **torch_networks()}
    results = [row(name, *make()) for name, make in every.items() if only in name.casefold()]
    fine = sum(ok for ok, _ in results)
    print(
        f"{fine} of {len(results)} networks recorded, replayed at batch {BATCH} and walked back as the network itself"
    )
    print(
        f"{sum(s <= LIMIT for _, s in results)} of {len(results)} recorded within {LIMIT} s; the slowest took {max(s for _, s in results):.2f} s"
    )
    raise SystemExit(fine != len(results))


if __name__ == "__main__":
    main()
