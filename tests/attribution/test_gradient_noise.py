"""What the gradients of noisy pictures are told by: their mean, their squares, their variance, from the same pictures."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution.gradient import Moments
from seethrough.errors import UsageError
from seethrough.results import Passes

NOISY = ("smoothgrad", "smoothgrad_squared", "vargrad")


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Conv2d(6, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


@pytest.fixture(scope="module")
def x():
    return torch.randn(2, 3, 10, 10, generator=torch.Generator().manual_seed(1))


def single_gradients(module, x, samples, noise, seed):
    """The same pictures and their gradients, by hand, (samples, N, C, H, W)."""
    chance, found = torch.Generator().manual_seed(seed), []
    deviation = noise * (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True))
    for _ in range(samples):
        leaf = (x + deviation * torch.randn(x.shape[1:], generator=chance)).requires_grad_()
        found.append(torch.autograd.grad(module(leaf)[:, 2].sum(), leaf)[0])
    return torch.stack(found).double().numpy()


def test_they_are_the_mean_the_mean_square_and_the_variance_of_the_same_gradients(module, x):
    net = st.open(module, input_size=(3, 10, 10))
    found = st.explain(net, x, NOISY, target=2, samples=13, noise=0.3, seed=4)
    g = single_gradients(module, x, 13, 0.3, 4)
    for method, expected in zip(NOISY, (g.mean(0), (g**2).mean(0), g.var(0))):
        np.testing.assert_allclose(found[method].values, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(found["vargrad"].map, g.var(0).sum(1), rtol=1e-4)


def test_together_they_cost_what_one_costs(module, x):
    net = st.open(module, input_size=(3, 10, 10))
    alone = st.explain(net, x, ["vargrad"], target=2, samples=9).passes
    assert st.explain(net, x, NOISY, target=2, samples=9).passes == alone == Passes(2 + 18, 18)


def test_a_picture_has_the_same_map_in_any_company(module, x):
    net = st.open(module, input_size=(3, 10, 10))
    for method in NOISY:
        together = getattr(st, method)(net, x, target=2, samples=5).values
        alone = getattr(st, method)(net, x[1:], target=2, samples=5).values
        np.testing.assert_allclose(together[1], alone[0], rtol=1e-4, atol=1e-6 * np.abs(alone).max())


def test_a_small_variance_beside_a_large_mean_is_not_lost_in_rounding():
    chance = np.random.default_rng(0)
    g = 1e4 + chance.normal(0, 0.1, (40, 2, 5))
    moments = Moments(torch.zeros(2, 5), torch.zeros(2, 5))
    given = torch.from_numpy(g).float()
    for start in range(0, 40, 7):
        moments.add(given[start : start + 7])
    expected = given.double().numpy().var(0)
    np.testing.assert_allclose(moments.variance, expected, rtol=0.01)
    naive = (given**2).mean(0) - given.mean(0) ** 2
    assert np.abs(naive.numpy() - expected).max() > expected.max()  # the reason: sums of squares know nothing of it


def test_one_sample_has_no_variance_and_none_is_refused(module, x):
    net = st.open(module, input_size=(3, 10, 10))
    assert not st.vargrad(net, x, target=0, samples=1).values.any()
    for method in NOISY:
        with pytest.raises(UsageError, match="samples ≥ 1 and noise ≥ 0, not 0"):
            getattr(st, method)(net, x, target=0, samples=0)


def test_double_precision_stays(module, x):
    net = st.open(module.double(), input_size=(3, 10, 10))
    try:
        found = st.smoothgrad_squared(net, x.double(), target=2, samples=4, seed=1).values
    finally:
        module.float()
    assert (found >= 0).all() and found.any()


# --- low pass -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (15, 15), (12, 21), (21, 12)])
@pytest.mark.parametrize("cutoff", [1.0, 3.0, 4.5])
def test_forgrad_keeps_the_waves_up_to_its_cutoff(size, cutoff):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(4 * size[0] * size[1], 2))
    x = torch.randn(2, 3, *size)
    net = st.open(module, input_size=(3, *size))
    saliency = st.saliency(net, x, target=1).map.astype(np.float64)
    up, across = np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None]
    kept = np.hypot(up, across) * min(size) <= cutoff + 1e-9
    expected = np.fft.ifft2(np.fft.fft2(saliency) * kept).real.clip(min=0)
    found = st.forgrad(net, x, target=1, cutoff=cutoff)
    np.testing.assert_allclose(found.values, expected, atol=1e-5 * expected.max())
    assert found.passes == Passes(2, 2)


def test_forgrad_with_every_wave_is_saliency_and_its_default_is_the_papers():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 22 * 22, 2))
    x = torch.randn(1, 3, 45, 45)
    net = st.open(module, input_size=(3, 45, 45))
    every = st.forgrad(net, x, target=0, cutoff=45)
    np.testing.assert_allclose(every.values, st.saliency(net, x, target=0).map, atol=1e-6)
    assert np.array_equal(st.forgrad(net, x, target=0).values, st.forgrad(net, x, target=0, cutoff=3).values)


def test_forgrad_refuses_a_cutoff_that_keeps_nothing():
    net = st.open(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_size=(3, 4, 4))
    with pytest.raises(UsageError, match="waves > 0, not 0"):
        st.forgrad(net, torch.zeros(1, 3, 4, 4), target=0, cutoff=0)
