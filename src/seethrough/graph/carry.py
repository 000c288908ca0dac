"""Carrying addresses along a network's operations.

Operations that only move numbers are run on the addresses themselves; operations that work number by number, or mix the
channels of one place, hand them on; a product of tokens with tokens belongs to both its factors' places, of which
attention keeps the query's; what mixes places evenly (patch merging, pooling) begins a coarser map, and what mixes all
of them has no address left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.graph.addresses import (
    NOWHERE,
    Addresses,
    Known,
    Map,
    Shape,
    agreed,
    as_map,
    coarser,
    complete,
    natural,
    product,
    sampled,
    several,
    slimmed,
    still,
    stretched,
    thin,
)
from seethrough.graph.operations import Kind, Operation, Ref, Size
from seethrough.graph.tree import leaves_of, unflatten


@dataclass(frozen=True)
class Step:
    """One operation, at the number of images that addresses are carried for."""

    operation: Operation
    known: Known
    images: int
    shape: Shape
    """Of its (first) output."""
    shape_of: Callable[[int], Shape]

    def of(self, argument: Any) -> Addresses | None:
        return self.known.get(argument.value) if isinstance(argument, Ref) else None

    @property
    def first(self) -> Addresses | None:
        """Of the first tensor it is given."""
        (args, kwargs) = self.operation.bound()
        given = args[0] if args else next(iter(kwargs.values()), None)
        while isinstance(given, (list, tuple)) and given:
            given = given[0]
        return self.of(given)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        args, kwargs = self.operation.bound()
        return args[position] if len(args) > position else kwargs.get(name, default)

    def natural(self, images: Tensor | None = None) -> Addresses | None:
        """A map of its own at the output."""
        if len(self.shape) != 4 or self.shape[2] * self.shape[3] <= 1:
            return None
        height, width = self.shape[2:]
        if images is None:
            return natural(self.images, height, width, self.shape) if self.shape[0] == self.images else None
        places = torch.arange(height * width, dtype=torch.int32).reshape(1, 1, height, width)
        address = images.to(torch.int32).reshape(-1, 1, 1, 1) * (height * width) + places
        return Addresses((address.expand(self.shape),), ((height, width),))


Rule = Callable[[Step], "list[Addresses | None] | Addresses | None"]


def handed_on(step: Step) -> Addresses | None:
    """Number by number: where the numbers that meet belong to one place, there. Where they don't, the one side counts
    that has every place once, as a gate drawn from elsewhere doesn't.
    """
    met: list[Addresses] = []
    for v in step.operation.inputs:
        given = step.known.get(v)
        shape = step.shape_of(v)
        if given is None or len(shape) > len(step.shape):
            continue
        if any(n not in (1, m) for n, m in zip(reversed(shape), reversed(step.shape))):
            continue
        met.append(given.moved(lambda t: t.expand(step.shape)))
    return agreed(met, step.images)


def run_on_addresses(step: Step) -> list[Addresses | None] | None:
    """Only moves numbers: the addresses are moved as they are. Where to is said by constants alone."""
    operation = step.operation
    given = {v: step.known.get(v) for v in operation.inputs}
    placed = [a for a in given.values() if a is not None]
    joins = operation.kind is Kind.CONCAT
    if not placed or len({a.maps for a in placed}) > 1 or (len(given) > 1 and not joins):
        return None
    if any(isinstance(a, torch.dtype) for a in operation.arguments):
        return None
    moved = [
        leaves_of(_move(step, {v: NOWHERE if a is None else a.each[k] for v, a in given.items()}))
        for k in range(len(placed[0].each))
    ]
    return [Addresses(tuple(slimmed(each[n]) for each in moved), placed[0].maps) for n in range(len(moved[0]))]


def _move(step: Step, addresses: Mapping[int, Tensor | int]) -> Any:
    """What the operation gives on these addresses; what has none, as a constant that is joined to others, is nowhere."""

    def filled(a: Any) -> Any:
        if isinstance(a, Ref):
            found = addresses[a.value]
            return found if isinstance(found, Tensor) else _nowhere(step.shape_of(a.value))
        if isinstance(a, Tensor) and step.operation.kind is Kind.CONCAT:
            return _nowhere(tuple(a.shape))
        return a.at(step.images) if isinstance(a, Size) else a

    args, kwargs = unflatten([filled(a) for a in step.operation.arguments], step.operation.spec)
    return step.operation.function(*args, **kwargs)


def _nowhere(shape: Shape) -> Tensor:
    return torch.tensor(NOWHERE, dtype=torch.int32).expand(shape)


def reshaped(step: Step) -> list[Addresses | None] | Addresses | None:
    """Under other axes; where channels become places, or places channels, a map of its own."""
    name, given = step.operation.name, step.first
    if name in ("pixel_shuffle", "pixel_unshuffle"):
        return mapped(step)
    if name in ("reshape_as", "view_as"):
        return None if given is None else given.moved(lambda t: slimmed(t.reshape(step.shape)))
    return run_on_addresses(step)


def expanded(step: Step) -> list[Addresses | None] | Addresses | None:
    """The same numbers again."""
    given = step.first
    if step.operation.name == "expand_as":
        return None if given is None else given.moved(lambda t: t.expand(step.shape))
    return run_on_addresses(step)


def selected(step: Step) -> list[Addresses | None] | Addresses | None:
    """A part, or all in another order."""
    if step.operation.function is F.unfold:
        return patches(step)
    found = run_on_addresses(step)
    if found is None or step.operation.name not in ("getitem", "index_select"):
        return found
    return [None if a is None or bool((thin(a.each[0]) < 0).all()) else sampled(a) for a in found]


def patches(step: Step) -> Addresses | None:
    """``unfold``: patches that don't overlap are the same numbers in another order; else the patches, (N, C · k · k,
    patches), are the places of a map of their own.
    """
    given = step.first
    if given is None or given.one is None or as_map(given.one, given.area, given.width) is None:
        return None
    settings = ((1, "kernel_size", 1), (2, "dilation", 1), (3, "padding", 0), (4, "stride", 1))
    kernel, dilation, padding, stride = (_pair(step.argument(*setting)) for setting in settings)
    if kernel == stride and (dilation, padding) == ((1, 1), (0, 0)):
        return given.moved(lambda t: slimmed(F.unfold(t.double(), kernel, stride=stride).to(torch.int32)))
    source = step.shape_of(step.operation.inputs[0])[2:]
    height, width = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(source, kernel, dilation, padding, stride)
    )
    if (step.images, height * width) != (step.shape[0], step.shape[2]) or height * width <= 1:
        return None
    each = torch.arange(step.images * height * width, dtype=torch.int32).reshape(step.images, 1, height * width)
    return Addresses((each.expand(step.shape),), ((height, width),))


def folded(step: Step) -> Addresses | None:
    """``fold``: patches that don't overlap are put side by side; else their sums are a map of its own."""
    given = step.first
    settings = ((1, "output_size", 1), (2, "kernel_size", 1), (3, "dilation", 1), (4, "padding", 0), (5, "stride", 1))
    size, kernel, dilation, padding, stride = (_pair(step.argument(*setting)) for setting in settings)
    if given is None or kernel != stride or (dilation, padding) != ((1, 1), (0, 0)):
        return step.natural()
    return given.moved(lambda t: slimmed(F.fold(t.double(), size, kernel, stride=stride).to(torch.int32)))


