"""Doors: open a network from anything, and hand over all that its source knows of it as plain data (`Opened`).

One file a door (`keras`, `torch`, `demo`); `open` chooses. Before a door, a file is met by `files`, `pickles`, `hdf5`
and `configuration`, which know it as bytes and text only, and run nothing. `labels` and `preprocessing` settle what
outputs are called and how pictures become inputs.
"""

from seethrough.models.labels import imagenet_names, read_classes, resolve
from seethrough.models.open import open_model
from seethrough.models.opened import Opened, Preprocessing

__all__ = ["Opened", "Preprocessing", "imagenet_names", "open_model", "read_classes", "resolve"]
