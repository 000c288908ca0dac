"""Removal: exact areas on networks whose answer is known, in any division of the work."""

import numpy as np
import pytest
import torch
from evaluation_material import Anything, Sum, Weighted, asked, numbers
from torch import nn

from seethrough.errors import UsageError
from seethrough.evaluation.masked import counts
from seethrough.evaluation.removal import (
    average_drop,
    average_increase,
    deletion,
    flipping_curve,
    insertion,
    irof,
    pixel_flipping,
    road,
    selectivity_curve,
)
from seethrough.trust.imputation import imputed

FOUR = numbers([0.4, 0.3], [0.2, 0.1])
FIVE = numbers([0.3, 0.25, 0.2, 0.15, 0.1])


@pytest.mark.parametrize("together", [1, 2, 3, 8])
@pytest.mark.parametrize(("picture", "steps", "deleted", "inserted"), [(FOUR, 2, 0.4, 0.6), (FIVE, 3, 0.41, 0.59)])
def test_areas_of_a_sum_are_exact_however_many_go_at_once(picture, steps, deleted, inserted, together):
    run = asked(Sum(), picture)
    run.together = together
    assert float(deletion(run, picture, steps=steps, fill="zero")) == pytest.approx(deleted, abs=1e-12)
    assert float(insertion(run, picture, steps=steps, fill="zero")) == pytest.approx(inserted, abs=1e-12)


def test_where_any_pixel_will_do_the_best_deletion_leaves_the_last_one():
    picture = numbers([0.0, 0.0, 0.0, 1.0])
    run = asked(Anything(), picture)
    assert float(deletion(run, picture, steps=4, fill="zero")) == pytest.approx(0.125)  # the trapeze of the first step
    assert float(insertion(run, picture, steps=4, fill="zero")) == pytest.approx(0.875)
    assert float(deletion(run, -picture, steps=4, fill="zero")) == pytest.approx(0.875)


def test_more_steps_than_places_are_as_many_as_places():
    assert counts(3, 32) == [0, 1, 2, 3]


def test_a_map_with_channels_takes_each_channel_alone():
    picture = torch.tensor([[[[4.0]], [[2.0]], [[1.0]]]], dtype=torch.float64)
    run = asked(Sum(), picture)
    found = flipping_curve(run, picture, [0, 1, 2, 3], "zero")
    assert found[:, 0].tolist() == [7, 3, 1, 0]
    assert flipping_curve(run, picture[:, :1], [0, 1], "zero")[:, 0].tolist() == [7, 0]


def test_patches_go_by_their_sums_and_the_last_of_a_row_are_cut_off():
    picture = numbers([1.0, 1.0, 5.0], [1.0, 1.0, 1.0], [0.0, 2.0, 7.0])
    found, at = selectivity_curve(asked(Sum(), picture), picture, 2, "zero")
    assert at == [0, 1, 2, 3, 4]
    assert found[:, 0].tolist() == [19, 12, 6, 2, 0]  # 7, then 5 + 1, then the four ones, then the two


def test_flipping_a_share_ends_there():
    picture = numbers([8.0, 4.0, 2.0, 1.0])
    run = asked(Sum(), picture)
    assert float(pixel_flipping(run, picture, share=0.5, steps=2, fill="zero")) == pytest.approx(
        (15 + 7) / 4 + (7 + 3) / 4
    )


def test_a_one_pixel_map_keeps_that_pixel():
    picture = FOUR
    only = numbers([1.0, 0.0], [0.0, 0.0])
    run = asked(Sum(), picture)
    assert float(average_drop(run, only)) == pytest.approx(0.6)
    assert float(average_increase(run, only)) == 0
    against = numbers([0.4, -0.3], [0.0, 0.0])
    run = asked(Sum(), against)
    assert float(average_increase(run, only)) == 1 and float(average_drop(run, only)) == 0


def test_segments_that_matter_go_first():
    pytest.importorskip("skimage", reason="scikit-image is of the extra data")
    picture = torch.zeros(2, 3, 32, 32, dtype=torch.float64)
    picture[0, :, :16] = 1
    picture[1, :, :, 8:] = 1
    run = asked(Sum(), picture)
    values = picture.sum(1, keepdim=True)
    good, bad = (irof(run, v, cells=4, fill="zero") for v in (values, -values))
    assert (good > 0.6).all() and (bad < 0.45).all()
    alone = irof(asked(Sum(), picture[1:]), values[1:], cells=4, fill="zero")
    assert float(good[1]) == pytest.approx(float(alone), abs=1e-12)


def test_what_is_imputed_is_the_weighted_mean_of_its_neighbours():
    chance = torch.Generator().manual_seed(0)
    image = torch.rand(2, 6, 7, generator=chance, dtype=torch.float64)
    gone = torch.rand(6, 7, generator=chance) < 0.6
    found = imputed(image, gone, 0, 0)
    assert torch.equal(found[:, ~gone], image[:, ~gone])
    kernel = torch.tensor([[1, 2, 1], [2, 0, 2], [1, 2, 1]], dtype=torch.float64)[None, None] / 12
    weigh = lambda t: nn.functional.conv2d(t[:, None], kernel, padding=1)[:, 0]  # noqa: E731
    mean = weigh(found) / weigh(torch.ones_like(found))
    np.testing.assert_allclose(found[:, gone], mean[:, gone], atol=1e-12)


def test_road_prefers_the_map_that_is_right_and_gives_an_even_one_nothing():
    chance = torch.Generator().manual_seed(3)
    picture = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    picture[:, :, 4:8, 4:8] = torch.rand(4, 4, generator=chance, dtype=torch.float64) + 1
    run = asked(Weighted(1, 16), picture)
    right = picture * run.gradient()
    assert float(road(run, right)) > 0 > float(road(run, -right))
    assert float(road(run, right)) == pytest.approx(-float(road(run, -right)), abs=1e-9)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda run, v: deletion(run, v, steps=0), "steps ≥ 1"),
        (lambda run, v: road(run, v, shares=(1.0,)), "between 0 and 1"),
        (lambda run, v: pixel_flipping(run, v, share=0), "0 < share"),
        (lambda run, v: irof(run, v, cells=1), "cells ≥ 2"),
        (lambda run, v: deletion(run, v[:, :, :1]), "aren't on the grid"),
        (lambda run, v: deletion(run, v * torch.nan), "NaN"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(call, says):
    with pytest.raises(UsageError, match=says):
        call(asked(Sum(), FOUR), FOUR)
