"""Neighbours against counting by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as s

from seethrough.gallery.neighbours import nearest_images, neighbours_kept


@settings(max_examples=25, deadline=None)
@given(number=s.integers(2, 60), count=s.integers(1, 12), seed=s.integers(0, 5))
def test_the_nearest_are_those_of_brute_force(number, count, seed):
    points = np.random.default_rng(seed).normal(size=(number, 4)).astype(np.float32)
    found = nearest_images(points, count)
    assert found.shape == (number, min(count, number - 1))
    distances = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    wanted = np.sort(distances, 1)[:, : found.shape[1]]
    assert np.allclose(np.take_along_axis(distances, found, 1), wanted, atol=1e-3)


def test_what_hangs_in_its_own_order_keeps_all():
    vectors = np.arange(200, dtype=np.float32)[:, None]
    cells = np.stack([np.zeros(200), np.arange(200)], 1).astype(np.int32)
    kept = neighbours_kept(nearest_images(vectors, 4), cells, around=8)
    assert kept.kept == 4 and (kept.near, kept.around) == (4, 8)


def test_what_hangs_anyhow_keeps_what_chance_gives():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(900, 6)).astype(np.float32)
    cells = np.stack(np.divmod(random.permutation(900), 30), 1).astype(np.int32)
    kept = neighbours_kept(nearest_images(vectors, 10), cells)
    assert kept.kept == pytest.approx(kept.chance, rel=0.25) and kept.chance == pytest.approx(10 * 30 / 899)


def test_one_image_has_no_neighbours():
    assert neighbours_kept(nearest_images(np.ones((1, 3), np.float32), 10), np.zeros((1, 2), np.int32)).near == 0
