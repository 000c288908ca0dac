"""Tiles travel as bytes that tell their values, averaged over whole blocks of places, and the page holds stills of them."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.testing import assert_allclose, assert_array_equal

from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry
from seethrough.report.blocks import Frame, Section, Tiles, TileSet
from seethrough.report.page import Page
from seethrough.report.payload import DETAILS, decode
from seethrough.report.tiles import bars, blocks_of, encode_tiles, limit_of, tiles_payload, tiles_view
from seethrough.results import Picture
from seethrough.show.colour import table
from seethrough.show.language import Both


def tile_set(maps, **more):
    maps = np.asarray(maps, np.float32)
    kept = {"numbers": np.arange(maps.shape[1]), "sorts": {"strength": np.abs(maps).mean((0, 2, 3))}, **more}
    return TileSet("layer", maps, **kept)


def drawn(height=30, width=40, frames=1, tiles=20, signed=True, seed=0):
    maps = np.random.default_rng(seed).standard_normal((frames, tiles, height, width))
    return tile_set(maps if signed else np.maximum(maps, 0))


def decoded(payload):
    """The values, as the browser reads them."""
    count = len(payload["numbers"])
    codes = np.frombuffer(zlib.decompress(base64.b64decode(payload["data"])), np.uint8)
    codes = codes.reshape(-1, payload["columns"])
    codes = np.cumsum(codes, 1, dtype=np.uint8) if payload["filter"] == "left" else codes
    largest = np.frombuffer(base64.b64decode(payload["largest"]), "<f4").reshape(-1, count)
    codes = codes.reshape(*largest.shape, payload["rows"], payload["columns"])
    each = [decode(c, float(end), payload["signed"]) for row, ends in zip(codes, largest) for c, end in zip(row, ends)]
    return np.reshape(each, codes.shape)


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 10**6), some.booleans(), some.integers(1, 9), some.integers(1, 9))
def test_a_value_comes_back_within_a_step_of_its_tile(seed, signed, height, width):
    tiles = drawn(height, width, frames=2, tiles=3, signed=signed, seed=seed)
    block = Tiles((tiles,), (Frame("a"), Frame("b")))
    (payload,) = tiles_payload(block, tiles_view(block, "t", DETAILS[0]), DETAILS[0])["sets"]
    largest = np.abs(tiles.maps).max((2, 3), keepdims=True)
    steps = 127 if payload["signed"] else 254
    allowed = np.sqrt(np.abs(tiles.maps) * largest) / steps + largest / steps**2 + 1e-7
    assert (np.abs(decoded(payload) - tiles.maps) <= allowed).all()


def test_what_is_no_number_and_what_is_flat_is_told_apart():
    maps = np.array([[[[0.0, np.nan], [2.0, np.inf]], [[0, 0], [0, 0]]]])
    codes, largest = encode_tiles(maps, signed=False)
    assert_array_equal(codes[0, 0], [[1, 0], [255, 0]])
    assert_array_equal(codes[0, 1], 1)
    assert_array_equal(largest, [[2, 0]])
    assert limit_of(tile_set(maps)) == 2 and limit_of(tile_set(maps[:, 1:])) == 0


@pytest.mark.parametrize(
    ("height", "width", "side"), [(224, 224, 56), (55, 55, 56), (57, 10, 20), (1, 90, 14), (1, 1, 56)]
)
def test_cells_are_means_over_whole_blocks_of_places(height, width, side):
    maps = np.random.default_rng(1).standard_normal((2, 3, height, width))
    cells, step = blocks_of(maps, side)
    assert step == -(-max(height, width) // side) and max(cells.shape[2:]) <= side
    for row, column in ((0, 0), (cells.shape[2] - 1, cells.shape[3] - 1)):
        places = maps[:, :, row * step : (row + 1) * step, column * step : (column + 1) * step]
        assert_allclose(cells[:, :, row, column], places.mean((2, 3)), atol=1e-12)


def test_orders_put_the_largest_first_and_what_is_no_number_last():
    tiles = tile_set(np.zeros((1, 4, 2, 2)), sorts={Both("a", "甲"): np.array([1.0, np.nan, 3.0, 1.0])})
    block = Tiles((tiles,))
    (payload,) = tiles_payload(block, tiles_view(block, "t", DETAILS[0]), DETAILS[0])["sets"]
    assert payload["sorts"] == [{"name": {"en": "a", "zh": "甲"}, "order": [2, 0, 3, 1]}]


def test_bars_rise_from_the_zero_line_by_their_share():
    pixels = bars(np.array([1.0, -0.5, 0.0]), 2.0, signed=True)
    lengths = [(pixels[:, 14 * k + 3] != 255).any(1).sum() for k in range(3)]
    assert lengths == [24, 12, 0] and pixels.shape == (96, 42, 3)
    assert_array_equal(pixels[47, 3], table(True)[127 + 64])


@pytest.mark.parametrize("scale", ["unit", "layer", "network"])
def test_the_page_reads_without_scripts(scale):
    sets = (drawn(signed=False), drawn(1, 1, tiles=9))
    picture = Picture(np.zeros((120, 160, 3), np.uint8), "a<b>.png")
    frames = (Frame(picture.name, picture, Geometry.same((120, 160))),)
    text = Page("t", (Section("", (Tiles(sets, frames, scale=scale, stamp=Both("RANDOM", "随机")),)),)).html()
    still = re.compile(
        r'<img class="tile-still" src="data:image/\w+;base64,[^"]{100,}" alt="The first (\d+) of (\d+) tiles'
    )
    assert still.findall(text) == [("20", "20"), ("9", "9")]
    assert ("each unit has its own end" in text.partition('id="payload"')[0]) == (scale == "unit")
    assert "RANDOM" in text and "a&lt;b&gt;.png" in text and "<b>" not in text
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', text, re.DOTALL)[1])
    assert payload["tiles"][0]["frames"][0]["fit"]["input"] == [120, 160]


def test_a_page_without_tiles_carries_none_of_their_words_or_styles():
    text = Page("t", ()).html()
    assert "tiles_scale" not in text and ".tile-grid" not in text


def test_a_page_of_many_layers_keeps_to_its_budget():
    sets = tuple(drawn(112, 112, tiles=48, seed=k) for k in range(4))
    page = Page("t", (Section("", (Tiles(sets),)),))
    assert len(page.html(budget=300_000)) <= 300_000 < len(page.html(budget=10**9))


def test_a_field_goes_along_only_where_it_has_height_and_width():
    fields = (ReceptiveField((3, 3), (1.0, 1.0), (-1.0, -1.0)), ReceptiveField((3,), (1.0,), (0.0,)), None)
    block = Tiles(tuple(tile_set(np.ones((1, 1, 2, 2)), field=f) for f in fields))
    sets = tiles_payload(block, tiles_view(block, "t", DETAILS[0]), DETAILS[0])["sets"]
    assert [s["field"] is not None for s in sets] == [True, False, False]
