"""ROAD: removed pixels are filled in from those around them."""

import numpy as np
import torch
from trust_material import drawn, noise, run_of

from seethrough.trust.imputation import imputed
from seethrough.trust.road import SHARES, road


def test_a_removed_pixel_is_the_weighted_mean_of_its_neighbours():
    x = noise(2, 5, 5).double()
    gone = torch.zeros(5, 5, dtype=torch.bool)
    gone[2, 2] = True
    around = (x[:, 1, 2] + x[:, 3, 2] + x[:, 2, 1] + x[:, 2, 3]) / 6
    around += (x[:, 1, 1] + x[:, 1, 3] + x[:, 3, 1] + x[:, 3, 3]) / 12
    filled = imputed(x, gone, 0, 0)
    torch.testing.assert_close(filled[:, 2, 2], around)
    assert torch.equal(filled[:, ~gone], x[:, ~gone])


def test_many_removed_pixels_solve_the_system_and_a_plane_comes_back():
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    plane = (2 * y - x)[None].double()
    gone = torch.zeros(9, 9, dtype=torch.bool)
    gone[2:7, 2:7] = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)) > 0.3
    torch.testing.assert_close(imputed(plane, gone, 0, 0), plane)


def test_a_true_map_leaves_a_gap_that_blurred_noise_does_not():
    x = noise(2, 3, 28, 28)
    x[0, :, 4:10, 6:12] = 3
    x[1, :, 15:21, 18:24] = 3
    run = run_of(lambda x: x.clamp(min=2).mean((1, 2, 3))[:, None], x)
    true = (x.mean(1) > 2).float()
    before = run.counter.forward
    (right, wrong) = road(run, [drawn(true), drawn(-true)])
    assert run.counter.forward - before - 2 <= 2 * 2 * len(SHARES) * 3
    for good, bad in zip(right, wrong):
        assert good["road.gap"] > 0.3 > abs(good["road.blurred"]) and bad["road.gap"] < -0.3
    assert np.isclose(right[0]["road.blurred"], wrong[0]["road.blurred"])
