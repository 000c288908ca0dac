"""The page of a wall in a real browser: it opens, is dragged and zoomed, filters, tells, and asks for nothing."""

import numpy as np
import pytest
from chromium_pipe import CHROMIUM, Browser

import seethrough as st
from wall_material import COLOURS, network, pictures

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = "document.documentElement?.dataset.ready === 'yes'"
COUNT = "document.querySelector('#count').textContent"
CARD = "document.querySelector('#card').innerText"
NAME = "document.querySelector('#card h2')?.textContent"
IMAGES = 40


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    truth = [COLOURS[i % 3] if i % 5 else COLOURS[(i + 1) % 3] for i in range(IMAGES)]
    hung = st.wall(network(), np.stack(list(pictures(IMAGES))), layout="pca", truth=truth, maps=True,
                   numbers={"loss": np.arange(IMAGES)})  # fmt: skip
    return hung.save(tmp_path_factory.mktemp("page") / "wall.html")


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        running.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        yield running


@pytest.fixture
def page(browser, path):
    browser.open(path)
    browser.wait(READY)
    return browser


def choose(page, control, value):
    page.js(f"(() => {{ const c = document.querySelector('{control}'); c.value = {value!r};"
            " c.dispatchEvent(new Event('input', {bubbles: true})); })()")  # fmt: skip


def middle(page):
    return page.js("(() => { document.querySelector('#canvas').scrollIntoView({block: 'center', behavior: 'instant'});"
                   " const b = document.querySelector('#canvas').getBoundingClientRect();"
                   " return [b.left + b.width / 2, b.top + b.height / 2]; })()")  # fmt: skip


def mouse(page, kind, x, y, **more):
    page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


def pixels(page):
    """What is on the sheet, as a sum that changes with it."""
    page.frame()
    return page.js("(() => { const c = document.querySelector('#canvas');"
                   " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                   " let s = 0; for (let i = 0; i < d.length; i += 4) s = (s * 31 + d[i] + d[i + 1] * 7 + d[i + 3]) >>> 0;"
                   " return s; })()")  # fmt: skip


def test_it_opens_without_a_complaint_and_asks_for_nothing(page, path):
    assert page.complaints() == []
    assert {u.split("#")[0] for u in page.requests() if not u.startswith("data:")} == {path.as_uri()}
    assert page.js(COUNT).startswith("40 of 40 shown")


def test_pointing_tells_and_a_click_keeps(page):
    x, y = middle(page)
    mouse(page, "mouseMoved", x, y)
    page.frame()
    name = page.js(NAME)
    assert name.startswith("image ") and "red" in page.js(CARD) and "Nearest" in page.js(CARD)
    mouse(page, "mousePressed", x, y, button="left", clickCount=1)
    mouse(page, "mouseReleased", x, y, button="left", clickCount=1)
    mouse(page, "mouseMoved", x + 150, y)
    page.frame()
    assert page.js(NAME) == name and "Esc" in page.js(CARD)
    page.press("Escape")
    mouse(page, "mouseMoved", x + 155, y)
    page.frame()
    assert page.js(NAME) != name


def test_the_wheel_zooms_only_where_it_is_meant_to(page):
    x, y = middle(page)
    before = pixels(page)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=-100)
    assert pixels(page) == before
    x, y = middle(page)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=-100, modifiers=2)
    page.wait("location.hash.includes('view=')")
    assert pixels(page) != before


