"""Every point gets a cell of its own; few exactly as they lie best; and neighbours stay neighbours."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as s

from seethrough.gallery.neighbours import nearest_images, neighbours_kept
from seethrough.gallery.settle import settle
from seethrough.gallery.snap import EXACT, grid_for, snap


@given(number=s.integers(1, 20_000))
def test_a_grid_holds_all_with_few_empty_cells(number):
    rows, columns = grid_for(number)
    assert rows * columns - columns < number <= rows * columns
    if number > 100:
        assert rows * columns - number <= 0.1 * number and 1.1 < columns / rows < 2.3


@settings(max_examples=30, deadline=None)
@given(number=s.integers(1, 120), seed=s.integers(0, 9), alike=s.booleans())
def test_no_two_points_share_a_cell(number, seed, alike):
    points = np.zeros((number, 2)) if alike else np.random.default_rng(seed).normal(size=(number, 2))
    cells = snap(points)
    rows, columns = grid_for(number)
    assert sorted(map(tuple, cells.tolist())) == [divmod(i, columns) for i in range(number)]
    assert cells[:, 0].max() < rows


def test_many_points_are_a_permutation_too():
    number = EXACT + 700
    points = np.random.default_rng(0).normal(size=(number, 2))
    cells = snap(points)
    _, columns = grid_for(number)
    assert np.array_equal(np.sort(cells[:, 0] * columns + cells[:, 1]), np.arange(number))


def test_points_that_lie_on_the_grid_stay_where_they_are():
    rows, columns = 10, 16
    wanted = np.stack(np.divmod(np.arange(160), columns), 1)
    shuffled = np.random.default_rng(0).permutation(160)
    found = snap(wanted[shuffled][:, ::-1].astype(float), (rows, columns))
    assert np.array_equal(found, wanted[shuffled])


def test_few_points_lie_as_well_as_any_order_of_them():
    points = np.random.default_rng(4).normal(size=(6, 2))
    found = snap(points, (2, 3))
    free = np.stack(np.divmod(np.arange(6), 3), 1)
    # turned and stretched to the grid as snap says it does, every one of 720 orders costs at least as much
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(np.cov(centred.T))
    turned = centred @ (axes[:, ::-1] * np.where(np.diag(axes[:, ::-1]) < 0, -1, 1))
    wanted = turned / turned.std(0) * (3, 2) / np.sqrt(12)

    def cost(cells):
        return ((wanted - cells[:, ::-1]) ** 2).sum()

    assert cost(found) <= min(cost(free[list(order)]) for order in itertools.permutations(range(6))) + 1e-9


@pytest.fixture(scope="module")
def bent():
    """Points on a bent sheet in 12 dimensions, as images are."""
    random = np.random.default_rng(2)
    place = random.uniform(-2, 2, (1_200, 3))
    return np.tanh(place @ random.normal(size=(3, 12))).astype(np.float32), place


def test_neighbours_are_kept_and_settling_keeps_more(bent):
    vectors, place = bent
    near = nearest_images(vectors, 10)
    snapped = snap(place[:, :2].astype(float))
    settled = settle(snapped, near)
    assert sorted(map(tuple, settled.tolist())) == sorted(map(tuple, snapped.tolist()))
    before, after = neighbours_kept(near, snapped), neighbours_kept(near, settled)
    assert before.chance < 0.3 and before.kept > 5 * before.chance
    assert after.kept > before.kept + 0.3


def test_settling_leaves_very_few_alone():
    cells = np.array([[0, 0], [0, 1]], np.int32)
    assert np.array_equal(settle(cells, np.array([[1], [0]], np.int32)), cells)
