"""The page of a summary in a real browser: ten thousand layers scroll, search finds, keys move, nothing is asked for."""

import pytest
import torch.nn as nn
from chromium_pipe import CHROMIUM, Browser

import seethrough as st
from seethrough.anatomy.rows import Count, Row
from seethrough.anatomy.summary import Summary

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = "document.documentElement?.dataset.ready === 'yes'"
ROWS = "document.querySelectorAll('.space .row').length"
NAMES = "[...document.querySelectorAll('.space .row')].map(r => r.querySelector('.name').textContent)"
SELECTED = "document.querySelector('.row.selected .name')?.textContent"
LAYERS = 10_000


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, tmp_path):
    """A small network with a shortcut."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return x + self.b(self.a(x))

    module = nn.Sequential(nn.Conv2d(3, 4, 1), Block(), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 9, 1)))
    path = st.open(module, input_size=(3, 8, 8)).summary().save(tmp_path / "net.html")
    browser.open(path)
    browser.wait(READY)
    browser.path = path
    return browser


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """The page of very many layers that all differ."""
    rows = tuple(
        Row(f"layer_{i}", f"layer_{i}", "Conv2d", Count(i + 1, i + 1), outputs=((8, 8, 8),), macs=i, likeness=i)
        for i in range(LAYERS)
    )
    summary = Summary("deep", "Sequential", "torch", "channels_first", "live", rows, Count(), {})
    return summary.save(tmp_path_factory.mktemp("page") / "deep.html")


def test_it_opens_without_a_complaint_and_asks_for_nothing(page):
    assert page.complaints() == []
    assert {u.split("#")[0] for u in page.requests() if not u.startswith("data:")} == {page.path.as_uri()}


def test_ten_thousand_layers_are_there_and_few_are_in_the_document(browser, deep):
    browser.open(deep)
    browser.wait(READY)
    browser.js("document.querySelector('#open-all').click()")
    assert browser.js("document.querySelector('.scroller').scrollHeight") > LAYERS * 28
    assert browser.js(ROWS) < 120
    browser.js("document.querySelector('.scroller').scrollTop = 5000 * 28")
    browser.frame()
    assert "layer_5001" in browser.js(NAMES) and browser.js(ROWS) < 120


def test_a_search_shows_what_fits_and_what_it_is_in(page):
    page.js("(() => { const s = document.querySelector('#search'); s.value = 'relu';"
            " s.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert page.js(NAMES) == ["2", "0"]
    assert page.js("document.querySelector('#count').textContent").startswith("1 of 7")
    page.js("(() => { const s = document.querySelector('#search'); s.value = '1.?';"
            " s.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert page.js(NAMES) == ["1", "a", "b"]


def test_keys_move_open_and_close(page):
    page.js("document.querySelector('.scroller').focus()")
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.js(SELECTED) == "1"
    before = page.js(NAMES)
    page.press("Enter")
    assert page.js(NAMES) != before
    page.press("End")
    page.press("Home")
    assert page.js(SELECTED) == "0"


def test_the_slash_searches(page):
    page.press("/")
    assert page.js("document.activeElement.id") == "search"


def test_a_link_leads_to_its_layer_and_says_who_reads_it(page):
    page.open(page.path, "#layer=0")
    page.wait(READY)
    assert page.js(SELECTED) == "0"
    said = page.js("document.querySelector('#detail').innerText")
    assert "1.b" in said and "add" in said
    page.js("document.querySelector('#detail .link').click()")
    assert page.js(SELECTED) == "b" and page.js("location.hash") == "#layer=1.b"


def test_the_language_switches_without_a_request(page):
    page.js("document.querySelector('#speak-zh').click()")
    page.frame()
    assert "参数" in page.js("document.querySelector('.row.head').textContent")
    assert page.js("document.documentElement.lang") == "zh-Hans"


def test_it_reads_well_with_scripts_off(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page.path)
        browser.wait("document.readyState === 'complete'")
        assert "Conv2d" in browser.js("document.querySelector('pre').innerText")
        assert browser.js("document.querySelector('.tools').checkVisibility()") is False
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_over_the_side(page, width):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    assert page.js("document.documentElement.scrollWidth") <= width
    page.call("Emulation.clearDeviceMetricsOverride")
