"""Canonical form: the same network with what computes nothing taken out.

Each rewrite below is small and says why it changes no number. What remains is what a person would draw: Keras' ResNet50
goes from some 850 operations to some 340. Permutations are carried along rather than carried out: a value knows in
which order its axes stand, operations that work place by place don't mind, operations along an axis are told the axis'
new name, and a permutation followed by its inverse is gone. Only an operation that needs the order makes it real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from seethrough.graph.graph import Graph, Layer, Value, moved
from seethrough.graph.operations import PLACEWISE, Context, Kind, Operation, Place, Ref
from seethrough.graph.tree import flatten

Axes = tuple[int, ...]


def canonical(graph: Graph) -> Graph:
    """The graph in canonical form: bit-equal to the one given, but that a sum over axes which stand in another order
    may be rounded otherwise.
    """
    return _Rewriting(graph).graph()


def affine(x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """``(x − mean) · scale + shift``, in this order, so that it gives to the bit what the three operations gave."""
    return torch.sub(x, mean).mul_(scale).add_(shift)


affine.__module__ = "torch"


@dataclass
class _Rewriting:
    old: Graph
    operations: list[Operation] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)
    where: dict[int, Place] = field(default_factory=dict)
    real: dict[Place, int] = field(default_factory=dict)
    channels_last: set[int] = field(default_factory=set)
    fused: set[int] = field(default_factory=set)
    maker: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.next = max(self.old.values, default=0) + 1
        for start in (place.value for place in self.old.inputs.values()):
            value = self.old.values[start]
            rank = len(value.shape)
            # Inside, everything is (N, C, …): an input of a channels-last network is that, seen through a permutation.
            last = self.old.layout == "channels_last" and rank > 2
            self.where[start] = Place(start, (0, *range(2, rank), 1) if last else None)
            self.values[start] = self._as_base(value, self.where[start].permutation)
        layer_values = {p.value for layer in self.old.layers.values() for p in layer.outputs if p is not None}
        self.held = layer_values | {p.value for p in self.old.outputs.values()}

    # --- the whole ----------------------------------------------------------------------------------------------------

    def graph(self) -> Graph:
        positions = []
        for k, operation in enumerate(self.old.operations):
            positions.append(len(self.operations))
            if k not in self.fused:
                self._rewrite(k, operation)
        positions.append(len(self.operations))
        _name_apart(self.operations)
        old = self.old
        layers = {
            path: Layer(
                path,
                layer.kind,
                self._places(layer.inputs),
                self._places(layer.outputs),
                (positions[layer.span[0]], positions[layer.span[1]]),
                layer.module,
                layer.shapes,
            )
            for path, layer in old.layers.items()
        }
        outputs = {name: self._place(p) for name, p in old.outputs.items()}
        return replace(old, operations=self.operations, values=self.values, outputs=outputs, layers=layers)

    def _place(self, place: Place) -> Place:
        found = self.where[place.value]
        return found if place.permutation is None else moved(found, place.permutation)

    def _places(self, places: tuple[Place | None, ...]) -> tuple[Place | None, ...]:
        return tuple(None if p is None else self._place(p) for p in places)

    def _rewrite(self, k: int, operation: Operation) -> None:
        for rewrite in _REWRITES.get(operation.kind, ()):
            if rewrite(self, k, operation):
                return
        if operation.name in PLACEWISE and _placewise(self, k, operation):
            return
        self._emit(
            operation, [Ref(self._materialise(a.value)) if isinstance(a, Ref) else a for a in operation.arguments]
        )

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _as_base(self, value: Value, permutation: Axes | None) -> Value:
        if permutation is None:
            return value
        shape: list[Any] = [0] * len(value.shape)
        for i, axis in enumerate(permutation):
            shape[axis] = value.shape[i]
        return Value(tuple(shape), value.dtype)

    def _emit(
        self, operation: Operation, arguments: list[Any], permutation: Axes | None = None, **changes: Any
    ) -> None:
        """Put an operation down; its outputs are seen through the permutation."""
        self.operations.append(replace(operation, arguments=arguments, **changes))
        self.maker.update((o, len(self.operations) - 1) for o in operation.outputs if o is not None)
        for o in operation.outputs:
            if o is not None:
                self.where[o] = Place(o, permutation)
                self.values[o] = self._as_base(self.old.values[o], permutation)

    def _materialise(self, value: int) -> int:
        """The number of a value whose axes stand in the network's own order."""
        place = self.where[value]
        if place.permutation is None:
            return place.value
        if place not in self.real:
            number, self.next = self.next, self.next + 1
            arguments, spec = flatten(((Ref(place.value), place.permutation), {}))
            self.operations.append(
                Operation(torch.permute, "permute", Kind.PERMUTE, arguments, spec, (number,), "permute", "", Context())
            )
            self.values[number] = self.old.values[value]
            self.real[place] = number
        return self.real[place]

    def _rank(self, value: int) -> int:
        return len(self.old.values[value].shape)

    def _alias(self, operation: Operation, place: Place) -> bool:
        """The operation gives what is already there."""
        (output,) = (o for o in operation.outputs if o is not None)
        self.where[output] = place
        return True


