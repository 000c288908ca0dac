"""On networks small enough to be worked out by hand, every method gives the number that the hand gives.

The convolution network and its values are those of Captum's tests, each worked out again; the counter-examples are
those of Sundararajan, Taly and Yan (2017, appendix B).
"""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st


class OneConv(nn.Module):
    """Convolution 1 → 2 of ones, ReLU, a linear layer of rows [1×5, −1×3], ReLU: (N, 1, 4, 4) → (N, 4)."""

    def __init__(self, *, inplace=False):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3)
        self.relu1 = nn.ReLU(inplace)
        self.fc1 = nn.Linear(8, 4, bias=False)
        self.relu2 = nn.ReLU(inplace)
        with torch.no_grad():
            self.conv1.weight.fill_(1)
            self.conv1.bias.copy_(torch.tensor([-50.0, -75.0]))
            self.fc1.weight.copy_(torch.tensor([[1.0] * 5 + [-1.0] * 3] * 4))

    def forward(self, x):
        return self.relu2(self.fc1(self.relu1(self.conv1(x)).flatten(1)))


class MultiLayer(nn.Module):
    """Three numbers as they are, 3 → 4 of ones with bias [−10, 1, 1, 1], ReLU, 4 → 2 of ones with bias [−1, 1]."""

    def __init__(self):
        super().__init__()
        self.linear0, self.linear1, self.linear2 = nn.Linear(3, 3, bias=False), nn.Linear(3, 4), nn.Linear(4, 2)
        with torch.no_grad():
            self.linear0.weight.copy_(torch.eye(3))
            self.linear1.weight.fill_(1)
            self.linear1.bias.copy_(torch.tensor([-10.0, 1, 1, 1]))
            self.linear2.weight.fill_(1)
            self.linear2.bias.copy_(torch.tensor([-1.0, 1]))

    def forward(self, x):
        return self.linear2(torch.relu(self.linear1(self.linear0(x.flatten(1)))))


