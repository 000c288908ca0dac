"""ONNX: networks of torch, torchvision, timm and Keras, exported, opened again, and held against themselves.

For each network and way of exporting: nodes, seconds to open, what the output is off by against onnxruntime and against
the original, and what saliency, integrated gradients and Grad-CAM (at the last layer that
both have) are off by against the original's: outputs relative to the largest number, maps in length relative to length (of
torch's networks in double precision, where they run in it).

    python benchmarks/onnx_files.py [--only NAME] [--exporters legacy,one,dynamo]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
import torch.nn as nn

import networks
import seethrough as st
from seethrough.attribution.layers import spatial_layers
from seethrough.errors import SeethroughError
from seethrough.graph.execute import execute
from seethrough.models.torchvision_import import make_torchvision_importable

OUTPUT, ATTRIBUTION = 1e-4, 1e-3
"""How far outputs may be from onnxruntime's, and attributions from the original's."""

EXPORTERS = ("legacy", "one", "dynamo")
"""PyTorch's older exporter for any batch size, the same for one image, and its newer one."""

TORCHVISION = (
    "resnet18 mobilenet_v2 mobilenet_v3_small densenet121 efficientnet_b0 convnext_tiny squeezenet1_1 shufflenet_v2_x0_5 "
    "mnasnet0_5 regnet_y_400mf googlenet vit_b_16 swin_t"
).split()
TIMM = "vit_tiny_patch16_224 mobilevit_xxs xcit_nano_12_p16_224 pvt_v2_b0 mixer_s32_224 repvgg_a0".split()
KERAS = "MobileNetV2 EfficientNetB0 DenseNet121".split()
OWN = ("DenseNet", "ShuffleNet", "U-Net", "vision transformer", "window attention", "MLP-Mixer")


@dataclass(frozen=True)
class Original:
    """A network to be exported: the module that an exporter calls, what Seethrough opens, the shape of one input."""

    module: nn.Module
    source: Any
    size: tuple[int, ...]


