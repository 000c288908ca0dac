"""The HDF5 file that is opened: written anew by this process from what the reader took out of a stranger's.

What comes back from the reader is held against the file of numbers that it wrote, since a reader that was overpowered
would say anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.models.hdf5 import h5py_or_lacking
from seethrough.models.reader import read_apart

NUMBERS = frozenset(
    "|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f2 <f4 <f8 <f16 |V1 |V2 >i2 >u2 >i4 >u4 >i8 >u8 >f2 >f4 >f8".split()
)

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Array:
    """Where an array lies in the file of numbers."""

    shape: tuple[int, ...]
    dtype: str
    offset: int
    attributes: Attributes

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class Contents:
    """What an HDF5 file holds: attributes by group (``""`` is the root), and arrays by path."""

    groups: Mapping[str, Attributes]
    arrays: Mapping[str, Array]

    @property
    def elements(self) -> int:
        """How many numbers are stored."""
        return sum(prod(array.shape) for array in self.arrays.values())

    @property
    def is_older(self) -> bool:
        """Whether it has the layout of Keras 1 and 2: weights by layer name."""
        return "layer_names" in self.groups.get("", {}) or "model_weights" in self.groups

    def text(self, name: str) -> str | None:
        """An attribute of the root that is text."""
        value = self.groups.get("", {}).get(name)
        return value if isinstance(value, str) else None


def contents(path: Path, arrays: Path | None, where: str) -> Contents:
    """Read a stranger's HDF5 file in a process of its own; its numbers go to the file ``arrays``.

    Raises
    ------
    InputRefused, EnvironmentLacks
        See `read_hdf5` and `read_apart`.
    """
    said = read_apart("hdf5", path, arrays, where)
    try:
        found = {name: Array(tuple(e["shape"]), e["dtype"], e["offset"], e["attributes"]) for name, e in _items(said)}
        sound = all(_is_sound(array) for array in found.values())
        end = max((array.offset + array.nbytes for array in found.values() if array.nbytes), default=0)
        kept = Contents(said["groups"], found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputRefused(f"The reader process gave no sense about {where}; don't trust this file.") from error
    if not sound or (arrays is not None and end > arrays.stat().st_size):
        raise InputRefused(f"The reader process gave no sense about {where}; don't trust this file.")
    return kept


def _items(said: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from said["arrays"].items()


def _is_sound(array: Array) -> bool:
    sizes = (*array.shape, array.offset)
    return array.dtype in NUMBERS and all(isinstance(size, int) and size >= 0 for size in sizes)


def write_hdf5(found: Contents, arrays: Path, target: Path) -> Path:
    """Write an HDF5 file with the same groups, arrays and attributes.

    Raises
    ------
    InputRefused
        What can't be written so: names that are no names.
    EnvironmentLacks
        The disk is full.
    """
    h5py = h5py_or_lacking()
    numbers = np.memmap(arrays, np.uint8, "r") if arrays.stat().st_size else np.empty(0, np.uint8)
    try:
        # The newest layout, because the oldest keeps no list of names longer than 64 KB.
        with h5py.File(target, "w", libver="latest") as file:
            for path, attributes in found.groups.items():
                _set(h5py, file.require_group(path or "/"), attributes)
            for path, array in found.arrays.items():
                part = numbers[array.offset : array.offset + array.nbytes].view(array.dtype).reshape(array.shape)
                _set(h5py, file.create_dataset(path, data=part), array.attributes)
    except OSError as error:
        if error.errno is not None:
            raise EnvironmentLacks(
                f"A copy of the weights can't be written to {target.parent} ({error.strerror}); free some space, or name "
                "another folder for temporary files with TMPDIR."
            ) from error
        raise InputRefused(f"The arrays and groups can't be written anew ({str(error)[:80]}).") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputRefused(f"The arrays and groups can't be written anew ({str(error)[:80]}).") from error
    return target


def _set(h5py: Any, holder: Any, attributes: Attributes) -> None:
    for name, value in attributes.items():
        is_names = isinstance(value, list) and all(isinstance(each, str) for each in value)
        holder.attrs[name] = np.array(value, dtype=h5py.string_dtype()) if is_names else value


def stored_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights in an HDF5 file of ours, of either layout, by layer and number: ``"block1_conv1/0"``."""
    with h5py_or_lacking().File(path, "r") as file:
        older = "layer_names" in file.attrs or "model_weights" in file
        try:
            named = _older_shapes(file.get("model_weights", file)) if older else _newer_shapes(file)
            return {f"{layer}/{i}": shape for layer, shapes in named for i, shape in enumerate(shapes)}
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise InputRefused("The file of weights names weights that it doesn't hold; it is broken.") from error


def _older_shapes(group: Any) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    for layer in _names(group, "layer_names"):
        yield layer, [tuple(group[layer][weight].shape) for weight in _names(group[layer], "weight_names")]


def _names(group: Any, attribute: str) -> list[str]:
    """A list that Keras may have cut into several attributes, because one holds only 64 KB."""
    numbered = (f"{attribute}{i}" for i in range(len(group.attrs)))
    parts = [attribute] if attribute in group.attrs else [part for part in numbered if part in group.attrs]
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in group.attrs[part]]


def _newer_shapes(file: Any) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    h5py = h5py_or_lacking()
    found: list[tuple[str, list[tuple[int, ...]]]] = []

    def visit(name: str, item: Any) -> None:
        home, _, last = name.rpartition("/")
        if isinstance(item, h5py.Group) and last == "vars" and len(item) and "optimizer" not in home.split("/"):
            layer = item.attrs.get("name", name)
            found.append((str(layer), [tuple(item[key].shape) for key in sorted(item, key=_number)]))

    file.visititems(visit)
    return iter(found)


def _number(key: str) -> tuple[int, str]:
    return (int(key) if key.isdecimal() else -1, key)
