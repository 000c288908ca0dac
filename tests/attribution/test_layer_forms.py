"""Layer forms: what the units of a layer add, with and without places, on convolutions and on tokens."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused, UsageError
from seethrough.results import Passes
from token_networks import ViT

SUMMING = (st.layer_integrated_gradients, st.layer_conductance, st.layer_deeplift)
ALL = (*SUMMING, st.layer_gradient_x_activation, st.internal_influence)


class Net(nn.Module):
    def __init__(self, bypass=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 5, 3, padding=1)
        self.hidden, self.last, self.bypass = nn.Linear(5, 7), nn.Linear(7, 4), bypass

    def forward(self, x):
        a = torch.relu(self.first(x))
        b = torch.nn.functional.softplus(self.second(a))
        if self.bypass:
            b = b + a
        return self.last(torch.tanh(self.hidden(b.mean((2, 3)))))


X = torch.randn(2, 3, 10, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def opened(**settings):
    return st.open(Net(**settings).double().eval(), input_size=(3, 10, 9))


def check(found, i=0):
    names = ("completeness", "summation_to_delta")
    return [note.numbers for note in found.checks if note.name in names][i]


@pytest.mark.parametrize("method", SUMMING, ids=lambda m: m.__name__)
@pytest.mark.parametrize("layer", ["first", "second", "hidden"])
def test_where_all_flows_through_a_layer_it_adds_up_there(method, layer):
    found = method(opened(), X, target=1, layer=layer, **({} if method is st.layer_deeplift else {"steps": 64}))
    assert found.values.shape[:2] == (2, {"first": 5, "second": 5, "hidden": 7}[layer]) and found.layer == layer
    module = Net().double()
    rise = (module(X) - module(0 * X))[:, 1].detach()
    for i in range(2):
        assert check(found, i)["rise"] == pytest.approx(float(rise[i]), rel=1e-6)
        assert check(found, i)["sum"] == pytest.approx(float(rise[i]), rel=0.01)
        assert found.values[i].sum() == pytest.approx(check(found, i)["sum"], rel=1e-5)


def test_the_map_adds_the_channels_on_the_layers_grid():
    found = st.layer_gradient_x_activation(opened(), X, target=1, layer="second")
    assert found.values.shape == (2, 5, 8, 7) and found.map.shape == (2, 10, 9)
    module = Net().double()
    b = torch.nn.functional.softplus(module.second(torch.relu(module.first(X)))).detach()
    a = module.second(torch.relu(module.first(X))).detach().requires_grad_()
    out = module.last(torch.tanh(module.hidden(torch.nn.functional.softplus(a).mean((2, 3)))))
    (g,) = torch.autograd.grad(out[:, 1].sum(), a)
    np.testing.assert_allclose(found.values, (a * g).detach().numpy(), rtol=1e-5, atol=1e-9)
    assert b.shape == found.values.shape


def test_layer_integrated_gradients_hold_what_passes_the_layer_by():
    """The residual's other way stays as the picture made it."""
    module = Net(bypass=True).double()
    found = st.layer_integrated_gradients(opened(bypass=True), X, target=2, layer="second", steps=64)
    a, before = (torch.relu(module.first(z)) for z in (X, 0 * X))

    def rest(b):
        b = torch.nn.functional.softplus(b) + a
        return module.last(torch.tanh(module.hidden(b.mean((2, 3)))))[:, 2]

    rise = (rest(module.second(a)) - rest(module.second(before))).detach()
    for i in range(2):
        assert check(found, i)["rise"] == pytest.approx(float(rise[i]), rel=1e-6)
        assert check(found, i)["gaps"] < 0.01


