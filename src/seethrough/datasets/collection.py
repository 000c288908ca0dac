"""A collection: many images, each with a name and, where it is known, a class; read one at a time."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seethrough.datasets.folders import SUFFIXES, pictures_in
from seethrough.datasets.truth import truths_of
from seethrough.errors import InputRefused, UsageError
from seethrough.images import is_ready, load_picture, pictures_of
from seethrough.results import Note, Picture

CHUNK = 1 << 20


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
        The images; no two have the same name.
    source
        What they were taken from, in words: the folder's path, or ``"300 images"``.
    notes
        What was left out, and what didn't match: ``folders_unreadable``, ``pictures_without_label``,
        ``labels_without_picture``.
    """

    items: tuple[Item, ...]
    source: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def picture(self, index: int) -> Picture:
        """One image, read; of a ready tensor, its numbers as a picture.

        Raises
        ------
        InputRefused
            Where it can't be.
        """
        item = self.items[index]
        if not is_ready(item.source):
            return load_picture(item.source, name=item.name)
        row = item.source[None]
        layout = "channels_first" if row.ndim == 4 and row.shape[1] <= row.shape[3] else "channels_last"
        return replace(pictures_of(_tensor(row), None, layout)[0], name=item.name)

    @property
    def truths(self) -> tuple[str | None, ...]:
        """The class of each image, where it is known."""
        return tuple(item.truth for item in self.items)

    @property
    def ready(self) -> bool:
        """Whether its images are numbers for the network itself, not pictures."""
        return any(is_ready(item.source) for item in self.items[:1])

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """What tells that an image is still the same: of a file its size and the time of its last change, of anything else
        its content; and its truth.

        A file's content would say more, and costs reading all of them before the work begins; a file that was changed has
        another time, as every build and backup trusts.
        """
        return tuple(_mark(item) for item in self.items)

    @cached_property
    def fingerprint(self) -> str:
        """The first 16 digits of the SHA-256 of all names and marks, in order."""
        digest = hashlib.sha256()
        for item, mark in zip(self.items, self.marks):
            digest.update(repr((item.name, mark)).encode())
        return digest.hexdigest()[:16]

    def duplicates(self) -> tuple[tuple[int, ...], ...]:
        """Images that hold the very same bytes, as groups of their numbers; files are read only where their sizes are equal."""
        by_size: dict[Any, list[int]] = defaultdict(list)
        for number, item in enumerate(self.items):
            by_size[_size(item.source)].append(number)
        by_content: dict[str, list[int]] = defaultdict(list)
        for size, numbers in by_size.items():
            if len(numbers) > 1 and size is not None:
                for number in numbers:
                    by_content[_content(self.items[number].source)].append(number)
        return tuple(sorted(tuple(numbers) for numbers in by_content.values() if len(numbers) > 1))


def collect(source: Any, *, truth: str | Path | Mapping[str, str] | Sequence[str] | None = None) -> Collection:
    """A collection of what a person gives.

    Parameters
    ----------
    source
        A folder (with folders in it, their names are the classes), a path, a list of paths or pictures, a uint8 array (N, H, W,
        3), a batch of ready numbers in the network's own layout (floating point, (N, …)), or a `Collection`.
    truth
        The class of each image: a list in order, a mapping from name to class, or a CSV file of both.

    Raises
    ------
    InputRefused
        A folder without pictures, a path that isn't there, a CSV file that can't be read.
    UsageError
        An empty list, as many labels as there aren't pictures, labels that match no picture.
    """
    found = _found(source)
    if truth is None:
        return found
    truths, notes = truths_of(truth, [item.name for item in found])
    items = tuple(replace(item, truth=known) for item, known in zip(found, truths))
    return Collection(items, found.source, (*found.notes, *notes))


