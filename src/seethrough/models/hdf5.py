"""HDF5 files of strangers: nothing outside the file, nothing larger than it, and only arrays and names come out.

HDF5 lets a group link into another file and a dataset keep its numbers in one; both would read whatever the person may
read. A dataset's shape is only declared: read blindly, a few bytes become terabytes. And the library that reads all this
is written in C and has had holes that corrupt memory. So `read_hdf5` runs in a process of its own (`reader`), takes
what a network needs (arrays, and attributes that are text or numbers), and lays it down in a form that can be checked at a
glance; from that `hdf5_copy` writes the file that is opened. The walk uses the low-level interface, because the high-level
one follows links.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from seethrough.errors import EnvironmentLacks, InputRefused

LARGEST_RATIO = 50
"""How many times its stored size a compressed dataset may become."""

MOST_OBJECTS = 200_000
DEEPEST = 64
LARGEST_TEXT = 16 * 2**20
"""The most characters of all attributes together, a model's configuration among them."""

SLAB = 16 * 2**20
"""How many bytes are in memory at a time."""

ALIGNED = 64

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""What may pack a dataset; HDF5 looks for the code of any other in a folder of the system."""


def h5py_or_lacking(where: str = "This") -> Any:
    """The library, or the extra that brings it."""
    try:
        import h5py
    except ImportError as error:
        raise EnvironmentLacks(
            f"{where} is an HDF5 file, and h5py isn't installed; install it with: pip install 'seethrough[keras]'."
        ) from error
    return h5py


def read_hdf5(path: Path, arrays: Path | None, where: str) -> dict[str, Any]:
    """Walk an HDF5 file, refuse what reaches outside it or declares more than it holds, and lay its arrays down.

    Parameters
    ----------
    arrays
        The file to write the numbers to, one array after another; None only looks.
    where
        What the file is called in a message.

    Returns
    -------
    dict
        Plain data. ``"groups"``: from path (``""`` is the root) to attributes. ``"arrays"``: from path to ``"shape"``,
        ``"dtype"`` (NumPy's, ``"<f4"``), ``"offset"`` in bytes and ``"attributes"``. Attributes are text, numbers, and
        lists of them; others, and datasets that aren't numbers, aren't taken: no layer that is let through reads any.

    Raises
    ------
    InputRefused
        A link that isn't hard, external or virtual storage, a filter that isn't HDF5's own, an object of two names, a
        dataset or attribute larger than what is stored of it, a broken file.
    EnvironmentLacks
        h5py isn't installed.
    """
    h5py = h5py_or_lacking(where)
    try:
        with h5py.File(path, "r", locking=False, rdcc_nbytes=2 * SLAB) as file:
            found = _Walk(h5py, path.stat().st_size, where).through(file)
            if arrays is not None:
                with arrays.open("wb") as sink:
                    _lay_down(file, found["arrays"], sink)
            return found
    except (InputRefused, MemoryError):
        raise
    except Exception as error:  # OSError, RuntimeError, KeyError, TypeError… by what is broken
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        said = " ".join(str(error).split())[:80]
        raise InputRefused(f"{where} is a broken HDF5 file ({said}); copy or download it again.") from error


class _Walk:
    """One walk through a file, and what has been counted on the way."""

    def __init__(self, h5py: Any, size: int, where: str) -> None:
        self.h5py, self.size, self.where = h5py, size, where
        self.seen: set[int] = set()
        self.stored = 0
        self.text = 0
        self.end = 0

    def through(self, file: Any) -> dict[str, Any]:
        h5py = self.h5py
        groups: dict[str, Any] = {}
        arrays: dict[str, Any] = {}
        waiting = [("", h5py.h5g.open(file.id, b"/"))]
        while waiting:
            path, found = waiting.pop()
            self._count(path, found)
            if isinstance(found, h5py.h5g.GroupID):
                groups[path] = self._attributes(found)
                waiting += reversed(list(self._children(path, found)))
            elif isinstance(found, h5py.h5d.DatasetID):
                entry = self._dataset(path, found)
                if entry is not None:
                    arrays[path] = entry
        return {"groups": groups, "arrays": arrays}

    def _count(self, path: str, found: Any) -> None:
        address = self.h5py.h5o.get_info(found).addr
        if address in self.seen:
            raise InputRefused(
                f"{self.where} holds {path!r} under a second name; save the network again without links."
            )
        self.seen.add(address)
        if len(self.seen) > MOST_OBJECTS:
            raise InputRefused(
                f"{self.where} holds more than {MOST_OBJECTS:,} groups and datasets; that is no network."
            )
        if path.count("/") > DEEPEST:
            raise InputRefused(f"{self.where} nests its groups more than {DEEPEST} deep; that is no network.")

    def _children(self, path: str, group: Any) -> Iterator[tuple[str, Any]]:
        for name in group:
            shown = name.decode(errors="replace")
            if group.links.get_info(name).type != self.h5py.h5l.TYPE_HARD:
                raise InputRefused(
                    f"{self.where} holds a link {shown!r} to elsewhere; save the network again without links."
                )
            if "/" in shown or shown in (".", ".."):
                raise InputRefused(f"{self.where} holds an object called {shown!r}; don't trust this file.")
            yield f"{path}/{name.decode()}".lstrip("/"), self.h5py.h5o.open(group, name)

    def _dataset(self, path: str, dataset: Any) -> dict[str, Any] | None:
        h5py, where = self.h5py, self.where
        created = dataset.get_create_plist()
        if created.get_external_count() > 0 or created.get_layout() == h5py.h5d.VIRTUAL:
            raise InputRefused(f"{where} keeps the numbers of {path!r} in another file; save the network as one file.")
        packed = [created.get_filter(i)[0] for i in range(created.get_nfilters())]
        foreign = next((code for code in packed if code not in FILTERS), None)
        if foreign is not None:
            raise InputRefused(
                f"{where} packs {path!r} with a filter that HDF5 doesn't have itself (number {foreign})."
            )
        declared = prod(dataset.shape or ()) * dataset.get_type().get_size()
        stored = declared if created.get_layout() == h5py.h5d.COMPACT else dataset.get_storage_size()
        self.stored += stored
        if self.stored > self.size or declared > stored * (LARGEST_RATIO if packed else 1):
            raise InputRefused(
                f"{where} declares {declared:,} bytes for {path!r} and stores {stored:,}; the limit is what is stored"
                f"{f', {LARGEST_RATIO} times where it is packed' if packed else ''}. It is cut off or made to mislead."
            )
        if dataset.shape is None or not _is_number(h5py, dataset.get_type()):
            return None
        entry = {"shape": list(dataset.shape), "dtype": dataset.dtype.str, "offset": self.end}
        self.end += -(-declared // ALIGNED) * ALIGNED
        return {**entry, "attributes": self._attributes(dataset)}

    def _attributes(self, found: Any) -> dict[str, Any]:
        h5a = self.h5py.h5a
        manager = self.h5py.AttributeManager(_Holder(found))
        attributes: dict[str, Any] = {}
        for index in range(h5a.get_num_attrs(found)):
            attribute = h5a.open(found, index=index)
            name = attribute.name.decode()
            # Not HDF5's own storage size: where that is 0, as of an empty list of names, h5py takes it for a failure.
            declared = prod(attribute.shape or ()) * attribute.get_type().get_size()
            if declared > self.size:
                raise InputRefused(
                    f"{self.where} declares {declared:,} bytes for the attribute {name!r} in a file of {self.size:,}; "
                    "it is cut off or made to mislead."
                )
            if attribute.shape is not None and _is_plain(self.h5py, attribute.get_type()):
                attributes[name] = self._counted(manager[name])
        return attributes

    def _counted(self, value: Any) -> Any:
        plain = _plain(value)
        self.text += sum(len(str(each)) for each in plain) if isinstance(plain, list) else len(str(plain))
        if self.text > LARGEST_TEXT:
            raise InputRefused(
                f"{self.where} holds more than {LARGEST_TEXT >> 20} MB of attributes; that describes no network."
            )
        return plain


class _Holder:
    """What h5py's attributes hang on: anything with an identifier."""

    def __init__(self, identifier: Any) -> None:
        self.id = identifier


def _is_number(h5py: Any, kind: Any) -> bool:
    """Also truth values, which HDF5 has as an enumeration, and the two bytes of a bfloat16, which it has no name for."""
    h5t = h5py.h5t
    if kind.get_class() == h5t.OPAQUE:
        return kind.get_size() <= 2
    return kind.get_class() in (h5t.INTEGER, h5t.FLOAT) or (kind.get_class() == h5t.ENUM and kind.dtype.kind == "b")


def _is_plain(h5py: Any, kind: Any) -> bool:
    return kind.get_class() in (h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT)


def _plain(value: Any) -> Any:
    """An attribute's value as JSON can hold it; text is UTF-8."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.ravel().tolist()]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value


def _lay_down(file: Any, arrays: dict[str, Any], sink: IO[bytes]) -> None:
    """Write every array at its offset, little by little."""
    for path, entry in arrays.items():
        sink.seek(entry["offset"])
        dataset = file[path]
        for slab in _slabs(dataset.shape, dataset.dtype.itemsize):
            sink.write(np.ascontiguousarray(dataset[slab]).data)


def _slabs(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[Any, ...]]:
    """Indices that cut an array into pieces of at most `SLAB` bytes, in the order of memory."""
    if prod(shape) * itemsize <= SLAB:
        yield ()
        return
    axis = next(i for i in range(len(shape)) if prod(shape[i + 1 :]) * itemsize <= SLAB)
    rows = max(1, SLAB // (prod(shape[axis + 1 :]) * itemsize))
    for lead in np.ndindex(*shape[:axis]):
        for start in range(0, shape[axis], rows):
            yield (*lead, slice(start, start + rows))