def _pair(setting: Any) -> tuple[int, int]:
    return (setting, setting) if isinstance(setting, int) else (int(setting[0]), int(setting[-1]))


def padded(step: Step) -> Addresses | None:
    """Margins are no place where they hold a constant, else the place they were copied from."""
    given = step.first
    widths = step.argument(1, "pad")
    if given is None or widths is None:
        return None
    widths = [int(w.at(step.images)) if isinstance(w, Size) else int(w) for w in widths]
    mode = step.argument(2, "mode", "constant")
    if not any(widths):
        return given
    if not isinstance(mode, str) or mode == "constant":
        return given.moved(lambda t: F.pad(t, widths, value=NOWHERE))
    return given.moved(lambda t: F.pad(t.double(), widths, mode=mode).to(torch.int32))


def mapped(step: Step) -> Addresses | None:
    """Convolution, pooling, resizing of a map: a map of its own."""
    if not step.operation.inputs or step.operation.inputs[0] not in step.known:
        return step.natural()
    given = step.first
    if given is None or given.one is None:
        return None
    images = as_map(given.one, given.area, given.width)
    return None if images is None else step.natural(images)


def convolved(step: Step) -> Addresses | None:
    """A map of its own; windows, or tokens in a row, keep their places where no place is lost or won."""
    found = step.first
    if found is not None and found.one is not None and found.one.dim() > 2 and still(found.one, 1) is None:
        merged = coarser(found, [1])
        found = None if merged is None else merged.moved(lambda t: stretched(t, 1, 2))
        if found is None:
            return None
        step = replace(step, known={**step.known, step.operation.inputs[0]: found})
    if found is not None and len(step.shape) > 2:
        kept = [still(t, 1) for t in found.each]
        if all(t is not None and t.shape[2:] == step.shape[2:] and len(t) == step.shape[0] for t in kept):
            return found.moved(lambda t: stretched(t, 1, step.shape[1]))
    return mapped(step)