def _found(source: Any) -> Collection:
    if isinstance(source, Collection):
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            return _of_folder(path)
        if not path.exists():
            raise InputRefused(f"There is no folder or picture {str(path)!r}; check the path.")
    several = _several(source)
    names = _names(several)
    items = tuple(Item(name, each) for name, each in zip(names, several))
    return Collection(items, str(source) if isinstance(source, str | os.PathLike) else f"{len(items)} images")


def _of_folder(root: Path) -> Collection:
    found = pictures_in(root)
    if not found.files:
        others = f" It holds {found.others}." if found.others else ""
        raise InputRefused(
            f"There are no pictures in {str(root)!r}; name a folder with files that end in {', '.join(SUFFIXES[:3])} or "
            f"another kind of picture.{others}"
        )
    inside = [file.relative_to(root) for file in found.files]
    names = _unique([_text(path.as_posix()) for path in inside])
    items = [
        Item(name, file, _text(path.parts[0]) if len(path.parts) > 1 else None)
        for name, file, path in zip(names, found.files, inside)
    ]
    return Collection(tuple(items), str(root), found.notes)


def _several(source: Any) -> Sequence[Any]:
    if is_ready(source):
        if source.ndim < 2 or not len(source):
            raise UsageError(f"Ready numbers are a batch (N, …) of at least one; these are {tuple(source.shape)}.")
        return list(source)
    if isinstance(source, np.ndarray):
        source = list(source) if source.ndim == 4 else [source]
    elif not isinstance(source, list | tuple):
        source = [source]
    if not source:
        raise UsageError("There is no image in an empty list; give at least one.")
    return source


def _names(sources: Sequence[Any]) -> list[str]:
    """The file's name; of files with the same name the path; of what is no file its number."""
    paths = [str(each) if isinstance(each, str | os.PathLike) else "" for each in sources]
    names = [Path(path).name if path else f"image {i}" for i, path in enumerate(paths, 1)]
    often = _twice(names)
    return _unique([_text(path if path and name in often else name) for path, name in zip(paths, names)])


def _unique(names: Sequence[str]) -> list[str]:
    """Names as they are, a second one of the same with a number behind it."""
    taken, given = set(names), []
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique = name
        while seen[name] > 1 and unique in taken:
            unique = f"{name} ({seen[name]})"
            seen[name] += unique in taken
        taken.add(unique)
        given.append(unique)
    return given


def _twice(names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}


def _text(name: str) -> str:
    """A file's name as text; bytes that are none are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _tensor(array: Any) -> Any:
    import torch

    return torch.as_tensor(array)


def _mark(item: Item) -> str:
    return hashlib.sha256(repr((_state(item.source), item.truth)).encode()).hexdigest()[:16]


def _state(source: Any) -> Any:
    if not isinstance(source, str | os.PathLike):
        return _content(source)
    try:
        status = Path(source).stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _size(source: Any) -> Any:
    """What images of the same content have in common; None for what can't be read."""
    if isinstance(source, str | os.PathLike):
        state = _state(source)
        return None if state is None else state[0]
    return _form(source)


def _form(source: Any) -> Any:
    if isinstance(source, Image.Image):
        return source.mode, source.size
    return str(getattr(source, "dtype", type(source))), tuple(getattr(source, "shape", ()))


def _content(source: Any) -> str:
    """SHA-256 of a file's bytes, or of an image's form and numbers; of a file that can't be read, of its path."""
    digest = hashlib.sha256()
    if not isinstance(source, str | os.PathLike):
        digest.update(repr(_form(source)).encode())
        digest.update(_numbers(source))
        return digest.hexdigest()
    try:
        with Path(source).open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except (OSError, ValueError):
        return f"unread {source}"
    return digest.hexdigest()


def _numbers(source: Any) -> Any:
    if isinstance(source, Image.Image):
        return source.tobytes()
    if not isinstance(source, np.ndarray) and not is_ready(source):
        return b""  # no image; who reads it says so
    array = source if isinstance(source, np.ndarray) else source.detach().cpu().contiguous().numpy()
    return np.ascontiguousarray(array).tobytes()
