"""Colours say what the values say: zero is neutral, the two sides weigh the same, nothing is drawn where nothing is."""

import numpy as np
import pytest

from seethrough.show.colour import STEPS, overlay, paint, scale_of, table


def lightness(rgb):
    """CIELAB L* of sRGB colours, (N, 3) uint8."""
    c = rgb / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_zero_is_exactly_neutral_and_both_sides_darken_alike():
    signed = table(True)
    assert len(set(signed[STEPS])) == 1
    left, right = lightness(signed[:STEPS][::-1]), lightness(signed[STEPS + 1 :])
    assert np.abs(left - right).max() < 4
    assert (np.diff(left) < 0.5).all() and (np.diff(right) < 0.5).all()
    assert (signed[0, 2] > signed[0, 0]) and (signed[-1, 0] > signed[-1, 2])


def test_the_unsigned_table_rises_evenly_in_lightness():
    steps = np.diff(lightness(table(False)))
    assert (steps > 0).all() and steps.max() < 3 * np.median(steps)


def test_limits_are_symmetric_and_come_from_the_percentile():
    m = np.zeros((100, 100), np.float32)
    m[:, :50], m[0, 0], m[0, 1] = -1, 50, -80
    scale = scale_of(m, signed=True)
    assert scale.limit == pytest.approx(np.percentile(np.abs(m), 99.5)) and scale.clipped
    assert (scale.smallest, scale.largest) == (-80, 50)
    assert scale.position(np.array([0.0, scale.limit, -scale.limit, 50])).tolist() == [0, 1, -1, 1]


def test_one_lit_pixel_still_has_a_scale():
    m = np.zeros((100, 100), np.float32)
    m[3, 4] = 7
    assert scale_of(m, signed=False).limit == 7


def test_opacity_follows_the_distance_from_zero():
    m = np.array([[-2.0, -1, 0, 1, 2]])
    opacity = paint(m, np.ones(m.shape, bool), scale_of(m, signed=True))[0, :, 3]
    assert opacity[2] == 0 and opacity[0] == opacity[4] == 1 and 0 < opacity[1] == opacity[3] < 1


def test_without_evidence_the_picture_stays_as_it_is_and_the_unseen_is_dimmed():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    m = np.zeros((4, 6), np.float32)
    m[1, 2] = 1
    seen = np.ones((4, 6), bool)
    seen[:, 5] = False
    drawn = overlay(pixels, m, seen, scale_of(m, signed=False, seen=seen))
    untouched = seen & (m == 0)
    assert (drawn[untouched] == pixels[untouched]).all()
    assert (drawn[1, 2] != pixels[1, 2]).any()
    assert drawn[~seen].std() < pixels[~seen].std()


def test_faint_signed_evidence_tints_a_dark_picture_and_does_not_whiten_it():
    m = np.array([[0.1, -0.1, 1.0, -1.0]])
    tints = paint(m, np.ones(m.shape, bool), scale_of(m, signed=True))[0, :2, :3]
    assert tints[0, 0] - tints[0, 2] > 0.3 and tints[1, 2] - tints[1, 0] > 0.3
