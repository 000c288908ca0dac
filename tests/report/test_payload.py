"""Maps travel as bytes and come back as values, to within the step that the docstring names."""

import base64
import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from seethrough.report import payload
from seethrough.show.reading import read

maps = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda size: arrays(np.float32, size, elements=st.floats(-1e3, 1e3, width=32, allow_subnormal=False))
)


def unpack(packed, rows, columns):
    codes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8).reshape(rows, columns)
    return np.cumsum(codes, axis=1, dtype=np.uint8) if packed["filter"] == "left" else codes


@given(maps, st.booleans())
def test_values_survive_the_bytes_within_a_step_and_zero_and_sign_exactly(m, signed):
    counted = (m if signed else np.maximum(m, 0)).astype(np.float64)
    if not counted.any():
        return
    seen = np.ones(m.shape, bool)
    seen[0, 0] = abs(counted[0, 0]) == np.abs(counted).max()
    codes, largest = payload.encode(m, seen, signed)
    back = payload.decode(unpack(payload.pack(codes), *m.shape), largest, signed)
    steps = payload.SIGNED_STEPS if signed else payload.UNSIGNED_STEPS
    root = np.sqrt(np.abs(counted) / largest)
    assert (np.abs(back - counted)[seen] <= largest * (root / steps + 0.25 / steps**2 + 1e-9)[seen]).all()
    assert (back[counted == 0] == 0).all() and (back * counted >= 0).all()
    assert ((codes == payload.UNSEEN) == ~seen).all()


def test_smooth_maps_take_the_smaller_packing():
    y, x = np.mgrid[:128, :128]
    smooth = np.exp(-((x - 60) ** 2 + (y - 50) ** 2) / 900)
    codes, _ = payload.encode(smooth, np.ones(smooth.shape, bool), False)
    packed = payload.pack(codes)
    assert packed["filter"] == "left" and len(packed["data"]) < 0.5 * codes.size
    assert (unpack(packed, 128, 128) == codes).all()


def test_a_flat_map_travels_as_words_only(make_explanation):
    from dataclasses import replace

    attribution = make_explanation()["occlusion"]
    flat = replace(attribution, map=np.zeros_like(attribution.map))
    assert payload.map_payload(read(flat), "m", "p", payload.DETAILS[0]) is None
    assert payload.map_payload(read(attribution), "m", "p", payload.DETAILS[0])["spot"] is not None


@pytest.mark.parametrize(("side", "kind"), [(32, "png"), (300, "webp")])
def test_small_pictures_travel_without_loss_and_large_ones_small(side, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    url = payload.picture_url(pixels, 200, 80)
    head, data = url.split(",")
    assert head in (f"data:image/{kind};base64", "data:image/jpeg;base64")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert max(image.size) == min(side, 200)
        assert kind != "png" or (np.asarray(image) == pixels).all()
