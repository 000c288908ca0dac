"""Occlusion at a layer: what the target loses without a patch of it, place by place, whole or by what changes."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from masked_material import run_of

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.attribution.layer_occlusion import layer_occlusion
from seethrough.errors import UsageError
from seethrough.graph.fast import local
from seethrough.results import Passes
from token_networks import ViT

X = torch.randn(2, 3, 24, 18, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def boxes_pay(monkeypatch):
    """On networks as small as these it depends on the machine."""
    monkeypatch.setattr(local, "_pays", lambda engine, run, changes: bool(local._parts(run, changes, 0)))


class Bypassed(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.by = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 5, 3), nn.Conv2d(3, 5, 3)
        self.last = nn.Linear(5, 4)

    def behind(self, a, x):
        return self.last((self.second(a.relu()) + self.by(x).tanh()).relu().mean((2, 3)))

    def forward(self, x):
        return self.behind(self.first(x), x)


@pytest.mark.parametrize(("patch", "empty"), [(1, "zero"), (5, "mean"), (None, "mean")])
def test_each_place_has_the_drop_without_its_patch(patch, empty):
    module = Bypassed().eval()
    run = run_of(module, X, lambda out, rows: out[:, 1])
    found = layer_occlusion(run, "first", patch=patch, empty=empty)
    side, a = patch or round(24 / 14), module.first(X).detach()
    instead = a.mean((2, 3), keepdim=True) if empty == "mean" else torch.zeros(1)
    for top, left in ((0, 0), (side, 2 * side), (24 // side * side - side, 0)):
        b = a.clone()
        b[:, :, top : top + side, left : left + side] = instead
        with torch.no_grad():
            drop = (module.behind(a, X) - module.behind(b, X))[:, 1]
        torch.testing.assert_close(found[:, top, left], drop, rtol=0, atol=2e-6)
    assert run.counter.spared and found.shape == (2, 24, 18)


def test_it_is_the_same_from_whole_values(monkeypatch):
    changed = st.layer_occlusion(st.open(Bypassed().eval(), input_size=(3, 24, 18)), X, 1, layer="first")
    monkeypatch.setattr(local, "_local", lambda *_: False)
    whole = st.layer_occlusion(st.open(Bypassed().eval(), input_size=(3, 24, 18)), X, 1, layer="first")
    np.testing.assert_allclose(changed.values, whole.values, rtol=0, atol=2e-6)
    assert "only_changes_computed" in [n.name for n in changed.checks]
    assert "only_changes_computed" not in [n.name for n in whole.checks]


def test_tokens_are_taken_away_where_they_stand_and_class_tokens_stay():
    torch.manual_seed(0)
    net = st.open(ViT().eval(), input_size=(3, 24, 16))
    x = torch.randn(1, 3, 24, 16, generator=torch.Generator().manual_seed(1))
    layer = st.gradcam(net, x, 1).layer
    found = st.layer_occlusion(net, x, 1, layer=layer)
    assert found.values.shape[0] == 1 and np.isfinite(found.values).all() and np.abs(found.values).max() > 0


def test_what_is_declared_is_what_is_sent_through():
    run = run_of(Bypassed().eval(), X[:1], lambda out, rows: out[:, 1])
    layer_occlusion(run, "first", patch=4)
    declared = METHODS["layer_occlusion"].passes({"patch": 4}, Facts(24, 18, 5, (24, 18)))
    assert run.counter.passes == Passes(1 + declared.forward, 0) and declared.forward == 6 * 5 + 1


@pytest.mark.parametrize("settings", [{"patch": 0}, {"patch": 19}, {"patch": 1.5}, {"empty": "blur"}])
def test_what_makes_no_sense_is_refused(settings):
    with pytest.raises(UsageError, match=r"layer_occlusion's patch|empty is one of"):
        layer_occlusion(run_of(Bypassed().eval(), X), "first", **settings)
