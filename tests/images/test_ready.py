"""Ready tensors: refused where they can't run, noted where they can't be meant."""

import numpy as np
import pytest
import torch

from seethrough.errors import InputRefused
from seethrough.images import USUAL, check_ready, is_ready, pictures_of, prepare
from seethrough.results import Picture


def photo(seed=0):
    random = np.random.default_rng(seed)
    return Picture(np.clip(random.normal(118, 62, (64, 64, 3)), 0, 255).astype(np.uint8), "p")


def prepared(name, layout="channels_first"):
    size = (3, 32, 32) if layout == "channels_first" else (32, 32, 3)
    return prepare([photo(0), photo(1)], USUAL[name], size, layout)[0]


def test_uint8_arrays_are_pictures_and_everything_else_is_ready():
    assert not is_ready(np.zeros((4, 4, 3), np.uint8)) and not is_ready("a.jpg")
    assert is_ready(np.zeros((1, 4, 4, 3), np.float32)) and is_ready(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("wanted", USUAL)
def test_a_photo_prepared_as_the_network_wants_is_not_doubted(wanted):
    batch, notes = check_ready(prepared(wanted), USUAL[wanted], (3, 32, 32), "channels_first")
    assert notes == () and batch.dtype == torch.float32


MISTAKEN = [("raw", "tf"), ("raw", "torch"), ("raw", "unit"),
            ("unit", "caffe"), ("unit", "tf"), ("unit", "torch"), ("unit", "raw"),
            ("tf", "unit"), ("tf", "caffe"), ("tf", "raw"), ("torch", "unit"), ("torch", "caffe"), ("torch", "raw"),
            ("caffe", "tf"), ("caffe", "torch"), ("caffe", "unit"), ("caffe", "raw")]  # fmt: skip


@pytest.mark.parametrize("made, wanted", MISTAKEN)
def test_a_photo_prepared_for_another_network_is_noted(made, wanted):
    _, notes = check_ready(prepared(made), USUAL[wanted], (3, 32, 32), "channels_first")
    (note,) = notes
    assert note.name == "range_does_not_fit" and note.level == "warning"
    looks = {"raw": "0…255", "unit": "0…1", "tf": "-1…1", "torch": "other", "caffe": "other"}
    assert note.numbers["looks_like"] == looks[made]
    assert (note.numbers["expected_low"], note.numbers["expected_high"]) == USUAL[wanted].interval


def test_zeros_are_a_baseline_and_nothing_is_said_without_a_preprocessing():
    assert check_ready(torch.zeros(1, 3, 8, 8), USUAL["raw"], None, "channels_first")[1] == ()
    assert check_ready(prepared("raw"), None, None, "channels_first")[1] == ()


@pytest.mark.parametrize(
    "tensor, layout, words",
    [(torch.zeros(1, 32, 32, 3), "channels_first", r"permute\(0, 3, 1, 2\)"),
     (torch.zeros(1, 3, 32, 32), "channels_last", r"permute\(0, 2, 3, 1\)"),
     (torch.zeros(3, 32, 32), "channels_first", r"x\[None\]"),
     (torch.zeros(1, 7, 32, 32), "channels_first", "has 7 channels"),
     (torch.zeros(1, 3, 32, 32).long(), "channels_first", "int64"),
     (torch.zeros(1, 3, 4, 32, 32), "channels_first", "has the shape"),
     (torch.zeros(0, 3, 32, 32), "channels_first", "is empty"),
     (torch.full((1, 3, 32, 32), float("nan")), "channels_first", "NaN")],
)  # fmt: skip
def test_what_can_not_run_is_refused_with_the_way_out(tensor, layout, words):
    size = (3, 32, 32) if layout == "channels_first" else (32, 32, 3)
    with pytest.raises(InputRefused, match=words):
        check_ready(tensor, USUAL["unit"], size, layout)


def test_channels_in_the_other_place_are_seen_without_an_input_size():
    with pytest.raises(InputRefused, match="permute"):
        check_ready(torch.zeros(1, 32, 40, 3), None, None, "channels_first")
    check_ready(torch.zeros(1, 12, 40, 40), None, None, "channels_first")  # twelve bands are somebody's network


def test_the_persons_tensor_is_neither_shared_nor_changed():
    mine = torch.rand(1, 3, 8, 8, requires_grad=True)
    batch, _ = check_ready(mine, None, None, "channels_first")
    assert batch.data_ptr() != mine.data_ptr() and not batch.requires_grad and mine.requires_grad
    array = np.random.default_rng(0).random((1, 3, 8, 8))
    assert check_ready(array, None, None, "channels_first")[0].dtype == torch.float64
    assert check_ready(array.astype(np.float16), None, None, "channels_first")[0].dtype == torch.float32


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("name", USUAL)
def test_a_prepared_photo_turns_back_into_its_own_pixels(name, layout):
    size = (3, 32, 32) if layout == "channels_first" else (32, 32, 3)
    batch, _ = prepare([photo()], USUAL[name], size, layout)
    plain, _ = prepare([photo()], USUAL["raw"], (32, 32, 3), "channels_last")
    (picture,) = pictures_of(batch, USUAL[name], layout)
    assert np.array_equal(picture.pixels, plain[0].numpy().astype(np.uint8))
    assert [note.name for note in picture.notes] == ["picture_from_tensor"]


def test_numbers_that_are_no_pixels_are_stretched_and_noted():
    (picture,) = pictures_of(torch.linspace(-7, 900, 2 * 6 * 6).reshape(1, 2, 6, 6), None, "channels_first")
    assert picture.pixels.shape == (6, 6, 3) and "stretched_to_pixels" in {note.name for note in picture.notes}
    (flat,) = pictures_of(torch.full((1, 3, 6, 6), 5.0), None, "channels_first")
    assert flat.pixels.shape == (6, 6, 3)