class Function(nn.Module):
    """A network of no parameters."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


ORDERED = torch.arange(16.0).view(1, 1, 4, 4)


@pytest.fixture(params=[False, True], ids=["out of place", "in place"])
def one_conv(request):
    return st.open(OneConv(inplace=request.param), input_size=(1, 4, 4))


def test_the_score_is_the_output(one_conv):
    assert st.saliency(one_conv, ORDERED, target=2).scores.tolist() == [54]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (st.input_x_gradient, [[0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]]),
        (st.guided_backprop, [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]),
        (st.deconvnet, [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_gradient_methods_on_one_convolution(one_conv, method, expected):
    found = method(one_conv, ORDERED, target=0)
    assert found.values.reshape(4, 4).tolist() == expected
    assert found.map.shape == (1, 4, 4) and found.map.tolist() == [expected]  # one channel, and nothing below zero


def test_gradcam_weighs_channels_by_their_mean_gradient(one_conv):
    at_conv = st.gradcam(one_conv, ORDERED, target=0, layer="conv1")
    assert at_conv.values.tolist() == [[[11.25, 13.5], [20.25, 22.5]]]
    at_relu = st.gradcam(one_conv, ORDERED, target=0, layer="relu1")
    assert at_relu.values.tolist() == [[[0, 4], [28, 32.5]]]


def test_gradcam_does_not_depend_on_which_parameters_are_frozen():
    module = OneConv().requires_grad_(False)
    found = st.gradcam(st.open(module, input_size=(1, 4, 4)), ORDERED, target=0, layer="conv1")
    assert found.values.tolist() == [[[11.25, 13.5], [20.25, 22.5]]]


def test_gradcam_ends_with_the_rectifier_of_its_paper():
    """The weighted sum before it, which goes below zero, is worked out here from the layer's own values."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Tanh(), nn.Flatten(), nn.Linear(5 * 36, 4))
    x = torch.randn(2, 3, 8, 8)
    a = module[0](x).detach().requires_grad_()
    (g,) = torch.autograd.grad(module[1:](a)[:, 3].sum(), a)
    weighted = torch.einsum("nc,ncij->nij", g.mean((2, 3)), a.detach())
    assert weighted.min() < 0 < weighted.max()
    found = st.gradcam(st.open(module), x, target=3, layer="0")
    np.testing.assert_allclose(found.values, weighted.clamp(min=0).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_smoothgrad_without_noise_is_saliency(one_conv, seed):
    smooth = st.smoothgrad(one_conv, ORDERED, target=0, noise=0, samples=11, seed=seed)
    assert np.array_equal(smooth.values, st.saliency(one_conv, ORDERED, target=0).values)


def test_occlusion_averages_where_windows_overlap_and_cuts_the_last_one_off():
    """The second input of the published case, all ones, is folded into the bias."""
    module = OneConv()
    module.conv1.bias.data += 9  # what a second picture of ones adds to every place of the convolution
    net = st.open(module, input_size=(1, 4, 4))
    found = st.occlusion(net, ORDERED, target=0, window=(2, 3), stride=(2, 1), fill=0.0)
    top, bottom = [17, 17, 17, 17], [64, 65.5, 65.5, 67]
    assert found.values.tolist() == [[top, top, bottom, bottom]]
    whole = st.occlusion(net, ORDERED, target=0, window=4, fill="zero")
    assert whole.values.tolist() == [[[67] * 4] * 4]


def test_occlusion_of_single_numbers_in_a_network_of_linear_layers():
    net = st.open(MultiLayer(), input_size=(1, 1, 3))
    x = torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3)
    assert st.occlusion(net, x, target=0, window=1, stride=1, fill=0.0).values.tolist() == [[[80, 200, 120]]]
    pairs = st.occlusion(net, x, target=0, window=(1, 2), stride=1, fill=10.0)
    np.testing.assert_allclose(pairs.values, [[[200, 220, 240]]])
    apart = st.occlusion(net, x, target=0, window=(1, 2), stride=(1, 2), fill=0.0)
    assert apart.values.tolist() == [[[280, 280, 120]]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.relu(torch.relu(x[:, :1]) - 1 - torch.relu(x[:, 1:])),
        lambda x: torch.relu(torch.relu(x[:, :1] - 1) - torch.relu(x[:, 1:])),
    ],
)
def test_two_networks_that_are_the_same_function_have_the_same_integrated_gradients(function):
    net = st.open(Function(function), input_size=(2,))
    found = st.integrated_gradients(net, torch.tensor([[3.0, 1.0]]), target=0, baseline="zero", steps=150)
    np.testing.assert_allclose(found.values, [[1.5, -0.5]], atol=1e-2)


def completeness(found):
    return next(note.numbers for note in found.checks if note.name == "completeness")


def test_integrated_gradients_are_exact_where_the_path_meets_no_corner():
    net = st.open(MultiLayer(), input_size=(1, 1, 3))
    x, start = torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3), torch.tensor([10.0, 5, 5]).view(1, 1, 1, 3)
    for steps in (1, 2, 7):
        found = st.integrated_gradients(net, x, target=1, baseline=start, steps=steps)
        np.testing.assert_allclose(found.values.ravel(), [40, 180, 100], rtol=1e-6)
        assert completeness(found)["gap"] < 1e-6 and completeness(found)["rise"] == pytest.approx(320)


def test_integrated_gradients_of_a_polynomial_are_exact_from_half_its_degree_on():
    net = st.open(Function(lambda x: (x**5).sum(1, keepdim=True)), input_size=(3,))
    x = torch.tensor([[1.0, -2.0, 0.5]])
    found = st.integrated_gradients(net, x, target=0, baseline="zero", steps=3, nodes="gauss")
    np.testing.assert_allclose(found.values, x.numpy() ** 5, rtol=1e-5)


def test_the_completeness_gap_is_what_the_values_lack_and_falls_with_the_steps():
    torch.manual_seed(1)
    head = [nn.Flatten(), nn.Linear(8 * 36, 5), nn.ReLU(), nn.Linear(5, 2)]
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), *head)
    net, x = st.open(module.double()), torch.randn(2, 3, 8, 8)
    gaps = []
    for steps in (2, 8, 32, 512):
        found = st.integrated_gradients(net, x, target=1, baseline="zero", steps=steps, nodes="gauss")
        numbers = [note.numbers for note in found.checks if note.name == "completeness"]
        with torch.no_grad():
            rise = (module(x.double()) - module(0 * x.double()))[:, 1].numpy()
        for i, each in enumerate(numbers):
            assert each["rise"] == pytest.approx(rise[i])
            assert each["sum"] == pytest.approx(found.values[i].sum(), rel=1e-4)
            assert each["gaps"] == pytest.approx(abs(each["sum"] - rise[i]) / abs(rise[i]), rel=1e-5, abs=1e-12)
        gaps.append(max(each["gaps"] for each in numbers))
    assert gaps[-1] < 2e-3 and gaps[-1] < gaps[2] / 4 < gaps[0]


