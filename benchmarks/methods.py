"""Twelve methods on one image in one question, beside the libraries that a person would need for them.

ResNet-50 with random weights, in one run: ours asks all of them at once; the peers (captum, zennit, pytorch-grad-cam) are asked one by
one, each at its best setting (parameters frozen, internal batches, one reused object), and their medians added up. Ratios of
medians over alternating rounds. Then what trust takes at its default setting, and what is kept from call to call, as resident
memory over a hundred calls.

    python benchmarks/methods.py [--rounds 5] [--calls 100] [--network resnet50]
"""

from __future__ import annotations

import argparse
import copy
import gc
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch

import networks
import seethrough as st
from seethrough.__main__ import keep_freed_memory
from seethrough.attribution.layers import last_spatial
from seethrough.models.torchvision_import import make_torchvision_importable
from speed import frozen, source_of

ONE_PASS = (
    "saliency", "input_x_gradient", "guided_backprop", "deconvnet", "gradcam", "gradcam_pp", "layercam", "hirescam",
    "lrp_epsilon_plus_flat", "fullgrad",
)  # fmt: skip
MANY_PASSES = ("integrated_gradients", "smoothgrad")
SETTINGS = {"steps": 32, "samples": 16}
TARGET = 7
Call = Callable[[], object]


def peers(module: torch.nn.Module, layer: str, image: torch.Tensor) -> dict[str, Call]:
    """Each method as a peer has it; each call gives its map of one image."""
    make_torchvision_importable()
    from captum.attr import (
        Deconvolution,
        GuidedBackprop,
        InputXGradient,
        IntegratedGradients,
        NoiseTunnel,
        Saliency,
    )
    from pytorch_grad_cam import FullGrad, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from zennit.attribution import Gradient
    from zennit.composites import EpsilonPlusFlat
    from zennit.torchvision import ResNetCanonizer

    def cam(kind: type) -> Call:
        own = copy.deepcopy(module)  # whose hooks stay on it
        made = kind(model=own, target_layers=[own.get_submodule(layer)])
        return lambda: made(input_tensor=image.clone().requires_grad_(), targets=[ClassifierOutputTarget(TARGET)])

    def captum(method: object, **options: object) -> Call:
        return lambda: method.attribute(image.clone().requires_grad_(), target=TARGET, **options)  # type: ignore[attr-defined]

    def zennit() -> object:
        wanted = torch.eye(1000)[[TARGET]]
        with Gradient(module, EpsilonPlusFlat(canonizers=[ResNetCanonizer()])) as attributor:
            return attributor(image, wanted)

    return {
        "saliency": captum(Saliency(module)),
        "input_x_gradient": captum(InputXGradient(module)),
        "guided_backprop": captum(GuidedBackprop(module)),
        "deconvnet": captum(Deconvolution(module)),
        "gradcam": cam(GradCAM),
        "gradcam_pp": cam(GradCAMPlusPlus),
        "layercam": cam(LayerCAM),
        "hirescam": cam(HiResCAM),
        "lrp_epsilon_plus_flat": zennit,
        "fullgrad": cam(FullGrad),
        "integrated_gradients": captum(IntegratedGradients(module), n_steps=32, internal_batch_size=8),
        "smoothgrad": captum(
            NoiseTunnel(Saliency(module)), nt_type="smoothgrad", nt_samples=16, nt_samples_batch_size=8, stdevs=0.15
        ),
    }


