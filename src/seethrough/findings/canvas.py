"""Canvas: a collection's pictures as the network sees them, between black 0 and white 1, so that anything can be done to
them; and the network's answers to what was done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.datasets.collection import Collection
from seethrough.errors import UsageError
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import MANY, Ways
from seethrough.models.answers import as_probabilities, gives_quantities
from seethrough.network import Network, Prepared

TOGETHER = 16
"""Pictures that are sent through the network at once."""

KEPT = 256 * 2**20
"""Bytes of pictures that are kept once they are read."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Some pictures on the network's own grid.

    Attributes
    ----------
    x
        float32 (n, 3, H, W), from black 0 to white 1.
    fore
        float32 (n, 1, H, W), 1 on the thing that the picture is about and 0 off it; None where nobody knows.
    numbers
        int64 (n,), in the collection.
    """

    x: Tensor
    fore: Tensor | None
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> Pictures:
        at = rows if isinstance(rows, slice) else torch.as_tensor(np.asarray(rows, np.int64))
        return Pictures(
            self.x[at],
            None if self.fore is None else self.fore[at],
            self.numbers[rows if isinstance(rows, slice) else np.asarray(rows)],
        )


class Foreground(Protocol):
    """Where the thing that a picture is about is."""

    def on(self, number: int, prepared: Prepared, x: Tensor) -> Tensor | None:
        """float32 (1, H, W), 0…1, of one picture of the collection on the network's grid; None where nobody knows.

        Parameters
        ----------
        prepared
            The picture alone, as it goes into the network.
        x
            (3, H, W), the same from black 0 to white 1.
        """
        ...


@dataclass(eq=False)
class Canvas:
    """The pictures of a collection, and what the network says to them and to others.

    Attributes
    ----------
    foreground
        Where the things are; None where nobody knows of any picture.
    asked
        Pictures that went through the network.
    """

    net: Network
    collection: Collection
    foreground: Foreground | None = None
    asked: int = 0
    _kept: OrderedDict[int, tuple[Tensor, Tensor | None]] = field(default_factory=OrderedDict)
    _ways: Ways = field(default_factory=Ways)

    def __post_init__(self) -> None:
        if gives_quantities(self.net.opened):
            raise UsageError(
                f"{self.net.opened.source} gives quantities and no classes, so nothing is right or wrong in it."
            )
        if self.net.black is None or self.net.white is None:
            self.net.preparing()  # says what is missing
        assert self.net.black is not None and self.net.white is not None
        self._black = self.net.black
        self._range = self.net.white - self.net.black

    def load(self, numbers: Sequence[int] | NDArray[np.int64]) -> Pictures:
        """Some pictures of the collection, read at first need.

        Raises
        ------
        InputRefused
            Where one can't be read.
        """
        each = [self._one(int(number)) for number in numbers]
        known = [fore for _, fore in each]
        x = torch.stack([_as_float(kept) for kept, _ in each]) if each else torch.zeros(0, 3, 1, 1)
        fore = None
        if self.foreground is not None and each:
            fore = torch.stack([torch.zeros_like(x[0, :1]) if f is None else _as_float(f) for f in known])
        return Pictures(x, fore, np.asarray(numbers, np.int64))

    def ask(self, x: Tensor) -> NDArray[np.float32]:
        """The network's probabilities for pictures (n, 3, H, W) from black 0 to white 1, float32 (n, outputs); of outputs
        with places, their mean over the places. A single output, which a sigmoid ends, is that of class 1.
        """
        found = [self._answers(x[at : at + TOGETHER]) for at in range(0, len(x), TOGETHER)]
        self.asked += len(x)
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def unseen(self, batch: Tensor) -> Tensor:
        """What the network takes, (n, C, H, W), from black 0 to white 1: `as_seen`, undone."""
        return (batch.float().cpu() - self._black) / self._range

    def as_seen(self, x: Tensor) -> Tensor:
        """Pictures from black 0 to white 1 as the network takes them, (n, C, H, W)."""
        return x * self._range + self._black

    def _answers(self, x: Tensor) -> NDArray[np.float32]:
        source = self.net.source
        batch = self.as_seen(x)
        graph = source.proved(batch)
        given, place = source.given(graph, batch), graph.output
        way = self._ways.of(graph, [place.value], given, MANY, lambda: (given, execute(graph, given, [place.value])))
        output = place.of(execute(way, given, [place.value])[place.value]).float()
        chances = as_probabilities(graph, output)
        if chances is None:
            chances = output.sigmoid() if output.shape[1] == 1 else output
        chances = chances.flatten(2).mean(2) if chances.dim() > 2 else chances
        if chances.shape[1] == 1:
            chances = torch.cat([1 - chances, chances], 1)
        return chances.numpy()

    def _one(self, number: int) -> tuple[Tensor, Tensor | None]:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        item = self.collection[number]
        prepared = self.net.prepare([item.source])
        x = self.unseen(prepared.batch)[0]
        fore = None if self.foreground is None else self.foreground.on(number, prepared, x)
        self._kept[number] = _as_bytes(x), None if fore is None else _as_bytes(fore)
        each = sum(t.numel() for t in self._kept[number] if t is not None)
        while len(self._kept) * each > KEPT:
            self._kept.popitem(last=False)
        return self._kept[number]


def _as_bytes(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


def _as_float(x: Tensor) -> Tensor:
    return x.float() / 255
