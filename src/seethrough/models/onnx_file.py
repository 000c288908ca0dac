"""ONNX files, read without trusting them: what a file declares is held against what it has before anything is built.

A file is a protocol buffer. Its fields are counted and its depth is measured on the bytes, before the parser makes
objects of them; then the lists, the tensors and the functions in it are looked at. Nothing outside its folder is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.models.onnx_external import Folder, stretch_of

LARGEST_FILE = 2**31 - 1
"""Bytes that a protocol buffer can have."""

MOST_FIELDS = 500_000
"""Fields in a file; two bytes of one become a hundred in memory."""

DEEPEST = 40
"""Messages inside each other; the parser itself gives up at 100."""

MOST_NODES = 50_000
"""Nodes of a network, functions written out."""

ELEMENT_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""From a tensor's type in ONNX to the bytes of an element: the real numbers, integers and truth values that have a whole
number of bytes.
"""


FIXED = {1: 8, 5: 4}
"""Bytes of a field whose kind on the wire has a fixed size."""


def onnx_library() -> Any:
    """The `onnx` package.

    Raises
    ------
    EnvironmentLacks
        Where it isn't installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise EnvironmentLacks(
            "ONNX networks need the package onnx; install it with: pip install 'seethrough[onnx]'."
        ) from error
    return onnx


def read_onnx(path: Path) -> Any:
    """An ONNX file as `onnx.ModelProto`, its external data inside, its functions written out.

    Raises
    ------
    InputRefused
        Broken, too large or too deep, a tensor whose shape and bytes disagree, external data outside the folder,
        functions that call each other in a ring.
    EnvironmentLacks
        `onnx` isn't installed.
    """
    onnx, where = onnx_library(), repr(str(path))
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputRefused(f"{where} has {size:,} bytes; an ONNX file has at most 2 GB, and larger weights beside it.")
    data = path.read_bytes()
    refuse_bloat(data, onnx.ModelProto.DESCRIPTOR, where)
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # DecodeError of whichever implementation of protocol buffers is installed
        raise InputRefused(f"{where} is no ONNX file, or a broken one; copy or download it again.") from error
    if not model.HasField("graph") or not model.graph.node:
        raise InputRefused(f"{where} is no ONNX file of a network: it has no nodes.")
    with Folder(path.parent, where) as folder:
        for tensor in _messages(model, onnx.TensorProto):
            _settle(tensor, folder, where)
    if model.graph.sparse_initializer:
        raise InputRefused(f"{where} has sparse weights, which can't be opened; export it with dense ones.")
    return _without_functions(onnx, model, where)


def refuse_bloat(data: bytes, message: Any, where: str) -> None:
    """Count the fields of a protocol buffer and measure its depth, without building anything.

    Parameters
    ----------
    message
        The descriptor of the outermost message.

    Raises
    ------
    InputRefused
        More than `MOST_FIELDS`, deeper than `DEEPEST`, a length beyond the end.
    """
    fields = 0
    waiting: list[tuple[int, int, Any, int]] = [(0, len(data), message, 1)]
    while waiting:
        at, end, kind, depth = waiting.pop()
        if depth > DEEPEST:
            raise InputRefused(
                f"{where} has more than {DEEPEST} messages inside each other; that describes no network."
            )
        known = kind.fields_by_number
        while at < end:
            fields += 1
            if fields > MOST_FIELDS:
                raise InputRefused(f"{where} has more than {MOST_FIELDS:,} fields; that describes no network.")
            tag, at = _varint(data, at, end, where)
            wire = tag & 7
            size, at = _varint(data, at, end, where) if wire in (0, 2) else (FIXED.get(wire, len(data)), at)
            if wire == 2 and at + size <= end and (field := known.get(tag >> 3)) is not None:
                if field.message_type is not None:
                    waiting.append((at, at + size, field.message_type, depth + 1))
                elif field.type == field.TYPE_STRING:
                    _refuse_no_text(data[at : at + size], where)
            at += 0 if wire == 0 else size
        if at > end:
            raise InputRefused(f"{where} is no ONNX file, or it is cut off; copy or download it again.")


def _refuse_no_text(text: bytes, where: str) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise InputRefused(f"{where} has a name that is no text (UTF-8); copy or download it again.") from error


def _varint(data: bytes, at: int, end: int, where: str) -> tuple[int, int]:
    if at < end and data[at] < 128:
        return data[at], at + 1
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        number, at, shift = number | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return number, at
    raise InputRefused(f"{where} is no ONNX file, or it is cut off; copy or download it again.")


def _messages(message: Any, kind: type) -> Iterator[Any]:
    """All messages of a kind inside another, at any depth."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        if isinstance(each, kind):
            yield each
            continue
        for field, value in each.ListFields():
            if field.message_type is not None:
                waiting += value if field.is_repeated else [value]


