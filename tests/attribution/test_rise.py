"""RISE: against its formula written down again, and against what it must expect on a linear network."""

import numpy as np
import pytest
import torch
from masked_material import correlation, run_of
from torch import nn

from seethrough.attribution import METHODS, Facts
from seethrough.attribution.masks_shifted import rise_grids
from seethrough.attribution.rise import rise
from seethrough.errors import UsageError
from seethrough.results import Passes

X = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(6 * 42, 4)
    ).eval().double()  # fmt: skip


@pytest.mark.parametrize("sampling", ["random", "antithetic", "qmc"])
@pytest.mark.parametrize("p", [0.5, 0.3])
def test_rise_is_the_masks_weighed_by_their_answers(sampling, p):
    module, settings = network(), {"samples": 41, "grid": 5, "p": p, "sampling": sampling, "seed": 4}
    masks = rise_grids((20, 24), 41, 5, p, sampling, 4).masks.some(range(41))[:, 0].double()
    with torch.no_grad():
        answers = torch.stack([module(X * m)[:, 0] for m in masks])
    expected = sum(a[:, None, None] * m for a, m in zip(answers, masks)) / (41 * p)
    found = rise(run_of(module, X), relative=False, **settings)
    torch.testing.assert_close(found.values, expected, rtol=1e-5, atol=1e-7)
    above = sum((a - answers.mean(0))[:, None, None] * m for a, m in zip(answers, masks)) / (41 * p)
    torch.testing.assert_close(rise(run_of(module, X), **settings).values, above, rtol=1e-5, atol=1e-7)


def test_on_a_linear_network_rise_expects_each_place_seen_and_the_others_at_their_chance():
    """``E[f(x ⊙ M) M_u] / p = Σ_v w_v x_v E[M_v M_u] / p``, with the masks' own second moments from other masks."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(2 * 12 * 12, 1, bias=False)).double()
    x = torch.rand(1, 2, 12, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    module[1].weight.data = torch.zeros_like(module[1].weight)
    module[1].weight.data.reshape(2, 12, 12)[:, 2:6, 6:11] = 1.0
    shares = (module[1].weight.data.reshape(2, 12, 12) * x[0]).sum(0).flatten()
    others = rise_grids((12, 12), 16000, 3, 0.5, "random", 99).masks.some(range(16000)).flatten(1).double()
    expected = (others.T @ (others @ shares)) / 16000 / 0.5
    found = rise(run_of(module, x), samples=4000, grid=3, sampling="random", relative=False).values.flatten()
    assert correlation(found, expected) > 0.99
    assert float((found - expected).abs().max()) < 0.05 * float(expected.max())


def test_with_a_cell_for_each_pixel_the_expectation_is_a_closed_form():
    """A grid as fine as the picture and a linear network: seen at full strength, the rest at p."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 1, bias=False)).double()
    x = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = rise(run_of(module, x), samples=4000, grid=1, sampling="qmc", relative=False, p=0.3).values
    total = float(module(x).detach()[0, 0])  # one cell: every mask is all or nothing
    torch.testing.assert_close(found, torch.full_like(found, total), rtol=0.02, atol=0.01)


def test_what_is_said_to_be_chance_is_what_seeds_differ_by():
    runs = [rise(run_of(network(), X), samples=150, grid=4, seed=seed) for seed in range(10)]
    maps = torch.stack([r.values for r in runs])
    error = maps.var(0).mean((1, 2)).sqrt()
    spread = maps.std((2, 3), correction=0).mean(0)
    said = torch.tensor([r.checks["sampling_error"]["share"] for r in runs]).mean(0)
    np.testing.assert_allclose(said, (error / spread).numpy(), rtol=0.3)
    more = rise(run_of(network(), X), samples=1200, grid=4).checks["sampling_error"]["share"]
    assert max(more) < 0.5 * float(said.min())


def test_pairs_take_the_noise_of_a_large_answer_away():
    class Lifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, x):
            return self.inner(x) + 1000

    def noise(**settings):
        maps = [rise(run_of(Lifted(), X[:1]), samples=60, seed=s, relative=False, **settings).values for s in range(6)]
        return float(torch.stack(maps).std(0).mean())

    assert noise(sampling="antithetic") < 0.01 * noise(sampling="random")


def test_an_answer_that_never_changes_has_a_flat_map():
    found = rise(run_of(nn.Flatten(), X.float(), lambda out, rows: out[:, 0] * 0 + 0.1), samples=30)
    assert not found.values.any()


def test_what_is_declared_is_what_is_sent_through():
    run = run_of(network(), X[:1])
    run.scores  # noqa: B018
    rise(run, samples=30)
    declared = METHODS["rise"].passes({"samples": 30}, Facts(20, 24))
    assert run.counter.passes == Passes(1 + declared.forward, declared.backward)


@pytest.mark.parametrize("wrong", [{"samples": 1}, {"grid": 0}, {"p": 0.0}, {"p": 1}, {"sampling": "sobol"}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(UsageError, match=r"rise needs samples ≥ 2|sampling is one of"):
        rise(run_of(network(), X), **wrong)
