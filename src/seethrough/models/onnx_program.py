"""An ONNX network as plain data: its nodes in order, under names a person can read, its constants as arrays."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seethrough.errors import InputRefused, UsageError
from seethrough.models.onnx_file import ELEMENT_BYTES

OLDEST_OPSET = 7
"""Before it, operators broadcast by attributes of their own."""

STANDARD = ("", "ai.onnx")
"""Names of the domain of ONNX's own operators."""

DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
"""From a type's number in ONNX to that in NumPy; bfloat16 (16) has none."""

HALF = (10, 16)
"""float16 and bfloat16, which are opened as float32."""


@dataclass(frozen=True, slots=True)
class Node:
    """One step of an ONNX network.

    Attributes
    ----------
    operator, name
        ONNX's name of what it does; the file's name of the node.
    path
        Its name as a layer: ``"layer1.0.conv1"``.
    inputs, outputs
        Names of values; ``""`` for one that is left out.
    settings
        Its attributes, as numbers, text, lists and arrays.
    opset
        Version of the set of operators.
    """

    operator: str
    name: str
    path: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Any]
    opset: int


@dataclass(frozen=True, slots=True)
class Input:
    """What goes in: its name, its shape (None for what is open), and its type in ONNX's and NumPy's numbering."""

    name: str
    shape: tuple[int | None, ...]
    type: int

    @property
    def dtype(self) -> Any:
        """Its type in NumPy."""
        return DTYPES.get(self.type, np.float32)


@dataclass(frozen=True, slots=True)
class Program:
    """A network as a list of nodes.

    Attributes
    ----------
    nodes
        In an order in which they run; only those on the way to an output.
    weights
        From name to array: what the file keeps as its initialisers, half precision as float32.
    constants
        From name to array: what stands in the network itself (`Constant` nodes).
    input, outputs
        What goes in; the names of what comes out.
    half
        Whether any weight had half precision.
    opset, producer
        Version of the set of operators; who wrote the file, as it says itself.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, np.ndarray]
    constants: Mapping[str, np.ndarray]
    input: Input
    outputs: tuple[str, ...]
    half: bool
    opset: int
    producer: str


def program_of(model: Any, where: str) -> Program:
    """An `onnx.ModelProto` as plain data.

    Raises
    ------
    InputRefused
        No order in which it could run, a value that nothing gives, an operator set that isn't known, several inputs.
    """
    graph, opset = model.graph, _opset(model, where)
    weights = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    half = any(tensor.data_type in HALF for tensor in graph.initializer)
    entry = _input(graph, weights, where)
    outputs = tuple(value.name for value in graph.output)
    needed = _needed(graph.node, outputs)
    constants: dict[str, np.ndarray] = {}
    nodes: list[Node] = []
    known = {entry.name, *weights, ""}
    for proto, path in zip(graph.node, paths_of(graph.node)):
        _refuse_disorder(proto, known, where)
        known.update(proto.output)
        if not needed.intersection(proto.output):
            continue
        if proto.op_type == "Constant" and proto.domain in STANDARD:
            constants[proto.output[0]] = _constant(proto, where)
        elif proto.op_type == "Identity" and proto.input[0] in weights:
            weights[proto.output[0]] = weights[proto.input[0]]  # how exporters write a bias that two layers share
        else:
            nodes.append(_node(proto, path, opset, where))
    given = {name for node in nodes for name in node.outputs}
    missing = next((name for name in outputs if name not in given), None)
    if missing is not None or not outputs:
        raise InputRefused(f"{where}: no node gives the network's output {missing or ''!r}; export the network again.")
    return Program(tuple(nodes), weights, constants, entry, outputs, half, opset, model.producer_name[:80])


def _opset(model: Any, where: str) -> int:
    version = next((each.version for each in model.opset_import if each.domain in STANDARD), None)
    if version is None or version < OLDEST_OPSET:
        raise InputRefused(
            f"{where} is written in version {version or 'none'} of ONNX's operators; export it again with opset "
            f"{OLDEST_OPSET} or newer, such as 17."
        )
    return version


def _input(graph: Any, weights: Mapping[str, np.ndarray], where: str) -> Input:
    entries = [value for value in graph.input if value.name not in weights]
    if len(entries) != 1:
        names = ", ".join(repr(value.name) for value in entries[:5]) or "none"
        raise InputRefused(
            f"{where} has {len(entries)} inputs ({names}); an ONNX network with one input is opened. Export it with the "
            "picture as its only input."
        )
    kind = entries[0].type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in kind.shape.dim)
    if kind.elem_type not in ELEMENT_BYTES or len(shape) < 2:
        raise InputRefused(f"{where} takes no batch of numbers; its input is {entries[0].name!r} of shape {shape}.")
    return Input(entries[0].name, shape, kind.elem_type)


def _needed(nodes: Sequence[Any], outputs: Sequence[str]) -> set[str]:
    """The values on the way to an output."""
    needed = set(outputs)
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
    return needed - {""}


def _refuse_disorder(node: Any, known: set[str], where: str) -> None:
    missing = next((name for name in node.input if name not in known), None)
    if missing is not None:
        raise InputRefused(f"{where}: nothing before node {node.name!r} ({node.op_type}) gives its input {missing!r}.")
    twice = next((name for name in node.output if name and name in known), None)
    if twice is not None:
        raise InputRefused(f"{where}: two nodes give {twice!r}, the second of them {node.name!r} ({node.op_type}).")


def _node(proto: Any, path: str, opset: int, where: str) -> Node:
    operator = proto.op_type if proto.domain in STANDARD else f"{proto.domain}.{proto.op_type}"
    settings = {a.name: _setting(a, where) for a in proto.attribute}
    return Node(operator, proto.name, path, tuple(proto.input), tuple(proto.output), settings, opset)


def _setting(attribute: Any, where: str) -> Any:
    """An attribute's value; a graph, which no operator that is opened has, as None."""
    kind = attribute.type
    if kind in (1, 2):
        return attribute.f if kind == 1 else attribute.i
    if kind in (6, 7):
        return list(attribute.floats if kind == 6 else attribute.ints)
    if kind in (3, 8):
        texts = [attribute.s] if kind == 3 else attribute.strings
        decoded = [text.decode(errors="replace") for text in texts]
        return decoded[0] if kind == 3 else decoded
    return array_of(attribute.t) if kind == 4 else None


