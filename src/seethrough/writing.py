"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from seethrough.errors import EnvironmentLacks


def refuse_unwritable(path: Path) -> None:
    """Say before the work begins that a file can't be written there.

    Raises
    ------
    EnvironmentLacks
        Where its folder is missing or can't be written, or a folder has its name.
    """
    folder = path.parent
    if path.is_dir():
        raise EnvironmentLacks(f"{path} is a folder; name a file in it.")
    if not folder.is_dir():
        raise EnvironmentLacks(f"There is no folder {folder} to write {path.name} into; make it, or name another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentLacks(f"The folder {folder} can't be written, so {path.name} can't go there; name another.")


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary name beside ``path``, sync, rename; on any failure, Ctrl-C too, nothing is left behind.

    Raises
    ------
    EnvironmentLacks
        Where the system refuses (no permission, disk full); says what it said.
    """
    target = Path(os.path.realpath(path))  # a symbolic link stays one
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise EnvironmentLacks(f"{path} can't be written: {error.strerror or error}; nothing was changed.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def written_by_another(path: Path) -> Iterator[Path]:
    """For what a library writes itself: a temporary name beside ``path``, of the same kind, which takes its place once the block
    is left without an exception; else nothing is left behind.

    Raises
    ------
    EnvironmentLacks
        Where the system refuses.
    """
    target = Path(os.path.realpath(path))
    ending = "".join(target.suffixes[-2:]) or target.suffix
    temporary = target.with_name(f".{secrets.token_hex(6)}.part{ending}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise EnvironmentLacks(f"{path} can't be written: {error.strerror or error}; nothing was changed.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename last; systems without folder handles (Windows) do it by themselves."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
