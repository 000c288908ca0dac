"""In order: the gradient of a batch normalisation of one image, which PyTorch gets wrong on the processor where the
strides of what arrives are ambiguous.

With one image, a gradient that comes from tokens (``norm(x).flatten(2).transpose(1, 2)``) counts as channels last and
has the stride of another axis where the batch is. The kernel of batch normalisation, and of instance normalisation which
runs on it, then goes through input and gradient in different orders: the output is right and the gradient is off by as
much as it is large, in EfficientFormer, CvT, Next-ViT and whoever else makes tokens so. The same gradient under strides
that say what its memory format is gives the right numbers. So that is what arrives here, in our graphs and in the
networks that they are proved against.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def in_order(gradient: torch.Tensor) -> torch.Tensor:
    """The same gradient, its axes of one place under the strides that its memory format gives them; nothing is copied."""
    if 1 not in gradient.shape:
        return gradient
    for memory_format in (torch.contiguous_format, _FORMATS.get(gradient.dim())):
        if memory_format is not None and gradient.is_contiguous(memory_format=memory_format):
            form = torch.empty(gradient.shape, device="meta", memory_format=memory_format)
            return gradient.as_strided(form.shape, form.stride())
    return gradient


def receives_in_order(normalised: torch.Tensor) -> torch.Tensor:
    """A tensor whose gradient is put in order before it is walked further down; gives the tensor."""
    if normalised.requires_grad:
        normalised.register_hook(in_order)
    return normalised


def receives_in_rows(normalised: torch.Tensor) -> torch.Tensor:
    """The same for instance normalisation, which hands on what arrives as one image of all channels: row by row."""
    if normalised.requires_grad:
        normalised.register_hook(lambda gradient: in_order(gradient.contiguous()))
    return normalised


class GradientsInOrder(TorchFunctionMode):
    """While a network runs under this, its normalisations receive their gradients in order."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.batch_norm:
            return receives_in_order(result)
        if func is F.instance_norm:
            return receives_in_rows(result)
        return result
