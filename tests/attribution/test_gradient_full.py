"""FullGrad: pixels' and biases' parts sum to the answer, and the map is the paper's."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.models.torchvision_import import make_torchvision_importable


def numbers(found):
    return [note.numbers for note in found.checks if note.name == "full_gradient"]


def wild(module):
    """Statistics and biases that aren't 0 and 1, in double precision."""
    chance = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3, generator=chance)
            layer.running_var.uniform_(0.5, 2, generator=chance)
            layer.bias.data.normal_(0, 0.3, generator=chance)
        elif isinstance(layer, nn.Conv2d) and layer.bias is not None:
            layer.bias.data.normal_(0, 0.2, generator=chance)
    return module.double().eval()


class Spelled(nn.Module):
    """A convolution without bias, then its bias by hand, a difference, a capped rectifier and a gate."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(3, 5, 3, bias=False), nn.Conv2d(5, 6, 3)
        self.bias, self.fc, self.gate = nn.Parameter(torch.randn(5, 1, 1)), nn.Linear(6, 4), nn.Linear(6, 6)

    def forward(self, x):
        x = F.leaky_relu(0.3 - (self.conv1(x) + self.bias), 0.1)
        x = F.relu6(self.conv2(x - 0.2) * 4)
        x = F.silu(x) * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        return self.fc(F.max_pool2d(x, 2).mean((2, 3)))


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v2", "spelled by hand"])
def test_pixels_and_biases_sum_to_the_answer(name):
    torch.manual_seed(0)
    if name == "spelled by hand":
        module = wild(Spelled())
    else:
        make_torchvision_importable()
        models = pytest.importorskip("torchvision.models", reason="torchvision isn't installed")
        module = wild(getattr(models, name)(weights=None))
    x = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    found = st.fullgrad(st.open(module, input_size=(3, 40, 40)), x, target=3)
    for each in numbers(found):
        assert each["gap"] < 1e-9 and abs(each["biases"]) > 1e-3
        assert each["sum"] == pytest.approx(each["score"], rel=1e-9)


class ByHand(nn.Module):
    """Two convolutions, a batch normalisation and a linear layer whose outputs can be asked for gradients."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv1, self.norm, self.conv2 = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 5, 3, stride=2)
        self.fc = nn.Linear(5, 3)

    def forward(self, x, seen=None):
        a = self.conv1(x)
        b = self.norm(a)
        c = self.conv2(torch.relu(b))
        if seen is not None:
            seen += [a, b, c]
        return self.fc(torch.relu(c).mean((2, 3)))


def psi(part, size):
    part = part.abs()
    part = part / part.amax((1, 2, 3), keepdim=True)
    return F.interpolate(part, size, mode="bilinear", align_corners=False).sum(1)


def test_the_map_is_the_papers_formula_worked_out_by_autograd():
    module = wild(ByHand())
    x, seen = torch.randn(2, 3, 15, 13, dtype=torch.float64), []
    leaf = x.clone().requires_grad_()
    score = module(leaf, seen)[:, 1].sum()
    g, *slopes = torch.autograd.grad(score, [leaf, *seen])
    n = module.norm
    implicit = n.bias - n.running_mean * n.weight / torch.sqrt(n.running_var + n.eps)
    biases = [module.conv1.bias, implicit, module.conv2.bias]
    expected = psi(x * g, (15, 13))
    for bias, slope in zip(biases, slopes):
        expected = expected + psi(bias.detach()[:, None, None] * slope, (15, 13))
    found = st.fullgrad(st.open(module, input_size=(3, 15, 13)), x, target=1)
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-5)
    spatial = sum((b[:, None, None] * s).sum((1, 2, 3)) for b, s in zip(biases, slopes))
    np.testing.assert_allclose([n["biases"] for n in numbers(found)], (spatial + module.fc.bias[1]).tolist(), rtol=1e-9)


def test_a_rectifier_network_without_biases_is_input_times_gradient():
    torch.manual_seed(0)
    head = [nn.Flatten(), nn.Linear(6 * 16, 3, bias=False)]
    module = nn.Sequential(nn.Conv2d(2, 6, 3, bias=False), nn.ReLU(), nn.AvgPool2d(2), *head)
    net, x = st.open(module, input_size=(2, 10, 10)), torch.randn(1, 2, 10, 10)
    found, plain = st.fullgrad(net, x, target=0), st.input_x_gradient(net, x, target=0)
    expected = np.abs(plain.values).sum(1) / np.abs(plain.values).max()
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)
    assert numbers(found)[0]["biases"] == 0


def test_a_network_that_is_not_piecewise_linear_is_told_by_its_gap():
    torch.manual_seed(0)
    head = [nn.GroupNorm(2, 6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)]
    module = nn.Sequential(nn.Conv2d(2, 6, 3), *head)
    found = st.fullgrad(st.open(module, input_size=(2, 10, 10)), torch.randn(1, 2, 10, 10), target=0)
    assert numbers(found)[0]["gap"] > 0.05 and np.isfinite(found.values).all()


def test_pictures_do_not_depend_on_their_company():
    module = wild(ByHand())
    net, x = st.open(module, input_size=(3, 12, 12)), torch.randn(3, 3, 12, 12, dtype=torch.float64)
    together, alone = st.fullgrad(net, x, target=2).values, st.fullgrad(net, x[1:2], target=2).values
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-6)
