"""The sheet of maximized pictures, and its sentences in both languages."""

from dataclasses import replace

import numpy as np
import pytest

from seethrough.features.maximized import Maximized
from seethrough.results import Note
from seethrough.show import figure
from seethrough.show.lettering import chinese_font
from seethrough.show.maximized_figure import composed
from seethrough.show.maximized_words import said, short_name, title, verdict
from seethrough.show.words import NOTES


def result(count=3, **changes):
    random = np.random.default_rng(0)
    made = Maximized(
        way="maximize", names=tuple(f"conv:{k}" for k in range(count)), layers=("conv",),
        pictures=random.integers(0, 256, (count, 20, 30, 3), dtype=np.uint8),
        inputs=random.normal(size=(count, 3, 20, 30)).astype(np.float32),
        reached=np.linspace(0, 4, count, dtype=np.float32), strongest=np.linspace(0, 9, count, dtype=np.float32),
        rectified=np.ones(count, bool), trajectory=np.zeros((5, count), np.float32),
        opacity=np.full((count, 20, 30), 0.5, np.float32), snapshots=np.zeros((0, count, 20, 30, 3), np.uint8),
        snapshot_steps=(), settings={"parametrization": "fourier"}, provenance={"network": "demo:drawn"},
    )  # fmt: skip
    return replace(made, **changes)


def texts(fig):
    return [t.get_text() for t in fig.texts]


def test_each_picture_stands_with_its_name_and_what_it_reaches():
    drawn = texts(figure(result()))
    assert {"What excites conv", "0", "1", "2", "4.00", "never fires"} <= set(drawn)
    assert drawn.count("never fires") == 1


def test_the_best_real_picture_stands_beside_and_below_it_is_said():
    found = result(best_real=np.array([-1, 3, 1], np.float32), real_count=50)
    assert [None if v is None else v.en for v in (verdict(found, k) for k in range(3))] == [
        "never fires", "below the best real", None,
    ]  # fmt: skip
    assert said(found).en.endswith("2 of 3 excite it at least as much as the best of 50 real pictures; the others say little "
                                   "about what their units look for.")  # fmt: skip
    drawn = texts(figure(found))
    assert "best real 3.00" in drawn
    assert "All of them" in said(replace(found, best_real=np.full(3, -5, np.float32))).en


def test_chinese_says_the_same():
    if chinese_font() is None:
        pytest.skip("no font with Chinese characters")
    drawn = texts(figure(result(best_real=np.zeros(3, np.float32), real_count=9), language="zh"))
    assert "最能激发conv的图片" in drawn
    assert "从不激活" in drawn


def test_pictures_of_random_weights_are_marked():
    fig = figure(result(notes=(Note("random_weights", "error"),)))
    assert sum("RANDOM WEIGHTS" in t.get_text() for axes in fig.axes for t in axes.texts) == 3


def test_more_pictures_than_a_sheet_holds_are_said():
    fig = figure(result(70))
    assert any("The first 64 of 70 are drawn." in t for t in texts(fig))


def test_only_maco_is_laid_on_white_by_its_opacity():
    plain = result()
    assert composed(plain) is plain.pictures
    maco = composed(replace(plain, settings={"parametrization": "maco"}))
    np.testing.assert_allclose(maco, (plain.pictures / 2 + 127.5), atol=1)


def test_names_leave_out_the_layer_that_all_share():
    assert short_name(result(), 1) == "1"
    assert short_name(result(layers=(), names=("goldfish", "hen", "cock")), 1) == "hen"
    assert title(result(layers=())).en == "What excites the outputs"


def test_every_note_of_maximization_has_its_sentence():
    ours = [name for name in NOTES if name.startswith("maximized_")]
    assert len(ours) == 7
