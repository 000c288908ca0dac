"""The network a person holds: what `open` returns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn as nn

from seethrough.errors import NetworkRefused, UsageError
from seethrough.graph.execute import execute
from seethrough.graph.graph import Graph
from seethrough.graph.source import GraphSource, state_of
from seethrough.graph.untouched import same_chance
from seethrough.images import Fitted, Geometry, batch_of, check_ready, is_ready, load_pictures, pictures_of, prepare
from seethrough.models.answers import prediction
from seethrough.models.given import apart, beside
from seethrough.models.open import open_model
from seethrough.models.opened import Opened, Preprocessing
from seethrough.results import Note, Picture, Prediction

if TYPE_CHECKING:
    from seethrough.anatomy import Summary
    from seethrough.anatomy.findings import Check
    from seethrough.anatomy.largest_batch import LargestBatch
    from seethrough.anatomy.memory import MemoryUse, Trial

CHANCE = "seed_generator_state"
"""How the names end of what Keras' random layers draw from: no weight, and another one in every process."""


@dataclass(frozen=True)
class Prepared:
    """A batch on its way into the network.

    ``batch`` is (N, C, …) float on the network's device; ``pictures`` what will be drawn under the maps; ``geometries``
    the way back to their pixels; ``beside`` a batch of each other input by name, in the network's own layout, with N
    rows or one for all.
    """

    batch: torch.Tensor
    pictures: tuple[Picture, ...]
    geometries: tuple[Geometry, ...]
    notes: tuple[Note, ...] = ()
    beside: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def part(self, rows: slice) -> Prepared:
        """Some of its images, with what stands beside them."""
        beside = {name: t[rows] if len(t) > 1 else t for name, t in self.beside.items()}
        return replace(
            self, batch=self.batch[rows], pictures=self.pictures[rows], geometries=self.geometries[rows], beside=beside
        )


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, opened: to be looked at, asked and explained. The person's own module is never changed.

    Attributes
    ----------
    opened
        What the door that opened it knows.
    mode
        ``"inference"``, or ``"train"`` to look at it as in training.
    """

    opened: Opened
    mode: str = "inference"

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def module(self) -> nn.Module:
        """The person's own network."""
        return self.opened.module

    @property
    def layers(self) -> Mapping[str, nn.Module]:
        """From a layer's path to the live layer."""
        return self.opened.layers

    @property
    def layers_info(self) -> Mapping[str, Mapping[str, Any]]:
        """From a layer's path to its configuration: Keras' ``get_config()``, or the constructor's settings of a torch
        module.
        """
        return self.opened.info

    @property
    def layer_weights(self) -> Mapping[str, list[np.ndarray] | dict[str, np.ndarray]]:
        """From a layer's path to its weights: Keras' ``get_weights()``, or the state dict of a torch module, as
        arrays.
        """
        return self.opened.arrays

    @property
    def classes(self) -> tuple[str, ...] | None:
        """A name per output, or None."""
        return self.opened.classes

    @property
    def input_size(self) -> tuple[int, ...] | None:
        """Shape of one input in the network's own layout, without the batch; of several, of the one that is explained."""
        return self.opened.input_size

    @property
    def inputs(self) -> Mapping[str, tuple[int, ...] | None]:
        """From the name of each input (``""`` for a single one) to its shape, without the batch: first the one that is
        explained, then those beside it.
        """
        named = {name: one.shape for name, one in self.opened.inputs.items()}
        return named or {"": self.input_size}

    def summary(self, **options: Any) -> Summary:
        """Its layers as a tree: output shapes, parameters, multiply-accumulates, receptive fields. Nothing is computed
        or allocated.

        Options are those of `seethrough.anatomy.summarize`.
        """
        from seethrough.anatomy import summarize

        graph, why_not = None, None
        try:
            graph = self.graph(so_far=True)
        except (NetworkRefused, UsageError) as error:
            why_not = str(error)
        return summarize(self.opened, graph, why_not=why_not, **options)

    def check(
        self,
        *,
        frozen: str | Sequence[str] = (),
        trainable: str | Sequence[str] = (),
        input: str | int | Sequence[int] | None = None,
        outputs: int | None = None,
        classes: str | Path | Sequence[str] | Mapping[Any, Any] | None = None,
    ) -> Check:
        """What was meant against what is: which layers train, shapes in and out, and what goes without saying (weights
        are numbers, every layer is used).

        Parameters
        ----------
        frozen, trainable
            Patterns of layers' paths that are meant to be frozen, or to train; one that names a layer names all inside
            of it.
        input
            Shape of one input in the network's own layout: ``(224, 224, 3)``, ``"224x224x3"``, or the side of a square.
        outputs
            How many outputs are meant.
        classes
            Names of the outputs, as for `open`.

        Returns
        -------
        Check
            ``.passed`` says whether all is as meant; ``.findings`` what isn't, each with the layers and numbers.
        """
        from seethrough.anatomy.check import check
        from seethrough.models.labels import read_classes

        return check(
            self.opened,
            self.source,
            dtype=self._dtype,
            device=self._device,
            frozen=frozen,
            trainable=trainable,
            input_size=input,
            outputs=outputs,
            classes=None if classes is None else read_classes(classes),
        )

    def training_memory(
        self,
        batch: int = 32,
        *,
        optimizer: str = "adam",
        precision: str = "float32",
        checkpointing: str | Sequence[str] | None = None,
    ) -> MemoryUse:
        """What one step of training takes of memory, by purpose and layer by layer. Nothing is computed or allocated.

        Parameters
        ----------
        batch
            Inputs at once.
        optimizer, precision, checkpointing
            As for `seethrough.anatomy.memory.training`.
        """
        return self._training(optimizer, precision, checkpointing).at(batch)

    def largest_batch(
        self,
        limit: str | int,
        *,
        optimizer: str = "adam",
        precision: str = "float32",
        checkpointing: str | Sequence[str] | None = None,
    ) -> LargestBatch:
        """How many inputs at once it can be trained on within a memory: ``"24GB"``, ``"24GiB"``, or bytes.

        Other parameters are those of `training_memory`.
        """
        from seethrough.anatomy.largest_batch import largest_batch

        return largest_batch(self._training(optimizer, precision, checkpointing), limit)

    def inference_memory(self, batch: int = 1, *, precision: str = "float32") -> MemoryUse:
        """What running it on a batch takes of memory, without gradients. Nothing is computed or allocated."""
        from seethrough.anatomy.memory import inference

        return inference(self.opened, self.source.call, self._examples(), precision=precision).at(batch)

    def _training(self, optimizer: str, precision: str, checkpointing: str | Sequence[str] | None) -> Trial:
        from seethrough.anatomy.memory import training

        in_training = replace(self, mode="train").source
        return training(
            self.opened,
            in_training.call,
            self._examples(),
            optimizer=optimizer,
            precision=precision,
            checkpointing=checkpointing,
        )

    def _examples(self) -> tuple[torch.Tensor, ...]:
        """A batch of one of each input, of which only the form counts, in the network's own layout."""
        shapes = {**self.inputs, next(iter(self.inputs)): self.input_size}
        for name, shape in shapes.items():
            if shape is None:
                one = f"{name!r}, an input of {self.opened.source}," if name else f"the input of {self.opened.source}"
                raise UsageError(f"Nothing says how large {one} is; say input_size=(3, 224, 224), for instance.")
        kinds = [one.kind for one in self.opened.inputs.values()] or [None]
        return tuple(
            torch.zeros((1, *(shape or ())), dtype=self._type(kind), device=self._device)
            for kind, shape in zip(kinds, shapes.values())
        )

    def _type(self, kind: str | None) -> torch.dtype:
        """What an input's numbers are."""
        return self._dtype if kind in (None, "float") else getattr(torch, kind)

    def graph(self, *, so_far: bool = False) -> Graph:
        """The network written down for its input size.

        Parameters
        ----------
        so_far
            Where it can't be written down to its end, take what can be, only to be read: ``graph.ended`` says where and
            why it ends.

        Raises
        ------
        UsageError
            Where nobody knows the input size; where there is no output of the name that was asked for.
        NetworkRefused
            Where it can't be written down for any batch size; with ``so_far``, where not even its beginning can.
        """
        images = self.source.internal(self._examples()[0])
        try:
            return self.source.written(images)
        except NetworkRefused as refused:
            if not so_far:
                raise
            try:
                return self.source.written_so_far(images)
            except NetworkRefused:
                raise refused from None

    @cached_property
    def source(self) -> GraphSource:
        """Where its graphs come from."""
        opened, training = self.opened, self.mode == "train"
        call: Callable[..., Any] = opened.call or opened.module
        if opened.framework == "keras":
            call = partial(call, training=training)
        several = len(opened.inputs) > 1 and None not in self.inputs.values()
        return GraphSource(
            opened.module,
            call,
            opened.paths,
            layout=opened.layout,
            training=training,
            output=opened.output,
            inputs=tuple(self.inputs),
            forms=self._examples()[1:] if several else (),
        )

    def source_of(self, prepared: Prepared) -> GraphSource:
        """Where its graphs come from, with what stands beside these images."""
        return self.source.beside(prepared.beside) if prepared.beside else self.source

    @property
    def fingerprint(self) -> str:
        """The first 16 digits of the SHA-256 of its parameters and buffers by name: two networks with the same have the
        same weights.
        """
        state = state_of(self.module)
        if self._fingerprints.get("state") != state:
            self._fingerprints.update(state=state, digits=_fingerprint(self.module))
        return str(self._fingerprints["digits"])

    @cached_property
    def _fingerprints(self) -> dict[str, int | str]:
        """The last fingerprint taken, and the state of the network it was taken in."""
        return {}

    # --- what it says -------------------------------------------------------------------------------------------------

    def prepare(self, images: Any) -> Prepared:
        """Pictures, or ready tensors, as the network takes them.

        Parameters
        ----------
        images
            A path, a PIL image, a uint8 array (H, W, 3), a list of such; or a batch of floating point numbers in the
            network's own layout. For a network of several inputs a mapping with each of them by name: ``{"image":
            "leopard.jpg", "metadata": [[0.3, 1.0]]}``; what isn't explained has a row for each image, or one for all.

        Raises
        ------
        UsageError
            Where nobody knows the preprocessing or the input size; an input that is missing, or that there isn't.
        InputRefused
            A picture that can't be read, a tensor that can't fit.
        """
        opened = self.opened
        images, others = apart(opened, images)
        if is_ready(images):
            batch, notes = check_ready(images, opened.preprocessing, opened.input_size, opened.layout)
            pictures = _drawn(batch, opened)
            geometries = tuple(Geometry.same(p.size) for p in pictures)
        else:
            pictures = load_pictures(images)
            preprocessing = self.preparing()
            batch, geometries = prepare(pictures, preprocessing, opened.input_size, opened.layout)
            notes = self._preparation_notes(n for p in pictures for n in p.notes)
        batch = self.source.internal(batch.to(self._device, self._dtype))
        held = beside(opened, others, len(batch), self._device, self._dtype)
        return Prepared(batch, pictures, geometries, notes, held)

    def prepare_fitted(
        self, fitted: Sequence[Fitted], pictures: Sequence[Picture], notes: Iterable[Note] = ()
    ) -> Prepared:
        """What `prepare` makes of pictures that were read and fitted elsewhere, number by number the same.

        Parameters
        ----------
        fitted
            By `seethrough.images.fitted`, for `preparing` and this network's size.
        pictures
            Those that they were; what will be drawn.
        notes
            What decoding did.
        """
        apart(self.opened, fitted)  # of several inputs none can be left out
        batch, geometries = batch_of(fitted, self.preparing(), self.opened.layout)
        batch = self.source.internal(batch.to(self._device, self._dtype))
        return Prepared(batch, tuple(pictures), geometries, self._preparation_notes(notes))

    def preparing(self) -> Preprocessing:
        """How it wants its pictures prepared.

        Raises
        ------
        UsageError
            Where nobody knows.
        """
        if self.opened.preprocessing is None:
            raise UsageError(
                f"Nothing says how {self.opened.source} wants its pictures prepared. Say preprocessing='caffe' (0…255 "
                "BGR, mean taken off), 'tf' (−1…1), 'torch' (0…1, ImageNet's mean and deviation) or 'unit' (0…1) "
                "when opening it, or give ready tensors."
            )
        return self.opened.preprocessing

    def _preparation_notes(self, decoding: Iterable[Note]) -> tuple[Note, ...]:
        """What decoding did, and whether the preprocessing is a guess."""
        preprocessing = self.preparing()
        if not preprocessing.assumed:
            return tuple(decoding)
        return (*decoding, Note("assumed_preprocessing", "warning", {"preprocessing": preprocessing.name}))

    def predict(self, images: Any) -> Prediction:
        """What it answers to some images.

        Parameters
        ----------
        images
            As for `prepare`.

        Returns
        -------
        Prediction
            ``predict(…).top(5)`` are the five strongest answers.
        """
        from seethrough.anatomy.running import told

        prepared = self.prepare(images)
        source = self.source_of(prepared)
        with told(self.opened, source, prepared.batch):
            graph = source.proved(prepared.batch)
            place = graph.output
            with same_chance():
                found = execute(graph, source.given(graph, prepared.batch), [place.value])
        return self.answers(graph, place.of(found[place.value]), prepared)

    def answers(self, graph: Graph, output: torch.Tensor, prepared: Prepared) -> Prediction:
        """What a graph gave for some images, (N, outputs, …), as a prediction; of outputs with places, their mean over
        the places.
        """
        names = tuple(p.name for p in prepared.pictures)
        return prediction(self.opened, graph, output, names, self.opened.notes + prepared.notes, self.provenance)

    @property
    def black(self) -> torch.Tensor | None:
        """A black picture as the network sees it, (1, C, 1, 1); None where nobody knows the preprocessing."""
        return self._of_one_colour(0)

    @property
    def white(self) -> torch.Tensor | None:
        """A white picture as the network sees it, (1, C, 1, 1); None where nobody knows the preprocessing."""
        return self._of_one_colour(255)

    def _of_one_colour(self, pixel: float) -> torch.Tensor | None:
        preprocessing = self.opened.preprocessing
        if preprocessing is None:
            return None
        mean, std = (np.asarray(given, np.float32) for given in (preprocessing.mean, preprocessing.std))
        channels = len(preprocessing.channels)
        seen = (pixel * preprocessing.scale - mean) / std
        return torch.from_numpy(np.broadcast_to(seen, (channels,)).copy()).reshape(1, channels, 1, 1)

    @property
    def provenance(self) -> dict[str, Any]:
        """What rebuilds it: source, weights, fingerprint, inputs, output, task, preprocessing."""
        from seethrough import __version__

        preprocessing = self.opened.preprocessing
        return {
            "network": self.opened.source,
            "weights": self.opened.weights,
            "fingerprint": self.fingerprint,
            "input_size": self.input_size,
            **({"inputs": dict(self.inputs)} if len(self.inputs) > 1 else {}),
            "output": self.opened.output,
            "task": self.opened.task,
            "preprocessing": None if preprocessing is None else preprocessing.in_words(),
            "mode": self.mode,
            "versions": {"seethrough": __version__, "torch": torch.__version__},
        }

    @property
    def _device(self) -> torch.device:
        return next((t.device for t in (*self.module.parameters(), *self.module.buffers())), torch.device("cpu"))

    @property
    def _dtype(self) -> torch.dtype:
        return next((t.dtype for t in self.module.parameters() if t.is_floating_point()), torch.float32)


