"""Ready tensors: a batch that a person prepared already, held against what the network can take.

What can't run (channels in the wrong place, no batch axis, NaN) is refused. What runs but can't be meant (0…255 where
−1…1 was trained on) is a note, because a person may well explore it on purpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from seethrough.errors import InputRefused, UsageError
from seethrough.images.preprocessing import Preprocessing
from seethrough.results import Note, Picture

PICTURE_CHANNELS = (1, 3, 4)


def is_ready(source: Any) -> bool:
    """Whether this is a tensor for the network itself rather than a picture: any torch tensor, or an array that isn't
    uint8.
    """
    return isinstance(source, torch.Tensor) or (isinstance(source, np.ndarray) and source.dtype != np.uint8)


def check_ready(
    source: torch.Tensor | np.ndarray,
    preprocessing: Preprocessing | None,
    input_size: tuple[int, ...] | None,
    layout: str,
) -> tuple[torch.Tensor, tuple[Note, ...]]:
    """A ready batch as the network takes it, with a note where its numbers can't be what the network was trained on.

    Parameters
    ----------
    source
        Floating point (N, C, H, W) or (N, H, W, C), in the network's own layout.

    Returns
    -------
    batch
        float64 where it was given so, else float32; a tensor of its own: the person's is neither shared nor changed.
    notes
        ``range_does_not_fit`` with ``low`` and ``high`` as given, ``expected_low`` and ``expected_high``, and
        ``looks_like``: ``"0…255"``, ``"0…1"``, ``"-1…1"`` or ``"other"``.

    Raises
    ------
    InputRefused
        No batch axis, no floating point numbers, channels in the other place, another number of channels, NaN or
        infinite numbers.
    """
    if not isinstance(source, torch.Tensor) and source.dtype.kind not in "fiub":
        raise UsageError(f"A ready tensor holds floating point numbers; this one is {source.dtype}.")
    tensor = source.detach() if isinstance(source, torch.Tensor) else torch.from_numpy(np.array(source))
    _refuse_misshapen(tensor, input_size, layout)
    if not tensor.is_floating_point():
        raise InputRefused(
            "A ready tensor holds floating point numbers as the network wants them; this one is "
            f"{str(tensor.dtype).removeprefix('torch.')}. "
            "For pixels give a uint8 NumPy array (H, W, 3), or a list of such."
        )
    tensor = tensor.to(torch.float64 if tensor.dtype is torch.float64 else torch.float32, copy=True)
    if not bool(torch.isfinite(tensor).all()):
        raise InputRefused("The ready tensor holds NaN or infinite numbers; look at how it was prepared.")
    return tensor, _range_notes(tensor, preprocessing)


def _refuse_misshapen(tensor: torch.Tensor, input_size: tuple[int, ...] | None, layout: str) -> None:
    shape = tuple(tensor.shape)
    wants = "(N, C, H, W)" if layout == "channels_first" else "(N, H, W, C)"
    rank = 4 if input_size is None else len(input_size) + 1
    if len(shape) == rank - 1:
        raise InputRefused(f"The ready tensor {shape} has no batch axis; the network wants {wants}. Give x[None].")
    if len(shape) != rank:
        raise InputRefused(
            f"The ready tensor has the shape {shape}; the network wants "
            f"{wants if rank == 4 else ('N', *(input_size or ()))}."
        )
    if 0 in shape:
        raise InputRefused(f"The ready tensor {shape} is empty.")
    if rank == 4:
        _refuse_channels(shape, input_size, layout)


def _refuse_channels(shape: tuple[int, ...], input_size: tuple[int, ...] | None, layout: str) -> None:
    here, there = (1, 3) if layout == "channels_first" else (3, 1)
    channels = None if input_size is None else input_size[here - 1]
    likely = (channels,) if channels else PICTURE_CHANNELS
    swapped = shape[here] not in likely and shape[there] in likely
    if swapped:
        wants, order = ("(N, C, H, W)", "0, 3, 1, 2") if layout == "channels_first" else ("(N, H, W, C)", "0, 2, 3, 1")
        raise InputRefused(
            f"The ready tensor {shape} has its channels in another place than the network, which wants {wants}. Give "
            f"x.permute({order})."
        )
    if channels and shape[here] != channels:
        raise InputRefused(f"The ready tensor {shape} has {shape[here]} channels; the network wants {channels}.")


def _range_notes(tensor: torch.Tensor, preprocessing: Preprocessing | None) -> tuple[Note, ...]:
    low, high = float(tensor.min()), float(tensor.max())
    if preprocessing is None or low == high == 0:  # all zero is a baseline, not a picture
        return ()
    expected = preprocessing.interval
    if _could_be(low, high, expected):
        return ()
    given = {"low": low, "high": high, "looks_like": _looks_like(low, high)}
    wanted = {"expected_low": expected[0], "expected_high": expected[1]}
    return (Note("range_does_not_fit", "warning", {**given, **wanted}),)


def _could_be(low: float, high: float, expected: tuple[float, float]) -> bool:
    """Whether numbers from ``low`` to ``high`` could be a picture of a network that wants ``expected``.

    A quarter of the span beyond either end is let through (noise, resampling); so is any picture that fills a fiftieth
    of the span. A network that wants both signs and gets 0…1 was given pixels divided by 255.
    """
    span = expected[1] - expected[0]
    outside = low < expected[0] - span / 4 or high > expected[1] + span / 4
    shrunk = max(abs(low), abs(high)) < span / 50
    undivided = expected[0] < -0.5 and span < 50 and low >= 0 and high <= 1
    return not (outside or shrunk or undivided)


def _looks_like(low: float, high: float) -> str:
    if low >= 0:
        return "0…1" if high <= 1 else "0…255" if 2 < high <= 255 else "other"
    return "-1…1" if low >= -1 and high <= 1 else "other"


def pictures_of(batch: torch.Tensor, preprocessing: Preprocessing | None, layout: str) -> tuple[Picture, ...]:
    """Something to draw under a map where only a ready tensor was given: its numbers turned back into pixels.

    With a preprocessing its arithmetic is undone; without, or where that leaves 0…255, each image is stretched from its
    least to its greatest number (noted as ``stretched_to_pixels``). Channels beyond three, or two, are averaged to
    grey.
    """
    images = batch.detach().float().cpu().numpy()
    images = images.transpose(0, 2, 3, 1) if layout == "channels_first" else images
    return tuple(_picture_of(image, preprocessing, f"image {i}") for i, image in enumerate(images, 1))


def _picture_of(image: np.ndarray, preprocessing: Preprocessing | None, name: str) -> Picture:
    pixels, notes = None, (Note("picture_from_tensor"),)
    if preprocessing is not None and image.shape[2] == len(preprocessing.channels):
        undone = (image * np.asarray(preprocessing.std) + np.asarray(preprocessing.mean)) / preprocessing.scale
        pixels = undone[..., ::-1] if preprocessing.channels == "BGR" else undone
    if pixels is None or pixels.min() < -2 or pixels.max() > 257:
        low, high = float(image.min()), float(image.max())
        pixels = (image - low) * (255 / (high - low) if high > low else 0.0)
        notes = (*notes, Note("stretched_to_pixels", numbers={"low": low, "high": high}))
    if pixels.shape[2] != 3:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, axis=2)
    return Picture(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), name, notes)
