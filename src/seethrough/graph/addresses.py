"""Addresses: which place of the picture each number of a value belongs to.

A convolution's output is a map: its numbers stand at (row, column) of their image. From there on each number carries
its address with it (`seethrough.graph.carry` says how). Here is what is true of addresses themselves: along which axes
nothing changes, whether they make a map, what becomes of them where they meet, are mixed or are multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

NOWHERE = -1
"""The address of what is no place: a class token, a register, padding."""

Shape = tuple[int, ...]


Map = tuple[int, int]
"""Height and width, in places."""


@dataclass(frozen=True, eq=False)
class Addresses:
    """Of each number of a value, where it belongs.

    Each tensor has the value's shape and holds ``image · H · W + row · W + column`` on its map of ``(H, W)`` places, or
    `NOWHERE`; along axes on which nothing changes it is expanded. There is one such tensor, or several where a number
    belongs to several places (a query's and a key's).
    """

    each: tuple[Tensor, ...]
    maps: tuple[Map, ...]

    @property
    def one(self) -> Tensor | None:
        """The addresses, where every number has a single one."""
        return self.each[0] if len(self.each) == 1 else None

    @property
    def height(self) -> int:
        """Of the (first) map, as the others."""
        return self.maps[0][0]

    @property
    def width(self) -> int:
        return self.maps[0][1]

    @property
    def area(self) -> int:
        return self.height * self.width

    def moved(self, move: Callable[[Tensor], Tensor]) -> Addresses:
        return replace(self, each=tuple(move(t) for t in self.each))


Known = Mapping[int, Addresses | None]
"""From value to its addresses; None where places have been mixed beyond telling, absent where nothing is known."""


def natural(images: int, height: int, width: int, shape: Shape) -> Addresses:
    """Of a map (N, C, H, W)."""
    return Addresses((_places(images, height, width).expand(shape),), ((height, width),))


@lru_cache(maxsize=32)
def _places(images: int, height: int, width: int) -> Tensor:
    """(N, 1, H, W); the same tensor each time, by which maps of one size are known to be alike."""
    return torch.arange(images * height * width, dtype=torch.int32).reshape(images, 1, height, width)


def thin(address: Tensor) -> Tensor:
    """Without the repetitions along axes on which it is expanded."""
    return address[tuple(slice(0, 1) if s == 0 else slice(None) for s in address.stride())]


def still(address: Tensor, axis: int) -> Tensor | None:
    """Expanded along this axis, where nothing changes along it; else None."""
    if address.shape[axis] <= 1 or address.stride(axis) == 0:  # an empty slice holds nothing that could change
        return address
    first = address.narrow(axis, 0, 1)
    slim, one = thin(address), thin(first)
    axis %= address.dim()
    if not torch.equal(slim.select(axis, -1), one.select(axis, 0)):
        return None
    return first.expand_as(address) if bool((slim == one).all()) else None


def slimmed(address: Tensor) -> Tensor:
    """Expanded along every axis on which nothing changes."""
    for axis in reversed(range(address.dim())):
        address = address if (found := still(address, axis)) is None else found
    return address


def stretched(address: Tensor, axis: int, size: int) -> Tensor:
    """With another length of an axis on which nothing changes."""
    return address.narrow(axis, 0, 1).expand(*(size if a == axis % address.dim() else -1 for a in range(address.dim())))


def complete(address: Tensor, area: int, images: int) -> bool:
    """Whether each place of each image is found, and as often as any other."""
    slim = thin(address)
    here = slim[slim >= 0].long()
    counts = torch.bincount(here, minlength=area * images)
    return bool((counts == counts[0]).all()) and bool(counts[0] > 0)


def as_map(address: Tensor, area: int, width: int) -> Tensor | None:
    """The image of each entry of axis 0, where the value is a map (…, C, H, W): rows go down axis 2 and columns across
    axis 3, perhaps with margins of no place; else None.
    """
    if address.dim() != 4:
        return None
    flat = still(address, 1)
    if flat is None:
        return None
    slim = flat[:, 0]
    here = slim >= 0
    image, row, column = slim // area, slim % area // width, slim % width
    found = []
    for part, kept in ((image, 0), (row, 1), (column, 2)):
        others = tuple(d for d in range(3) if d != kept)
        low = torch.where(here, part, area * len(slim)).amin(others, keepdim=True)
        high = torch.where(here, part, -1).amax(others, keepdim=True)
        if bool(((low != high) & (high >= 0)).any()):
            return None
        found.append(high.flatten())
    increasing = all(bool((line[line >= 0].diff() >= 0).all()) or _mirrored(line) for line in found[1:])
    return found[0] if increasing and bool((found[0] >= 0).all()) else None


def _mirrored(line: Tensor) -> bool:
    """Whether a margin was filled by reflection or by going round: steps of one place, but at its ends."""
    return bool((line.diff().abs() <= 1).all())


def coarser(addresses: Addresses, axes: Sequence[int]) -> Addresses | None:
    """What numbers mixed along these axes belong to, which become 1 long: their place where they share one, else the
    block of places they cover on a coarser map; None where they are no blocks, or the map would be a single place.
    """
    address = addresses.one
    if address is None:
        return None
    for axis in axes:
        address = stretched(kept, axis, 1) if (kept := still(address, axis)) is not None else address
    if all(address.shape[a] == 1 for a in axes):
        return replace(addresses, each=(address,))
    height, width, area = addresses.height, addresses.width, addresses.area
    rest = [a for a in range(address.dim()) if a not in axes]
    sets = address.permute(*rest, *axes).flatten(len(rest))
    slim = thin(sets).sort(-1).values
    here = slim >= 0
    image, row, column = slim // area, slim % area // width, slim % width
    none = ~here.any(-1)

    def ends(part: Tensor) -> tuple[Tensor, Tensor]:
        low = torch.where(here, part, area * max(len(address), 1)).amin(-1)
        return low.masked_fill(none, 0), torch.where(here, part, 0).amax(-1)

    (i0, i1), (r0, r1), (c0, c1) = map(ends, (image, row, column))
    down, across = int((r1 - r0).max()) + 1, int((c1 - c0).max()) + 1
    new_height, new_width = -(-height // down), -(-width // across)
    different = here.clone()
    different[..., 1:] &= slim[..., 1:] != slim[..., :-1]
    full = (height - r0).clamp(max=down) * (width - c0).clamp(max=across)
    blocks = (i0 == i1) & (r0 % down == 0) & (c0 % across == 0) & (different.sum(-1) == full)
    if new_height * new_width <= 1 or not bool((blocks | none).all()):
        return None
    place = (i0 * new_height + r0 // down) * new_width + c0 // across
    place = place.masked_fill(none, NOWHERE).to(torch.int32).expand(sets.shape[:-1])
    for axis in sorted(a % address.dim() for a in axes):
        place = place.unsqueeze(axis)
    return Addresses((place,), ((new_height, new_width),))


def agreed(met: list[Addresses], images: int) -> Addresses | None:
    """The addresses of numbers that meet."""
    if not met:
        return None
    whole = met[0]
    if all(_alike(whole, other) for other in met[1:]):
        return _joined(met)
    full = [a for a in met if a.one is not None and complete(a.one, a.area, images)]
    finest = [a for a in full if a.area == max(b.area for b in full)]
    if finest and all(_alike(finest[0], other) for other in finest[1:]):
        return _joined(finest)
    return None


def _alike(one: Addresses, other: Addresses) -> bool:
    """Whether they name the same places wherever both name one."""
    if one is other:
        return True
    if one.maps != other.maps:
        return False
    return all(_same_place(thin(a), thin(b)) for a, b in zip(one.each, other.each))


def _same_place(x: Tensor, y: Tensor) -> bool:
    return _same_memory(x, y) or bool(((x == y) | (x < 0) | (y < 0)).all())


def _joined(met: list[Addresses]) -> Addresses:
    """Of some that are alike: what any of them knows."""
    first = met[0]
    for other in met[1:]:
        first = replace(first, each=tuple(_known_to_either(a, b) for a, b in zip(first.each, other.each)))
    return first


def _known_to_either(a: Tensor, b: Tensor) -> Tensor:
    x, y = thin(a), thin(b)
    return a if _same_memory(x, y) or torch.equal(x, y) else torch.maximum(x, y).expand_as(a)


def _same_memory(x: Tensor, y: Tensor) -> bool:
    return (x.data_ptr(), x.shape, x.stride()) == (y.data_ptr(), y.shape, y.stride())


def product(left: Addresses | None, right: Addresses | None, shape: Shape) -> Addresses | None:
    """Of ``left @ right``: a factor's places last where it has none along the axis that is summed over. A place that is
    found several times over lasts only where it meets no others there: queries shared by all windows don't tell in
    which window the answer is.
    """
    each: list[tuple[Tensor, Map]] = []
    summed_up = False
    for factor, summed in ((left, -1), (right, -2)):
        for t, size in zip(factor.each, factor.maps) if factor is not None else ():
            if t.dim() >= 2 and (kept := still(t, summed)) is not None:
                each.append((stretched(kept, kept.dim() + summed, 1).expand(shape), size))
            else:
                summed_up = True
    if summed_up and any(_repeated(t) for t, _ in each):
        return None
    return several(each)


def _repeated(address: Tensor) -> bool:
    slim = thin(address)
    here = slim[slim >= 0]
    return bool((torch.bincount(here) > 1).any()) if len(here) else False


def several(each: list[tuple[Tensor, Map]]) -> Addresses | None:
    """Of numbers that belong to several places, each named once; None for none."""
    apart: list[tuple[Tensor, Map]] = []
    for t, size in each:
        if not any(size == other and _same_place(thin(t), thin(u)) for u, other in apart):
            apart.append((t, size))
    return Addresses(tuple(t for t, _ in apart), tuple(size for _, size in apart)) if apart else None


def sampled(addresses: Addresses) -> Addresses:
    """Of every second row and column (or third …) taken from a map: a coarser map. As they are, where it is otherwise."""
    address = addresses.one
    if address is None:
        return addresses
    slim, (height, width), area = thin(address), addresses.maps[0], addresses.area
    here = slim >= 0
    rows, columns = (slim[here] % area // width).unique(), (slim[here] % width).unique()
    (r0, down), (c0, across) = _steps(rows, height), _steps(columns, width)
    if not (down and across) or down == across == 1 or len(slim[here].unique()) % (len(rows) * len(columns)):
        return addresses
    image, row, column = slim // area, slim % area // width, slim % width
    place = (image * len(rows) + (row - r0) // down) * len(columns) + (column - c0) // across
    place = torch.where(here, place, NOWHERE).to(torch.int32)
    return Addresses((place.expand(address.shape),), ((len(rows), len(columns)),))


def _steps(line: Tensor, size: int) -> tuple[int, int]:
    """The first of some evenly spaced numbers that reach from one end to the other, and their distance; 0 for others."""
    first, gaps = int(line[0]), line.diff().unique()
    if len(gaps) != 1 or first >= int(gaps) or int(line[-1]) + int(gaps) < size:
        return 0, 0
    return first, int(gaps)
