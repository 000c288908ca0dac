"""Given: what a person hands to a network of several inputs, taken apart into the images and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seethrough.errors import InputRefused, UsageError, nearest
from seethrough.images import is_ready, load_pictures, prepare
from seethrough.models.inputs import Input
from seethrough.models.opened import Opened


def apart(opened: Opened, given: Any) -> tuple[Any, Mapping[str, Any]]:
    """The images, and what stands beside them by name.

    Parameters
    ----------
    given
        For a network of one input the images themselves; for one of several a mapping with all of them by name:
        ``{"image": "leopard.jpg", "metadata": [[0.3, 1.0]]}``.

    Raises
    ------
    UsageError
        An input that is missing, or that the network doesn't have.
    """
    names = list(opened.inputs)
    if not isinstance(given, Mapping):
        if len(names) > 1:
            form = ", ".join(f"{name!r}: …" for name in names)
            raise UsageError(f"{opened.source} takes {len(names)} inputs; give all of them by name: {{{form}}}.")
        return given, {}
    if not names:
        raise UsageError(
            f"{opened.source} was opened as a network of one input, so give the images alone; where it takes more, say "
            f"so when opening it, as input_size={{{', '.join(f'{str(name)!r}: …' for name in list(given)[:3])}}}."
        )
    for name in given:
        if name not in names:
            known = f" It takes: {', '.join(names)}."
            raise UsageError(f"{opened.source} has no input {name!r}.{nearest(str(name), names)}{known}")
    for name in names:
        if name not in given:
            raise UsageError(f"The input {name!r} of {opened.source} is missing; give it beside {next(iter(given))!r}.")
    return given[names[0]], {name: given[name] for name in names[1:]}


def beside(
    opened: Opened, given: Mapping[str, Any], number: int, device: torch.device, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """What stands beside so many images, ready for the network: a batch of each other input, in its own layout.

    A picture is prepared as the images are. Everything else is an array with a row for each image, or one row for all
    of them.

    Raises
    ------
    InputRefused
        No array of numbers, another shape, another number of rows, NaN or infinite numbers.
    """
    found = {name: _read(opened, name, opened.inputs[name], value) for name, value in given.items()}
    for name, tensor in found.items():
        if len(tensor) not in (1, number):
            raise InputRefused(
                f"The input {name!r} has {len(tensor)} rows for {number} image{'s' * (number != 1)}; give one for each, "
                "or one for all."
            )
    return {name: t.to(device, dtype if t.is_floating_point() else t.dtype) for name, t in found.items()}


def _read(opened: Opened, name: str, form: Input, given: Any) -> torch.Tensor:
    if form.is_picture and not is_ready(given):
        if opened.preprocessing is None:
            raise UsageError(
                f"Nothing says how {opened.source} wants the pictures of its input {name!r} prepared; say "
                "preprocessing='torch' or another when opening it, or give a ready tensor."
            )
        batch, _ = prepare(load_pictures(given), opened.preprocessing, form.shape, opened.layout)
        return batch
    tensor = _of_kind(name, _numbers(name, given), form.kind)
    _refuse_misshapen(opened, name, form, tensor)
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise InputRefused(f"The input {name!r} holds NaN or infinite numbers; look at how it was prepared.")
    return tensor


def _numbers(name: str, given: Any) -> torch.Tensor:
    """A tensor of its own: the person's is neither shared nor changed. Numbers that Python has are float."""
    if isinstance(given, torch.Tensor):
        return given.detach().clone()
    try:
        array = np.array(given)
        return torch.from_numpy(array if isinstance(given, np.ndarray) else array.astype(np.float64))
    except (TypeError, ValueError) as error:
        raise InputRefused(
            f"The input {name!r} is {type(given).__name__}, which is no array of numbers with a row for each image."
        ) from error


def _of_kind(name: str, tensor: torch.Tensor, kind: str | None) -> torch.Tensor:
    if kind is None or (kind == "float" and tensor.is_floating_point()):
        return tensor
    if kind == "float":
        return tensor.float()
    if tensor.is_floating_point() and not bool((tensor == tensor.round()).all()):
        raise InputRefused(f"The input {name!r} takes whole numbers ({kind}), and others were given.")
    return tensor.to(getattr(torch, kind))


def _refuse_misshapen(opened: Opened, name: str, form: Input, tensor: torch.Tensor) -> None:
    shape = tuple(tensor.shape)
    if form.shape is None and shape:
        return
    wants = f"(N, {', '.join(map(str, form.shape))})" if form.shape else "(N,)"
    if not shape or (form.shape and shape == form.shape):
        raise InputRefused(
            f"The input {name!r} has the shape {shape}, without an axis for the images; {opened.source} wants {wants}."
        )
    if shape[1:] != form.shape:
        raise InputRefused(f"The input {name!r} has the shape {shape}; {opened.source} wants {wants}.")
    if 0 in shape:
        raise InputRefused(f"The input {name!r} of shape {shape} is empty.")