def _constant(proto: Any, where: str) -> np.ndarray:
    value = next((_setting(a, where) for a in proto.attribute), None)
    if value is None or isinstance(value, str):
        raise InputRefused(f"{where}: the constant {proto.name!r} is no array of numbers.")
    if isinstance(value, np.ndarray):
        return value
    floating = isinstance(value, float) or (isinstance(value, list) and any(isinstance(v, float) for v in value))
    return np.array(value, np.float32 if floating else np.int64)


def array_of(tensor: Any) -> np.ndarray:
    """The numbers of a tensor that was held against its bytes; half precision as float32."""
    shape = tuple(tensor.dims)
    if tensor.data_type == 16:
        words = np.frombuffer(tensor.raw_data, "<u2") if tensor.HasField("raw_data") else np.array(tensor.int32_data)
        return (words.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    dtype = np.dtype(DTYPES[tensor.data_type])
    if tensor.HasField("raw_data"):
        found = np.frombuffer(tensor.raw_data, dtype.newbyteorder("<")).astype(dtype)
    elif tensor.data_type == 10:
        found = np.array(tensor.int32_data, np.int64).astype(np.uint16).view(np.float16)
    else:
        lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
        filled = next((each for each in lists if len(each)), ())
        found = np.array(filled).astype(dtype)
    return (found.astype(np.float32) if tensor.data_type in HALF else found).reshape(shape)


# --- names ------------------------------------------------------------------------------------------------------------


def paths_of(nodes: Sequence[Any]) -> list[str]:
    """A readable, unique name for each node, the same each time.

    The module that an exporter says a node is of, ``"layer1.0.conv1"``, where it is the only node of that module; else
    that and the node's own name, ``"layer1.0.Add"``.
    """
    scopes = [_scope(node) for node in nodes]
    counts = Counter(scope for scope, _ in scopes)
    above = {scope[:end] for scope, _ in scopes for end in range(1, len(scope))}
    found: list[str] = []
    taken: set[str] = set()
    for scope, own in scopes:
        alone = bool(scope) and counts[scope] == 1 and scope not in above
        path = ".".join(scope if alone else (*scope, own))
        unique, number = path, 2
        while unique in taken:
            unique, number = f"{path}_{number}", number + 1
        taken.add(unique)
        found.append(unique)
    return found


def _scope(node: Any) -> tuple[tuple[str, ...], str]:
    """The modules that a node is in, outermost first, and its own name."""
    said = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), None)
    modules = _listed(said)
    if modules:
        module = "" if modules[-2].startswith("_empty_nn_module") else modules[-2]
        return tuple(part for part in module.split(".") if part), node.op_type
    parts = [part for part in node.name.split("/") if part] or [node.op_type]
    above: list[str] = []
    for part in parts[:-1]:
        # PyTorch writes a module inside a numbered one as "/layer1/layer1.0/conv1".
        if above and part.startswith(f"{above[-1]}."):
            above[-1] = part
        else:
            above.append(part)
    return tuple(part for scope in above for part in scope.split(".") if part), parts[-1]


def _listed(said: str | None) -> list[str]:
    """The scopes that PyTorch's newer exporter notes, a list of texts; empty where there is none of more than one."""
    if not said or len(said) > 4000:
        return []
    try:
        found = ast.literal_eval(said)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    texts = isinstance(found, list) and len(found) > 1 and all(isinstance(part, str) for part in found)
    return found if texts else []


def one_input_size(entry: Input, said: tuple[int, ...] | None, where: str) -> tuple[int, ...]:
    """The shape of one input, from what the file says and what the person says.

    Raises
    ------
    UsageError
        The file leaves a size open and the person doesn't say it, or they disagree.
    """
    declared = entry.shape[1:]
    if said is None:
        if None in declared:
            shown = tuple("?" if n is None else n for n in declared)
            raise UsageError(
                f"{where} leaves the size of its input open, {shown}; say it, such as input_size="
                f"{tuple(224 if n is None else n for n in declared)}."
            )
        return tuple(n for n in declared if n is not None)
    if len(said) != len(declared) or any(d is not None and d != s for d, s in zip(declared, said)):
        shown = tuple("any" if n is None else n for n in declared)
        raise UsageError(f"{where} takes inputs of the size {shown}, and input_size={said} was said; leave it out.")
    return said
