"""Answers to masked pictures: each to its picture and its mask, asked for once whoever asks."""

import numpy as np
import pytest
import torch
from masked_material import game, run_of, tangled
from torch import nn

from seethrough.attribution import masked
from seethrough.attribution.extremal import extremal_perturbation
from seethrough.attribution.lime import lime
from seethrough.attribution.masks import given
from seethrough.attribution.method import Outcome
from seethrough.attribution.occlusion import feature_ablation, occlusion
from seethrough.attribution.segments import segments_of
from seethrough.attribution.sensitivity import hsic
from seethrough.attribution.shapley import kernel_shap, shapley_sampling
from seethrough.results import Passes


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4)).eval()


@pytest.fixture
def x():
    return torch.randn(3, 3, 12, 16, generator=torch.Generator().manual_seed(1))


def second(out, rows):
    return out[torch.arange(len(out)), rows % 4]


@pytest.mark.parametrize("own", [False, True])
def test_each_answer_is_to_its_picture_under_its_mask(x, own):
    module, chance = network(), torch.Generator().manual_seed(2)
    masks = torch.rand(5, 3, 12, 16, generator=chance) if own else torch.rand(5, 12, 16, generator=chance)
    found = masked.scores(run_of(module, x, second), masks, 0.7)
    assert found.shape == (5, 3)
    for k in range(5):
        for n in range(3):
            m = masks[k, n] if own else masks[k]
            with torch.no_grad():
                expected = module((m * x[n] + (1 - m) * 0.7)[None])[0, n]
            assert float(found[k, n]) == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("together", [1, 4, 7, 64])
def test_how_many_go_at_once_doesnt_change_an_answer(x, together):
    masks = torch.rand(9, 12, 16, generator=torch.Generator().manual_seed(2))
    found = masked.scores(run_of(network(), x, second, together=together), masks, "blur")
    torch.testing.assert_close(found, masked.scores(run_of(network(), x, second), masks, "blur"), rtol=1e-5, atol=1e-6)


def test_the_same_masks_and_fill_are_asked_about_once(x):
    run, masks = run_of(network(), x, second), torch.ones(4, 12, 16)
    before = masked.scores(run, masks, "mean", "mine")
    counted = run.counter.passes
    assert masked.scores(run, masks, "mean", "mine") is before and run.counter.passes == counted
    masked.scores(run, masks, "zero", "mine")
    masked.scores(run, masks, "mean", "another's")
    masked.scores(run, masks, "mean")
    assert run.counter.forward == counted.forward + 3 * 12


def test_fills_that_hold_the_same_numbers_are_the_same(x):
    run, masks = run_of(network(), x, second), torch.zeros(2, 12, 16)
    masked.scores(run, masks, np.full((3, 1, 1), 0.5, np.float32), "mine")
    counted = run.counter.forward
    masked.scores(run, masks, torch.full((3, 1, 1), 0.5), "mine")
    assert run.counter.forward == counted
    masked.scores(run, masks, torch.full((3, 1, 1), 0.6), "mine")
    assert run.counter.forward == counted + 2 * 3


def test_the_windows_of_an_occlusion_are_there_for_others(x):
    run = run_of(network(), x, second)
    occlusion(run, window=4, stride=4, fill="mean")
    counted = run.counter.passes
    drops = masked.window_drops(run, (4, 4), (4, 4), "mean")
    assert run.counter.passes == counted == Passes(3 + 12 * 3, 0)
    assert drops.values.shape == (12, 3) and len(drops.places) == drops.masks.count == 12
    covered = x.clone()
    rows, columns = drops.places[5]
    covered[:, :, rows, columns] = x.mean((2, 3), keepdim=True)
    with torch.no_grad():
        expected = (network()(x) - network()(covered))[range(3), range(3)]
    torch.testing.assert_close(drops.values[5], expected, rtol=1e-5, atol=1e-6)


def test_lime_and_hsic_share_their_samples_and_the_shapley_methods_all_coalitions(x):
    run = run_of(network(), x[:1], second)
    lime(run, samples=50)
    counted = run.counter.passes
    hsic(run, samples=50)
    assert run.counter.passes == counted
    kernel_shap(run, cells=(2, 3), samples=100)
    assert run.counter.forward == counted.forward + 1 + 62
    shapley_sampling(run, cells=(2, 3), samples=20)
    assert run.counter.forward == counted.forward + 1 + 62


def test_weights_add_up_masks_or_what_they_cover():
    run, masks = game(lambda z: z.sum(1), (2, 2), pictures=2), torch.rand(150, 8, 8, dtype=torch.float64)
    weights = torch.randn(150, 2, dtype=torch.float64)
    torch.testing.assert_close(masked.added_up(run, given(masks), weights), torch.einsum("kn,khw->nhw", weights, masks))
    torch.testing.assert_close(
        masked.added_up(run, given(masks), weights, inverse=True), torch.einsum("kn,khw->nhw", weights, 1 - masks)
    )


def test_pictures_of_different_numbers_of_segments_have_their_own_coalitions():
    own = torch.zeros(2, 8, 16, dtype=torch.long)
    own[0, 4:] = 1
    own[1] = torch.arange(16) // 4
    run = game(lambda z: z @ torch.arange(1.0, 9).to(z), pictures=2)
    found = masked.of_coalitions(run, segments_of(run, own), lambda d: torch.eye(d, dtype=torch.bool), "zero")
    assert [tuple(kept.shape) for kept, _ in found] == [(2, 2), (4, 4)]
    assert found[0][1].tolist() == [1 + 2 + 3 + 4, 5 + 6 + 7 + 8] and found[1][1].tolist() == [6, 8, 10, 12]


METHODS = {
    occlusion: {"window": 4},
    feature_ablation: {"fill": "noise"},
    lime: {"samples": 40, "fill": "blur"},
    kernel_shap: {"samples": 120},
    shapley_sampling: {"samples": 4, "fill": "inpaint", "cells": 3},
    extremal_perturbation: {"steps": 5},
}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_a_picture_alone_has_the_map_it_has_in_company(x, method):
    module = network().double()
    together = method(run_of(module, x.double(), second), **METHODS[method])
    for n in range(3):
        alone = method(run_of(module, x[n : n + 1].double(), lambda out, rows, n=n: out[:, n]), **METHODS[method])
        torch.testing.assert_close(alone.values[0], together.values[n], rtol=1e-7, atol=1e-9)


def test_memory_that_runs_out_halves_how_many_go_at_once(x, monkeypatch):
    run, tried = run_of(network(), x, second, together=48), []
    expected = masked.scores(run_of(network(), x, second), torch.ones(16, 12, 16).tril(), "mean")
    whole = type(run).score

    def score(self, images):
        tried.append(len(images))
        if len(images) > 12:
            raise MemoryError
        return whole(self, images)

    monkeypatch.setattr(type(run), "score", score)
    found = masked.scores(run, torch.ones(16, 12, 16).tril(), "mean")
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert tried[0] == 48 and max(tried[2:]) == 12 and run.counter.halved == 2


def test_networks_of_double_precision_have_maps_of_double_precision():
    run = game(tangled(8))
    for method in (occlusion, kernel_shap, lime, hsic):
        found = method(run)
        assert (found.values if isinstance(found, Outcome) else found).dtype == torch.float64
