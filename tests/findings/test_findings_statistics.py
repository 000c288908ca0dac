"""Intervals and chances against SciPy and closed forms."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from seethrough.findings.statistics import bootstrap, holm, mcnemar, proportion, sign_flips

D = np.random.default_rng(0).normal(0.3, 1, 80)


def test_the_bootstrap_is_scipys():
    ours = bootstrap(D)
    theirs = stats.bootstrap((D,), np.mean, n_resamples=10_000, method="percentile", random_state=1).confidence_interval
    assert ours.value == pytest.approx(D.mean()) and ours.n == 80
    assert ours.low == pytest.approx(theirs.low, abs=0.02) and ours.high == pytest.approx(theirs.high, abs=0.02)


def test_columns_of_a_row_are_drawn_together():
    """Two nearly equal columns differ by little, however much their rows do."""
    pair = np.stack([10 * D, 10 * D + 0.1], 1)
    found = bootstrap(pair, lambda drawn: (drawn[..., 1] - drawn[..., 0]).mean(1))
    assert found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)


def test_rows_that_belong_together_count_once():
    """Each picture ten times over is no more certain than once."""
    few = bootstrap(D[:20])
    many = bootstrap(np.repeat(D[:20], 10), clusters=np.repeat(np.arange(20), 10), draws=4000)
    assert many.n == 20 and many.low == pytest.approx(few.low, abs=0.05)
    assert bootstrap(np.repeat(D[:20], 10)).low > few.low + 0.05


def test_one_picture_says_nothing():
    assert bootstrap([0.5]).low == -np.inf and sign_flips([]) == 1 and sign_flips([0.0, 0.0]) == 1


@pytest.mark.parametrize("n", [5, 11])
def test_few_differences_are_permuted_exactly(n):
    d = D[:n]
    means = [np.dot(s, d) for s in product((-1, 1), repeat=n)]
    assert sign_flips(d) == pytest.approx(np.mean(np.array(means) >= d.sum() - 1e-9))


def test_many_differences_are_permuted_as_scipy_does():
    theirs = stats.permutation_test(
        (D,), np.mean, permutation_type="samples", n_resamples=10_000, alternative="greater", random_state=2
    ).pvalue
    assert sign_flips(D) == pytest.approx(theirs, abs=0.003)


def test_a_chance_is_never_zero():
    assert 0 < sign_flips(np.ones(100)) <= 2 / 10_001


def test_differences_without_a_direction_are_small_by_chance_alone():
    chance = np.random.default_rng(3)
    found = [sign_flips(chance.normal(0, 1, 40), draws=500, seed=k) for k in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_mcnemar_is_the_binomial_of_what_changed():
    before = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], bool)
    after = np.array([1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0], bool)
    assert mcnemar(before, after) == pytest.approx(stats.binomtest(7, 8).pvalue)
    assert mcnemar(before, before) == 1


def test_a_share_and_its_interval():
    found = proportion(48, 50)
    theirs = stats.binomtest(48, 50).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((0.96, theirs.low, theirs.high))
    assert proportion(0, 0).n == 0
