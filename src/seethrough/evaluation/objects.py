"""Where the object is: masks and boxes that somebody drew, on the pixels of the picture."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, UsageError
from seethrough.images import load_picture
from seethrough.results import Picture

Objects = Callable[[int, Picture], NDArray[np.bool_] | None]
"""From an image's number and its picture to bool (H, W), True on the object; None where nothing was drawn."""

SIDES = ("x0", "y0", "x1", "y1")
FILES = ("file", "image", "filename", "name", "path")
LARGEST = 64 * 2**20


def objects(collection: Collection, masks: Any = None, boxes: Any = None) -> Objects | None:
    """Where the object is on each picture of a collection.

    Parameters
    ----------
    masks
        A folder of pictures named like those that they belong to (``cat.png`` for ``cat.jpg``), all in one or in folders like
        theirs, not 0 on the object; a
        mapping from an image's name to such a file or an array (H, W); a list in order (None where there is none); or a
        CSV file with columns ``image`` and ``mask`` (files beside it). Several of one picture are put together.
    boxes
        A mapping from an image's name to boxes (x0, y0, x1, y1) in its pixels; a list in order; or a CSV file with
        columns ``image``, ``x0``, ``y0``, ``x1``, ``y1``.

    Raises
    ------
    UsageError
        Both; none of them belongs to any picture; a list of another length.
    InputRefused
        A file that can't be read.
    """
    if masks is not None and boxes is not None:
        raise UsageError("masks and boxes both say where the object is; give one of them.")
    if masks is None and boxes is None:
        return None
    said, what = (masks, "masks") if boxes is None else (boxes, "boxes")
    found = _by_number(collection, said, what)
    if not any(found):
        examples = ", ".join(repr(item.name) for item in collection[:3])
        raise UsageError(
            f"Not one of the {what} belongs to one of these images, which are called {examples}; name them alike."
        )
    draw = _mask if what == "masks" else _box

    def drawn(number: int, picture: Picture) -> NDArray[np.bool_] | None:
        parts = [draw(each, picture) for each in found[number]]
        return np.asarray(np.stack(parts).any(0)) if parts else None

    return drawn


def mask_files(masks: str | os.PathLike[str]) -> list[Path]:
    """The files that `objects` reads where masks are a folder or a CSV file.

    Raises
    ------
    InputRefused
        As there.
    """
    path = Path(masks)
    found = _of_folder(path) if path.is_dir() else _of_csv(path, "masks")
    return [_beside(file) for files in found.values() for file in files]


def _by_number(collection: Collection, said: Any, what: str) -> list[list[Any]]:
    """What was said of each image."""
    if isinstance(said, str | os.PathLike):
        path = Path(said)
        return _named(collection, _of_folder(path) if path.is_dir() else _of_csv(path, what))
    if isinstance(said, Mapping):
        return _named(collection, {str(name): _several(each, what) for name, each in said.items()})
    each = list(said)
    if len(each) != len(collection):
        raise UsageError(f"There are {len(each)} {what} for {len(collection)} images; give one for each, or None.")
    return [[] if one is None else _several(one, what) for one in each]


def _several(one: Any, what: str) -> list[Any]:
    """Masks, or boxes, of one picture: one of them or a list."""
    if what == "masks":
        return list(one) if isinstance(one, list | tuple) else [one]
    array = np.asarray(one, float)
    if array.shape[-1:] != (4,) or array.ndim > 2:
        raise UsageError(f"A box is (x0, y0, x1, y1) in pixels, not {one!r}.")
    return [tuple(row) for row in array.reshape(-1, 4)]


