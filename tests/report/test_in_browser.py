"""The page in a real browser: silent, drawn as the values say, served by keyboard, in two languages, and without
scripts.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from chromium_pipe import CHROMIUM, Browser

from seethrough.report.payload import SIGNED_STEPS
from seethrough.results import Note
from seethrough.show.language import measured
from seethrough.show.sentences import sentence

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

STAGE = "document.querySelectorAll('seethrough-map-v1')[%d].shadowRoot.querySelector('.stage')"
READOUT = "document.querySelectorAll('seethrough-legend-v1')[%d].shadowRoot.querySelector('output').textContent"
READY = "document.documentElement?.dataset.ready === 'yes'"
METHODS = ("gradcam", "integrated_gradients", "occlusion", "saliency")


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def explanation(make_explanation):
    return make_explanation(height=120, width=200)


@pytest.fixture(scope="module")
def path(explanation, tmp_path_factory):
    return explanation.save(tmp_path_factory.mktemp("page") / "why.html")


@pytest.fixture
def page(browser, path):
    browser.open(path)
    browser.wait(READY)
    return browser


def numbers(text):
    """The number after the colon of a readout."""
    number = re.search(r": (−?[\d.]+(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)", text.replace("\u00a0", " "))[1]
    base, _, power = number.replace("−", "-").partition(" × 10")
    return float(base) * 10 ** int((power or "⁰").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


def test_it_opens_without_a_complaint_and_asks_for_nothing(page, path):
    assert page.complaints() == []
    assert {url.split("#")[0] for url in page.requests() if not url.startswith("data:")} == {path.as_uri()}


def test_every_map_is_drawn_as_its_values_say(page, explanation):
    from seethrough.show.colour import FADE, scale_of, table

    for i, method in enumerate(METHODS):
        m, seen = explanation[method].map[0], explanation[method].seen[0]
        scale = scale_of(m, signed=explanation[method].signed, seen=seen)
        y, x = np.unravel_index(np.argmax(np.where(seen, m, 0)), m.shape)
        drawn = page.js(
            f"[...document.querySelectorAll('seethrough-map-v1')[{i}].shadowRoot.querySelector('canvas')"
            f".getContext('2d').getImageData({x}, {y}, 1, 1).data]"
        )
        at = float(scale.position(m[y, x]))
        colour = table(scale.signed)[round(at * 127) + (127 if scale.signed else 0)]
        assert drawn[3] == pytest.approx(255 * 0.6 * at**FADE, abs=2)
        assert np.abs(np.array(drawn[:3]) - colour).max() <= 6


def test_the_crosshair_moves_by_keys_and_tells_the_value_of_every_map(page, explanation):
    page.call("Page.bringToFront")
    page.js("document.querySelector('#content').setAttribute('tabindex', -1)")
    page.js((STAGE % 2) + ".focus({focusVisible: true})")
    page.press("Home")
    m = explanation["occlusion"].map[0]
    y, x = np.unravel_index(np.argmax(m), m.shape)
    for key, right, down in (("Home", 0, 0), ("ArrowRight", 1, 0), ("ArrowDown", 0, 1), ("ArrowUp", 0, -1)):
        page.press(key)
        x, y = x + right, y + down
        for i, method in enumerate(METHODS):
            said, values = page.js(READOUT % i), explanation[method].map[0]
            assert said.startswith(f"x {x}, y {y}: ")
            largest, value = float(np.abs(values).max()), float(values[y, x])
            step = (abs(value) * largest) ** 0.5 / SIGNED_STEPS + largest / SIGNED_STEPS**2
            assert numbers(said) == pytest.approx(value, abs=step + 0.006 * abs(value))
    assert page.js(READOUT % 2).endswith(" for")
    page.press("ArrowLeft", modifiers=8)
    assert page.js(READOUT % 0).startswith(f"x {x - 10}, ")
    page.press("Escape")
    assert page.js(READOUT % 2) == "logit"


def test_the_crosshair_says_where_the_network_saw_nothing(page):
    box = page.js(f"(() => {{ const b = {STAGE % 0}.getBoundingClientRect(); return [b.left, b.top, b.height]; }})()")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + 3, y=box[1] + box[2] / 2)
    page.frame()
    assert "not seen by the network" in page.js(READOUT % 3)


def test_space_lifts_the_map_while_it_is_held(page):
    page.js((STAGE % 0) + ".focus({focusVisible: true})")
    hidden = (STAGE % 0) + ".querySelector('canvas').classList.contains('hidden')"
    page.call("Input.dispatchKeyEvent", type="keyDown", key=" ", text=" ")
    page.frame()
    assert page.js(hidden) is True
    page.call("Input.dispatchKeyEvent", type="keyUp", key=" ")
    page.frame()
    assert page.js(hidden) is False


def test_controls_change_the_picture_and_the_address(page, browser, path):
    controls = "document.querySelector('seethrough-controls-v1').shadowRoot"
    page.js(f"{controls}.querySelector('input[value=map]').click()")
    page.js(f"(() => {{ const t = {controls}.querySelector('#threshold'); t.value = 50;"
            " t.dispatchEvent(new Event('input')); })()")  # fmt: skip
    page.frame()
    assert page.js(f"{controls}.querySelector('#threshold').getAttribute('aria-valuetext')").startswith(
        "values below 50"
    )
    assert page.js("location.hash") == "#view=map,60,50,own,auto"
    alphas = page.js(
        "(() => { const c = document.querySelector('seethrough-map-v1').shadowRoot.querySelector('canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return [...new Set(d.filter((_, i) => i % 4 === 3))].sort(); })()"
    )
    assert alphas == [0, 255]
    browser.open(path, "#view=picture,30,10,all,cells")
    browser.wait(READY)
    assert page.js(f"{controls}.querySelector('input[name=mode]:checked').value") == "picture"
    assert page.js(f"{controls}.querySelector('#opacity').value") == "30"
    browser.open(path, "#view=evil,999,-1,own,<b>")
    browser.wait(READY)
    assert page.js(f"{controls}.querySelector('input[name=mode]:checked').value") == "overlay"
    assert page.complaints() == []


def test_one_scale_for_all_maps_changes_the_legend(page, explanation):
    controls = "document.querySelector('seethrough-controls-v1').shadowRoot"
    legend = "document.querySelectorAll('seethrough-legend-v1')[1].shadowRoot.querySelector('.numbers').innerText"
    before = page.js(legend)
    page.js(f"(() => {{ const s = {controls}.querySelector('#scope'); s.value = 'all';"
            " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
    page.frame()
    assert page.js(legend) != before
    assert measured(float(explanation["occlusion"].map.max())) in page.js(legend)


def test_the_language_switches_without_a_request(page, path, explanation):
    page.js("document.querySelector('#speak-zh').click()")
    page.frame()
    text = page.js("document.body.innerText")
    assert sentence(explanation["occlusion"]).zh in text and sentence(explanation["occlusion"]).en not in text
    assert page.js("document.documentElement.lang") == "zh-Hans" and "为什么" in page.js("document.title")
    assert "叠加" in page.js("document.querySelector('seethrough-controls-v1').shadowRoot.textContent")
    assert sentence(explanation["gradcam"]).zh in page.js((STAGE % 0) + ".getAttribute('aria-label')")


def test_the_question_mark_opens_help_and_escape_closes_it(page):
    dialog = "document.querySelector('seethrough-keys-v1').shadowRoot.querySelector('dialog').open"
    assert page.js(dialog) is False
    page.press("?")
    assert page.js(dialog) is True
    page.press("Escape", windowsVirtualKeyCode=27)
    assert page.js(dialog) is False


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_runs_over_the_side(page, width):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    page.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.js("document.documentElement.scrollWidth") <= width
    page.call("Emulation.clearDeviceMetricsOverride")


def test_every_control_has_a_name_for_those_who_cannot_see_it(page):
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "combobox", "radio", "application", "img", "image", "link", "region")
    nodes = [node for node in tree if node.get("role", {}).get("value") in roles and not node["ignored"]]
    assert len(nodes) > 15
    assert [node for node in nodes if not node.get("name", {}).get("value")] == []
    landmarks = {node.get("role", {}).get("value") for node in tree}
    assert {"main", "banner", "contentinfo", "heading"} <= landmarks


def test_it_reads_well_with_scripts_off(browser, path, explanation):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        browser.wait("document.readyState === 'complete' && document.images.length > 0")
        text = browser.js("document.body.innerText")
        for attribution in explanation.values():
            assert sentence(attribution).en in text
        assert "Scripts are off" in text and "为什么" not in text and "against ← 0 → for" in text
        loaded = "[...document.images].every(i => i.complete && i.naturalWidth > 0) && document.images.length"
        assert browser.js(loaded) == 1 + len(explanation)
        assert browser.js("document.querySelector('seethrough-controls-v1').checkVisibility()") is False
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_text_from_outside_stays_text(browser, make_explanation, tmp_path):
    evil = "</script><script>document.title='x'</script><img src=x onerror=\"document.title='x'\">{{ 7*7 }}"
    explanation = make_explanation(height=40, width=60, label=evil, labels=(evil,) * 7, notes=[Note(evil, evil)])
    named = replace(explanation.pictures[0], name=evil)
    explanation = replace(explanation, pictures=(named,), provenance={evil: evil})
    browser.open(explanation.save(tmp_path / "evil.html"))
    browser.wait(READY)
    assert browser.js("document.title") != "x" and browser.complaints() == []
    assert "<script>" in browser.js("document.querySelector('h1').innerText")
