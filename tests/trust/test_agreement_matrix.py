"""How alike maps are, and where two that are believed differ."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from trust_material import drawn, noise, run_of

from seethrough.results import Trust
from seethrough.trust import agreement, disagreement

GOOD, POOR = Trust("carries_weight"), Trust("with_care")


def network(x):
    return x.mean((2, 3))


def test_it_is_spearmans_by_cells_between_each_two():
    run = run_of(network, noise(2, 3, 28, 28))
    cases = [drawn(noise(2, 28, 28, seed=k)) for k in range(3)]
    table = agreement(run, cases)
    assert table.shape == (2, 3, 3) and table.dtype == np.float32
    assert np.allclose(table, table.transpose(0, 2, 1)) and (table[:, range(3), range(3)] == 1).all()
    a, b = (case.values[1].double().reshape(14, 2, 14, 2).mean((1, 3)).numpy() for case in cases[:2])
    assert table[1, 0, 1] == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-6)


def test_a_coarse_map_and_a_fine_one_of_the_same_agree():
    coarse = noise(1, 7, 7)
    fine = torch.nn.functional.interpolate(coarse[:, None], (56, 56), mode="bilinear")[:, 0]
    run = run_of(network, noise(1, 3, 56, 56))
    assert agreement(run, [drawn(coarse), drawn(fine + 0.001 * noise(1, 56, 56))])[0, 0, 1] > 0.99


def test_slopes_agree_with_what_has_their_size():
    signed = noise(1, 28, 28) - 0.5
    slopes = drawn(signed.abs(), measures="slope", signed=False)
    run = run_of(network, noise(1, 3, 28, 28))
    with_size = agreement(run, [drawn(signed), slopes])[0, 0, 1]
    as_it_is = agreement(run, [drawn(signed), drawn(signed.abs())])[0, 0, 1]
    assert with_size == pytest.approx(1) and as_it_is < 0.9


def test_where_two_good_ones_differ_is_told_with_both_shares():
    run = run_of(network, noise(1, 3, 30, 30))
    upper, lower = torch.zeros(1, 30, 30), torch.zeros(1, 30, 30)
    upper[:, :10, :10], lower[:, 20:, 20:] = 1, 1
    upper[:, 20:, 20:] = 0.25
    both = [drawn(upper, name="first"), drawn(lower, name="second"), drawn(-upper, name="third")]
    found = disagreement(run, both, [(GOOD,), (GOOD,), (POOR,)])
    assert (found.first, found.second, found.region) == ("first", "second", "upper_left")
    assert found.shares == pytest.approx((0.8, 0))
    assert disagreement(run, both, [(GOOD,), (POOR,), (POOR,)]) is None
