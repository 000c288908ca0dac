"""Numbers that a person gives for images, to colour the wall by: a CSV file with a name and values a line, or arrays."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, UsageError, nearest

LARGEST = 64 * 2**20
"""Bytes of a file of numbers, at most."""

Numbers = dict[str, NDArray[np.float32]]


def read_numbers(said: str | Path | Mapping[str, Any], images: Collection) -> Numbers:
    """Numbers by what they are called: float32 (N,) each, NaN where nobody gave one.

    Parameters
    ----------
    said
        A CSV file whose first line names its columns, the first of which holds the images' names (as in the folder, or
        the file's own name alone); or a mapping from what they are called to a number for each image in order, or to a
        mapping from image to number.

    Raises
    ------
    InputRefused
        A file that can't be read, or with something else than numbers in it; names the line.
    UsageError
        Names of which none is an image's; another length than that of the images.
    """
    if isinstance(said, Mapping):
        return {str(name): _column(str(name), values, images) for name, values in said.items()}
    where, columns = f"The file of numbers {str(said)!r}", _from_file(Path(said))
    return {name: _placed(values, images, where) for name, values in columns.items()}


def _column(name: str, values: Any, images: Collection) -> NDArray[np.float32]:
    if isinstance(values, Mapping):
        return _placed({str(k): float(v) for k, v in values.items()}, images, f"The numbers {name!r}")
    column = np.asarray(values, np.float32)
    if column.shape != (len(images),):
        raise UsageError(
            f"The numbers {name!r} have the shape {column.shape}; give one for each of {len(images)} images, in order, "
            "or a mapping from name to number."
        )
    return np.where(np.isfinite(column), column, np.nan)


def _placed(values: Mapping[str, float], images: Collection, where: str) -> NDArray[np.float32]:
    """Values by name, in the order of the images."""
    names = [item.name for item in images.items]
    alone = Counter(Path(name).name for name in names)
    known = set(names) | {name for name, times in alone.items() if times == 1}
    if values and not known & set(values):
        first = next(iter(values))
        raise UsageError(
            f"{where} speaks of {first!r} and {len(values) - 1} more, none of which is among the {len(names)} images."
            f"{nearest(first, names)} The images are called as {names[0]!r}."
        )
    found = (values.get(n, values.get(Path(n).name if alone[Path(n).name] == 1 else n, math.nan)) for n in names)
    return np.fromiter(found, np.float32, len(names))


def _from_file(path: Path) -> dict[str, dict[str, float]]:
    where = f"The file of numbers {str(path)!r}"
    try:
        if path.stat().st_size > LARGEST:
            raise InputRefused(f"{where} has more than {LARGEST >> 20} MB; give a name and a few numbers a line.")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't UTF-8 text"
        raise InputRefused(f"{where} can't be read: {reason}.") from error
    try:
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except csv.Error as error:
        raise InputRefused(f"{where} is no CSV that can be read: {error}.") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise InputRefused(
            f"{where} holds no numbers; its first line is such as 'name,value', and each other an image's."
        )
    return {title: _numbers(rows, column, where) for column, title in enumerate(rows[0]) if column}


def _numbers(rows: Sequence[Sequence[str]], column: int, where: str) -> dict[str, float]:
    """One column by name; a field left empty is no number."""
    found = {}
    for line, row in enumerate(rows[1:], 2):
        field = row[column].strip() if column < len(row) else ""
        if not field:
            continue
        try:
            found[row[0]] = float(field)
        except ValueError:
            raise InputRefused(f"{where}, line {line}: {field[:60]!r} is no number.") from None
        if not math.isfinite(found[row[0]]):
            raise InputRefused(f"{where}, line {line}: {field[:60]!r} can't be drawn; leave the field empty.")
    return found