def test_dragging_moves_what_was_zoomed(page):
    page.js("document.querySelector('#zoom-in').click()")
    page.js("document.querySelector('#zoom-in').click()")
    before = pixels(page)
    x, y = middle(page)
    mouse(page, "mousePressed", x, y, button="left", clickCount=1)
    for step in (20, 60, 120):
        mouse(page, "mouseMoved", x - step, y - step // 2, buttons=1)
    mouse(page, "mouseReleased", x - 120, y - 60, button="left", clickCount=1)
    assert pixels(page) != before
    page.js("document.querySelector('#canvas').focus()")
    page.press("0")
    page.wait("!location.hash.includes('view=')")


def test_keys_move_and_are_spoken(page):
    page.js("document.querySelector('#canvas').focus({preventScroll: true})")
    page.press("Home")
    first = page.js(NAME)
    page.press("ArrowRight")
    second = page.js(NAME)
    assert first != second and second in page.js("document.querySelector('#spoken').textContent")
    page.press("ArrowLeft")
    assert page.js(NAME) == first
    page.press("Enter")
    assert "Esc" in page.js(CARD)


def test_filters_count_and_dim(page):
    before = pixels(page)
    page.js("document.querySelector('input[name=side][value=wrong]').click()")
    page.frame()
    assert page.js(COUNT).startswith("8 of 40") and "0" in page.js(COUNT)
    assert pixels(page) != before
    choose(page, "#search", "image 1")
    assert page.js(COUNT) != "8 of 40"
    page.js("document.querySelector('#reset').click()")
    assert page.js(COUNT).startswith("40 of 40")
    choose(page, "#from", "100")
    assert not page.js(COUNT).startswith("40 of 40")


def test_a_cell_of_the_matrix_shows_its_images(page):
    cell = "[...document.querySelectorAll('#confusion td:not(.right) button')][0]"
    number = page.js(f"{cell}.textContent")
    page.js(f"{cell}.click()")
    page.frame()
    assert page.js(COUNT).startswith(f"{number} of 40") and page.js(f"{cell}.getAttribute('aria-pressed')") == "true"
    page.js(f"{cell}.click()")
    assert page.js(COUNT).startswith("40 of 40")


def test_a_chip_shows_all_that_are_predicted_so(page):
    page.js("document.querySelector('#canvas').focus({preventScroll: true})")
    page.press("Home")
    page.js("document.querySelector('.chip-button').click()")
    page.frame()
    assert page.js(COUNT).split()[0] in ("13", "14") and page.js("document.querySelector('#predicted').value") != "-1"


@pytest.mark.parametrize("colour", ["predicted", "true", "confidence", "number:loss"])
def test_colours_tell_and_have_a_legend(page, colour):
    before = pixels(page)
    choose(page, "#colour", colour)
    assert pixels(page) != before and page.js("document.querySelector('#legend').children.length") >= 3


def test_maps_lie_over_the_pictures_when_asked(page):
    before = pixels(page)
    page.js("document.querySelector('#maps').click()")
    assert pixels(page) != before


def test_the_address_brings_it_all_back(page, path):
    page.open(path, "#side=wrong&colour=confidence&image=3&view=2.50,2.50,90.0")
    page.wait(READY)
    page.frame()
    assert page.js(COUNT).startswith("8 of 40") and "Esc" in page.js(CARD)
    assert page.js("document.querySelector('#colour').value") == "confidence"
    page.open(path, "#side=x&predicted=99&view=a,b,c&image=-4&colour=number:none")
    page.wait(READY)
    assert page.complaints() == [] and page.js(COUNT).startswith("40 of 40")


def test_the_language_switches(page):
    page.js("document.querySelector('#speak-zh').click()")
    page.frame()
    assert "显示" in page.js(COUNT) and "全部" in page.js("document.querySelector('#predicted').textContent")
    assert page.js("document.documentElement.lang") == "zh-Hans"


def test_help_opens_and_slash_searches(page):
    page.press("?")
    assert page.js("document.querySelector('#keys').open") is True
    page.js("document.querySelector('#keys').close()")
    page.press("/")
    assert page.js("document.activeElement.id") == "search"


def test_every_control_has_a_name(page):
    nameless = page.js("""[...document.querySelectorAll('button, input, select, canvas')].filter(e =>
      !e.closest('dialog, .near, #legend') && !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())
    ).map(e => e.id || e.className)""")
    assert nameless == []


def test_it_reads_well_with_scripts_off(browser, path):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        browser.wait("document.readyState === 'complete'")
        assert browser.js("document.querySelector('#still').checkVisibility()") is True
        assert browser.js("document.querySelector('.tools').checkVisibility()") is False
        assert "red" in browser.js("document.querySelector('#confusion').innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_over_the_side(page, width):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    page.frame()
    assert page.js("document.documentElement.scrollWidth") <= width
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
