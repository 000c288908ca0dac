"""Recordings: one run of a network's forward as plain data, before a graph is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn as nn

from seethrough.graph.operations import Context, Ref
from seethrough.graph.tree import Spec


@dataclass(slots=True, eq=False)
class Call:
    """One torch function as it was called. Tensors among the arguments are `Ref`; ``outputs`` numbers what came back."""

    function: Callable[..., Any]
    arguments: list[Any]
    spec: Spec
    outputs: list[int | None]
    path: str
    line: str
    context: Context
    writes: frozenset[int] = frozenset()
    random: bool = False
    constant: Any = None
    """What came back, where nothing of the image went in."""

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


@dataclass(slots=True, eq=False)
class Scope:
    """A module while it runs: its path, what went in, what came out, the calls made inside."""

    path: str
    module: nn.Module
    inputs: list[int | None]
    first: int
    outputs: list[int | None] = field(default_factory=list)
    last: int = 0


@dataclass(eq=False)
class Recording:
    """One run of a forward, written down.

    ``tensors[i]`` is the tensor that got number i, ``storages[i]`` what it shares with its views; ``inputs`` how many of
    the first are the network's inputs, of which number 0 is explained; ``outputs`` the numbers of what the network
    returned by name; ``live`` the numbers that carried an input when they were made; ``written`` the storages that
    anything wrote into; ``ended`` why it ends before the network does, where it does; ``returned`` the names of all
    that the network returned, also of what depends on no input.
    """

    batch: int
    calls: list[Call]
    tensors: list[torch.Tensor]
    storages: list[int | None]
    live: set[int]
    scopes: list[Scope]
    outputs: dict[str, int]
    written: frozenset[int] = frozenset()
    inputs: int = 1
    ended: str = ""
    returned: tuple[str, ...] = ()

    @property
    def origins(self) -> list[torch.Tensor]:
        """The tensors of the network from which constants were computed; a weight that is used as it is, is none."""
        made = {o for call in self.calls for o in call.outputs}
        read = {
            a.value for call in self.calls if call.constant is not None for a in call.arguments if isinstance(a, Ref)
        }
        return [self.tensors[v] for v in sorted(read - made) if self.tensors[v].layout is torch.strided]
