"""Class activation maps by masked pictures and by parts of a layer taken away, each run again by hand."""

import numpy as np
import torch
from torch import nn

from cam_networks import TARGETS, X, asked, close, curved, layer_and_gradient, pooled


def test_recipro_cam_without_its_neighbours_is_hirescam_before_the_rectifier():
    module = pooled()
    close(asked("reciprocam", module, spread=False).values, asked("cam", module).values / 20, 1e-4)
    spread = asked("reciprocam", module).values
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 4
    blurred = nn.functional.conv2d(torch.as_tensor(asked("cam", module).values)[:, None] / 20, kernel, padding=1)
    close(spread, blurred[:, 0], 1e-4)


def test_ablation_and_recipro_cam_run_the_network_with_the_layer_changed():
    module = curved()
    a = module[:3](X).detach()
    with torch.no_grad():
        whole, rest = module(X)[[0, 1], TARGETS], module[3:]
        lost = [whole - rest(a.index_fill(1, torch.tensor([k]), 0))[[0, 1], TARGETS] for k in range(7)]
        expected = torch.einsum("kn,nkhw->nhw", torch.stack(lost), a).relu()
        alone = torch.zeros(2, 4, 5)
        for row in range(4):
            for column in range(5):
                mask = torch.zeros(4, 5)
                mask[row, column] = 1
                alone[:, row, column] = rest(a * mask)[[0, 1], TARGETS]
        alone -= rest(0 * a)[[0, 1], TARGETS][:, None, None]
    close(asked("ablationcam", module).values, expected, 1e-4)
    close(asked("reciprocam", module, spread=False).values, alone, 1e-4)


def test_the_seed_and_the_channels_tried_are_settings_of_the_masked_ones():
    module = curved()
    close(asked("sscam", module, noise=0, samples=2).values, asked("scorecam", module).values)
    close(asked("iscam", module, steps=1).values, asked("scorecam", module).values)
    close(asked("scorecam", module, channels=0).values, asked("scorecam", module, channels=None).values)
    assert not np.allclose(asked("scorecam", module, channels=2).values, asked("scorecam", module).values)


def test_score_cam_asks_about_the_picture_seen_through_each_channel():
    module = curved()
    a = module[:3](X).detach()
    large = nn.functional.interpolate(a, size=(9, 11), mode="bilinear")
    least, most = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
    masks = torch.where(most > least, (large - least) / (most - least), 0)
    with torch.no_grad():
        scores = torch.stack([module(X * masks[:, [k]])[[0, 1], TARGETS] for k in range(7)], 1)
        grey = torch.stack([module(0.5 + masks[:, [k]] * (X - 0.5))[[0, 1], TARGETS] for k in range(7)], 1)
    for fill, each in (("zero", scores), (0.5, grey)):
        expected = (each.softmax(1)[..., None, None] * a).sum(1).relu()
        close(asked("scorecam", module, channels=None, fill=fill).values, expected, 1e-4)


def test_smoothed_and_integrated_score_cam_average_the_scores_of_changed_masks():
    module = curved()
    a = module[:3](X).detach()
    large = nn.functional.interpolate(a, size=(9, 11), mode="bilinear")
    least, most = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
    masks = torch.where(most > least, (large - least) / (most - least), 0)
    noises = 2 * torch.randn(3, 9, 11, generator=torch.Generator().manual_seed(6))

    def scores(changed):
        with torch.no_grad():
            each = [torch.stack([module(X * m[:, [k]])[[0, 1], TARGETS] for k in range(7)], 1) for m in changed]
        return (torch.stack(each).mean(0).softmax(1)[..., None, None] * a).sum(1).relu()

    smoothed = asked("sscam", module, channels=0, samples=3, seed=6).values
    close(smoothed, scores([masks + n for n in noises]), 1e-4)
    integrated = asked("iscam", module, channels=0, steps=4).values
    close(integrated, scores([masks * k / 4 for k in (1, 2, 3, 4)]), 1e-4)


def test_group_cam_in_one_group_is_gradcam_cleaned_and_scored_once():
    module = curved()
    a, g = layer_and_gradient(module)
    coarse = (g.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True).relu()
    least = torch.as_tensor(np.percentile(coarse.numpy(), 70, axis=(2, 3)))[..., None, None]
    large = nn.functional.interpolate(torch.where(coarse > least, coarse, 0), size=(9, 11), mode="bilinear")
    mask = (large - large.amin((2, 3), keepdim=True)) / (
        large.amax((2, 3), keepdim=True) - large.amin((2, 3), keepdim=True)
    )
    with torch.no_grad():
        adds = (module(X * mask) - module(0 * X))[[0, 1], TARGETS]
    expected = (adds[:, None, None] * mask[:, 0]).relu()
    close(asked("groupcam", module, groups=1, fill="zero").values, expected, 1e-4)


def test_ablation_cam_weighs_a_channel_by_what_it_gave_where_that_is_all_it_gives():
    module = pooled()
    a, g = layer_and_gradient(module)
    gave = (g * a).sum((2, 3), keepdim=True)
    close(asked("ablationcam", module).values, torch.relu((gave * a).sum(1)), 1e-4)
