"""The planted truth is the truth: the networks answer by it and by nothing else."""

import numpy as np
import pytest
import torch

from seethrough.trust import planted as bank


@pytest.fixture(scope="module", params=list(bank.FAMILIES))
def made(request):
    return bank.planted(request.param, 4, seed=11)


def answers(made, pictures, targets=None):
    targets = made.targets if targets is None else targets
    return made.network(pictures).gather(1, targets[:, None])[:, 0]


def test_the_target_stands_and_falls_with_its_truth(made):
    x, truth = made.pictures, made.truth[:, None]
    empty = x.mean((2, 3), keepdim=True).expand_as(x)
    nothing = answers(made, empty)
    rise = answers(made, x) - nothing
    lost = rise - (answers(made, torch.where(truth, empty, x)) - nothing)
    left = answers(made, torch.where(truth, x, empty)) - nothing
    assert (rise > 0.1).all() and (lost > 0.75 * rise).all() and (left > 0.75 * rise).all()


def test_covering_any_place_away_from_the_truth_costs_little(made):
    x, size = made.pictures, 7
    rise = answers(made, x) - answers(made, x.mean((2, 3), keepdim=True).expand_as(x))
    for top in range(0, bank.SIZE, size):
        for left in range(0, bank.SIZE, size):
            covered = x.clone()
            place = (..., slice(top, top + size), slice(left, left + size))
            covered[place] = x.mean((2, 3), keepdim=True)
            far = ~made.truth[:, max(0, top - 5) : top + size + 5, max(0, left - 5) : left + size + 5].any(2).any(1)
            cost = (answers(made, x) - answers(made, covered)).abs()
            assert (cost[far] < 0.15 * rise[far]).all()


def test_the_other_class_answers_too_and_not_by_the_same_places(made):
    x, truth = made.pictures, made.truth[:, None]
    empty = x.mean((2, 3), keepdim=True).expand_as(x)
    nothing = answers(made, empty, made.others)
    rise = answers(made, x, made.others) - nothing
    assert (rise > 0.1).all()
    assert (answers(made, torch.where(truth, empty, x), made.others) - nothing > 0.7 * rise).all()


def test_a_seed_makes_the_same_and_another_another(made):
    again = bank.planted(made.family, 4, seed=11)
    assert torch.equal(again.pictures, made.pictures) and torch.equal(again.truth, made.truth)
    assert all(
        torch.equal(a, b) for a, b in zip(again.network.state_dict().values(), made.network.state_dict().values())
    )
    assert not torch.equal(bank.planted(made.family, 4, seed=12).pictures, made.pictures)


def test_its_graph_can_be_written_down_and_asked(made):
    run = made.run(rows=slice(0, 2))
    assert run.graph.source == "fake"
    torch.testing.assert_close(run.scores, answers(made, made.pictures)[:2])


def test_the_groups_have_no_family_in_common():
    assert not set(bank.CALIBRATION) & set(bank.HELD_OUT)
    assert set(bank.CALIBRATION) | set(bank.HELD_OUT) == set(bank.FAMILIES)


def test_signs_have_little_in_common():
    drawn = bank.signs(np.random.default_rng(0), 6)
    likeness = np.einsum("ahw,bhw->ab", drawn, drawn) / (drawn[0] ** 2).sum()
    assert np.allclose(np.diag(likeness), 1) and (likeness - np.eye(6)).max() < 0.4
