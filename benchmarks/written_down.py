"""How much of the world the graph can write down.

For each network: seconds to record it (both batch sizes, and of those how many the processor spent), operations in
canonical form, and what its output and its gradient are off by against the network itself at another batch size than it
was recorded at (0 is bit-equal). Where that is more than rounding, both are held against the network in double precision:
"as near" is the graph that is no further from it than the network itself. A network that can't be written down for any
batch size says why not.

    python benchmarks/written_down.py [--family own|keras|torchvision|timm|hf] [--only PATTERN] [--log FILE]

Each network runs in a process of its own, forked after the libraries were imported, so that one that needs too much time
or memory ends alone. Everything runs on one thread.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import re
import statistics
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch

import architectures
from architectures import Architecture
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.graph.in_order import GradientsInOrder
from seethrough.graph.outputs import output_tensors
from seethrough.graph.source import GraphSource
from seethrough.graph.untouched import same_chance
from seethrough.graph.walk import Forward

BATCH = 4
OUTPUT, GRADIENT = 1e-6, 5e-6
"""How far rounding may take them: a sum that runs in another order of memory is rounded otherwise, and a gradient goes through twice as many."""
LIMIT = 2.5
"""Seconds within which a network should be recorded."""
PATIENCE = 180
"""Seconds after which a network that is still at it is given up."""


@dataclass(frozen=True)
class Row:
    """What one network came to."""

    world: str
    name: str
    seconds: float = 0.0
    processor: float = 0.0
    operations: int = 0
    output: float = float("inf")
    gradient: float = float("inf")
    refused: str = ""
    as_near: bool = False

    @property
    def fine(self) -> bool:
        return not self.refused and ((self.output <= OUTPUT and self.gradient <= GRADIENT) or self.as_near)

    def __str__(self) -> str:
        name = f"{self.world} {self.name}"
        if self.refused:
            return f"{name:46} REFUSED  {self.refused}"
        mark = "   as near" if self.as_near else "" if self.fine else "   WRONG"
        return (
            f"{name:46} {self.seconds:5.2f} s (processor {self.processor:5.2f}) {self.operations:5} operations   "
            f"output {self.output:.0e}   gradient {self.gradient:.0e}{mark}"
        )


def tried(architecture: Architecture) -> Row:
    """Record one network, replay it and walk it back."""
    source, size = architecture.make()
    images = torch.rand(BATCH, *size, generator=torch.Generator().manual_seed(0))
    gc.collect()
    start, work = time.perf_counter(), time.process_time()
    graph = source.written(images[:1])
    seconds, processor = time.perf_counter() - start, time.process_time() - work
    answers, slopes = outputs(source, graph, images), gradients(source, graph, images[:1])
    row = Row(
        architecture.world, architecture.name, seconds, processor, len(graph), off(*answers), off(*slopes)
    )  # fmt: skip
    return row if row.fine else replace(row, as_near=as_near(source, graph, images, answers, slopes))


Pair = tuple[torch.Tensor, torch.Tensor]
"""The graph's numbers and the network's own."""


def as_near(source: GraphSource, graph: Graph, images: torch.Tensor, answers: Pair, slopes: Pair) -> bool:
    """Whether the graph is no further from the network in double precision than the network itself is."""
    source.module.double()
    with torch.no_grad():
        exact = called(source, graph, images.double())
    leaf = images[:1].double().requires_grad_()
    out = called(source, graph, leaf * 1)
    seed = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).double()
    (slope,) = torch.autograd.grad(out, leaf, seed)
    pairs = ((answers, exact, OUTPUT), (slopes, slope, GRADIENT))
    return all(off(ours.double(), true) <= max(bar, 2 * off(own.double(), true)) for (ours, own), true, bar in pairs)


def called(source: GraphSource, graph: Graph, images: torch.Tensor) -> torch.Tensor:
    """The network's own output, the one that the graph takes for the answer."""
    with same_chance(), GradientsInOrder():
        return output_tensors(source.call(source.native(images)))[graph.meant]


def outputs(source: GraphSource, graph: Graph, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The graph's output and the network's."""
    place = graph.outputs[graph.meant]
    with torch.no_grad(), same_chance():
        found = execute(graph, {graph.input.value: images}, [place.value])[place.value]
    with torch.no_grad():
        return place.of(found), called(source, graph, images)


def gradients(source: GraphSource, graph: Graph, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The graph's gradient and autograd's, of the sum of outputs weighed at random."""
    leaf = images.clone().requires_grad_()
    out = called(source, graph, leaf * 1)
    seed = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad(out, leaf, seed)
    place = graph.outputs[graph.meant]
    with same_chance():
        forward = Forward(graph, {graph.input.value: images}, [place.value])
    return forward.walk({place.value: place.back(seed)}, [graph.input.value])[graph.input.value], expected


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference, relative to the largest number; infinite where nothing can be compared."""
    largest = expected.abs().max().item()
    if not 0 < largest < float("inf"):
        return float("inf")
    return ((found - expected).abs().max() / largest).item()


def alone(architecture: Architecture) -> Row:
    """The same in a process of its own."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_child, args=(architecture, there))
    child.start()
    there.close()
    try:
        if here.poll(PATIENCE):
            return here.recv()
        return Row(architecture.world, architecture.name, refused=f"not done after {PATIENCE} s")
    except EOFError:
        return Row(architecture.world, architecture.name, refused="its process ended")
    finally:
        child.kill()
        child.join()


def _child(architecture: Architecture, answer: Connection) -> None:
    try:
        answer.send(tried(architecture))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        answer.send(
            Row(architecture.world, architecture.name, refused=f"{type(error).__name__}: {error}".partition("\n")[0])
        )


def summary(rows: list[Row]) -> str:
    """One line for some networks."""
    fine = [r for r in rows if r.fine]
    exact = sum(r.output == r.gradient == 0 for r in fine)
    taken = sorted(r.seconds for r in rows if not r.refused) or [0.0]
    return (
        f"{len(rows)} tried, {len([r for r in rows if not r.refused])} recorded, {len(fine)} replayed and walked back as "
        f"the network itself ({exact} to the bit); {statistics.median(taken):.2f} s in the median, {taken[-1]:.2f} s at "
        f"most, {sum(s <= LIMIT for s in taken)} within {LIMIT} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="", help="of this world alone")
    parser.add_argument("--only", default="", help="names that this regular expression finds")
    parser.add_argument("--log", type=Path, help="append each row to this file as a line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    every = [a for a in architectures.of(options.family) if re.search(options.only, a.name, re.IGNORECASE)]
    _warm_up()
    rows = []
    for architecture in every:
        rows.append(alone(architecture))
        print(rows[-1], flush=True)
        if options.log:
            with options.log.open("a") as file:
                file.write(json.dumps(asdict(rows[-1])) + "\n")
    for world in dict.fromkeys(r.world for r in rows):
        print(f"{world:12} {summary([r for r in rows if r.world == world])}")
    print(f"{'together':12} {summary(rows)}")
    raise SystemExit(not all(r.fine for r in rows))


def _warm_up() -> None:
    """What torch imports when it first makes a fake tensor is charged to no network."""
    module = torch.nn.Conv2d(3, 4, 3)
    GraphSource(module, module, {}).written(torch.zeros(1, 3, 8, 8))


if __name__ == "__main__":
    main()
