"""Masks of channels: what torch makes of them one by one, each different one asked about once, small ones by what they
change.
"""

import pytest
import torch
from masked_material import run_of
from torch import nn
from torch.nn.functional import interpolate

from seethrough.attribution.cam_masked import iscam, scorecam, sscam
from seethrough.attribution.cam_masks import ChannelMasks, seen_through, unit_masks
from seethrough.graph.fast import local


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def by_torch(a, size):
    """Enlarged, and then scaled by what is largest and smallest there."""
    large = interpolate(a, size=size, mode="bilinear", align_corners=False)
    least, most = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
    return torch.where(most > least, (large - least) / (most - least), 0)


@pytest.mark.parametrize(
    ("grid", "size"), [((7, 7), (224, 224)), ((14, 9), (50, 33)), ((4, 5), (9, 11)), ((6, 8), (5, 7))]
)
def test_channels_scaled_while_they_are_small_are_the_masks_scaled_when_large(grid, size):
    a = torch.randn(2, 5, *grid, generator=chance(), dtype=torch.float64)
    a[:, 2:4] = a[:, 2:4].relu()
    found = unit_masks(a, torch.zeros(2, 3, *size))
    torch.testing.assert_close(found, by_torch(a, size), rtol=0, atol=1e-12)


def test_a_channel_without_contrast_is_an_empty_mask_whatever_it_holds():
    a = torch.tensor([0.0, 0.1, 1 / 3, -7.7])[None, :, None, None].expand(1, 4, 7, 7).contiguous()
    assert not unit_masks(a, torch.zeros(1, 3, 61, 45)).any()


def test_channels_that_differ_by_scale_and_shift_make_one_mask():
    base = torch.rand(2, 3, 5, 5, generator=chance())
    a = torch.cat([base, 0 * base[:, :2] + 0.5, base[:, [1, 0]] * 3.7 + 0.2, -base[:, :1]], 1)
    masks = ChannelMasks.of_channels(a, (40, 40))
    assert masks.count == 5  # three, none, and one turned round
    assert (masks.of[:, 0] == masks.of[:, 6]).all() and (masks.of[:, 1] == masks.of[:, 5]).all()
    assert (masks.of[:, 3] == masks.of[:, 4]).all() and len({*masks.of[0].tolist()}) == 5
    each = masks.some(range(5))
    for n in range(2):
        torch.testing.assert_close(each[masks.of[n], n], by_torch(a, (40, 40))[n], rtol=0, atol=2e-6)


def test_pictures_with_fewer_different_masks_are_filled_up_with_empty_ones():
    a = torch.rand(2, 6, 4, 4, generator=chance())
    a[0, 2:] = a[0, 1:2]
    masks = ChannelMasks.of_channels(a, (16, 16))
    assert masks.count == 6 and int(masks.of[0].max()) == 1
    assert not masks.some(range(2, 6))[:, 0].any() and masks.some(range(6))[:, 1].flatten(1).any(1).all()


def test_boxes_hold_all_that_masks_show_and_windows_are_their_parts():
    a = torch.zeros(2, 4, 7, 7)
    a[0, 1, 3, 5] = a[1, 1, 0, 0] = 2.0
    a[:, 2, 1:3, 2:6] = torch.rand(2, 2, 4, generator=chance())
    a[:, 3] = torch.rand(2, 7, 7, generator=chance()) - 2
    masks = ChannelMasks.of_channels(a, (90, 70))
    each, boxes = masks.some(range(masks.count)), masks.boxes()
    for n in range(2):
        for k in range(masks.count):
            shown = each[k, n].nonzero()
            top, bottom, left, right = boxes[n, k].tolist()
            if not len(shown):
                assert (top, bottom, left, right) == (0, 0, 0, 0)
                continue
            assert (top, left) == tuple(shown.amin(0).tolist()) or float(a[n].amin()) < 0
            assert top <= int(shown[:, 0].min()) and int(shown[:, 0].max()) < bottom
            assert left <= int(shown[:, 1].min()) and int(shown[:, 1].max()) < right
    first, left = torch.tensor([3, 40, 10]), torch.tensor([1, 20, 39])
    for n in range(2):
        parts = masks.within(n, torch.tensor([0, 1, 2]), first, left, 50, 31)
        for k in range(3):
            whole = each[k, n, first[k] : first[k] + 50, left[k] : left[k] + 31]
            torch.testing.assert_close(parts[k], whole, rtol=0, atol=1e-6)


