"""Files of networks before anything opens them: what a file is by its first bytes, and whether what it declares can be
true.

Nothing here trusts a suffix, and nothing is allocated on a file's word: a header can't be longer than what holds it, a
tensor can't be larger. Archives have a file of their own (`archives`), and so has what is text (`json_text`).
"""

from __future__ import annotations

import hashlib
import stat
import struct
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from seethrough.errors import InputRefused, UsageError
from seethrough.models.archives import open_zip
from seethrough.models.json_text import LARGEST_TEXT, parse_json, product
from seethrough.models.other_formats import HEAD, Format, format_of, format_of_archive, is_other_pickle

MOST_TENSORS = 100_000

ELEMENT_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Of the types in a safetensors header."""

PICKLED, TEXT_PICKLE = (".pt", ".pth", ".bin"), b"c(]}"
"""Pickles of the oldest protocol are text; how they begin is a mark only together with how they are called."""

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
    if suffix in PICKLED and head[:1] in TEXT_PICKLE:
        return "torch legacy"
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
    if "constants.pkl" in leaves:
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


def check_safetensors(path: Path) -> None:
    """Hold a safetensors header against the file: lengths, offsets, and shapes times element size."""
    where, size = repr(str(path)), path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(size - 8, LARGEST_TEXT):
            raise InputRefused(
                f"{where} declares a header of {length:,} bytes in a file of {size:,}; the limit is "
                f"{min(size - 8, LARGEST_TEXT):,}. It is cut off or made to mislead."
            )
        header = parse_json(file.read(length), f"The header of {where}")
    if len(header) > MOST_TENSORS:
        raise InputRefused(
            f"{where} declares {len(header):,} tensors; the limit is {MOST_TENSORS:,}. That is no network."
        )
    room, end = size - 8 - length, 0
    for name, entry in header.items():
        if name != "__metadata__":
            end = max(end, _tensor_end(name, entry, room, where))
    if end != room:
        raise InputRefused(f"{where} declares {end:,} bytes of weights and holds {room:,}; it is cut off or broken.")


def _tensor_end(name: str, entry: Any, room: int, where: str) -> int:
    """Where a tensor ends, after what it declares was found to be true."""
    try:
        begin, end = entry["data_offsets"]
        sides, bits = entry["shape"], ELEMENT_BITS[entry["dtype"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputRefused(f"{where}: the entry of {name!r} in its header is broken or of an unknown type.") from error
    if not (isinstance(sides, list) and all(map(_is_size, (*sides, begin, end)))):
        raise InputRefused(f"{where}: the entry of {name!r} in its header declares sizes that are no sizes.")
    needed = product(sides) * bits // 8
    if not begin <= end <= room or end - begin != needed:
        raise InputRefused(
            f"{where} declares {needed:,} bytes for the tensor {name!r} and has {max(0, min(end, room) - begin):,} there; "
            "that tensor isn't in the file, which is cut off or made to mislead."
        )
    return end


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63


def as_path(source: str | Path) -> Path:
    """A path as the person wrote it, with ``~`` opened out."""
    try:
        return Path(source).expanduser()
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"{str(source)!r} can't be the name of a file.") from error
