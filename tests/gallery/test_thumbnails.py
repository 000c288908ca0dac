"""The thumbnail and its map show the same square."""

import numpy as np

from seethrough.gallery.thumbnails import side_for, small_map, thumbnail
from seethrough.images import Geometry


def test_a_thumbnail_is_the_middle_square():
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, 30:70] = 200
    small = thumbnail(pixels, 16)
    assert small.shape == (16, 16, 3) and small.min() > 180


def test_a_tiny_picture_keeps_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.array_equal(thumbnail(pixels, 32), pixels.repeat(4, 0).repeat(4, 1))


def test_a_map_lies_where_its_place_is_on_the_square():
    values = np.zeros((8, 8), np.float32)
    values[2, 5] = 3.0
    codes, largest = small_map(values, Geometry.same((64, 64)), 8)
    assert largest == 3.0 and np.unravel_index(codes.argmax(), codes.shape) == (2, 5) and codes.max() == 255


def test_a_map_of_a_wide_picture_is_cut_as_the_picture_is():
    geometry = Geometry(picture=(50, 150), resized=(32, 96), size=(32, 96))
    values = np.zeros((4, 12), np.float32)
    values[:, :4] = 5.0
    codes, largest = small_map(values, geometry, 12)
    assert largest < 2.6 and codes[:, 2:].max() == 0


def test_what_the_network_never_saw_is_nothing():
    geometry = Geometry(picture=(60, 60), resized=(60, 60), size=(30, 30), top=15, left=15)
    codes, _ = small_map(np.ones((3, 3), np.float32), geometry, 12)
    assert codes[:3].max() == 0 and codes[5:7, 5:7].min() == 255


def test_a_map_of_nothing_has_no_largest():
    codes, largest = small_map(np.full((3, 3), np.nan, np.float32), Geometry.same((9, 9)), 6)
    assert largest == 0 and not codes.any()


def test_more_images_have_smaller_thumbnails():
    sides = [side_for(n) for n in (1, 500, 2_000, 5_000, 50_000)]
    assert sides == sorted(sides, reverse=True) and len(set(sides)) == 5
