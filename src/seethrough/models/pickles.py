"""PyTorch's pickled files: read as programs first, and loaded only where the program does nothing but weights.

``torch.load(weights_only=True)`` runs nothing that is foreign, but it believes the sizes in the pickle: storage is
allocated (older format), or read past a member's end (archive), before anything is compared; a tensor may be stretched over
one number a thousand million times. So the pickle is run by a machine that runs nothing (`pickle_machine`), and every
name, call and storage is judged here.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.models.archives import open_zip, unpacking
from seethrough.models.files import refuse_no_file
from seethrough.models.json_text import product
from seethrough.models.pickle_machine import NotPickled, Readable, Storage, refuse_no_key, run

STORAGE_BYTES: Mapping[str, int] = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8, "LongStorage": 8, "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1,
    "BoolStorage": 1, "UntypedStorage": 1, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
    "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
}  # fmt: skip

STORAGE_HOMES = frozenset({"torch", "torch.storage", "torch.cuda"})

CONSTANTS = frozenset(
    f"torch.{name}"
    for name in """
    float16 half float32 float float64 double bfloat16 complex32 chalf complex64 cfloat complex128 cdouble uint8 int8 int16
    short int32 int int64 long bool uint16 uint32 uint64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz
    quint8 qint8 qint32 quint4x2 quint2x4 per_tensor_affine per_tensor_symmetric per_channel_affine
    per_channel_symmetric per_channel_affine_float_qparams
    """.split()
)
"""Types of numbers, and how they are quantized."""

LARGEST_PICKLE = 64 * 2**20
LARGEST_STRETCH = 16 * 2**20
"""How many bytes more than they store tensors may show: an expanded mask is true, a weight of 10¹¹ zeros isn't."""

LEGACY_PICKLES = 5
"""Magic number, protocol, system, object, and the keys of the storages; the storages themselves follow."""

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001

SAFE_SINCE = (2, 10)
"""The first PyTorch whose ``weights_only`` can't be made to write past a storage's end (CVE-2026-24747)."""

WAY_OUT = (
    "save the weights alone (safetensors.torch.save_file(model.state_dict(), 'weights.safetensors'), or "
    "torch.save(model.state_dict(), …)) and say architecture=…, or open it with allow_code=True (--allow-code) if you "
    "trust it."
)


def load_pickled(path: Path, kind: str, *, allow_code: bool = False) -> Any:
    """What a file of PyTorch holds, on the CPU.

    Parameters
    ----------
    kind
        ``"torch"`` (an archive) or ``"torch legacy"``, as `kind_of` says.
    allow_code
        Let the file run what it likes; without it, nothing but tensors and plain values comes out.

    Raises
    ------
    InputRefused
        A file that would run code (names the first thing it calls for), that declares what it doesn't hold, or that is
        broken.
    EnvironmentLacks
        A PyTorch with a known hole.
    """
    import torch

    where = repr(str(path))
    if not allow_code:
        if tuple(int(part) for part in torch.__version__.split(".")[:2]) < SAFE_SINCE:
            raise EnvironmentLacks(
                f"PyTorch {torch.__version__} reads strangers' files unsafely (CVE-2026-24747); install 2.10 or newer, or "
                "save the weights as .safetensors."
            )
        check_archive(path) if kind == "torch" else check_legacy(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=not allow_code)
    except Exception as error:  # UnpicklingError, RuntimeError, EOFError, KeyError… by what is broken
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputRefused(f"PyTorch can't read {where}: {said}") from error


@dataclass
class Contents:
    """What a pickle would do, as far as it may: the judge of its names, calls and storages.

    Attributes
    ----------
    where
        What the file is called in a message.
    names
        What it calls for, in the order in which it does.
    storages
        By key the bytes that it declares.
    stretched
        Bytes that its tensors show beyond what their storages hold.
    """

    where: str
    names: list[str] = field(default_factory=list)
    storages: dict[str, int] = field(default_factory=dict)
    stretched: int = 0

    def name(self, path: str) -> None:
        if path not in CALLS and path not in CONSTANTS and _storage_bytes(path) is None:
            raise InputRefused(f"{self.where} is a pickle that would run code when opened ({path[:100]}); {WAY_OUT}")
        self.names.append(path)

    def call(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name not in CALLS:
            raise NotPickled(f"a call of {name}, which is no function")
        CALLS[name](self, *arguments)

    def storage(self, described: Any) -> Storage:
        match described:
            case ("storage", kind, str(key), str(), int(elements), *_) if 0 <= elements < 2**62 and len(described) <= 6:
                itemsize = _storage_bytes(getattr(kind, "path", ""))
                if itemsize is not None:
                    self.storages[key] = max(elements * itemsize, self.storages.get(key, 0))
                    return Storage(key, elements, itemsize)
        raise NotPickled("a storage that isn't described as PyTorch describes it")

    def tensor(self, storage: Any, offset: Any, size: Any, stride: Any, *more: Any) -> None:
        """A tensor lies in its storage, and shows little more than that holds."""
        sizes = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)
        if not (isinstance(storage, Storage) and sizes and all(map(_is_size, (offset, *size, *stride)))):
            raise NotPickled("a tensor that isn't described as PyTorch describes it")
        elements = product(size)
        end = offset + 1 + sum((side - 1) * step for side, step in zip(size, stride)) if elements else 0
        self.stretched += max(0, elements - storage.elements) * storage.itemsize
        if end > storage.elements or self.stretched > LARGEST_STRETCH:
            raise InputRefused(
                f"{self.where} declares a tensor of {elements:,} numbers over a storage of {storage.elements:,}; the limit "
                f"is what is stored, and {LARGEST_STRETCH >> 20} MB for views. It is made to mislead."
            )


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**62


