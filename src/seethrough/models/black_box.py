"""The door to black boxes: any function from a batch of pictures to a batch of answers.

It is given a NumPy array, float32 (N, H, W, C), of its own to do with as it likes: pixels 0…255 unless a preprocessing
is named, channels first where the input size says so, ``(3, 224, 224)``. It gives back an array (N, outputs), of NumPy,
torch, or plain lists. Nothing is known of its inside, so that what needs a gradient or a layer can't be had, and what
covers the picture and asks again can. A session of onnxruntime, for instance::

    session = onnxruntime.InferenceSession("net.onnx")
    net = st.open(lambda images: session.run(None, {"input": images})[0], input_size=(3, 224, 224), preprocessing="torch")
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeTensor

from seethrough.errors import InputRefused, NetworkRefused, UsageError, nearest
from seethrough.graph.untouched import same_chance
from seethrough.images import USUAL, Preprocessing, preprocessing_named
from seethrough.models.files import as_path, fingerprint, refuse_no_file
from seethrough.models.opened import Opened, Said
from seethrough.models.preprocessing import for_channels
from seethrough.results import Note

PICTURE_CHANNELS = (1, 3, 4)

ASSUMED_SIDE = 224
"""Height and width in pixels of what a function is given where nobody says how large it wants its pictures."""

Function = Callable[[np.ndarray], Any]


class BlackBox(nn.Module):
    """A function as something that is called on a batch of tensors.

    Parameters
    ----------
    function
        From float32 (N, H, W, C), or (N, C, H, W), to an array (N, outputs).
    name
        What a message calls it.
    """

    def __init__(self, function: Function, name: str) -> None:
        super().__init__()
        self.function, self.name = function, name

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Its answers, float32 (N, outputs, …), without a gradient.

        Raises
        ------
        NetworkRefused
            Asked on tensors without data: a function can't be written down.
        UsageError
            It raised, or gave something else than a row of numbers for each image.
        """
        if isinstance(images, FakeTensor):
            raise NetworkRefused(f"{self.name} is a function, whose inside can't be seen")
        given = np.array(images.detach().cpu().numpy(), np.float32, order="C")
        try:
            answered = self.function(given)
        except Exception as error:  # it is the person's own code
            raise UsageError(
                f"{self.name} raised {_told(error, _file_of(self.function))} on a batch of shape {given.shape}."
            ) from error
        return self._rows(answered, len(images)).to(images.device)

    def _rows(self, answered: Any, number: int) -> torch.Tensor:
        wanted = f"give an array of shape ({number}, outputs), a row for each image"
        if isinstance(answered, dict | tuple):
            keys = f" with the keys {', '.join(map(repr, answered))}" if isinstance(answered, dict) else ""
            raise UsageError(f"{self.name} returned a {type(answered).__name__}{keys}; {wanted}.")
        try:
            rows = np.asarray(_on_the_cpu(answered))
        except (ValueError, TypeError, RuntimeError) as error:  # ragged lists, tensors of a kind that NumPy lacks
            raise UsageError(
                f"{self.name} returned {type(answered).__name__}, no array of numbers; {wanted}."
            ) from error
        if rows.dtype.kind not in "fiub":
            raise UsageError(f"{self.name} returned {type(answered).__name__}, no array of numbers; {wanted}.")
        if rows.ndim == 0 or len(rows) != number or rows.size == 0:
            what = "one number" if rows.ndim == 0 else f"an array of shape {rows.shape}"
            raise UsageError(f"{self.name} returned {what} for {number} image{'s' * (number != 1)}; {wanted}.")
        rows = rows.reshape(number, 1) if rows.ndim == 1 else rows
        return torch.from_numpy(rows.astype(np.float32))


def _on_the_cpu(answered: Any) -> Any:
    if isinstance(answered, torch.Tensor):
        return answered.detach().float().cpu()
    return [_on_the_cpu(row) for row in answered] if isinstance(answered, list) else answered


