"""The door to torchvision: networks by name, with the transforms, sizes and class names that its weights come with."""

from __future__ import annotations

import contextlib
import inspect
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import torch
import torch.nn as nn

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.files import as_path, fingerprint
from seethrough.models.labels import imagenet_names
from seethrough.models.opened import Known, Opened, Said
from seethrough.models.preprocessing import called
from seethrough.models.state import random_state_kept
from seethrough.models.torch import fill, open_live_torch, weights_in
from seethrough.models.torchvision_import import import_torchvision, operator_notes
from seethrough.results import Note

RANDOM = (None, "none", "random")
PUBLISHED = ("imagenet", "pretrained", "DEFAULT")
"""Words for the weights that torchvision itself calls the best."""

SIZED = {"vit": "image_size", "maxvit": "input_size"}
"""Families that are built for one size of input, and how their builders call it."""


def torchvision_names() -> tuple[str, ...]:
    """The names that ``torchvision:`` knows."""
    return tuple(_models().list_models())


def open_torchvision(name: str, said: Said, weights: str | Path | None) -> Opened:
    """Open a network of `torchvision.models`.

    Parameters
    ----------
    name
        ``"resnet50"``, ``"fcn_resnet50"``, ``"quantized_resnet18"``…
    weights
        None, ``"none"`` or ``"random"`` (never downloads); ``"imagenet"``, ``"pretrained"`` or ``"DEFAULT"``, the ones
        that torchvision calls the best; the name of others, ``"IMAGENET1K_V1"``; or a file.

    Raises
    ------
    UsageError
        No such network or weights, an input size that it can't take, names for another number of outputs.
    InputRefused
        A file of weights that can't be read or doesn't fit.
    EnvironmentLacks
        torchvision isn't installed, or its weights can't be downloaded.
    """
    module, known, file = built(name, said, weights)
    source, member = f"torchvision:{name}", _member(name, weights)
    notes = operator_notes() if known.task == "detection" else ()  # nothing else has a use for them
    if member is not None:
        label = member.name
    elif file is None:
        label, notes = "random", (*notes, Note("random_weights", "warning", {"architecture": name}))
    else:
        label, notes = str(weights), (*notes, *fill(module, weights_in(file), repr(str(file))))
    record: dict[str, Any] = {"torchvision": import_torchvision().__version__}
    if file is not None:
        record["file_sha256"] = fingerprint(file)
    return open_live_torch(module, said, source=source, weights=label, known=known, notes=notes, provenance=record)


def built(name: str, said: Said, weights: str | Path | None = None) -> tuple[nn.Module, Known, Path | None]:
    """A network, what torchvision knows of it, and the file its weights are in (to be loaded, unless torchvision's)."""
    models = _models()
    if name.lower() not in torchvision_names():
        raise UsageError(f"torchvision has no network {name!r}.{nearest(name, torchvision_names(), 5)}")
    member = _member(name, weights)
    preset = member or models.get_model_weights(name).DEFAULT
    known = what_is_known(name, preset)
    classes = said.named()
    if member is not None and classes is not None and known.classes is not None and len(classes) != len(known.classes):
        raise UsageError(
            f"torchvision:{name} has {len(known.classes)} outputs, and {len(classes)} names were given; one name an "
            "output is wanted."
        )
    options = _options(name, _allowed_size(name, said, known, preset), preset, member)
    if member is not None:
        file = _downloaded(member)
    else:
        file = None if weights in RANDOM else as_path(str(weights))
        options["num_classes"] = len(classes or known.classes or imagenet_names())
    return _made(name, options), known, file


def _models() -> ModuleType:
    return import_torchvision().models


def _member(name: str, weights: str | Path | None) -> Any:
    """The published weights that are meant; None for random ones or a file."""
    if weights in RANDOM:
        return None
    members = _models().get_model_weights(name)
    if weights in PUBLISHED:
        return members.DEFAULT
    if isinstance(weights, str) and weights.rpartition(".")[2] in members.__members__:
        return members[weights.rpartition(".")[2]]
    if not as_path(str(weights)).exists():
        raise InputRefused(
            f"There is no file {str(weights)!r}; weights of torchvision:{name} are 'imagenet', "
            f"{', '.join(map(repr, members.__members__))}, a file, or None for random ones."
        )
    return None


