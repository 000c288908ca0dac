"""From what a folder or file calls a class to the network's output."""

import numpy as np
import pytest

from seethrough.datasets.collection import collect
from seethrough.jobs import classes_of
from seethrough.models.labels import imagenet_names


def said(truths, classes, outputs=None):
    found = classes_of(collect(np.zeros((len(truths), 8, 8, 3), np.uint8), truth=truths), classes, outputs)
    assert found.indices.dtype == np.int64
    return found.indices.tolist(), dict(found.unmatched)


def test_names_in_any_case_with_any_space_and_indices():
    classes = ["snow leopard", "Arabian leopard"]
    truths = ["snow leopard", "Snow_Leopard", "arabian-leopard", "1", "lynx", None, "lynx", "7"]
    assert said(truths, classes) == ([0, 0, 1, 1, -1, -1, -1, -1], {"lynx": 2, "7": 1})


def test_a_name_to_the_letter_comes_before_an_index():
    assert said(["3", "7"], ["7", "3"]) == ([1, 0], {})


@pytest.mark.parametrize(
    "truth", ["n02129604", "n02129604-tiger", "n02129604_tiger", "tiger", "Panthera tigris", "292"]
)
def test_imagenet_is_known_by_wordnet_too(truth):
    assert said([truth], imagenet_names()) == ([292], {})


def test_what_could_be_two_outputs_is_none():
    assert said(["crane", "n02012849"], imagenet_names()) == ([-1, 134], {"crane": 1})
    assert said(["n99999999"], imagenet_names()) == ([-1], {"n99999999": 1})


def test_without_names_only_indices_are_understood():
    assert said(["1", "2", "cat"], None, 2) == ([1, -1, -1], {"2": 1, "cat": 1})


def test_a_synset_means_nothing_to_other_networks():
    assert said(["n02129604"], ["cat", "dog"]) == ([-1], {"n02129604": 1})
