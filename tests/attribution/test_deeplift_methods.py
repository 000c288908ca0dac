"""DeepLIFT, RevCancel and DeepSHAP: the values of their papers, an independent RevCancel, and what is promised of all."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.errors import UsageError
from seethrough.results import Passes
from token_networks import Swin, ViT

METHODS = [st.deeplift, st.deeplift_revcancel, st.deepshap]


class Least(nn.Module):
    """``min(a, b) = a − relu(a − b)``, as the paper builds it; a linear layer in front of the rectifier."""

    def __init__(self):
        super().__init__()
        self.difference = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            self.difference.weight.copy_(torch.tensor([[1.0, -1.0]]))

    def forward(self, x):
        return x[:, :1] - torch.relu(self.difference(x))


class Saturated(nn.Module):
    """``1 − relu(1 − a − b)``: flat as soon as a + b is above one."""

    def __init__(self):
        super().__init__()
        self.left = nn.Linear(2, 1)
        with torch.no_grad():
            self.left.weight.fill_(-1)
            self.left.bias.fill_(1)

    def forward(self, x):
        return 1 - torch.relu(self.left(x))


def convolutional(seed=0):
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 10, 3),
        nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(90, 16), nn.ReLU(), nn.Linear(16, 6),
    ).eval()  # fmt: skip
    module[1].running_mean.normal_()
    module[1].running_var.uniform_(0.5, 2)
    with torch.no_grad():
        module[1].weight.normal_()
    return module


def pictures(count=2, size=(3, 16, 16), seed=1):
    return torch.randn(count, *size, generator=torch.Generator().manual_seed(seed))


def delta(found):
    return [note.numbers for note in found.checks if note.name == "summation_to_delta"]


@pytest.mark.parametrize(("a", "b"), [(3.0, 1.0), (1.0, 3.0), (2.5, 2.0)])
def test_the_least_of_two_numbers_is_shared_by_both_under_revcancel_and_not_under_rescale(a, b):
    net = st.open(Least(), input_size=(2,))
    x = torch.tensor([[a, b]])
    rescaled = st.deeplift(net, x, target=0, baseline="zero").values[0]
    np.testing.assert_allclose(rescaled, [a, 0] if a < b else [0, b], atol=1e-6)
    shared = st.deeplift_revcancel(net, x, target=0, baseline="zero").values[0]
    np.testing.assert_allclose(shared, [min(a, b) / 2] * 2, atol=1e-6)


def test_what_saturates_has_no_gradient_but_a_difference():
    net, x = st.open(Saturated(), input_size=(2,)), torch.tensor([[1.0, 1.0]])
    assert not st.saliency(net, x, target=0).values.any()
    np.testing.assert_allclose(st.deeplift(net, x, target=0, baseline="zero").values, [[0.5, 0.5]])


def test_two_linear_layers_and_a_rectifier_by_hand():
    """Captum's net of layers, [20, 50, 30]: nothing crosses zero but the first unit, whose bias is −10."""

    class Layers(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear1, self.linear2 = nn.Linear(3, 4), nn.Linear(4, 2)
            with torch.no_grad():
                self.linear1.weight.fill_(1)
                self.linear1.bias.copy_(torch.tensor([-10.0, 1, 1, 1]))
                self.linear2.weight.fill_(1)
                self.linear2.bias.copy_(torch.tensor([-1.0, 1]))

        def forward(self, x):
            return self.linear2(torch.relu(self.linear1(x)))

    x = torch.tensor([[20.0, 50, 30]])
    found = st.deeplift(st.open(Layers(), input_size=(3,)), x, target=0, baseline="zero")
    first = 90 / 100  # Δy / Δz of the unit that is shut at the baseline
    np.testing.assert_allclose(found.values, x * (3 + first), rtol=1e-6)
    assert delta(found)[0]["rise"] == pytest.approx(390)


def rectify(z):
    return np.maximum(z, 0)


def revcancel_by_hand(weights, biases, x, x0, target):
    """The paper's equations for dense layers, unit by unit in float64: section 3.4 for linear, 3.5.3 for rectifiers."""
    z, z0, a, a0 = [], [], [x], [x0]
    for w, b in zip(weights, biases):
        z.append(w @ a[-1] + b)
        z0.append(w @ a0[-1] + b)
        a.append(np.maximum(z[-1], 0))
        a0.append(np.maximum(z0[-1], 0))
    m = np.eye(len(biases[-1]))[target]
    for k in reversed(range(len(weights))):
        change = a[k] - a0[k]
        parts = weights[k] * change
        up, down = np.where(parts > 0, parts, 0).sum(1), np.where(parts < 0, parts, 0).sum(1)
        m_up = m_down = m
        if k < len(weights) - 1:
            f = rectify
            start = z0[k]
            plus = (f(start + up) - f(start) + f(start + down + up) - f(start + down)) / 2
            minus = (f(start + down) - f(start) + f(start + up + down) - f(start + up)) / 2
            slope = ((z[k] > 0).astype(float) + (z0[k] > 0)) / 2
            m_up = m * np.where(up == 0, slope, plus / np.where(up == 0, 1, up))
            m_down = m * np.where(down == 0, slope, minus / np.where(down == 0, 1, down))
        which = np.where(parts > 0, m_up[:, None], np.where(parts < 0, m_down[:, None], (m_up + m_down)[:, None] / 2))
        m = (weights[k] * which).sum(0)
    return m * (x - x0)


def test_revcancel_is_that_of_the_paper_through_several_layers():
    torch.manual_seed(5)
    module = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4)).double()
    x, x0 = pictures(3, (6,)).double(), pictures(1, (6,), seed=2).double()
    found = st.deeplift_revcancel(st.open(module, input_size=(6,)), x, target=2, baseline=x0)
    weights = [module[i].weight.detach().numpy() for i in (0, 2, 4)]
    biases = [module[i].bias.detach().numpy() for i in (0, 2, 4)]
    for i in range(3):
        expected = revcancel_by_hand(weights, biases, x[i].numpy(), x0[0].numpy(), 2)
        np.testing.assert_allclose(found.values[i], expected, rtol=1e-5, atol=1e-7)


