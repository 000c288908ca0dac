"""Every number in every sentence is recomputed from the array, in both languages; flat maps are never described."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seethrough.attribution.evidence import CELLS, EVERYWHERE, QUARTERS
from seethrough.results import Attribution, Passes, Target
from seethrough.show.language import LANGUAGES, percent
from seethrough.show.sentences import EMPTY, sentence
from seethrough.show.words import REGIONS

SPOT = {
    "en": r"strongest spot is at x\s([\d,]+), y\s([\d,]+) \((\S+\s*%) from the left, (\S+\s*%) from the top\)",
    "zh": r"最强处在 x\s([\d,]+)、y\s([\d,]+)（距左边 (\S+?%)，距上边 (\S+?%)）",
}
HALF = {"en": r"half of all lies on ([<>\s\d.]+%) of the picture", "zh": r"总量的一半集中在画面的 ([<>\s\d.]+%) 上"}
PLACE = {"en": r"^([<>\s\d.]+%) of the .*? lies (in the [a-z ]+);", "zh": r"有 ([<>\s\d.]+%) 位于(\S+?处)；"}
BALANCE = {"en": r"Of all evidence, ([<>\s\d.]+%) speaks against\.", "zh": r"全部证据中有 ([<>\s\d.]+%) 是反对的"}
MASK = {"en": r"; ([<>\s\d.]+%) of all lies on the animal", "zh": r"总量的 ([<>\s\d.]+%) 位于动物"}
SPREAD = {"en": "is spread over the whole picture", "zh": "遍布整张图片"}


def attribution(m, signed=True, seen=None, method="occlusion", label="snow leopard"):
    m = np.asarray(m, np.float32)[None]
    return Attribution(
        method=method, values=m, map=m, seen=np.ones(m.shape, bool) if seen is None else seen[None], signed=signed,
        scores=np.ones(1, np.float32), target=(Target(((292, 1),), label),), layer=None, passes=Passes(1, 1),
    )  # fmt: skip


def cell_share(p, name):
    """Share of a region by its name, from the array alone."""
    grid, names = (3, CELLS) if name in CELLS else (2, QUARTERS)
    row, column = divmod(names.index(name), grid)
    y, x = np.mgrid[: p.shape[0], : p.shape[1]]
    inside = (grid * y // p.shape[0] == row) & (grid * x // p.shape[1] == column)
    return p[inside].sum() / p.sum()


def check_numbers(text, language, m, signed, mask=None):
    """Read each number in the sentence and compare it with the array."""
    p = np.maximum(m, 0).astype(np.float64)
    if not p.sum():
        p = np.maximum(-m, 0).astype(np.float64)
    numbers = len(re.findall(r"\d+(?:[.,]\d+)*", text))
    x, y, right, down = re.search(SPOT[language], text).groups()
    x, y = (int(n.replace(",", "")) for n in (x, y))
    assert p[y, x] == p.max()
    assert (right, down) == tuple(percent((i + 0.5) / n, language) for i, n in ((x, m.shape[1]), (y, m.shape[0])))
    falling = np.cumsum(np.sort(p.ravel())[::-1])
    area = (np.flatnonzero(falling >= falling[-1] / 2)[0] + 1) / p.size
    assert re.search(HALF[language], text)[1] == percent(area, language)
    read = 5
    if place := re.search(PLACE[language], text):
        region = next(name for name, words in REGIONS.items() if words.in_(language) == place[2])
        assert place[1] == percent(cell_share(p, region), language)
        read += 1
    else:
        assert SPREAD[language] in text
    if signed and np.maximum(m, 0).sum():
        against = np.maximum(-m, 0).astype(np.float64).sum() / np.abs(m).astype(np.float64).sum()
        assert re.search(BALANCE[language], text)[1] == percent(against, language)
        read += 1
    if mask is not None:
        assert re.search(MASK[language], text)[1].strip(" ") == percent(p[mask].sum() / p.sum(), language)
        read += 1
    assert numbers == read, "a number in the sentence was not checked"


maps = st.tuples(st.integers(3, 12), st.integers(3, 12)).flatmap(
    lambda size: arrays(np.float32, size, elements=st.integers(-64, 64).map(lambda i: np.float32(i / 8)))
)


@given(maps, st.booleans())
def test_every_number_in_every_sentence_is_in_the_array(m, signed):
    counted = m if signed else np.maximum(m, 0)
    for language in LANGUAGES:
        text = sentence(attribution(m, signed)).in_(language)
        if counted.min() == counted.max():
            assert not re.search(r"\d", text)
        else:
            check_numbers(text, language, m, signed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_smooth_map_on_an_oblong_picture_with_a_mask(language):
    y, x = np.mgrid[:300, :480]
    m = np.exp(-((x - 90) ** 2 + (y - 240) ** 2) / 4000) - 0.4 * np.exp(-((x - 400) ** 2 + (y - 60) ** 2) / 3000)
    m = m.astype(np.float32)
    mask = x < 100
    from seethrough.show.language import Both

    text = sentence(attribution(m), mask=mask, mask_name=Both("the animal", "动物")).in_(language)
    check_numbers(text, language, m, True, mask)
    assert "snow leopard" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", [0.0, 3.5, np.nan, np.inf])
def test_a_flat_or_broken_map_is_said_in_words_without_any_place(language, level):
    text = sentence(attribution(np.full((20, 30), level, np.float32))).in_(language)
    assert not re.search(r"\d", text)
    assert not any(words.in_(language) in text for words in REGIONS.values())
    if level == 0:
        assert text.startswith(EMPTY.in_(language)[:6])
    if not np.isfinite(level):
        assert ("not numbers" if language == "en" else "非数值") in text


def test_a_map_that_only_speaks_against_says_so():
    m = np.zeros((30, 30), np.float32)
    m[:10, 20:] = -1
    text = sentence(attribution(m)).en
    assert "100\u00a0% of the evidence against “snow leopard” lies in the upper right ninth" in text
    assert "Nothing in this map speaks for it" in text


def test_an_unsigned_gradient_tells_influence_not_evidence():
    m = np.zeros((30, 30), np.float32)
    m[25, 5] = 1
    assert "influence on" in sentence(attribution(m, False, method="saliency")).en
    assert "evidence for" in sentence(attribution(m, False, method="gradcam")).en


def test_a_label_from_outside_is_data():
    m = np.eye(9, dtype=np.float32)
    hostile = "{share:percent}\n\u202eevil\x00 <b>" + "x" * 500
    for language in LANGUAGES:
        text = sentence(attribution(m, label=hostile)).in_(language)
        assert "{share:percent} evil <b>xxx" in text and "\n" not in text and "\u202e" not in text
        assert len(text) < 600


def test_evidence_that_is_spread_evenly_is_not_pinned_to_a_region():
    m = np.ones((30, 30), np.float32)
    m[3, 3] = 1.1
    assert SPREAD["en"] in sentence(attribution(m)).en and EVERYWHERE not in sentence(attribution(m)).en