def _told(error: BaseException, file: str | None) -> str:
    """What was raised, where in the person's file, and what it says; in one line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}{where}{f' ({said})' if said else ''}"


def _file_of(function: Function) -> str | None:
    """The file that a function, or the method by which an object is called, stands in."""
    written = inspect.unwrap(function) if hasattr(function, "__code__") else type(function).__call__
    code = getattr(written, "__code__", None)
    return None if code is None else code.co_filename


def open_function(
    function: Function,
    said: Said,
    *,
    source: str | None = None,
    weights: str = "live",
    provenance: dict[str, Any] | None = None,
) -> Opened:
    """Open any function on batches of pictures.

    It is asked twice about two grey images, so that what is wrong with it, and whether it answers the same twice, is
    known before the first picture.

    Raises
    ------
    UsageError
        It raises, gives no row of numbers for each image, or other numbers of outputs for one image and for two.
    """
    name = source or f"{getattr(function, '__qualname__', type(function).__name__)} (function)"
    size, layout, notes = _input(said)
    module = BlackBox(function, name)
    opened = Opened(
        module=module,
        source=name,
        framework="function",
        layout=layout,
        input_size=size,
        weights=weights,
        classes=said.named(),
        preprocessing=_preprocessing(said, size, layout),
        paths={},
        layers={},
        info={},
        arrays={},
        output=said.output,
        task=said.task,
        provenance=provenance or {},
    )
    return replace(opened, notes=(*notes, *_tried(module, size)))


def _input(said: Said) -> tuple[tuple[int, ...], str, tuple[Note, ...]]:
    """Shape and layout of one input, and a note where they were assumed."""
    if said.input_size is None:
        size, note = (ASSUMED_SIDE, ASSUMED_SIDE, 3), Note("assumed_input_size", "info", {"side": ASSUMED_SIDE})
        return size, "channels_last", (note,)
    size = said.size("channels_last") or ()
    first = len(size) == 3 and size[0] in PICTURE_CHANNELS and size[2] not in PICTURE_CHANNELS
    return size, "channels_first" if first else "channels_last", ()


def _preprocessing(said: Said, size: tuple[int, ...], layout: str) -> Preprocessing:
    assumed = replace(USUAL["raw"], assumed=True)
    named = assumed if said.preprocessing is None else preprocessing_named(said.preprocessing)
    found = for_channels(named, size[0] if layout == "channels_first" else size[-1])
    return named if found is None else found


def _tried(module: BlackBox, size: tuple[int, ...]) -> tuple[Note, ...]:
    grey = torch.full((2, *size), 127.0)
    with same_chance():
        first, second, alone = module(grey), module(grey), module(grey[:1])
    if not first.shape[1:] == second.shape[1:] == alone.shape[1:]:
        shapes = f"{tuple(first.shape[1:])} outputs an image for two and {tuple(alone.shape[1:])} for one"
        raise UsageError(f"{module.name} gives {shapes}; give as many for each image, however many there are.")
    difference = (first - second).abs().nan_to_num().max().item()
    return (Note("answers_vary", "warning", {"difference": difference}),) if difference > 0 else ()


def open_function_file(named: str, said: Said) -> Opened:
    """Open a function in a file of Python, ``"black_box.py:predict"``. Naming it is what lets that file run.

    Modules beside the file can be imported by it. A torch module or Keras model of that name is opened as such.

    Raises
    ------
    InputRefused
        There is no such file.
    UsageError
        The file raises, or has no function of that name; and as for `open_function`.
    """
    file, _, wanted = named.rpartition(":")
    path = as_path(file)
    refuse_no_file(path)
    found = _function_in(_imported(path), wanted, path)
    record = {"file_sha256": fingerprint(path)}
    if isinstance(found, nn.Module):
        from seethrough.models.keras import is_keras_model, open_live_keras
        from seethrough.models.torch import open_live_torch

        if is_keras_model(found):
            return open_live_keras(found, said)
        return open_live_torch(found, said, source=named, provenance=record)
    return open_function(found, said, source=f"{path.name}:{wanted}", weights=path.name, provenance=record)


def _imported(path: Path) -> ModuleType:
    """The file, run as a module; its folder is where it may import from, after all others."""
    folder, name = str(path.resolve().parent), f"seethrough_black_box_{path.stem}"
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputRefused(f"{str(path)!r} isn't a file of Python; name one such as black_box.py:predict.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UsageError(f"{str(path)!r} is no Python at line {error.lineno} ({error.msg}).") from error
    except (Exception, SystemExit) as error:  # it is the person's own code, which may end the process at its end
        raise UsageError(f"{str(path)!r} can't be imported: {_told(error, str(path))}.") from error
    return module


def _function_in(module: ModuleType, wanted: str, path: Path) -> Function:
    own = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    found = getattr(module, wanted, None)
    if found is None:
        there = f" It has: {', '.join(own) or 'no function'}."
        raise UsageError(f"{str(path)!r} has no function {wanted!r}.{nearest(wanted, own) or there}")
    if not callable(found):
        raise UsageError(f"{wanted!r} in {str(path)!r} is {type(found).__name__}, no function on batches of pictures.")
    return found
