"""Files of networks before anything opens them: what a file is by its first bytes, and whether what it declares can be
true.

Nothing here trusts a suffix, and nothing is allocated on a file's word: an archive's members together can't be larger
than the file (unless compressed, and then not absurdly), a header can't be longer than what holds it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from seethrough.errors import InputRefused, SeethroughError, UsageError
from seethrough.models.other_formats import HEAD, Format, format_of, format_of_archive, is_other_pickle

LARGEST_HEADER = 100 * 2**20
"""The most bytes of a safetensors header or a model's configuration."""

LARGEST_RATIO = 50
"""How many times its stored size a compressed member may become; float weights deflate to about nine tenths."""

HARMLESS_SIZE = 16 * 2**20
"""The most bytes that a member may unpack to whatever its ratio; a configuration in JSON packs very well."""

ELEMENT_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Of the types in a safetensors header."""

OPENED = ".keras, .h5, .onnx, .safetensors, .pt and .pth"


def kind_of(path: Path) -> str:
    """What a file is: ``"keras"``, ``"hdf5"``, ``"safetensors"``, ``"torch"``, ``"torchscript"``, ``"pt2"``, ``"torch
    legacy"`` or ``"onnx"``.

    By its first bytes; ONNX has no mark there and is told by its suffix.

    Raises
    ------
    InputRefused
        Missing, a folder, empty, or nothing of these; a format that isn't opened is named, with what to do instead.
    """
    where = repr(str(path))
    refuse_no_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise InputRefused(f"The file {where} can't be read: {error.strerror}. Check its permissions.") from error
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    suffix = path.suffix.casefold()
    if len(head) >= 10 and head[8:9] == b"{":
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and not is_other_pickle(suffix, head):
        return "torch legacy"
    other = format_of(path, head)
    if other is not None:
        _refuse_format(where, other)
    if suffix == ".onnx":
        return "onnx"
    raise InputRefused(
        f"{where} is no file of a network that Seethrough knows, or it is broken; Seethrough opens {OPENED}."
    )


def _refuse_format(where: str, other: Format) -> NoReturn:
    raise InputRefused(f"{where} is {other.what}, which Seethrough doesn't open. {other.instead}.")


def refuse_no_file(path: Path) -> None:
    """Refuse what isn't a regular file that holds something."""
    where = repr(str(path))
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise InputRefused(
            f"There is no file {where}; check the path, or name a network such as keras:VGG16 or demo:leopards."
        ) from error
    except (OSError, ValueError) as error:  # too long a name, a null character in it, a folder that is closed to us
        raise InputRefused(f"The file {where} can't be reached; check the path and its permissions.") from error
    if stat.S_ISDIR(status.st_mode):
        saved = (path / "saved_model.pb").exists()
        advice = "Load it in TensorFlow and save it as .keras" if saved else "Name the file in it"
        raise InputRefused(f"{where} is a folder{', a TensorFlow SavedModel' if saved else ''}. {advice}.")
    if not stat.S_ISREG(status.st_mode):  # a pipe or a device could be read for ever
        raise InputRefused(f"{where} is no regular file; save the network to a file first.")
    if status.st_size == 0:
        raise InputRefused(f"{where} is empty (0 bytes); copy or download it again.")


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind_of_zip(path: Path) -> str:
    with open_zip(path) as archive:
        names = archive.namelist()
    leaves = {PurePosixPath(name).name for name in names}
    if "config.json" in names and leaves & {"model.weights.h5", "model.weights.npz", "metadata.json"}:
        return "keras"
    if "constants.pkl" in leaves and any("code/" in name for name in names):
        return "torchscript"
    if leaves & {"archive_format", "serialized_exported_program.json"}:
        return "pt2"
    if "data.pkl" in leaves:
        return "torch"
    other = format_of_archive(names)
    if other is not None:
        _refuse_format(repr(str(path)), other)
    raise InputRefused(
        f"{str(path)!r} is an archive, but not of a network: it has neither config.json (Keras) nor data.pkl (PyTorch)."
    )


