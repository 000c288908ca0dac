"""Formats that aren't opened: each is known, by its first bytes or its suffix, and its sentence says what to do."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch

from seethrough.errors import InputRefused
from seethrough.models import open_model
from seethrough.models.files import kind_of
from seethrough.models.other_formats import BY_SUFFIX


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def numpy_archive():
    out = io.BytesIO()
    np.savez(out, kernel=np.ones((3, 3)))
    return out.getvalue()


def matlab():
    from scipy.io import savemat

    out = io.BytesIO()
    savemat(out, {"kernel": np.ones((3, 3))})
    return out.getvalue()


KNOWN = {
    "frozen.pb": (b"\x0a\x0f\x0a\x05input", "a frozen TensorFlow graph", "tf2onnx"),
    "model.ckpt.index": (b"\x00" * 32, "TensorFlow checkpoint", "save the Keras model as .keras"),
    "model.tflite": (b"\x1c\x00\x00\x00TFL3\x14\x00 \x00", "a TensorFlow Lite network", "tf2onnx"),
    "unnamed": (b"\x1c\x00\x00\x00TFL3\x14\x00 \x00", "a TensorFlow Lite network", "tf2onnx"),
    "model.mlmodel": (b"\x08\x04\x12\x0a", "a Core ML network", "converted from"),
    "packed.zip": (zipped(**{"Data/com.apple.CoreML/model.mlmodel": b"x"}), "a Core ML network", "converted from"),
    "model.gguf": (b"GGUF\x03\x00\x00\x00", "a GGUF file", "networks that see"),
    "weights.npz": (numpy_archive(), "an archive of NumPy arrays", "the network that they belong to"),
    "weights.npy": (b"\x93NUMPY\x01\x00", "one NumPy array", "Name the network first"),
    "resnet.mar": (zipped(**{"MAR-INF/MANIFEST.json": "{}", "resnet.pt": "x"}), "a TorchServe archive", "Unzip it"),
    "model.engine": (b"ftrt\x00\x00\x00\x00", "a TensorRT engine", "the ONNX file"),
    "model.plan": (b"\x00" * 32, "a TensorRT engine", "the ONNX file"),
    "model.ort": (b"\x18\x00\x00\x00ORTM\x00\x00", "an ONNX Runtime file", "the .onnx file"),
    "model.pdmodel": (b"\x0a\x04\x08\x00", "a PaddlePaddle network", "paddle2onnx"),
    "resnet-0000.params": (b"\x12\x01\x00\x00\x00\x00\x00\x00", "a file of MXNet", "ONNX"),
    "bvlc.caffemodel": (b"\x0a\x07CaffeNet", "a Caffe network", "ONNX or PyTorch"),
    "yolov3.weights": (b"\x00\x00\x00\x00\x02\x00\x00\x00", "a Darknet network", "PyTorch version"),
    "net.mat": (matlab(), "a MATLAB file", "exportONNXNetwork"),
    "model.xml": (b"<?xml version", "an OpenVINO network", "converted from"),
    "model.rknn": (b"RKNN\x00\x00", "compiled for one kind of device", "converted from"),
    "flax_model.msgpack": (b"\x82\xa4", "Flax weights", "from_flax=True"),
    "model.joblib": (pickle.dumps({"a": 1}), "a pickle, which would run code", "state_dict"),
    "model.pkl": (pickle.dumps([1]), "a pickle, which would run code", "state_dict"),
    "predict.py": (b"def predict(x): return x", "a file of Python", "black_box.py:predict"),
    "cat.jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a picture, not a network", "Name the network first"),
    "cat.png": (b"\x89PNG\r\n\x1a\n\x00\x00", "a picture, not a network", "Name the network first"),
    "config.json": (json.dumps({"a": 1}).encode(), "a file of settings without weights", "holds the weights"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_not_opened_is_named_and_told_what_to_do(name, tmp_path):
    content, what, instead = KNOWN[name]
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        open_model(str(file))
    said = str(refused.value)
    assert what in said and instead in said and repr(str(file)) in said
    assert "\n" not in said and said.endswith(".")


@pytest.mark.parametrize("suffix", BY_SUFFIX)
def test_every_suffix_that_is_known_is_refused_with_its_own_advice(suffix, tmp_path):
    file = tmp_path / f"model{suffix}"
    file.write_bytes(b"\x00" * 32)
    with pytest.raises(InputRefused) as refused:
        kind_of(file)
    assert BY_SUFFIX[suffix].what in str(refused.value) and BY_SUFFIX[suffix].instead in str(refused.value)


@pytest.mark.parametrize("made", ["torchscript", "pt2"])
def test_programs_are_known_and_told_what_to_do(made, tmp_path):
    module, file = torch.nn.Conv2d(3, 4, 3), tmp_path / "program.pt"
    if made == "torchscript":
        torch.jit.save(torch.jit.trace(module, torch.rand(1, 3, 8, 8)), str(file))
    else:
        file = tmp_path / "program.pt2"
        torch.export.save(torch.export.export(module, (torch.rand(1, 3, 8, 8),)), file)
    with pytest.raises(InputRefused, match=r"which holds code; save the weights .*architecture="):
        open_model(str(file))


def test_a_name_does_not_hide_what_a_file_is(tmp_path):
    for suffix in (".pkl", ".mar", ".ckpt", ".weights", ".bin"):
        file = tmp_path / f"weights{suffix}"
        torch.save({"weight": torch.ones(2)}, file)
        assert kind_of(file) == "torch"
        torch.save({"weight": torch.ones(2)}, file, _use_new_zipfile_serialization=False)
        assert kind_of(file) == "torch legacy"


def test_what_nobody_knows_is_told_what_is_opened(tmp_path):
    file = tmp_path / "model.something"
    file.write_bytes(b"\x00" * 64)
    with pytest.raises(InputRefused, match=r"no file of a network that Seethrough knows, or it is broken; .*\.onnx"):
        kind_of(file)
