"""What a page carries besides words: maps as values, each picture once, and a still of every map for when scripts are
off.

A map travels as one byte a cell with the largest |value| beside it, so that the browser can colour, threshold and
rescale it and tell the value under the cursor. The byte ``c`` means::

    c = 0                 the network never saw this place
    signed    (c ≥ 1)     value = sign(s) · s² · largest,  s = (c − 128) / 127
    unsigned  (c ≥ 1)     value = s² · largest,            s = (c − 1) / 254

The square keeps small values fine (maps have long tails) and zero exact; a value is off by at most ``largest · |s| /
127`` (signed) or ``/ 254`` (unsigned), plus that step's own square.
"""

from __future__ import annotations

import base64
import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from seethrough.show.colour import faded, overlay, table
from seethrough.show.reading import Reading
from seethrough.show.shrink import shrink_map, shrink_pixels

UNSEEN = 0
SIGNED_ZERO, SIGNED_STEPS = 128, 127
UNSIGNED_ZERO, UNSIGNED_STEPS = 1, 254
OPACITY = 0.6
"""Of the overlay in stills: what the page opens with."""
SMALL = 64
"""A picture up to this many pixels a side is carried without loss."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely a page carries its parts: the longest side in pixels of pictures, maps, stills and tiles, and the
    quality of pictures.
    """

    picture: int
    map: int
    still: int
    quality: int
    tile: int


DETAILS = (
    Detail(picture=640, map=256, still=420, quality=82, tile=56),
    Detail(picture=512, map=224, still=320, quality=78, tile=48),
    Detail(picture=400, map=160, still=256, quality=74, tile=40),
    Detail(picture=320, map=112, still=200, quality=68, tile=28),
    Detail(picture=256, map=80, still=144, quality=62, tile=20),
    Detail(picture=160, map=48, still=96, quality=55, tile=14),
)
"""From the finest on; a page takes the first that fits its budget."""


def encode(values: NDArray[np.floating], seen: NDArray[np.bool_], signed: bool) -> tuple[NDArray[np.uint8], float]:
    """A map as bytes, and the largest |value|; finite, and not all zero."""
    values = np.where(seen, values, 0).astype(np.float64)
    values = values if signed else np.maximum(values, 0)
    largest = float(np.abs(values).max())
    root = np.sign(values) * np.sqrt(np.abs(values) / largest)
    zero, steps = (SIGNED_ZERO, SIGNED_STEPS) if signed else (UNSIGNED_ZERO, UNSIGNED_STEPS)
    codes = np.rint(root * steps) + zero
    return np.where(seen, codes, UNSEEN).astype(np.uint8), largest


def decode(codes: NDArray[np.uint8], largest: float, signed: bool) -> NDArray[np.float64]:
    """What the browser reads from the bytes; 0 where the network saw nothing."""
    zero, steps = (SIGNED_ZERO, SIGNED_STEPS) if signed else (UNSIGNED_ZERO, UNSIGNED_STEPS)
    root = (codes.astype(np.float64) - zero) / steps
    return np.where(codes == UNSEEN, 0.0, np.sign(root) * root**2 * largest)


def pack(codes: NDArray[np.uint8]) -> dict[str, str]:
    """Bytes as base64 of zlib, row by row; as differences to the left neighbour (mod 256) where that is smaller."""
    difference = np.diff(
        codes, axis=1, prepend=np.zeros((len(codes), 1), np.uint8)
    )  # uint8 wraps, as the browser's does
    packed = {"none": zlib.compress(codes.tobytes(), 7), "left": zlib.compress(difference.tobytes(), 7)}
    filter_ = min(packed, key=lambda name: len(packed[name]))
    return {"filter": filter_, "data": base64.b64encode(packed[filter_]).decode("ascii")}


def map_payload(reading: Reading, name: str, picture: str, detail: Detail) -> dict[str, Any] | None:
    """One map for the page, ready for JSON; None for a flat one, which is said in words and not drawn."""
    if reading.scale is None:
        return None
    values, seen = shrink_map(reading.values, reading.seen, detail.map)
    if not np.abs(values if reading.signed else np.maximum(values, 0)).any():
        return None
    codes, largest = encode(values, seen, reading.signed)
    height, width = reading.values.shape
    spot = (reading.evidence.support.spot or (reading.evidence.against and reading.evidence.against.spot)) or None
    return {
        "id": name,
        "picture": picture,
        "method": reading.method,
        "signed": reading.signed,
        "rows": codes.shape[0],
        "columns": codes.shape[1],
        "height": height,
        "width": width,
        "largest": largest,
        "limit": reading.scale.limit,
        "spot": [spot.x, spot.y] if spot else None,
        "ends": {"en": reading.ends.en, "zh": reading.ends.zh},
        "unit": {"en": reading.unit.en, "zh": reading.unit.zh},
        **pack(codes),
    }


def tables_payload() -> dict[str, str]:
    """The two colour tables as base64 of RGB bytes."""
    return {
        name: base64.b64encode(table(signed).tobytes()).decode("ascii")
        for name, signed in (("signed", True), ("unsigned", False))
    }


def picture_url(pixels: NDArray[np.uint8], side: int, quality: int) -> str:
    """A picture as a ``data:`` URL: WebP (JPEG where Pillow lacks it), or PNG where it is small; brought down to
    ``side``.
    """
    if max(pixels.shape) <= SMALL:
        return data_url(Image.fromarray(pixels), "PNG")
    image = Image.fromarray(shrink_pixels(pixels, side))
    return data_url(image, "WEBP" if features.check("webp") else "JPEG", quality=quality)


def still_url(pixels: NDArray[np.uint8], reading: Reading, detail: Detail) -> str:
    """The map over its picture, as the page opens: seen with scripts off, in a mail, by a printer."""
    small = shrink_pixels(pixels, detail.still)
    if reading.scale is None:
        return picture_url(faded(small), detail.still, detail.quality)
    values, seen = shrink_map(reading.values, reading.seen, detail.still)
    return picture_url(overlay(small, values, seen, reading.scale, OPACITY), detail.still, detail.quality)


def data_url(image: Image.Image, kind: str, **options: Any) -> str:
    """A picture in one of Pillow's formats, as a ``data:`` URL."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
