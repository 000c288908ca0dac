"""Sprites: many small pictures on a few sheets, as a page carries them, as finely as its budget allows."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

SHEET = 4096
"""Pixels a side of a sheet, at most: what every browser draws from."""

SAMPLE = 256
"""Tiles by which the size of all of them is foretold."""


@dataclass(frozen=True, slots=True)
class Fineness:
    """How finely tiles are carried: their share of the size they are kept in, and the quality."""

    scale: float
    quality: int


FINENESSES = (
    Fineness(1, 80),
    Fineness(1, 70),
    Fineness(3 / 4, 72),
    Fineness(2 / 3, 66),
    Fineness(1 / 2, 66),
    Fineness(1 / 2, 55),
    Fineness(1 / 3, 55),
    Fineness(1 / 4, 50),
)
"""From the finest on; the first that fits is taken."""


@dataclass(frozen=True)
class Sprites:
    """Tiles on sheets: tile i is on sheet i // each, in reading order.

    ``tile`` pixels a side; ``across`` tiles in a row of a sheet; ``each`` tiles on a full sheet; ``sheets`` the encoded
    pictures; ``kind`` ``"webp"`` or ``"jpeg"``.
    """

    tile: int
    across: int
    each: int
    sheets: tuple[bytes, ...]
    kind: str

    def to_payload(self) -> dict[str, Any]:
        """As a page carries it."""
        data = [base64.b64encode(sheet).decode("ascii") for sheet in self.sheets]
        return {"tile": self.tile, "across": self.across, "each": self.each, "kind": f"image/{self.kind}", "data": data}


def sprites(tiles: NDArray[np.uint8], budget: int) -> Sprites:
    """Pack tiles.

    Parameters
    ----------
    tiles
        uint8 (N, s, s, 3).
    budget
        Bytes that all sheets may take together, in base64; the coarsest is taken where none fits.
    """
    sample = tiles[np.linspace(0, len(tiles) - 1, min(len(tiles), SAMPLE)).astype(int)]
    chosen = next((f for f in FINENESSES if _foretold(sample, len(tiles), f) <= budget), FINENESSES[-1])
    return _packed(tiles, chosen)


def _foretold(sample: NDArray[np.uint8], number: int, fineness: Fineness) -> float:
    """Bytes in base64 that all tiles will take, about."""
    size = sum(map(len, _packed(sample, fineness).sheets))
    return size * number / len(sample) * 4 / 3


def _packed(tiles: NDArray[np.uint8], fineness: Fineness) -> Sprites:
    side = max(1, round(tiles.shape[1] * fineness.scale))
    across = min(SHEET // side, max(1, math.ceil(math.sqrt(len(tiles)))))
    each = across * (SHEET // side)
    kind = "webp" if features.check("webp") else "jpeg"
    sheets = (_encoded(sheet, kind, fineness.quality) for sheet in _sheets(tiles, side, across, each))
    return Sprites(side, across, each, tuple(sheets), kind)


def _sheets(tiles: NDArray[np.uint8], side: int, across: int, each: int) -> Iterator[Image.Image]:
    for first in range(0, len(tiles), each):
        some = tiles[first : first + each]
        sheet = Image.new("RGB", (across * side, math.ceil(len(some) / across) * side))
        for i, tile in enumerate(some):
            row, column = divmod(i, across)
            image = Image.fromarray(tile)
            if image.width != side:
                image = image.resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(image, (column * side, row * side))
        yield sheet


def _encoded(image: Image.Image, kind: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind.upper(), quality=quality, **({"method": 2} if kind == "webp" else {}))
    return out.getvalue()
