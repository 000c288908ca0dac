"""Networks' files: small ones, broken ones, and hostile ones."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bad_inputs.pictures import picture


class Small(nn.Module):
    """A classifier of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, stride=2), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))


class Touch:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("canary",)


BUILDERS = """
import torch.nn as nn


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def wider():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
"""


def weights(name: str = "net.pt") -> None:
    """A state dict, and a file with the function that builds its network."""
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    torch.save(nn.Sequential(*layers).state_dict(), name)
    Path("small.py").write_text(BUILDERS)


def fixed() -> None:
    """A network that takes 32 × 32 alone, its weights, and a picture."""
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 3)).state_dict(), "net.pt")
    Path("fixed.py").write_text(
        "import torch.nn as nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 3))\n"
    )
    picture()


def names() -> None:
    """Weights, a picture, and a list of four names."""
    weights()
    picture()
    Path("names.txt").write_text("a\nb\nc\nd\n")


def box(body: str) -> None:
    """A picture, and a file of Python."""
    picture()
    Path("box.py").write_text(body)


def black_box() -> None:
    """A function of the pictures that leaves the calculus."""
    box(
        "import numpy as np\n\ndef predict(images):\n    return np.stack([images.mean((1, 2, 3)), images.max((1, 2, 3))], 1)\n"
    )


def folder_of(*names: str) -> None:
    """A folder with files of weights."""
    Path("models").mkdir()
    for name in names:
        torch.save(Small().state_dict(), Path("models") / name)


def keras(file: str, *, lambda_: bool = False) -> None:
    """A small Keras file, or one with a Lambda layer."""
    import keras

    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    if lambda_:
        layers.insert(1, keras.layers.Lambda(lambda x: x * 2))
    keras.Sequential([keras.Input((16, 16, 3)), *layers]).save(file)


def onnx(file: str, *, operator: str = "Relu", location: str | None = None) -> None:
    """A small ONNX file: of an operator, or with weights elsewhere."""
    import onnx as format_
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "kernel")
    if location is not None:
        kernel = TensorProto(name="kernel", dims=[4, 3, 1, 1], data_type=TensorProto.FLOAT)
        kernel.data_location = TensorProto.EXTERNAL
        kernel.external_data.add(key="location", value=location)
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["y"], name="first"),
        helper.make_node(operator, ["y"], ["z"], name="second", domain="" if operator == "Relu" else "com.example"),
    ]
    shape = ["N", 3, 8, 8]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 4, 8, 8])],
        [kernel],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    Path(file).write_bytes(format_.helper.make_model(graph, opset_imports=imports).SerializeToString())


def zip_of(file: str, **members: bytes) -> None:
    """An archive."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)


def bomb(file: str) -> None:
    """A Keras file whose configuration unpacks to 200 MB."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", b" " * (200 * 2**20))
        archive.writestr("model.weights.h5", b"")


def header_beyond_file(file: str) -> None:
    """A safetensors file that declares a header of 2^40 bytes."""
    Path(file).write_bytes(struct.pack("<Q", 2**40) + b'{"a": 1}')
