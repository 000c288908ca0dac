"""Files of networks that aren't opened: what each is, told by its first bytes or its suffix, and what to do instead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that isn't opened.

    Attributes
    ----------
    what
        With its article, to stand behind "is": ``"a TensorFlow Lite network"``.
    instead
        What to do, as a sentence without its full stop.
    """

    what: str
    instead: str


_TENSORFLOW = Format(
    "a frozen TensorFlow graph",
    "Convert it to ONNX (python -m tf2onnx.convert --graphdef …), or save its Keras model as .keras",
)
_CHECKPOINT = Format("a part of a TensorFlow checkpoint", "Load it in TensorFlow and save the Keras model as .keras")
_TFLITE = Format(
    "a TensorFlow Lite network",
    "Open the Keras model that it was made from, or convert it to ONNX (python -m tf2onnx.convert --tflite …)",
)
_CORE_ML = Format(
    "a Core ML network", "Open the PyTorch or Keras network that it was converted from, or export that to ONNX"
)
_GGUF = Format(
    "a GGUF file, of a language model as a rule",
    "Seethrough explains networks that see; open a vision network as .safetensors or ONNX",
)
_ARRAYS = Format(
    "an archive of NumPy arrays", "Load them into the network that they belong to, and give that, or its file"
)
_ARRAY = Format("one NumPy array", "Name the network first, and give arrays as pictures from Python")
_MAR = Format("a TorchServe archive", "Unzip it and open the weights in it with architecture='package.module:function'")
_TENSORRT = Format(
    "a TensorRT engine, which runs on one kind of GPU alone", "Open the ONNX file that it was built from"
)
_ORT = Format("an ONNX Runtime file (.ort)", "Open the .onnx file that it was made from")
_PADDLE = Format("a PaddlePaddle network", "Convert it to ONNX (paddle2onnx)")
_MXNET = Format("a file of MXNet", "Convert it to ONNX (mxnet.onnx.export_model)")
_CAFFE = Format("a Caffe network", "Convert it to ONNX or PyTorch, for instance with MMdnn or caffe2onnx")
_DARKNET = Format("a Darknet network", "Open its PyTorch version, or export it to ONNX")
_MATLAB = Format("a MATLAB file", "Export the network from MATLAB with exportONNXNetwork, and open the .onnx file")
_OPENVINO = Format("an OpenVINO network", "Open the ONNX, PyTorch or Keras network that it was converted from")
_DEVICE = Format(
    "a network compiled for one kind of device", "Open the ONNX, PyTorch or Keras network that it was converted from"
)
_FLAX = Format(
    "a file of Flax weights",
    "Load them in transformers (from_flax=True) and save the network as PyTorch, or export it to ONNX",
)
_PICKLE = Format(
    "a pickle, which would run code when opened",
    "Save the weights alone (torch.save(model.state_dict(), …)) and say architecture=…, or wrap what it holds in a "
    "function: my_file.py:predict",
)
_PYTHON = Format("a file of Python", "Name the function in it that answers, such as black_box.py:predict")
_PICTURE = Format("a picture, not a network", "Name the network first, then the pictures")
_SETTINGS = Format(
    "a file of settings without weights", "Name the file that holds the weights, or the folder that both lie in"
)

BY_SUFFIX = {
    ".pb": _TENSORFLOW, ".pbtxt": _TENSORFLOW, ".ckpt": _CHECKPOINT, ".index": _CHECKPOINT, ".meta": _CHECKPOINT,
    ".tflite": _TFLITE, ".lite": _TFLITE, ".mlmodel": _CORE_ML, ".mlpackage": _CORE_ML, ".mlmodelc": _CORE_ML,
    ".gguf": _GGUF, ".ggml": _GGUF, ".npz": _ARRAYS, ".npy": _ARRAY, ".mar": _MAR,
    ".engine": _TENSORRT, ".plan": _TENSORRT, ".trt": _TENSORRT, ".ort": _ORT,
    ".pdmodel": _PADDLE, ".pdiparams": _PADDLE, ".pdparams": _PADDLE, ".params": _MXNET,
    ".caffemodel": _CAFFE, ".prototxt": _CAFFE, ".weights": _DARKNET, ".cfg": _DARKNET, ".mat": _MATLAB,
    ".xml": _OPENVINO, ".rknn": _DEVICE, ".mnn": _DEVICE, ".param": _DEVICE, ".dlc": _DEVICE, ".hef": _DEVICE, ".om": _DEVICE,
    ".msgpack": _FLAX, ".joblib": _PICKLE, ".pkl": _PICKLE, ".pickle": _PICKLE, ".py": _PYTHON,
    ".json": _SETTINGS, ".yaml": _SETTINGS, ".yml": _SETTINGS, ".toml": _SETTINGS,
}  # fmt: skip

BY_FIRST_BYTES = (
    (4, b"TFL3", _TFLITE),
    (4, b"ORTM", _ORT),
    (0, b"GGUF", _GGUF),
    (0, b"\x93NUMPY", _ARRAY),
    (0, b"ftrt", _TENSORRT),
    (0, b"ptrt", _TENSORRT),
    (0, b"\x12\x01\x00\x00\x00\x00\x00\x00", _MXNET),
    (0, b"MATLAB 5.0 MAT", _MATLAB),
    (0, b"MATLAB 7.3 MAT", _MATLAB),
    (0, b"\x89PNG\r\n\x1a\n", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (8, b"WEBP", _PICTURE),
)
"""Where in a file its mark stands, the mark, and what it marks."""

HEAD = 16
"""Bytes of a file that tell what it is."""

TORCH_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How PyTorch's files began before they were archives: its magic number, pickled."""


def is_other_pickle(suffix: str, head: bytes) -> bool:
    """Whether a pickle is named as one and isn't PyTorch's."""
    return BY_SUFFIX.get(suffix) is _PICKLE and not head.startswith(TORCH_LEGACY)


def format_of(path: Path, head: bytes) -> Format | None:
    """The format of a file that isn't opened; None where neither its first bytes nor its suffix tell.

    Parameters
    ----------
    head
        Its first `HEAD` bytes.
    """
    for place, mark, found in BY_FIRST_BYTES:
        if head[place : place + len(mark)] == mark:
            return found
    return BY_SUFFIX.get(path.suffix.casefold())


def format_of_archive(members: Collection[str]) -> Format | None:
    """The format of an archive that isn't opened, by its members."""
    if "MAR-INF/MANIFEST.json" in members:
        return _MAR
    if members and all(PurePosixPath(name).suffix == ".npy" for name in members):
        return _ARRAYS
    if any(name.endswith(".mlmodel") for name in members):
        return _CORE_ML
    return None
