"""A layer with parts taken away: as many versions at once as their memory allows, and none where nothing is taken."""

import torch
from masked_material import run_of
from torch import nn

from seethrough.attribution.cam_ablated import LIGHTER, ablationcam, behind, reciprocam


def narrowing():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(24 * 36, 5),
    )  # fmt: skip
    with torch.no_grad():
        net[3].bias[:9] = -50.0
    return net.eval().double()


X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_versions_of_a_small_value_go_on_in_larger_groups():
    run = run_of(narrowing(), X[:1])
    first, last = behind(run, "0")[0].versions, behind(run, "4")[0].versions
    assert first == run.versions and last == LIGHTER * run.versions


def test_a_channel_that_is_zero_everywhere_is_not_taken_away():
    net = narrowing()
    run, groups = run_of(net, X), []
    a = run.value("4")
    forwards, alive = run.counter.forward, int((a.transpose(0, 1).flatten(1).amax(1) > 0).sum())
    found = ablationcam(run, "4", progress=lambda done, count: groups.append((done, count)))
    assert alive <= 15 and run.counter.forward - forwards == 2 * alive and groups == [(alive, alive)]
    with torch.no_grad():
        lost = [net(X)[:, 0] - net[5:](a.index_fill(1, torch.tensor([k]), 0))[:, 0] for k in range(24)]
    expected = torch.einsum("kn,nkhw->nhw", torch.stack(lost), a).relu()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_groups_change_no_map():
    wide, narrow = run_of(narrowing(), X), run_of(narrowing(), X, together=1)
    torch.testing.assert_close(reciprocam(wide, "4"), reciprocam(narrow, "4"), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ablationcam(wide, "1"), ablationcam(narrow, "1"), rtol=1e-10, atol=1e-12)
