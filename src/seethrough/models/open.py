"""One word for every door: what is named tells which door it is."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch.nn as nn

from seethrough.errors import UsageError
from seethrough.images import Preprocessing
from seethrough.models.files import as_path, kind_of
from seethrough.models.opened import Opened, Said

BY_NAME = {
    "keras": ("seethrough.models.keras", "open_application"),
    "torchvision": ("seethrough.models.torchvision", "open_torchvision"),
    "timm": ("seethrough.models.timm", "open_timm"),
    "hf": ("seethrough.models.huggingface", "open_huggingface"),
}
"""From the scheme of a name to its door: a module of ours and the function in it that takes the name, what was said, and
the weights. It is imported when it is knocked at.
"""

SCHEMES = (*BY_NAME, "demo")


def open_model(
    source: Any,
    *,
    weights: str | Path | None = None,
    architecture: Any = None,
    input_size: int | Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
    classes: str | Path | Sequence[str] | Mapping[Any, Any] | None = None,
    preprocessing: str | Mapping[str, Any] | Preprocessing | None = None,
    output: str | None = None,
    task: str | None = None,
    allow_code: bool = False,
) -> Opened:
    """Open a network.

    Parameters
    ----------
    source
        ``"keras:VGG16"``, ``"torchvision:resnet50"``, ``"timm:convnext_tiny"``, ``"hf:google/vit-base-patch16-224"``,
        ``"demo:leopards"``; a file (``.keras``, ``.h5``, ``.onnx``, ``.safetensors``, ``.pt``, ``.pth``), a folder that a
        Hugging Face network was saved in, ``"file.py:function"``; a torch module, a Keras 3 model on the torch backend,
        or any function on batches of images.
    weights
        For a network by name: ``"imagenet"``, a file, or None for random ones; None never downloads.
    architecture
        For a file of weights: ``"package.module:function"``, or the function, class or module itself. Naming it is what
        lets that code run.
    input_size
        Shape of one input in the network's own layout, or one number for a square RGB picture; where the source knows
        it, not needed.
    classes
        A name per output: ``"imagenet"``, a list, a mapping, or a file of either.
    preprocessing
        ``"caffe"``, ``"tf"``, ``"torch"``, ``"unit"``, ``"raw"``, or a mapping; see `preprocessing_named`.
    output
        Which of several outputs is meant, by its key, field or position: ``"logits"``, ``"0"``.
    task
        What the outputs are, where the source doesn't say: ``"classification"``, ``"segmentation"``, ``"detection"``,
        ``"embedding"``, ``"regression"``.
    allow_code
        Let a file run code when opened: a pickled module, TorchScript, ``.pt2``, Keras Lambda and custom classes.

    Raises
    ------
    UsageError, InputRefused, EnvironmentLacks
        One sentence: what, where, what to do.
    """
    said = Said(input_size, classes, preprocessing, output, task)
    if isinstance(source, str | os.PathLike):
        return _open_named(os.fspath(source), said, weights=weights, architecture=architecture, allow_code=allow_code)
    _refuse_unused("a live network", weights=weights, architecture=architecture)
    from seethrough.models.keras import is_keras_model, open_live_keras

    if is_keras_model(source):
        return open_live_keras(source, said)
    if isinstance(source, nn.Module):
        from seethrough.models.torch import open_live_torch

        return open_live_torch(source, said)
    if callable(source):
        from seethrough.models.black_box import open_function

        return open_function(source, said)
    raise UsageError(
        f"{type(source).__module__}.{type(source).__qualname__} is no network that Seethrough opens; give a torch "
        "module, a Keras 3 model, a function on batches of images, a file, or a name such as keras:VGG16."
    )


def _open_named(named: str, said: Said, *, weights: str | Path | None, architecture: Any, allow_code: bool) -> Opened:
    scheme, colon, name = named.partition(":")
    if colon and scheme in BY_NAME:
        _refuse_unused(named, architecture=architecture)
        home, door = BY_NAME[scheme]
        return getattr(importlib.import_module(home), door)(name, said, weights)
    if colon and scheme == "demo":
        _refuse_unused(named, architecture=architecture, input_size=said.input_size)
        _refuse_unused(named, classes=said.classes, preprocessing=said.preprocessing)
        _refuse_unused(named, output=said.output, task=said.task)
        from seethrough.models.demo import open_demo

        return open_demo(name, weights)
    if is_function_file(named):
        _refuse_unused(named, architecture=architecture, weights=weights)
        from seethrough.models.black_box import open_function_file

        return open_function_file(named, said)
    _refuse_unused(f"the file {named!r}", weights=weights)
    return _open_file(as_path(named), said, architecture=architecture, allow_code=allow_code)


def _open_file(path: Path, said: Said, *, architecture: Any, allow_code: bool) -> Opened:
    if path.is_dir():
        _refuse_unused(f"the folder {str(path)!r}", architecture=architecture)
        from seethrough.models.folder import open_folder

        return open_folder(path, said, allow_code=allow_code)
    kind = kind_of(path)
    if kind == "onnx":
        _refuse_unused(f"the ONNX file {str(path)!r}", architecture=architecture)
        from seethrough.models.onnx import open_onnx_file

        return open_onnx_file(path, said)
    if kind in ("keras", "hdf5"):
        _refuse_unused(f"the Keras file {str(path)!r}", architecture=architecture)
        from seethrough.models.keras import open_keras_file

        return open_keras_file(path, said, allow_code=allow_code)
    from seethrough.models.torch import open_torch_file

    return open_torch_file(path, said, architecture=architecture, allow_code=allow_code)


def is_function_file(named: str) -> bool:
    """Whether this names a function in a file of Python, ``"black_box.py:predict"``."""
    return ".py:" in named


def _refuse_unused(what: str, **given: Any) -> None:
    """An argument that would be ignored is a misunderstanding."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name}={value!r} says nothing about {what}, which has its own; leave it out.")
