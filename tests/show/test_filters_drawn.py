"""Filters drawn: colours are those that a person would see, numbers stand where they belong, words are in both languages."""

import string
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.anatomy.filter_findings import FilterFinding
from seethrough.anatomy.kernels import FORMS
from seethrough.results import Note
from seethrough.show import figure, lettering
from seethrough.show.filter_finding_words import FINDINGS, name_of, otherwise, sentence
from seethrough.show.filters_tiles import draw_tiles, in_colour
from seethrough.show.filters_words import FORMS as FORM_WORDS
from seethrough.show.filters_words import said
from seethrough.show.words import WATERMARK


def filters(module, input_size, layer=None, **said):
    return st.filters(st.open(module, input_size=input_size, **said), layer)


def first(module, input_size, layer=None, **said):
    return next(iter(filters(module, input_size, layer, **said).values()))


def red():
    """One filter that only looks for red, one for nothing, one for not-red."""
    conv = nn.Conv2d(3, 3, 3, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0], conv.weight[2, 0] = 0.5, -0.25
    return conv


def test_zero_is_mid_grey_and_the_limit_full():
    kernel = np.array([-2.0, -1, 0, 1, 2]).reshape(1, 1, 5).repeat(3, 0)
    assert in_colour(kernel, 1.0)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(("preprocessing", "place"), [("torch", 0), ("caffe", 2)])
def test_what_looks_for_red_is_red(preprocessing, place):
    drawn = draw_tiles(first(red(), (3, 8, 8), preprocessing=preprocessing))
    strong, none, weak = (tile.pixels[1, 1] for tile in drawn.tiles)
    expected = [128, 128, 128, 255]
    assert none.tolist() == expected
    expected[place] = 255
    assert strong.tolist() == expected
    assert weak[place] == 64  # half as strong, on the same scale
    assert drawn.tiles[2].own[1, 1, place] == 0  # on its own, full


def test_slices_are_the_strongest_by_number():
    conv = nn.Conv2d(9, 2, 3, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([3.0, 1, 9, 2, 0, 8, 7, 5, 4]).reshape(1, 9, 1, 1).expand(2, 9, 3, 3))
    tile = draw_tiles(first(conv, (9, 8, 8))).tiles[0]
    assert tile.parts == (2, 5, 6, 7, 8, 0)


def test_weights_without_places_are_squares_in_the_order_of_the_channels():
    conv = nn.Conv2d(10, 2, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.arange(20.0).reshape(2, 10, 1, 1))
    pixels = draw_tiles(first(conv, (10, 8, 8))).tiles[1].pixels
    assert pixels.shape == (2, 5, 4) and (pixels[..., 3] == 255).all()
    blues = pixels[..., 2].ravel().astype(int)
    assert (np.diff(blues) <= 0).all() and blues[0] > blues[-1]  # more orange with every channel


NETWORKS = {
    "first": (nn.Conv2d(3, 12, 7, stride=2), (3, 16, 16), None),
    "grey": (nn.Conv2d(1, 12, 5), (1, 16, 16), None),
    "second": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 60, 3)), (3, 16, 16), "2"),
    "pointwise": (nn.Sequential(nn.Conv2d(3, 40, 3), nn.MaxPool2d(2), nn.Conv2d(40, 9, 1)), (3, 16, 16), "2"),
    "depthwise": (nn.Conv2d(8, 8, 3, groups=8), (8, 8, 8), None),
    "grouped": (nn.Conv2d(8, 8, 3, groups=2), (8, 8, 8), None),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2), (4, 8, 8), None),
    "one axis": (nn.Conv1d(4, 6, 9), (4, 32), None),
    "three axes": (nn.Conv3d(2, 6, 3), (2, 8, 8, 8), None),
    "pixels": (nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), (3, 8, 8), None),
    "matrix": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10)), (3, 8, 8), "2"),
    "several": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 1), nn.Conv2d(5, 5, 3, groups=5)), (3, 8, 8), "*"),
    "zeros": (red(), (3, 8, 8), None),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_kernel_is_drawn_with_its_words(name, language):
    if language == "zh" and lettering.chinese_font() is None:
        pytest.skip("no font with Chinese characters is installed")
    module, size, layer = NETWORKS[name]
    found = filters(module, size, layer)
    drawn = figure(found, language=language)
    texts = [t.get_text() for t in (*drawn.texts, *(t for axes in drawn.axes for t in axes.texts))]
    assert all("{" not in text for text in texts)
    numbers = {text.split(" ")[0] for text in texts}
    for one in found.values():
        assert {str(k) for k in one.channels[:9]} <= numbers
    whole = "".join("".join(texts).split())
    assert "".join(said(found).in_(language).split()) in whole
    for finding in found.findings:
        assert "".join(sentence(finding).in_(language).split()) in whole
    drawn.savefig("/dev/null", format="png", dpi=40)


def test_random_weights_carry_their_watermark():
    drawn = figure(replace(filters(red(), (3, 8, 8)), notes=(Note("random_weights", "warning"),)))
    assert WATERMARK.en in [t.get_text() for t in drawn.texts]


NUMBERS = {
    "zeros": 1, "largest": 0.0002, "normalised": True, "threshold": 0.95, "redundant": 2, "cosines": [0.97], "relative": [14.2],
    "times": 10.0, "kernel": [3, 3], "stride": [2, 2], "unevenness": 0.2, "beyond": 0.7, "share": [0.6], "low": 0.4,
    "middle": 0.05, "high": 0.55, "places": 0.4, "colours": -1.2,
}  # fmt: skip


@pytest.mark.parametrize("name", FINDINGS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_finding_is_said_in_both_languages(name, language):
    finding = FilterFinding(name, "warning", "conv1", (3, 7), ((3, 7),), NUMBERS)
    for text in (name_of(name), sentence(finding), otherwise(finding)):
        spoken = text.in_(language)
        assert spoken and "{" not in spoken
        assert any(ord(c) > 0x4E00 for c in spoken) == (language == "zh")


def test_every_finding_there_is_has_words():
    """The findings are named in their docstring, which is the list that a person reads."""
    told = {part.strip('`",. ()') for part in (FilterFinding.__doc__ or "").split() if part.startswith("``")}
    named = {word.strip(string.punctuation) for word in told}
    assert set(FINDINGS) <= named


def test_every_form_has_words():
    assert set(FORMS) | {"pixels"} == set(FORM_WORDS)


def test_many_filters_are_named_shortly():
    finding = FilterFinding("dead", "warning", "conv", tuple(range(40)), numbers={"zeros": 40, "largest": 0.0})
    assert "and 28 more" in sentence(finding).en and "另 28 个" in sentence(finding).zh


@pytest.mark.parametrize(
    ("zeros", "largest", "words"),
    [
        (2, 0.0, "every weight is zero"),
        (0, 0.0, "multiplies by zero"),
        (1, 2e-4, "at most 2.00 × 10⁻⁴ of the median"),
    ],
)
def test_how_filters_are_dead_is_said(zeros, largest, words):
    finding = FilterFinding("dead", "warning", "conv", (1, 5), numbers={"zeros": zeros, "largest": largest})
    assert words in sentence(finding).en
