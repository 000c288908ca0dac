"""An ONNX network as a torch module: each of its nodes a module of its own, run in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn as nn
from torch import Tensor

from seethrough.models.onnx_layout import TO_FIRST, TO_LAST, channels_first_values, is_channels_last
from seethrough.models.onnx_numbers import NUMBERS
from seethrough.models.onnx_operators import OPERATORS, SETTINGS, spread
from seethrough.models.onnx_program import Node, Program

FEW = 16
"""A constant of so many whole numbers, or fewer, is plain numbers, whatever it is for."""

ROLES = {
    "BatchNormalization": {1: "weight", 2: "bias", 3: "running_mean", 4: "running_var"},
}
"""What torch calls the weights of an operator, by the position of the input."""

Watch = Callable[["Step", tuple[Any, ...]], Any]
"""Told of a step and what it is given; gives what comes out."""


class Step(nn.Module):
    """One node.

    Attributes
    ----------
    node
        What it does.
    named
        From the position of an input to the name of the weight that stands there.
    plain
        From the position of an input to the plain numbers that stand there.
    turned_in, turned_out
        Positions of inputs, and whether the outputs are, whose channels are first in a network that is channels last.
    batch_axis, declared, short
        Along which axis of its output a batch lies, that output's shape for the batch size that the file was written
        for, and positions of inputs that have that size along that axis, where the file wrote it down.
    """

    node: Node

    def __init__(self, node: Node, turned_in: frozenset[int], turned_out: bool) -> None:
        super().__init__()
        self.node, self.turned_in, self.turned_out = node, turned_in, turned_out
        self.named: dict[int, str] = {}
        self.plain: dict[int, np.ndarray] = {}
        self.batch_axis: int | None = None
        self.declared: tuple[int, ...] = ()
        self.short: frozenset[int] = frozenset()

    def keep(self, position: int, weight: Tensor) -> None:
        """Keep a weight for one of the inputs."""
        usual = {1: "weight", 2: "bias"}
        name = ROLES.get(self.node.operator, usual).get(position, f"operand_{position}")
        if isinstance(weight, nn.Parameter):
            self.register_parameter(name, weight)
        else:
            self.register_buffer(name, weight)
        self.named[position] = name

    def forward(self, *given: Any, batch: tuple[int, int] = (1, 1)) -> Any:
        """What the operator gives.

        Parameters
        ----------
        given
            What comes from other nodes, in the order of the inputs.
        batch
            The batch size in use, and the one that the file was written for.
        """
        values = [self._turned(i, value) for i, value in enumerate(self.inputs(given))]
        found = OPERATORS[self.node.operator](self.node, *self._for_batch(values, batch))
        if not self.turned_out:
            return found
        turned = tuple(v.permute(TO_LAST) if isinstance(v, Tensor) and v.dim() == 4 else v for v in spread(found))
        return turned if isinstance(found, tuple) else turned[0]

    def inputs(self, given: Sequence[Any]) -> Iterator[Any]:
        """All inputs, from those that come from other nodes."""
        following = iter(given)
        for i, name in enumerate(self.node.inputs):
            if i in self.named:
                yield getattr(self, self.named[i])
            elif i in self.plain:
                yield self.plain[i]
            else:
                yield next(following) if name else None

    def _turned(self, position: int, value: Any) -> Any:
        turned = position in self.turned_in and isinstance(value, Tensor) and value.dim() == 4
        return value.permute(TO_FIRST) if turned else value

    def _for_batch(self, values: list[Any], batch: tuple[int, int]) -> list[Any]:
        """The inputs, with the batch size that the file wrote down replaced by the one in use."""
        axis, (now, then) = self.batch_axis, batch
        if axis is None:
            return values
        if self.node.operator == "Concat":
            size = next(v.shape[axis] for i, v in enumerate(values) if i not in self.short)
            return [_fitted(v, axis, size) if i in self.short else v for i, v in enumerate(values)]
        return [values[0], np.array([n * now // then if i == axis else n for i, n in enumerate(self.declared)])]

    def extra_repr(self) -> str:
        return ", ".join(f"{k}={v}" for k, v in self.node.settings.items() if not isinstance(v, np.ndarray))


def _fitted(value: Tensor, axis: int, size: int) -> Tensor:
    """A constant that was written for a batch, repeated or cut to another."""
    times = -(-size // value.shape[axis])
    return value.repeat([times if i == axis else 1 for i in range(value.dim())]).narrow(axis, 0, size)


@cache
def _kind(operator: str) -> type[Step]:
    """A class called as the operator is, so that whoever looks at the network reads "Conv" and not "Step"."""
    return type(operator, (Step,), {"__module__": __name__})


@dataclass(frozen=True)
class Move:
    """A node in its turn: what runs it (None: plain numbers), what it takes from other nodes, which values nobody needs
    behind it, and whether it asks the shape of a value that is handed over turned.
    """

    node: Node
    step: Step | None
    takes: tuple[str, ...]
    frees: tuple[str, ...]
    asks_turned: bool = False


class Scope(nn.Module):
    """A module of the network that the file was exported from, of which the file kept no more than its name."""


def _put(root: nn.Module, path: str, step: Step) -> None:
    """Put a step where its path says, into scopes that are made on the way."""
    place, parts = root, path.split(".")
    for part in parts[:-1]:
        name = _free(place, part, shared=True)
        if name not in place._modules:
            place.add_module(name, Scope())
        place = place.get_submodule(name)
    place.add_module(_free(place, parts[-1], shared=False), step)


def _free(place: nn.Module, name: str, *, shared: bool) -> str:
    """A name as near as may be, that isn't an attribute there already; a module's own name where it may be shared."""
    held = (place._parameters, place._buffers, vars(place), *([] if shared else [place._modules]))
    while hasattr(type(place), name) or any(name in each for each in held):
        name += "_"
    return name


class OnnxNetwork(nn.Module):
    """An ONNX network, from a batch in the layout of the file to its output, or to its outputs by name.

    Parameters
    ----------
    program
        With operators of `OPERATORS` and `NUMBERS` alone.

    Attributes
    ----------
    written_for
        The batch size that the file was written for; None where it takes any.
    alone
        Whether other batch sizes are sent through in parts of that size.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.entry, self.outputs = program.input, program.outputs
        self.written_for, self.alone = program.input.shape[0], False
        self.channels_last = is_channels_last(program.input.shape)
        first = channels_first_values(program) if self.channels_last else frozenset()
        self.turned_outputs = first.intersection(program.outputs)
        weights, self.numbers = _constants(program)
        self.moves = tuple(_moves(program, weights, self.numbers))
        for move in self.moves:
            if move.step is not None:
                _put(self, move.node.path, move.step)

    @property
    def steps(self) -> dict[str, Step]:
        """The modules that are nodes, by their paths in this one, in the order in which they run."""
        paths = {id(module): path for path, module in self.named_modules()}
        return {paths[id(move.step)]: move.step for move in self.moves if move.step is not None}

    def forward(self, images: Tensor) -> Any:
        size = self.written_for
        if not self.alone or size is None or len(images) == size:
            return self.run(images)
        short = -len(images) % size
        padded = torch.cat([images, images[-1:].expand(short, *images.shape[1:])]) if short else images
        parts = [self.run(part) for part in padded.split(size)]
        if isinstance(parts[0], dict):
            return {name: torch.cat([part[name] for part in parts])[: len(images)] for name in parts[0]}
        return torch.cat(parts)[: len(images)]

    def run(self, images: Tensor, watch: Watch | None = None) -> Any:
        """All nodes, in order.

        Parameters
        ----------
        watch
            Called instead of each step.
        """
        batch = (len(images), self.written_for or len(images))
        entry = images.double() if self.entry.type == 11 else images
        values: dict[str, Any] = {**self.numbers, self.entry.name: entry}
        for move in self.moves:
            given = tuple(values[name] for name in move.takes)
            if move.step is None:
                found = _numbers(move.node, given, move.asks_turned)
            elif watch is not None:
                found = watch(move.step, given)
            else:
                found = move.step(*given, batch=batch)
            values.update(zip(move.node.outputs, spread(found), strict=False))
            for name in move.frees:
                values.pop(name, None)
        found = {name: self._as_in_the_file(name, values[name]) for name in self.outputs}
        return found if len(found) > 1 else found[self.outputs[0]]

    def _as_in_the_file(self, name: str, value: Tensor) -> Tensor:
        turned = name in self.turned_outputs and value.dim() == 4
        return value.permute(TO_FIRST) if turned else value


