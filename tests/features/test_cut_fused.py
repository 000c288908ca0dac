"""Normalisations inside their convolutions: fewer operations and the same numbers, only where nobody else reads between."""

import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.features.cut import LEAK, Cut

BATCH = torch.randn(2, 3, 10, 9, generator=torch.Generator().manual_seed(0))


def normalised(channels):
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        for t in (norm.running_mean, norm.weight, norm.bias):
            t.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


class Read(nn.Module):
    """The convolution's own value is read beside its normalisation."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), normalised(4)

    def forward(self, x):
        x = self.conv(x)
        return self.norm(x) + x


def cut(module, layers, mode="inference"):
    return Cut(st.open(module, input_size=(3, 10, 9), mode=mode).source, layers, BATCH)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_normalisation_runs_in_its_convolution_with_the_same_numbers(bias, groups):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=groups, bias=bias, stride=2), normalised(6), nn.ReLU(), nn.Conv2d(6, 4, 1), normalised(4)
    ).eval()  # fmt: skip
    found = cut(module, ("4",))
    assert [s.name for s in found.steps] == ["conv2d", "relu", "conv2d"]
    torch.testing.assert_close(found.differentiable(BATCH)["4"], module(BATCH), atol=1e-5, rtol=1e-5)


def test_a_convolution_that_is_asked_for_or_read_by_others_stays_as_it_is():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), normalised(4)).eval()
    assert cut(module, ("0", "1")).operations == 2
    read = Read().eval()
    found = cut(read, ("norm",))
    torch.testing.assert_close(found.differentiable(BATCH)["norm"], read.norm(read.conv(BATCH)), atol=1e-5, rtol=1e-5)
    whole = cut(read, ("(output)",))
    assert whole.operations == 3
    torch.testing.assert_close(whole.differentiable(BATCH)["(output)"], read(BATCH).mean((2, 3)), atol=1e-5, rtol=1e-5)


def test_a_normalisation_in_training_is_of_its_batch_and_stays():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), normalised(4))
    assert [s.name for s in cut(module, ("1",), mode="train").steps] == ["conv2d", "batch_norm"]


def test_keras_normalisations_too():
    keras = pytest.importorskip("keras", reason="Keras isn't installed; it comes with the extra `keras`")
    layers = keras.layers
    module = keras.Sequential(
        [keras.Input((10, 9, 3)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(name="norm")]
    )
    norm = module.get_layer("norm")
    norm.set_weights([w + 0.5 for w in norm.get_weights()])
    found = Cut(st.open(module).source, ("norm",), BATCH)
    assert [s.name for s in found.steps if s.name in ("conv2d", "affine")] == ["conv2d"]
    torch.testing.assert_close(found.differentiable(BATCH)["norm"], found.values(BATCH)["norm"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rectifier", [nn.ReLU(), nn.ReLU6(), nn.Hardtanh(0, 2)])
def test_a_closed_rectifier_passes_a_tenth_of_the_gradient(rectifier):
    module = nn.Sequential(nn.Identity(), rectifier).eval()
    batch = (3 * BATCH).clone().requires_grad_()
    value = cut(module, ("1",)).differentiable(batch)["1"]
    (slope,) = torch.autograd.grad(value.sum(), batch)
    cap = {nn.ReLU6: 6.0, nn.Hardtanh: 2.0}.get(type(rectifier), torch.inf)
    assert torch.equal(value, rectifier(batch))
    open_ = (batch > 0) & (batch <= cap)
    assert torch.equal(slope, torch.where(open_, 1.0, LEAK)) and bool(open_.any()) and not bool(open_.all())
