"""Folders: which pictures lie in one, whatever else does.

Links to folders are followed, each folder once; what can't be entered is told and passed by; hidden files are none of our
business.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seethrough.errors import InputRefused
from seethrough.results import Note

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jp2", ".mpo")
"""How files end that are taken for pictures, in small or capital letters; what they are is seen when they are read."""

LISTED = 5
"""The most names that a note or a message lists."""


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures of a folder in their order, what else it holds in words, and what couldn't be entered."""

    files: tuple[Path, ...]
    others: str = ""
    notes: tuple[Note, ...] = ()


def pictures_in(root: Path) -> Found:
    """All pictures in a folder and the folders in it, in the natural order of their paths (``img2`` before ``img10``).

    Parameters
    ----------
    root
        A folder.

    Raises
    ------
    InputRefused
        Where the folder itself can't be entered.
    """
    files: list[Path] = []
    others: Counter[str] = Counter()
    closed: list[str] = []
    for folder, names in _walk(root, closed):
        for name in names:
            if name.startswith("."):
                continue
            if name.lower().endswith(SUFFIXES):
                files.append(folder / name)
            else:
                others[Path(name).suffix.lower() or "no suffix"] += 1
    notes = ()
    if closed:
        inside = sorted(os.path.relpath(folder, root) for folder in closed)
        notes = (Note("folders_unreadable", "warning", {"count": len(inside), "folders": ", ".join(inside[:LISTED])}),)
    files.sort(key=lambda file: natural(file.relative_to(root)))
    said = ", ".join(f"{count} of {suffix}" for suffix, count in others.most_common(LISTED))
    return Found(tuple(files), f"other files: {said}" if said else "", notes)


def natural(path: Path) -> tuple[tuple[tuple[tuple[int, int, str], ...], ...], str]:
    """A key that sorts paths as people do: numbers by their value, letters whatever their case; no two have the same."""
    parts = tuple(
        tuple(
            (0, int(piece), "") if piece.isdecimal() else (1, 0, piece.casefold())
            for piece in re.split(r"([0-9]+)", part)
            if piece
        )
        for part in path.parts
    )
    return parts, path.as_posix()


def _walk(root: Path, closed: list[str]) -> Iterator[tuple[Path, list[str]]]:
    """Each folder once with the names of the files in it: first all that are really inside, then those that links lead to,
    so that a link to a folder beside it doesn't take its place; a loop ends where it began.
    """
    entered: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        links: list[Path] = []
        while waiting:
            folder = waiting.pop()
            try:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in entered:
                    continue
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                if folder == root:
                    raise InputRefused(
                        f"The folder {str(root)!r} can't be entered: {error.strerror}; check its permissions."
                    ) from error
                closed.append(str(folder))
                continue
            entered.add((status.st_dev, status.st_ino))
            inner = [e for e in entries if _is_folder(e) and not e.name.startswith(".")]
            waiting += [Path(e.path) for e in reversed(inner) if not e.is_symlink()]
            links += [Path(e.path) for e in inner if e.is_symlink()]
            yield folder, [e.name for e in entries if not _is_folder(e)]
        waiting = links[::-1]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in circles
        return False
