"""What a source knows of preprocessing: the family of a published network, or a layer inside that rescales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from seethrough.images import USUAL, Preprocessing, usual_name

KERAS_FAMILIES: Mapping[str, str] = {
    "convnext": "raw",
    "densenet": "torch",
    "efficientnet": "raw",
    "efficientnet_v2": "raw",
    "inception_resnet_v2": "tf",
    "inception_v3": "tf",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "mobilenet_v3": "raw",
    "nasnet": "tf",
    "resnet": "caffe",
    "resnet_v2": "tf",
    "vgg16": "caffe",
    "vgg19": "caffe",
    "xception": "tf",
}
"""By module of `keras.applications`; a test compares each with that module's own ``preprocess_input``."""

ARITHMETIC = frozenset({"Add", "Subtract", "Multiply", "Divide", "TrueDivide", "GetItem"})
"""Operations that Keras' ``preprocess_input`` leaves in a model that was built with it inside."""


def inside(head: Iterable[tuple[str, Mapping[str, Any]]]) -> Preprocessing | None:
    """What pictures must become for a network that preprocesses by itself; None where it doesn't.

    Parameters
    ----------
    head
        Class name and configuration of the layers and operations before the first that has a kernel, in order.
    """
    for kind, settings in head:
        if kind == "Rescaling":
            return _before_rescaling(settings)
        if kind == "Normalization":
            return _before_normalization(settings)
        if kind in ARITHMETIC:
            return USUAL["raw"]
    return None


def _before_rescaling(settings: Mapping[str, Any]) -> Preprocessing:
    scale = settings.get("scale", 1.0)
    factors = scale if isinstance(scale, list | tuple) else [scale]
    # 1/255 and 1/127.5 take pixels; 2 (with offset −1) takes numbers that are 0…1 already.
    return USUAL["unit"] if max(map(abs, factors)) > 0.1 else USUAL["raw"]


def _before_normalization(settings: Mapping[str, Any]) -> Preprocessing | None:
    mean = settings.get("mean")
    if mean is None:  # adapted on data: its mean is among the weights, and says nothing certain
        return replace(USUAL["raw"], assumed=True)
    means = mean if isinstance(mean, list | tuple) else [mean]
    return USUAL["unit"] if max(map(abs, means)) <= 1.5 else USUAL["raw"]


def called(preprocessing: Preprocessing) -> Preprocessing:
    """The same under the name that people have for its arithmetic."""
    return replace(preprocessing, name=usual_name(preprocessing))


def at_size(
    preprocessing: Preprocessing | None, usual: tuple[int, ...] | None, size: tuple[int, ...] | None
) -> Preprocessing | None:
    """The same for another input size (C, H, W): the length before the crop keeps its ratio to the crop."""
    if preprocessing is None or preprocessing.resize_to is None or usual is None or size is None or usual == size:
        return preprocessing
    goal = preprocessing.resize_to
    if isinstance(goal, int) and usual[1] == usual[2] and size[1] == size[2]:
        return replace(preprocessing, resize_to=round(goal * size[1] / usual[1]))
    tall, wide = (goal, goal) if isinstance(goal, int) else goal
    return replace(preprocessing, resize_to=(round(tall * size[1] / usual[1]), round(wide * size[2] / usual[2])))


def for_channels(preprocessing: Preprocessing | None, channels: int | None) -> Preprocessing | None:
    """The same for a grey network, whose pictures have one channel."""
    if preprocessing is None or channels != 1 or len(preprocessing.mean) > 1 or len(preprocessing.std) > 1:
        return preprocessing
    return replace(preprocessing, channels="L")