def linear(step: Step) -> Addresses | None:
    """Mixes the last axis, the channels of a token or the numbers of some neighbours."""
    given = step.first
    if given is None:
        return None
    if given.one is None:
        kept = [still(t, -1) for t in given.each]
        return (
            None if any(t is None for t in kept) else given.moved(lambda t: stretched(t, t.dim() - 1, step.shape[-1]))
        )
    mixed = coarser(given, [given.one.dim() - 1])
    return None if mixed is None else mixed.moved(lambda t: stretched(t, t.dim() - 1, step.shape[-1]))


def normalised(step: Step) -> Addresses | None:
    """Handed on; over a token's numbers from several neighbours, as a coarser map."""
    given = step.first
    if step.operation.name in ("layer_norm", "rms_norm") and given is not None and given.one is not None:
        over = step.argument(1, "normalized_shape", ())
        if len(over) == 1 and still(given.one, -1) is None:
            mixed = coarser(given, [given.one.dim() - 1])
            if mixed is not None:
                return mixed.moved(lambda t: stretched(t, t.dim() - 1, step.shape[-1]))
    return handed_on(step)


def activated(step: Step) -> Addresses | None:
    """Number by number; ``glu`` halves an axis."""
    given = step.first
    if step.operation.name != "glu" or given is None:
        return handed_on(step)
    axis = step.argument(1, "dim", -1)
    return given.moved(lambda t: t.chunk(2, axis)[0])


REDUCTIONS = frozenset(("mean", "sum", "amax", "amin", "max", "min", "std", "var", "logsumexp", "prod"))


def reduced(step: Step) -> list[Addresses | None] | Addresses | None:
    """Mixes the numbers along some axes."""
    operation, given = step.operation, step.first
    if len(operation.inputs) > 1:
        return handed_on(step)
    args, kwargs = operation.bound()
    dims = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
    if operation.name not in REDUCTIONS or given is None or given.one is None or dims is None or isinstance(dims, bool):
        return None
    rank = given.one.dim()
    axes = sorted({int(d) % rank for d in ((dims,) if isinstance(dims, int) else dims)})
    mixed = coarser(given, axes)
    if mixed is None or len(step.shape) == rank:
        return mixed
    return mixed.moved(lambda t: t.squeeze(tuple(axes)))


def multiplied(step: Step) -> Addresses | None:
    """A product of matrices: its rows are those of the left factor, its columns those of the right one."""
    name = step.operation.name
    args, _ = step.operation.bound()
    if name == "einsum":
        return _einsum(step, args)
    if name in ("addmm", "baddbmm"):
        args = args[1:]
    elif name not in ("matmul", "mm", "bmm"):
        return None
    left, right = args[:2]
    return product(step.of(left), step.of(right), step.shape)