def _numbers(node: Node, given: tuple[Any, ...], turned: bool) -> Any:
    """What a node gives that reckons with sizes."""
    if node.operator == "Shape":
        shape = given[0].shape
        shape = [shape[axis] for axis in TO_FIRST] if turned and len(shape) == 4 else shape
        return np.array(shape[node.settings.get("start", 0) : node.settings.get("end")], np.int64)
    if node.operator == "Size":
        return np.array(np.prod(given[0].shape), np.int64)
    following = iter(given)
    return NUMBERS[node.operator](node, *(next(following) if name else None for name in node.inputs))


# --- how it is built ----------------------------------------------------------------------------------------------------


def _moves(program: Program, weights: Mapping[str, Tensor], numbers: Mapping[str, np.ndarray]) -> Iterator[Move]:
    first = channels_first_values(program) if is_channels_last(program.input.shape) else frozenset()
    plain, last = set(numbers), _last_uses(program)
    for i, node in enumerate(program.nodes):
        frees = tuple(last.get(i, ()))
        counting = node.operator in NUMBERS and all(name in plain for name in node.inputs if name)
        if counting or node.operator in ("Shape", "Size"):
            plain.update(node.outputs)
            yield Move(node, None, tuple(filter(None, node.inputs)), frees, not first.isdisjoint(node.inputs))
            continue
        turned_in = frozenset(k for k, name in enumerate(node.inputs) if name in first)
        step = _kind(node.operator)(node, turned_in, not first.isdisjoint(node.outputs))
        for position, name in enumerate(node.inputs):
            if name in weights:
                step.keep(position, weights[name])
            elif name in numbers:
                step.plain[position] = numbers[name]
        takes = (name for name in node.inputs if name and name not in weights and name not in numbers)
        yield Move(node, step, tuple(takes), frees)