# --- at layers; the path is from 0 to [0, 100, 0], on which the first unit of linear1 wakes at a tenth ------------------

ONE_LARGE = torch.tensor([0.0, 100, 0]).view(1, 1, 1, 3)


@pytest.mark.parametrize(
    ("method", "layer", "expected"),
    [
        (st.layer_gradient_x_activation, "linear0", [0, 400, 0]),
        (st.layer_gradient_x_activation, "linear1", [90, 101, 101, 101]),
        (st.layer_integrated_gradients, "linear0", [0, 390, 0]),
        (st.layer_integrated_gradients, "linear1", [90, 100, 100, 100]),
        (st.layer_conductance, "linear0", [0, 390, 0]),
        (st.layer_conductance, "linear1", [90, 100, 100, 100]),
        (st.internal_influence, "linear0", [3.9, 3.9, 3.9]),
        (st.internal_influence, "linear1", [0.9, 1, 1, 1]),
        (st.layer_deeplift, "linear0", [0, 390, 0]),
        (st.layer_deeplift, "linear1", [90, 100, 100, 100]),
    ],
    ids=lambda value: getattr(value, "__name__", value if isinstance(value, str) else ""),
)
def test_what_flows_through_a_layer_of_numbers(method, layer, expected):
    net = st.open(MultiLayer(), input_size=(1, 1, 3))
    exact = method in (st.layer_gradient_x_activation, st.layer_deeplift)
    settings = {} if exact else {"steps": 128}
    if not exact or method is st.layer_deeplift:
        settings["baseline"] = "zero"
    found = method(net, ONE_LARGE, target=0, layer=layer, **settings)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-6 if exact else 6e-3, atol=1e-5)


def test_of_one_convolution_pixels_add_all_and_biases_nothing(one_conv):
    """Three times −50 through the first channel, twice 75 through the second."""
    (check,) = [n.numbers for n in st.fullgrad(one_conv, ORDERED, target=0).checks if n.name == "full_gradient"]
    assert (check["sum"], check["score"], check["biases"]) == (54, 54, 0)


@pytest.mark.parametrize("method", [st.vargrad, st.smoothgrad_squared, st.smoothgrad])
def test_where_noise_changes_no_gradient_it_has_no_variance(method):
    net = st.open(MultiLayer(), input_size=(1, 1, 3))
    found = method(net, torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3), target=0, noise=0.05, samples=7)
    expected = {st.vargrad: 0, st.smoothgrad_squared: 16, st.smoothgrad: 4}[method]
    np.testing.assert_allclose(found.values.ravel(), [expected] * 3, atol=1e-5)


@pytest.mark.parametrize("method", [st.guided_ig, st.blur_ig, st.expected_gradients, st.idgi])
def test_other_paths_add_up_where_the_network_is_straight(method):
    """The whole drawn way lies where all four units are awake: the score is 4 times the sum, less 8."""
    net = st.open(MultiLayer(), input_size=(1, 1, 3))
    x = torch.tensor([20.0, 50, 30]).view(1, 1, 1, 3)
    start = torch.tensor([10.0, 5, 5]).view(1, 1, 1, 3)
    settings = {
        st.guided_ig: {"baseline": start, "steps": 5},
        st.blur_ig: {"steps": 5, "widest": 2.0},
        st.expected_gradients: {"references": start, "samples": 5},
        st.idgi: {"baseline": start, "steps": 5},
    }[method]
    found = method(net, x, target=1, **settings)
    assert completeness(found)["gaps"] < 1e-5
    if method in (st.guided_ig, st.expected_gradients):
        np.testing.assert_allclose(found.values.ravel(), [40, 180, 100], rtol=1e-5)
    if method is st.idgi:
        np.testing.assert_allclose(found.values.ravel(), [320 / 3] * 3, rtol=1e-5)
