"""Occlusion and ablation: what is covered, by how much the target falls, and what was never covered."""

import numpy as np
import pytest
import torch
from masked_material import game, run_of, tangled, values_of
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.attribution.occlusion import feature_ablation, occlusion
from seethrough.results import Passes


def linear(size=(2, 12, 15)):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(size)), 3, bias=False))


X = torch.randn(2, 2, 12, 15, generator=torch.Generator().manual_seed(0))


def by_hand(module, x, window, stride, target):
    """Occlusion with zeros, window by window, in plain loops."""
    total, count = np.zeros(x.shape[2:]), np.zeros(x.shape[2:])
    with torch.no_grad():
        whole = float(module(x)[0, target])
        for top in range(0, x.shape[2], stride[0]):
            for left in range(0, x.shape[3], stride[1]):
                covered = x.clone()
                covered[:, :, top : top + window[0], left : left + window[1]] = 0
                total[top : top + window[0], left : left + window[1]] += whole - float(module(covered)[0, target])
                count[top : top + window[0], left : left + window[1]] += 1
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0), count


@pytest.mark.parametrize(("window", "stride"), [((2, 3), (4, 5)), ((1, 1), (3, 2)), ((4, 5), (4, 6))])
def test_a_stride_larger_than_the_window_leaves_gaps_of_zero_and_says_how_much(window, stride):
    module = linear()
    found = st.occlusion(st.open(module, input_size=(2, 12, 15)), X[:1], 1, window=window, stride=stride, fill="zero")
    expected, count = by_hand(module, X[:1], window, stride, 1)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-5)
    (note,) = [n for n in found.checks if n.name == "uncovered"]
    assert note.numbers["share"] == pytest.approx((count == 0).mean()) and (found.values[0][count == 0] == 0).all()


def test_where_everything_is_covered_nothing_is_said_of_gaps():
    found = st.occlusion(st.open(linear(), input_size=(2, 12, 15)), X[:1], 1, window=4, stride=4)
    assert not any(n.name == "uncovered" for n in found.checks)


def test_a_window_of_sixteen_with_a_stride_of_half_a_picture_asks_four_times():
    run = run_of(linear((1, 224, 224)), torch.rand(1, 1, 224, 224))
    found = occlusion(run, window=16, stride=112)
    assert run.counter.passes == Passes(1 + 4, 0)
    assert found.checks["uncovered"]["share"] == pytest.approx(1 - 4 * 16 * 16 / 224**2)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("occlusion", {}),
        ("occlusion", {"window": 5, "stride": (2, 9)}),
        ("feature_ablation", {}),
        ("feature_ablation", {"cells": (2, 5)}),
        ("feature_ablation", {"segments": np.arange(180).reshape(12, 15) // 50}),
        ("feature_ablation", {"masks": torch.ones(3, 12, 15)}),
    ],
)
def test_what_is_declared_is_what_is_sent_through(name, settings):
    run = run_of(linear(), X[:1])
    run.scores  # noqa: B018
    METHODS[name].function(run, **settings)
    declared = METHODS[name].passes(settings, Facts(12, 15))
    assert run.counter.passes == Passes(1 + declared.forward, declared.backward)


def test_ablation_is_the_drop_without_each_segment():
    worth = tangled(8)
    run = game(worth)
    found = values_of(feature_ablation(run, cells=(2, 4), fill="zero"), (2, 4))
    ones = torch.ones(1, 8, dtype=torch.float64)
    expected = [float(worth(ones)[0] - worth(ones * (torch.arange(8) != i))[0]) for i in range(8)]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_the_published_grouped_ablation():
    """Captum's network of three numbers: covering the first two together, and the third."""

    class MultiLayer(nn.Module):
        def forward(self, x):
            x = x.flatten(1).sum(1, keepdim=True) + torch.tensor([-10.0, 1, 1, 1])
            return x.relu().sum(1, keepdim=True) - 1

    net, x = st.open(MultiLayer(), input_size=(1, 1, 3)), torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3)
    groups = np.array([[0, 0, 1]])
    assert st.feature_ablation(net, x, 0, cells=3, fill="zero").values.tolist() == [[[80, 200, 120]]]
    grouped = st.feature_ablation(net, x, 0, segments=groups, fill="zero").values
    assert grouped.tolist() == [[[280, 280, 120]]]


def test_masks_of_a_person_may_overlap_and_be_soft():
    module = linear((1, 6, 6))
    x = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    masks = np.zeros((3, 6, 6), np.float32)
    masks[0, :3], masks[1, 2:5, 1:], masks[2, 4, :2] = 1, 0.5, 1
    found = st.feature_ablation(st.open(module, input_size=(1, 6, 6)), x, 2, masks=masks, fill=0.3)
    with torch.no_grad():
        drops = [module(x) - module(x * (1 - m) + 0.3 * m) for m in torch.from_numpy(masks)]
    drops = torch.stack(drops)[:, :, 2].numpy()
    weight = masks.sum(0)
    expected = np.einsum("kn,khw->nhw", drops, masks) / np.where(weight > 0, weight, 1)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    (note,) = [n for n in found.checks if n.name == "uncovered"]
    assert note.numbers["share"] == pytest.approx((weight == 0).mean())


def test_a_fill_far_from_any_picture_is_said():
    net = st.open(linear((3, 8, 8)), input_size=(3, 8, 8), preprocessing="torch")
    x = torch.zeros(1, 3, 8, 8)

    def far(method, **settings):
        return [n for n in method(net, x, 0, **settings).checks if n.name == "fill_out_of_range"]

    (note,) = far(st.occlusion, fill=127.5)
    assert note.level == "warning" and note.numbers["setting"] == "fill"
    assert note.numbers["largest"] == 127.5 and note.numbers["high"] == pytest.approx((1 - 0.406) / 0.225, rel=1e-5)
    (note,) = far(st.integrated_gradients, baseline=torch.full((3, 1, 1), -20.0), steps=2)
    assert note.numbers["smallest"] == -20 and note.numbers["low"] == pytest.approx(-0.485 / 0.229, rel=1e-5)
    assert not far(st.occlusion, fill=0.0) and not far(st.occlusion, fill=3.0) and not far(st.occlusion, fill="white")
    unknown = st.open(linear((3, 8, 8)), input_size=(3, 8, 8))
    assert not any(n.name == "fill_out_of_range" for n in st.occlusion(unknown, x, 0, fill=127.5).checks)
