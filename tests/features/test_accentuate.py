"""Pictures made of a picture: nearer to a class and still the same, found again from a layer, exaggerated, dreamt into."""

import numpy as np
import pytest
import torch

import seethrough as st
from seethrough.datasets.leopards import leopards
from seethrough.errors import UsageError
from seethrough.features.cut import Cut
from seethrough.features.objectives import Near


@pytest.fixture(scope="module")
def net():
    return st.open("demo:leopards")


@pytest.fixture(scope="module")
def picture():
    return leopards(1, seed=4).pictures[0]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def logit(net, picture, index):
    return float(net.predict(picture).values[0, index])


def test_an_accentuated_picture_speaks_more_for_the_class_and_stays_near(net, picture):
    free, kept = (
        st.accentuate(net, picture, target=1, near=near, steps=30, snapshots=0, near_layer="") for near in (0.0, 50.0)
    )
    assert kept.names == ("Arabian leopard",)
    assert kept.reached[0] == pytest.approx(logit(net, kept.pictures[0], 1), rel=1e-3)
    assert kept.reached[0] > logit(net, picture, 1) + 1
    assert kept.started is not None
    begin = kept.started.astype(float)
    gone = [np.abs(r.pictures[0] - begin).mean() for r in (free, kept)]
    assert gone[1] < gone[0] / 1.5
    assert free.reached[0] > kept.reached[0]


def test_where_it_stays_near_is_an_early_layer_unless_another_is_named(net, picture):
    found = st.accentuate(net, picture, "stage3", channel=3, steps=2, snapshots=0)
    assert found.settings["near_layer"].startswith(("stem", "stage1"))
    assert found.names == ("stage3:3",) and found.layers == ("stage3",)
    named = st.accentuate(net, picture, "stage3", channel=3, steps=2, snapshots=0, near_layer="stage2")
    assert named.settings["near_layer"] == "stage2"


def test_a_picture_is_found_again_from_an_early_layer_and_less_from_a_late_one(net, picture):
    early, late = (st.invert(net, picture, layer, steps=80, snapshots=0) for layer in ("stem", "stage2"))
    assert early.reached[0] > -0.2
    likeness = [np.corrcoef(r.pictures.ravel(), r.started.ravel())[0, 1] for r in (early, late)]
    assert likeness[0] > 0.8 > likeness[1]


def test_what_an_inversion_reaches_is_the_share_of_the_layer_that_is_missing(net, picture):
    found = st.invert(net, picture, "stage1", steps=10, snapshots=0)
    batch = net.prepare([picture, found.pictures[0]]).batch
    there, here = Cut(net.source, ("stage1",), batch).values(batch)["stage1"].split(1)
    assert found.reached[0] == pytest.approx(float(Near("stage1", there)(lambda _: here)), rel=1e-2)


def test_a_caricature_has_more_of_what_the_layer_sees_than_the_picture_has(net, picture):
    found = st.caricature(net, picture, "stage2", steps=60, snapshots=0)
    assert found.reached[0] > 1.2


def test_a_dream_begins_with_the_picture_and_excites_the_layer_more(net, picture):
    found = st.deepdream(net, picture, "stage2", steps=8, octaves=2, snapshots=0)
    batch = net.prepare([picture, found.pictures[0]]).batch
    values = Cut(net.source, ("stage2",), batch).values(batch)["stage2"]
    before, after = values.square().mean((1, 2, 3)).tolist()
    assert after > 1.3 * before
    assert found.reached[0] == pytest.approx(after, rel=1e-2)
    assert np.corrcoef(found.pictures.ravel(), found.started.ravel())[0, 1] > 0.6


def test_what_no_dream_or_picture_can_be_is_refused(net, picture):
    with pytest.raises(UsageError, match="at least one octave"):
        st.deepdream(net, picture, "stage2", octaves=0)
    with pytest.raises(UsageError, match="2 were given"):
        st.invert(net, [picture, picture], "stage2")


def test_a_network_of_one_size_dreams_at_that_size_and_says_so():
    from torch import nn

    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 18 * 18, 2)).eval()
    fixed = st.open(module, input_size=(3, 20, 20), preprocessing="unit")
    start = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    found = st.deepdream(fixed, start, "1", steps=2, snapshots=0)
    assert found.settings["octaves"] == 1
    assert "maximized_one_octave" in {n.name for n in found.notes}
