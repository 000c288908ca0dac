"""LIME: its regression is the one that was asked for, and on a linear game it finds the game."""

import numpy as np
import pytest
import torch
from masked_material import correlation, game, run_of, shapley, tangled, values_of

from seethrough.attribution.lime import halves, lime, regressed
from seethrough.errors import UsageError

WEIGHTS = torch.tensor([3.0, -1, 0, 0.5, 2, 0, 0, -4], dtype=torch.float64)


def additive(z):
    return z @ WEIGHTS.to(z) + 7


def test_on_an_additive_game_the_slopes_are_the_games():
    found = lime(game(additive), cells=(2, 4), fill="zero", penalty=0.0, samples=200)
    torch.testing.assert_close(values_of(found, (2, 4)), WEIGHTS, rtol=1e-6, atol=1e-6)
    assert found.checks["linear_fit"]["share"][0] == pytest.approx(1)


def test_the_map_is_the_weighted_ridge_that_the_paper_describes():
    """Rewritten with explicit weights and an intercept column, in NumPy."""
    worth, samples, width, penalty = tangled(8), 60, 0.4, 0.5
    found = values_of(
        lime(game(worth), cells=(2, 4), fill="zero", samples=samples, width=width, penalty=penalty), (2, 4)
    )
    z = np.vstack([np.ones(8), halves(8, samples, 0).numpy()])
    y = worth(torch.from_numpy(z)).numpy()
    cosine = z.sum(1) / np.sqrt(np.maximum(z.sum(1), 1e-300) * 8)
    weights = np.exp(-((1 - cosine) ** 2) / width**2)
    design = np.hstack([z, np.ones((len(z), 1))])
    ridge = np.diag([penalty] * 8 + [0])
    beta = np.linalg.solve(design.T @ (weights[:, None] * design) + ridge, design.T @ (weights * y))[:8]
    np.testing.assert_allclose(found.numpy(), beta, rtol=1e-6, atol=1e-9)


def test_a_lasso_is_where_no_slope_can_be_changed_to_advantage():
    chance = np.random.default_rng(0)
    z, weights = torch.from_numpy((chance.random((80, 8)) < 0.5) * 1.0), torch.from_numpy(chance.random(80))
    y = additive(z) + torch.from_numpy(chance.normal(0, 0.3, 80))
    beta, fit = regressed(z, y, weights, "lasso", 0.2)
    share = weights / weights.sum()
    z, y = z - share @ z, y - share @ y
    slope = (z * weights[:, None]).T @ (y - z @ beta)
    least = 0.2 * float(((z * weights[:, None]).T @ y).abs().max())
    on = beta != 0
    assert 2 <= int(on.sum()) < 8 and 0 < fit < 1
    torch.testing.assert_close(slope[on], least * beta[on].sign(), rtol=1e-6, atol=1e-6)
    assert (slope[~on].abs() <= least * (1 + 1e-6)).all()
    assert not regressed(z, y, weights, "lasso", 1.0)[0].any()


def test_a_lasso_is_scikit_learns():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with the extra `data`")
    z = (torch.rand(100, 8, generator=torch.Generator().manual_seed(0)) < 0.5).double()
    y, weights = tangled(8)(z), torch.rand(100, generator=torch.Generator().manual_seed(1)).double()
    share = weights / weights.sum()
    most = float(((z - share @ z) * weights[:, None]).T.mv(y - share @ y).abs().max())
    theirs = linear_model.Lasso(alpha=0.1 * most / float(weights.sum()), tol=1e-10, max_iter=100000)
    theirs.fit(z.numpy(), y.numpy(), sample_weight=weights.numpy())
    ours, fit = regressed(z, y, weights, "lasso", 0.1)
    np.testing.assert_allclose(ours.numpy(), theirs.coef_, rtol=1e-4, atol=1e-6)
    assert fit == pytest.approx(theirs.score(z.numpy(), y.numpy(), sample_weight=weights.numpy()), rel=1e-6)


@pytest.mark.parametrize("regression", ["ridge", "lasso"])
def test_slopes_go_with_the_exact_shapley_values(regression):
    worth = tangled(9, seed=3)
    found = lime(game(worth, (3, 3)), cells=3, fill="zero", regression=regression, penalty=0.001, width=1.0)
    assert correlation(values_of(found, (3, 3)), shapley(worth, 9)) > 0.98


def test_an_answer_that_never_changes_has_no_slopes():
    found = lime(game(lambda z: z[:, 0] * 0 + 3), cells=(2, 4), samples=20)
    assert not found.values.any() and found.checks["linear_fit"]["share"] == [0.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": 1}, "samples ≥ 2 and width > 0"),
        ({"width": 0.0}, "samples ≥ 2 and width > 0"),
        ({"regression": "tree"}, "one of ridge, lasso, not 'tree'"),
        ({"regression": "tree", "penalty": 1.0}, "one of ridge, lasso, not 'tree'"),
        ({"penalty": -1.0}, "penalty is at least 0"),
        ({"regression": "lasso", "penalty": 2.0}, "with lasso at most 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        lime(game(additive), **wrong)


def test_samples_are_the_same_for_every_picture_and_leave_the_random_state():
    run = run_of(torch.nn.Flatten(), torch.rand(1, 1, 3, 3).repeat(2, 1, 1, 1), lambda out, rows: out.sum(1))
    before = torch.random.get_rng_state()
    found = lime(run, samples=10)
    assert torch.equal(found.values[0], found.values[1])
    assert torch.equal(torch.random.get_rng_state(), before)