def _last_uses(program: Program) -> dict[int, list[str]]:
    """By position of a node, the values that nobody reads behind it."""
    at = {name: i for i, node in enumerate(program.nodes) for name in (*node.outputs, *node.inputs)}
    found: dict[int, list[str]] = {}
    for name in at.keys() - set(program.outputs):
        found.setdefault(at[name], []).append(name)
    return found


def _constants(program: Program) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    """The constants of a network: as tensors, those that are computed with, and as plain numbers, those that say how.

    What the file keeps as weights becomes parameters, one for each array however many nodes use it; running statistics,
    indices and constants in between become buffers.
    """
    uses: dict[str, list[tuple[str, int]]] = {}
    for node in program.nodes:
        for position, name in enumerate(node.inputs):
            uses.setdefault(name, []).append((node.operator, position))
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, np.ndarray] = {}
    shared: dict[int, Tensor] = {}
    for name, array in {**program.constants, **program.weights}.items():
        if name not in uses:
            continue
        if _says_how(array, uses[name], name in program.weights):
            numbers[name] = array
            continue
        if id(array) not in shared:
            tensor = torch.from_numpy(array.copy())
            statistics = any(at > 2 for operator, at in uses[name] if operator == "BatchNormalization")
            trained = name in program.weights and tensor.is_floating_point() and not statistics
            shared[id(array)] = nn.Parameter(tensor) if trained else tensor
        tensors[name] = shared[id(array)]
    return tensors, numbers


def _says_how(array: np.ndarray, uses: Sequence[tuple[str, int]], weight: bool) -> bool:
    if all(position in SETTINGS.get(operator, ()) for operator, position in uses) or array.ndim == 0:
        return True
    if array.dtype.kind == "f":
        return array.size == 1 and not weight
    return array.ndim == 1 and array.size <= FEW
