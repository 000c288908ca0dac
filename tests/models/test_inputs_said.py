"""Several inputs are said by name or as a list; the picture among them is explained; what is given is held against them."""

import numpy as np
import pytest
import torch
import torch.nn as nn

from seethrough.errors import InputRefused, UsageError
from seethrough.models.given import apart, beside
from seethrough.models.inputs import Input, are_several, explained_first, inputs_said
from seethrough.models.open import open_model
from seethrough.models.opened import Said

CPU = torch.device("cpu")


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 2)

    def forward(self, metadata, image, mask=None):
        return self.fc(metadata) + image.mean((1, 2, 3))[:, None]


def opened(**settings):
    return open_model(Pair(), input_size={"metadata": (5,), "image": (3, 8, 8)}, **settings)


def read(given, number=2, **forms):
    network = open_model(Taker(), input_size={"image": (3, 4, 4), **forms})
    return beside(network, given, number, CPU, torch.float32)


class Taker(nn.Module):
    def forward(self, image, **others):
        return image


@pytest.mark.parametrize(
    ("said", "several"),
    [(224, False), ((3, 8, 8), False), ([3, 8, 8], False), ({"x": (3, 8, 8)}, True), ([(3, 8, 8), (5,)], True)],
)
def test_a_shape_is_told_from_several(said, several):
    assert are_several(said) is several
    assert bool(Said(said).inputs()) is several


def test_shapes_may_say_what_the_numbers_are():
    assert inputs_said({"words": (16, "int64"), "step": (), "age": 1}) == {
        "words": Input((16,), "int64"),
        "step": Input(()),
        "age": Input((1,)),
    }


@pytest.mark.parametrize("wrong", [(0,), (3, -1), (2.5,), (16, "text"), ("int64", 16), (True,), None])
def test_what_is_no_shape_is_refused(wrong):
    with pytest.raises(UsageError, match="shape of the input 'words'"):
        inputs_said({"image": (3, 8, 8), "words": wrong})


def test_the_first_with_the_axes_of_a_picture_is_explained_else_the_first():
    said = inputs_said({"a": (5,), "b": (3, 8, 8), "c": (3, 9, 9)})
    assert list(explained_first(said)) == ["b", "a", "c"]
    assert list(explained_first(inputs_said([(5,), (6,)]))) == ["0", "1"]
    assert Said({"a": (5,), "b": (3, 8, 8)}).size("channels_first") == (3, 8, 8)


def test_a_torch_network_is_called_by_keyword_or_by_position():
    metadata, image = torch.randn(2, 5), torch.randn(2, 3, 8, 8)
    named, listed = opened(), open_model(Pair(), input_size=[(5,), (3, 8, 8)])
    assert list(named.inputs) == ["image", "metadata"] and list(listed.inputs) == ["1", "0"]
    for network in (named, listed):
        assert network.input_size == (3, 8, 8)
        assert network.call is not None and torch.equal(network.call(image, metadata), network.module(metadata, image))


def test_an_input_that_the_forward_does_not_know_is_refused_when_opening():
    with pytest.raises(UsageError, match=r"Pair takes no input 'img'.*It takes: metadata, image, mask"):
        open_model(Pair(), input_size={"metadata": (5,), "img": (3, 8, 8)})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(1, 3, 8, 8), r"takes 2 inputs; give all of them by name: \{'image': …, 'metadata': …\}"),
        ({"image": 1}, "The input 'metadata' of .* is missing; give it beside 'image'"),
        ({"image": 1, "metadat": 2}, r"has no input 'metadat'. Nearest: metadata. It takes: image, metadata"),
    ],
    ids=["alone", "missing", "superfluous"],
)
def test_all_inputs_are_given_by_name(given, message):
    with pytest.raises(UsageError, match=message):
        apart(opened(), given)


def test_a_network_of_one_input_takes_the_images_alone_or_by_the_name_it_has():
    with pytest.raises(UsageError, match=r"opened as a network of one input.*input_size=\{'image': …\}"):
        apart(open_model(Pair()), {"image": 1})
    one = open_model(Taker(), input_size={"image": (3, 4, 4)})
    assert apart(one, "a.jpg") == apart(one, {"image": "a.jpg"}) == ("a.jpg", {})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 5)), "'meta' has 3 rows for 2 images; give one for each, or one for all"),
        (np.zeros((2, 4)), r"'meta' has the shape \(2, 4\); .* wants \(N, 5\)"),
        (np.zeros(5), r"'meta' has the shape \(5,\), without an axis for the images; .* wants \(N, 5\)"),
        ([[0.0, 1, 2, 3, float("nan")]], "'meta' holds NaN or infinite numbers"),
        ("text", "'meta' is str, which is no array of numbers"),
        ([[1, 2], [3]], "'meta' is list, which is no array of numbers"),
    ],
    ids=["rows", "shape", "no batch", "NaN", "text", "ragged"],
)
def test_what_does_not_fit_is_refused_in_a_sentence(given, message):
    with pytest.raises(InputRefused, match=message):
        read({"meta": given}, meta=(5,))


def test_numbers_become_what_the_input_takes():
    words = np.array([[1, 2, 3]])
    assert read({"words": words}, words=(3,))["words"].dtype == torch.int64
    assert read({"words": [[1, 2, 3]]}, words=(3,))["words"].dtype == torch.float32
    assert read({"words": words}, words=(3, "float"))["words"].dtype == torch.float32
    assert read({"words": [[1, 2, 3]]}, words=(3, "int64"))["words"].dtype == torch.int64
    assert read({"mask": [[1, 0]]}, mask=(2, "bool"))["mask"].dtype == torch.bool
    assert read({"step": [7, 8]}, step=())["step"].shape == (2,)
    with pytest.raises(InputRefused, match="takes whole numbers"):
        read({"words": [[1.5, 2, 3]]}, words=(3, "int64"))


def test_what_a_person_gave_is_neither_shared_nor_changed():
    mine = torch.ones(2, 5)
    read({"meta": mine}, meta=(5,))["meta"].zero_()
    assert bool((mine == 1).all())


def test_a_picture_beside_is_prepared_as_the_images_are():
    picture = np.full((9, 7, 3), 255, np.uint8)
    sizes = {"image": (3, 4, 4), "other": (3, 4, 4)}
    ready = beside(
        open_model(Taker(), input_size=sizes, preprocessing="unit"), {"other": picture}, 2, CPU, torch.float32
    )
    assert ready["other"].shape == (1, 3, 4, 4) and bool((ready["other"] == 1).all())
    with pytest.raises(UsageError, match="pictures of its input 'other' prepared"):
        read({"other": picture}, other=(3, 4, 4))
