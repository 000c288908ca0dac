"""The page of a comparison in a real browser: every map drawn, nothing over the side, both languages, by keyboard."""

import pytest
import torch
from chromium_pipe import CHROMIUM, Browser
from torch import nn

import seethrough as st

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = "document.documentElement?.dataset.ready === 'yes'"
LONG = "a very long name of a class that no screen of a telephone holds in one line without breaking it_somewhere_else"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(32, 2),
    )  # fmt: skip
    net = st.open(module, input_size=(3, 32, 32), classes=["fox", LONG])
    images = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    methods = ["input_x_gradient", "occlusion", "saliency", "hirescam", "xgradcam"]
    return st.compare(net, images, methods, target=(0, 1)).save(tmp_path_factory.mktemp("page") / "c.html")


@pytest.fixture(scope="module")
def page(path):
    with Browser() as browser:
        browser.open(path)
        browser.wait(READY)
        yield browser


def test_the_first_methods_are_drawn_and_the_others_when_they_are_opened(page, path):
    drawn = "[...document.querySelectorAll('seethrough-map-v1')].filter(m => m.shadowRoot).length"
    assert page.js(drawn) == 3 * 4
    page.js("document.querySelectorAll('.family').forEach(d => d.open = true)")
    page.wait(f"{drawn} === 5 * 4")
    assert page.complaints() == []
    assert {url.split("#")[0] for url in page.requests() if not url.startswith("data:")} == {path.as_uri()}


def test_one_crosshair_tells_the_value_in_all_maps_of_the_picture(page):
    stage = "document.querySelectorAll('seethrough-map-v1')[0].shadowRoot.querySelector('.stage')"
    page.js(f"{stage}.focus({{focusVisible: true}})")
    page.press("Home")
    told = page.js(
        "[...document.querySelectorAll('seethrough-legend-v1')].slice(0, 4)"
        ".map(l => l.shadowRoot.querySelector('output').textContent)"
    )
    assert len({text.split(":")[0] for text in told}) == 1 and all(text.startswith("x ") for text in told)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_runs_over_the_side(page, width, language):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    page.js(f"document.querySelector('#speak-{language}').click()")
    page.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.frame()
    assert page.js("document.documentElement.scrollWidth") <= width
    page.call("Emulation.clearDeviceMetricsOverride")


def test_every_map_and_control_has_a_name_for_those_who_cannot_see_it(page):
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "combobox", "radio", "application", "img", "image", "link", "region")
    nodes = [node for node in tree if node.get("role", {}).get("value") in roles and not node["ignored"]]
    assert len(nodes) > 20 and [node for node in nodes if not node.get("name", {}).get("value")] == []
