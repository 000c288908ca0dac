"""The store: one file a shard, written whole and never changed; what it was when written is known by size and SHA-256.

Files are safetensors: numbers and names, nothing that could run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.writing import write_whole

FOLDER = "shards"
"""Where in a run's folder its shards lie."""

SHARD_NAME = re.compile(r"[0-9]{6,}\.safetensors")

ITEMS = "item"
"""The array in every shard that says which images it holds."""


@dataclass(frozen=True, slots=True)
class Written:
    """A shard's file as it was written: ``size`` in bytes, ``sha256`` of them in hexadecimal digits."""

    number: int
    size: int
    sha256: str


def shard_file(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / FOLDER / f"{number:06d}.safetensors"


def write_shard(folder: Path, number: int, items: np.ndarray, arrays: Mapping[str, np.ndarray]) -> Written:
    """Write a shard.

    Parameters
    ----------
    folder
        The run's.
    items
        int64: the images that the arrays are of.
    arrays
        What is kept of them, by name.

    Raises
    ------
    EnvironmentLacks
        Where the disk is full or refuses; nothing is left of the shard then.
    """
    if ITEMS in arrays:
        raise UsageError(f"{ITEMS!r} is the name of the images' numbers; call the work's array otherwise.")
    # What isn't contiguous would be written as if it were.
    kept = {name: np.ascontiguousarray(array) for name, array in {ITEMS: items, **arrays}.items()}
    try:
        content = save(kept)
    except (SafetensorError, KeyError, TypeError) as error:
        kinds = ", ".join(f"{name} ({array.dtype})" for name, array in kept.items())
        raise UsageError(f"A shard holds numbers; one of these is none: {kinds}.") from error
    write_whole(shard_file(folder, number), content)
    return Written(number, len(content), hashlib.sha256(content).hexdigest())


def read_shard(folder: Path, written: Written) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The images and arrays of a shard.

    Raises
    ------
    InputRefused
        Where its file isn't there or isn't as it was written.
    """
    path = shard_file(folder, written.number)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputRefused(
            f"{path} can't be read: {error.strerror or error}. Its images have to be done again: name a new folder."
        ) from error
    if len(content) != written.size or hashlib.sha256(content).hexdigest() != written.sha256:
        raise InputRefused(
            f"{path} isn't as it was written ({len(content):,} bytes, {written.size:,} then), so its numbers can't be "
            "trusted. Its images have to be done again: name a new folder."
        )
    arrays = load(content)
    return arrays.pop(ITEMS), arrays


def make_folder(folder: Path) -> None:
    """Make a run's folder, where it isn't there yet.

    Raises
    ------
    EnvironmentLacks
        Where the system refuses.
    """
    with _refusing(folder):
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)


def remove_leftovers(folder: Path, done: Collection[int]) -> None:
    """Remove what a run that was killed left behind: files half-written, and those written and never recorded.

    Only for who holds the manifest's lock: another one's half-written file is its work.

    Parameters
    ----------
    done
        The shards that are recorded.

    Raises
    ------
    EnvironmentLacks
        Where the system refuses.
    """
    recorded = {shard_file(folder, number) for number in done}
    with _refusing(folder):
        for path in (folder / FOLDER).iterdir():
            half = path.name.startswith(".") and path.suffix == ".part"
            if half or (SHARD_NAME.fullmatch(path.name) and path not in recorded):
                path.unlink()


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentLacks(
            f"The folder {str(folder)!r} can't be used for a run: {error.strerror or error}; name another."
        ) from error
