"""Shapley values: by three ways the same, equal to their definition, and adding up."""

import pytest
import torch
from masked_material import correlation, game, run_of, shapley, tangled, values_of
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.attribution.shapley import (
    constrained,
    every_coalition,
    exact,
    kernel_design,
    kernel_shap,
    shapley_sampling,
)
from seethrough.errors import UsageError
from seethrough.results import Passes

BOTH = {"kernel_shap": kernel_shap, "shapley_sampling": shapley_sampling}


@pytest.mark.parametrize("method", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("along", [(1, 2), (1, 3), (2, 3), (2, 4)])
def test_where_all_coalitions_fit_the_values_are_exact(method, along):
    d = along[0] * along[1]
    worth = tangled(d, seed=d)
    found = method(game(worth, along), cells=along, fill="zero", samples=1000)
    torch.testing.assert_close(values_of(found, along), shapley(worth, d), rtol=1e-8, atol=1e-9)
    assert found.checks["all_coalitions"]["count"] == 2**d


@pytest.mark.parametrize("method", BOTH.values(), ids=BOTH)
def test_the_published_values_of_three_numbers(method):
    """Captum's network: 76.667, 196.667 and 116.667."""

    class MultiLayer(nn.Module):
        def forward(self, x):
            x = x.flatten(1).sum(1, keepdim=True) + torch.tensor([-10.0, 1, 1, 1])
            return x.relu().sum(1, keepdim=True) - 1

    run = run_of(MultiLayer(), torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3))
    found = method(run, cells=(1, 3), fill="zero", samples=20).values.flatten().tolist()
    assert found == pytest.approx([76.66667, 196.66667, 116.66667], abs=1e-4)


def test_one_segment_has_all_there_is():
    whole = torch.zeros(8, 16, dtype=torch.long)
    for method in BOTH.values():
        found = method(game(lambda z: z.sum(1)), segments=whole, fill="zero")
        assert torch.equal(found.values, torch.full((1, 8, 16), 8.0, dtype=torch.float64))


@pytest.mark.parametrize(("name", "samples"), [("kernel_shap", 300), ("kernel_shap", 100), ("shapley_sampling", 12)])
def test_with_fewer_samples_the_values_still_go_with_the_exact_ones_and_add_up(name, samples):
    worth = tangled(10, seed=1)
    found = BOTH[name](game(worth, (2, 5)), cells=(2, 5), fill="zero", samples=samples)
    values = values_of(found, (2, 5))
    assert correlation(values, shapley(worth, 10)) > 0.98
    ends = worth(torch.stack([torch.zeros(10), torch.ones(10)]).double())
    assert float(values.sum()) == pytest.approx(float(ends[1] - ends[0]), abs=1e-9)
    check = found.checks["efficiency"]
    assert check["sum"][0] == pytest.approx(check["rise"][0]) and check["gaps"][0] < 1e-9
    assert "all_coalitions" not in found.checks


def test_what_is_said_to_be_chance_is_about_what_is_wrong():
    worth, off, said = tangled(10, seed=1), [], []
    truth = shapley(worth, 10)
    for seed in range(8):
        found = shapley_sampling(game(worth, (2, 5)), cells=(2, 5), fill="zero", samples=16, seed=seed)
        off.append(float((values_of(found, (2, 5)) - truth).square().mean().sqrt() / truth.std(correction=0)))
        said.append(found.checks["sampling_error"]["share"][0])
    assert sum(said) == pytest.approx(sum(off), rel=0.35)


def test_pairs_are_exact_where_segments_act_in_pairs():
    """An order and the same backwards cancel every interaction of two."""
    chance = torch.Generator().manual_seed(0)
    pairs, alone = torch.randn(12, 12, generator=chance).double(), torch.randn(12, generator=chance).double()
    found = shapley_sampling(
        game(lambda z: ((z @ pairs.to(z)) * z).sum(1) + z @ alone.to(z), (3, 4)), cells=(3, 4), fill="zero", samples=2
    )
    both = pairs + pairs.T
    expected = alone + pairs.diag() + (both.sum(1) - 2 * pairs.diag()) / 2
    torch.testing.assert_close(values_of(found, (3, 4)), expected, rtol=1e-9, atol=1e-9)