Rewrite = Callable[[_Rewriting, int, Operation], bool]


def _same_form(g: _Rewriting, k: int, operation: Operation) -> bool:
    """``to`` the dtype and device it has: the value itself."""
    if operation.name not in (
        "to",
        "float",
        "double",
        "half",
        "type",
        "type_as",
        "cpu",
        "alias",
        "clone",
        "requires_grad",
    ):
        return False
    args, kwargs = operation.bound()
    if kwargs.get("memory_format", torch.preserve_format) is not torch.preserve_format or any(
        isinstance(a, torch.memory_format) for a in args
    ):
        return False
    (output,) = operation.outputs
    source = operation.inputs[0]
    moves = operation.name in ("to", "cpu") and torch.device("cpu") != _device_of(args[1:], kwargs)
    if output is None or len(operation.inputs) > 1 or moves or g.old.values[source].dtype != g.old.values[output].dtype:
        return False
    return g._alias(operation, g.where[source])


def _device_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.device:
    """The device that ``to`` was given; the processor where it was given none."""
    for a in (*args, kwargs.get("device")):
        if isinstance(a, torch.device) or (isinstance(a, str) and a):
            return torch.device(a)
    return torch.device("cpu")


def _memory_order(g: _Rewriting, k: int, operation: Operation) -> bool:
    """``contiguous`` only orders memory: superfluous before another one, before a maximum (which is the same number in
    any order), and where the order is known to be the one asked for.
    """
    if operation.name != "contiguous":
        return False
    source, (output,) = operation.inputs[0], operation.outputs
    assert output is not None
    readers = [g.old.operations[r] for r in g.old.consumers.get(output, [])]
    if readers and output not in g.held and all(r.name == "contiguous" or r.kind is Kind.MAX_POOL for r in readers):
        return g._alias(operation, g.where[source])
    args, kwargs = operation.bound()
    if torch.channels_last in (*args, kwargs.get("memory_format")):
        place = g.where[source]
        if place.permutation is None and place.value in g.channels_last:
            return g._alias(operation, place)
        g._emit(operation, [Ref(g._materialise(source)) if isinstance(a, Ref) else a for a in operation.arguments])
        g.channels_last.add(output)
        return True
    return False


