"""Archives before anything is unpacked: one way to read them, members inside, and no larger than they can be.

Python's reader and PyTorch's find an archive's directory in different ways, so that a file could show each of them other
members; such a file is refused, and so is whatever else the two would take differently.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seethrough.errors import InputRefused, SeethroughError

LARGEST_RATIO = 50
"""How many times its stored size a compressed member may become; float weights deflate to about nine tenths."""

HARMLESS_SIZE = 16 * 2**20
"""How many bytes more than that all members together may unpack to; a configuration in JSON packs very well."""

LARGEST_DIRECTORY = 16 * 2**20
MOST_MEMBERS = 100_000

END, END_SIZE = b"PK\x05\x06", 22
LOCATOR, LOCATOR_SIZE = b"PK\x06\x07", 20
END_64, END_64_SIZE = b"PK\x06\x06", 56
HEADER_SIZE = 30


def open_zip(path: Path) -> zipfile.ZipFile:
    """An archive whose members are inside it, named once, and no larger than it can hold.

    Raises
    ------
    InputRefused
        A broken archive, or one that is made to mislead; says what it declares and the limit.
    """
    where = repr(str(path))
    try:
        size = path.stat().st_size
        directory = _directory(path, size, where)
        archive = zipfile.ZipFile(path)
    except InputRefused:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise InputRefused(f"{where} is a broken archive ({error}); copy or download it again.") from error
    try:
        _refuse_unsafe_names(archive.infolist(), where)
        _refuse_unsafe_sizes(archive.infolist(), directory, where)
    except InputRefused:
        archive.close()
        raise
    return archive


def _directory(path: Path, size: int, where: str) -> int:
    """Where the directory of members begins, where only one answer is possible."""
    with path.open("rb") as file:
        file.seek(max(0, size - END_SIZE - LOCATOR_SIZE))
        tail = file.read()
        record = tail[-END_SIZE:]
        if not record.startswith(END) or record[20:] != b"\0\0":
            raise InputRefused(
                f"{where} is a broken archive (its directory isn't at its end); copy or download it again."
            )
        count, length, begin = struct.unpack("<10xHII2x", record)
        end = size - END_SIZE
        if tail.startswith(LOCATOR):
            (end,) = struct.unpack("<8xQ4x", tail[:LOCATOR_SIZE])
            if end + END_64_SIZE != size - END_SIZE - LOCATOR_SIZE:
                raise InputRefused(f"{where} is a broken archive (two directories); don't trust this file.")
            file.seek(end)
            larger = file.read(END_64_SIZE)
            if not larger.startswith(END_64):
                raise InputRefused(f"{where} is a broken archive (no directory); copy or download it again.")
            count, length, begin = struct.unpack("<32xQQQ", larger)
    if begin + length != end:
        raise InputRefused(f"{where} is a broken archive (two directories); don't trust this file.")
    if length > LARGEST_DIRECTORY or count > MOST_MEMBERS:
        raise InputRefused(
            f"{where} declares {count:,} members in a directory of {length:,} bytes; the limit is {MOST_MEMBERS:,} in "
            f"{LARGEST_DIRECTORY:,}. That is no network."
        )
    return begin


def _refuse_unsafe_names(members: list[zipfile.ZipInfo], where: str) -> None:
    seen: set[str] = set()
    for member in members:
        # The raw name: zipfile cuts `filename` at a null character and would hide what stands behind.
        name = member.orig_filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
            raise InputRefused(f"{where} holds a member that would land outside it ({name!r}); don't trust this file.")
        if name.casefold() in seen:  # PyTorch doesn't look at case
            raise InputRefused(f"{where} holds two members called {name!r}; don't trust this file.")
        if member.filename not in (name, name.replace("\\", "/")):
            raise InputRefused(f"{where} holds a member of two names ({name!r}); don't trust this file.")
        seen.add(name.casefold())
        if member.flag_bits & 1:
            raise InputRefused(f"{where} is encrypted; save the network without a password.")


def _refuse_unsafe_sizes(members: list[zipfile.ZipInfo], directory: int, where: str) -> None:
    excess, end = 0, 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise InputRefused(
                f"{where} holds members that overlap ({member.filename!r}), so that it declares more bytes than the file "
                "has; don't trust this file."
            )
        end = member.header_offset + HEADER_SIZE + len(member.orig_filename) + member.compress_size
        excess += max(0, member.file_size - LARGEST_RATIO * member.compress_size)
        if excess > HARMLESS_SIZE:
            raise InputRefused(
                f"{where} declares {member.file_size:,} bytes for {member.filename!r} but stores "
                f"{member.compress_size:,}; the limit is {LARGEST_RATIO} times as many, and it won't be unpacked."
            )
    if end > directory:
        raise InputRefused(f"{where} declares more bytes than the file has; it is cut off or made to mislead.")


@contextmanager
def unpacking(what: str) -> Iterator[None]:
    """Whatever `zipfile` and its decompressors raise on a broken member, as one sentence."""
    try:
        yield
    except SeethroughError:
        raise
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise InputRefused(f"{what} can't be unpacked ({error}); copy or download the file again.") from error
