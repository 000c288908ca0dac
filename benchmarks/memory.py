"""Memory of training, against what torch's own tracker sees in a step without data, and against torchinfo's estimate.

python benchmarks/memory.py            every network
python benchmarks/memory.py ResNet     those whose name has this in it

For each network and optimizer: our peak, the peak that `torch.distributed._tools.mem_tracker.MemTracker` sees in the
second step of a plain training loop on fake tensors (Keras: on real ones, small), their ratio, and our seconds of
processor time. Then mixed precision and checkpoints against the tracker, torchinfo's estimate of a forward and backward
pass beside ours and the tracker's without an optimizer, and the largest batch against the tracker's, found by bisection.
There is no GPU in these figures: how near the tracker is to a GPU's real peak is for a machine that has one.
"""

from __future__ import annotations

import copy
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeCopyMode, FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker

import networks
import seethrough as st
from seethrough.graph.outputs import tensors_of

warnings.filterwarnings("ignore")

BATCH, ROOM = 16, 8 * 10**9
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, lr=0.1),
    "adam": torch.optim.Adam,
}
TIMM = ("convnext_tiny", "vit_small_patch16_224", "swin_tiny_patch4_window7_224", "efficientnet_b0", "densenet121")
KERAS = ("MobileNetV2", "ResNet50")

Build = Callable[[], tuple[Any, tuple[int, ...]]]
Step = Callable[[nn.Module, torch.Tensor], list[torch.Tensor]]


class Again(nn.Module):
    """One convolution called a hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(16, 16, 3, padding=1), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(100):
            x = torch.sigmoid(self.conv(x))
        return self.head(x.mean((2, 3)))


class Frozen(nn.Module):
    """ResNet-50 of which only the head is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.body = networks.resnet()
        for name, p in self.body.named_parameters():
            p.requires_grad_(name.startswith("10."))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


def every() -> Iterator[tuple[str, Build]]:
    """Networks by name."""
    yield "called 100 times", lambda: (Again(), (16, 32, 32))
    yield "ResNet-50, frozen", lambda: (Frozen(), (3, 224, 224))
    for name, (build, size) in networks.TORCH.items():
        yield name, lambda build=build, size=size: (build(), size)
    for name in TIMM:
        yield f"timm {name}", lambda name=name: (_timm(name), (3, 224, 224))
    for name in KERAS:
        yield f"keras {name}", lambda name=name: (_keras(name), (64, 64, 3))


def _timm(name: str) -> nn.Module:
    from seethrough.models.torchvision_import import import_torchvision

    import_torchvision()  # timm imports it
    import timm

    return timm.create_model(name)


def _keras(name: str) -> Any:
    import keras

    return getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3))


