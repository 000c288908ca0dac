"""Adding up: a linear network's own contributions are right in every sense, and their negatives wrong."""

import pytest
import torch
from evaluation_material import Sum, Weighted, asked, numbers
from torch import nn

from seethrough.errors import UsageError
from seethrough.evaluation.additivity import (
    faithfulness_correlation,
    infidelity,
    monotonicity,
    said_and_cost,
    sensitivity_n,
)
from seethrough.evaluation.axioms import completeness, non_sensitivity
from seethrough.evaluation.robustness import max_sensitivity

LINEAR = Weighted(2, 12)
PICTURE = torch.randn(3, 2, 12, 12, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@pytest.fixture
def run():
    return asked(LINEAR, PICTURE, index=1)


def test_contributions_of_a_linear_network_correlate_perfectly_and_their_negatives_inversely(run):
    exact = PICTURE * run.gradient()
    for metric in (faithfulness_correlation, sensitivity_n):
        torch.testing.assert_close(metric(run, exact, runs=8, fill="zero"), torch.ones(3, dtype=torch.float64))
        torch.testing.assert_close(metric(run, -exact, runs=8, fill="zero"), -torch.ones(3, dtype=torch.float64))


def test_their_infidelity_is_zero_and_any_scale_of_theirs_too(run):
    exact = PICTURE * run.gradient()
    assert float(infidelity(run, exact, fill="zero", scaled=False).max()) < 1e-20
    assert float(infidelity(run, 7 * exact, fill="zero").max()) < 1e-20
    assert float(infidelity(run, 2 * exact, fill="zero", scaled=False).max()) == pytest.approx(1)


def test_slopes_are_multiplied_by_what_changed(run):
    assert float(infidelity(run, run.gradient(), fill="mean", slopes=True, scaled=False).max()) < 1e-20


def test_a_map_of_zeros_has_an_infidelity_of_one(run):
    nothing = torch.zeros_like(PICTURE)
    torch.testing.assert_close(infidelity(run, nothing, scaled=False), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(infidelity(run, nothing), torch.ones(3, dtype=torch.float64))


def test_a_flat_map_has_no_correlation(run):
    assert faithfulness_correlation(run, torch.ones_like(PICTURE)).isnan().all()


def test_a_pictures_number_does_not_depend_on_its_company(run):
    exact = PICTURE * run.gradient() + torch.rand(PICTURE.shape, generator=torch.Generator().manual_seed(1))
    alone = asked(LINEAR, PICTURE[1:2], index=1)
    for metric in (faithfulness_correlation, sensitivity_n, infidelity, monotonicity, completeness, non_sensitivity):
        torch.testing.assert_close(metric(run, exact)[1:2], metric(alone, exact[1:2]))


def test_a_sum_of_what_is_above_zero_never_falls_and_with_one_below_it_falls_once():
    picture = numbers([1.0, 2.0, 3.0, 4.0])
    assert float(monotonicity(asked(Sum(), picture), picture, fill="zero")) == 1
    picture = numbers([1.0, -2.0, 3.0, 4.0])
    assert float(monotonicity(asked(Sum(), picture), picture, fill="zero")) == 0.75


def test_completeness_says_how_much_is_missing(run):
    exact = PICTURE * run.gradient()
    assert float(completeness(run, exact, fill="zero").max()) < 1e-12
    torch.testing.assert_close(completeness(run, 0.75 * exact, fill="zero"), torch.full((3,), 0.25).double())


class Kinked(nn.Module):
    """ReLU(ReLU(x₁) − 1 − ReLU(x₂)), straight around (3, 1)."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x):
        first, second = x.flatten(1).relu().unbind(1)
        return torch.relu(self.one * first - 1 - second)[:, None]


def test_where_a_network_is_straight_its_slopes_are_right_and_stay():
    picture = numbers([3.0, 1.0])
    run = asked(Kinked(), picture)
    moved = picture - numbers([0.02, -0.01])  # each number alone, and both
    sets = torch.tensor([[[True, False]], [[False, True]], [[True, True]]])[:, None, None]
    said, cost = said_and_cost(run, run.gradient(), sets, moved, slopes=True)
    torch.testing.assert_close(said, cost)
    assert float(max_sensitivity(run, run.gradient(), lambda r: r.gradient())) == 0


@pytest.mark.parametrize(
    ("weights", "values", "share"),
    [
        ([1, 1, 0, 0], [10, 10, 0, 0], 0),  # named where it reads
        ([1, 1, 1, 1], [0, 0, 0, 0], 1),  # reads all, names nothing
        ([0, 0, 0, 0], [1, 1, 1, 1], 1),  # names all, reads nothing
        ([0, 0, 1, 1], [10, 10, 0, 0], 1),  # the wrong half
        ([0, 0, 1, 1], [10, 0, 10, 0], 0.5),
    ],
)
def test_non_sensitivity_counts_each_place_that_is_wrong(weights, values, share):
    network = Weighted(1, 2)
    with torch.no_grad():
        network.weight[0] = torch.tensor(weights, dtype=torch.float64)
    run = asked(network, numbers([1.0, 2.0], [3.0, 4.0]))
    a = torch.tensor(values, dtype=torch.float64).reshape(1, 1, 2, 2)
    assert float(non_sensitivity(run, a, patch=1, fill=0.123)) == share


def test_what_makes_no_sense_is_refused(run):
    with pytest.raises(UsageError, match="runs ≥ 2"):
        faithfulness_correlation(run, PICTURE, runs=1)
    with pytest.raises(UsageError, match="patch ≥ 1"):
        infidelity(run, PICTURE, patch=0)
