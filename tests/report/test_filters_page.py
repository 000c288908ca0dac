"""Filters as files: a page that reads without its script, arrays that numpy opens, numbers as JSON."""

import io
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.report.filters_page import MOST_CARDS, filters_page
from seethrough.results import Note


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 12, 5), nn.ReLU(), nn.Conv2d(12, 10, 3))
    with torch.no_grad():
        module[0].weight[4] = 0
        module[0].weight[7] = 3 * module[0].weight[2]
    return st.filters(st.open(module, input_size=(3, 16, 16), preprocessing="torch"), "*")


def test_every_filter_has_a_tile_and_a_row_of_numbers(found):
    page = filters_page(found)
    assert len(re.findall(r'class="filter[ "]', page)) == 22 and len(re.findall(r"<tr data-k=", page)) == 22
    assert page.count('class="composed"') == 10  # those of the second layer
    assert len(re.findall(r'class="filter marked"', page)) == 3


def test_it_asks_for_nothing_and_says_what_is_noticed_in_both_languages(found):
    page = unescape(filters_page(found, "zh"))
    assert "default-src 'none'" in page and not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert " style=" not in page
    for words in ("Dead: filter 4", "失活：滤波器 4", "2 ∼ 7"):
        assert words in page


def test_512_filters_of_512_channels_are_a_page_that_can_be_mailed():
    torch.manual_seed(0)
    module = nn.Conv2d(512, 512, 3)
    page = filters_page(st.filters(st.open(module, input_size=(512, 8, 8))))
    assert len(page.encode()) < 1_500_000


def test_beyond_what_a_page_holds_layers_have_their_numbers_alone():
    module = nn.Sequential(nn.Conv2d(3, MOST_CARDS, 1), nn.Conv2d(MOST_CARDS, 5, 1))
    page = filters_page(st.filters(st.open(module, input_size=(3, 4, 4)), "*"))
    assert len(re.findall(r'class="filter[ "]', page)) == MOST_CARDS and "Not drawn here" in page
    assert len(re.findall(r"<tr data-k=", page)) == MOST_CARDS + 5


def test_a_layers_name_is_text():
    module = nn.Sequential()
    module.add_module("<img src=x onerror=alert(1)>", nn.Conv2d(3, 4, 3))
    page = filters_page(st.filters(st.open(module, input_size=(3, 8, 8))))
    assert "<img src=x" not in page and "&lt;img src=x" in page


def test_random_weights_are_marked(found):
    assert 'class="random-weights"' not in filters_page(found)
    assert 'class="random-weights"' in filters_page(replace(found, notes=(Note("random_weights", "warning"),)))


def test_the_arrays_are_those_of_the_result(found, tmp_path):
    with np.load(found.save(tmp_path / "f.npz")) as arrays:
        assert np.array_equal(arrays["0.weights"], found["0"].kernels.weights)
        assert np.array_equal(arrays["2.composed"], found["2"].composed.weights)
        assert np.array_equal(arrays["0.relative"], found["0"].measures.relative)
        assert json.loads(str(arrays["about"]))["layers"][0]["path"] == "0"


def test_the_record_is_json_without_nan(found, tmp_path):
    record = json.loads(found.save(tmp_path / "f.json").read_text("utf-8"), parse_constant=pytest.fail)
    first, second = record["layers"]
    assert [f["name"] for f in first["findings"]] == ["dead", "duplicate", "unstructured"]
    assert first["measures"][4]["size"] == 0 and first["measures"][4]["bands"]["low"] is None
    assert second["composed"] == {"through": ["0"], "rectifiers": 1}
    assert first["reads"]["colours"] == {"red": 0, "green": 1, "blue": 2}


@pytest.mark.parametrize("suffix", [".png", ".svg", ".html"])
def test_it_is_written_as_what_its_name_says(found, tmp_path, suffix):
    content = found.save(tmp_path / f"f{suffix}").read_bytes()
    assert content[:300].lower().find({".png": b"png", ".svg": b"<?xml", ".html": b"<!doctype"}[suffix]) >= 0


def test_it_shows_itself_in_a_notebook(found):
    shown = found._repr_html_()
    assert shown.startswith("<img src=") and "22 filters" in shown


def test_a_strip_has_clear_gaps_and_a_tile_none(found):
    from base64 import b64decode

    from PIL import Image

    urls = re.findall(r'class="tile"><img src="data:image/png;base64,([^"]+)"', filters_page(found))
    modes = [Image.open(io.BytesIO(b64decode(url))).mode for url in urls]
    assert modes == ["RGB"] * 12 + ["RGBA"] * 10
