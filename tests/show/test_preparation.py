"""How pictures are prepared, in a sentence that is true of the preparation."""

import pytest

from seethrough.images import USUAL, Preprocessing, preprocessing_named
from seethrough.show.preparation import preparation_words


@pytest.mark.parametrize(
    "said, words",
    [
        ({"name": "torch", "resize_to": 256}, "shorter side to 256 pixels, then the middle 224 × 224 (bilinear); ImageNet's mean"),
        ({"name": "torch"}, "shorter side to 256 pixels"),
        ({"name": "tf", "fit": "stretch", "interpolation": "bicubic"}, "stretched to 224 × 224 (bicubic); numbers from −1"),
        ({"name": "tf", "fit": "stretch", "resize_to": 256}, "stretched to 256 × 256, then the middle 224 × 224"),
        ({"name": "raw", "fit": "pad"}, "longer side to 224 pixels, set in the middle of 224 × 224"),
        ({"name": "unit", "fit": "whole", "resize_to": (520, 520)}, "shorter side to 520 pixels, nothing cut off"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_done(said, words):
    assert words in preparation_words(preprocessing_named(said), (224, 224)).en


def test_arithmetic_of_ones_own_is_told_by_its_range():
    own = Preprocessing("custom", scale=1 / 255, mean=(0.5,), std=(0.25,), channels="BGR")
    assert "BGR, numbers from −2.00 to 2.00" in preparation_words(own, (64, 48)).en.replace("-", "−")


def test_both_languages_name_the_same_numbers():
    for preprocessing in USUAL.values():
        words = preparation_words(preprocessing, (192, 160))
        assert all(number in words.en and number in words.zh for number in ("192", "160", preprocessing.name))
