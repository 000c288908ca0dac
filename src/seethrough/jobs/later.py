"""Pictures that are read when somebody looks at them: a work that only wants the network's numbers needs no pixels."""

from __future__ import annotations

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.results import Note, Picture


class Later(Picture):
    """A picture of a collection whose name and size are known, and whose pixels are read each time they are asked for."""

    def __init__(self, collection: Collection, item: int, size: tuple[int, int], notes: tuple[Note, ...]) -> None:
        for name, value in {
            "name": collection[item].name,
            "notes": notes,
            "_collection": collection,
            "_item": item,
            "_size": size,
        }.items():
            object.__setattr__(self, name, value)

    @property
    def pixels(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """uint8 (H, W, 3), read anew."""
        return self._collection.picture(self._item).pixels  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self._size  # pyright: ignore[reportAttributeAccessIssue]
