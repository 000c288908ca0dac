"""The door to timm: networks by name, with the preprocessing and class names of their pretrained configuration."""

from __future__ import annotations

import contextlib
import importlib
import math
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch.nn as nn

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.files import as_path, fingerprint
from seethrough.models.hub import hub
from seethrough.models.labels import imagenet_names
from seethrough.models.opened import Known, Opened, Said
from seethrough.models.preprocessing import called
from seethrough.models.state import random_state_kept
from seethrough.models.torch import fill, open_live_torch, weights_in
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.results import Note

RANDOM = (None, "none", "random")
PUBLISHED = ("imagenet", "pretrained")

FITS = {"center": "crop", "squash": "stretch", "border": "pad"}
"""Ours for timm's modes of cropping."""


def timm_names() -> tuple[str, ...]:
    """The names that ``timm:`` knows, without the tags of weights."""
    return tuple(_timm().list_models())


def open_timm(name: str, said: Said, weights: str | Path | None) -> Opened:
    """Open a network of timm.

    Parameters
    ----------
    name
        ``"resnet50"``, or with the tag of certain weights, ``"resnet50.a1_in1k"``.
    weights
        None, ``"none"`` or ``"random"`` (never downloads); ``"imagenet"`` or ``"pretrained"``, those of the name's tag,
        by default timm's own choice; or a file.

    Raises
    ------
    UsageError
        No such network or tag, an input size that it can't take, names for another number of outputs.
    InputRefused
        A file of weights that can't be read or doesn't fit.
    EnvironmentLacks
        timm isn't installed, or its weights can't be downloaded.
    """
    published = weights in PUBLISHED
    file = None if published or weights in RANDOM else _existing(str(weights))
    module, known = built(name, said, pretrained=published)
    notes: tuple[Note, ...] = ()
    record = {"timm": _timm().__version__}
    if published:
        label = f"{name} ({module.pretrained_cfg['tag']})" if module.pretrained_cfg.get("tag") else name
    elif file is None:
        label, notes = "random", (Note("random_weights", "warning", {"architecture": name}),)
    else:
        label, notes = str(weights), fill(module, weights_in(file), repr(str(file)))
        record["file_sha256"] = fingerprint(file)
    return open_live_torch(
        module, said, source=f"timm:{name}", weights=label, known=known, notes=notes, provenance=record
    )


def built(name: str, said: Said, *, pretrained: bool = False) -> tuple[Any, Known]:
    """A network, and what timm knows of it."""
    settings = _pretrained_settings(name)
    known = what_is_known(settings)
    size = said.size("channels_first") or known.input_size
    classes = said.named()
    options: dict[str, Any] = {}
    if pretrained and classes is not None and len(classes) != settings["num_classes"]:
        raise UsageError(
            f"timm:{name} has {settings['num_classes']} outputs, and {len(classes)} names were given; one name an "
            "output is wanted."
        )
    if classes is not None:
        options["num_classes"] = len(classes)
    if size is not None and known.input_size is not None and size != known.input_size:
        options |= _resized(name, size, settings, pretrained=pretrained)
    return _made(name, options, pretrained=pretrained), known


def _resized(name: str, size: tuple[int, ...], settings: dict[str, Any], *, pretrained: bool) -> dict[str, Any]:
    """Options for another input than the usual one."""
    if len(size) != 3:
        raise UsageError(f"timm:{name} takes pictures, such as {settings['input_size']}; {size} is no size of one.")
    options: dict[str, Any] = {}
    if size[0] != settings["input_size"][0]:
        if pretrained:
            raise UsageError(
                f"timm:{name} has learned from pictures of {settings['input_size'][0]} channels, not {size[0]}."
            )
        options["in_chans"] = size[0]
    if settings.get("fixed_input_size") and size[1:] != tuple(settings["input_size"][1:]):
        options["img_size"] = size[1:]
    return options