def sparse(seed=0):
    """A network whose layer "1" has dead channels, alike ones, and ones that are seen at a few places."""
    torch.manual_seed(seed)
    body = [
        nn.Conv2d(3, 40, 8, stride=8),
        nn.ReLU(),
        nn.Conv2d(40, 6, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 16, 4),
    ]
    net = nn.Sequential(*body).eval()
    with torch.no_grad():
        net[0].bias[:10] = -9.0
        net[0].weight[12], net[0].bias[12] = 2 * net[0].weight[11], 2 * net[0].bias[11]
        net[0].bias[13:34] -= net[0](X[:1])[0, 13:34].flatten(1).topk(2, 1).values[:, 1]
    return net


X = torch.randn(2, 3, 48, 48, generator=chance(3))


def plainly(net, x, a, fill, versions=1, changed=lambda m, _: m):
    """Every channel's mask, one after the other."""
    masks = by_torch(a, x.shape[2:])
    with torch.no_grad():
        each = [
            torch.stack([net(fill + changed(masks[:, [k]], v) * (x - fill))[:, 0] for k in range(a.shape[1])], 1)
            for v in range(versions)
        ]
    return torch.stack(each).mean(0)


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("fill", [0.0, 0.4, "blur"])
def test_each_channel_has_the_answer_that_its_own_picture_has(images, fill):
    from seethrough.attribution import fills

    net = sparse().double()
    x = X[:images].double()
    run = run_of(net, x)
    a = run.value("1")
    found = seen_through(run, a, fill, None)
    torch.testing.assert_close(found, plainly(net, x, a, fills.fill(run, fill)), rtol=1e-10, atol=1e-10)
    halves = seen_through(run, a, fill, None, 2, lambda m, i: m * (i + 1) / 2)
    expected = plainly(net, x, a, fills.fill(run, fill), 2, lambda m, i: m * (i + 1) / 2)
    torch.testing.assert_close(halves, expected, rtol=1e-10, atol=1e-10)


def test_what_is_alike_is_asked_about_once_and_what_is_small_by_what_it_changes(monkeypatch):
    monkeypatch.setattr(local, "_pays", lambda *_: True)  # on a network so small it depends on the machine
    net, told = sparse(), []
    run = run_of(net, X[:1])
    a = run.value("1")
    masks = by_torch(a, (48, 48))[0].flatten(1)
    alike = (masks[:, None] - masks).abs().amax(2) < 1e-5
    different = len({row.tolist().index(True) for row in alike})
    found = seen_through(run, a, "zero", lambda done, count: told.append((done, count)))
    assert different < 30 and run.counter.forward == 1 + 1 + different  # the picture, the covered one, and each mask
    assert told[-1] == (different, different) and [d for d, _ in told] == sorted({d for d, _ in told})
    assert run.counter.spared and not run.counter.spared[0].wrong
    assert run.counter.spared[0].run < run.counter.spared[0].whole
    torch.testing.assert_close(found, plainly(net, X[:1], a, 0.0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("method", "settings"), [(scorecam, {}), (iscam, {"steps": 3}), (sscam, {"samples": 2})])
def test_the_maps_are_those_of_every_channel_asked_for_itself(method, settings):
    net, run = sparse(), run_of(sparse(), X)
    noises = 2 * torch.randn(2, 48, 48, generator=torch.Generator().manual_seed(0))
    changed = {
        scorecam: (1, lambda m, _: m),
        iscam: (3, lambda m, i: m * (i + 1) / 3),
        sscam: (2, lambda m, i: m + noises[i]),
    }[method]
    a = run.value("1")
    expected = (plainly(net, X, a, 0.0, *changed).softmax(1)[..., None, None] * a).sum(1).relu()
    found = method(run, "1", channels=None, **settings)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6 * float(expected.max()))
