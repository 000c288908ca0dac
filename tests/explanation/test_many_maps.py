"""Maps of many images are those that each image has alone, read from disk one after the other, and taken up where it
stopped.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import seethrough as st
from seethrough.errors import InputRefused, UsageError
from seethrough.explanation import many
from seethrough.jobs import verify

COUNT = 24


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4),
    )  # fmt: skip
    return st.open(module.eval(), input_size=(3, 24, 24), preprocessing="unit", classes=["a", "b", "c", "d"])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of two sizes in two folders, and one that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    chance = np.random.default_rng(0)
    for i in range(COUNT):
        place = folder / "xy"[i % 2]
        place.mkdir(exist_ok=True)
        coarse = Image.fromarray(chance.integers(0, 256, (4, 5, 3), np.uint8))
        coarse.resize((30, 24) if i % 3 else (40, 36), Image.Resampling.BICUBIC).save(place / f"{i}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("method", ["gradcam", "layercam", "saliency", "occlusion"])
def test_each_image_has_the_map_that_it_has_alone(net, pictures, method):
    settings = {"window": 8, "stride": 8} if method == "occlusion" else {}
    found = st.maps(net, pictures, method, batch=5, workers=0, **settings)
    assert len(found) == COUNT and [p.name for p in found.passed] == ["broken.png"]
    names = []
    for one in found:
        alone = st.explain(net, pictures / one.name, method, **settings)
        near = 2e-5 * abs(alone[method].map).max() + 1e-6 * abs(one.score)
        np.testing.assert_allclose(one.map, alone[method].map[0], rtol=0, atol=near)
        np.testing.assert_array_equal(one.seen, alone[method].seen[0])
        assert one.target == alone[method].target[0]
        assert one.score == pytest.approx(float(alone[method].scores[0]), rel=1e-5)
        names.append(one.name)
    assert names == sorted(names, key=lambda name: [*(item.name for item in found.images)].index(name))


def test_readers_beside_give_the_same_maps(net, pictures):
    here, beside = (list(st.maps(net, pictures, batch=6, workers=n)) for n in (0, 2))
    for a, b in zip(here, beside, strict=True):
        assert a.name == b.name and np.array_equal(a.values, b.values)


def test_a_target_for_all_and_one_for_each(net, pictures):
    images = sorted(pictures.rglob("[0-9]*.png"))
    one = list(st.maps(net, images, target="a - b", batch=4))
    assert len({each.target for each in one}) == 1
    assert all(dict(each.target.indices) == {0: 1, 1: -1} for each in one)
    wanted = [i % 4 for i in range(len(images))]
    each = list(st.maps(net, images, target=wanted, batch=4))
    assert [found.target.indices[0][0] for found in each] == wanted
    with pytest.raises(UsageError, match="3 targets for 24 images"):
        st.maps(net, images, target=[0, 1, 2])


def test_what_was_done_is_taken_up_and_another_question_is_refused(net, pictures, tmp_path, monkeypatch):
    class Stopped(Exception):
        pass

    add, done = many.Shard.add, []

    def until(self, batch):
        if len(done) == 20:
            raise Stopped
        add(self, batch)
        done.append(batch.items)

    images = sorted(pictures.rglob("[0-9]*.png")) * 4  # 96: a shard and a half
    monkeypatch.setattr(many.Shard, "add", until)
    with pytest.raises(Stopped):
        st.maps(net, images, folder=tmp_path / "run", batch=4, workers=0)
    done.clear()
    found = st.maps(net, images, folder=tmp_path / "run", batch=4, workers=0)
    assert len(done) == 8 and len(list(found)) == 96 and verify(tmp_path / "run").whole
    with pytest.raises(UsageError, match="layer was null"):
        st.maps(net, images, layer="1", folder=tmp_path / "run")


def test_what_comes_before_the_layer_goes_on_the_twin(net, pictures, monkeypatch):
    ways = []
    of = many.Ways.of
    monkeypatch.setattr(many.Ways, "of", lambda self, *args, **more: ways.append(of(self, *args, **more)) or ways[-1])
    list(st.maps(net, pictures, batch=6, workers=0))
    assert sum(len(way) < 5 for way in ways) == COUNT / 6


def test_what_cannot_be_asked_is_refused_with_a_sentence(net, pictures, tmp_path):
    with pytest.raises(UsageError, match="nomethod"):
        st.maps(net, pictures, "nomethod")
    with pytest.raises(UsageError, match="setting"):
        st.maps(net, pictures, steps=3)
    (tmp_path / "none.png").write_bytes(b"no picture")
    with pytest.raises(InputRefused, match="Not one of 1 images"):
        st.maps(net, tmp_path)


def test_what_must_be_known_of_the_network_is_said_with_the_maps(pictures):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    guessed = st.open(module.eval(), input_size=(3, 24, 24), preprocessing="unit")
    notes = {note.name for note in st.maps(guessed, pictures).notes}
    assert notes == {note.name for note in st.explain(guessed, pictures / "x" / "0.png", "gradcam").prediction.notes}