def what_is_known(name: str, preset: Any) -> Known:
    """What a set of weights says about the network: its transforms, and the names of its outputs."""
    transforms, categories = preset.transforms(), tuple(preset.meta.get("categories") or ())
    if len(categories) == len(imagenet_names()):
        categories = imagenet_names()  # the same classes, with every synonym
    kind = type(transforms).__name__
    if kind == "ObjectDetection":  # resizes and normalizes inside
        unit = Preprocessing("unit", scale=1 / 255, fit="whole")
        return Known((3, 320, 320) if "320" in name else (3, 800, 800), categories, unit, task="detection")
    if kind == "SemanticSegmentation":
        (side,) = transforms.resize_size
        return Known((3, side, side), categories, _preprocessing(transforms, fit="whole"), "out", "segmentation")
    if kind == "VideoClassification":
        frames = max(preset.meta.get("min_temporal_size", 16), 16)
        return Known((3, frames, *transforms.crop_size), categories, None, task="classification")
    if kind == "ImageClassification":
        (side,), (goal,) = transforms.crop_size, transforms.resize_size
        preprocessing = _preprocessing(transforms, fit="crop", resize_to=goal)
        return Known((3, side, side), categories, preprocessing, task="classification")
    raise UsageError(
        f"torchvision:{name} takes two pictures at a time (optical flow); Seethrough opens networks of one input."
    )


def _preprocessing(transforms: Any, **fit: Any) -> Preprocessing:
    mean, std = tuple(transforms.mean), tuple(transforms.std)
    interpolation = transforms.interpolation.value
    return called(
        Preprocessing(scale=1 / 255, mean=mean, std=std, interpolation=interpolation, **fit, rounding="torchvision")
    )


def _allowed_size(name: str, said: Said, known: Known, preset: Any) -> tuple[int, ...]:
    size = said.size("channels_first") or known.input_size or ()
    if len(size) == 3 and name.split("_")[0] not in SIZED:
        smallest = (1, *preset.meta["min_size"])
        if size[1] < smallest[1] or size[2] < smallest[2]:
            raise UsageError(
                f"torchvision:{name} takes pictures of at least {smallest[1]} × {smallest[2]} pixels, not {size[1]} × "
                f"{size[2]}."
            )
    return size


def _options(name: str, size: tuple[int, ...], preset: Any, member: Any) -> dict[str, Any]:
    """What the builder is told beside the name."""
    accepted = inspect.signature(_models().get_model_builder(name)).parameters
    options: dict[str, Any] = {"weights": member}
    if "weights_backbone" in accepted:
        options["weights_backbone"] = None  # they would be downloaded
    if "quantize" in accepted:
        options["quantize"] = member is not None and "backend" in member.meta
    family = name.split("_")[0]
    if family in SIZED:
        usual = preset.transforms().crop_size[0]
        if member is not None and size[1:] != (usual, usual):
            raise UsageError(
                f"torchvision:{name} with the weights {member.name} takes {usual} × {usual} pixels, not "
                f"{' × '.join(map(str, size[1:]))}; leave the input size out."
            )
        if member is None:
            options[SIZED[family]] = size[1] if family == "vit" else size[1:]
    if member is None and name.removeprefix("quantized_") in ("inception_v3", "googlenet"):
        # Their transforms are those of weights that were trained with this switch on; the default start takes a minute.
        options |= {"transform_input": True, "init_weights": False}
    return options


def _made(name: str, options: dict[str, Any]) -> nn.Module:
    try:
        with random_state_kept(), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _models().get_model(name, **options).eval()
    except (ValueError, TypeError, AssertionError, RuntimeError) as error:
        raise UsageError(f"torchvision can't build {name} so: {str(error).strip().splitlines()[0][:200]}") from error


def _downloaded(member: Any) -> Path:
    """The file of published weights, checked to hold nothing but weights."""
    name = Path(urlparse(member.url).path).name
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / name
    if not file.exists():
        prefix = name.rpartition("-")[2].partition(".")[0]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(member.url, str(file), prefix if len(prefix) == 8 else None)
        except (OSError, RuntimeError) as error:  # OSError: no network, no room; RuntimeError: another hash
            raise EnvironmentLacks(
                f"The weights {name} couldn't be downloaded ({error}); connect to the internet once, or give a file "
                "with weights='….pth', or weights=None for random ones."
            ) from error
    weights_in(file)
    return file