def _einsum(step: Step, args: tuple[Any, ...]) -> Addresses | None:
    """As `product`, by the names of the axes."""
    if not args or not isinstance(args[0], str):
        return None
    operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (tuple, list)) else list(args[1:])
    taken, arrow, given = args[0].replace(" ", "").partition("->")
    letters = taken.split(",")
    if not arrow or "." in taken or len(letters) != len(operands):
        return None
    each: list[tuple[Tensor, Map]] = []
    for names, operand in zip(letters, operands):
        found = step.of(operand)
        for t, size in zip(found.each, found.maps) if found is not None else ():
            if all(still(t, a) is not None for a, name in enumerate(names) if name not in given):
                each.append((_renamed(t, names, given).expand(step.shape), size))
    return several(each)


def _renamed(address: Tensor, names: str, given: str) -> Tensor:
    """With its axes in the order ``given``, without those that aren't among them, 1 long along those that it lacks."""
    for axis in reversed(range(len(names))):
        address = address if names[axis] in given else address.select(axis, 0)
    kept = [name for name in names if name in given]
    address = address.permute([kept.index(name) for name in given if name in kept])
    return address[tuple(slice(None) if name in kept else None for name in given)]


def attended(step: Step) -> Addresses | None:
    """Attention: its rows are the queries'."""
    query, key, value = (step.argument(p, n) for p, n in enumerate(("query", "key", "value")))
    *many, rows, _ = step.shape
    weights = product(step.of(query), _turned(step.of(key)), (*many, rows, step.shape_of(key.value)[-2]))
    return product(weights, step.of(value), step.shape)


def _turned(addresses: Addresses | None) -> Addresses | None:
    return None if addresses is None else addresses.moved(lambda t: t.transpose(-1, -2))


def unknown(step: Step) -> Addresses | None:
    """What isn't in the table of kinds: of a map it is taken to make a map, of all else nothing is taken."""
    if step.operation.function is F.fold:
        return folded(step)
    given = step.first
    if given is None or given.one is None or not complete(given.one, given.area, step.images):
        return None
    return mapped(step)


RULES: dict[Kind, Rule] = {
    Kind.CONVOLUTION: convolved,
    Kind.TRANSPOSED: mapped,
    Kind.LINEAR: linear,
    Kind.MATMUL: multiplied,
    Kind.AFFINE: handed_on,
    Kind.NORMALISATION: normalised,
    Kind.ACTIVATION: activated,
    Kind.SOFTMAX: handed_on,
    Kind.ATTENTION: attended,
    Kind.MAX_POOL: mapped,
    Kind.AVERAGE_POOL: mapped,
    Kind.ADD: handed_on,
    Kind.MULTIPLY: handed_on,
    Kind.REDUCE: reduced,
    Kind.CONCAT: run_on_addresses,
    Kind.RESHAPE: reshaped,
    Kind.PERMUTE: run_on_addresses,
    Kind.SELECT: selected,
    Kind.EXPAND: expanded,
    Kind.PAD: padded,
    Kind.RESIZE: mapped,
    Kind.ELEMENTWISE: handed_on,
    Kind.CAST: handed_on,
    Kind.DROPOUT: handed_on,
    Kind.OPAQUE: unknown,
}
"""How addresses go through each kind of operation; through others nothing is known to go."""


def carried(step: Step, outputs: Sequence[Shape | None]) -> list[Addresses | None]:
    """The addresses of each output, None where it has none."""
    rule = RULES.get(step.operation.kind)
    if rule is None:
        return [None] * len(outputs)
    found = rule(step)
    each = found if isinstance(found, list) else [found]
    each = [*each, *[None] * (len(outputs) - len(each))]
    return [_true_to(a, shape) for a, shape in zip(each, outputs)]


def _true_to(found: Addresses | None, shape: Shape | None) -> Addresses | None:
    """Only where it has the value's shape and some place is left."""
    if found is None or shape is None or any(tuple(t.shape) != shape for t in found.each):
        return None
    return found if all(bool((thin(t) >= 0).any()) for t in found.each) else None