def forward(module: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    return tensors_of(module(images, training=True) if _is_keras(module) else module(images))


def _is_keras(module: nn.Module) -> bool:
    return type(module).__module__.startswith("keras")


def tracked(
    module: nn.Module,
    size: tuple[int, ...],
    batch: int,
    optimizer: Callable[..., torch.optim.Optimizer] | None,
    autocast: torch.dtype | None = None,
    step: Step = forward,
) -> int:
    """The peak of the second of two steps of a plain training loop, as torch's own tracker sees it."""
    fake = nullcontext() if _is_keras(module) else FakeTensorMode(allow_non_fake_inputs=True)
    if isinstance(fake, FakeTensorMode):
        with FakeCopyMode(fake):
            module = copy.deepcopy(module)
    module.train()
    trained = [p for p in module.parameters() if p.requires_grad]
    _frozen_as_buffers(module)
    with fake:
        images = torch.empty(batch, *size)
        stepper = optimizer(trained) if optimizer else None
        tracker = MemTracker()
        tracker.track_external(module, images)
        with tracker:
            for again in (True, False):
                with torch.autocast("cpu", autocast) if autocast else nullcontext():
                    outputs = step(module, images)
                torch.autograd.backward(outputs, [torch.empty_like(o) for o in outputs])
                if stepper is not None:
                    stepper.step()
                module.zero_grad()
                del outputs
                if again:
                    tracker.reset_mod_stats()
        (peak,) = tracker.get_tracker_snapshot("peak").values()
        return peak["Total"]


def _frozen_as_buffers(module: nn.Module) -> None:
    """The tracker hooks every parameter, which torch refuses where one has no gradient.

    Keras' running statistics are such parameters, and can't be buffers; they are let have a gradient that never comes.
    """
    if _is_keras(module):
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        return
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            if not parameter.requires_grad:
                delattr(part, name)
                part.register_buffer(name, parameter.detach())


def torchinfo_estimate(module: nn.Module, size: tuple[int, ...], batch: int) -> int | None:
    """What torchinfo calls forward/backward pass, parameters and input, in bytes; it runs the network."""
    import torchinfo

    try:
        told = torchinfo.summary(copy.deepcopy(module), (batch, *size), verbose=0, mode="train")
    except Exception:
        return None
    return told.total_input + told.total_output_bytes + told.total_param_bytes


def largest_tracked(module: nn.Module, size: tuple[int, ...], room: int) -> int:
    """The largest batch that fits by the tracker, found by bisection."""
    low, high = 2, 4
    fits = lambda b: tracked(module, size, b, OPTIMIZERS["adam"]) <= room  # noqa: E731
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def megabytes(size: float | None) -> str:
    return "—" if size is None else f"{size / 1e6:,.1f}"


def main(wanted: str = "") -> None:
    chosen = [(name, build) for name, build in every() if wanted.lower() in name.lower()]
    ratios = []
    print(
        f"peak of training, batches of {BATCH}, MB\n"
        f"{'network':36} {'optimizer':10} {'ours':>10} {'tracker':>10} {'ratio':>7} {'s':>6}"
    )
    for name, build in chosen:
        module, size = build()
        net = st.open(module, input_size=size)
        for optimizer, make in OPTIMIZERS.items():
            start = time.process_time()
            ours = net.training_memory(BATCH, optimizer=optimizer).peak
            seconds = time.process_time() - start
            theirs = tracked(module, size, BATCH, make)
            ratios.append(ours / theirs)
            print(
                f"{name:36} {optimizer:10} {megabytes(ours):>10} {megabytes(theirs):>10} {ours / theirs:7.3f} "
                f"{seconds:6.2f}",
                flush=True,
            )
    print(f"{len(ratios)} figures, ratio {min(ratios):.3f} … {max(ratios):.3f}   wanted 0.9 … 1.1\n")
    precisions(chosen)
    checkpoints(chosen)
    estimates(chosen)
    batches(chosen)


def precisions(chosen: list[tuple[str, Build]]) -> None:
    print(f"{'network':36} {'precision':10} {'ours':>10} {'tracker':>10} {'ratio':>7}")
    for name, build in chosen:
        if name not in ("ResNet-50", "timm vit_small_patch16_224"):
            continue
        module, size = build()
        net = st.open(module, input_size=size)
        for precision, autocast in (("bf16-mixed", torch.bfloat16), ("fp16-mixed", torch.float16)):
            ours = net.training_memory(BATCH, precision=precision).peak
            theirs = tracked(module, size, BATCH, OPTIMIZERS["adam"], autocast)
            print(
                f"{name:36} {precision:10} {megabytes(ours):>10} {megabytes(theirs):>10} {ours / theirs:7.3f}",
                flush=True,
            )
        torch.set_default_dtype(torch.bfloat16)
        try:
            theirs = tracked(copy.deepcopy(module).to(torch.bfloat16), size, BATCH, OPTIMIZERS["adam"])
        finally:
            torch.set_default_dtype(torch.float32)
        ours = net.training_memory(BATCH, precision="bf16").peak
        print(f"{name:36} {'bf16':10} {megabytes(ours):>10} {megabytes(theirs):>10} {ours / theirs:7.3f}", flush=True)


def checkpoints(chosen: list[tuple[str, Build]]) -> None:
    """Each block of a timm transformer, against timm's own checkpointing."""
    for name, build in chosen:
        if name != "timm vit_small_patch16_224":
            continue
        module, size = build()
        ours = st.open(module, input_size=size).training_memory(BATCH, checkpointing="layers").peak
        module.set_grad_checkpointing()
        theirs = tracked(module, size, BATCH, OPTIMIZERS["adam"])
        print(
            f"{name:36} {'checkpoint':10} {megabytes(ours):>10} {megabytes(theirs):>10} {ours / theirs:7.3f}\n",
            flush=True,
        )


def estimates(chosen: list[tuple[str, Build]]) -> None:
    print(f"without an optimizer\n{'network':36} {'ours':>10} {'tracker':>10} {'torchinfo':>10} {'ratio':>7}")
    for name, build in chosen:
        module, size = build()
        if _is_keras(module):
            continue
        ours = st.open(module, input_size=size).training_memory(BATCH, optimizer="none").peak
        theirs, told = tracked(module, size, BATCH, None), torchinfo_estimate(module, size, BATCH)
        ratio = "—" if told is None else f"{told / theirs:7.3f}"
        print(f"{name:36} {megabytes(ours):>10} {megabytes(theirs):>10} {megabytes(told):>10} {ratio:>7}", flush=True)


def batches(chosen: list[tuple[str, Build]]) -> None:
    print(f"\nlargest batch in {ROOM / 1e9:g} GB, Adam\n{'network':36} {'ours':>10} {'tracker':>10} {'s':>7}")
    for name, build in chosen:
        if name not in ("called 100 times", "ResNet-50", "timm vit_small_patch16_224", "U-Net"):
            continue
        module, size = build()
        start = time.process_time()
        ours = int(st.open(module, input_size=size).largest_batch(ROOM))
        seconds = time.process_time() - start
        print(f"{name:36} {ours:>10,} {largest_tracked(module, size, ROOM):>10,} {seconds:7.2f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
