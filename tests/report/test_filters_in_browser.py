"""The page of filters in a real browser: it sorts, keeps what is noticed, looks closely, and asks for nothing."""

import pytest
import torch
import torch.nn as nn
from chromium_pipe import CHROMIUM, Browser

import seethrough as st

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = "document.documentElement?.dataset.ready === 'yes'"
ORDER = "[...document.querySelectorAll('.filter')].filter(f => !f.hidden).map(f => Number(f.dataset.k))"
DETAIL = "document.querySelector('.filter-detail').innerText"


def click(what):
    return f"document.querySelector('{what}').click()"


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, tmp_path):
    torch.manual_seed(0)
    module = nn.Conv2d(3, 6, 5)
    with torch.no_grad():
        for k, size in enumerate((3.0, 1.0, 0.0, 4.0, 2.0, 5.0)):
            module.weight[k] = torch.randn(3, 5, 5) * size
    path = st.filters(st.open(module, input_size=(3, 16, 16))).save(tmp_path / "filters.html")
    browser.open(path)
    browser.wait(READY)
    browser.path = path
    return browser


def test_it_opens_without_a_complaint_and_asks_for_nothing(page):
    assert page.complaints() == []
    assert {u.split("#")[0] for u in page.requests() if not u.startswith("data:")} == {page.path.as_uri()}


def test_it_sorts_by_a_measure_the_largest_first_and_back_by_number(page):
    assert page.js(ORDER) == [0, 1, 2, 3, 4, 5]
    page.js(click(".sort[data-key=relative]"))
    assert page.js(ORDER) == [5, 3, 0, 4, 1, 2]
    assert page.js("document.querySelector('.sort[data-key=relative]').getAttribute('aria-pressed')") == "true"
    page.js(click(".sort[data-key=low]"))
    assert page.js(ORDER)[-1] == 2  # a filter of zeros has no frequencies
    page.js(click(".sort[data-key=number]"))
    assert page.js(ORDER) == [0, 1, 2, 3, 4, 5]


def test_each_filter_on_a_scale_of_its_own_and_back(page):
    sources = "[...document.querySelectorAll('.tile img')].map(i => i.src)"
    before = page.js(sources)
    page.js(click(".own"))
    after = page.js(sources)
    assert [a == b for a, b in zip(before, after)][2] and after[1] != before[1]  # zeros are grey on any scale
    page.js(click(".own"))
    assert page.js(sources) == before


def test_only_those_that_are_noticed(page):
    page.js(click(".only"))
    assert page.js(ORDER) == [2]
    page.js(click(".only"))
    assert len(page.js(ORDER)) == 6


def test_a_filter_is_looked_at_closely_and_stays_while_it_is_pinned(page):
    assert page.js("document.querySelector('.filter-detail dd').innerText") == "0"
    page.js(click('.filter[data-k="2"]'))
    assert "dead" in page.js(DETAIL)
    page.js("document.querySelector('.filter[data-k=\"4\"]').focus()")
    assert page.js("document.querySelector('.filter-detail dd').innerText") == "2"
    page.js(click('.filter[data-k="2"]'))
    page.js("document.querySelector('.filter[data-k=\"5\"]').focus()")
    assert page.js("document.querySelector('.filter-detail dd').innerText") == "5"


def test_arrows_move_and_one_tile_is_in_the_order_of_tabs(page):
    page.js("document.querySelector('.filter[data-k=\"1\"]').focus()")
    page.js("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))")
    assert page.js("document.activeElement.dataset.k") == "2"
    assert page.js("document.querySelectorAll('.filter[tabindex=\"0\"]').length") == 1


def test_the_other_language_is_a_click_away(page):
    page.js(click("#speak-zh"))
    assert page.js("document.documentElement.lang") == "zh-Hans"
    assert "失活" in page.js("document.body.innerText") and "To look at" not in page.js("document.body.innerText")
