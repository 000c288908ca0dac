"""Tiles of noise: seamless, scaled, and read where they are asked."""

import numpy as np
import pytest

from seethrough.datasets.noise import TILE, fractal_tile, profile, read, slope_tile, smoothstep


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_a_tile_has_mean_0_and_deviation_1(slope: float) -> None:
    tile = fractal_tile(slope, seed=4)
    assert tile.shape == (TILE, TILE)
    assert abs(float(tile.mean())) < 1e-3 and float(tile.std()) == pytest.approx(1, abs=1e-3)


def test_a_tile_has_no_seam() -> None:
    tile = fractal_tile(2.0, seed=4)
    step = np.abs(np.diff(tile, axis=1)).max()
    assert np.abs(tile[:, 0] - tile[:, -1]).max() <= 1.5 * step


def test_the_spectrum_falls_with_the_slope_that_was_asked_for() -> None:
    power = np.abs(np.fft.rfft2(fractal_tile(1.5, seed=5))) ** 2
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None] * TILE, np.fft.rfftfreq(TILE) * TILE)
    bands = [np.log(power[(frequency >= f) & (frequency < 1.3 * f)].mean()) for f in (8, 128)]
    assert (bands[1] - bands[0]) / np.log(16) == pytest.approx(-3.0, abs=0.25)


def test_a_shared_tile_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        fractal_tile(1.0)[0, 0] = 1


def test_reading_wraps_around() -> None:
    tile = fractal_tile(1.0)
    x, y = np.array([3.0, 3.0 + TILE, 3.0 - TILE]), np.array([7.2, 7.2, 7.2 + 2 * TILE])
    assert np.array_equal(read(tile, x, y), np.full(3, tile[7, 3]))


def test_a_profile_is_linear_between_texels() -> None:
    tile = fractal_tile(1.0)
    assert profile(tile, 5, np.array([8.25]))[0] == pytest.approx(0.75 * tile[5, 8] + 0.25 * tile[5, 9], abs=1e-6)


def test_the_slope_is_that_of_the_tile() -> None:
    tile, slope = fractal_tile(2.0, 9), slope_tile(2.0, 9)
    rise = np.roll(tile, -1, 1) - np.roll(tile, 1, 1)
    assert np.allclose(slope * rise.std(), rise, atol=1e-5)


def test_smoothstep_goes_either_way() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert smoothstep(0, 1, values).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(1, 0, values).tolist() == [1, 1, 0.5, 0, 0]
