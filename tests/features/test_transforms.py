"""Moves of a picture: exact where nothing need be interpolated, composed into one, the same for the same seed."""

import numpy as np
import pytest
import torch

from seethrough.errors import UsageError
from seethrough.features.transforms import (
    NONE,
    Jitter,
    Pad,
    Rotate,
    Scale,
    margin,
    middle,
    moved,
    standard,
    transforms_said,
)


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def smooth(height=40, width=52):
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    return torch.stack([torch.sin(x) * torch.cos(y), torch.cos(x + y)])[None]


def test_without_transforms_the_network_is_shown_the_picture_itself():
    picture = torch.rand(2, 3, 11, 8)
    assert torch.equal(moved(picture, NONE, (11, 8), chance()), picture)


def test_a_shift_inside_the_padding_cuts_out_pixels_as_they_are():
    picture, seen = torch.arange(20 * 24.0).reshape(1, 1, 20, 24), set()
    for seed in range(40):
        found = moved(picture, (Pad(3), Jitter(3)), (14, 18), chance(seed))
        corner = int(found[0, 0, 0, 0])
        top, left = divmod(corner, 24)
        assert torch.equal(found, picture[:, :, top : top + 14, left : left + 18])
        seen.add((top, left))
    assert len(seen) > 20
    assert all(0 <= top <= 6 and 0 <= left <= 6 for top, left in seen)


def test_composed_moves_are_one_after_the_other():
    picture, size = smooth(), (40, 52)
    turns, larger = (Rotate(20),), (Scale(1.3, 1.3),)
    one = moved(picture, (*turns, *larger), size, chance(3))
    two = moved(moved(picture, turns, size, chance(3)), larger, size, chance(4))
    inner = (slice(None), slice(None), slice(12, 28), slice(16, 36))
    np.testing.assert_allclose(one[inner], two[inner], atol=0.02)
    assert (one - picture)[inner].abs().max() > 0.1


def test_enlarging_shows_the_middle_larger():
    picture = torch.zeros(1, 1, 41, 41)
    picture[:, :, 18:23, 18:23] = 1
    found = moved(picture, (Scale(2, 2),), (41, 41), chance())
    assert float(found.sum()) == pytest.approx(100, rel=0.05)


def test_the_same_seed_moves_alike_and_another_doesn_t():
    picture = torch.rand(1, 3, 36, 36)
    moves = standard(32, 32)
    first, again, other = (moved(picture, moves, (32, 32), chance(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_gradient_comes_back_to_the_pixels_that_were_shown():
    picture = torch.rand(1, 1, 36, 36, requires_grad=True)
    moved(picture, (Pad(2), Jitter(2)), (32, 32), chance(5)).sum().backward()
    assert picture.grad is not None
    assert float(picture.grad.sum()) == 32 * 32


def test_what_is_padded_is_cut_off_in_the_end():
    moves = (Pad(3), Jitter(2), Pad(1))
    picture = torch.rand(1, 1, 18, 15)
    assert margin(moves) == 4
    assert torch.equal(middle(picture, (10, 7)), picture[:, :, 4:14, 4:11])


def test_another_name_is_refused():
    assert transforms_said("none", 8, 8) == NONE
    with pytest.raises(UsageError, match="standard"):
        transforms_said("wobble", 8, 8)
