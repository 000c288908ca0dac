"""What follows from RISE's masks without making them is what follows from the masks themselves."""

import pytest
import torch
from masked_material import game, run_of
from torch import nn
from torch.nn.functional import interpolate

from seethrough.attribution.enlarged import enlarged
from seethrough.attribution.masked import added_up
from seethrough.attribution.masks import SAMPLINGS, Masks, covering, windows
from seethrough.attribution.masks_shifted import rise_grids
from seethrough.attribution.rise import rise


@pytest.mark.parametrize(
    ("small", "size"), [((7, 7), (224, 224)), ((4, 5), (9, 11)), ((1, 3), (8, 2)), ((6, 6), (6, 6))]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_grids_are_enlarged_as_torch_does_it(small, size, dtype):
    grids = torch.randn(2, 3, *small, dtype=dtype, generator=torch.Generator().manual_seed(0))
    expected = interpolate(grids, size=size, mode="bilinear", align_corners=False)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(enlarged(grids, size), expected, rtol=0, atol=tolerance * 4)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_shifted_grids_add_up_as_their_masks_do(sampling, inverse):
    grids = rise_grids((30, 41), 1100, 4, 0.4, sampling, 2)
    run = run_of(nn.Flatten(), torch.zeros(3, 1, 30, 41, dtype=torch.float64))
    weights = torch.randn(1100, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = added_up(run, Masks(1100, grids.masks.some), weights, inverse=inverse)
    found = added_up(run, grids.masks, weights, inverse=inverse)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)  # the masks have seven digits
    assert found.dtype == torch.float64 and float(expected.abs().max()) > 1


@pytest.mark.parametrize("inverse", [False, True])
def test_windows_add_up_as_their_masks_do(inverse):
    run, places = game(lambda z: z.sum(1), (2, 2), side=5, pictures=2), list(windows((10, 10), (4, 3), (2, 3)))
    weights = torch.randn(len(places), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    masks = covering(places, (10, 10))
    expected = added_up(run, Masks(masks.count, masks.some), weights, inverse=inverse)
    torch.testing.assert_close(added_up(run, masks, weights, inverse=inverse), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("sampling", "together"), [("antithetic", 2), ("random", 1)])
@pytest.mark.parametrize("samples", [40, 41])
def test_the_share_of_chance_is_the_standard_error_of_the_masks_that_were_drawn(sampling, together, samples):
    x = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 18 * 22, 4)).eval().double()
    found = rise(run_of(module, x), samples=samples, grid=5, p=0.3, sampling=sampling, relative=False)
    masks = rise_grids((20, 24), samples, 5, 0.3, sampling, 0).masks.some(range(samples))[:, 0].double()
    with torch.no_grad():
        answers = torch.stack([module(x * m)[:, 0] for m in masks])
    drawn = samples // together
    each = (answers[..., None, None] * masks[:, None] / 0.3)[: drawn * together].unflatten(0, (drawn, together)).mean(1)
    error = ((each - found.values).square().sum(0) / drawn / (drawn - 1)).mean((1, 2)).sqrt()
    expected = error / found.values.std((1, 2), correction=0)
    torch.testing.assert_close(
        torch.tensor(found.checks["sampling_error"]["share"]).to(expected), expected, rtol=1e-4, atol=0
    )


def test_the_grids_of_a_question_are_those_of_the_next():
    assert rise_grids((20, 24), 50, 5, 0.5, "random", 3) is rise_grids((20, 24), 50, 5, 0.5, "random", 3)
    assert rise_grids((20, 24), 50, 5, 0.5, "random", 3) is not rise_grids((20, 24), 50, 5, 0.5, "random", 4)