def test_a_segment_that_does_nothing_has_nothing_and_two_that_do_the_same_have_the_same():
    found = shapley_sampling(
        game(lambda z: z[:, 1] * z[:, 2] * (1 + z[:, 4]), (2, 3)), cells=(2, 3), fill="zero", samples=20
    )
    values = values_of(found, (2, 3))
    assert values[0] == values[3] == values[5] == 0 and values[1] == values[2] > 0


def test_the_design_of_all_coalitions_weighs_as_the_kernel_does():
    coalitions, weights = kernel_design(4, 14, 0)
    assert len(coalitions) == 14 and torch.equal(coalitions, every_coalition(4))
    by_size = {int(c.sum()): float(w) for c, w in zip(coalitions, weights)}
    assert by_size == {1: pytest.approx(3 / (4 * 3)), 2: pytest.approx(3 / (6 * 2 * 2)), 3: pytest.approx(3 / (4 * 3))}


def test_a_design_lists_the_weightiest_sizes_and_draws_the_others_in_pairs():
    coalitions, weights = kernel_design(20, 400, 0)
    sizes = coalitions.sum(1)
    assert len(coalitions) == 400
    assert len(coalitions[:40].unique(dim=0)) == 40 and set(sizes[:40].tolist()) == {1, 19}
    assert torch.equal(coalitions[40::2], ~coalitions[41::2])
    total = {s: 19 / (s * (20 - s)) for s in range(1, 20)}
    assert float(weights[:40].sum()) == pytest.approx(2 * total[1]) and float(weights.sum()) == pytest.approx(
        sum(total.values())
    )
    shares = torch.bincount(sizes[40:], minlength=20) / 360
    expected = torch.tensor([0, 0, *[total[s] for s in range(2, 19)], 0]) / sum(total[s] for s in range(2, 19))
    assert float((shares - expected).abs().max()) < 0.05


def test_the_least_squares_are_those_under_the_constraint():
    """No move that keeps the sum makes the weighted squares smaller."""
    chance = torch.Generator().manual_seed(0)
    z, y, w = (torch.rand(*shape, generator=chance).double() for shape in ((40, 5), (40,), (40,)))
    found = constrained(z, y, w, torch.tensor(2.0).double())
    assert float(found.sum()) == pytest.approx(2)
    slope = z.T @ (w * (y - z @ found))
    assert float((slope - slope.mean()).abs().max()) < 1e-9


def test_exact_values_of_many_pictures_at_once():
    worths = [tangled(5, seed) for seed in (1, 2)]
    all_ = torch.cat([torch.zeros(1, 5), every_coalition(5).double(), torch.ones(1, 5)]).double()
    for worth in worths:
        v = worth(all_)
        torch.testing.assert_close(exact(v[1:-1], v[0], v[-1]), shapley(worth, 5))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("kernel_shap", {"samples": 60}),
        ("kernel_shap", {"samples": 60, "cells": 2}),
        ("kernel_shap", {"samples": 61, "cells": (2, 5)}),
        ("shapley_sampling", {"samples": 3}),
        ("shapley_sampling", {"samples": 30, "cells": 2}),
        ("shapley_sampling", {"samples": 5, "segments": torch.arange(128).reshape(8, 16) // 13}),
    ],
)
def test_what_is_declared_is_what_is_sent_through(name, settings):
    run = game(tangled(8))
    run.scores  # noqa: B018
    BOTH[name](run, **settings)
    declared = METHODS[name].passes(settings, Facts(8, 16))
    assert run.counter.passes == Passes(1 + declared.forward, declared.backward)


def test_superpixels_of_two_pictures_have_their_own_values_that_add_up():
    pytest.importorskip("skimage", reason="scikit-image isn't installed; it comes with the extra `data`")
    torch.manual_seed(0)
    net = st.open(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 22 * 22, 2)).double())
    x = torch.nn.functional.interpolate(torch.rand(2, 3, 6, 6, dtype=torch.float64), 24)
    found = st.kernel_shap(net, x, 1, segments="slic", cells=4, samples=100)
    alone = st.kernel_shap(net, x[1:], 1, segments="slic", cells=4, samples=100)
    assert abs(found.values[1] - alone.values[0]).max() < 1e-6
    assert all(n.numbers["gaps"] < 1e-5 for n in found.checks if n.name == "efficiency")


@pytest.mark.parametrize("method", BOTH.values(), ids=BOTH)
def test_no_samples_are_refused(method):
    with pytest.raises(UsageError, match="needs samples ≥"):
        method(game(tangled(8)), samples=0)
