"""External data of ONNX: numbers that a network keeps in files beside its own, read from inside its folder alone.

Names in a file have led readers out of the folder again and again: by ``..``, by absolute names, by links, by what one
system takes for a separator and another for a letter. So a name is taken apart, every part is opened without following
links, and what was opened is looked at before it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused

KEYS = frozenset(("location", "offset", "length", "checksum"))
"""All that a tensor may say of where its numbers are."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a tensor's numbers lie: in which file, from which byte, and how many (None: to the end)."""

    location: str
    offset: int
    length: int | None


def stretch_of(name: str, entries: Iterable[Any], where: str) -> Stretch:
    """What a tensor says of its external data, checked.

    Raises
    ------
    InputRefused
        A key that doesn't belong there or stands twice, no location, a number that is none or negative.
    """
    said: dict[str, str] = {}
    for entry in entries:
        if entry.key not in KEYS or entry.key in said:
            raise InputRefused(
                f"{where}: the external data of {name!r} have a key {entry.key!r} that doesn't belong there; don't "
                "trust this file."
            )
        said[entry.key] = entry.value
    numbers = {key: said.get(key) for key in ("offset", "length")}
    for key, value in numbers.items():
        if value is not None and not (value.isascii() and value.isdecimal() and len(value) <= 18):
            raise InputRefused(f"{where}: the {key} of the external data of {name!r} is {value[:40]!r}, no size.")
    if not said.get("location"):
        raise InputRefused(f"{where}: the external data of {name!r} name no file.")
    offset, length = numbers["offset"], numbers["length"]
    return Stretch(said["location"], int(offset or 0), None if length is None else int(length))


class Folder:
    """The files beside a network, each opened at most once, none outside.

    Parameters
    ----------
    path
        The folder.
    where
        The network, for messages.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.path, self.where = path, where
        self._open: dict[str, tuple[int, int]] = {}
        self.taken = 0

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *raised: object) -> None:
        for file, _ in self._open.values():
            os.close(file)
        self._open.clear()

    def read(self, name: str, stretch: Stretch, needed: int) -> bytes:
        """The bytes of a tensor; ``needed`` is how many its shape and type take.

        Raises
        ------
        InputRefused
            A location outside the folder, a link, no regular file, bytes that aren't in it or aren't as many.
        """
        if stretch.location not in self._open:
            self._open[stretch.location] = self._opened(name, stretch.location)
        file, size = self._open[stretch.location]
        length = size - stretch.offset if stretch.length is None else stretch.length
        if length != needed or stretch.offset + length > size:
            raise InputRefused(
                f"{self.where} declares {needed:,} bytes for {name!r} and points to {max(length, 0):,} from byte "
                f"{stretch.offset:,} of {stretch.location!r}, which has {size:,}; it is cut off or made to mislead."
            )
        self.taken += length
        # Tied weights may name the same bytes; thousands of tensors of the same bytes are made to fill the memory.
        if self.taken > 2 * sum(held for _, held in self._open.values()):
            raise InputRefused(f"{self.where} names the same bytes of {stretch.location!r} again and again.")
        return self._bytes(file, stretch.offset, length)

    def _opened(self, name: str, location: str) -> tuple[int, int]:
        parts = location.split("/")
        odd = any(part in ("", "..") or "\\" in part or ":" in part or "\0" in part for part in parts)
        if odd or Path(location).is_absolute():
            raise InputRefused(
                f"{self.where} keeps the numbers of {name!r} at {location!r}, which leads out of its folder; don't "
                "trust this file."
            )
        path = self.path
        for part in parts:
            path = path / part
            self._refuse_link(name, location, path)
        # Neither following a link that was put there since, nor waiting at a pipe.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(path, flags)
        except (OSError, ValueError) as error:
            raise InputRefused(
                f"{self.where} keeps the numbers of {name!r} in {location!r}, which can't be read from its folder; put "
                "the two files side by side again."
            ) from error
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            os.close(file)
            what = "has another name elsewhere (a hard link)" if stat.S_ISREG(status.st_mode) else "is no regular file"
            raise InputRefused(f"{self.where} keeps the numbers of {name!r} in {location!r}, which {what}; copy it.")
        return file, status.st_size

    def _refuse_link(self, name: str, location: str, path: Path) -> None:
        if path.is_symlink():
            raise InputRefused(
                f"{self.where} keeps the numbers of {name!r} in {location!r}, which is reached through a link; put the "
                "file itself there."
            )

    @staticmethod
    def _bytes(file: int, offset: int, length: int) -> bytes:
        parts = []
        while length:
            part = os.pread(file, min(length, 2**30), offset)
            if not part:
                raise InputRefused("A file became shorter while it was read; copy it again.")
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)