def timed(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def network(name: str) -> torch.nn.Module:
    """torchvision's, as the peers know it; its rectifiers not in place, which their hooks can't do with."""
    make_torchvision_importable()
    import torchvision

    module = frozen(getattr(torchvision.models, name))
    for part in module.modules():
        if isinstance(part, torch.nn.ReLU):
            part.inplace = False
    return module


def twelve(name: str, rounds: int) -> None:
    """Ours at once beside the peers' sum, for ten methods and for all twelve."""
    module = network(name)
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    net = st.open(module, input_size=(3, 224, 224))
    layer = last_spatial(source_of(module).proved(image, gradient=True)) or ""
    calls = peers(copy.deepcopy(module), layer, image)
    ours: dict[str, list[float]] = {"ten": [], "twelve": []}
    theirs: dict[str, list[float]] = {method: [] for method in calls}
    for round_ in range(rounds + 1):
        taken = {
            "ten": timed(lambda: st.explain(net, image, ONE_PASS, TARGET)),
            "twelve": timed(lambda: st.explain(net, image, [*ONE_PASS, *MANY_PASSES], TARGET, **SETTINGS)),
        }
        others = {method: timed(call) for method, call in calls.items()}
        if round_:  # the first is a warm-up
            for kept, new in ((ours, taken), (theirs, others)):
                for key, seconds in new.items():
                    kept[key].append(seconds)
    medians = {method: statistics.median(seconds) for method, seconds in theirs.items()}
    for method, seconds in medians.items():
        print(f"  {name} {method:24} peer {seconds:7.3f} s")
    found = st.explain(net, image, [*ONE_PASS, *MANY_PASSES], TARGET, **SETTINGS)
    ten, twelve_ = (statistics.median(ours[key]) for key in ("ten", "twelve"))
    sum_ten = sum(medians[m] for m in ONE_PASS)
    print(
        f"{name} ten methods in one question: ours {ten:.3f} s   peers' sum {sum_ten:.3f} s   ours / theirs {ten / sum_ten:.3f}   wanted ≤ 0.25"
    )
    sum_all = sum(medians.values())
    print(
        f"{name} twelve methods: ours {twelve_:.3f} s   peers' sum {sum_all:.3f} s   ours / theirs {twelve_ / sum_all:.3f}   wanted ≤ 0.8"
    )
    print(
        f"{name} twelve methods ran {found.passes.forward} images forward and walked {found.passes.backward} back",
        flush=True,
    )


def trust(name: str) -> None:
    """What trust takes for one image at the default setting: three methods, the network with weights drawn anew for the
    first time, curves in eight steps with null maps.
    """
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    net = st.open(network(name), input_size=(3, 224, 224))
    plain = st.explain(net, image, target=TARGET)  # proves the network
    bare = timed(lambda: st.explain(net, image, target=TARGET))
    start = time.perf_counter()
    found = st.explain(net, image, target=TARGET, trust=True)
    seconds = time.perf_counter() - start
    again = timed(lambda: st.explain(net, image, target=TARGET, trust=True))
    more = found.passes - plain.passes
    print(
        f"{name} trust of {', '.join(found)}: {seconds:.1f} s with the maps ({again:.1f} s asked again), {bare:.1f} s the "
        f"maps alone; {more.forward} images more forward, {more.backward} back   wanted ≤ 60 s",
        flush=True,
    )


def resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def flat(calls: int) -> None:
    """Resident memory while the same question is asked again and again, with trust."""
    net = st.open(
        frozen(lambda: networks.vgg(16, "M", 32, "M", 64, "M", 64, "M", 64, "M", classes=10)), input_size=(3, 224, 224)
    )
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    marks = []
    for call in range(calls + 1):
        st.explain(net, image, [*ONE_PASS, "smoothgrad"], 3, samples=8, trust=call % 10 == 0)
        if call % 10 == 0:
            gc.collect()
            marks.append(resident())
    late = marks[len(marks) // 2 :]
    print(
        f"memory over {calls} calls: {marks[0]:.0f} MB after the first, {late[0]:.0f} MB half-way, {late[-1]:.0f} MB at the "
        f"end; grown since half-way by {late[-1] - late[0]:.1f} MB   wanted ≈ 0"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument(
        "--network", default="resnet50", help="of torchvision.models; a ResNet, whose canonizer zennit has"
    )
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    keep_freed_memory()
    twelve(given.network, given.rounds)
    trust(given.network)
    flat(given.calls)


if __name__ == "__main__":
    main()
