"""Localisation and complexity: exact numbers on drawn maps and masks."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from seethrough.errors import UsageError
from seethrough.evaluation import complexity as c
from seethrough.evaluation import localisation as loc

SHARES = (loc.attribution_localisation, loc.relevance_mass, loc.energy_pointing)


def square(top, left, height, width, size=224):
    m = np.zeros((1, size, size))
    m[:, top : top + height, left : left + width] = 1
    return m


@pytest.mark.parametrize("share", SHARES)
def test_all_none_or_half_inside(share):
    mask = square(50, 50, 100, 100)
    assert share(mask, mask)[0] == 1
    assert share(square(0, 0, 50, 50), mask)[0] == 0
    assert share(square(50, 0, 100, 100), mask)[0] == pytest.approx(0.5)


def test_ten_thousand_of_forty_thousand_are_a_quarter():
    mask = square(0, 0, 100, 100)
    assert loc.top_k_intersection(mask, mask, k=40_000)[0] == pytest.approx(0.25)
    assert loc.top_k_intersection(mask, mask, k=10_000)[0] == 1


def test_the_tolerance_is_a_distance_in_pixels():
    mask, peak = square(50, 50, 20, 20), square(50, 84, 1, 1)  # 15 pixels right of the last column of the object
    assert loc.pointing_game(peak, mask)[0] == 0
    assert loc.pointing_game(peak, mask, tolerance=14.9)[0] == 0
    assert loc.pointing_game(peak, mask, tolerance=15)[0] == 1


def test_a_flat_map_points_where_chance_does():
    mask = square(0, 0, 112, 112)
    assert loc.pointing_game(np.ones((1, 224, 224)), mask)[0] == 0.25
    assert loc.auc(np.ones((1, 224, 224)), mask)[0] == 0.5
    assert loc.relevance_rank(np.ones((1, 224, 224)), mask)[0] == pytest.approx(0.25)
    assert loc.top_k_intersection(np.ones((1, 224, 224)), mask, k=10)[0] == pytest.approx(0.25)


def test_among_the_largest_the_share_that_hits_counts():
    m = square(0, 0, 1, 1) + square(223, 223, 1, 1)
    assert loc.pointing_game(m, square(0, 0, 10, 10))[0] == 0.5


def test_area_under_the_curve_is_that_of_scikit_learn_ties_and_all():
    random = np.random.default_rng(0)
    maps = random.integers(0, 9, (4, 20, 20)).astype(float)
    masks = random.random((4, 20, 20)) < 0.3
    wanted = [roc_auc_score(mask.ravel(), m.ravel()) for m, mask in zip(maps, masks)]
    np.testing.assert_allclose(loc.auc(maps, masks), wanted)


def test_evidence_against_counts_as_its_metric_says():
    m = square(0, 0, 10, 10) - 3 * square(100, 100, 10, 10)
    mask = square(0, 0, 10, 10)
    assert loc.attribution_localisation(m, mask)[0] == 1
    assert loc.relevance_mass(m, mask)[0] == 0.25
    assert loc.attribution_localisation(m, mask, weighted=True)[0] == pytest.approx(224**2 / 100)


def test_union_and_intersection_of_what_is_above_a_fifth():
    m = square(0, 0, 20, 10) + 0.15 * square(0, 0, 200, 200)
    assert loc.iou(m, square(0, 0, 10, 10))[0] == pytest.approx(0.5)
    assert loc.iou(m, square(0, 0, 10, 10), threshold=0.1)[0] == pytest.approx(100 / 40_000)


@pytest.mark.parametrize(
    "metric", [*SHARES, loc.pointing_game, loc.relevance_rank, loc.top_k_intersection, loc.auc, loc.iou]
)
def test_where_there_is_no_object_there_is_no_answer(metric):
    assert np.isnan(metric(square(0, 0, 5, 5, 20), np.zeros((1, 20, 20)))[0])


def test_maps_and_masks_of_another_size_are_refused():
    with pytest.raises(UsageError, match="don't fit"):
        loc.auc(np.ones((1, 4, 4)), np.ones((1, 4, 5)))
    with pytest.raises(UsageError, match="0 pixels or more"):
        loc.pointing_game(np.ones((1, 4, 4)), np.ones((1, 4, 4)), tolerance=-1)


def test_gini_is_nothing_for_an_even_map_and_all_but_one_nth_for_one_place():
    even, one = np.full((1, 10, 10), 3.0), square(2, 3, 1, 1, 10)
    assert c.sparseness(even)[0] == pytest.approx(0, abs=1e-12)
    assert c.sparseness(one)[0] == pytest.approx(0.99)
    random = np.random.default_rng(1).normal(size=(1, 8, 8))
    assert c.sparseness(-5 * random)[0] == pytest.approx(c.sparseness(random)[0])


def test_entropy_is_the_logarithm_of_places_for_an_even_map_and_nothing_for_one_place():
    assert c.entropy_complexity(np.full((1, 10, 10), -3.0))[0] == pytest.approx(np.log(100))
    assert c.entropy_complexity(square(2, 3, 1, 1, 10))[0] == 0


def test_places_above_a_part_of_the_largest_are_counted():
    m = np.array([[[1.0, -0.5, 0.011, 0.009]]])
    assert c.effective_complexity(m)[0] == 3


def test_a_map_of_zeros_has_no_complexity():
    for metric in (c.sparseness, c.entropy_complexity, c.effective_complexity):
        assert np.isnan(metric(np.zeros((1, 4, 4)))[0])
