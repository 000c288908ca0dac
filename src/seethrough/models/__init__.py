"""Doors: open a network from anything, and hand over all that its source knows of it as plain data (`Opened`).

One file a door (`keras`, `torch`, `demo`); `open` chooses. Before a door, a file is met by `files`, `pickles`, `hdf5`
and `configuration`, which know it as bytes and text only, and run nothing. `labels` and `preprocessing` settle what
outputs are called and how pictures become inputs.

The names are fetched when they are asked for: the `reader` process needs `hdf5`, and not torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers and editors, what `__getattr__` does for everybody else
    from seethrough.models.labels import imagenet_names, read_classes, resolve
    from seethrough.models.open import open_model
    from seethrough.models.opened import Opened, Preprocessing

__all__ = ["Opened", "Preprocessing", "imagenet_names", "open_model", "read_classes", "resolve"]

_HOMES = {
    "Opened": "opened", "Preprocessing": "opened", "imagenet_names": "labels", "open_model": "open",
    "read_classes": "labels", "resolve": "labels",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'seethrough.models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"seethrough.models.{_HOMES[name]}"), name)