def _no_dropout(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Dropout outside of training, or of nothing: the value itself."""
    args, kwargs = operation.bound()
    p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    training = args[2] if len(args) > 2 else kwargs.get("training", operation.name != "dropout")
    if (training and p) or not operation.inputs:
        return False
    return g._alias(operation, g.where[operation.inputs[0]])


def _carry_permutation(g: _Rewriting, k: int, operation: Operation) -> bool:
    """A permutation is noted, not carried out."""
    source = operation.inputs[0]
    axes = _axes(operation, g._rank(source))
    return axes is not None and g._alias(operation, moved(g.where[source], axes))


def _axes(operation: Operation, rank: int) -> Axes | None:
    """The permutation that an operation of this kind makes."""
    args, kwargs = operation.bound()
    rest = [*args[1:], *kwargs.values()]
    name = operation.name
    if name == "permute":
        dims = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
        return tuple(int(d) % rank for d in dims)
    if name in ("transpose", "swapaxes", "swapdims") and len(rest) == 2:
        order = list(range(rank))
        i, j = (int(d) % rank for d in rest)
        order[i], order[j] = order[j], order[i]
        return tuple(order)
    if name in ("t", "T", "mT") and rank >= 2:
        order = list(range(rank))
        if name == "T":
            order.reverse()
        else:
            order[-1], order[-2] = order[-2], order[-1]
        return tuple(order)
    if name in ("movedim", "moveaxis") and len(rest) == 2:
        return _movedim(rank, *rest)
    return None


def _movedim(rank: int, source: int | Axes, target: int | Axes) -> Axes:
    sources = [s % rank for s in ((source,) if isinstance(source, int) else source)]
    targets = [t % rank for t in ((target,) if isinstance(target, int) else target)]
    order: list[int] = [-1] * rank
    for s, t in zip(sources, targets):
        order[t] = s
    rest = iter(i for i in range(rank) if i not in sources)
    return tuple(o if o >= 0 else next(rest) for o in order)


def _view_is_reshape(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Without writes, a view and a reshape are the same; a reshape asks nothing of the order in memory."""
    if operation.name != "view" or any(isinstance(a, torch.dtype) for a in operation.arguments):
        return False
    arguments = [Ref(g._materialise(a.value)) if isinstance(a, Ref) else a for a in operation.arguments]
    g._emit(operation, arguments, function=torch.Tensor.reshape, name="reshape")
    return True


def _placewise(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Place by place: before the permutation as after it. Constants are permuted once, here."""
    values = operation.inputs
    output = operation.outputs[0]
    if not values or output is None or len(operation.outputs) > 1:
        return False
    rank = len(g.old.values[output].shape)
    permutations = {g.where[v].permutation for v in values}
    if len(permutations) > 1 or any(g._rank(v) != rank for v in values):
        return False
    permutation = permutations.pop()
    if permutation is None:
        return False
    inverse = tuple(permutation.index(i) for i in range(rank))
    arguments: list[Any] = []
    for a in operation.arguments:
        if isinstance(a, Ref):
            arguments.append(Ref(g.where[a.value].value))
        elif isinstance(a, torch.Tensor) and a.dim() > rank:
            return False
        elif isinstance(a, torch.Tensor) and a.dim() > 0:
            arguments.append(a.reshape((1,) * (rank - a.dim()) + tuple(a.shape)).permute(inverse))
        else:
            arguments.append(a)
    g._emit(operation, arguments, permutation)
    _keep_order(g, [g.where[v].value for v in values], output)
    return True


def _keep_order(g: _Rewriting, sources: list[int], output: int) -> None:
    if all(s in g.channels_last for s in sources):
        g.channels_last.add(output)


def _in_memory_order(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Convolution and pooling hand the order in memory on."""
    arguments = [Ref(g._materialise(a.value)) if isinstance(a, Ref) else a for a in operation.arguments]
    g._emit(operation, arguments)
    output = operation.outputs[0]
    if output is not None and operation.inputs:
        _keep_order(g, [g._materialise(operation.inputs[0])], output)
    return True


def _along_an_axis(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Concatenation and reductions are told the axis' name in the order it stands in; a constant that is joined on is
    permuted once, here.
    """
    permutations = {g.where[v].permutation for v in operation.inputs}
    permutation = permutations.pop()
    if permutations or permutation is None or len(operation.outputs) != 1:
        return False
    rank, inverse = len(permutation), tuple(permutation.index(i) for i in range(len(permutation)))
    args, kwargs = operation.bound()
    if any(g._rank(v) != rank for v in operation.inputs):
        return False
    concat = operation.name in ("cat", "concat", "concatenate")
    if not concat and operation.name not in ("mean", "sum", "amax", "amin"):
        return False
    key = "dim" if "dim" in kwargs else "axis"
    dims = kwargs.get(key, args[1] if len(args) > 1 else 0 if concat else None)
    single = isinstance(dims, int)
    if dims is None or not all(isinstance(d, int) for d in ((dims,) if single else dims)):
        return False
    reduced = [permutation[d % rank] for d in ((dims,) if single else dims)]
    keepdim = concat or bool(kwargs.get("keepdim", args[2] if len(args) > 2 else False))
    if not keepdim:
        left = sorted(a for a in range(rank) if a not in reduced)
        order = tuple(left.index(a) for a in permutation if a not in reduced)
        permutation = None if order == tuple(range(len(order))) else order
    new = reduced[0] if single else tuple(reduced)
    if key in kwargs:
        kwargs = {**kwargs, key: new}
    elif len(args) > 1:
        args = (args[0], new, *args[2:])
    else:
        kwargs = {**kwargs, "dim": new}
    arguments, spec = flatten((args, kwargs))
    if any(isinstance(a, torch.Tensor) and a.dim() != rank for a in arguments):
        return False
    if concat:
        arguments = [a.permute(inverse) if isinstance(a, torch.Tensor) else a for a in arguments]
    arguments = [Ref(g.where[a.value].value) if isinstance(a, Ref) else a for a in arguments]
    sources = [a.value for a in arguments if isinstance(a, Ref)]
    g._emit(operation, arguments, permutation, spec=spec)
    if keepdim and operation.outputs[0] is not None:
        _keep_order(g, sources, operation.outputs[0])
    return True


def _pad(g: _Rewriting, k: int, operation: Operation) -> bool:
    """Padding names axes from the last: the widths are sorted into the order the axes stand in."""
    (source,) = operation.inputs
    permutation = g.where[source].permutation
    args, kwargs = operation.bound()
    widths = args[1] if len(args) > 1 else kwargs.get("pad")
    mode = args[2] if len(args) > 2 else kwargs.get("mode", "constant")
    if permutation is None:
        return _in_memory_order(g, k, operation)
    if mode != "constant" or widths is None or len(args) < 2:
        return False
    rank = len(permutation)
    pairs = {rank - 1 - i: (widths[2 * i], widths[2 * i + 1]) for i in range(len(widths) // 2)}
    new: list[Any] = []
    for axis in reversed(range(rank)):
        new += pairs.get(permutation.index(axis), (0, 0))
    while len(new) > 2 and new[-2:] == [0, 0]:
        new = new[:-2]
    arguments, spec = flatten(((args[0], tuple(new), *args[2:]), kwargs))
    arguments = [Ref(g.where[a.value].value) if isinstance(a, Ref) else a for a in arguments]
    g._emit(operation, arguments, permutation, spec=spec)
    if operation.outputs[0] is not None:
        _keep_order(g, [g.where[source].value], operation.outputs[0])
    return True


def _bias(g: _Rewriting, k: int, operation: Operation) -> bool:
    """A constant a channel, added to a convolution that nothing else reads: the convolution's own bias, as Keras had
    it. The sum is rounded where it was.
    """
    args, kwargs = operation.bound()
    if operation.name != "add" or kwargs or len(args) != 2 or not isinstance(args[0], Ref):
        return False
    place, output = g.where[args[0].value], operation.outputs[0]
    at = g.maker.get(place.value)
    if at is None or g.operations[at].kind is not Kind.CONVOLUTION or not _read_once(g, args[0].value, place.value):
        return False
    convolution, value = g.operations[at], g.values[place.value]
    bias = _a_channel(args[1], place, value)
    given, named = convolution.bound()
    if bias is None or named.get("bias") is not None or (len(given) > 2 and given[2] is not None):
        return False
    if len(given) > 2:
        given = (*given[:2], bias, *given[3:])
    else:
        named = {**named, "bias": bias}
    arguments, spec = flatten((given, named))
    g.operations[at] = replace(convolution, arguments=arguments, spec=spec)
    return output is not None and g._alias(operation, place)


def _read_once(g: _Rewriting, value: int, made: int) -> bool:
    """Whether ``value`` is read by one operation alone, and so is all between it and ``made`` (permutations)."""
    while value not in g.held and len(g.old.consumers.get(value, [])) == 1:
        if value == made:
            return True
        value = g.old.operations[g.old.producer[value]].inputs[0]
    return False


def _a_channel(constant: Any, place: Place, value: Value) -> torch.Tensor | None:
    """(C,), where a constant holds one number a channel of a value that is seen through a permutation."""
    rank = len(value.shape)
    if not isinstance(constant, torch.Tensor) or constant.dtype != value.dtype or constant.dim() > rank:
        return None
    constant = constant.reshape((1,) * (rank - constant.dim()) + tuple(constant.shape))
    axes = place.permutation or tuple(range(rank))
    constant = constant.permute(tuple(axes.index(i) for i in range(rank)))
    channels = value.shape[1]
    return constant.reshape(-1) if constant.shape == (1, channels, *(1,) * (rank - 2)) else None


def _one_affine(g: _Rewriting, k: int, operation: Operation) -> bool:
    """``subtract, mul, add`` by constants, each read by the next alone: Keras' batch normalisation, one affine."""
    if operation.name not in ("sub", "subtract"):
        return False
    chain, constants = [operation], []
    for name in ("mul", "add"):
        output = chain[-1].outputs[0]
        readers = g.old.consumers.get(output, []) if output is not None and output not in g.held else []
        if len(readers) != 1 or g.old.operations[readers[0]].name != name:
            return False
        chain.append(g.old.operations[readers[0]])
    for step in chain:
        args, kwargs = step.bound()
        if (
            kwargs
            or len(args) != 2
            or not isinstance(args[0], Ref)
            or not isinstance(args[1], torch.Tensor)
            or step.context != operation.context
        ):
            return False
        constants.append(args[1])
    value = g.old.values[operation.inputs[0]]
    if any(c.dtype != value.dtype or c.dim() > len(value.shape) or not _narrow(c, value) for c in constants):
        return False
    arguments, spec = flatten(((operation.arguments[0], *constants), {}))
    whole = replace(
        operation,
        function=affine,
        name="affine",
        kind=Kind.AFFINE,
        arguments=arguments,
        spec=spec,
        outputs=chain[-1].outputs,
    )
    g.fused.update(r for step in chain[:-1] for r in g.old.consumers[step.outputs[0] or 0])
    if not _placewise(g, k, whole):
        g._emit(whole, [Ref(g._materialise(a.value)) if isinstance(a, Ref) else a for a in arguments])
    return True


def _narrow(constant: torch.Tensor, value: Value) -> bool:
    """Whether a constant broadcasts against the value without widening it."""
    return all(c == 1 or c == v for c, v in zip(reversed(constant.shape), reversed(value.shape)))


def _name_apart(operations: list[Operation]) -> None:
    """Paths are unique: a second ``relu`` in a layer is ``relu:2``."""
    times: dict[str, int] = {}
    for operation in operations:
        path = f"{operation.layer}/{operation.name}" if operation.layer else operation.name
        times[path] = times.get(path, 0) + 1
        operation.path = path if times[path] == 1 else f"{path}:{times[path]}"


_REWRITES: dict[Kind, tuple[Rewrite, ...]] = {
    Kind.CAST: (_same_form, _memory_order),
    Kind.DROPOUT: (_no_dropout,),
    Kind.PERMUTE: (_carry_permutation,),
    Kind.RESHAPE: (_view_is_reshape,),
    Kind.ADD: (_one_affine, _bias),
    Kind.CONVOLUTION: (_in_memory_order,),
    Kind.MAX_POOL: (_in_memory_order,),
    Kind.AVERAGE_POOL: (_in_memory_order,),
    Kind.CONCAT: (_along_an_axis,),
    Kind.REDUCE: (_along_an_axis,),
    Kind.PAD: (_pad,),
}
