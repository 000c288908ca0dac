"""Pictures and maps shrink to the same size, and a map keeps the mean of what was seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seethrough.show.shrink import shrink_map, shrink_pixels


def test_each_cell_is_the_mean_of_what_was_seen():
    random = np.random.default_rng(0)
    m = random.normal(size=(60, 90)).astype(np.float32)
    seen = np.zeros(m.shape, bool)
    seen[:, 15:75] = True
    small, small_seen = shrink_map(m, seen, 30)
    assert small.shape == (20, 30) and small_seen.sum() == 20 * 20
    blocks = m.reshape(20, 3, 30, 3).mean((1, 3))
    assert small[small_seen] == pytest.approx(blocks[small_seen], abs=1e-5)


def test_what_fits_already_stays_as_it_is():
    m = np.arange(12, dtype=np.float32).reshape(3, 4)
    seen = m > 2
    small, small_seen = shrink_map(m, seen, 4)
    assert (small == np.where(seen, m, 0)).all() and (small_seen == seen).all()
    pixels = np.zeros((3, 4, 3), np.uint8)
    assert shrink_pixels(pixels, 4) is pixels


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 60))
def test_a_picture_and_its_map_always_end_at_the_same_size(height, width, side):
    small, _ = shrink_map(np.ones((height, width), np.float32), np.ones((height, width), bool), side)
    pixels = shrink_pixels(np.zeros((height, width, 3), np.uint8), side)
    assert small.shape == pixels.shape[:2] and max(small.shape) == min(side, max(height, width))
    assert small == pytest.approx(1)