def open_zip(path: Path) -> zipfile.ZipFile:
    """An archive whose members are inside it, named once, and no larger than it can hold."""
    where = repr(str(path))
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputRefused(f"{where} is a broken archive ({error}); copy or download it again.") from error
    try:
        _refuse_unsafe_members(archive.infolist(), path.stat().st_size, where)
    except InputRefused:
        archive.close()
        raise
    return archive


def _refuse_unsafe_members(members: list[zipfile.ZipInfo], size: int, where: str) -> None:
    seen: set[str] = set()
    for member in members:
        # The raw name: zipfile cuts `filename` at a null character and would hide what stands behind.
        name = member.orig_filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
            raise InputRefused(f"{where} holds a member that would land outside it ({name!r}); don't trust this file.")
        if name in seen:
            raise InputRefused(f"{where} holds two members called {name!r}; don't trust this file.")
        seen.add(name)
        if member.flag_bits & 1:
            raise InputRefused(f"{where} is encrypted; save the network without a password.")
        if member.file_size > max(LARGEST_RATIO * member.compress_size, HARMLESS_SIZE):
            raise InputRefused(
                f"{where} declares {member.file_size:,} bytes for {name!r} but stores {member.compress_size:,}; it "
                "won't be unpacked."
            )
    if sum(member.compress_size for member in members) > size:
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


def read_json(archive: zipfile.ZipFile, member: str, where: str) -> dict[str, Any]:
    """A JSON object in an archive, of bounded size."""
    if archive.getinfo(member).file_size > LARGEST_HEADER:
        raise InputRefused(f"{where} has a {member} of more than {LARGEST_HEADER >> 20} MB; that describes no network.")
    with unpacking(f"The {member} of {where}"):
        text = archive.read(member)
    return parse_json(text, f"The {member} of {where}")


def parse_json(text: str | bytes, where: str) -> dict[str, Any]:
    """A JSON object, or one sentence."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputRefused(
            f"{where} is no JSON that can be read ({type(error).__name__}); copy or download the file again."
        ) from error
    if not isinstance(parsed, dict):
        raise InputRefused(f"{where} isn't a JSON object; the file is broken.")
    return parsed


def check_safetensors(path: Path) -> None:
    """Hold a safetensors header against the file: lengths, offsets, and shapes times element size."""
    where, size = repr(str(path)), path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(size - 8, LARGEST_HEADER):
            raise InputRefused(
                f"{where} declares a header of {length:,} bytes in a file of {size:,}; it is cut off or made to "
                "mislead."
            )
        header = parse_json(file.read(length), f"The header of {where}")
    room, end = size - 8 - length, 0
    for name, entry in header.items():
        if name != "__metadata__":
            end = max(end, _tensor_end(name, entry, room, where))
    if end != room:
        raise InputRefused(f"{where} declares {end:,} bytes of weights and holds {room:,}; it is cut off or broken.")


def _tensor_end(name: str, entry: Any, room: int, where: str) -> int:
    try:
        begin, end = entry["data_offsets"]
        needed = prod(entry["shape"]) * ELEMENT_BITS[entry["dtype"]] // 8
        sound = 0 <= begin <= end <= room and min(entry["shape"], default=0) >= 0
    except (KeyError, TypeError, ValueError) as error:
        raise InputRefused(f"{where}: the entry of {name!r} in its header is broken or of an unknown type.") from error
    if not sound or end - begin != needed:
        raise InputRefused(
            f"{where} declares a tensor {name!r} that isn't in the file; it is cut off or made to mislead."
        )
    return end


def as_path(source: str | Path) -> Path:
    """A path as the person wrote it, with ``~`` opened out."""
    try:
        return Path(source).expanduser()
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"{str(source)!r} can't be the name of a file.") from error
