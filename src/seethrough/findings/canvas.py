"""Canvas: a collection's pictures as the network sees them, between black 0 and white 1, so that anything can be done to
them; and the network's answers to what was done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.datasets.collection import Collection
from seethrough.errors import UsageError
from seethrough.gallery.head import vector_of
from seethrough.graph.execute import execute
from seethrough.graph.fast.choose import MANY, Ways
from seethrough.models.answers import as_probabilities, gives_quantities
from seethrough.network import Network, Prepared

TOGETHER = 16
"""Pictures that are sent through the network at once."""

KEPT = 256 * 2**20
"""Bytes of pictures that are kept once they are read."""

KEPT_ANSWERS = 32 * 2**20
"""Bytes of answers to pictures as they are that are kept."""


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
    taken
        float32 (n, 1, H, W), 1 where nothing may be taken over from a donor: on its thing, and where another donor, to which it is
        compared, has its own (`losing`). None where that is the thing alone.
    made
        What was made of these very pictures before; None of pictures that something was done to. No copy has it.
    """

    x: Tensor
    fore: Tensor | None
    numbers: NDArray[np.int64]
    taken: Tensor | None = None
    made: Made | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> Pictures:
        at = rows if isinstance(rows, slice) else torch.as_tensor(np.asarray(rows, np.int64))
        return Pictures(
            self.x[at],
            None if self.fore is None else self.fore[at],
            self.numbers[rows if isinstance(rows, slice) else np.asarray(rows)],
            None if self.taken is None else self.taken[at],
        )

    @property
    def hidden(self) -> Tensor | None:
        """Where nothing may be taken over from a donor, (n, 1, H, W); None where nobody knows where its thing is."""
        return self.fore if self.taken is None else self.taken

    def losing(self, others: Pictures) -> Pictures:
        """These as donors that lose the places of others' things too, picture by picture: what then lacks of both has one shape, so
        that the shape of a class's things tells nothing.
        """
        if self.hidden is None or others.hidden is None:
            return self
        return Pictures(self.x, self.fore, self.numbers, torch.maximum(self.hidden, others.hidden))


@dataclass(eq=False)
class Made:
    """What was made of single pictures of a collection, as they are, kept so that it isn't made again."""

    room: int = KEPT
    _held: OrderedDict[tuple[str, int], Tensor] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def of(self, what: str, pictures: Pictures, make: Callable[[Pictures], Tensor]) -> Tensor:
        """``make(pictures)``, (n, 3, H, W) from 0 to 1, to the nearest of 256 levels; pictures of which it is held aren't
        made anew.
        """
        keys = [(what, int(number)) for number in pictures.numbers]
        missing = [row for row, key in enumerate(keys) if key not in self._held and key not in keys[:row]]
        fresh = {keys[row]: _as_bytes(x) for row, x in zip(missing, make(pictures[missing]))} if missing else {}
        found = torch.stack([_as_float(fresh[key] if key in fresh else self._held[key]) for key in keys])
        for key in keys:
            if key not in self._held:
                self._held[key] = fresh[key]
                self._bytes += fresh[key].numel()
            self._held.move_to_end(key)
        while self._bytes > self.room:
            self._bytes -= self._held.popitem(last=False)[1].numel()
        return found


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
    _answered: OrderedDict[int, NDArray[np.float32]] = field(default_factory=OrderedDict)
    _made: Made = field(default_factory=Made)
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
        loaded = Pictures(x, fore, np.asarray(numbers, np.int64))
        object.__setattr__(loaded, "made", self._made)
        return loaded

    def ask(self, x: Tensor) -> NDArray[np.float32]:
        """The network's probabilities for pictures (n, 3, H, W) from black 0 to white 1, float32 (n, outputs); of outputs
        with places, their mean over the places. A single output, which a sigmoid ends, is that of class 1.
        """
        found = [self._answers(x[at : at + TOGETHER]) for at in range(0, len(x), TOGETHER)]
        self.asked += len(x)
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def unchanged(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """`ask`, of pictures of the collection as they are; what was asked once is kept."""
        missing = [n for n in dict.fromkeys(map(int, numbers)) if n not in self._answered]
        if missing:
            self._answered.update(zip(missing, self.ask(self.load(missing).x)))
        found = np.stack([self._answered[int(n)] for n in numbers])
        for n in map(int, numbers):
            self._answered.move_to_end(n)
        while len(self._answered) * found[0].nbytes > KEPT_ANSWERS:
            self._answered.popitem(last=False)
        return found

    def features(self, x: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the last linear layer reads of pictures (n, 3, H, W) from black 0 to white 1, float32 (n, D), and what the
        network says before a final softmax or sigmoid, float32 (n, outputs): as `seethrough.findings.facts.Facts` holds
        them.
        """
        found = [self._before_the_head(x[at : at + TOGETHER]) for at in range(0, len(x), TOGETHER)]
        self.asked += len(x)
        if not found:
            return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
        features, logits = (np.concatenate(part) for part in zip(*found))
        return features, logits

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

    def _before_the_head(self, x: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        source = self.net.source
        batch = self.as_seen(x)
        graph = source.proved(batch)
        vector = vector_of(graph, None, self.net.opened.task)
        given, wanted = source.given(graph, batch), {vector.place.value, graph.logits.value}
        way = self._ways.of(graph, wanted, given, MANY, lambda: (given, execute(graph, given, wanted)))
        values = execute(way, given, wanted)
        logits = graph.logits.of(values[graph.logits.value]).float()
        logits = logits.flatten(2).mean(2) if logits.dim() > 2 else logits
        return vector.of(values[vector.place.value]).numpy(), logits.numpy()

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
