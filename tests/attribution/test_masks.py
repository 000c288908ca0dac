"""Masks are what they say: as many, as likely, and of the size of the picture."""

import numpy as np
import pytest
import torch
from masked_material import game

from seethrough.attribution.masks import SAMPLINGS, chances, coalitions, covering, covers_of, given, windows
from seethrough.attribution.masks_shifted import rise_grids
from seethrough.attribution.segments import segments_of
from seethrough.errors import UsageError


def every(masks):
    return masks.some(range(masks.count))[:, 0]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("p", [0.5, 0.2])
def test_masks_of_rise_leave_every_place_with_the_chance_that_was_asked_for(sampling, p):
    masks = every(rise_grids((30, 41), 2000, 4, p, sampling, seed=3).masks)
    assert masks.shape == (2000, 30, 41) and masks.min() >= 0 and masks.max() <= 1
    assert masks.mean(0).sub(p).abs().max() < 0.04
    assert masks.flatten(1).std(1).mean() > 0.1  # and no mask is grey all over


def test_a_mask_of_rise_is_a_grid_enlarged_and_shifted():
    """Against bilinear interpolation written down: between the centres of cells, shifted by less than a cell."""
    size, grid, samples = (21, 28), 3, 12
    cell, large = (7, 10), (28, 40)
    drawn = chances(samples, grid * grid + 2, "random", 5)
    masks = every(rise_grids(size, samples, grid, 0.5, "random", 5).masks)
    for mask, one in zip(masks, drawn):
        cells = (one[2:] < 0.5).double().reshape(grid, grid).numpy()
        down, right = int(one[0] * cell[0]), int(one[1] * cell[1])
        for y, x in [(0, 0), (5, 17), (20, 27), (13, 3)]:
            at = [(n + shift + 0.5) * grid / whole - 0.5 for n, shift, whole in zip((y, x), (down, right), large)]
            near = [(int(np.floor(a)), a - np.floor(a)) for a in at]
            expected = sum(
                (wy if dy else 1 - wy) * (wx if dx else 1 - wx) * cells[np.clip(iy + dy, 0, 2), np.clip(ix + dx, 0, 2)]
                for (iy, wy), (ix, wx) in [near] for dy in (0, 1) for dx in (0, 1)
            )  # fmt: skip
            assert float(mask[y, x]) == pytest.approx(expected, abs=1e-5)
    shifts = {(int(a * cell[0]), int(b * cell[1])) for a, b in drawn[:, :2]}
    assert len(shifts) > 6


def test_antithetic_masks_are_one_anothers_rest():
    masks = every(rise_grids((16, 20), 7, 4, 0.5, "antithetic", seed=0).masks)
    assert torch.allclose(masks[0:6:2] + masks[1:6:2], torch.ones(()), atol=1e-6)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_chances_are_the_same_for_the_same_seed_and_leave_the_process_random_state(sampling):
    before = torch.random.get_rng_state()
    one, again, other = (chances(64, 5, sampling, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.shape == (64, 5) and one.min() >= 0 and one.max() < 1


def test_a_quasi_random_sequence_fills_the_unit_more_evenly_than_chance():
    def unevenness(sampling):
        return float((chances(64, 3, sampling, 0).sort(0).values - (torch.arange(64)[:, None] + 0.5) / 64).abs().max())

    assert unevenness("qmc") < 1 / 64 < unevenness("random")


@pytest.mark.parametrize(("size", "window", "stride"), [((9, 7), (3, 2), (2, 2)), ((10, 10), (4, 4), (3, 4))])
def test_windows_that_step_no_farther_than_they_reach_cover_everything(size, window, stride):
    covered = every(covering(list(windows(size, window, stride)), size))
    assert (covered == 0).any(0).all() and ((covered == 0).flatten(1).sum(1) <= window[0] * window[1]).all()


def test_windows_that_step_farther_leave_gaps_and_none_is_empty():
    places = list(windows((224, 224), (16, 16), (112, 112)))
    assert [(rows.start, columns.start) for rows, columns in places] == [(0, 0), (0, 112), (112, 0), (112, 112)]
    assert all(rows.stop > rows.start for rows, _ in windows((10, 10), (2, 2), (3, 3)))


def test_coalitions_leave_the_segments_they_hold():
    run = game(lambda z: z.sum(1), (2, 2), side=3)
    masks = every(coalitions(segments_of(run, cells=2), torch.tensor([[True, False, False, True], [False] * 4])))
    expected = torch.zeros(6, 6)
    expected[:3, :3] = expected[3:, 3:] = 1
    assert torch.equal(masks, torch.stack([expected, torch.zeros(6, 6)]))


def test_masks_may_be_each_pictures_own():
    own = torch.rand(3, 2, 4, 4)
    assert torch.equal(given(own).some(range(1, 3)), own[1:])
    assert given(own[:, 0]).some(range(3)).shape == (3, 1, 4, 4)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (torch.zeros(2, 8, 9), r"shape \(2, 8, 9\), and the network's input is 8 × 16: give them as \(masks, 8, 16\)"),
        (torch.zeros(8, 16), r"shape \(8, 16\)"),
        (torch.zeros(0, 8, 16), r"shape \(0, 8, 16\)"),
        (torch.full((1, 8, 16), 255), "from 0 .left. to 1 .covered."),
        (torch.full((1, 8, 16), float("nan")), "from 0 .left. to 1 .covered."),
        ([[0, 1]], "an array .masks, height, width., not list"),
    ],
)
def test_masks_that_dont_fit_are_refused(masks, message):
    with pytest.raises(UsageError, match=message):
        covers_of(game(lambda z: z.sum(1)), masks, "feature_ablation")


def test_an_unknown_way_to_draw_is_refused():
    with pytest.raises(UsageError, match="one of random, antithetic, qmc, not 'sobol'"):
        chances(4, 2, "sobol", 0)
