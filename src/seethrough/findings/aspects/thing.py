"""A thing: something that lies beside the one that a picture is about, at changing places — another object, a mark that
moves.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from seethrough.findings.aspects.without import around, painted_over
from seethrough.findings.canvas import Canvas, Pictures
from seethrough.findings.inside import Inside

SHADED = 0.5
"""Of a place so much at most may be the picture's own thing."""

KEPT = 8192
"""Pictures of which it is remembered where the thing lies."""

Heights = NDArray[np.float32]


@dataclass(frozen=True)
class Trait:
    """How a thing shows among a layer's values.

    Attributes
    ----------
    vector
        (C,): it is there where values reach far along it.
    level
        Along it, half way between pictures with and without.
    size
        Height and width of what is exchanged, in parts of the picture's.
    against
        Whether it is what the rivals' pictures have.
    """

    vector: tuple[float, ...] = field(repr=False)
    level: float
    size: tuple[float, float]
    against: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"vector": list(self.vector), "level": self.level, "size": list(self.size), "against": self.against}


@dataclass(frozen=True)
class Thing:
    """Something that directions among a layer's values point at: one thing, or of two classes what lies beside the one and what
    lies beside the other. It lies where the values reach furthest along its direction, beside the picture's own thing; what the
    network makes of that one doesn't count, since it is painted over before anybody looks.

    What lies there and what lies where the donor has it is the donor's, whose own thing is painted over; the picture's stays.
    So a picture takes as many patches from a donor that has none as from one that has: the place most like it.

    Attributes
    ----------
    layer
        Where values are read.
    traits
        What shows there.
    inside
        The network that it is seen with: the audited one, also where another is judged.
    """

    layer: str
    traits: tuple[Trait, ...]
    inside: Inside = field(repr=False, compare=False)
    name: str = ""
    kind: str = "thing"
    _found: OrderedDict[tuple[int, int], Heights] = field(default_factory=OrderedDict, repr=False, compare=False)

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        where = torch.maximum(self.patch(pictures), self.patch(donors)) * around(pictures)
        return where * painted_over(donors) + (1 - where) * pictures.x

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        """How far above its level it is, less how far what the rivals have is above its own."""
        return self.found(pictures)[:, :, 0] @ np.array([-1 if t.against else 1 for t in self.traits], np.float32)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "layer": self.layer,
            "traits": [trait.to_dict() for trait in self.traits],
        }

    def patch(self, pictures: Pictures) -> Tensor:
        """1 where it lies, or is most likely to, (n, 1, H, W)."""
        h, w = pictures.x.shape[2:]
        top, bottom, left, right = torch.from_numpy(self.boxes(pictures)).movedim(2, 0)[..., None]
        down, across = ((torch.arange(side) + 0.5) / side for side in (h, w))
        rows, columns = ((down > top) & (down < bottom)).float(), ((across > left) & (across < right)).float()
        return (rows[..., :, None] * columns[..., None, :]).amax(1, keepdim=True)

    def boxes(self, pictures: Pictures) -> Heights:
        """In which box each trait lies, (n, traits, 4): top, bottom, left and right in parts of the picture; of no size where
        the picture's own thing leaves no place.
        """
        found = self.found(pictures)
        sizes = np.array([trait.size for trait in self.traits], np.float32)
        sizes = np.where(np.isfinite(found[..., :1]), sizes, 0)
        start = np.clip(found[..., 1:] - sizes / 2, 0, 1 - sizes)
        return np.stack([start, start + sizes], 3).reshape(*start.shape[:2], 4).astype(np.float32)

    def found(self, pictures: Pictures) -> Heights:
        """How far above its level each trait is, and where, (n, traits, 3): height, then down and across in parts of the
        picture. Only the picture's own thing hides anything from it, whatever is taken of a donor.
        """
        pictures = Pictures(pictures.x, pictures.fore, pictures.numbers)
        marks = [_mark(pictures, k) for k in range(len(pictures))]
        missing = [k for k, mark in enumerate(marks) if mark not in self._found]
        now: dict[tuple[int, int], Heights] = {}
        if missing:
            some = pictures[missing]
            heat = self.heat(some).numpy()
            free = self.places(some, heat.shape[2:])
            looked = np.stack([peaks(each, free) for each in heat.swapaxes(0, 1)], 1)
            now = {marks[k]: row for k, row in zip(missing, looked)}
        rows = [now[mark] if mark in now else self._found[mark] for mark in marks]
        self._found.update(now)
        while len(self._found) > KEPT:
            self._found.popitem(last=False)
        return np.stack(rows) if rows else np.zeros((0, len(self.traits), 3), np.float32)

    def heat(self, pictures: Pictures) -> Tensor:
        """How far the values of each place are above each trait's level, (n, traits, h, w)."""
        vectors = torch.tensor([trait.vector for trait in self.traits])
        levels = torch.tensor([trait.level for trait in self.traits])[:, None, None]
        return torch.einsum("nchw,tc->nthw", self.inside.of(self.painted(pictures)), vectors) - levels

    def places(self, pictures: Pictures, grid: Sequence[int]) -> NDArray[np.bool_]:
        """The places of a grid at which it may lie, (n, h, w)."""
        return free_places(pictures, grid)

    def painted(self, pictures: Pictures) -> Tensor:
        """The pictures as they are when it is looked for, (n, 3, H, W)."""
        return painted_over(pictures)

    def grid(self, pictures: Pictures) -> tuple[int, int]:
        """Rows and columns of places."""
        h, w = self.inside.of(pictures.x[:1]).shape[2:]
        return int(h), int(w)

    def joined(self, other: Thing) -> Thing:
        """With another's traits, for and against, where it has none of its own."""
        own = {trait.against for trait in self.traits}
        more = tuple(t for t in other.traits if t.against not in own) if other.layer == self.layer else ()
        return replace(self, traits=self.traits + more, _found=OrderedDict()) if more else self


