"""The straight line from a baseline: points go where the score bends, until the values add up."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution.straight import AT_FIRST, AT_MOST, MISSING, UNSURE
from seethrough.errors import UsageError
from seethrough.results import Passes


def bent(seed=0, width=24):
    """Many corners, in double precision."""
    torch.manual_seed(seed)
    head = [nn.Flatten(), nn.Linear(width * 36, 32), nn.ReLU(), nn.Linear(32, 3)]
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), *head).double().eval()


def numbers(found):
    return [note.numbers for note in found.checks if note.name == "completeness"]


def sureness(found):
    return [note.numbers["off"] for note in found.checks if note.name == "path_sureness"]


X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def exactly(module, x, target, steps=20_001):
    """By the midpoint rule on very many points, one after the other's neighbour."""
    total = torch.zeros_like(x)
    for part in torch.arange(steps).split(4000):
        alpha = (part.double() + 0.5) / steps
        z = (alpha[:, None, None, None] * x).requires_grad_()
        total += torch.autograd.grad(module(z)[:, target].sum(), z)[0].sum(0)
    return (x * total / steps).numpy()


def test_its_values_are_those_of_very_many_points():
    module = bent()
    found = st.integrated_gradients(st.open(module, input_size=(3, 8, 8)), X[:1], target=1, baseline=0, steps=64)
    expected = exactly(module, X[0], 1)
    assert np.abs(found.values[0] - expected).max() < 5e-3 * np.abs(expected).max()


def test_the_same_number_of_points_misses_less_where_they_go_to_the_corners():
    missed = {"adaptive": [], "gauss": []}
    for seed in range(6):
        net = st.open(bent(seed), input_size=(3, 8, 8))
        for nodes, gaps in missed.items():
            found = st.integrated_gradients(net, X, target=2, baseline=0, steps=32, nodes=nodes)
            gaps += [abs(n["sum"] - n["rise"]) for n in numbers(found)]
    assert np.mean(missed["adaptive"]) < np.mean(missed["gauss"]) / 2


class Waves(nn.Module):
    """A wave in each pixel: what each adds from a black picture on is ``sin 40 x``."""

    def forward(self, x):
        return torch.sin(40 * x).flatten(1).sum(1, keepdim=True)


