"""Fitting there and back: what the network sees, and where on the picture a map lies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seethrough.errors import UsageError
from seethrough.images import USUAL, Geometry, Preprocessing, prepare, preprocessing_named, usual_name
from seethrough.results import Picture


def picture(height, width, seed=0):
    return Picture(np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8), "p")


def test_a_crop_is_what_pil_makes_of_the_shorter_side_and_the_centre():
    batch, (geometry,) = prepare([picture(300, 451)], USUAL["raw"], (224, 224, 3), "channels_last")
    resized = Image.fromarray(picture(300, 451).pixels).resize((385, 256), Image.Resampling.BILINEAR)
    assert geometry.resized == (256, 385) and (geometry.top, geometry.left) == (16, 80)
    assert np.array_equal(batch[0].numpy(), np.asarray(resized, np.float32)[16:240, 80:304])


def test_both_layouts_hold_the_same_numbers():
    last, _ = prepare([picture(40, 60)], USUAL["torch"], (32, 24, 3), "channels_last")
    first, _ = prepare([picture(40, 60)], USUAL["torch"], (3, 32, 24), "channels_first")
    assert last.shape == (1, 32, 24, 3) and first.shape == (1, 3, 32, 24) and first.is_contiguous()
    assert torch.equal(first.permute(0, 2, 3, 1), last) and last.dtype == torch.float32


@pytest.mark.parametrize(
    "name, expected",
    [("raw", [[0, 127.5, 255]]), ("unit", [[0, 0.5, 1]]), ("tf", [[-1, 0, 1]]),
     ("torch", [[-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]]),
     ("caffe", [[255 - 103.939, 127.5 - 116.779, -123.68]])],
)  # fmt: skip
def test_the_usual_arithmetic_is_the_published_one(name, expected):
    # Red 0, green between 127 and 128 (a mean of both), blue 255.
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 2] = 255
    values = []
    for green in (127, 128):
        pixels[..., 1] = green
        batch, _ = prepare([Picture(pixels, "p")], USUAL[name], (8, 8, 3), "channels_last")
        values.append(batch.numpy().mean((0, 1, 2)))
    assert np.allclose(np.mean(values, 0), expected, atol=1e-4)


def test_padding_keeps_the_whole_picture_and_fills_with_the_mean():
    said = preprocessing_named({"name": "tf", "fit": "pad"})
    batch, (geometry,) = prepare([picture(50, 100)], said, (64, 64, 3), "channels_last")
    assert geometry.resized == (32, 64) and geometry.top == -16
    assert (batch[0, :16] == 0).all() and (batch[0, 48:] == 0).all() and (batch[0, 16:48] != 0).any(-1).all()
    _, seen = geometry.to_picture(np.ones((64, 64), np.float32))
    assert seen.all()


@pytest.mark.parametrize("interpolation", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_stretching_beyond_the_input_cuts_the_centre_out_with_any_interpolation(interpolation):
    said = preprocessing_named({"name": "raw", "fit": "stretch", "resize_to": 40, "interpolation": interpolation})
    batch, (geometry,) = prepare([picture(61, 90)], said, (32, 32, 3), "channels_last")
    resized = Image.fromarray(picture(61, 90).pixels).resize((40, 40), Image.Resampling[interpolation.upper()])
    assert geometry.resized == (40, 40) and (geometry.top, geometry.left) == (4, 4)
    assert np.array_equal(batch[0].numpy(), np.asarray(resized, np.float32)[4:36, 4:36])


def test_whole_cuts_nothing_off_and_makes_no_batch_of_different_proportions():
    said = preprocessing_named({"name": "unit", "fit": "whole"})
    batch, (geometry,) = prepare([picture(50, 80)], said, (3, 40, 40), "channels_first")
    assert batch.shape == (1, 3, 40, 64) and geometry.size == geometry.resized == (40, 64)
    assert geometry.to_picture(np.ones((5, 8), np.float32))[1].all()
    with pytest.raises(UsageError, match="one at a time"):
        prepare([picture(50, 80), picture(80, 50)], said, (3, 40, 40), "channels_first")


@pytest.mark.parametrize(
    "rounding, resized, margin", [("nearest", 128, 1), ("torchvision", 127, 2), ("huggingface", 127, 1)]
)
def test_of_parts_of_pixels_each_convention_can_be_said(rounding, resized, margin):
    said = preprocessing_named({"name": "raw", "resize_to": 35, "rounding": rounding})
    _, (geometry,) = prepare([picture(70, 255)], said, (3, 32, 32), "channels_first")
    assert geometry.resized == (35, resized)  # 127.5 pixels long
    assert geometry.top == margin  # 3 pixels to spare: half of it is 1.5


@pytest.mark.parametrize("said", [{"interpolation": "cubic"}, {"rounding": "up"}, {"fit": "squash"}])
def test_a_way_of_fitting_that_there_is_not_is_refused_with_those_that_there_are(said):
    with pytest.raises(UsageError, match=r"one of [a-z, ]+, not '"):
        preprocessing_named({"name": "tf", **said})


def test_arithmetic_is_called_by_its_usual_name_however_it_is_written():
    for name, usual in USUAL.items():
        assert usual_name(usual) == name
    assert usual_name(Preprocessing(scale=1 / 255, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="pad")) == "tf"
    assert usual_name(Preprocessing(scale=1 / 255, mean=(0.5,), std=(0.4,))) == "custom"


def test_grey_networks_get_one_channel():
    said = Preprocessing("unit", scale=1 / 255, channels="L")
    batch, _ = prepare([picture(30, 30)], said, (1, 28, 28), "channels_first")
    assert batch.shape == (1, 1, 28, 28)
    with pytest.raises(UsageError, match="has 1 channels, but its preprocessing makes 3"):
        prepare([picture(30, 30)], USUAL["unit"], (1, 28, 28), "channels_first")


def test_a_network_of_unknown_size_is_refused_with_an_example():
    with pytest.raises(UsageError, match=r"input_size=\(3, 224, 224\)"):
        prepare([picture(30, 30)], USUAL["unit"], None, "channels_first")
    with pytest.raises(UsageError, match="ready tensors"):
        prepare([picture(30, 30)], USUAL["unit"], (10,), "channels_last")


def test_a_crop_larger_than_the_resized_picture_is_refused():
    with pytest.raises(UsageError, match="too small to crop"):
        small = preprocessing_named({"name": "tf", "resize_to": 100})
        prepare([picture(30, 30)], small, (224, 224, 3), "channels_last")


sides = st.integers(4, 300)
inputs = st.integers(8, 70)
middling = st.integers(40, 200)
fits = st.sampled_from(["crop", "stretch", "pad"])


@settings(max_examples=80, deadline=None)
@given(height=sides, width=sides, fit=fits, tall=inputs, wide=inputs)
def test_any_picture_fills_any_input_and_a_flat_map_comes_back_flat(height, width, fit, tall, wide):
    said = preprocessing_named({"name": "raw", "fit": fit})
    blank = Picture(np.full((height, width, 3), 9, np.uint8), "p")
    batch, (geometry,) = prepare([blank], said, (tall, wide, 3), "channels_last")
    assert batch.shape == (1, tall, wide, 3)
    if fit != "pad":
        assert (batch == 9).all()
    for interpolation in ("bilinear", "nearest"):
        back, seen = geometry.to_picture(np.full((5, 7), 3.0, np.float32), interpolation=interpolation)
        assert back.shape == seen.shape == (height, width) and back.dtype == np.float32
        assert np.allclose(back[seen], 3) and (back[~seen] == 0).all()
        assert seen.all() or fit == "crop"


@settings(max_examples=40, deadline=None)
@given(height=middling, width=middling, fit=fits, seed=st.integers(0, 99))
def test_a_spot_that_the_network_sees_comes_back_to_where_it_is_on_the_picture(height, width, fit, seed):
    y, x = np.random.default_rng(seed).uniform((height * 0.3, width * 0.3), (height * 0.7, width * 0.7))
    rows, columns = np.mgrid[:height, :width]
    spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 50)
    given_picture = Picture(np.repeat((spot * 255).astype(np.uint8)[..., None], 3, 2), "p")
    said = preprocessing_named({"name": "raw", "fit": fit})
    batch, (geometry,) = prepare([given_picture], said, (64, 64, 3), "channels_last")
    map_, seen = geometry.to_picture(batch[0, ..., 0].numpy())
    if seen[round(y), round(x)] and map_.max() > 60:
        found = np.unravel_index(map_.argmax(), map_.shape)
        coarse = max(height, width) / 64 + 1.5
        assert abs(found[0] - y) <= coarse and abs(found[1] - x) <= coarse


def test_nearest_gives_every_pixel_the_window_in_which_its_centre_lies():
    geometry = Geometry.same((6, 6))
    windows = np.array([[1, 2], [3, 4]], np.float32)
    back, _ = geometry.to_picture(windows, interpolation="nearest")
    assert np.array_equal(back, np.kron(windows, np.ones((3, 3), np.float32)))


def test_bilinear_is_torchs_where_nothing_was_cropped():
    values = torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    back, seen = Geometry((56, 91), (224, 224), (224, 224)).to_picture(values[0, 0].numpy())
    torchs = torch.nn.functional.interpolate(values, (56, 91), mode="bilinear", align_corners=False)
    assert seen.all() and np.allclose(back, torchs[0, 0].numpy(), atol=1e-6)


def test_a_map_finer_than_the_picture_is_averaged_and_not_skipped():
    values = np.zeros((64, 64), np.float32)
    values[3, 3] = 64  # a spike between the centres of a coarser grid
    back, _ = Geometry((8, 8), (64, 64), (64, 64)).to_picture(values)
    assert back[0, 0] > 0.3 and np.isclose(back.sum(), 1, atol=0.3)


def test_a_map_on_the_inputs_own_grid_comes_back_as_it_was():
    values = np.random.default_rng(0).normal(size=(9, 13)).astype(np.float32)
    back, seen = Geometry.same((9, 13)).to_picture(values)
    assert np.array_equal(back, values) and seen.all()


def test_what_was_cropped_away_is_unseen():
    _, (geometry,) = prepare([picture(100, 200)], USUAL["raw"], (56, 56, 3), "channels_last")
    back, seen = geometry.to_picture(np.ones((7, 7), np.float32))
    # 64 of 100 rows: a crop of 56 leaves 87.5 rows, and as many columns.
    assert abs(int(seen.any(1).sum()) - 87.5) <= 1 and abs(int(seen.any(0).sum()) - 87.5) <= 1
    assert (back == seen).all()


def test_wrong_maps_and_words_are_refused():
    with pytest.raises(UsageError, match="two axes"):
        Geometry.same((4, 4)).to_picture(np.ones((1, 4, 4)))
    with pytest.raises(UsageError, match="not 'cubic'"):
        Geometry.same((4, 4)).to_picture(np.ones((4, 4)), interpolation="cubic")
