"""Recommend: the kind of a network is seen from its graph, and a method whose maps say nothing gives way."""

import json

import numpy as np
import pytest
import torch
from evaluation_material import SIDE, Reds, spot
from torch import nn

import seethrough as st
from seethrough.attribution import METHODS
from seethrough.errors import UsageError
from seethrough.evaluation.recommend import worth
from seethrough.explanation.defaults import CANDIDATES_BY_KIND, DEFAULTS_BY_KIND, NetworkKind
from seethrough.results import Trust
from seethrough.show.vocabulary.metrics import KINDS
from seethrough.trust.planted import planted
from token_networks import Swin, ViT


def photo(side=(SIDE, SIDE)):
    return np.random.default_rng(0).integers(0, 255, (*side, 3)).astype(np.uint8)


def opened(module, size=(3, SIDE, SIDE)):
    return st.open(module.eval(), input_size=size, preprocessing="unit")


def black_box(x):
    return np.stack([x.mean((1, 2, 3)), x.max((1, 2, 3))], 1)


class Gated(nn.Module):
    """Convolutions whose only softmax is over classes, and whose activation isn't a rectifier."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.conv(x)).mean((2, 3))).softmax(1)


def test_every_kind_has_three_methods_that_there_are():
    for kind in NetworkKind:
        assert len(set(DEFAULTS_BY_KIND[kind])) == 3 and kind.value in KINDS
        assert {m for group in CANDIDATES_BY_KIND[kind].values() for m in group} <= set(METHODS), kind
    without = CANDIDATES_BY_KIND[NetworkKind.NO_GRADIENT].values()
    assert all(not METHODS[m].needs_gradient for group in without for m in group)


@pytest.mark.parametrize(
    ("make", "image", "kind"),
    [
        (lambda: opened(Reds()), photo(), NetworkKind.CONVOLUTIONS),
        (lambda: opened(ViT(), (3, 24, 16)), photo((24, 16)), NetworkKind.ATTENTION),
        (lambda: opened(Swin(), (3, 32, 32)), photo((32, 32)), NetworkKind.WINDOWS),
        (
            lambda: opened(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 2))),
            photo(),
            NetworkKind.NO_LAYERS,
        ),
        (
            lambda: st.open(black_box, input_size=(SIDE, SIDE, 3), preprocessing="unit"),
            photo(),
            NetworkKind.NO_GRADIENT,
        ),
        (
            lambda: st.open(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 2)).eval(), input_size=(7,)),
            np.random.default_rng(0).normal(size=(1, 7)).astype(np.float32),
            NetworkKind.NO_PICTURES,
        ),
    ],
    ids=lambda thing: thing.name if isinstance(thing, NetworkKind) else None,
)
def test_the_kind_of_a_network_is_seen_and_its_methods_can_be_asked(make, image, kind):
    torch.manual_seed(0)
    net = make()
    found = st.recommend(net, image, check=False)
    assert found.kind is kind and found.methods == DEFAULTS_BY_KIND[kind]
    cheap = {"samples": 8} if kind is NetworkKind.NO_GRADIENT else {}
    assert set(st.explain(net, image, list(found.methods), **cheap)) == set(found.methods)


def test_a_network_without_rectifiers_is_said_to_have_none():
    assert [n.name for n in st.recommend(opened(Gated()), photo(), check=False).notes] == ["recommended_no_rectifiers"]
    assert not st.recommend(opened(Reds()), photo(), check=False).notes


def test_what_the_checks_say_on_these_pictures_decides_and_is_told(monkeypatch):
    """Of two methods for a question, the one whose maps are pointless gives way, although it stands first."""
    bank = planted("spotted", pictures=2)
    net = st.open(bank.network, input_size=tuple(bank.pictures.shape[1:]))
    tables = {"where": ("guided_backprop", "gradcam"), "adds_up": ("input_x_gradient",), "lost": ("feature_ablation",)}
    monkeypatch.setitem(CANDIDATES_BY_KIND, NetworkKind.CONVOLUTIONS, tables)
    found = st.recommend(net, bank.pictures, bank.targets.tolist())
    best = max(tables["where"], key=lambda m: worth(found.verdicts[m]))
    assert found.methods == (best, "input_x_gradient", "feature_ablation")
    assert all(len(trusts) == 2 for trusts in found.verdicts.values())
    (other,) = found.against
    assert worth(found.verdicts[other]) <= worth(found.verdicts[best])
    checks = next(n for n in found.reasons["feature_ablation"] if n.name == "recommended_checks")
    assert sum(checks.numbers[v] for v in ("carries_weight", "with_care", "says_nothing")) == 2 == checks.numbers["of"]
    assert "really lost" in found.words() and "卷积网络" in found.words("zh")
    json.dumps(found.to_dict()["verdicts"])


def test_maps_that_carry_weight_are_worth_more_than_such_that_need_care():
    given = [Trust(v) for v in ("carries_weight", "with_care", "says_nothing")]
    assert worth(given[:1]) > worth(given[1:2]) > worth(given[2:]) == worth([]) == 0


def test_no_tries_are_refused():
    with pytest.raises(UsageError, match="tries ≥ 1"):
        st.recommend(opened(Reds()), [spot(0)[0]], tries=0)