def _named(collection: Collection, said: Mapping[str, list[Any]]) -> list[list[Any]]:
    """By an image's name as it is in the collection, with or without suffix; what belongs to none so, by its file's name or that
    without suffix, where only one is called so.
    """
    whole = [
        next((n for n in (item.name, str(Path(item.name).parent / _stem(item.name))) if n in said), None)
        for item in collection
    ]
    taken = set(whole)
    rest = [name for name in said if name not in taken]
    own = {short: _once(rest, short) for short in (_file, _stem)}
    of: dict[str, str] = {}
    found = []
    for item, name in zip(collection, whole):
        if name is None:
            shorter = ((_file, _file(item.name)), (_file, _stem(item.name)), (_stem, _stem(item.name)))
            name = next((own[short][n] for short, n in shorter if n in own[short]), None)
            if name is not None and of.setdefault(name, item.name) != item.name:
                raise UsageError(
                    f"What was drawn for {name!r} would belong to {of[name]!r} and to {item.name!r}; name it like one of them, "
                    "its folder too."
                )
        found.append([] if name is None else said[name])
    return found


def _once(names: Iterable[str], short: Callable[[str], str]) -> dict[str, str]:
    """From what only one of these names is called in short to the name."""
    times = Counter(map(short, names := list(names)))
    return {short(name): name for name in names if times[short(name)] == 1}


def _file(name: str) -> str:
    return Path(name).name


def _stem(name: str) -> str:
    return Path(name).stem


def _of_folder(folder: Path) -> dict[str, list[Any]]:
    """By their paths there without suffix: in folders like the pictures' own, or all in one."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".bmp", ".tif", ".tiff", ".gif"))
    if not files:
        raise InputRefused(f"There are no masks in {str(folder)!r}; they are pictures that end in .png, .bmp or .tif.")
    return {str(p.relative_to(folder).with_suffix("")): [p] for p in files}


def _of_csv(path: Path, what: str) -> dict[str, list[Any]]:
    where = f"The file of {what} {str(path)!r}"
    if not path.exists():
        raise InputRefused(f"There is no folder or file of {what} {str(path)!r}.")
    try:
        if path.stat().st_size > LARGEST:
            raise InputRefused(f"{where} has more than {LARGEST >> 20} MB; give a line for each of the {what}.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{where} can't be read; give CSV with a first line that names the columns.") from error
    wanted = ("mask",) if what == "masks" else SIDES
    columns = tuple(rows[0]) if rows else ()
    name = next((c for c in FILES if c in columns), None)
    if name is None or not set(wanted) <= set(columns):
        raise InputRefused(
            f"{where} has the columns {', '.join(columns) or 'none'}; it needs image, {', '.join(wanted)}."
        )
    found: dict[str, list[Any]] = {}
    for line, row in enumerate(rows, 2):
        try:
            each = path.parent / row["mask"] if what == "masks" else tuple(float(row[side]) for side in SIDES)
        except (TypeError, ValueError):
            raise InputRefused(f"{where}: line {line} has no numbers {', '.join(SIDES)}.") from None
        found.setdefault(row[name], []).append(each)
    return found


def _mask(said: Any, picture: Picture) -> NDArray[np.bool_]:
    if isinstance(said, str | os.PathLike):
        array: np.ndarray = np.asarray(load_picture(_beside(Path(said))).pixels.any(2))
    else:
        array = np.asarray(said) != 0
    if array.ndim == 3:
        array = np.asarray(array.any(2))
    if array.shape != picture.size:
        height, width = picture.size
        raise InputRefused(
            f"The mask of {picture.name!r} has the shape {array.shape}, and the picture {height} × {width} pixels; they "
            "must be alike."
        )
    return array


def _beside(path: Path) -> Path:
    """The file; a CSV often names it without the folder of its own that it lies in."""
    return path if path.exists() else path.parent / "masks" / path.name


def _box(said: Sequence[float], picture: Picture) -> NDArray[np.bool_]:
    """True on the pixels whose centres lie in the box; its last column and row are inside."""
    x0, y0, x1, y1 = said
    height, width = picture.size
    y, x = np.arange(height), np.arange(width)
    return np.logical_and.outer((y >= y0) & (y <= y1), (x >= x0) & (x <= x1))