def waves(*most):
    """Pictures of 16 pixels up to so bright, and what is right for them."""
    x = torch.rand(len(most), 1, 4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = x * torch.tensor(most, dtype=torch.float64).view(-1, 1, 1, 1)
    return st.open(Waves(), input_size=(1, 4, 4)), x, torch.sin(40 * x).numpy()


def test_without_a_number_it_goes_on_until_the_values_are_sure_each_picture_for_itself():
    net, x, _ = waves(0.01, 1)
    found = st.integrated_gradients(net, x, target=0, baseline=0)
    steps, off = [n["steps"] for n in numbers(found)], sureness(found)
    assert steps[0] == AT_FIRST < steps[1] <= AT_MOST
    assert all(o <= UNSURE or n == AT_MOST for o, n in zip(off, steps))
    assert all(n["gaps"] <= MISSING or n["steps"] == AT_MOST for n in numbers(found))
    for i in range(2):
        alone = st.integrated_gradients(net, x[i : i + 1], target=0, baseline=0)
        np.testing.assert_allclose(alone.values[0], found.values[i], rtol=1e-9)
        assert numbers(alone)[0]["steps"] == steps[i] and sureness(alone) == pytest.approx([off[i]])


def test_it_says_about_how_far_its_values_are_off():
    net, x, right = waves(*np.linspace(0.1, 0.9, 9))
    for steps in (24, 48, 96):
        found = st.integrated_gradients(net, x, target=0, baseline=0, steps=steps)
        off = np.linalg.norm((found.values - right).reshape(9, -1), axis=1)
        off /= np.linalg.norm(found.values.reshape(9, -1), axis=1)
        assert (off <= 2 * np.array(sureness(found))).all() and off.max() > 1e-3


def test_what_the_points_miss_of_the_sum_goes_to_pixels_that_change_there():
    """One pixel's part turns round between two points, at a place that is no middle: only the sums tell where."""

    class Corner(nn.Module):
        def forward(self, x):
            left, right = x.flatten(1).unbind(1)
            return (right + 3 * torch.relu(left - 0.77))[:, None]

    x = torch.ones(1, 1, 1, 2, dtype=torch.float64)
    net = st.open(Corner(), input_size=(1, 1, 2))
    for steps in (2, 3, 7):
        found = st.integrated_gradients(net, x, target=0, baseline=0, steps=steps)
        np.testing.assert_allclose(found.values.ravel(), [3 * 0.23, 1], rtol=1e-6)


def test_what_no_point_shows_is_missing_and_said():
    """A tooth between two points, at which the gradient is the same: nobody's values account for it."""
    module = nn.Sequential(nn.Flatten(), Tooth())
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    found = st.integrated_gradients(st.open(module, input_size=(1, 4, 4)), x, target=0, baseline=0, steps=1)
    (check,) = numbers(found)
    assert check["gaps"] == pytest.approx(0.1 / 1.1) and sureness(found) == [0]


class Tooth(nn.Module):
    """The mean, and a step up of 0.1 about the middle."""

    def forward(self, x):
        m = x.mean(1, keepdim=True)
        return m + torch.relu(m - 0.4) - torch.relu(m - 0.5)


@pytest.mark.parametrize("steps", [1, 2, 5, 8, 20])
def test_it_looks_as_often_as_it_was_told(steps):
    net = st.open(bent(), input_size=(3, 8, 8))
    found = st.integrated_gradients(net, X, target=0, steps=steps)
    assert found.passes == Passes(3 * (steps + 1), 3 * (steps + 1))
    gauss = st.integrated_gradients(net, X, target=0, steps=steps, nodes="gauss")
    assert gauss.passes == Passes(3 * (steps + 2), 3 * steps)


def test_methods_on_the_same_path_look_at_it_once():
    net = st.open(bent(), input_size=(3, 8, 8))
    both = st.explain(net, X, ["integrated_gradients", "idgi", "saliency"], target=0, steps=16)
    assert both.passes == Passes(3 * 17, 3 * 17)
    assert both["idgi"].passes == Passes(3, 0)


def test_one_pictures_points_do_not_depend_on_the_others():
    net = st.open(bent(), input_size=(3, 8, 8))
    for method in (st.integrated_gradients, st.idgi):
        together = method(net, X, target=1, steps=24).values
        for i in range(3):
            np.testing.assert_allclose(method(net, X[i : i + 1], target=1, steps=24).values[0], together[i], rtol=1e-5)


def test_wrong_settings_are_refused():
    net = st.open(bent(), input_size=(3, 8, 8))
    with pytest.raises(UsageError, match="steps ≥ 1, not 0"):
        st.integrated_gradients(net, X, target=0, steps=0)
    with pytest.raises(UsageError, match="adaptive or gauss, not 'simpson'"):
        st.integrated_gradients(net, X, target=0, nodes="simpson")


# --- IDGI -----------------------------------------------------------------------------------------------------------


def test_idgi_adds_up_and_gives_each_step_to_what_its_gradient_points_at():
    module = bent()
    net = st.open(module, input_size=(3, 8, 8))
    found = st.idgi(net, X[:1], target=1, baseline=0, steps=64)
    (check,) = numbers(found)
    assert check["gaps"] < 1e-9 and check["sum"] == pytest.approx(check["rise"], rel=1e-9)
    alpha = torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None, None, None]
    z = (alpha * X[:1]).requires_grad_()
    scores = module(z)[:, 1]
    (g,) = torch.autograd.grad(scores.sum(), z)
    shares = g**2 / (g**2).sum((1, 2, 3), keepdim=True)
    expected = (scores.diff()[:, None, None, None] * shares[:-1]).sum(0).detach().numpy()
    assert np.corrcoef(found.values[0].ravel(), expected.ravel())[0, 1] > 0.999
    assert np.abs(found.values[0] - expected).max() < 0.03 * np.abs(expected).max()


def test_idgi_of_a_linear_network_goes_by_squared_weights():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 2)).double()
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    found = st.idgi(st.open(module, input_size=(3, 4, 4)), x, target=1, baseline=0, steps=3)
    w = module[1].weight[1].detach()
    expected = (x.flatten(1) @ w)[:, None] * w**2 / (w**2).sum()
    np.testing.assert_allclose(found.values.reshape(2, -1), expected.numpy(), rtol=1e-5)


def test_where_a_network_is_flat_idgi_gives_nothing_and_says_so():
    class Flat(nn.Module):
        def forward(self, x):
            return torch.relu(x.flatten(1).mean(1, keepdim=True) - 100) + 5

    found = st.idgi(st.open(Flat(), input_size=(1, 4, 4)), torch.rand(1, 1, 4, 4), target=0, baseline=0, steps=4)
    assert not found.values.any() and "flat_map" in [note.name for note in found.checks]
