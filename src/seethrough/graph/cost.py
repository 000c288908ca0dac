"""Cost: what one pass through a network multiplies and holds, counted on the list of operations. Nothing is computed or
allocated.

The unit of work is the **MAC**, one multiplication and the addition of its product: a convolution, a linear layer or a
matrix product of ``c`` terms for each of ``n`` outputs is ``n · c`` of them. This is what the literature prints as
"mult-adds", and often as "FLOPs" (He et al., Deep Residual Learning for Image Recognition, 2015, table 1). Additions of
a bias, normalisation, activations, pooling and resizing have no such products, or few, and count nothing. What an
operation that we don't know multiplies is unknown, which is None, not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isqrt, prod
from typing import Any

from seethrough.graph.arguments import Arguments, is_tensor
from seethrough.graph.graph import Graph, Value
from seethrough.graph.operations import Kind, Operation

Shape = tuple[int, ...]


def count_macs(graph: Graph, batch: int = 1) -> tuple[int | None, ...]:
    """MACs of each operation of a graph, in its order, at a batch size; None where they aren't known.

    Examples
    --------
    >>> sum(n or 0 for n in count_macs(graph))      # doctest: +SKIP
    15470264320
    """
    return tuple(macs(operation, graph.values, batch) for operation in graph)


def macs(operation: Operation, values: Mapping[int, Value], batch: int = 1) -> int | None:
    """Multiply-accumulates of one operation at a batch size; None where they aren't known.

    With ``c`` input channels in a group and a kernel of ``k`` places, a convolution takes ``c · k`` for each number it
    gives; a transposed convolution ``c_out · k`` for each number it is given; a linear layer or matrix product the
    contracted length for each number it gives; attention the two products ``q · kᵀ`` and ``weights · v``; a recurrent
    layer its weight matrices once for each step.
    """
    if operation.kind is Kind.OPAQUE:
        return None
    if operation.kind not in _COUNTED:
        return 0
    count = _BY_NAME.get(operation.name, _COUNTED[operation.kind])
    output = next((values[v].at(batch) for v in operation.outputs if v is not None), ())
    return count(Arguments.of(operation, values, batch), output)


def elements(value: Value, batch: int = 1) -> int:
    """How many numbers a value holds at a batch size."""
    return prod(value.at(batch))


def size_in_bytes(value: Value, batch: int = 1) -> int:
    """How many bytes a value takes at a batch size."""
    return elements(value, batch) * value.dtype.itemsize


# --- kind by kind -----------------------------------------------------------------------------------------------------


def _convolution(given: Arguments, output: Shape) -> int:
    kernel = given.shape(given.get(1, "weight"))  # (out, in / groups, *places)
    return prod(output) * prod(kernel[1:])


def _transposed(given: Arguments, output: Shape) -> int:
    kernel = given.shape(given.get(1, "weight"))  # (in, out / groups, *places)
    return prod(given.shape(given.get(0, "input"))) * prod(kernel[1:])


def _linear(given: Arguments, output: Shape) -> int:
    return prod(output) * given.shape(given.get(1, "weight"))[-1]


def _product(given: Arguments, output: Shape) -> int:
    return prod(output) * given.shape(given.get(0, "input"))[-1]


def _product_and_sum(given: Arguments, output: Shape) -> int:
    first = given.get(1, "mat1", given.named.get("batch1"))
    return prod(output) * given.shape(first)[-1]


def _outer(given: Arguments, output: Shape) -> int:
    return prod(output)


def _bilinear(given: Arguments, output: Shape) -> int:
    return prod(output) * prod(given.shape(given.get(2, "weight"))[1:])


def _tensordot(given: Arguments, output: Shape) -> int:
    # each contracted index stands in both operands and not in the output
    both = prod(given.shape(given.get(0, "a"))) * prod(given.shape(given.get(1, "b")))
    return prod(output) * isqrt(both // max(1, prod(output)))


def _einsum(given: Arguments, output: Shape) -> int | None:
    operands = [a for a in _leaves(given.positional) if is_tensor(a)]
    equation = given.get(0, "equation")
    if not isinstance(equation, str) or len(operands) > 2:
        return None  # with three operands the work depends on the order in which they are taken
    sizes: dict[str, int] = {}
    for labels, operand in zip(equation.replace(" ", "").partition("->")[0].split(","), operands):
        sizes.update(named_axes(labels, given.shape(operand)))
    return prod(list(sizes.values()))


def named_axes(labels: str, shape: Shape) -> dict[str, int]:
    """The sizes of an einsum operand's axes by label; those under ``...`` are called by their distance to its end:
    ``"...1"``.
    """
    before, dots, after = labels.partition("...")
    hidden = len(shape) - len(before) - len(after)
    names = [*before, *(f"...{i}" for i in range(hidden, 0, -1) if dots), *after]
    return dict(zip(names, shape))


def _attention(given: Arguments, output: Shape) -> int:
    query, key, value = (given.shape(given.get(i, name)) for i, name in enumerate(("query", "key", "value")))
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _recurrent(given: Arguments, output: Shape) -> int:
    # a cell is given its two matrices as such, a layer a list of them, behind its states; biases have one axis
    cell = is_tensor(given.get(3, "w_hh"))
    weights = given.positional[2:4] if cell else [a for a in given.positional if isinstance(a, (tuple, list))][-1]
    shapes = [given.shape(w) for w in weights if is_tensor(w)]
    return prod(given.shape(given.positional[0])[:-1]) * sum(prod(s) for s in shapes if len(s) == 2)


def _leaves(tree: Any) -> list[Any]:
    return [leaf for part in tree for leaf in _leaves(part)] if isinstance(tree, (tuple, list)) else [tree]


_COUNTED: dict[Kind, Callable[[Arguments, Shape], int | None]] = {
    Kind.CONVOLUTION: _convolution,
    Kind.TRANSPOSED: _transposed,
    Kind.LINEAR: _linear,
    Kind.MATMUL: _product,
    Kind.ATTENTION: _attention,
    Kind.RECURRENT: _recurrent,
}
_BY_NAME: dict[str, Callable[[Arguments, Shape], int | None]] = {
    "addmm": _product_and_sum,
    "baddbmm": _product_and_sum,
    "outer": _outer,
    "bilinear": _bilinear,
    "tensordot": _tensordot,
    "einsum": _einsum,
}
