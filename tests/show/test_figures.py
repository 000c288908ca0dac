"""Figures show every map with its legend and its sentence, in threads and without a screen."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from seethrough.errors import UsageError
from seethrough.results import Note
from seethrough.show import figure, lettering
from seethrough.show.sentences import sentence
from seethrough.show.words import WATERMARK


def texts(drawn):
    return [t.get_text() for t in drawn.texts]


def words(drawn):
    return "".join("".join(texts(drawn)).split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_figure_says_what_each_map_says(make_explanation, language):
    if language == "zh" and lettering.chinese_font() is None:
        pytest.skip("no font with Chinese characters is installed")
    explanation = make_explanation(images=2)
    drawn = figure(explanation, language=language)
    assert isinstance(drawn, Figure)
    for attribution in explanation.values():
        for image in range(2):
            assert "".join(sentence(attribution, image).in_(language).split()) in words(drawn)


def test_it_is_drawn_whole_as_png_and_svg(make_explanation):
    from PIL import Image

    drawn = make_explanation().plot()
    for kind in ("png", "svg"):
        out = io.BytesIO()
        drawn.savefig(out, format=kind)
        assert len(out.getvalue()) > 10_000
        if kind == "png":
            pixels = np.asarray(Image.open(out).convert("RGB"))
            edges = [pixels[:10], pixels[-10:], pixels[:, :10], pixels[:, -10:]]
            assert all((edge == 255).all() for edge in edges), "something runs over the edge"
            assert (pixels != 255).any(-1).mean() > 0.2


def test_random_weights_stamp_every_map(make_explanation):
    explanation = make_explanation(images=2, notes=[Note("random_weights", "warning")])
    assert texts(figure(explanation)).count(WATERMARK.en) == 2 * len(explanation)
    assert WATERMARK.en not in texts(figure(make_explanation()))


def test_one_attribution_alone_is_drawn_without_pictures_or_answers(make_explanation):
    attribution = make_explanation()["occlusion"]
    assert sentence(attribution).en[:40] in " ".join(texts(figure(attribution)))


def test_a_flat_map_has_words_but_no_legend(make_explanation):
    attribution = make_explanation()["occlusion"]
    broken = replace(attribution, map=np.full_like(attribution.map, np.nan))
    drawn = figure(broken)
    assert "notnumbers" in words(drawn) and "against←0→for" not in words(drawn)
    assert "against←0→for" in words(figure(attribution))


def test_labels_are_never_read_as_mathematics(make_explanation):
    label = r"$\frac{1}{$ % { <b> \u0301"
    drawn = figure(make_explanation(label=label, labels=(label,) * 7))
    drawn.savefig(io.BytesIO())
    assert any(r"$\frac{1}{$" in text for text in texts(drawn))


def test_without_a_chinese_font_the_figure_says_so_and_speaks_english(make_explanation, monkeypatch):
    monkeypatch.setattr("seethrough.show.figures.chinese_font", lambda: None)
    assert lettering.NO_CHINESE_FONT in " ".join(texts(figure(make_explanation(), language="zh")))


def test_nothing_else_can_be_drawn():
    with pytest.raises(UsageError, match="not dict"):
        figure({})


def test_drawing_in_threads_leaves_pyplot_alone(make_explanation):
    explanation = make_explanation(height=40, width=60)

    def draw(_):
        out = io.BytesIO()
        figure(explanation).savefig(out, dpi=40, metadata={"Software": None})
        return out.getvalue()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(4)))) == 1
    from matplotlib._pylab_helpers import Gcf

    assert not Gcf.figs


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("一二三四", 4, ["一二", "三四"]),
        ("一二。三", 3.6, ["一二。", "三"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("", 5, []),
    ],
)
def test_lines_break_where_each_script_may(text, width, lines):
    assert lettering.wrap(text, width) == lines


def test_too_many_images_for_a_figure_are_refused_with_a_way_out(make_explanation):
    with pytest.raises(UsageError, match=r"at most 32 images, and this result has 33; save it as \.html"):
        figure(make_explanation(images=33, height=4, width=5))
