"""Linear maps: the layers of a graph that weigh and add what they read, each with what is folded into it.

A relevance rule speaks of ``z = W x + b``. So a convolution and the batch normalisation behind it are one map here, with
the weights that the two have together; the network and its graph stay as they are. A normalisation or an affine without
such a layer in front is a map of its own, with one weight a channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref

if TYPE_CHECKING:
    from seethrough.graph.walk import Piece

Back = Callable[[Tensor], Tensor]
"""The transposed map: from a number for each output to a number for each input."""


@dataclass(eq=False)
class LinearMap:
    """``z = W x + b``, as one operation of the graph and what is folded into it compute it.

    Attributes
    ----------
    operation, kind
        The operation that applies W; ``"convolution"``, ``"linear"`` or ``"affine"``.
    data
        The number of the value it reads.
    at, bias_at
        Where its weight and bias stand among the operation's arguments.
    own, own_bias
        The operation's weight, and its bias as it broadcasts against the output (None: none).
    axis
        The weight's axis of outputs; of an affine, which has none, 0.
    scale, shift
        What follows and is folded in, ``scale · z + shift``, as they broadcast against the output.
    folded
        The operations that are folded in.
    first
        Whether it reads the image, with nothing but what hands relevance on in between.
    """

    operation: Operation
    kind: str
    data: int
    at: int
    bias_at: int | None
    own: Tensor
    own_bias: Tensor | None
    axis: int = 0
    scale: Tensor | None = None
    shift: Tensor | None = None
    folded: tuple[Operation, ...] = ()
    first: bool = False

    @cached_property
    def weight(self) -> Tensor:
        """W, with what is folded in."""
        if self.scale is None or self.kind == "affine":
            return self.own
        return self.own * self._along_outputs(self.scale)

    @cached_property
    def bias(self) -> Tensor | None:
        """b, with what is folded in, as it broadcasts against the output."""
        bias = self.own_bias if self.scale is None or self.own_bias is None else self.own_bias * self.scale
        return bias if self.shift is None else self.shift if bias is None else bias + self.shift

    @cached_property
    def positive(self) -> Tensor:
        """W⁺ = max(W, 0)."""
        return self.weight.clamp(min=0)

    @cached_property
    def negative(self) -> Tensor:
        """W⁻ = min(W, 0)."""
        return self.weight.clamp(max=0)

    def forget(self) -> None:
        """Let go of what was made of the weight; who asks for it again has it made again."""
        for part in ("weight", "positive", "negative"):
            vars(self).pop(part, None)

    @property
    def groups(self) -> int:
        """Groups of a convolution; 1 elsewhere."""
        if self.kind != "convolution":
            return 1
        args, kwargs = self.operation.bound()
        return int(kwargs.get("groups", args[6] if len(args) > 6 else 1))

    def _along_outputs(self, numbers: Tensor) -> Tensor:
        """One number an output channel, as it broadcasts against the weight."""
        numbers = numbers.reshape(-1)
        if self.operation.kind is Kind.TRANSPOSED:  # (inputs, outputs of a group, …): inputs are cut into the groups
            each = numbers.reshape(self.groups, -1).repeat_interleave(len(self.own) // self.groups, 0)
            return each.reshape(*each.shape, *[1] * (self.own.dim() - 2))
        shape = [1] * self.own.dim()
        shape[self.axis] = -1
        return numbers.reshape(shape)

    def outputs(self, piece: Piece) -> Tensor:
        """z, with what is folded in."""
        z = next(piece.values[v] for v in self.operation.outputs if v is not None)
        if self.scale is not None:
            z = z * self.scale
        return z if self.shift is None else z + self.shift

    def given(self, piece: Piece) -> Tensor:
        """x."""
        return piece.values[self.data]

    def transposed(self, piece: Piece, share: Tensor) -> Tensor:
        """``Wᵀ share``, with what is folded in, by the calculus that the forward left."""
        (output,) = piece.outputs
        share = share if self.scale is None else share * self.scale
        return piece.vjp({output: share})[self.data]

    def apply(self, piece: Piece, x: Tensor, weight: Tensor) -> tuple[Tensor, Back]:
        """``weight · x`` without a bias, and the way back through it, for other numbers or weights than its own."""
        if self.kind == "affine":
            return x * weight, lambda share: share * weight
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            arguments = {self.at: weight} if self.bias_at is None else {self.at: weight, self.bias_at: None}
            z = self._run(piece, x, arguments)
        return z.detach(), lambda share: torch.autograd.grad(z, x, share.to(z))[0]

    def _run(self, piece: Piece, x: Tensor, arguments: dict[int, Any]) -> Tensor:
        if self.operation.name == "addmm":
            return x @ arguments[self.at]
        return piece.again({self.data: x}, arguments)


def linear_maps(graph: Graph) -> list[LinearMap]:
    """All of a graph's linear maps with one value to read, in the order they run; what is folded into one isn't another.

    A layer whose weights depend on the image (they come from another part of the network) is no linear map.
    """
    found: list[LinearMap] = []
    taken: set[Operation] = set()
    for operation in graph.operations:
        if operation in taken:
            continue
        one = _weighing(graph, operation) or _affine(graph, operation)
        if one is None:
            continue
        if one.kind != "affine":
            _fold(graph, one)
        taken.update(one.folded)
        found.append(one)
    first = _first(graph)
    for one in found:
        one.first = one.kind != "affine" and one.operation in first
    return found


# --- layers with weights ----------------------------------------------------------------------------------------------


def _weighing(graph: Graph, operation: Operation) -> LinearMap | None:
    """A convolution, a linear layer, or a product with a constant matrix."""
    if len(operation.inputs) != 1 or operation.kind not in (
        Kind.CONVOLUTION, Kind.TRANSPOSED, Kind.LINEAR, Kind.MATMUL
    ):  # fmt: skip
        return None
    args, kwargs = operation.bound()
    rank = len(graph.values[next(v for v in operation.outputs if v is not None)].shape)
    if operation.kind is Kind.MATMUL:
        return _matrix(operation, args, kwargs)
    weight = args[1] if len(args) > 1 else kwargs.get("weight")
    bias = args[2] if len(args) > 2 and (args[2] is None or isinstance(args[2], Tensor)) else kwargs.get("bias")
    data = args[0] if args else kwargs.get("input")
    if not isinstance(weight, Tensor) or not isinstance(data, Ref):
        return None
    if operation.kind is Kind.LINEAR:
        return LinearMap(operation, "linear", data.value, *_at(operation, weight, bias), weight.detach(), _plain(bias))
    spatial = weight.dim() - 2
    if rank != spatial + 2:  # without a batch
        return None
    if isinstance(bias, Tensor):
        shaped = bias.detach().reshape(-1, *[1] * spatial)
    else:
        shaped = None
    return LinearMap(operation, "convolution", data.value, *_at(operation, weight, bias), weight.detach(), shaped)


def _matrix(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LinearMap | None:
    """``x @ W``, and ``addmm(b, x, W)``."""
    bias = None
    if operation.name == "addmm" and len(args) == 3 and not kwargs and isinstance(args[0], Tensor):
        bias, args = args[0], args[1:]
    elif operation.name not in ("matmul", "mm") or kwargs:
        return None
    if len(args) != 2 or not isinstance(args[0], Ref) or not isinstance(args[1], Tensor) or args[1].dim() != 2:
        return None
    at, bias_at = _at(operation, args[1], bias)
    return LinearMap(operation, "linear", args[0].value, at, bias_at, args[1].detach(), _plain(bias), axis=1)


def _at(operation: Operation, weight: Tensor, bias: Tensor | None) -> tuple[int, int | None]:
    """Where these tensors stand among an operation's arguments."""
    places = {id(a): k for k, a in enumerate(operation.arguments) if isinstance(a, Tensor)}
    return places[id(weight)], None if bias is None else places[id(bias)]


