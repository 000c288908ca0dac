"""What a door hands over: a network and all that its source knows of it, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch.nn as nn

from seethrough.results import Note


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From a picture's pixels to what the network wants: fit to its size, then ``(pixel · scale − mean) / std`` a channel.

    Attributes
    ----------
    name
        What people call it: ``"caffe"``, ``"tf"``, ``"torch"``, ``"unit"``, ``"raw"``, ``"custom"``.
    scale, mean, std
        Applied to pixels 0…255 as float32, after the channels are in the network's order.
    channels
        ``"RGB"``, ``"BGR"`` or ``"L"`` (grey, one channel).
    fit
        ``"crop"``: shorter side to ``resize_to`` (by default size · 8/7), then the centre; ``"stretch"``: both sides to the size;
        ``"pad"``: longer side to the size, the rest filled with the mean.
    resize_to
        Length in pixels of the shorter side before the centre crop, or None for the default.
    assumed
        True where nobody said so and it was guessed; a result then says it.
    """

    name: str = "raw"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channels: str = "RGB"
    fit: str = "crop"
    resize_to: int | None = None
    assumed: bool = False


@dataclass(frozen=True)
class Opened:
    """A network as a door opened it.

    Attributes
    ----------
    module
        Callable on one batch in its own layout; the person's own object, never changed.
    source
        How it was named: ``"keras:VGG16"``, a file's path, ``"SqueezeNet (live torch module)"``.
    framework
        ``"torch"`` or ``"keras"``.
    layout
        ``"channels_first"`` or ``"channels_last"``: of the input and of every layer's value.
    input_size
        Shape of one input in that layout, without the batch; None where neither the source nor the person said it.
    weights
        ``"imagenet"``, ``"random"``, ``"live"`` (the person's own object) or the file they come from.
    classes
        A name per output, or None.
    preprocessing
        How pictures become inputs; None where nobody knows (ready tensors still go).
    paths
        From module (by identity: ``id(module)``) to the path a person uses: ``"features.0"``, ``"block5_conv1"``, ``"outer/inner"`` for nested Keras models.
    layers
        From path to the live module or layer, in the framework's own order.
    info
        From layer path to its configuration (Keras' ``get_config()``; torch: the constructor's settings).
    arrays
        From layer path to its weights as NumPy arrays (Keras' ``get_weights()`` order, a list; torch: the module's own state dict, a dict).
    notes
        What the person must know: random weights, what was assumed.
    """

    module: nn.Module
    source: str
    framework: str
    layout: str
    input_size: tuple[int, ...] | None
    weights: str
    classes: tuple[str, ...] | None
    preprocessing: Preprocessing | None
    paths: Mapping[int, str]
    layers: Mapping[str, nn.Module]
    info: Mapping[str, Mapping[str, Any]]
    arrays: Mapping[str, "list[np.ndarray] | dict[str, np.ndarray]"]
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
