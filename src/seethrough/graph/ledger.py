"""Ledger: which blocks of memory are alive while a network runs, who made them, and how much they are after each
operation.

It counts storages, not tensors: views share theirs, an in-place operation makes none, and what two operations keep for
their walk back counts once. On fake tensors, whose storages have a size and no data, torch's own reference counts and
its own autograd decide when a block ends, so nothing of them is modelled here.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seethrough.graph.tree import leaves_of

Where = Callable[[], tuple[str, str]]
"""Tells the phase of the step (``"forward"``, ``"backward"``…) and the layer that is at work."""


@dataclass(slots=True, eq=False)
class Block:
    """One storage: its bytes, the layer that made it, and the operations (by their number) between which it lived.

    ``role`` says what it is for, where that is known: ``"parameters"``, ``"buffers"``, ``"input"``, ``"gradients"``,
    ``"optimizer"``; else it is an activation or passing, ``""``.
    """

    size: int
    layer: str
    born: int
    died: int | None = None
    role: str = ""

    def alive_at(self, operation: int) -> bool:
        """Whether it was there when an operation had just run."""
        return self.born <= operation and (self.died is None or operation < self.died)


@dataclass(frozen=True, slots=True)
class Moment:
    """What was alive when one operation had just run."""

    bytes: int
    phase: str
    layer: str
    operation: str


class Ledger(TorchDispatchMode):
    """Notes every storage that is made while it is on, and its end."""

    def __init__(self, where: Where) -> None:
        super().__init__()
        self.where = where
        self.total = 0
        self.moments: list[Moment] = []
        self.blocks: list[Block] = []
        self.columns = 0
        """Bytes of the largest column matrix (im2col) of any convolution that ran."""
        self._alive: dict[int, tuple[Block, weakref.ref[Any]]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # see `untouched.Effects`: torch's wrapper against being compiled costs more than the handler

    def hold(self, tensor: torch.Tensor, role: str) -> int:
        """Count a tensor that was there before, or say what one is for; gives its bytes, 0 where its storage has that role
        already.
        """
        block = self._block(tensor, "")
        if block is None or block.role == role:
            return 0
        block.role = role
        return block.size

    def living(self) -> Iterator[Block]:
        """The blocks that are alive now."""
        return (block for block, _ in self._alive.values())

    def alive_at(self, operation: int) -> Iterator[Block]:
        """The blocks that were alive when an operation had just run."""
        return (block for block in self.blocks if block.alive_at(operation))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        phase, layer = self.where()
        for tensor in leaves_of(result):
            if isinstance(tensor, torch.Tensor):
                self._block(tensor, layer)
        self.moments.append(Moment(self.total, phase, layer, func._overloadpacket.__name__))
        if func is torch.ops.aten.convolution.default:
            self.columns = max(self.columns, _columns(args[1], result))
        return result

    def _block(self, tensor: torch.Tensor, layer: str) -> Block | None:
        if tensor.layout is not torch.strided:
            return None
        storage = tensor.untyped_storage()
        key = storage._cdata
        known = self._alive.get(key)
        if known is not None:
            return known[0]
        block = Block(storage.nbytes(), layer, len(self.moments))
        self._alive[key] = block, weakref.ref(storage, lambda _: self._ends(key, block))
        self.blocks.append(block)
        self.total += block.size
        return block

    def _ends(self, key: int, block: Block) -> None:
        del self._alive[key]
        block.died = len(self.moments)
        self.total -= block.size


def _columns(weight: torch.Tensor, output: torch.Tensor) -> int:
    """Bytes of the matrix with a column for each place of a convolution's output; a kernel of one place needs none."""
    places = prod(weight.shape[2:])
    if places == 1 or not output.numel():
        return 0
    rows = prod(weight.shape[1:]) * max(1, output.shape[1] // weight.shape[0])
    return rows * (output.numel() // output.shape[1]) * output.element_size()
