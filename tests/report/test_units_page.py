"""The page of units: an address for each, within its budget, sorted and found, and read without scripts."""

import numpy as np
import pytest
import torch
from chromium_pipe import CHROMIUM, Browser
from torch import nn

import seethrough as st
from seethrough.report import unit_pictures
from seethrough.report.unit_pictures import BUDGET, DETAILS, carried
from seethrough.report.units_page import units_page
from seethrough.show.units_words import unit_words

SIDE, UNITS = 32, 12
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
READY = "document.documentElement?.dataset.ready === 'yes'"
SHOWN = "[...document.querySelectorAll('.one')].filter(u => u.checkVisibility()).map(u => u.id)"


@pytest.fixture(scope="module")
def units():
    """Twelve units, of which the third never fires, on pictures of three classes."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        module = nn.Sequential(
            nn.Conv2d(3, UNITS, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(UNITS, 3)
        )
    with torch.no_grad():
        module[0].weight[3] = 0
        module[0].bias[3] = -1
    net = st.open(
        module.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["<b>ant</b>", "bee & co", "cow"]
    )
    random = np.random.default_rng(0)
    pictures = random.integers(0, 120, (30, 48, 48, 3), np.uint8)
    for i in range(30):
        pictures[i, 10:30, 10:30, i % 3] += 130
    return st.units(net, pictures, "1", truth=[("<b>ant</b>", "bee & co", "cow")[i % 3] for i in range(30)])


@pytest.fixture(scope="module")
def path(units, tmp_path_factory):
    return units.save(tmp_path_factory.mktemp("units") / "units.html")


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, path):
    browser.open(path)
    browser.wait(READY)
    return browser


def test_every_unit_has_an_address_and_a_sentence_in_both_languages(units, path):
    text = path.read_text("utf-8")
    layer = units["1"]
    for row in range(UNITS):
        assert f'id="1/{row}"' in text and f'href="#1/{row}"' in text
        words = unit_words(units, layer, row)
        assert words.en.replace("“", "“").split("“")[0] in text and words.zh.split("“")[0] in text
    assert "<b>ant</b>" not in text and "&lt;b&gt;ant" in text


def test_the_same_units_make_the_same_page(units, path):
    assert units_page(units) == path.read_text("utf-8")


def test_a_small_budget_makes_crops_smaller_and_fewer_and_is_kept(units, monkeypatch):
    whole = carried(units)
    assert whole.detail == DETAILS[0]
    size = sum(len(webp) * 4 / 3 for webp in whole.webp.values())
    assert size < BUDGET
    small = carried(units, budget=int(size / 5))
    assert small.detail.side < whole.detail.side
    assert sum(len(webp) * 4 / 3 for webp in small.webp.values()) < 1.15 * size / 5
    monkeypatch.setattr(unit_pictures, "BUDGET", 1)
    assert carried(units, budget=1).detail == DETAILS[-1]


def test_what_is_among_the_best_is_not_shown_twice(units):
    held = carried(units)
    for key, best in held.best.items():
        shown = {pictured.sight.item for pictured in best}
        assert not shown & {pictured.sight.item for pictured in held.relevant[key]}
    assert held.best["1", 3] == [], "a unit that never fires has no best pictures"


def test_arrays_and_numbers_are_written_too(units, tmp_path):
    with np.load(units.save(tmp_path / "units.npz")) as arrays:
        np.testing.assert_array_equal(arrays["0.best.items"], units["1"].best.items)
        assert arrays["layers"].tolist() == ["1"] and len(arrays["names"]) == 30
    assert '"fires"' in units.save(tmp_path / "units.json").read_text("utf-8")
    assert units.save(tmp_path / "units.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_speaks_chinese_too(units):
    assert units.plot(language="zh").axes


@in_browser
def test_it_opens_without_a_complaint_and_asks_for_nothing(page, path):
    assert page.complaints() == []
    assert {url.split("#")[0] for url in page.requests() if not url.startswith("data:")} == {path.as_uri()}
    assert page.js(f"{SHOWN}.length") == UNITS


@in_browser
def test_an_address_opens_its_unit_and_keys_go_on(browser, path):
    browser.open(path, "#1/4")
    browser.wait(READY)
    open_ones = "[...document.querySelectorAll('.more')].filter(m => m.checkVisibility()).map(m => m.parentElement.id)"
    assert browser.js(open_ones) == ["1/4"]
    browser.press("]")
    assert browser.js(open_ones) == ["1/5"] and browser.js("location.hash") == "#1/5"
    browser.press("[")
    browser.press("[")
    assert browser.js("location.hash") == "#1/3"
    browser.press("Escape", windowsVirtualKeyCode=27)
    assert browser.js(open_ones) == []


@in_browser
def test_units_are_found_by_number_and_class_and_sorted(page, units):
    def ask(text):
        page.js(
            f"(f => {{ f.value = {text!r}; f.dispatchEvent(new Event('input')) }})(document.getElementById('find'))"
        )
        return page.js(SHOWN)

    assert ask("7") == ["1/7"]
    cow = ask("cow")
    layer = units["1"]
    assert cow and all(
        "cow" in {units.classes[i] for i in layer.best.items[int(unit[2:])]}
        or layer.preferences.classes[layer.preferences.favourite[int(unit[2:])]] == "cow"
        for unit in cow
    )
    assert ask("nothing of this kind") == [] and page.js("document.getElementById('count').textContent").startswith(
        "0 of 12"
    )
    assert len(ask("")) == UNITS
    page.js(
        "(s => { s.value = 'by_selectivity'; s.dispatchEvent(new Event('change')) })(document.getElementById('sort'))"
    )
    found = [int(unit[2:]) for unit in page.js(SHOWN)]
    values = np.nan_to_num(layer.preferences.selectivity, nan=-1)[found]
    assert (np.diff(values) <= 1e-4).all() and found[-1] == 3


@in_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_over_the_side(browser, path, width):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(path, "#1/2")
    browser.wait(READY)
    assert browser.js("document.documentElement.scrollWidth") <= width
    browser.call("Emulation.clearDeviceMetricsOverride")


@in_browser
def test_it_reads_without_scripts(browser, path):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path, "#1/2")
        browser.wait("document.readyState === 'complete' && document.images.length > 0")
        assert browser.js("document.getElementById('1/2').querySelector('.more').checkVisibility()") is True
        assert "Fires on none" in browser.js("document.getElementById('1/3').textContent")
        assert browser.js("document.querySelector('.tools').checkVisibility()") is False
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
