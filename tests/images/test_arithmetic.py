"""Preprocessing as a person says it."""

import json
from dataclasses import replace

import pytest

from seethrough.errors import UsageError
from seethrough.images import USUAL, Preprocessing, preprocessing_named


def test_a_usual_name_and_a_preprocessing_are_taken_as_they_are():
    assert preprocessing_named("caffe") is USUAL["caffe"]
    own = Preprocessing("custom", scale=2.0)
    assert preprocessing_named(own) is own


def test_a_mapping_changes_what_it_names_and_keeps_the_rest():
    said = preprocessing_named({"name": "torch", "fit": "stretch"})
    assert (said.name, said.fit, said.mean) == ("torch", "stretch", USUAL["torch"].mean)
    own = preprocessing_named({"name": "torch", "mean": 0.5, "std": [0.5]})
    assert (own.name, own.mean, own.std, own.scale) == ("custom", (0.5,), (0.5,), 1 / 255)


@pytest.mark.parametrize(
    "said, words",
    [("imagenet", "caffe"), ({"means": 1}, "Nearest: mean"), ({"fit": "squash"}, "crop, stretch, pad"),
     ({"std": 0}, "can't be 0"), ({"mean": [1, 2]}, "1 or 3 means"), ({"channels": "CMYK"}, "RGB, BGR, L"), (3, "a mapping such as")],
)  # fmt: skip
def test_a_wrong_one_is_one_sentence_that_names_the_right_ones(said, words):
    with pytest.raises(UsageError, match=words):
        preprocessing_named(said)


def test_the_interval_is_that_of_black_and_white():
    assert USUAL["tf"].interval == (-1, 1) and USUAL["raw"].interval == (0, 255)
    low, high = USUAL["torch"].interval
    assert low == pytest.approx(-0.485 / 0.229) and high == pytest.approx((1 - 0.406) / 0.225)


@pytest.mark.parametrize(
    "made",
    [
        *USUAL.values(),
        replace(USUAL["torch"], fit="stretch", interpolation="bicubic", resize_to=(248, 260)),
        Preprocessing("custom", scale=1 / 255, mean=(0.5,), std=(0.25, 0.5, 0.75)),
        Preprocessing("custom", channels="L", resize_to=32),
    ],
)
def test_what_a_record_says_makes_the_same_preprocessing_again(made):
    assert preprocessing_named(json.loads(json.dumps(made.in_words()))) == made