def _plain(bias: Tensor | None) -> Tensor | None:
    return None if bias is None else bias.detach()


# --- what has a weight a channel --------------------------------------------------------------------------------------


def scaling(operation: Operation) -> tuple[int, Tensor | None, Tensor | None] | None:
    """``scale · x + shift`` by constants: the value it reads, scale, shift as they broadcast against it (None: none);
    None for another operation.
    """
    if len(operation.inputs) != 1:
        return None
    args, kwargs = operation.bound()
    if operation.name == "batch_norm":
        return _batch_norm(operation, args, kwargs)
    if operation.name == "affine":
        mean, scale, shift = (c.detach() for c in args[1:])
        return args[0].value, scale, shift - mean * scale
    if kwargs or len(args) != 2:
        return None
    value, constant, reverse = args[0], args[1], False
    if not isinstance(value, Ref):
        value, constant, reverse = args[1], args[0], True
    if not isinstance(value, Ref) or not isinstance(constant, (Tensor, int, float)) or isinstance(constant, bool):
        return None
    c = constant.detach() if isinstance(constant, Tensor) else torch.tensor(constant)
    if operation.name == "add":
        return value.value, None, c
    if operation.name in ("sub", "subtract"):
        return (value.value, -torch.ones(()), c) if reverse else (value.value, None, -c)
    if operation.name in ("mul", "multiply"):
        return value.value, c, None
    if operation.name in ("div", "divide", "true_divide") and not reverse:
        return value.value, 1 / c, None
    return None