def _storage_bytes(path: str) -> int | None:
    home, _, kind = path.rpartition(".")
    return STORAGE_BYTES.get(kind) if home in STORAGE_HOMES else None


def _ordered(judge: Contents, *pairs: Any) -> None:
    """Python 2 wrote its pairs as a list; Python 3 sets them afterwards."""
    for pair in _one(pairs, list) if pairs else ():
        refuse_no_key(pair[0])


def _members(judge: Contents, *items: Any) -> None:
    for item in _one(items, list):
        refuse_no_key(item)


def _counted(judge: Contents, *counts: Any) -> None:
    if counts:
        _one(counts, dict)


def _sides(judge: Contents, *sides: Any) -> None:
    if not all(map(_is_size, _one(sides, tuple))):
        raise NotPickled("a size that is none")


def _bytes(judge: Contents, text: Any, codec: Any) -> None:
    """Bytes in an older pickle are text with their numbers; another codec could double them again and again."""
    if not isinstance(text, str) or codec != "latin1":
        raise NotPickled("bytes that aren't written as Python writes them")


def _words(judge: Contents, *words: Any) -> None:
    if not all(isinstance(word, str | int | float) for word in words):
        raise NotPickled("a call with what is neither text nor a number")


def _one(arguments: tuple[Any, ...], kind: type) -> Any:
    if len(arguments) != 1 or type(arguments[0]) is not kind:
        raise NotPickled("a call with other arguments than PyTorch's")
    return arguments[0]


def _parameter(judge: Contents, data: Any, requires_grad: Any, hooks: Any) -> None:
    if getattr(data, "name", "") not in TENSORS:
        raise NotPickled("a parameter that is no tensor")


TENSORS: Mapping[str, Callable[..., None]] = {
    f"torch._utils.{name}": Contents.tensor
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor")
}

CALLS: Mapping[str, Callable[..., None]] = {
    **TENSORS,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _sides,
    "torch.device": _words,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counted,
    "builtins.set": _members,
    "__builtin__.set": _members,
    "builtins.complex": _words,
    "__builtin__.complex": _words,
    "_codecs.encode": _bytes,
}
"""What weights need to be called, and who looks at the arguments."""


def check_archive(path: Path) -> Contents:
    """Read the pickle in a PyTorch archive and hold every storage against the member that should hold it."""
    where = repr(str(path))
    with open_zip(path) as archive:
        members = archive.infolist()
        folder = members[0].filename.partition("/")[0]  # as PyTorch finds it
        inside = [member for member in members if member.filename.rpartition("/")[2] == "data.pkl"]
        if [member.filename for member in inside] != [f"{folder}/data.pkl"]:
            raise InputRefused(
                f"{where} holds {len(inside)} pickles called data.pkl, and none alone; don't trust this file."
            )
        if inside[0].file_size > LARGEST_PICKLE:
            raise InputRefused(
                f"{where} declares a pickle of {inside[0].file_size:,} bytes; the limit is {LARGEST_PICKLE:,}."
            )
        with unpacking(f"The pickle in {where}"):
            pickled = archive.read(inside[0])
    contents = Contents(where)
    _run(io.BytesIO(pickled), contents)
    sizes = {member.filename: member.file_size for member in members}
    for key, declared in contents.storages.items():
        stored = sizes.get(f"{folder}/data/{key}")
        if stored is None or declared > stored:
            raise InputRefused(
                f"{where} declares {declared:,} bytes for storage {key[:40]!r} and holds {stored or 0:,}; it is cut off or "
                "made to mislead."
            )
    return contents


def check_legacy(path: Path) -> Contents:
    """Read the pickles at the head of a file of PyTorch before 1.6 and hold the storages they declare against the
    file's size.
    """
    refuse_no_file(path)
    where, size = repr(str(path)), path.stat().st_size
    contents = Contents(where)
    said: list[Any] = []
    # A map of the file never reads past its end, whatever length a string in the pickle declares.
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as file:
        for _ in range(LEGACY_PICKLES):
            said.append(_run(file, contents))
            if said[0] != MAGIC:
                raise InputRefused(f"{where} is a pickle, and not of torch.save; {WAY_OUT}")
    if said[1] != PROTOCOL:
        raise InputRefused(f"{where} is of an unknown version of torch.save; save it again.")
    declared = sum(contents.storages.values())
    if declared > size:
        raise InputRefused(
            f"{where} declares {declared:,} bytes of weights in a file of {size:,}; it is cut off or made to mislead."
        )
    return contents


def _run(file: Readable, contents: Contents) -> Any:
    try:
        return run(file, contents)
    except NotPickled as error:
        raise InputRefused(
            f"{contents.where} holds a pickle that isn't one of weights ({str(error)[:100]}); copy or download it again, "
            "or save the weights alone (torch.save(model.state_dict(), …))."
        ) from error
    except InputRefused:
        raise
    except ValueError as error:
        raise InputRefused(
            f"{contents.where} is cut off or no file of PyTorch ({str(error)[:80]}); copy or download it again."
        ) from error
