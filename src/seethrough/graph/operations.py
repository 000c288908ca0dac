"""Operations: the kinds of step a vision network takes, and which torch function is of which kind.

One table says all that other files need to know of a function: what it is called in this field, whether it works place
by place (so that a permutation can be carried past it), whether it merely renames the places of its input. A function
that isn't in the table is *opaque*: it runs and has gradients; a method that needs a rule for it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch

from seethrough.graph.grid import Grid
from seethrough.graph.tree import Spec, unflatten


class Kind(Enum):
    """What a step does, in the field's words."""

    CONVOLUTION = "convolution"
    TRANSPOSED = "transposed convolution"
    LINEAR = "linear"
    MATMUL = "matrix product"
    AFFINE = "affine"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    SOFTMAX = "softmax"
    ATTENTION = "attention"
    RECURRENT = "recurrent"
    MAX_POOL = "max pooling"
    AVERAGE_POOL = "average pooling"
    ADD = "add"
    MULTIPLY = "multiply"
    REDUCE = "reduction"
    CONCAT = "concatenation"
    RESHAPE = "reshape"
    PERMUTE = "permutation"
    SELECT = "selection"
    EXPAND = "expansion"
    PAD = "padding"
    RESIZE = "resizing"
    ELEMENTWISE = "elementwise"
    CAST = "cast"
    DROPOUT = "dropout"
    CREATE = "creation"
    WRITE = "write"
    OPAQUE = "opaque"


_NAMES: dict[Kind, str] = {
    Kind.CONVOLUTION: "conv1d conv2d conv3d",
    Kind.TRANSPOSED: "conv_transpose1d conv_transpose2d conv_transpose3d",
    Kind.LINEAR: "linear",
    Kind.MATMUL: "matmul mm bmm addmm baddbmm einsum tensordot dot mv outer bilinear",
    Kind.NORMALISATION: "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm normalize",
    Kind.ACTIVATION: (
        "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish softplus softsign hardswish hardsigmoid hardtanh "
        "sigmoid logsigmoid tanh tanhshrink hardshrink softshrink threshold glu"
    ),
    Kind.SOFTMAX: "softmax log_softmax softmin",
    Kind.ATTENTION: "scaled_dot_product_attention",
    Kind.RECURRENT: "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
    Kind.MAX_POOL: (
        "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d"
    ),
    Kind.AVERAGE_POOL: "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d lp_pool2d",
    Kind.ADD: "add sub subtract rsub",
    Kind.MULTIPLY: "mul multiply div divide true_divide",
    Kind.REDUCE: "mean sum amax amin max min prod std var norm logsumexp argmax argmin any all cumsum topk sort median",
    Kind.CONCAT: "cat concat concatenate stack hstack vstack",
    Kind.RESHAPE: "view reshape flatten unflatten squeeze unsqueeze view_as reshape_as ravel pixel_shuffle pixel_unshuffle",
    Kind.PERMUTE: "permute transpose swapaxes swapdims movedim moveaxis t T mT numpy_T",
    Kind.SELECT: "getitem narrow select index_select chunk split tensor_split unbind gather take_along_dim unfold roll flip masked_select diagonal",
    Kind.EXPAND: "expand expand_as repeat repeat_interleave tile broadcast_to",
    Kind.PAD: "pad constant_pad_nd",
    Kind.RESIZE: "interpolate upsample grid_sample affine_grid",
    Kind.ELEMENTWISE: (
        "abs neg exp log log1p expm1 sqrt rsqrt square pow clamp clip clamp_min clamp_max minimum maximum where reciprocal sign floor ceil "
        "round sin cos erf addcmul lerp eq ne lt le gt ge logical_and logical_or logical_not masked_fill nan_to_num"
    ),
    Kind.CAST: "to float double half bfloat16 type type_as contiguous clone detach data cpu alias requires_grad",
    Kind.DROPOUT: "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout",
    Kind.CREATE: "zeros ones empty full arange linspace zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones new_full eye",
}
KIND_OF: dict[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}

# Value by value, so that permuting before or after is the same.
PLACEWISE = frozenset(
    (
        "add sub subtract mul multiply div divide true_divide affine relu relu6 leaky_relu elu selu celu gelu silu mish softplus "
        "softsign hardswish hardsigmoid hardtanh sigmoid logsigmoid tanh tanhshrink hardshrink softshrink threshold abs neg exp "
        "log log1p expm1 sqrt rsqrt square pow clamp clip clamp_min clamp_max minimum maximum reciprocal erf dropout"
    ).split()
)


