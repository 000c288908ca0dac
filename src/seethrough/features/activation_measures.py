"""Measures: what is told of every channel of a layer, whether or not its map is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.features.activation_ends import Ends


@dataclass(frozen=True, eq=False)
class Measures:
    """Numbers for each image and channel, (N, C) each, over all places of the channel.

    Attributes
    ----------
    strength
        float32, mean |value|: what channels are sorted by. Behind a rectifier it is the mean.
    mean, max, min
        float32, of the values.
    zeros
        float32 0…1, the share of exact zeros. Behind a rectifier what it holds back: the channel's sparsity.
    saturated
        float32 0…1, the share at an end of the layer's function (`Ends`); None where it has none.
    rim
        float32 0…1, how much of the sum of |value| lies on the outermost ring of places; None without height and width, or
        where all places are on it. A channel that is mostly rim answers to the padding and not to the picture.
    finite
        float32 0…1, the share that are finite numbers. Where it isn't 1 the others may be NaN.
    """

    strength: NDArray[np.float32]
    mean: NDArray[np.float32]
    max: NDArray[np.float32]
    min: NDArray[np.float32]
    zeros: NDArray[np.float32]
    saturated: NDArray[np.float32] | None
    rim: NDArray[np.float32] | None
    finite: NDArray[np.float32]

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Whether a channel is zero everywhere on an image, (N, C)."""
        return self.zeros == 1


def measure(values: Tensor, ends: Ends | None) -> Measures:
    """Measure the channels of a layer, an image at a time, so that little stands beside the values themselves.

    Parameters
    ----------
    values
        (N, C, …), or (N, C) for a layer without places.
    """
    return joined([_of_one(image[None], ends) for image in values])


def _of_one(values: Tensor, ends: Ends | None) -> Measures:
    """Of one image, (1, C, …)."""
    flat = values.reshape(1, values.shape[1], -1).float()
    least, mean = flat.amin(2), flat.mean(2)
    strength = mean if bool((least >= 0).all()) else flat.abs().mean(2)
    sound = bool(torch.isfinite(mean).all())  # a single number that isn't finite makes the mean so
    return Measures(
        strength=_array(strength),
        mean=_array(mean),
        max=_array(flat.amax(2)),
        min=_array(least),
        zeros=_share(flat == 0),
        saturated=_share(ends.reached(flat)) if ends is not None and ends.saturates else None,
        rim=_rim(values, strength),
        finite=np.ones(mean.shape, np.float32) if sound else _share(torch.isfinite(flat)),
    )


def joined(parts: Sequence[Measures]) -> Measures:
    """The measures of batches that followed each other."""

    def column(name: str) -> NDArray[np.float32] | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return Measures(**{f.name: column(f.name) for f in fields(Measures)})  # pyright: ignore[reportArgumentType]


def _rim(values: Tensor, strength: Tensor) -> NDArray[np.float32] | None:
    """From the four edges alone: their corners are counted once."""
    if values.dim() != 4 or min(values.shape[2:]) < 3:
        return None
    edges = (values[:, :, 0], values[:, :, -1], values[:, :, 1:-1, 0], values[:, :, 1:-1, -1])
    ring = torch.stack([edge.float().abs().sum(2) for edge in edges]).sum(0)
    whole = strength * (values.shape[2] * values.shape[3])
    return _array(torch.where(whole > 0, ring / whole, 0.0).clamp(0, 1))


def _share(marks: Tensor) -> NDArray[np.float32]:
    """How much of each channel's places is marked, of (1, C, places) truths; row by row, which NumPy counts fastest."""
    rows = marks[0].cpu().numpy()
    counts = np.array([[np.count_nonzero(row) for row in rows]])
    return (counts / max(1, rows.shape[1])).astype(np.float32)


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
