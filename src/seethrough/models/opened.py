"""What a door hands over: a network and all that its source knows of it, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn as nn

from seethrough.errors import UsageError, nearest
from seethrough.images import Preprocessing
from seethrough.models.inputs import Input, are_several, explained_first, inputs_said
from seethrough.models.labels import read_classes
from seethrough.results import Note

__all__ = ["NOTHING", "TASKS", "Input", "Known", "Opened", "Preprocessing", "Said"]

TASKS = ("classification", "segmentation", "detection", "embedding", "regression")
"""What a network's outputs may be: scores of classes, scores of classes at each place, boxes, a vector to be compared
with others, quantities.
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What the person said about a network beside naming it; each None where nothing was said.

    Attributes
    ----------
    input_size
        Shape of one input in the network's own layout, or one number for a square RGB picture; of several inputs, a
        mapping from name to shape, or a list of shapes.
    classes
        Names of the outputs, in any way that `read_classes` takes.
    preprocessing
        In any way that `preprocessing_named` takes.
    output
        Which of several outputs is meant, by its key, field or position: ``"logits"``, ``"0"``.
    task
        What the outputs are, one of `TASKS`.
    """

    input_size: int | Sequence[Any] | Mapping[str, Sequence[Any]] | None = None
    classes: str | Path | Sequence[str] | Mapping[Any, Any] | None = None
    preprocessing: str | Mapping[str, Any] | Preprocessing | None = None
    output: str | None = None
    task: str | None = None

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UsageError(
                f"There is no task {self.task!r}.{nearest(self.task, TASKS)} There are: {', '.join(TASKS)}."
            )

    def size(self, layout: str) -> tuple[int, ...] | None:
        """The size, in a layout, of the input that is explained, checked."""
        if self.input_size is None:
            return None
        if are_several(self.input_size):
            return next(iter(explained_first(self.inputs()).values())).shape
        if isinstance(self.input_size, int):
            side = self.input_size
            sizes: tuple[Any, ...] = (3, side, side) if layout == "channels_first" else (side, side, 3)
        else:
            sizes = tuple(self.input_size)
        if not sizes or not all(isinstance(side, int) and side > 0 for side in sizes):
            example = "(3, 224, 224)" if layout == "channels_first" else "(224, 224, 3)"
            raise UsageError(
                f"An input size is whole numbers above 0, such as {example} or 224; this is {self.input_size!r}."
            )
        return sizes

    def inputs(self) -> dict[str, Input]:
        """The inputs by name, or by position, in the order they were said; none where one input was spoken of, or
        nothing was said.
        """
        said = self.input_size
        return inputs_said(said) if isinstance(said, Mapping | Sequence) and are_several(said) else {}

    def named(self) -> tuple[str, ...] | None:
        """The names of the outputs, read."""
        return None if self.classes is None else read_classes(self.classes)


@dataclass(frozen=True, slots=True)
class Known:
    """What a source knows of a network that it names, as in `Opened`; what the person said goes before it.

    Attributes
    ----------
    input_size
        What the network is for when nothing else is said; `preprocessing` belongs to this size.
    """

    input_size: tuple[int, ...] | None = None
    classes: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    output: str | None = None
    task: str | None = None


NOTHING = Known()
"""What is known of a person's own module."""


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
        Shape of one input in that layout, without the batch; None where neither the source nor the person said it. Of
        several inputs, that of the one that is explained.
    weights
        ``"imagenet"``, ``"random"``, ``"live"`` (the person's own object) or the file they come from.
    classes
        A name per output, or None.
    preprocessing
        How pictures become inputs; None where nobody knows (ready tensors still go).
    paths
        From module (by identity: ``id(module)``) to the path a person uses: ``"features.0"``, ``"block5_conv1"``,
        ``"outer/inner"`` for nested Keras models.
    layers
        From path to the live module or layer, in the framework's own order.
    info
        From layer path to its configuration (Keras' ``get_config()``; torch: the constructor's settings).
    arrays
        From layer path to its weights as NumPy arrays (Keras' ``get_weights()`` order, a list; torch: the module's own
        state dict, a dict).
    output
        Which of several outputs is meant; None for ``logits`` where there is one, else the first.
    task
        One of `TASKS`, where the source or the person said it; else None.
    inputs
        By name or position, where there are several or the one has a name: first the one that is explained, then those
        beside it.
    call
        Calls the network on a batch of each of its inputs, in the order of ``inputs``; None for the module itself.
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
    arrays: Mapping[str, list[np.ndarray] | dict[str, np.ndarray]]
    output: str | None = None
    task: str | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