def free_places(pictures: Pictures, grid: Sequence[int]) -> NDArray[np.bool_]:
    """The places of a grid that lie beside the picture's own thing, (n, h, w)."""
    covered = interpolate(1 - around(pictures), tuple(grid), mode="area")[:, 0]
    return (covered < SHADED).numpy()


def peaks(heat: NDArray[np.float32], free: NDArray[np.bool_]) -> Heights:
    """The highest place of each, (n, 3): how high, and where, down and across in parts of the side; between places where the
    neighbours are high as well. −∞ and the middle where none is free.

    Parameters
    ----------
    heat, free
        (n, h, w).
    """
    n, h, w = heat.shape
    shown = np.where(free, heat, -np.inf)
    at = shown.reshape(n, -1).argmax(1)
    high = shown.reshape(n, -1)[np.arange(n), at]
    rows, columns = np.divmod(at, w)
    down, across = np.mgrid[:h, :w]
    near = (abs(down - rows[:, None, None]) <= 1) & (abs(across - columns[:, None, None]) <= 1) & free
    floor = np.where(free.any((1, 2)), np.median(np.where(free, heat, 0), axis=(1, 2)), 0)
    half = ((high + floor) / 2)[:, None, None]
    share = np.where(near, np.maximum(np.where(np.isfinite(half), heat - half, 0), 0), 0) + 1e-9 * near
    total = share.sum((1, 2)) + 1e-12
    y = ((down + 0.5) * share).sum((1, 2)) / total / h
    x = ((across + 0.5) * share).sum((1, 2)) / total / w
    none = ~free.any((1, 2))
    return np.stack([high, np.where(none, 0.5, y), np.where(none, 0.5, x)], 1).astype(np.float32)


def thing(
    inside: Inside,
    vector: Sequence[float] | NDArray,
    level: float,
    size: tuple[float, float],
    *,
    against: bool = False,
) -> Thing:
    """A thing of one trait, whose numbers are those that it will be written down with."""
    digits = tuple(float(f"{v:.5g}") for v in vector)
    trait = Trait(digits, float(f"{level:.5g}"), (round(size[0], 4), round(size[1], 4)), against)
    return Thing(inside.layer, (trait,), inside)


def thing_again(said: Mapping[str, Any], canvas: Canvas) -> Thing:
    """Of what it wrote down."""
    traits = []
    for each in said["traits"]:
        high, wide = map(float, each["size"])
        vector = tuple(map(float, each["vector"]))
        traits.append(Trait(vector, float(each["level"]), (high, wide), bool(each["against"])))
    return Thing(str(said["layer"]), tuple(traits), Inside(canvas, str(said["layer"])), str(said["name"]))


def _mark(pictures: Pictures, row: int) -> tuple[int, int]:
    """The same for the same pixels: a picture that was changed has its own."""
    fore = b"" if pictures.fore is None else pictures.fore[row].numpy().tobytes()
    x = pictures.x[row].contiguous().numpy()
    return zlib.crc32(x.tobytes()), zlib.crc32(fore, zlib.adler32(x.tobytes()))