def open(
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
    mode: str = "inference",
) -> Network:
    """Open a network.

    Parameters
    ----------
    source
        ``"keras:VGG16"``, ``"torchvision:resnet50"``, ``"timm:convnext_tiny"``, ``"hf:google/vit-base-patch16-224"``,
        ``"demo:leopards"``; a path (.keras, .h5, .onnx, .safetensors, .pt, a Hugging Face folder),
        ``"file.py:function"``; a torch module, a Keras model, or any function on batches of images.
    weights
        For a network by name: ``"imagenet"``, a file, or None for random ones; None never downloads.
    architecture
        For a file of weights: ``"package.module:function"``, or the function, class or module itself.
    input_size
        Shape of one input in the network's own layout, (C, H, W) or (H, W, C), or one number for a square RGB picture;
        not needed where the source knows it. Of several inputs a mapping from name to shape, which may end with what
        the numbers are (``{"image": (3, 64, 64), "words": (16, "int64")}``), or a list of shapes by position; the first
        with the shape of a picture is explained, the others are held as they are given.
    classes
        A name per output: ``"imagenet"``, a list, a mapping, or a file of either.
    preprocessing
        ``"caffe"``, ``"tf"``, ``"torch"``, ``"unit"``, ``"raw"``, or a mapping; not needed where the source knows it.
    output
        Which of several outputs is meant, by its key, field or position: ``"logits"``, ``"0"``; by default ``logits``
        where there is one, else the first.
    task
        What the outputs are, where the source doesn't say: ``"classification"``, ``"segmentation"``, ``"detection"``,
        ``"embedding"``, ``"regression"``.
    allow_code
        Let a file run code when opened: a pickled module, TorchScript, Keras Lambda and custom classes.
    mode
        ``"inference"``, or ``"train"`` to look at it as in training.

    Returns
    -------
    Network

    Raises
    ------
    UsageError
        An unknown name or setting.
    InputRefused
        A file that can't be read or isn't safe to open.
    EnvironmentLacks
        A door whose library isn't installed.
    """
    said = {
        "weights": weights,
        "architecture": architecture,
        "input_size": input_size,
        "classes": classes,
        "preprocessing": preprocessing,
        "output": output,
        "task": task,
    }
    if mode not in ("inference", "train"):
        raise UsageError(f"mode is 'inference' or 'train', not {mode!r}.")
    if isinstance(source, Network):
        useless = ", ".join(f"{key}={value!r}" for key, value in said.items() if value is not None)
        if useless or mode != "inference":
            raise UsageError(
                f"{source.opened.source} is already open, so {useless or f'mode={mode!r}'} says nothing; say it when "
                "opening."
            )
        return source
    return Network(open_model(source, **said, allow_code=allow_code), mode)


def _fingerprint(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if isinstance(tensor, torch.Tensor) and not name.endswith(CHANCE):
            numbers = tensor.detach().cpu().contiguous().flatten()
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(numbers.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _drawn(batch: torch.Tensor, opened: Opened) -> tuple[Picture, ...]:
    """What is drawn under a map where only numbers were given."""
    if batch.dim() == 4:
        return pictures_of(batch, opened.preprocessing, opened.layout)
    flat = batch.reshape(len(batch), 1, 1, -1) if batch.dim() == 2 else batch.mean(1).reshape(len(batch), 1, 1, -1)
    return pictures_of(flat, None, "channels_first")


def as_network(source: Network | Any) -> Network:
    """A network, opened if it isn't yet."""
    return source if isinstance(source, Network) else open(source)


__all__ = ["Network", "Prepared", "as_network", "open"]
