"""What stands where a picture is taken away: each fill is what its name says, in the network's own numbers."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

import seethrough as st
from seethrough.attribution.fills import blurred


class Total(nn.Module):
    """Adds everything up, so that covering all tells what the cover adds up to."""

    def forward(self, x):
        return x.flatten(1).sum(1, keepdim=True)


def cover(x, fill, **options):
    """The sum of a picture under a fill."""
    found = st.occlusion(st.open(Total(), **options), x, target=0, window=x.shape[2:], fill=fill)
    return found.scores - found.values[:, 0, 0]


@pytest.fixture
def x():
    return torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0)) + torch.arange(2.0).view(2, 1, 1, 1)


def test_fills_add_up_to_what_they_are(x):
    places = 20 * 24
    np.testing.assert_allclose(cover(x, "zero"), [0, 0], atol=1e-3)
    np.testing.assert_allclose(cover(x, 0.5), [0.5 * 3 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, np.float32(0.5)), [0.5 * 3 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, "mean"), x.flatten(1).sum(1), rtol=1e-5)
    np.testing.assert_allclose(cover(x, torch.tensor([1.0, 2, 3]).view(3, 1, 1)), [6 * places] * 2, rtol=1e-5)
    np.testing.assert_allclose(cover(x, x.flip(0).numpy()), x.flip(0).flatten(1).sum(1), rtol=1e-5)


def test_black_is_a_black_picture_as_the_network_sees_it(x):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = -sum(m / s for m, s in zip(mean, std)) * 20 * 24
    known = cover(x, "black", input_size=(3, 20, 24), preprocessing="torch")
    np.testing.assert_allclose(known, [expected] * 2, rtol=1e-4)
    np.testing.assert_allclose(cover(x, "black"), [0, 0], atol=1e-3)  # nobody knows: zero


def test_the_mean_is_each_pictures_own_colour():
    class Red(nn.Module):
        def forward(self, x):
            return x[:, :1].flatten(1).sum(1, keepdim=True)

    x = torch.stack([torch.full((3, 8, 8), 1.0), torch.full((3, 8, 8), 4.0)])
    x[:, 0, :4] += 2  # the upper half is redder
    found = st.occlusion(st.open(Red()), x, target=0, window=(4, 8), stride=4, fill="mean")
    np.testing.assert_allclose(found.values[:, [0, 7], 0], [[32, -32]] * 2)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_the_blur_is_a_gaussian_mirrored_at_the_edges(x, sigma):
    expected = gaussian_filter(x.double().numpy(), (0, 0, sigma, sigma), mode="mirror", truncate=3.0)
    np.testing.assert_allclose(blurred(x.double(), sigma).numpy(), expected, rtol=1e-6)


def test_a_blur_wider_than_the_picture_still_has_its_mean_within_the_pictures_values():
    x = torch.rand(1, 2, 5, 40)
    found = blurred(x, 4.0)
    assert found.shape == x.shape and x.min() <= found.min() and found.max() <= x.max()
    np.testing.assert_allclose(blurred(torch.full((1, 2, 5, 40), 3.0), 4.0), 3, rtol=1e-5)


@pytest.mark.parametrize("rank", [2, 3])
def test_baselines_serve_inputs_that_are_no_pictures(rank):
    torch.manual_seed(0)
    shape = (3, 4, 10)[:1] + (4, 10)[-(rank - 1) :]
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 6), nn.Tanh(), nn.Linear(6, 2))
    net, x = st.open(module, input_size=shape[1:]), torch.randn(shape)
    for baseline in ("zero", "mean", "black", 0.3):
        found = st.integrated_gradients(net, x, target=1, baseline=baseline, steps=16)
        assert found.values.shape == shape and found.map.shape == (3, 1, 10)
        assert max(n.numbers["gaps"] for n in found.checks if n.name == "completeness") < 1e-3
        alone = st.integrated_gradients(net, x[1:2], target=1, baseline=baseline, steps=16)
        np.testing.assert_allclose(alone.values[0], found.values[1], atol=1e-6)
    noisy = st.smoothgrad(net, x, target=1, samples=3)
    np.testing.assert_allclose(st.smoothgrad(net, x[2:], target=1, samples=3).values[0], noisy.values[2], atol=1e-6)
