"""Cases about a network, its settings, and single pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from bad_inputs.case import LEOPARDS, Case
from bad_inputs.networks import (
    Small,
    Touch,
    black_box,
    bomb,
    box,
    fixed,
    folder_of,
    header_beyond_file,
    keras,
    names,
    onnx,
    weights,
    zip_of,
)
from bad_inputs.pictures import photos, picture

BUILD = "--architecture small:net"
SIZE = "--input-size 8"

FILES = [
    Case("no such file", "summary nothing.keras"),
    Case("an empty file", "summary empty.pt", lambda: Path("empty.pt").touch()),
    Case("a folder without a network", "summary models", lambda: folder_of()),
    Case("two networks in one folder", "summary models", lambda: folder_of("a.pt", "b.pt")),
    Case(
        "a TensorFlow SavedModel", "summary models", lambda: (folder_of(), Path("models/saved_model.pb").write_bytes(b"\x08"))
    ),
    Case("a TensorFlow Lite file", "summary net.tflite", lambda: Path("net.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(32))),
    Case("TorchScript", "summary net.pt", lambda: torch.jit.script(nn.ReLU()).save("net.pt")),
    Case(
        "an exported program (`.pt2`)",
        "summary net.pt2",
        lambda: torch.export.save(torch.export.export(Small(), (torch.rand(1, 3, 8, 8),)), "net.pt2"),
    ),
    Case("a whole pickled module", "summary net.pt", lambda: torch.save(nn.Sequential(nn.ReLU()), "net.pt")),
    Case("a pickle that calls a function", "summary net.pt", lambda: torch.save({"a": Touch()}, "net.pt")),
    Case("weights without an architecture", "summary net.pt", weights),
    Case("weights of another architecture", f"summary net.pt --architecture small:wider {SIZE}", weights),
    Case("an architecture that isn't there", "summary net.pt --architecture small:other", weights),
    Case("a safetensors header longer than its file", f"summary net.safetensors {BUILD} {SIZE}", lambda: header_beyond_file("net.safetensors")),
    Case("a Keras Lambda layer", "summary net.keras", lambda: keras("net.keras", lambda_=True)),
    Case("a Keras file that unpacks to far more than it is", "summary net.keras", lambda: bomb("net.keras")),
    Case("an archive of something else", "summary net.keras", lambda: zip_of("net.keras", readme=b"hello")),
    Case("an archive with a member outside of it", "summary net.pt", lambda: zip_of("net.pt", **{"..__x": b"", "data.pkl": b""})),
    Case("ONNX with weights outside of its folder", "summary net.onnx", lambda: onnx("net.onnx", location="../secret")),
    Case("an ONNX operator that isn't known", "summary net.onnx", lambda: onnx("net.onnx", operator="Mystery")),
    Case("a broken ONNX file", "summary net.onnx", lambda: Path("net.onnx").write_bytes(b"\x08\x07\x12\xff\xff")),
]  # fmt: skip

NAMES = [
    Case("no such network", "summary keras:VGG61"),
    Case("no such network", "summary torchvision:resnet51"),
    Case("no such network", "summary timm:convnext_tinny"),
    Case("no such network", "summary hf:vitt"),
    Case("no such network of ours", "summary demo:tigers"),
    Case("a Keras architecture that can't be built on torch", "summary keras:NASNetMobile"),
    Case("no such layer", "layers keras:MobileNet conv_pad_99"),
    Case("no such output", f"predict net.pt cat.png {BUILD} {SIZE} --preprocessing unit --output logit", names),
    Case("no such task", f"summary {LEOPARDS} --task clasification"),
]

SETTINGS = [
    Case(
        "names for another number of outputs",
        f"predict net.pt cat.png {BUILD} {SIZE} --preprocessing unit --classes names.txt",
        names,
    ),
    Case("an input size that the network can't take", "summary keras:VGG16 --input-size 8"),
    Case(
        "an input size that the network can't take",
        "predict net.pt cat.png --architecture fixed:net --input-size 64 --preprocessing unit",
        fixed,
    ),
    Case(
        "an input size of another rank", f"predict net.pt cat.png {BUILD} --input-size 8x8 --preprocessing unit", names
    ),
    Case("no input size where one is needed", f"explain net.pt cat.png {BUILD} --preprocessing unit", names),
    Case("no preprocessing where one is needed", f"explain net.pt cat.png {BUILD} {SIZE}", names),
    Case("a device that isn't there", f"predict {LEOPARDS} cat.png --device cuda:7", picture),
    Case("no such method", f"explain {LEOPARDS} cat.png --methods gradcm", picture),
    Case("a setting that no method has", f"explain {LEOPARDS} cat.png --set stepz=3", picture),
    Case("a setting of another method", f"explain {LEOPARDS} cat.png --methods gradcam --set window=3", picture),
    Case("attention where there is none", f"explain {LEOPARDS} cat.png --methods attention_rollout", picture),
    Case("a layer without places", f"explain {LEOPARDS} cat.png --methods gradcam --layer head", picture),
    Case(
        "a layer for methods that take none", f"explain {LEOPARDS} cat.png --methods saliency --layer stage2", picture
    ),
    Case("relevance of a black box", "explain box.py:predict cat.png --input-size 8x8x3 --methods lrp", black_box),
    Case(
        "a gradient of a black box", "explain box.py:predict cat.png --input-size 8x8x3 --methods saliency", black_box
    ),
    Case("a window larger than the input", f"explain {LEOPARDS} cat.png --methods occlusion --window 999", picture),
    Case("a fill that isn't one", f"explain {LEOPARDS} cat.png --methods occlusion --fill pink", picture),
    Case("no channel of that number", f"explain {LEOPARDS} cat.png --methods saliency --target stage2[999]", picture),
    Case("an output taken from itself", f"explain {LEOPARDS} cat.png --target '0 - 0'", picture),
    Case("a time that isn't one", f"explain {LEOPARDS} cat.png --budget soon", picture),
    Case("nothing left to ask", f"explain {LEOPARDS} cat.png --methods all,-all", picture),
    Case("nothing to compare", f"compare {LEOPARDS} cat.png --target 0", picture),
    Case("no such metric", f"evaluate {LEOPARDS} photos --metrics insertoin", lambda: photos("a.png")),
    Case("a label that isn't one", f"explain {LEOPARDS} cat.png --target lepard", picture),
    Case("a memory size that isn't one", f"memory {LEOPARDS} --fits lots"),
    Case("no such optimizer", f"memory {LEOPARDS} --optimizer adamm"),
    Case("another kind of file", f"summary {LEOPARDS} -o tree.docx"),
    Case("a function that isn't there", "predict box.py:predict cat.png", lambda: box("x = 1\n")),
    Case(
        "a function that raises",
        "predict box.py:predict cat.png --input-size 8x8x3",
        lambda: box("def predict(images):\n    return images['a']\n"),
    ),
]

PICTURES = [
    Case("no such picture", f"predict {LEOPARDS} nothing.jpg"),
    Case("a picture that is cut off", f"predict {LEOPARDS} cat.png", lambda: picture(cut=900)),
    Case("a file that is no picture", f"predict {LEOPARDS} cat.png", lambda: Path("cat.png").write_text("miau")),
]

INSIDE = [
    Case("a layer that has no kernels", f"filters {LEOPARDS} pool"),
    Case("a pattern that fits no layer", f"activations {LEOPARDS} cat.png --layers conv9*", picture),
    Case("a channel that there isn't", f"maximize {LEOPARDS} stage1 --channels 99"),
    Case("nothing to maximize", f"maximize {LEOPARDS}"),
    Case("ranges that aren't any", f"maximize {LEOPARDS} stage1 --channels few"),
]

LACKING = {
    "timm": Case("timm isn't installed", "summary timm:resnet18"),
    "transformers": Case("transformers isn't installed", "summary hf:vit"),
    "keras": Case("Keras isn't installed", "summary keras:VGG16"),
    "onnx": Case("onnx isn't installed", "summary net.onnx", lambda: onnx("net.onnx")),
}
"""Each tried in a process where that library can't be found."""