def plain_name(function: Callable[..., Any]) -> str:
    """A function's name without the marks of its spelling: ``relu_``, ``__iadd__`` and ``__radd__`` are relu, add and
    add.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        name = {"truediv": "div", "rtruediv": "rdiv", "itruediv": "div", "matmul": "matmul", "rmatmul": "rmatmul"}.get(
            name, name
        )
        if name[0] == "i" and name[1:] in KIND_OF:
            name = name[1:]
        if name[0] == "r" and name[1:] in ("add", "mul"):
            name = name[1:]
    return name.rstrip("_") or name


def kind_of(function: Callable[..., Any]) -> Kind:
    """The kind of a torch function; opaque for functions that aren't torch's own or aren't in the table."""
    home = getattr(function, "__module__", None) or ""
    ours = not home or home.split(".")[0] in ("torch", "_VF", "torchvision") or isinstance(function, type(torch.relu))
    return KIND_OF.get(plain_name(function), Kind.OPAQUE) if ours else Kind.OPAQUE


@dataclass(frozen=True, slots=True)
class Ref:
    """In an operation's arguments: the value with this number."""

    value: int


@dataclass(frozen=True, slots=True)
class Size:
    """A number that goes with the batch: ``a · B + b``."""

    a: int | float
    b: int | float

    def at(self, batch: int) -> int | float:
        number = self.a * batch + self.b
        return round(number, 9) if isinstance(number, float) else number


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor of the network is found: a value of the graph, its axes permuted (None: as it is), or its tokens as
    the places of a picture (N, C, H, W), where they have a grid.
    """

    value: int
    permutation: tuple[int, ...] | None = None
    grid: Grid | None = None

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The network's own tensor, from the graph's value."""
        if self.grid is not None:
            return self.grid.of(tensor)
        return tensor if self.permutation is None else tensor.permute(self.permutation)

    def back(self, tensor: torch.Tensor) -> torch.Tensor:
        """The graph's value, from the network's own tensor: what `of` does, undone."""
        if self.grid is not None:
            return self.grid.back(tensor)
        if self.permutation is None:
            return tensor
        return tensor.permute(tuple(self.permutation.index(i) for i in range(len(self.permutation))))

    def shape(self, of: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the network's own tensor, from that of the graph's value."""
        if self.grid is not None:
            return self.grid.shape(of)
        return of if self.permutation is None else tuple(of[axis] for axis in self.permutation)


@dataclass(frozen=True, slots=True)
class Context:
    """What was switched when an operation ran: gradients, automatic mixed precision (device type and dtype, or None)."""

    grad: bool = True
    autocast: tuple[str, torch.dtype] | None = None


@dataclass(slots=True, eq=False)
class Operation:
    """One step of a network: a torch function, what it is given, what it gives.

    Attributes
    ----------
    function, name, kind
        What runs; its plain name (``"conv2d"``); its kind.
    arguments, spec
        The arguments as a flat list and the tree they were flattened from: `Ref` for a value, `Size` for a number that
        goes with the batch, a tensor for a constant (a weight), anything else as it is.
    outputs
        The numbers of the values it gives, one per leaf of what it returns; None for leaves nobody can use.
    path
        The layer in which it happened and its own name: ``"block5_conv1/conv2d"``.
    line
        Where in the person's code: ``"model.py:12"``.
    random
        Whether it draws random numbers.
    """

    function: Callable[..., Any]
    name: str
    kind: Kind
    arguments: list[Any]
    spec: Spec
    outputs: tuple[int | None, ...]
    path: str = ""
    line: str = ""
    context: Context = field(default_factory=Context)
    random: bool = False

    @property
    def inputs(self) -> tuple[int, ...]:
        """The values it reads, each once, in order of appearance."""
        return tuple(dict.fromkeys(a.value for a in self.arguments if isinstance(a, Ref)))

    @property
    def layer(self) -> str:
        """The path of the layer it happened in."""
        return self.path.rpartition("/")[0]

    def call(self, values: dict[int, torch.Tensor], batch: int) -> Any:
        """Run it on these values."""
        flat = [
            values[a.value] if isinstance(a, Ref) else a.at(batch) if isinstance(a, Size) else a for a in self.arguments
        ]
        args, kwargs = unflatten(flat, self.spec)
        return self.function(*args, **kwargs)

    def bound(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments as they were written, with `Ref` and `Size` in their places."""
        return unflatten(self.arguments, self.spec)
