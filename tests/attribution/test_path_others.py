"""Blurred, guided and adversarial ways: each against its algorithm written down again, in the plainest words."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

import seethrough as st
from seethrough.errors import UsageError
from seethrough.results import Passes


def network(activation, outputs=4):
    torch.manual_seed(0)
    head = [nn.Conv2d(6, 5, 3), activation(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, outputs)]
    return nn.Sequential(nn.Conv2d(3, 6, 3), activation(), *head).double().eval()


X = torch.randn(2, 3, 12, 14, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def gradient(module, z, target):
    leaf = z.clone().requires_grad_()
    return torch.autograd.grad(module(leaf)[:, target].sum(), leaf)[0]


def check(found, i=0):
    return [note.numbers for note in found.checks if note.name == "completeness"][i]


# --- blur -----------------------------------------------------------------------------------------------------------


def test_blur_ig_is_the_integral_along_the_scale_space():
    """By small steps of the width, with SciPy's Gaussian."""
    module = network(nn.Softplus)
    found = st.blur_ig(st.open(module, input_size=(3, 12, 14)), X[:1], target=1, steps=200, widest=3.0)
    widths = 3.0 * (1 - np.arange(2001) / 2000) ** 2
    x = X[:1].numpy()
    path = np.stack([gaussian_filter(x, (0, 0, s, s), mode="mirror", truncate=3.0) if s > 1 / 6 else x for s in widths])
    middle = torch.from_numpy((path[:-1] + path[1:]) / 2)
    g = torch.cat([gradient(module, part[:, 0], 1) for part in middle.split(500)]).numpy()
    expected = (np.diff(path, axis=0)[:, 0] * g).sum(0)
    assert np.corrcoef(found.values.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(found.values[0] - expected).max() < 0.1 * np.abs(expected).max()


def test_blur_ig_adds_up_from_the_blurred_picture_to_the_sharp_one():
    module = network(nn.Tanh)
    net = st.open(module, input_size=(3, 12, 14))
    found = st.blur_ig(net, X, target=2, steps=24)
    assert found.passes == Passes(2 * 26, 2 * 24)
    for i in range(2):
        assert check(found, i)["gaps"] < 0.01
        alone = st.blur_ig(net, X[i : i + 1], target=2, steps=24)
        np.testing.assert_allclose(alone.values[0], found.values[i], rtol=1e-5, atol=1e-12)


def test_a_flat_picture_has_nothing_to_blur():
    found = st.blur_ig(st.open(network(nn.Tanh), input_size=(3, 12, 14)), X[:1] * 0 + 0.7, target=0)
    np.testing.assert_allclose(found.values, 0, atol=1e-12)


# --- guided ---------------------------------------------------------------------------------------------------------


def guided_by_hand(module, x, start, target, steps, fraction, distance):
    """One picture as in the paper's algorithm 1, in NumPy; a step with the mean of its two ends' gradients."""
    x, start = x.numpy().ravel(), np.broadcast_to(start, x.numpy().ravel().shape)
    shape, here, whole = X[:1].shape, np.array(start, float), np.abs(x - start).sum()

    def slope(z):
        return gradient(module, torch.from_numpy(z.reshape(shape)), target).numpy().ravel()

    values, points = np.zeros_like(here), [here.copy()]
    for k in range(steps):
        g, alpha = np.abs(slope(here)), (k + 1) / steps
        low, high = (start + a * (x - start) for a in (max(alpha - distance, 0), min(alpha + distance, 1)))
        with np.errstate(divide="ignore", invalid="ignore"):
            done = np.where(x != start, (here - start) / (x - start), alpha)
        here = np.where(done < max(alpha - distance, 0), low, here)
        while True:
            left = np.abs(x - here).sum() - whole * (1 - alpha)
            if left <= 1e-9 * whole:
                break
            g[here == high] = np.inf
            if not np.isfinite(g).any():
                break
            chosen = (g <= np.quantile(g, fraction, method="lower")) & np.isfinite(g)
            part = left / np.abs(high - here)[chosen].sum()
            here = np.where(chosen, high if part >= 1 else here + part * (high - here), here)
        values += (here - points[-1]) * (slope(points[-1]) + slope(here)) / 2
        points.append(here.copy())
    return values.reshape(shape[1:])


@pytest.mark.parametrize(("fraction", "distance"), [(0.25, 0.02), (0.1, 1.0), (0.5, 0.2), (0.0, 0.05)])
def test_guided_ig_is_its_algorithm(fraction, distance):
    module = network(nn.ReLU)
    net = st.open(module, input_size=(3, 12, 14))
    found = st.guided_ig(net, X, target=1, steps=9, fraction=fraction, distance=distance, baseline=0.5)
    assert found.passes == Passes(2 * 11, 2 * 10)
    for i in range(2):
        expected = guided_by_hand(module, X[i], 0.5, 1, 9, fraction, distance)
        np.testing.assert_allclose(found.values[i], expected, atol=1e-5 * np.abs(expected).max())


def test_guided_ig_without_freedom_is_the_straight_line():
    module = network(nn.Softplus)
    net = st.open(module, input_size=(3, 12, 14))
    guided = st.guided_ig(net, X, target=3, steps=40, distance=0, baseline=0)
    straight = st.integrated_gradients(net, X, target=3, steps=20, nodes="gauss", baseline=0)
    np.testing.assert_allclose(guided.values, straight.values, atol=1e-3 * np.abs(straight.values).max())


def test_guided_ig_adds_up_as_its_steps_become_short():
    net = st.open(network(nn.Softplus), input_size=(3, 12, 14))
    gaps = [
        max(check(st.guided_ig(net, X, target=3, steps=s, baseline=0), i)["gaps"] for i in range(2)) for s in (4, 64)
    ]
    assert gaps[1] < 0.01 < 10 * gaps[0]


def test_a_picture_that_is_the_baseline_has_nothing_to_tell():
    found = st.guided_ig(st.open(network(nn.ReLU), input_size=(3, 12, 14)), X[:1], target=0, baseline=X[:1], steps=3)
    assert not found.values.any()


# --- adversarial ----------------------------------------------------------------------------------------------------


def agi_by_hand(module, x, target, others, steps, pace):
    out = module(x[None])[0].detach()
    out[target] = -np.inf
    low, high = x.amin((1, 2), keepdim=True), x.amax((1, 2), keepdim=True)
    total = torch.zeros_like(x)
    for goal in out.topk(others).indices.tolist():
        here = x
        for _ in range(steps):
            leaf = here[None].clone().requires_grad_()
            answer = module(leaf)
            if int(answer[0].argmax()) == goal:
                break
            (away,) = torch.autograd.grad(answer.softmax(1)[0, goal], leaf)
            to = torch.minimum(torch.maximum(here + pace * (x.max() - x.min()) * away[0].sign(), low), high)
            g = (gradient(module, here[None], target) + gradient(module, to[None], target))[0] / 2
            total, here = total - g * (to - here), to
    return (total / others).numpy()


@pytest.mark.parametrize("pace", [0.02, 0.3])
def test_agi_is_its_algorithm(pace):
    module = network(nn.Tanh)
    net = st.open(module, input_size=(3, 12, 14))
    found = st.agi(net, X, target=[1, 3], others=2, steps=4, pace=pace)
    assert found.passes == Passes(2 + 2 * 2 * 5, 2 * 2 * 9)
    for i, target in enumerate([1, 3]):
        expected = agi_by_hand(module, X[i], target, 2, 4, pace)
        np.testing.assert_allclose(found.values[i], expected, atol=1e-5 * np.abs(expected).max())


def test_agi_adds_up_to_what_the_answer_loses_on_the_ways():
    net = st.open(network(nn.Tanh), input_size=(3, 12, 14))
    found = st.agi(net, X, target=1, others=3, steps=6, pace=0.01)
    assert max(check(found, i)["gaps"] for i in range(2)) < 0.02


def test_agi_needs_another_answer_to_go_to():
    net = st.open(network(nn.Tanh, outputs=1), input_size=(3, 12, 14))
    with pytest.raises(UsageError, match="none beside the target; use integrated_gradients"):
        st.agi(net, X, target=0)


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (st.blur_ig, {"steps": 0}),
        (st.blur_ig, {"widest": 0}),
        (st.guided_ig, {"fraction": 1.5}),
        (st.guided_ig, {"distance": -0.1}),
        (st.agi, {"others": 0}),
        (st.agi, {"pace": 0}),
    ],
)
def test_settings_out_of_range_are_refused(method, wrong):
    with pytest.raises(UsageError, match=f"{method.__name__} needs"):
        method(st.open(network(nn.Tanh), input_size=(3, 12, 14)), X, target=0, **wrong)