def _timm() -> ModuleType:
    make_torchvision_importable()
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise EnvironmentLacks(
            "This is a network of timm, which isn't installed; install it with: pip install 'seethrough[vision]'."
        ) from error


def _existing(said: str) -> Path:
    path = as_path(said)
    if not path.exists():
        raise InputRefused(
            f"There is no file {said!r}; weights are 'imagenet', a file, or None for random ones. Others that timm has "
            "go by the name: timm:resnet50.a1_in1k."
        )
    return path


def _pretrained_settings(name: str) -> dict[str, Any]:
    """The pretrained configuration of a name, with or without a tag."""
    timm = _timm()
    architecture, _, tag = name.partition(".")
    known = timm_names()
    if architecture not in known:
        raise UsageError(f"timm has no network {architecture!r}.{nearest(architecture, known, 5)}")
    tags = [each.partition(".")[2] for each in timm.list_models(f"{architecture}.*", pretrained=True)]
    if tag and tag not in tags:
        there = f" There are: {', '.join(tags)}." if tags else " There are none."
        raise UsageError(f"timm has no weights {tag!r} of {architecture}.{there}")
    settings = timm.get_pretrained_cfg(name)
    return {"input_size": (3, 224, 224), "num_classes": 1000} if settings is None else settings.to_dict()


def what_is_known(settings: dict[str, Any]) -> Known:
    """What a pretrained configuration says about the network: size, arithmetic, and the names of its outputs."""
    data = importlib.import_module("timm.data").resolve_data_config(pretrained_cfg=settings)
    names = _class_names(settings)
    embeds = not settings.get("num_classes") or (names is None and "clip" in str(settings))
    task = "embedding" if embeds else "classification"
    return Known(tuple(data["input_size"]), names, _preprocessing(data), task=task)


def _preprocessing(data: dict[str, Any]) -> Preprocessing | None:
    channels, *size = data["input_size"]
    if channels != 3:
        return None
    # Above 1 (a few VOLO) timm sets the picture into a black frame; that is left out, and said.
    framed = data["crop_pct"] > 1
    tall, wide = size if framed else (math.floor(side / data["crop_pct"]) for side in size)
    return called(
        Preprocessing(
            scale=1 / 255,
            mean=tuple(data["mean"]),
            std=tuple(data["std"]),
            fit=FITS[data["crop_mode"]],
            resize_to=tall if tall == wide else (tall, wide),
            interpolation=data["interpolation"],
            rounding="torchvision",
            assumed=framed,
        )
    )


def _class_names(settings: dict[str, Any]) -> tuple[str, ...] | None:
    """Names of the outputs where timm tells the set of labels from their number."""
    information = importlib.import_module("timm.data")
    subset = information.infer_imagenet_subset(settings)
    if subset is None:
        return None
    return imagenet_names() if subset == "imagenet-1k" else _names_of(subset)


@cache
def _names_of(subset: str) -> tuple[str, ...]:
    """By index the first synonym, or all of them where another class has the same first."""
    described = importlib.import_module("timm.data").ImageNetInfo(subset).label_descriptions()
    first = Counter(each.split(",")[0] for each in described)
    return tuple(each.split(",")[0] if first[each.split(",")[0]] == 1 else each for each in described)


def _made(name: str, options: dict[str, Any], *, pretrained: bool) -> nn.Module:
    def make() -> nn.Module:
        with random_state_kept(), contextlib.redirect_stdout(sys.stderr):
            return _timm().create_model(name, pretrained=pretrained, **options).eval()

    try:
        if not pretrained:
            return make()
        instead = (
            "connect to the internet once, or give a file with weights='….safetensors', or weights=None for random ones"
        )
        with hub(f"The weights of timm:{name}", instead, download=True):
            return make()
    except (TypeError, ValueError, AssertionError, RuntimeError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise UsageError(f"timm can't build {name} so: {reason}") from error
