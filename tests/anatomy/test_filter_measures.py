"""Measures of filters against closed forms and properties."""

import numpy as np
import pytest
from filter_networks import convolution, one, random_weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seethrough.anatomy.filter_measures import LARGEST, bands, beyond, checkerboard, cosines, unevenness


def sinusoid(frequency, angle=0.0, side=11):
    """A wave of some cycles per pixel under a window, (1, 1, side, side), with no constant part."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    window = np.exp(-(x**2 + y**2) / (2 * (side / 4.5) ** 2))
    wave = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
    return (wave * window)[None, None]


@pytest.mark.parametrize("angle", [0, 0.7, np.pi / 2])
@pytest.mark.parametrize(("frequency", "band"), [(0.06, 0), (0.19, 1), (0.4, 2)])
def test_a_planted_sinusoid_lands_in_its_band(frequency, band, angle):
    shares = bands(sinusoid(frequency, angle))[0]
    assert shares.argmax() == band and shares[band] > 0.7


def test_a_constant_kernel_is_coarse_and_white_noise_spreads_by_area():
    assert bands(np.ones((1, 3, 15, 15)))[0, 0] > 0.85
    noise = bands(np.random.default_rng(0).normal(size=(300, 2, 7, 7))).mean(axis=0)
    assert np.allclose(noise, [0.05, 0.15, 0.8], atol=0.01)


def test_the_energy_in_the_bands_is_that_of_the_weights():
    """Parseval: a kernel of two parts with energies 1 and 3 in two bands has a quarter and three quarters there."""
    low, high = sinusoid(0.05, side=LARGEST), sinusoid(0.45, side=LARGEST)
    low, high = low / np.linalg.norm(low), high / np.linalg.norm(high)
    shares = bands(np.concatenate([low, np.sqrt(3) * high], axis=1))[0]
    assert np.allclose(shares, [0.25, 0, 0.75], atol=0.02)


def test_what_a_stride_cannot_carry():
    assert beyond(sinusoid(0.4), (2, 2))[0] > 0.95
    assert beyond(sinusoid(0.1, side=21), (2, 2))[0] < 0.05
    assert beyond(sinusoid(0.2, side=21), (4, 4))[0] > 0.9


@pytest.mark.parametrize("side", [3, 4, 5])
def test_a_checkerboard_is_one_and_a_constant_of_even_side_none(side):
    signs = (-1.0) ** np.indices((side, side)).sum(axis=0)[None, None]
    assert checkerboard(signs * 0.3) == pytest.approx(1)
    assert checkerboard(np.ones((1, 1, 4, 4))) == pytest.approx(0, abs=1e-12)


def test_white_noise_has_one_in_n_of_a_checkerboard():
    assert checkerboard(np.random.default_rng(0).normal(size=(4000, 1, 3, 3))).mean() == pytest.approx(1 / 9, abs=0.01)


def test_a_bilinear_kernel_paints_evenly_and_a_constant_of_odd_size_does_not():
    ramp = np.array([0.25, 0.75, 0.75, 0.25])
    assert unevenness(np.outer(ramp, ramp)[None, None], (2, 2))[0] == pytest.approx(0, abs=1e-12)
    # along an axis the phases of three places under steps of two get 2 and 1: products 4, 2, 2, 1, of mean 9/4
    assert unevenness(np.ones((1, 1, 3, 3)), (2, 2))[0] == pytest.approx(1 - 4 * (9 / 4) ** 2 / 25)


def test_unevenness_is_what_a_constant_input_shows():
    import torch

    w = random_weights(1, 1, 4, 4)
    painted = torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 8, 8), w, stride=2)[0, 0, 6:8, 6:8].double().numpy()
    expected = ((painted - painted.mean()) ** 2).sum() / (painted**2).sum()
    assert unevenness(w.double().numpy(), (2, 2))[0] == pytest.approx(expected, rel=1e-5)


finite = st.floats(-1e3, 1e3, allow_nan=False, width=32)
some_kernels = hnp.arrays(np.float64, st.tuples(*map(st.just, (4, 2, 3, 3))), elements=finite)


@given(some_kernels, st.floats(1e-6, 1e6))
def test_a_scaled_clone_has_the_cosine_one_and_its_negative_minus_one(w, factor):
    w = w.copy()
    w[1], w[2] = factor * w[0], -factor * w[0]
    angles = cosines(w)
    expected = 1 if np.abs(w[0]).max() > 0 and np.abs(w[1]).max() > 0 else 0
    assert angles[0, 1] == pytest.approx(expected) and angles[0, 2] == pytest.approx(-expected)
    assert np.allclose(angles, angles.T) and np.abs(angles).max() <= 1


@given(some_kernels, st.floats(1e-3, 1e3))
def test_shares_are_shares_and_do_not_depend_on_scale_or_on_where_the_picture_begins(w, factor):
    shares = bands(w)
    whole = np.abs(w).reshape(4, -1).max(axis=1) > 1e-3
    assert np.allclose(shares[whole].sum(axis=1), 1)
    assert np.allclose(shares[whole], bands(w * factor)[whole], atol=1e-9)
    assert np.allclose(shares[whole], bands(w[..., ::-1, ::-1])[whole], atol=1e-9)
    assert np.allclose(shares[whole], bands(np.pad(w, ((0, 0), (0, 0), (1, 2), (0, 1))))[whole], atol=1e-9)
    assert ((checkerboard(w)[whole] >= 0) & (checkerboard(w)[whole] <= 1 + 1e-9)).all()


def test_size_counts_the_normalisation_behind_and_relative_the_median():
    import torch
    from torch import nn

    conv, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5)
    with torch.no_grad():
        conv.weight.copy_(torch.ones(5, 3, 3, 3) * torch.tensor([1.0, 2, 3, 4, 5]).reshape(5, 1, 1, 1))
        norm.running_var = torch.full((5,), 1 - norm.eps)
        norm.weight.copy_(torch.tensor([10.0, 1, 1, 1, -1]))
    m = one(nn.Sequential(conv, norm), (3, 8, 8)).measures
    assert np.allclose(m.rms, [1, 2, 3, 4, 5]) and np.allclose(m.size, [10, 2, 3, 4, 5], rtol=1e-4)
    assert np.allclose(m.relative, [2.5, 0.5, 0.75, 1, 1.25], rtol=1e-4)


def test_filters_of_different_groups_are_not_compared():
    w = random_weights(4, 2, 3, 3)
    w[2] = w[0]
    m = one(convolution(w, groups=2), (4, 8, 8)).measures
    assert m.like.tolist() == [1, 0, 3, 2]
    depthwise = one(convolution(random_weights(4, 1, 3, 3), groups=4), (4, 8, 8)).measures
    assert (depthwise.like == -1).all() and np.isnan(depthwise.cosine).all()


def test_kernels_of_one_place_or_two_have_no_frequencies():
    assert np.isnan(one(convolution(random_weights(4, 3, 1, 1)), (3, 8, 8)).measures.bands).all()
    assert np.isnan(one(convolution(random_weights(4, 3, 2, 2)), (3, 8, 8)).measures.checkerboard).all()
