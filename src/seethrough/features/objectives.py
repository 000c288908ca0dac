"""Objectives: what a picture is to excite, as plain objects that add and scale.

An objective is a function of a reader: given a layer's path it hands over that layer's value (N, C, H, W) for the N pictures in
play ((N, C) for a layer without places), and the objective gives one number a picture, (N,). What a picture is sought for, how it
is parametrized and how it is moved don't know of each other (after Olah, Mordvintsev and Schubert, Feature visualization, 2017, and
its library Lucid).

>>> wanted = Channel("mixed4a", 12) - 0.5 * Channel("mixed4a", 40) + 0.1 * Diversity("mixed4a")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.results import INPUT

OUTPUT = "(output)"
"""What `Logit` reads: the network's output before a final softmax, (N, outputs); with places, their mean."""

Read = Callable[[str], Tensor]
"""From a layer's path, `OUTPUT`, or `INPUT` (the pictures 0…1), to its value."""


class Objective:
    """What is to be large: one number for each picture."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it reads."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """A word or two for a caption."""
        raise NotImplementedError

    @property
    def apart(self) -> bool:
        """Whether a picture's number depends on that picture alone."""
        return True

    def __call__(self, read: Read) -> Tensor:
        raise NotImplementedError

    def __add__(self, other: Objective) -> Objective:
        return Sum(self, other) if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: float) -> Objective:
        if not isinstance(factor, int | float):
            return NotImplemented
        inner, before = (self.objective, self.factor) if isinstance(self, Scaled) else (self, 1.0)
        return Scaled(inner, before * factor)

    def __rmul__(self, factor: float) -> Objective:
        return self * factor

    def __neg__(self) -> Objective:
        return self * -1

    def __sub__(self, other: Objective) -> Objective:
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __truediv__(self, factor: float) -> Objective:
        return self * (1 / factor)


@dataclass(frozen=True)
class Sum(Objective):
    """Two objectives at once."""

    one: Objective
    other: Objective

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.one.layers, *self.other.layers)))

    @property
    def name(self) -> str:
        other = self.other.name
        return f"{self.one.name} − {other[1:]}" if other.startswith("−") else f"{self.one.name} + {other}"

    @property
    def apart(self) -> bool:
        return self.one.apart and self.other.apart

    def __call__(self, read: Read) -> Tensor:
        return self.one(read) + self.other(read)


@dataclass(frozen=True)
class Scaled(Objective):
    """An objective times a number; a negative one is avoided."""

    objective: Objective
    factor: float

    @property
    def layers(self) -> tuple[str, ...]:
        return self.objective.layers

    @property
    def name(self) -> str:
        inner = f"({self.objective.name})" if isinstance(self.objective, Sum) else self.objective.name
        sign, size = "−" if self.factor < 0 else "", abs(self.factor)
        return f"{sign}{inner}" if size == 1 else f"{sign}{size:g}·{inner}"

    @property
    def apart(self) -> bool:
        return self.objective.apart

    def __call__(self, read: Read) -> Tensor:
        return self.factor * self.objective(read)


# --- one layer --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfLayer(Objective):
    """An objective that reads one layer."""

    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        return (self.layer,)


@dataclass(frozen=True)
class Channel(OfLayer):
    """A channel's mean over its places."""

    channel: int

    @property
    def name(self) -> str:
        return f"{self.layer}:{self.channel}"

    def __call__(self, read: Read) -> Tensor:
        return _mean_over_places(_channel(read(self.layer), self))


@dataclass(frozen=True)
class Neuron(OfLayer):
    """A channel at one place (row, column); by default the middle one, of four the lower right."""

    channel: int
    place: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        at = "" if self.place is None else f" @ {self.place[0]},{self.place[1]}"
        return f"{self.layer}:{self.channel}{at}"

    def __call__(self, read: Read) -> Tensor:
        value = _channel(read(self.layer), self)
        if value.dim() == 1:
            return value
        sides = value.shape[1:]
        at = tuple(n // 2 for n in sides) if self.place is None else self.place
        if len(at) != len(sides) or not all(0 <= i < n for i, n in zip(at, sides)):
            raise UsageError(
                f"Layer {self.layer!r} has {' × '.join(map(str, sides))} places at this size, and {at} is none of them."
            )
        return value[(slice(None), *at)]


@dataclass(frozen=True)
class Region(OfLayer):
    """A channel's mean over a rectangle of places; all channels' where none is named."""

    channel: int | None
    top: int
    left: int
    height: int
    width: int

    @property
    def name(self) -> str:
        what = "" if self.channel is None else f":{self.channel}"
        return f"{self.layer}{what} @ {self.top},{self.left} {self.height}×{self.width}"

    def __call__(self, read: Read) -> Tensor:
        value = read(self.layer)
        value = value if self.channel is None else _channel(value, self)[:, None]
        if value.dim() != 4:
            raise UsageError(f"Layer {self.layer!r} has no height and width, so there is no region in it.")
        part = value[:, :, self.top : self.top + self.height, self.left : self.left + self.width]
        if part.shape[2:] != (self.height, self.width) or not part.numel():
            raise UsageError(
                f"The region of {self.height} × {self.width} at {self.top}, {self.left} isn't inside layer {self.layer!r}, "
                f"which has {' × '.join(map(str, value.shape[2:]))} places."
            )
        return part.flatten(1).mean(1)


@dataclass(frozen=True)
class Layer(OfLayer):
    """All of a layer, whatever it is: the mean of its squares, as DeepDream has it (Mordvintsev, Olah and Tyka, 2015)."""

    @property
    def name(self) -> str:
        return self.layer

    def __call__(self, read: Read) -> Tensor:
        return read(self.layer).flatten(1).square().mean(1)


@dataclass(frozen=True, eq=False)
class Direction(OfLayer):
    """Along a direction of the layer's channels: the dot product with it, mean over places.

    With a ``power``, times the cosine (at least 0.1) to that power: the more, the less of anything else (Carter, Armstrong,
    Schubert, Johnson and Olah, Activation atlas, 2019). ``vector`` is (C,).
    """

    vector: np.ndarray
    power: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.layer}:direction"

    def __call__(self, read: Read) -> Tensor:
        value, vector = _places_last(read(self.layer)), _vector(self.vector, read(self.layer), self.layer)
        along = torch.einsum("ncp,c->np", value, vector)
        if self.power:
            cosine = F.cosine_similarity(value, vector[None, :, None], dim=1)
            along = along * cosine.clamp(min=0.1) ** self.power
        return along.mean(1)


