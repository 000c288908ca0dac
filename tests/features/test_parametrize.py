"""Ways to make a picture of numbers: what they start from, what they can't leave, and what colours they mix."""

import numpy as np
import pytest
import torch

from seethrough.errors import UsageError
from seethrough.features.parametrize import Fourier, Maco, Pixel, parametrization_said
from seethrough.features.spectrum import colour_mixing, frequencies, magnitude_of, natural_magnitude

ALL = [Pixel(), Fourier(), Maco()]


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("way", ALL, ids=lambda way: way.name)
@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (1, 1, 9, 13), (3, 4, 5, 32)])
def test_noise_makes_pictures_between_black_and_white_that_the_parameters_move(way, shape):
    canvas = way.canvas(shape, chance())
    picture = canvas.picture()
    inside = picture.detach()
    assert picture.shape == shape
    assert float(inside.min()) > 0 and float(inside.max()) < 1
    weights = torch.randn(picture.shape, generator=chance(1))  # of the mean alone, phases know nothing
    slopes = torch.autograd.grad((picture * weights).sum(), canvas.parameters)
    assert all(float(s.abs().sum()) > 0 for s in slopes)
    assert torch.equal(way.canvas(shape, chance()).picture(), picture)


@pytest.mark.parametrize("way", [Pixel(), Fourier(), Fourier(decay=0.5)])
@pytest.mark.parametrize("shape", [(1, 3, 16, 17), (2, 1, 8, 8)])
def test_a_picture_that_is_started_from_is_where_it_starts(way, shape):
    start = torch.rand(shape, generator=chance(2)) * 0.9 + 0.05
    torch.testing.assert_close(way.canvas(shape, chance(), start).picture(), start, atol=1e-4, rtol=0)


def test_under_maco_the_magnitude_stays_whatever_the_phases_are():
    canvas = Maco(contrast=0.5).canvas((2, 1, 24, 20), chance())
    with torch.no_grad():
        canvas.parameters[0].add_(torch.randn(canvas.parameters[0].shape, generator=chance(3)))
        before_sigmoid = torch.logit(canvas.picture().double())
    found = torch.fft.rfft2(before_sigmoid)[:, 0, 1:-1, 1:-1].abs()
    expected = natural_magnitude(24, 20)[1:-1, 1:-1].double()
    ratio = found / expected
    inner = ratio[:, :, :8]  # the last columns hold what a real picture can't have in full
    np.testing.assert_allclose(inner, inner.mean((1, 2), keepdim=True).expand_as(inner), rtol=1e-3)
    np.testing.assert_allclose(before_sigmoid.std((1, 2, 3)), 0.5, rtol=1e-3)


def test_fourier_noise_is_smoother_than_pixel_noise():
    rough, smooth = (
        way.canvas((1, 1, 64, 64), chance()).picture().detach() for way in (Pixel(spread=1), Fourier(spread=1, gain=1))
    )

    def neighbours(x):
        return float(np.corrcoef(x[0, 0, :, 1:].flatten(), x[0, 0, :, :-1].flatten())[0, 1])

    assert neighbours(smooth) > 0.5 > 0.1 > neighbours(rough)


def test_three_channels_are_colours_and_others_are_not():
    mixing = colour_mixing(3)
    assert mixing is not None
    assert colour_mixing(1) is None and colour_mixing(4) is None
    lengths = mixing.norm(dim=0)
    assert lengths[0] == pytest.approx(1)
    assert lengths[0] > lengths[1] > lengths[2]
    angles = (mixing / lengths).T @ (mixing / lengths)
    np.testing.assert_allclose(angles, torch.eye(3), atol=0.05)  # axes of colour that don't vary together


def test_a_magnitude_is_taken_from_pictures():
    stripes = np.zeros((32, 48, 3), np.uint8)
    stripes[:, ::8] = 255
    stripes[:, 1::8] = 255
    found = magnitude_of([stripes], 32, 48)
    at = np.unravel_index(int(found.argmax()), found.shape)
    assert at == (0, 6)  # every 8 of 48 pixels
    assert float(frequencies(32, 48)[at]) == pytest.approx(1 / 8)
    Maco(magnitude=[stripes]).canvas((1, 3, 32, 48), chance()).picture()


def test_magnitudes_that_say_nothing_are_refused():
    with pytest.raises(UsageError, match="one colour"):
        magnitude_of([np.full((8, 8, 3), 7, np.uint8)], 8, 8)
    with pytest.raises(UsageError, match="none was given"):
        magnitude_of([], 8, 8)
    with pytest.raises(UsageError, match=r"\(8, 5\)"):
        Maco(magnitude=torch.ones(3, 3)).canvas((1, 3, 8, 8), chance())
    with pytest.raises(UsageError, match="fourier, pixel, maco"):
        parametrization_said("wavelets")