def test_revcancel_sees_a_batch_norm_as_part_of_the_convolution_before_it():
    module = convolutional().double()
    scale = module[1].weight / (module[1].running_var + module[1].eps).sqrt()
    assert scale.min() < 0 < scale.max()
    folded = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *module[2:]).double().eval()
    with torch.no_grad():
        folded[0].weight.copy_(module[0].weight * scale[:, None, None, None])
        folded[0].bias.copy_((module[0].bias - module[1].running_mean) * scale + module[1].bias)
    x = pictures().double()
    apart, one = (st.deeplift_revcancel(st.open(m), x, target=1, baseline="zero").values for m in (module, folded))
    np.testing.assert_allclose(apart, one, rtol=0, atol=1e-6 * np.abs(one).max())
    rescaled = st.deeplift(st.open(module), x, target=1, baseline="zero").values
    assert np.abs(apart - rescaled).max() > 0.05 * np.abs(apart).max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("build", [convolutional, ViT, Swin], ids=["convolutions", "tokens", "windows"])
def test_contributions_add_up_to_the_rise(build, method):
    torch.manual_seed(3)
    module = build().eval()
    found = method(st.open(module, input_size=(3, 24, 16) if build is not convolutional else None), pictures(
        2, (3, 24, 16) if build is not convolutional else (3, 16, 16)), target=[1, 3])  # fmt: skip
    assert [n["gaps"] < 1e-4 for n in delta(found)] == [True, True]
    np.testing.assert_allclose([n["sum"] for n in delta(found)], found.values.sum((1, 2, 3)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_pictures_map_does_not_depend_on_its_company(method):
    net, x = st.open(convolutional()), pictures(3)
    together = method(net, x, target=[0, 1, 2]).values
    alone = method(net, x[1:2], target=1).values
    np.testing.assert_allclose(together[1:2], alone, rtol=0, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize(
    ("method", "settings", "passes"),
    [
        (st.deeplift, {}, Passes(2, 1)),
        (st.deeplift_revcancel, {}, Passes(2, 1)),
        (st.deepshap, {"samples": 5}, Passes(6, 5)),
        (st.deepshap, {"baselines": ["zero", 0.3]}, Passes(3, 2)),
    ],
)
def test_what_it_costs_is_what_it_says(method, settings, passes):
    from seethrough.attribution import METHODS as table
    from seethrough.attribution import Facts

    found = method(st.open(convolutional()), pictures(1), target=0, **settings)
    assert found.passes == passes
    assert table[found.method].passes(settings, Facts(16, 16)) + Passes(1) == passes


def test_deepshap_is_the_mean_of_deeplift_over_its_baselines():
    net, x = st.open(convolutional()), pictures()
    starts = [pictures(1, seed=7), "mean", 0.5]
    found = st.deepshap(net, x, target=2, baselines=starts)
    each = [st.deeplift(net, x, target=2, baseline=b).values for b in starts]
    np.testing.assert_allclose(found.values, np.mean(each, 0), rtol=0, atol=1e-5 * np.abs(each).max())


def test_deepshap_without_data_uses_the_same_stand_ins_each_time_and_leaves_chance_alone():
    net, x = st.open(convolutional()), pictures()
    state = torch.get_rng_state()
    first, again, other = (st.deepshap(net, x, target=2, seed=s).values for s in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_a_target_that_bends_is_followed_from_the_baseline_to_the_picture():
    net, x = st.open(convolutional()), 3 * pictures()
    for target in (lambda out: out.softmax(1)[:, 2], lambda out: out[:, 1] ** 3 - out[:, 0]):
        found = st.deeplift(net, x, target=target)
        assert all(n["gaps"] < 1e-3 for n in delta(found))
    likely = st.deeplift(net, x, target=2, probabilities=True)
    np.testing.assert_allclose([n["sum"] for n in delta(likely)], [n["rise"] for n in delta(likely)], atol=1e-4)


@pytest.mark.parametrize("baselines", [[], "black", torch.zeros(2, 3, 16, 16)])
def test_baselines_that_are_no_list_of_some_are_refused(baselines):
    with pytest.raises(UsageError, match="deepshap"):
        st.deepshap(st.open(convolutional()), pictures(), target=0, baselines=baselines)