def _batch_norm(
    operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[int, Tensor | None, Tensor | None] | None:
    def given(position: int, name: str, default: Any = None) -> Any:
        return args[position] if len(args) > position else kwargs.get(name, default)

    mean, variance = given(1, "running_mean"), given(2, "running_var")
    if given(5, "training", False) or not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
        return None
    weight, bias = given(3, "weight"), given(4, "bias")
    scale = torch.rsqrt(variance.detach() + given(7, "eps", 1e-5))
    scale = scale if weight is None else scale * weight.detach()
    shift = -mean.detach() * scale
    return operation.inputs[0], scale, shift if bias is None else shift + bias.detach()


def _shaped(graph: Graph, operation: Operation, found: tuple[int, Tensor | None, Tensor | None]):
    """Scale and shift as they broadcast against the value: those of a batch normalisation stand along axis 1."""
    value, scale, shift = found
    if operation.name == "batch_norm":
        after = len(graph.values[value].shape) - 2
        scale, shift = (None if c is None else c.reshape(-1, *[1] * after) for c in (scale, shift))
    return value, scale, shift


def _affine(graph: Graph, operation: Operation) -> LinearMap | None:
    """A batch normalisation or affine that stands alone. Constants that are added or multiplied are none: they have
    rules of their own.
    """
    found = scaling(operation) if operation.name in ("batch_norm", "affine") else None
    if found is None:
        return None
    value, scale, shift = _shaped(graph, operation, found)
    assert scale is not None
    return LinearMap(operation, "affine", value, 0, None, scale, shift)


def _fold(graph: Graph, one: LinearMap) -> None:
    """Fold in what scales and shifts each channel of the map's output, as long as nobody else reads what is between."""
    number = next(v for v in one.operation.outputs if v is not None)
    end = {place.value for place in graph.outputs.values()} | {graph.logits.value}
    while number not in end and len(graph.consumers.get(number, ())) == 1:
        behind = graph.operations[graph.consumers[number][0]]
        found = scaling(behind)
        if found is None:
            return
        _, scale, shift = _shaped(graph, behind, found)
        shape = graph.values[number].shape
        axis = len(shape) - 1 if one.kind == "linear" else 1
        if graph.values[behind.outputs[0] or 0].shape != shape or not all(
            c is None or _along(c, axis, shape) for c in (scale, shift)
        ):
            return
        if scale is not None:
            scale = scale.to(one.own).reshape(_channels(scale, axis, shape))
            one.scale = scale if one.scale is None else one.scale * scale
            one.shift = None if one.shift is None else one.shift * scale
        if shift is not None:
            shift = shift.to(one.own).reshape(_channels(shift, axis, shape))
            one.shift = shift if one.shift is None else one.shift + shift
        one.folded = (*one.folded, behind)
        number = next(v for v in behind.outputs if v is not None)


def _along(constant: Tensor, axis: int, shape: tuple[Any, ...]) -> bool:
    """Whether a constant differs along one axis of a value at most."""
    full = (1,) * (len(shape) - constant.dim()) + tuple(constant.shape)
    return constant.dim() <= len(shape) and all(n == 1 or (i == axis and n == shape[i]) for i, n in enumerate(full))


def _channels(constant: Tensor, axis: int, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of a constant with one number a channel, or one in all, without the axes in front of the channels."""
    return (-1, *[1] * (len(shape) - 1 - axis)) if constant.numel() > 1 else (1,) * (len(shape) - axis)


# --- the first --------------------------------------------------------------------------------------------------------

_HANDING_ON = frozenset(
    (Kind.RESHAPE, Kind.PERMUTE, Kind.SELECT, Kind.PAD, Kind.CAST, Kind.DROPOUT, Kind.EXPAND, Kind.CONCAT, Kind.RESIZE)
)


def before_the_first(graph: Graph) -> list[Operation]:
    """The operations between the image and the first layers: those that hand relevance on, among them a preparation of
    the pixels by constants.
    """
    reached, before = {graph.input.value}, []
    for operation in graph.operations:
        if not operation.inputs or not all(v in reached for v in operation.inputs):
            continue
        if operation.kind in _HANDING_ON or scaling(operation) is not None:
            before.append(operation)
            reached.update(v for v in operation.outputs if v is not None)
    return before


def _first(graph: Graph) -> set[Operation]:
    """The operations that read the image, or what is handed on of it."""
    handed = before_the_first(graph)
    reached = {graph.input.value, *(v for operation in handed for v in operation.outputs if v is not None)}
    return {o for o in graph.operations if o not in handed and any(v in reached for v in o.inputs)}
