"""What a walk back costs beside what it must cost, side by side in one run.

Ratios of medians over alternating rounds, so that a machine that slows down slows both sides: the gradient against plain
autograd; Grad-CAM against one forward; peak memory of the gradient against plain autograd's (each in a process of its own).
(``table.py`` has ours beside peers, ``limit.py`` beside the machine.)

    python benchmarks/speed.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

import networks
from seethrough.__main__ import keep_freed_memory
from seethrough.attribution.cam import gradcam
from seethrough.attribution.layers import last_spatial
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource

BATCH = 4
TORCH = {"VGG-16": networks.vgg, "ResNet-50": networks.resnet}


def ratio(name: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int, *, wanted: str) -> None:
    """Time two ways in turn, and print the ratio of their medians."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 1):
        for kept, way in zip(times, (ours, theirs)):
            start = time.perf_counter()
            way()
            if round_:  # the first is a warm-up
                kept.append(time.perf_counter() - start)
    a, b = (statistics.median(kept) for kept in times)
    print(
        f"{name:52} ours {a:7.3f} s   theirs {b:7.3f} s   ours / theirs {a / b:5.2f}   theirs / ours {b / a:5.2f}   wanted {wanted}",
        flush=True,
    )


def first(out: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The target: output 0."""
    return out[:, 0]


def source_of(module: torch.nn.Module) -> GraphSource:
    return GraphSource(module, module, {id(m): n for n, m in module.named_modules()})


def autograd(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The plain gradient of output 0, parameters frozen as a careful person would."""
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(module(leaf)[:, 0].sum(), leaf)[0]


def frozen(build: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    torch.manual_seed(0)
    return build().eval().requires_grad_(False)


def gradients(rounds: int) -> None:
    images = torch.rand(1, 3, 224, 224)
    for name, build in TORCH.items():
        module = frozen(build)
        source = source_of(module)
        Run(source, images, first).gradient()
        ours = partial(lambda s: Run(s, images, first).gradient(), source)
        ratio(
            f"gradient, batch 1: {name} against autograd",
            ours,
            partial(autograd, module, images),
            rounds,
            wanted="ours / theirs ≤ 1.25",
        )


def cams(rounds: int) -> None:
    images = torch.rand(1, 3, 224, 224)
    for name, build in TORCH.items():
        module = frozen(build)
        source = source_of(module)
        layer = last_spatial(source.proved(images, gradient=True))

        def ours(source=source, layer=layer) -> None:
            gradcam(Run(source, images, first, asks=[(PLAIN, layer)]), layer)

        def forward(module=module) -> None:
            with torch.no_grad():
                module(images)

        ratio(f"Grad-CAM, batch 1: {name} against one forward", ours, forward, rounds, wanted="ours / theirs ≤ 1.20")


def memory() -> None:
    for name in TORCH:
        peaks = [
            int(
                subprocess.run(
                    [sys.executable, __file__, "--peak", f"{way}:{name}"], capture_output=True, text=True, check=True
                ).stdout
            )
            for way in ("ours", "autograd")
        ]
        ours, theirs = peaks
        print(
            f"peak memory of the gradient, batch {BATCH}: {name:12} ours {ours:5} MB   autograd {theirs:5} MB   ratio {ours / theirs:4.2f}   wanted ≤ 1.30"
        )


def peak(which: str) -> None:
    """In a process of its own: what the gradient adds to the peak, in MB, over the process as it stands with the
    network ready.
    """
    way, name = which.split(":")
    module = frozen(TORCH[name])
    images = torch.rand(BATCH, 3, 224, 224)
    source = source_of(module)
    graph = source.written(images)
    small = torch.rand(1, 3, 224, 224)
    autograd(module, small)  # libraries' own buffers
    before = resident()
    if way == "ours":
        from seethrough.graph.walk import Forward

        forward = Forward(graph, {graph.input.value: images}, [graph.output.value])
        seed = torch.zeros_like(forward.values[graph.output.value])
        seed[:, 0] = 1
        forward.walk({graph.output.value: seed}, [graph.input.value])
    else:
        autograd(module, images)
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before))


def resident() -> float:
    """MB the process holds now."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--give-back", action="store_true", help="leave the allocator as the system has it")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        return peak(options.peak)
    if not options.give_back:
        keep_freed_memory()
    kept = "gives freed blocks back" if options.give_back else "keeps freed blocks"
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; the allocator {kept}, for both sides")
    gradients(options.rounds)
    cams(options.rounds)
    memory()
    return None


if __name__ == "__main__":
    main()
