"""Truth: which class each image belongs to, as a person says it: a list in order, a mapping from name to class, a CSV file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from seethrough.errors import InputRefused, UsageError
from seethrough.results import Note

LARGEST_FILE = 64 * 2**20
"""The most bytes that a file of labels may have."""

LISTED = 3
"""The most names that a note or a message gives as examples."""

FILE_COLUMNS = ("file", "filename", "file_name", "image", "img_filename", "path", "name", "id")
CLASS_COLUMNS = ("class", "truth", "label", "target", "wnid", "category", "name", "species", "y")
"""What the columns of a CSV file are called where there are more than two, the likeliest first."""


def truths_of(said: Any, names: Sequence[str]) -> tuple[tuple[str | None, ...], tuple[Note, ...]]:
    """The class of each image.

    Parameters
    ----------
    said
        A list with a class for each image in order; a mapping from an image's name to its class; or a CSV file of names and
        classes: two columns, or more with a first line that says which is which. A name is an image's path inside its
        folder; where that isn't there, its file name, with or without its suffix, if no other image has the same.
    names
        Of the images.

    Returns
    -------
    truths
        None where nothing is said about an image.
    notes
        ``labels_without_picture`` and ``pictures_without_label``, each with ``count`` and ``examples``.

    Raises
    ------
    InputRefused
        A file that can't be read or holds something else.
    UsageError
        A list of another length; labels of which not one is of an image.
    """
    if isinstance(said, str | os.PathLike):
        return _matched(_from_file(Path(said)), names, f"the file {str(said)!r}")
    if isinstance(said, Mapping):
        return _matched({str(name): str(truth) for name, truth in said.items()}, names, "the mapping")
    labels = [None if each is None else str(each) for each in said]
    if len(labels) != len(names):
        raise UsageError(
            f"There are {len(labels)} labels for {len(names)} images; give one for each in order, or a mapping from name to "
            "class."
        )
    return tuple(labels), ()


def _matched(
    labels: Mapping[str, str], names: Sequence[str], where: str
) -> tuple[tuple[str | None, ...], tuple[Note, ...]]:
    known = _known_by(names)
    truths: dict[str, str] = {}
    astray = []
    for name, truth in labels.items():
        image = known.get(name.replace("\\", "/").removeprefix("./"))
        if image is None:
            astray.append(name)
        else:
            truths[image] = truth
    without = [name for name in names if name not in truths]
    if not truths:
        raise UsageError(
            f"Not one of the {len(labels)} labels in {where} is of one of these images: it speaks of "
            f"{_examples(list(labels))}, and the images are called {_examples(names)}. Give names as they are in the folder."
        )
    notes = tuple(
        Note(name, "warning", {"count": len(which), "all": whole, "examples": ", ".join(which[:LISTED])})
        for name, which, whole in (
            ("labels_without_picture", astray, len(labels)),
            ("pictures_without_label", without, len(names)),
        )
        if which
    )
    return tuple(truths.get(name) for name in names), notes


def _known_by(names: Sequence[str]) -> Mapping[str, str]:
    """From whatever a person may call an image to its name; what would be the name of two is the name of none."""
    known: dict[str, str | None] = {}
    for short in (lambda p: p.stem, lambda p: p.name, lambda p: str(p.with_suffix("")), str):
        level: dict[str, str | None] = {}
        for name in names:
            called = short(PurePosixPath(name)) if short is not str else name
            level[called] = None if called in level else name
        known |= level
    return {called: name for called, name in known.items() if name is not None}


def _examples(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:LISTED]) + (" …" if len(names) > LISTED else "")


def _from_file(path: Path) -> Mapping[str, str]:
    where = f"The file of labels {str(path)!r}"
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputRefused(f"{where} has more than {LARGEST_FILE >> 20} MB; give a line for each picture.")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputRefused):
            raise
        reason = error.strerror if isinstance(error, OSError) else "it isn't UTF-8 text"
        raise InputRefused(f"{where} can't be read: {reason}. Give a CSV file of names and classes.") from error
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if any(row)]
    except csv.Error as error:
        raise InputRefused(f"{where} is no CSV that can be read: {error}. Give a name and a class a line.") from error
    file, truth, first = _columns(rows, where)
    short = next((i for i, row in enumerate(rows, 1) if len(row) <= max(file, truth)), None)
    if short is not None:
        raise InputRefused(f"{where}: line {short} has no class; give a name and a class on every line.")
    return {row[file].strip(): row[truth].strip() for row in rows[first:]}


def _delimiter(text: str) -> str:
    """The likeliest of three, by the first line."""
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=first.count)


def _columns(rows: Sequence[Sequence[str]], where: str) -> tuple[int, int, int]:
    """Which column holds the name, which the class, and the line the first label is on."""
    if not rows or len(rows[0]) < 2:
        raise InputRefused(f"{where} holds no names and classes; give both on a line, with a comma between them.")
    heads = [head.strip().casefold() for head in rows[0]]
    file = next((heads.index(name) for name in FILE_COLUMNS if name in heads), None)
    others = [name for name in CLASS_COLUMNS if name in heads and heads.index(name) != file]
    if len(heads) == 2:
        return (0, 1, 0) if file is None else (file, 1 - file, 1)
    if file is None or not others:
        raise InputRefused(
            f"{where} has {len(heads)} columns ({', '.join(rows[0][:8])}), and nothing says which holds the names and which "
            "the classes; call them file and class in the first line, or leave only these two."
        )
    return file, heads.index(others[0]), 1
