"""Pictures: read safely, fitted to a network's input, and maps brought back to the pixels that a person gave.

`decode` reads a picture from anything; `preprocessing` is the arithmetic from pixels to numbers; `fit` is the geometry
there and back; `ready` looks at tensors that come ready made; `apart` reads many pictures in processes of their own.

The names of `ready` are fetched when they are asked for: the processes that read need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from seethrough.images.decode import PIXEL_LIMIT, load_picture, load_pictures
from seethrough.images.fit import Fitted, Geometry, batch_of, fitted, grid, prepare
from seethrough.images.preprocessing import USUAL, Preprocessing, preprocessing_named, usual_name

if TYPE_CHECKING:  # for type checkers and editors, what `__getattr__` does for everybody else
    from seethrough.images.ready import check_ready, is_ready, pictures_of

__all__ = [
    "PIXEL_LIMIT",
    "USUAL",
    "Fitted",
    "Geometry",
    "Preprocessing",
    "batch_of",
    "check_ready",
    "fitted",
    "grid",
    "is_ready",
    "load_picture",
    "load_pictures",
    "pictures_of",
    "prepare",
    "preprocessing_named",
    "usual_name",
]

_READY = ("check_ready", "is_ready", "pictures_of")


def __getattr__(name: str) -> object:
    if name not in _READY:
        raise AttributeError(f"module 'seethrough.images' has no attribute {name!r}")
    return getattr(importlib.import_module("seethrough.images.ready"), name)