def test_conductance_is_what_flows_through_a_unit_on_the_way_of_the_images():
    """``∂a/∂α`` by a Jacobian-vector product, at very many points."""
    module = Net().double()
    start = torch.zeros_like(X[:1])
    total = 0

    def value(z):
        return module.second(torch.relu(module.first(z)))

    for k in range(400):
        z = start + (k + 0.5) / 400 * (X[:1] - start)
        a, change = torch.func.jvp(value, (z,), (X[:1] - start,))
        leaf = a.detach().requires_grad_()
        out = module.last(torch.tanh(module.hidden(torch.nn.functional.softplus(leaf).mean((2, 3)))))[:, 0]
        (g,) = torch.autograd.grad(out.sum(), leaf)
        total = total + g * change / 400
    found = st.layer_conductance(opened(), X[:1], target=0, layer="second", steps=128)
    np.testing.assert_allclose(found.values, total.detach().numpy(), atol=0.01 * float(total.abs().max()))


def test_internal_influence_is_the_mean_gradient_on_the_way():
    module, total = Net().double(), 0
    nodes, weights = np.polynomial.legendre.leggauss(9)
    for node, weight in zip((nodes + 1) / 2, weights / 2):
        a = module.first(node * X).detach().requires_grad_()
        b = torch.nn.functional.softplus(module.second(torch.relu(a)))
        out = module.last(torch.tanh(module.hidden(b.mean((2, 3)))))[:, 3]
        total = total + weight * torch.autograd.grad(out.sum(), a)[0]
    found = st.internal_influence(opened(), X, target=3, layer="first", steps=9)
    np.testing.assert_allclose(found.values, total.numpy(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "settings", "forward", "backward"),
    [
        (st.layer_gradient_x_activation, {}, 1, 1),
        (st.layer_integrated_gradients, {"steps": 6}, 1 + 8, 7),
        (st.layer_integrated_gradients, {"steps": 6, "nodes": "gauss"}, 1 + 9, 6),
        (st.layer_conductance, {"steps": 6}, 1 + 6, 7),
        (st.internal_influence, {"steps": 6}, 1 + 6, 6),
        (st.layer_deeplift, {}, 3, 1),
    ],
)
def test_what_they_run_is_what_they_say(method, settings, forward, backward):
    from seethrough.attribution import METHODS, Facts

    found = method(opened(), X, target=1, layer="second", **settings)
    assert found.passes == Passes(2 * forward, 2 * backward)
    declared = METHODS[method.__name__]
    assert declared.passes({**declared.defaults, **settings}, Facts(10, 9)) == Passes(forward - 1, backward)


@pytest.mark.parametrize("method", ALL, ids=lambda m: m.__name__)
def test_one_pictures_map_does_not_depend_on_the_others(method):
    net = opened()
    together = method(net, X, target=1, layer="second").values
    for i in range(2):
        alone = method(net, X[i : i + 1], target=1, layer="second").values
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-4, atol=1e-7 * np.abs(together).max())


@pytest.mark.parametrize("method", ALL, ids=lambda m: m.__name__)
def test_tokens_are_taken_as_places_and_the_class_token_left_out(method):
    torch.manual_seed(0)
    net = st.open(ViT().eval(), input_size=(3, 24, 16))
    layer = st.gradcam(net, torch.rand(1, 3, 24, 16), target=1).layer
    found = method(net, torch.rand(1, 3, 24, 16), target=1, layer=layer)
    assert found.values.ndim == 4 and found.values.shape[0] == 1 and min(found.values.shape[2:]) > 1
    assert np.isfinite(found.values).all() and found.values.any()


def test_a_layer_of_another_number_of_entries_is_refused():
    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Linear(12, 5), nn.Linear(5, 3)

        def forward(self, x):
            cells = self.embed(x.reshape(len(x) * 4, 12))
            return self.head(cells.reshape(len(x), 4, 5).mean(1))

    net = st.open(Windows(), input_size=(3, 4, 4))
    with pytest.raises((NetworkRefused, UsageError), match="embed"):
        st.layer_integrated_gradients(net, torch.rand(2, 3, 4, 4), target=0, layer="embed")