class Asked(nn.Module):
    """A Keras model as an exporter calls it: in inference."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.model(images, training=False)


def of_torch(build: Callable[[], nn.Module], size: tuple[int, ...]) -> Original:
    torch.manual_seed(0)
    module = build().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return Original(module, module, size)


def of_torchvision(name: str) -> Original:
    make_torchvision_importable()
    import torchvision

    more = {"init_weights": False} if name == "googlenet" else {}
    return of_torch(partial(getattr(torchvision.models, name), weights=None, **more), (3, 224, 224))


def of_timm(name: str) -> Original:
    make_torchvision_importable()
    import timm

    original = of_torch(partial(timm.create_model, name, pretrained=False), (3, 224, 224))
    settings: Any = original.module.pretrained_cfg
    return Original(original.module, original.source, settings["input_size"])


def of_keras(name: str) -> Original:
    import keras

    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3), classifier_activation=None)
    return Original(Asked(model).eval(), model, (224, 224, 3))


def every() -> dict[str, Callable[[], Original]]:
    own = {f"torch {n}": partial(of_torch, *networks.TORCH[n]) for n in OWN}
    torchvision = {f"torchvision {n}": partial(of_torchvision, n) for n in TORCHVISION}
    timm = {f"timm {n}": partial(of_timm, n) for n in TIMM}
    return {**own, **torchvision, **timm, **{f"keras {n}": partial(of_keras, n) for n in KERAS}}


def export(original: Original, exporter: str, file: Path) -> None:
    """Write a network as ONNX."""
    images = torch.rand(1 if exporter == "one" else 2, *original.size)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            shapes = ({0: torch.export.Dim("batch")},)
            program = torch.onnx.export(original.module, (images,), dynamo=True, dynamic_shapes=shapes, verbose=False)
            assert program is not None
            program.save(str(file), external_data=False)
            return
        axes = {"input": {0: "batch"}} if exporter == "legacy" else None
        torch.onnx.export(
            original.module,
            (images,),
            str(file),
            dynamo=False,
            input_names=["input"],
            dynamic_axes=axes,
            opset_version=17,
        )


def off(found: Any, expected: Any) -> float:
    """Largest difference, relative to the largest number."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Length of the difference, relative to the length: a rectifier that stands within rounding of its kink may be on in
    one network and off in the other, and moves a few pixels by more than rounding.
    """
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-30))


def runs_in_double(ours: nn.Module, theirs: nn.Module, images: np.ndarray) -> bool:
    """Turn two networks to double precision, or leave them as they were where one of them casts on its way."""
    try:
        for module in (ours, theirs):
            module.double()(torch.from_numpy(images).double())
    except RuntimeError:
        ours.float(), theirs.float()
        return False
    return True


def row(name: str, original: Original, exporter: str, file: Path) -> str:
    """Print one network's line; gives ``"exact"``, ``"wrong"``, ``"refused"``, or ``"not exported"``."""
    label = f"{name:30} {exporter:7}"
    try:
        export(original, exporter, file)
    except Exception as error:  # whatever an exporter says of what it can't write
        print(f"{label} not exported ({type(error).__name__})", flush=True)
        return "not exported"
    start = time.perf_counter()
    try:
        net = st.open(file)
    except SeethroughError as error:
        print(f"{label} REFUSED: {error}", flush=True)
        return "refused"
    seconds = time.perf_counter() - start
    images = torch.rand(1, *original.size, generator=torch.Generator().manual_seed(1)).numpy()
    theirs_net = st.open(original.source, input_size=original.size if original.module is original.source else None)
    runtime = net.opened.provenance["onnxruntime_difference"]
    output = off(*(n.predict(images).values for n in (net, theirs_net)))
    if original.module is original.source and runs_in_double(net.module, original.module, images):
        images = images.astype(np.float64)
    methods = ["saliency", "integrated_gradients"]
    ours, theirs = (st.explain(n, images, methods, target=3, steps=8) for n in (net, theirs_net))
    maps = {m: apart(ours[m].map, theirs[m].map) for m in methods}
    layers = same_layer(net, theirs_net, images)
    if layers is not None:
        pair = (st.gradcam(n, images, 3, layer=layer) for n, layer in zip((net, theirs_net), layers))
        maps["gradcam"] = apart(*(each.map for each in pair))
    fine = runtime <= OUTPUT and output <= OUTPUT and max(maps.values()) <= ATTRIBUTION
    original.module.float()
    shown = "   ".join(f"{m} {difference:.0e}" for m, difference in maps.items())
    print(
        f"{label} {len(net.layers):5} nodes {seconds:6.2f} s   onnxruntime {runtime:.0e}   output {output:.0e}   {shown}"
        f"{'' if fine else '   WRONG'}",
        flush=True,
    )
    return "exact" if fine else "wrong"


def same_layer(net: st.Network, original: st.Network, images: np.ndarray) -> tuple[str, str] | None:
    """The last layer of the original with height and width that has a counterpart of the same value, by both names."""
    batches = [n.prepare(images).batch for n in (net, original)]
    values = [spatial_values(n, batch) for n, batch in zip((net, original), batches)]
    for theirs, wanted in reversed(values[1].items()):
        for ours, found in reversed(values[0].items()):
            if found.shape == wanted.shape and off(found, wanted) <= OUTPUT:
                return ours, theirs
    return None


def spatial_values(net: st.Network, batch: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each layer with height and width gives, (N, C, H, W)."""
    graph = net.graph()
    places = {path: place for path in spatial_layers(graph) if (place := graph.place(path)) is not None}
    places = {path: place for path, place in places.items() if place.value != graph.output.value}
    found = execute(graph, {graph.input.value: batch}, [place.value for place in places.values()])
    values = {path: place.of(found[place.value]) for path, place in places.items()}
    return {path: value for path, value in values.items() if value.dim() == 4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--exporters", default="legacy", help=f"of {', '.join(EXPORTERS)}, with commas between")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    results: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in every().items():
            if given.only.casefold() not in name.casefold():
                continue
            original = make()
            for exporter in given.exporters.split(","):
                results.setdefault(row(name, original, exporter, Path(folder) / "net.onnx"), set()).add(
                    f"{name} {exporter}"
                )
    exported = sum(len(names) for kind, names in results.items() if kind != "not exported")
    print(
        f"{len(results.get('exact', ()))} of {exported} exported networks opened, outputs within {OUTPUT:.0e}, attributions "
        f"within {ATTRIBUTION:.0e}"
    )
    raise SystemExit(bool(results.get("wrong") or results.get("refused")))


if __name__ == "__main__":
    main()
