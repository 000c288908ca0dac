"""PyTorch's pickled files, read without being run: which names they call for, and how much storage they declare.

``torch.load(weights_only=True)`` runs nothing that is foreign, but it believes the sizes in the pickle: storage is
allocated (older format), or read past a member's end (archive), before anything is compared. So the pickle's
instructions are walked first, and only counted.
"""

from __future__ import annotations

import io
import mmap
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from seethrough.errors import InputRefused
from seethrough.models.archives import open_zip, unpacking
from seethrough.models.files import refuse_no_file

STORAGE_BYTES: Mapping[str, int] = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8, "LongStorage": 8, "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1,
    "BoolStorage": 1, "UntypedStorage": 1, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
    "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
}  # fmt: skip

ALLOCATES = frozenset({"builtins bytearray", "__builtin__ bytearray"})
"""What ``weights_only`` lets a pickle call, and what then allocates as much as an integer in it says."""

LEGACY_PICKLES = 5
"""Magic number, protocol, system, object, and the keys of the storages; the storages themselves follow."""


@dataclass
class Contents:
    """What a pickle would do: the names it calls for, and by key the bytes of storage it declares."""

    names: set[str] = field(default_factory=set)
    storages: dict[str, int] = field(default_factory=dict)


Readable = io.BytesIO | mmap.mmap
"""What gives no more bytes than it has, however many are asked for."""


def check_archive(path: Path) -> Contents:
    """Read the pickle in a PyTorch archive and hold every storage against the member that should hold it."""
    where = repr(str(path))
    with open_zip(path) as archive:
        inside = next(name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl"))
        with unpacking(f"The pickle in {where}"):
            pickled = archive.read(inside)
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    contents = Contents()
    _walk(io.BytesIO(pickled), contents, where)
    folder = inside.removesuffix("data.pkl")
    for key, declared in contents.storages.items():
        stored = sizes.get(f"{folder}data/{key}")
        if stored is None or declared > stored:
            raise InputRefused(
                f"{where} declares {declared:,} bytes for storage {key!r} and holds {stored or 0:,}; it is cut off or "
                "made to mislead."
            )
    return _safe(contents, where)


def check_legacy(path: Path) -> Contents:
    """Read the pickles at the head of a file of PyTorch before 1.6 and hold the storages they declare against the
    file's size.
    """
    refuse_no_file(path)
    where, size = repr(str(path)), path.stat().st_size
    contents = Contents()
    # A map of the file never reads past its end, whatever length a string in the pickle declares.
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as file:
        for _ in range(LEGACY_PICKLES):
            _walk(file, contents, where)
            if file.tell() == size:  # a plain pickle, which has no storages of its own behind it
                break
    declared = sum(contents.storages.values())
    if declared > size:
        raise InputRefused(
            f"{where} declares {declared:,} bytes of weights in a file of {size:,}; it is cut off or made to mislead."
        )
    return _safe(contents, where)


def _safe(contents: Contents, where: str) -> Contents:
    if contents.names & ALLOCATES:
        raise InputRefused(
            f"{where} holds byte arrays of any size beside its weights; save the state_dict alone "
            "(torch.save(model.state_dict(), …))."
        )
    return contents


def _walk(file: Readable, contents: Contents, where: str) -> None:
    try:
        for key, declared in _storages(_instructions(file, contents)):
            contents.storages[key] = max(declared, contents.storages.get(key, 0))
    except (ValueError, KeyError, IndexError, EOFError, OverflowError, AttributeError) as error:
        raise InputRefused(
            f"{where} is cut off or no file of PyTorch ({str(error)[:80]}); copy or download it again."
        ) from error


PUSHES = frozenset(
    "GLOBAL STACK_GLOBAL BINGET LONG_BINGET GET STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8 INT BININT BININT1 BININT2 LONG LONG1 LONG4".split()
)
"""Instructions that put one plain value on the stack, which is also their argument here."""


def _instructions(file: Readable, contents: Contents) -> Iterator[tuple[str, Any]]:
    """The pickle's instructions; a memoised plain value stands where it is fetched, anything else is None."""
    memo: dict[int, Any] = {}
    plain: list[Any] = []
    for opcode, argument, _ in pickletools.genops(cast(IO[bytes], file)):
        code = opcode.name
        if code in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memo[len(memo) if code == "MEMOIZE" else int(str(argument))] = plain[-1] if plain else None
            continue
        if code == "STACK_GLOBAL":
            argument = f"{plain[-2]} {plain[-1]}"
        elif code in ("BINGET", "LONG_BINGET", "GET"):
            argument = memo.get(int(str(argument)))
        if code in ("GLOBAL", "STACK_GLOBAL", "INST"):
            contents.names.add(str(argument))
        # What isn't a plain push leaves the top of the stack unknown, and an unknown value is never taken for a size.
        plain = [*plain[-1:], argument] if code in PUSHES else []
        yield code, argument


def _storages(instructions: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, int]]:
    """Key and bytes of every storage, which is a tuple ('storage', type, key, location, elements) and then BINPERSID.

    Only that exact spelling, which is PyTorch's own, is taken; any other way to arrive at a storage is refused.
    """
    values: list[Any] | None = None
    closed = False
    for code, argument in instructions:
        if code == "BINPERSID":
            if closed and values and values[0] == "module":
                continue  # before 1.6 a module of one's own came with its source; loading it is refused by name
            if not closed or values is None or len(values) != 5:
                raise ValueError("a storage that isn't described as PyTorch describes it")
            yield _storage(*values)
        if code == "MARK":
            values, closed = [], False
        elif code == "STACK_GLOBAL" and values is not None:
            values[-2:] = [argument]
        elif code in PUSHES and values is not None and not closed:
            values.append(argument)
        elif code == "TUPLE" and values is not None:
            closed = True
        elif code != "NONE":  # older files say with None that the storage is no view of another
            values, closed = None, False


def _storage(tag: Any, kind: Any, key: Any, location: Any, elements: Any) -> tuple[str, int]:
    del location
    if tag != "storage" or not isinstance(elements, int) or elements < 0:
        raise ValueError("a storage that isn't described as PyTorch describes it")
    return str(key), elements * STORAGE_BYTES[str(kind).rpartition(" ")[2]]
