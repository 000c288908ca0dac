"""Segments: a picture in parts, each of which is covered or left as a whole — a grid, superpixels, or a person's own."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.graph.run import Run

Wanted = str | Tensor | np.ndarray
"""What a person may say for segments; see `segments_of`."""

KINDS = ("grid", "slic")

CELLS = 7
"""Cells along a side where nobody says how many."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Each picture in parts.

    Attributes
    ----------
    labels
        (1 or N, H, W), int64: the number of the segment that a pixel belongs to, from 0; N where each picture has its
        own.
    counts
        How many segments each of the N pictures has.
    key
        What they were made of, see `Masks.key`.
    """

    labels: Tensor
    counts: Sequence[int]
    key: Hashable

    def painted(self, values: Sequence[Tensor]) -> Tensor:
        """A number for each segment of each picture as a map, (N, H, W): every pixel has its segment's."""
        labels = self.labels.expand(len(values), -1, -1)
        return torch.stack([numbers[label] for numbers, label in zip(values, labels)])


def segments_of(run: Run, wanted: Wanted = "grid", cells: int | Sequence[int] = CELLS) -> Segments:
    """The run's pictures in parts.

    Parameters
    ----------
    wanted
        ``"grid"``: cells as equal as pixels allow; ``"slic"``: superpixels by SLIC (Achanta et al., 2012), about as many
        as the grid would have, of each picture its own (needs scikit-image); or whole numbers, (H, W) or (N, H, W), of
        the size of the network's input: one for each segment.
    cells
        Cells along each side, or (down, across); no more than there are pixels.

    Raises
    ------
    UsageError
        Numbers of another size, or that aren't whole; cells < 1.
    EnvironmentLacks
        Superpixels without scikit-image.
    """
    x = run.images
    size = (x.shape[2], x.shape[3])
    if isinstance(wanted, (Tensor, np.ndarray)):
        return _own(run, wanted)
    if wanted not in KINDS:
        raise UsageError(f"segments are one of {', '.join(KINDS)} or an array of whole numbers, not {wanted!r}.")
    along = cells_along(size, cells)
    if wanted == "grid":
        down, across = (torch.arange(n, device=x.device) * c // n for n, c in zip(size, along))
        labels = down[:, None] * along[1] + across
        return Segments(labels[None], [along[0] * along[1]] * len(x), ("grid", along))
    return run.once(("segments", "slic", along), lambda: _superpixels(x, along))


def cells_along(size: Sequence[int], cells: int | Sequence[int]) -> tuple[int, int]:
    """Cells down and across: no more than there are pixels.

    >>> cells_along((224, 3), 7)
    (7, 3)
    """
    pair = (cells, cells) if isinstance(cells, int) else tuple(cells) if isinstance(cells, Sequence) else ()
    if len(pair) != 2 or any(isinstance(c, bool) or not isinstance(c, int) or c < 1 for c in pair):
        raise UsageError(f"cells is a whole number ≥ 1, or two of them (down, across), not {cells!r}.")
    return min(pair[0], size[0]), min(pair[1], size[1])


def count_of(wanted: Wanted, cells: int | Sequence[int], size: Sequence[int]) -> int:
    """How many segments a picture will have; of superpixels about."""
    if isinstance(wanted, (Tensor, np.ndarray)):
        first = wanted if wanted.ndim == 2 else wanted[0]
        return len(np.unique(np.asarray(first)))
    along = cells_along(size, cells)
    return along[0] * along[1]


def _own(run: Run, wanted: Tensor | np.ndarray) -> Segments:
    """A person's own, whatever numbers they go by."""
    given = torch.as_tensor(wanted)
    images, _, *size = run.images.shape
    if given.is_floating_point() or given.is_complex():
        kind = str(given.dtype).removeprefix("torch.")
        raise UsageError(f"Segments are whole numbers, one for each part of the picture; these are {kind}.")
    if list(given.shape) not in (size, [1, *size], [images, *size]):
        raise UsageError(
            f"The segments have the shape {tuple(given.shape)}, and the network's input is {size[0]} × {size[1]}: give "
            "a number for each of its pixels."
        )
    found = [np.unique(one, return_inverse=True) for one in given.cpu().reshape(-1, *size).numpy()]
    labels = torch.stack([torch.as_tensor(inverse).reshape(*size) for _, inverse in found]).to(run.images.device)
    counts = [len(numbers) for numbers, _ in found]
    digest = hashlib.blake2b(labels.cpu().numpy().tobytes(), digest_size=16).hexdigest()
    return Segments(labels, counts * (images // len(counts)), ("own", tuple(labels.shape), digest))


def _superpixels(x: Tensor, along: tuple[int, int]) -> Segments:
    """By SLIC, on each picture stretched to 0…1; in Lab where it has three channels."""
    try:
        from skimage.segmentation import slic
    except ImportError:
        raise EnvironmentLacks(
            "segments='slic' needs scikit-image: pip install 'seethrough[data]', or use segments='grid'."
        ) from None
    each = []
    for picture in x.detach().double().cpu().numpy():
        low, high = picture.min(), picture.max()
        stretched = np.moveaxis((picture - low) / (high - low or 1), 0, -1)
        wanted = along[0] * along[1]
        labels = slic(stretched, wanted, channel_axis=-1, convert2lab=len(picture) == 3, start_label=0)
        each.append(np.unique(labels, return_inverse=True)[1].reshape(labels.shape))
    labels = torch.from_numpy(np.stack(each)).to(x.device)
    return Segments(labels, [int(one.max()) + 1 for one in each], ("slic", along))
