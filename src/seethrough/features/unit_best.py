"""The best pictures of each unit: the k largest numbers of each channel, kept while rows pass by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOBODY = -1
"""Stands where there are fewer images than were asked for."""


@dataclass(frozen=True, eq=False, slots=True)
class Best:
    """For each unit the images on which a number was largest, largest first; ties by the image's number.

    Attributes
    ----------
    items
        int64 (C, K): numbers of images in the collection; −1 where there are fewer.
    values
        float32 (C, K), in units of the number; −∞ where there is no image.
    places
        int64 (C, K): at which place of the layer, counted row by row.
    """

    items: NDArray[np.int64]
    values: NDArray[np.float32]
    places: NDArray[np.int64]

    @classmethod
    def none(cls, channels: int, top: int) -> Best:
        """Before any image was seen."""
        shape = (channels, top)
        return cls(np.full(shape, NOBODY, np.int64), np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64))

    def merged(self, items: NDArray[np.int64], values: NDArray[np.float32], places: NDArray[np.integer]) -> Best:
        """With further images: ``items`` (n,), ``values`` and ``places`` (n, C). What is not a number is last."""
        channels, top = self.items.shape
        numbers = np.concatenate([self.values, np.where(np.isnan(values), -np.inf, values).T], 1)
        where = np.concatenate([self.places, places.T.astype(np.int64)], 1)
        who = np.concatenate([self.items, np.broadcast_to(items, (channels, len(items)))], 1)
        # Where there is nobody yet, whoever comes is before; two images tie by their numbers, whichever came first.
        order = np.lexsort((who, -numbers, who == NOBODY), axis=-1)[:, :top]
        take = np.take_along_axis
        return Best(take(who, order, 1), take(numbers, order, 1).astype(np.float32), take(where, order, 1))
