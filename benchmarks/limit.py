"""How near the machine's own rate of convolutions: which part of it a plain forward and gradient reach, and each of our works.

The machine's rate is the best of several shapes in plain torch, channels last or not, and on packed weights (oneDNN's, as
`seethrough.graph.fast.packed` has them). A work's rate is the multiplications that it takes over the seconds that it took:
a walk back to the picture takes as many as a forward, one to a layer those behind it; of what is computed only where something changes,
those that were really run.

    python benchmarks/limit.py [--network vgg16] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch
from torch import Tensor

import seethrough as st
from rows.nets import MIDDLE, NAMES, TARGET, network, pictures
from rows.row import timed
from rows.walked import LAST
from seethrough.cli.process import keep_freed_memory
from seethrough.graph.cost import count_macs
from seethrough.graph.execute import plan
from seethrough.graph.fast import packed
from seethrough.graph.graph import Graph

SHAPES = ((64, 224), (128, 112), (256, 56), (512, 28), (512, 14))
"""Channels and side, as VGG has them."""

WINDOW, STRIDE, MASKS, STEPS, SIDE = 16, 8, 64, 32, 128
WANTED = {"plain forward": 0.7, "plain gradient": 0.7}


def convolutions() -> dict[str, tuple[float, Callable[[], object]]]:
    """By name, multiplications and the call: each shape in each order of memory, one picture and four."""
    found: dict[str, tuple[float, Callable[[], object]]] = {}
    for (channels, side), batch, last in product(SHAPES, (1, 4), (False, True)):
        order = torch.channels_last if last else torch.contiguous_format
        x = torch.rand(batch, channels, side, side).contiguous(memory_format=order)
        w = torch.rand(channels, channels, 3, 3)
        macs = batch * channels * channels * 9 * side * side
        words = f"{channels} channels, {side}², batch {batch}, {'channels last' if last else 'channels first'}"
        plain = w.contiguous(memory_format=order)
        found[f"torch, {words}"] = macs, partial(torch.conv2d, x, plain, padding=1)
        if last and packed.packs(w):
            laid = packed.pack(w, (1, 1), (1, 1), 1, x.shape)
            found[f"packed, {words}"] = macs, partial(packed.convolve, x, laid, None, (1, 1), (1, 1), (1, 1), 1)
    return found


def rates(rounds: int) -> dict[str, float]:
    """GMAC/s of each, the best round: what the machine can do where nothing is in its way."""
    found: dict[str, float] = {}
    for name, (macs, call) in convolutions().items():
        call()
        with torch.no_grad():
            found[name] = macs / min(timed(call)[0] for _ in range(2 * rounds)) / 1e9
    return found


def macs_of(graph: Graph, start: int | None = None, end: int | None = None) -> int:
    """Multiplications from one value to another, one picture; the input and the output where none is named."""
    start = graph.input.value if start is None else start
    end = graph.output.value if end is None else end
    steps = set(map(id, plan(graph, [end], [start]).steps))
    counted = zip(graph, count_macs(graph))
    return sum(n or 0 for operation, n in counted if id(operation) in steps)


def works(name: str) -> dict[str, tuple[Callable[[], Any], Callable[[Any], float]]]:
    """By name: the call, and from what it gave to the multiplications that it took."""
    module = network(name)
    x = pictures(1)
    net, small = (
        st.open(module, input_size=(3, 224, 224)),
        st.open(module, input_size=(3, SIDE, SIDE), preprocessing="torch"),
    )
    graph, layer, middle = net.graph(), LAST[name], MIDDLE[name]
    whole = macs_of(graph)
    behind = macs_of(graph, start=_value(graph, layer))
    to_middle = macs_of(small.graph(), end=_value(small.graph(), middle))

    def forward() -> Tensor:
        with torch.no_grad():
            return module(x)

    def gradient() -> Tensor:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(module(leaf)[:, TARGET].sum(), leaf)[0]

    last = x.contiguous(memory_format=torch.channels_last)

    def forward_last() -> Tensor:
        with torch.no_grad():
            return module(last)

    def passes(found: Any) -> float:
        return (found.passes.forward + found.passes.backward) * whole

    return {
        "plain forward": (forward, lambda _: whole),
        "plain forward, channels last": (forward_last, lambda _: whole),
        "plain gradient": (gradient, lambda _: 2 * whole),
        "forward (predict)": (partial(net.predict, x), lambda _: whole),
        "saliency": (partial(st.saliency, net, x, TARGET), passes),
        "Grad-CAM": (partial(st.gradcam, net, x, TARGET, layer=layer), lambda _: whole + behind),
        f"Integrated Gradients, {STEPS} steps": (
            partial(st.integrated_gradients, net, x, TARGET, baseline=0.0, steps=STEPS), passes,
        ),
        "LRP, as forward, walk back and one more": (partial(st.lrp_epsilon_plus_flat, net, x, TARGET), lambda _: 3 * whole),
        f"RISE, {MASKS} masks": (partial(st.rise, net, x, TARGET, samples=MASKS), passes),
        f"maximization, {STEPS} steps, {SIDE} px": (
            partial(st.maximize, small, middle, channel=[7], size=SIDE, steps=STEPS, snapshots=0),
            lambda _: 2 * STEPS * to_middle,
        ),
        f"occlusion {WINDOW}/{STRIDE}": (
            partial(st.occlusion, net, x, TARGET, window=WINDOW, stride=STRIDE, fill=0.0), partial(run_of, whole=whole),
        ),
    }  # fmt: skip


def _value(graph: Graph, layer: str) -> int:
    place = graph.place(layer)
    assert place is not None
    return place.value


def run_of(found: Any, whole: int) -> float:
    """Multiplications that an occlusion really ran: the plan's, and the pictures that were sent through as a whole."""
    for note in found.checks:
        if "multiplications" in note.numbers and "checked" in note.numbers:
            return note.numbers["multiplications"] + (1 + note.numbers["checked"]) * whole
    return found.passes.forward * whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=tuple(LAST), action="append", help="may be said again; all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--works", help="those whose name has this; all")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    keep_freed_memory()
    machine = rates(given.rounds)
    plain = max((rate, name) for name, rate in machine.items() if name.startswith("torch"))
    best = max((rate, name) for name, rate in machine.items())
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"best plain convolution   {plain[0]:6.1f} GMAC/s   {plain[1]}")
    print(f"best convolution         {best[0]:6.1f} GMAC/s   {best[1]}", flush=True)
    found: dict[str, Any] = {"machine": machine}
    for name in given.network or LAST:
        for work, (call, macs_run) in works(name).items():
            if given.works and given.works not in work:
                continue
            result = call()  # records, proves and plans
            seconds = statistics.median(timed(call)[0] for _ in range(given.rounds))
            rate = macs_run(result) / seconds / 1e9
            part = rate / plain[0]
            wanted = f"   wanted ≥ {WANTED[work]:.0%}" if work in WANTED and name == "vgg16" else ""
            print(
                f"{NAMES[name]:10} {work:42} {macs_run(result) / 1e9:9.1f} GMAC {seconds:8.3f} s {rate:6.1f} GMAC/s   "
                f"{part:4.0%} of the best plain convolution, {rate / best[0]:4.0%} of the best{wanted}",
                flush=True,
            )
            found[f"{name}: {work}"] = {"macs": macs_run(result), "seconds": seconds, "rate": rate, "part": part}
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