@dataclass(frozen=True, eq=False)
class Cosine(OfLayer):
    """The cosine with a direction (C,) of the layer's channels, mean over places: how pure, not how strong."""

    vector: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.layer}:cosine"

    def __call__(self, read: Read) -> Tensor:
        value = _places_last(read(self.layer))
        vector = _vector(self.vector, read(self.layer), self.layer)
        return F.cosine_similarity(value, vector[None, :, None], dim=1).mean(1)


@dataclass(frozen=True)
class Diversity(OfLayer):
    """How different pictures are from each other: minus the cosines of their Gram matrices with all others', which are the
    correlations of channels in a layer, that is, their textures.
    """

    @property
    def name(self) -> str:
        return "diversity"

    @property
    def apart(self) -> bool:
        return False

    def __call__(self, read: Read) -> Tensor:
        value = _places_last(read(self.layer))
        gram = F.normalize((value @ value.transpose(1, 2)).flatten(1), dim=1)
        likeness = gram @ gram.T
        return torch.diagonal(likeness) - likeness.sum(1)


@dataclass(frozen=True)
class Logit(Objective):
    """An output before a final softmax; ``label`` is its name, where it has one."""

    index: int
    label: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        return (OUTPUT,)

    @property
    def name(self) -> str:
        return self.label or f"output {self.index}"

    def __call__(self, read: Read) -> Tensor:
        outputs = read(OUTPUT)
        if self.index >= outputs.shape[1]:
            raise UsageError(f"The network has {outputs.shape[1]} outputs, and {self.index} is none of them.")
        return outputs[:, self.index]


# --- near to a picture ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Near(OfLayer):
    """Minus the squared distance from what a layer gave for a picture, as a share of its square: 0 at best. ``values`` is
    (1, C, H, W), or as many as there are pictures.
    """

    values: Tensor

    @property
    def name(self) -> str:
        return f"{self.layer or 'pixels'} kept"

    def __call__(self, read: Read) -> Tensor:
        there = self.values.to(read(self.layer)).flatten(1)
        gone = (read(self.layer).flatten(1) - there).square().sum(1)
        return -gone / there.square().sum(1).clamp(min=1e-12)


@dataclass(frozen=True, eq=False)
class Along(OfLayer):
    """More of what a layer gave for a picture: the dot product with it, times the cosine (at least 0.1) to a power, as a share
    of its square (a caricature; Cammarata, Olah and others, Feature inversion and caricatures, in Lucid, 2018).
    """

    values: Tensor
    power: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.layer} exaggerated"

    def __call__(self, read: Read) -> Tensor:
        here, there = read(self.layer).flatten(1), self.values.to(read(self.layer)).flatten(1)
        along = (here * there).sum(1) / there.square().sum(1).clamp(min=1e-12)
        return along * F.cosine_similarity(here, there, dim=1).clamp(min=0.1) ** self.power


# --- several ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Each:
    """An objective of its own for each picture of a batch: K objectives, K pictures."""

    objectives: tuple[Objective, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that any of them reads."""
        return tuple(dict.fromkeys(layer for o in self.objectives for layer in o.layers))

    def __call__(self, read: Read) -> Tensor:
        """The number of each picture, (K,)."""
        rows = {layer: read(layer).split(1) for layer in self.layers}
        return torch.cat([o(lambda layer, i=i: rows[layer][i]) for i, o in enumerate(self.objectives)])


def total(objectives: Sequence[Objective]) -> Objective:
    """The sum of some objectives."""
    return reduce(lambda one, other: one + other, objectives)


def _channel(value: Tensor, asked: Channel | Neuron | Region) -> Tensor:
    """(N, …) of a channel, refused where the layer has no such."""
    channel = asked.channel or 0
    if not 0 <= channel < value.shape[1]:
        raise UsageError(
            f"Layer {asked.layer!r} has {value.shape[1]} channels, 0 to {value.shape[1] - 1}; {channel} is none of them."
        )
    return value[:, channel]


def _mean_over_places(value: Tensor) -> Tensor:
    return value if value.dim() == 1 else value.flatten(1).mean(1)


def _places_last(value: Tensor) -> Tensor:
    """(N, C, places)."""
    return value[:, :, None] if value.dim() == 2 else value.flatten(2)


def _vector(vector: np.ndarray, value: Tensor, layer: str) -> Tensor:
    given = torch.as_tensor(np.asarray(vector, np.float32)).to(value)
    if given.shape != (value.shape[1],):
        raise UsageError(
            f"A direction in layer {layer!r} has {value.shape[1]} numbers, one a channel; this one has the shape "
            f"{tuple(given.shape)}."
        )
    return given


__all__ = [
    "INPUT", "OUTPUT", "Along", "Channel", "Cosine", "Direction", "Diversity", "Each", "Layer", "Logit", "Near", "Neuron",
    "Objective", "Read", "Region", "Scaled", "Sum", "total",
]  # fmt: skip
