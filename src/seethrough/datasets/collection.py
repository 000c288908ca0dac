"""A collection: many images, each with a name and, where it is known, a class; read one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.errors import InputRefused, UsageError
from seethrough.images import load_picture
from seethrough.results import Picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jp2", ".mpo")
"""How files end that are taken for pictures; what they are is seen when they are read."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image: ``name`` is its path inside the folder (or ``"image 17"``), ``truth`` the class it belongs to, or None."""

    name: str
    source: Any
    truth: str | None = None


@dataclass(frozen=True, eq=False)
class Collection(Sequence[Item]):
    """Many images in a settled order.

    Attributes
    ----------
    items
        The images.
    source
        What they were taken from, in words: the folder's path, or ``"an array of 300"``.
    """

    items: tuple[Item, ...]
    source: str

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def picture(self, index: int) -> Picture:
        """One image, read.

        Raises
        ------
        InputRefused
            Where it can't be.
        """
        item = self.items[index]
        return load_picture(item.source, name=item.name)

    @property
    def truths(self) -> tuple[str | None, ...]:
        """The class of each image, where it is known."""
        return tuple(item.truth for item in self.items)


def collect(source: Any, *, truth: str | Path | Mapping[str, str] | Sequence[str] | None = None) -> Collection:
    """A collection of what a person gives.

    Parameters
    ----------
    source
        A folder (with folders in it, their names are the classes), a path, a list of paths or pictures, a uint8 array (N, H, W,
        3), or a `Collection`.
    truth
        The class of each image: a list in order, a mapping from name to class, or a CSV file of both.
    """
    if isinstance(source, Collection):
        return source
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        root = Path(source)
        files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not files:
            raise InputRefused(f"There are no pictures in {str(root)!r}; name a folder of JPEG or PNG files.")
        items = [Item(str(p.relative_to(root)), p, _folder(p, root)) for p in files]
        return Collection(tuple(items), str(root))
    several: Iterable[Any] = source if isinstance(source, list | tuple | np.ndarray) else [source]
    items = [Item(_name(each, i), each) for i, each in enumerate(several, 1)]
    if not items:
        raise UsageError("There is no image in an empty list; give at least one.")
    return Collection(tuple(items), f"{len(items)} images")


def _folder(path: Path, root: Path) -> str | None:
    inside = path.relative_to(root).parts
    return inside[0] if len(inside) > 1 else None


def _name(source: Any, number: int) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else f"image {number}"