def _settle(tensor: Any, folder: Folder, where: str) -> None:
    """Hold a tensor's shape against its bytes, and fetch them where they are kept outside."""
    name, size = tensor.name, ELEMENT_BYTES.get(tensor.data_type)
    if size is None:
        raise InputRefused(
            f"{where}: the tensor {name!r} is of a type (number {tensor.data_type} of ONNX) that isn't opened; export "
            "the network in float32 or float16."
        )
    if any(n < 0 for n in tensor.dims) or len(tensor.dims) > 16:
        raise InputRefused(f"{where}: the tensor {name!r} has an impossible shape {tuple(tensor.dims)[:16]}.")
    count = prod(tensor.dims)
    if tensor.data_location == 1:
        tensor.raw_data = folder.read(name, stretch_of(name, tensor.external_data, where), count * size)
        tensor.data_location = 0
        del tensor.external_data[:]
        return
    stored = _stored(tensor, size)
    if stored != count:
        raise InputRefused(
            f"{where} declares {count:,} numbers for the tensor {name!r} and stores {stored:,}; it is cut off or made to "
            "mislead."
        )


def _stored(tensor: Any, size: int) -> int:
    """How many elements a tensor really has; -1 where its bytes are no whole number of them, or lie in two places."""
    lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
    filled = [len(each) for each in lists if len(each)]
    if tensor.HasField("raw_data"):
        return -1 if filled or len(tensor.raw_data) % size else len(tensor.raw_data) // size
    return -1 if len(filled) > 1 else sum(filled)


# --- functions that a file brings ---------------------------------------------------------------------------------------


def _without_functions(onnx: Any, model: Any, where: str) -> Any:
    """The same network with the functions that its file brings written out where they are called."""
    if not model.functions:
        _refuse_many(len(model.graph.node), where)
        return model
    written_out = {(f.domain, f.name, f.overload): Counter(map(_called, _all_nodes(f.node))) for f in model.functions}
    sizes: dict[Any, int] = {}
    for function in written_out:
        _size(function, written_out, sizes, [], where)
    _refuse_many(sum(sizes.get(_called(n), 1) for n in _all_nodes(model.graph.node)), where)
    import onnx.inliner

    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # whatever the library raises
        raise InputRefused(f"{where} has functions of its own that can't be written out; export it anew.") from error


def _called(node: Any) -> tuple[str, str, str]:
    return node.domain, node.op_type, node.overload


def _all_nodes(nodes: Any) -> Iterator[Any]:
    """Nodes, and those in the graphs that they carry."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _all_nodes(graph.node)


def _size(function: Any, functions: Any, sizes: dict[Any, int], above: list[Any], where: str) -> int:
    """How many nodes a function is once those that it calls are written out too."""
    if function in above:
        raise InputRefused(f"{where} has functions that call each other in a ring ({function[1]!r}); don't trust it.")
    if len(above) > DEEPEST:
        raise InputRefused(
            f"{where} has more than {DEEPEST} functions that call each other; that describes no network."
        )
    if function not in sizes:
        calls = functions[function].items()
        inside = (
            times * (_size(called, functions, sizes, [*above, function], where) if called in functions else 1)
            for called, times in calls
        )
        sizes[function] = sum(inside)
        _refuse_many(sizes[function], where)
    return sizes[function]


def _refuse_many(nodes: int, where: str) -> None:
    if nodes > MOST_NODES:
        raise InputRefused(f"{where} has {nodes:,} nodes; more than {MOST_NODES:,} aren't opened.")
