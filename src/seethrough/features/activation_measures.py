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
    """Measure the channels of a layer.

    Parameters
    ----------
    values
        (N, C, …), or (N, C) for a layer without places.
    """
    flat = values.reshape(*values.shape[:2], -1).float()
    saturated = _share(ends.reached(flat)) if ends is not None and ends.saturates else None
    return Measures(
        strength=_array(flat.abs().mean(2)),
        mean=_array(flat.mean(2)),
        max=_array(flat.amax(2)),
        min=_array(flat.amin(2)),
        zeros=_share(flat == 0),
        saturated=saturated,
        rim=_rim(values),
        finite=_share(torch.isfinite(flat)),
    )


def joined(parts: Sequence[Measures]) -> Measures:
    """The measures of batches that followed each other."""

    def column(name: str) -> NDArray[np.float32] | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return Measures(**{f.name: column(f.name) for f in fields(Measures)})  # pyright: ignore[reportArgumentType]


def _rim(values: Tensor) -> NDArray[np.float32] | None:
    if values.dim() != 4 or min(values.shape[2:]) < 3:
        return None
    sizes = values.float().abs()
    whole, inside = sizes.sum((2, 3)), sizes[:, :, 1:-1, 1:-1].sum((2, 3))
    return _array(torch.where(whole > 0, (whole - inside) / whole, 0.0).clamp(0, 1))


def _share(marks: Tensor) -> NDArray[np.float32]:
    return _array(marks.float().mean(2))


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.cpu().numpy()
