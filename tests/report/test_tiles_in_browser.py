"""Tiles in a real browser: coloured as their values say, sorted, read under the pointer and by keys, framed on the picture as
Python says, in two languages; nothing is asked of anybody.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from chromium_pipe import CHROMIUM, Browser

from seethrough.features.activation_fields import seen_by
from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry
from seethrough.report.blocks import Frame, Section, Tiles, TileSet
from seethrough.report.page import Page
from seethrough.report.tiles import blocks_of, limit_of
from seethrough.results import Picture
from seethrough.show.colour import table
from seethrough.show.language import Both

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = "document.documentElement?.dataset.ready === 'yes'"
TILES = "document.querySelector('seethrough-tiles-v1')"
GRID = f"{TILES}.grids[%d]"
READOUT = f"{TILES}.querySelector('.tiles-readout').innerText"
FIELD = """(() => {
  const f = document.querySelector('.tiles-field');
  return f.hidden ? null : [f.style.top, f.style.left, f.style.height, f.style.width].map(parseFloat);
})()"""
GEOMETRY = Geometry((120, 180), (64, 96), (64, 64), 0, 16)
FIELDS = (ReceptiveField((7, 9), (0.5, 0.5), (-3.0, -3.0)), ReceptiveField((None, 33), (0.0, 8.0), (0.0, -12.0)), None)


def picture(seed):
    return Picture(np.random.default_rng(seed).integers(0, 256, (120, 180, 3), np.uint8), f"photo {seed}.jpg")


@pytest.fixture(scope="module")
def block():
    random = np.random.default_rng(0)
    maps = (
        np.maximum(random.standard_normal((2, 70, 128, 128)), 0) * np.linspace(1, 3, 70)[:, None, None],
        random.standard_normal((2, 12, 8, 8)),
        random.standard_normal((2, 2000, 1, 1)),
    )
    sets = tuple(
        TileSet(
            name, m.astype(np.float32), np.arange(m.shape[1]) * 2,
            {Both("strength", "强度"): np.abs(m).mean((0, 2, 3)), Both("peak", "峰值"): m.max((0, 2, 3))},
            caption=Both("seen", "看到"), remarks=tuple(f"remark {k}" for k in range(m.shape[1])), field=field,
        )
        for name, m, field in zip(("fine", "coarse", "numbers"), maps, FIELDS)
    )  # fmt: skip
    frames = tuple(Frame(f"photo {k}.jpg", picture(k), GEOMETRY) for k in range(2))
    return Tiles(sets, frames)


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def path(block, tmp_path_factory):
    page = Page("Tiles", (Section("", (block,)),))
    file = tmp_path_factory.mktemp("tiles") / "tiles.html"
    file.write_text(page.html(budget=10**8), "utf-8")
    return file


@pytest.fixture
def page(browser, path):
    browser.open(path)
    browser.wait(READY)
    browser.frame()
    return browser


def point(page, set_, place, row, column):
    """Put the pointer on a cell of the tile at a place of the order, and give where it is in the window."""
    x, y = page.js(
        f"(() => {{ const g = {GRID % set_}; g.host.scrollIntoView({{block: 'center', behavior: 'instant'}});"
        f" const b = g.host.getBoundingClientRect(); const r = g.values.record;"
        f" const [line, i] = [Math.floor({place} / g.across), {place} % g.across];"
        f" return [b.left + i * (g.width + 4) + ({column} + 0.5) * g.width / r.columns,"
        f" b.top + line * g.pitch + ({row} + 0.5) * g.height / r.rows]; }})()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    page.frame()
    return x, y


def order_of(tiles, heading=0):
    return np.argsort(-list(tiles.sorts.values())[heading], kind="stable")


def said(page):
    number, place, remark = filter(None, page.js(READOUT).split("\n"))
    digits = number.replace("−", "-").replace("\u00a0×\u00a010", "e").translate(str.maketrans("⁻⁰¹²³⁴⁵", "-012345"))
    return float(digits), place, remark


def test_it_opens_without_a_complaint_and_asks_for_nothing(page, path):
    assert page.complaints() == []
    assert {url.split("#")[0] for url in page.requests() if not url.startswith("data:")} == {path.as_uri()}


@pytest.mark.parametrize("scale", ["unit", "layer", "network"])
def test_tiles_are_coloured_as_their_values_say(page, block, scale):
    page.js(f"{TILES}.querySelector('input[value={scale}]').click()")
    page.frame()
    for k, tiles in enumerate(block.sets[:2]):
        cells, _ = blocks_of(tiles.maps, 56)
        first = order_of(tiles)[0]
        own = float(np.abs(cells[:, first]).max())
        limit = {"unit": own, "layer": limit_of(tiles), "network": max(map(limit_of, block.sets))}[scale]
        signed = bool((tiles.maps < 0).any())
        row, column = np.unravel_index(np.abs(cells[0, first]).argmax(), cells.shape[2:])
        drawn = page.js(
            f"(() => {{ const g = {GRID % k}; const c = g.lines[0]; const d = window.devicePixelRatio; const r = g.values.record;"
            f" return [...c.getContext('2d').getImageData(Math.floor(({column} + 0.5) * g.width / r.columns * d),"
            f" Math.floor(({row} + 0.5) * g.height / r.rows * d), 1, 1).data].slice(0, 3); }})()"
        )
        at = np.clip(cells[0, first, row, column] / limit, -1, 1)
        colour = table(signed)[round(at * 127) + (127 if signed else 0)]
        assert np.abs(np.array(drawn, int) - colour).max() <= 8
    high = page.js(f"{TILES}.querySelector('.tile-high').innerText")
    assert ("own end" in high) == (scale == "unit")
    assert page.js("location.hash") == ("" if scale == "layer" else f"#tiles={scale},0,0")


def test_the_pointer_tells_the_value_and_frames_what_the_unit_sees(page, block):
    for set_, place, row, column in ((0, 0, 0, 0), (0, 3, 20, 31), (1, 2, 7, 7), (1, 5, 3, 0)):
        point(page, set_, place, row, column)
        tiles = block.sets[set_]
        tile = order_of(tiles)[place]
        cells, step = blocks_of(tiles.maps, 56)
        number, where, remark = said(page)
        largest = np.abs(cells[0, tile]).max()
        value = cells[0, tile, row, column]
        assert number == pytest.approx(value, abs=float(largest) / 60)
        assert where == f"{tiles.name} · Channel {2 * tile}, row {row * step}, column {column * step}"
        assert remark.startswith(f"remark {tile}") and ("mean of 3 × 3 places" in remark) == (set_ == 0)
        ends = [seen_by(tiles.field, GEOMETRY, row * step + d, column * step + d) for d in (0, step - 1)]
        top, left, bottom, right = ends[0].top, ends[0].left, ends[1].bottom, ends[1].right
        expected = [top / 1.2, left / 1.8, (bottom - top) / 1.2, (right - left) / 1.8]
        assert page.js(FIELD) == pytest.approx(expected, abs=0.01)


def test_a_click_pins_another_frees_and_so_does_escape(page):
    x, y = point(page, 1, 0, 2, 2)
    before = page.js(READOUT)
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    point(page, 1, 4, 5, 5)
    assert "pinned" in page.js(READOUT) and page.js(READOUT).startswith(before)
    page.js(f"{GRID % 1}.host.focus()")
    page.press("Escape")
    assert "pinned" not in page.js(READOUT) and page.js(FIELD) is None


def test_keys_move_over_the_edge_of_a_tile_pin_and_free(page, block):
    page.call("Page.bringToFront")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    page.frame()
    page.js(f"{GRID % 1}.host.focus({{focusVisible: true}})")
    page.frame()
    tiles = block.sets[1]
    order = order_of(tiles)
    best = np.abs(tiles.maps[0, order[0]])
    row, column = np.unravel_index(best.argmax(), best.shape)
    assert said(page)[1].endswith(f"Channel {2 * order[0]}, row {row}, column {column}")
    page.press("ArrowLeft")
    assert said(page)[1].endswith(f"row {row}, column {column - 1}")
    page.press("Home")
    assert said(page)[1].endswith(f"Channel {2 * order[0]}, row {row}, column {column}")
    for _ in range(8 - column):
        page.press("ArrowRight")
    assert said(page)[1].endswith(f"Channel {2 * order[1]}, row {row}, column 0")
    page.press("ArrowRight", modifiers=8)
    assert said(page)[1].endswith(f"Channel {2 * order[2]}, row {row}, column 0")
    assert page.js(f"{TILES}.querySelector('.tiles-readout').ariaLive") == "polite"
    page.press("Enter")
    assert "pinned" in said(page)[2]
    page.press("Escape")
    assert page.js(FIELD) is None


def test_order_and_frame_are_chosen_and_kept_in_the_address(page, browser, path, block):
    choose = (
        "(() => {{ const s = document.querySelector('select[data-choice={0}]'); s.value = {1};"
        " s.dispatchEvent(new Event('change')); }})()"
    )
    shown = f"{TILES}.order(0).slice(0, 5)"
    page.js(choose.format("sort", 1))
    assert page.js(shown) == order_of(block.sets[0], 1)[:5].tolist()
    page.js(choose.format("sort", 2))
    assert page.js(shown) == [0, 1, 2, 3, 4]
    page.js(choose.format("frame", 1))
    visible = "[...document.querySelectorAll('figure')].filter((f) => !f.hidden).map((f) => f.innerText.trim())"
    assert page.js(visible) == ["photo 1.jpg"] and page.js("location.hash") == "#tiles=layer,2,1"
    browser.open(path, "#tiles=unit,1,1")
    browser.wait(READY)
    assert page.js(visible) == ["photo 1.jpg"] and page.js(shown) == order_of(block.sets[0], 1)[:5].tolist()
    browser.open(path, "#tiles=unit,9,99")
    browser.wait(READY)
    assert page.js(visible) == ["photo 0.jpg"] and page.js(f"{TILES}.chosen.scale") == "layer"


def test_only_rows_near_the_window_are_drawn(page):
    page.js(f"{TILES}.parts[2].querySelector('.tile-more').click()")
    page.frame()
    page.js("window.scrollTo({top: 0, behavior: 'instant'})")
    page.wait(f"{GRID % 2}.lines.length > 30")
    page.frame()
    assert page.js(f"{GRID % 2}.lines.filter((c) => c.width > 0).length") < 15
    page.js("window.scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    page.wait(f"{GRID % 2}.lines.at(-1).width > 0")
    page.wait(f"{GRID % 0}.lines[0].width === 0")
    page.js(f"{TILES}.parts[2].querySelector('.tile-more').click()")
    page.frame()
    assert page.js(f"{GRID % 2}.lines.length") == 3


def test_it_speaks_chinese(page):
    page.js("document.querySelector('#speak-zh').click()")
    page.frame()
    point(page, 1, 0, 1, 2)
    assert re.search(r"通道 \d+，第 1 行，第 2 列", page.js(READOUT))
    assert page.js("document.querySelector('select[data-choice=sort]').options[0].text") == "强度"


def test_a_finger_puts_the_cursor_where_it_taps(page):
    x, y = point(page, 1, 1, 4, 4)
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    page.frame()
    assert page.js(FIELD) is None
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait("!document.querySelector('.tiles-field').hidden")
    assert "row 4, column 4" in page.js(READOUT)


def test_a_narrow_window_keeps_everything_inside(page):
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=2, mobile=True)
    try:
        page.frame()
        page.frame()
        assert page.js("document.documentElement.scrollWidth") <= 390
        point(page, 0, 1, 3, 3)
        assert page.js(FIELD) is not None
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_damaged_tiles_say_so_and_the_stills_stay(browser, path, tmp_path):
    text = path.read_text("utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(re.sub(r'"data": "[^"]+"', '"data": "AAAA"', text), "utf-8")
    browser.open(broken)
    browser.wait(READY)
    assert browser.js("document.querySelector('.failure') !== null")
    assert browser.js("document.querySelectorAll('.tile-still').length") == 3


def test_without_a_picture_there_is_no_panel_for_one(browser, block, tmp_path):
    bare = replace(block, sets=block.sets[1:2], frames=(Frame(""),))
    one = replace(bare.sets[0], maps=bare.sets[0].maps[:1])
    file = tmp_path / "bare.html"
    file.write_text(Page("Bare", (Section("", (replace(bare, sets=(one,)),)),)).html(), "utf-8")
    browser.open(file)
    browser.wait(READY)
    browser.frame()
    assert browser.complaints() == [] and browser.js("document.querySelector('figure')") is None
    point(browser, 0, 0, 1, 1)
    assert "row 1, column 1" in browser.js(READOUT)
