"""Units: the best and most relevant pictures against brute force and autograd, crops against what really moves a unit."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.errors import UsageError
from seethrough.features.maximize import maximize
from seethrough.features.unit_best import NOBODY, Best
from seethrough.features.unit_crops import Sight, crops, field_of, shows_field
from seethrough.features.unit_layers import unit_layers
from seethrough.features.unit_statistics import BINS, SHUFFLES, selectivity_of
from seethrough.features.unit_work import UnitWork
from seethrough.graph.run import Run
from seethrough.jobs import Batch
from seethrough.jobs import run as run_job

SIDE = 24
NUMBER = 23


class Odd(nn.Module):
    """A small network with strides, padding, a skip and a dead unit."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.act = nn.ReLU()
        self.second = nn.Conv2d(6, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.act2 = nn.ReLU()
        self.head = nn.Linear(8, 4)
        self.soft = nn.Softmax(1)

    def forward(self, x):
        x = self.act2(self.norm(self.second(self.act(self.first(x)))))
        return self.soft(self.head(x.mean((2, 3))))


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = Odd().eval()
    with torch.no_grad():
        module.second.weight[2] = 0
        module.second.bias[2] = -1  # never fires
    return st.open(module, input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["ant", "bee", "cow", "doe"])


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (NUMBER, SIDE, SIDE, 3), np.uint8)


def by_hand(net, pictures, layer):
    """The activation, and activation × autograd's gradient of the largest logit, of every picture at once."""
    kept = {}
    module = net.module
    hook = dict(module.named_modules())[layer].register_forward_hook(lambda m, i, o: kept.update(a=o))
    logits = {}
    other = module.head.register_forward_hook(lambda m, i, o: logits.update(z=o))
    x = net.prepare(list(pictures)).batch.clone().requires_grad_()
    module(x)
    hook.remove(), other.remove()
    (gradient,) = torch.autograd.grad(logits["z"].max(1).values.sum(), kept["a"])
    activation = kept["a"].detach()
    return activation.numpy(), (activation * gradient).numpy()


def best_by_force(values, top):
    """(C, top) of (N, C): largest first, ties by number."""
    return np.argsort(-values.T, axis=1, kind="stable")[:, :top]


def test_the_best_pictures_are_those_of_brute_force(net, pictures):
    found = st.units(net, pictures, "act2", top=5)["act2"]
    activation, _ = by_hand(net, pictures, "act2")
    largest = activation.reshape(NUMBER, 8, -1).max(2)
    np.testing.assert_array_equal(found.best.items, best_by_force(largest, 5))
    np.testing.assert_allclose(found.best.values, -np.sort(-largest.T, 1)[:, :5], rtol=1e-5, atol=1e-6)
    for row in (0, 7):
        item, place = found.best.items[row, 0], found.best.places[row, 0]
        assert activation[item, row].ravel()[place] == activation[item, row].max()


def test_the_most_relevant_pictures_are_those_of_autograd(net, pictures):
    found = st.units(net, pictures, "act2", top=NUMBER)["act2"]
    _, share = by_hand(net, pictures, "act2")
    relevance = share.sum((2, 3))
    assert found.relevant is not None
    ours = np.take_along_axis(relevance.T, found.relevant.items, 1)
    np.testing.assert_allclose(found.relevant.values, ours, rtol=1e-4, atol=1e-7)
    assert (np.diff(found.relevant.values, axis=1) <= 0).all()
    assert found.relevant.values.min() < 0 < found.relevant.values.max(), "the sign is kept"


def test_relevance_is_for_the_target_that_was_asked_for(net, pictures):
    rows = {}
    for target in ("bee", 2, "bee - cow"):
        work = UnitWork(net, unit_layers(net.graph(), "act2"), target=target)
        rows[target] = work.rows(net.prepare(list(pictures)))["0.relevance"]
    np.testing.assert_allclose(rows["bee - cow"], rows["bee"] - rows[2], rtol=1e-3, atol=1e-6)
    assert np.abs(rows["bee"] - rows[2]).max() > 1e-4


def test_ties_go_to_the_first_picture(net):
    twice = np.repeat(np.random.default_rng(3).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8), 3, 0)
    found = st.units(net, twice, "act2", top=12, relevance=False, batch=5)["act2"]
    for row in np.flatnonzero(~found.spread.silent):
        order, values = found.best.items[row], found.best.values[row]
        for value in np.unique(values):
            same = order[values == value]
            assert (np.diff(same) > 0).all()


@pytest.mark.parametrize(("batch", "shard"), [(1, 4), (7, 64), (5, 5)])
def test_batch_and_shard_change_nothing(net, pictures, batch, shard):
    work = UnitWork(net, unit_layers(net.graph(), "act*"))
    whole = run_job(net, collect(pictures), work, batch=NUMBER, shard=NUMBER)
    parts = run_job(net, collect(pictures), work, batch=batch, shard=shard)
    ((_, expected),) = list(whole.shards())
    found = [arrays for _, arrays in parts.shards()]
    for name in expected:
        together = np.concatenate([arrays[name] for arrays in found])
        if name.endswith("at"):
            assert (together == expected[name]).mean() > 0.98, "but where two places are equal to the last digit"
        else:
            np.testing.assert_allclose(together, expected[name], rtol=1e-4, atol=1e-6)


def test_merging_in_any_parts_gives_the_same():
    random = np.random.default_rng(0)
    values = random.integers(0, 6, (40, 3)).astype(np.float32)
    values[5, 1] = np.nan
    places = random.integers(0, 99, (40, 3))
    items = np.arange(40)
    at_once = Best.none(3, 7).merged(items, values, places)
    np.testing.assert_array_equal(at_once.items, best_by_force(np.where(np.isnan(values), -np.inf, values), 7))
    for cuts in ([10, 11, 39], [1, 2, 3]):
        best = Best.none(3, 7)
        for part in np.split(items, cuts)[::-1]:  # whatever comes first
            best = best.merged(part, values[part], places[part])
        np.testing.assert_array_equal(best.items, at_once.items)
        np.testing.assert_array_equal(best.places, at_once.places)


def test_fewer_pictures_than_were_asked_for_leave_places_empty(net, pictures):
    found = st.units(net, pictures[:2], "act2", top=4)["act2"]
    assert (found.best.items[:, 2:] == NOBODY).all() and (found.best.items[:, :2] >= 0).all()


def test_the_walk_back_ends_at_the_layer(net, pictures, monkeypatch):
    walked = []

    class Watched(Run):
        def gradient(self, *arguments, **keywords):
            walked.extend(piece.operation.path for piece in self.forward.pieces)
            return super().gradient(*arguments, **keywords)

    monkeypatch.setattr("seethrough.features.unit_work.Run", Watched)
    UnitWork(net, unit_layers(net.graph(), "act2")).rows(net.prepare(list(pictures)))
    below = ("first", "act/", "second", "norm", "act2")
    assert walked and not [path for path in walked if path.startswith(below)], "what lies below carries no gradient"


def test_statistics_are_those_of_all_rows(net, pictures):
    found = st.units(net, pictures, "act2", relevance=False)["act2"]
    activation, _ = by_hand(net, pictures, "act2")
    largest = activation.reshape(NUMBER, 8, -1).max(2)
    spread = found.spread
    np.testing.assert_allclose(spread.fires, (largest > 0).mean(0))
    np.testing.assert_allclose(spread.strong, ((largest > 0) & (largest >= largest.max(0) / 2)).mean(0))
    np.testing.assert_allclose(spread.mean, largest.mean(0), rtol=1e-5)
    np.testing.assert_allclose(spread.deviation, largest.std(0), rtol=1e-3, atol=1e-6)
    assert spread.counts.shape == (8, BINS) and (spread.counts.sum(1) == NUMBER).all()
    counts, _ = np.histogram(largest[:, 0], BINS, (spread.smallest[0], spread.largest[0]))
    assert np.abs(counts - spread.counts[0]).sum() <= 2, "but for a picture on an edge"


def test_a_unit_that_never_fires_is_said(net, pictures):
    units = st.units(net, pictures, "act2")
    assert units["act2"].spread.silent.tolist() == [k == 2 for k in range(8)]
    (note,) = [note for note in units.notes if note.name == "units_silent"]
    assert note.numbers["count"] == 1


def test_selectivity_is_the_formula():
    means = np.array([[4.0, 0, 1], [1, 0, 1], [1, 0, 1]])
    found = selectivity_of(means)
    assert found[0] == pytest.approx((4 - 1) / (4 + 1)) and np.isnan(found[1]) and found[2] == 0


def planted(number):
    """Grey pictures, half of them red, with their class; a network whose unit 0 sees red and whose unit 1 sees nothing of it."""
    random = np.random.default_rng(5)
    pictures = random.integers(90, 110, (number, 8, 8, 3), np.uint8)
    red = np.arange(number) % 2 == 0
    pictures[red, 2:5, 2:5, 0] = 250
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        module[0].weight[:, :, 0, 0] = torch.tensor([[1.0, -1, 0], [0, 0, 1]])
        module[0].bias[:] = 0
    net = st.open(module.eval(), input_size=(3, 8, 8), preprocessing="unit")
    return net, pictures, ["red" if r else "grey" for r in red]


def test_a_planted_preference_is_found_and_no_other():
    net, pictures, truth = planted(40)
    found = st.units(net, pictures, "1", truth=truth)["1"]
    preferences = found.preferences
    assert preferences.classes == ("grey", "red") and preferences.images.tolist() == [20, 20]
    assert preferences.selective.tolist() == [True, False]
    assert preferences.classes[preferences.favourite[0]] == "red"
    assert preferences.selectivity[0] > 0.7 and preferences.by_chance[0] < 0.4
    assert len({int(i) % 2 for i in found.best.items[0]}) == 1


def test_classes_by_chance_are_dealt_as_often_as_is_said():
    from seethrough.features.unit_statistics import ClassSums

    sums = ClassSums(("a",) * 6 + ("b",) * 7 + (None,) + ("c",), 2)
    assert sums.names == ("a", "b") and len(sums.dealt) == SHUFFLES + 1
    for dealt in sums.dealt:
        assert sorted(dealt) == [-1] * 2 + [0] * 6 + [1] * 7 and dealt[13] == dealt[14] == -1


def test_a_search_knows_the_share_of_pictures_that_fire_as_strongly(net, pictures):
    units = st.units(net, pictures, ["act", "act2"], relevance=False)
    activation, _ = by_hand(net, pictures, "act2")
    largest = activation.reshape(NUMBER, 8, -1).max(2)
    searched = units.search(pictures[4], top=14)
    assert len(searched.found) == 14 and searched.images == NUMBER
    for each in searched.found:
        if each.layer == "act2":
            values = largest[:, each.channel]
            assert each.activation == pytest.approx(values[4], rel=1e-4, abs=1e-6)
            assert each.rarer == pytest.approx((values >= values[4] - 1e-5 * abs(values[4])).mean(), abs=1e-9)
    assert [f.rarer for f in searched.found] == sorted(f.rarer for f in searched.found)


def test_a_picture_with_what_a_unit_likes_is_found_by_search():
    net, pictures, _ = planted(40)
    units = st.units(net, pictures[1::2], "1")  # without red
    found = units.search(pictures[0]).found
    assert found[0].channel == 0 and found[0].rarer == 0 and found[0].deviations > 3
    assert all(2 <= p < 5 for p in found[0].place)


@pytest.mark.parametrize("layer", ["first", "act2"])
def test_a_crop_holds_every_pixel_that_moves_the_unit(net, layer):
    """Against finite differences: pixel by pixel of a random picture, which change the unit at a place."""
    (described,) = unit_layers(net.graph(), layer)
    picture = np.random.default_rng(1).integers(60, 200, (SIDE, SIDE, 3), np.uint8)
    batch = net.prepare(picture).batch
    field = described.receptive
    assert field is not None
    for place in (0, described.size[1] + 2, described.size[0] * described.size[1] - 1):
        at = np.unravel_index(place, described.size)
        kept = []
        inner = "first" if layer == "first" else "norm"  # before the rectifier, so that silence hides nothing
        hook = dict(net.module.named_modules())[inner].register_forward_hook(
            lambda m, i, o, k=kept: k.append(o.detach())
        )
        with torch.no_grad():
            net.module(batch)
            moved = batch.repeat(SIDE * SIDE, 1, 1, 1)
            flat = moved.reshape(SIDE * SIDE, 3, -1)
            flat[torch.arange(SIDE * SIDE), :, torch.arange(SIDE * SIDE)] += 1
            net.module(flat.reshape(moved.shape))
        hook.remove()
        change = (kept[1] - kept[0])[:, :, at[0], at[1]].abs().amax(1).reshape(SIDE, SIDE) > 1e-6
        top, left, bottom, right = (int(edge) for edge in field_of(described, place))
        inside = np.zeros((SIDE, SIDE), bool)
        inside[max(top, 0) : bottom, max(left, 0) : right] = True
        np.testing.assert_array_equal(change.numpy(), inside)


def test_a_crop_is_cut_from_the_persons_own_pixels(net):
    """A picture twice as large as the input, so that two of its pixels are one of the network's."""
    (described,) = unit_layers(net.graph(), "first")
    assert shows_field(described)
    picture = np.random.default_rng(2).integers(0, 256, (2 * SIDE, 2 * SIDE, 3), np.uint8)
    stretched = st.open(
        net.module, input_size=(3, SIDE, SIDE), preprocessing={**UNIT, "fit": "stretch", "resize_to": SIDE}
    )
    middle = 5 * described.size[1] + 5
    ((_, crop),) = crops(stretched, collect([picture]), [Sight(described, 0, 0, middle)])
    top, left, bottom, right = (int(2 * edge) for edge in field_of(described, middle))
    np.testing.assert_array_equal(crop.pixels, picture[top:bottom, left:right])
    assert crop.box == (0, 0, 1, 1)
    ((_, corner),) = crops(stretched, collect([picture]), [Sight(described, 0, 0, 0)])
    assert corner.box == (1 / 3, 1 / 3, 1, 1), "a third of the field at the corner is padding"


UNIT = {"scale": 1 / 255, "mean": (0, 0, 0), "std": (1, 1, 1)}


def test_a_deep_units_crop_is_the_picture_with_its_activation(net, pictures):
    (described,) = unit_layers(net.graph(), "act2")
    deep = replace(described, receptive=None)  # as where nobody can say what a unit sees
    net = st.open(net.module, input_size=(3, SIDE, SIDE), preprocessing={**UNIT, "fit": "stretch", "resize_to": SIDE})
    activation, _ = by_hand(net, pictures, "act2")
    sights = [Sight(deep, channel, item, 0) for channel, item in ((0, 3), (7, 11))]
    for number, crop in crops(net, collect(pictures), sights):
        np.testing.assert_array_equal(crop.pixels, pictures[sights[number].item])
        expected = activation[sights[number].item, sights[number].channel]
        np.testing.assert_allclose(crop.activation, expected, rtol=1e-4, atol=1e-6)


def test_a_layer_without_channels_is_refused_with_those_nearby():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.one = nn.Conv2d(3, 4, 3), nn.Identity()
            self.count, self.head = Counted(), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.body(x).mean((2, 3))) + self.count(x)

    class Counted(nn.Module):
        def forward(self, x):
            return torch.zeros(2)

    net = st.open(Flat().eval(), input_size=(3, 8, 8), preprocessing="unit")
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(UsageError, match=r"'count'.*no units.*body"):
        st.units(net, picture, "count")
    with pytest.raises(UsageError, match=r"no layer 'bodi'.*body"):
        st.units(net, picture, "bodi")
    with pytest.raises(UsageError, match="no channel 9"):
        st.units(net, picture, "body", channels=[0, 9])


def test_chosen_channels_keep_their_numbers(net, pictures):
    every = st.units(net, pictures, "act2")["act2"]
    some = st.units(net, pictures, "act2", channels=[6, 1])["act2"]
    assert some.channels.tolist() == [1, 6]
    np.testing.assert_array_equal(some.best.items, every.best.items[[1, 6]])
    assert some.row(6) == 1
    with pytest.raises(KeyError):
        some.row(2)


def test_units_behind_the_answer_are_said_not_to_be_relevant(net, pictures):
    units = st.units(net, pictures, "soft")
    assert "units_behind_answer" in [note.name for note in units.notes]
    assert units["soft"].layer.size == ()


def test_whether_zero_is_silence_is_read_off_the_graph(net):
    layers = {layer.path: layer.rectified for layer in unit_layers(net.graph(), "*")}
    assert layers["act2"] and layers["soft"] and not layers["norm"] and not layers["first"] and not layers["head"]


def test_the_network_is_left_as_it_was(net, pictures):
    before = {k: v.clone() for k, v in net.module.state_dict().items()}
    st.units(net, pictures, "act2")
    assert all(torch.equal(v, before[k]) for k, v in net.module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.module.parameters())
    assert not any(m._forward_hooks for m in net.module.modules())


def test_a_folder_is_gone_on_with_and_not_run_again(net, pictures, tmp_path):
    first = st.units(net, pictures, "act2", folder=tmp_path / "u")
    again = st.units(net, pictures, "act2", folder=tmp_path / "u", top=3)
    assert first.passes.forward >= NUMBER and again.passes.forward == 0
    np.testing.assert_array_equal(again["act2"].best.items, first["act2"].best.items[:, :3])
    with pytest.raises(UsageError):
        st.units(net, pictures, "act", folder=tmp_path / "u")


def test_a_keras_network_and_its_torch_twin_have_the_same_units(pictures):
    keras = pytest.importorskip("keras")
    if os.environ.get("KERAS_BACKEND") != "torch":
        pytest.skip("Keras runs on another backend")
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, activation="relu", name="a")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="d")(x))
    twin = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3)
    )
    kernel, bias, dense, shift = (torch.as_tensor(np.asarray(w)) for w in model.get_weights())
    with torch.no_grad():
        twin[0].weight.copy_(kernel.permute(3, 2, 0, 1)), twin[0].bias.copy_(bias)
        twin[4].weight.copy_(dense.T), twin[4].bias.copy_(shift)
    ours = st.units(st.open(model, preprocessing="unit"), pictures, "a")["a"]
    theirs = st.units(st.open(twin.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit"), pictures, "1")["1"]
    np.testing.assert_array_equal(ours.best.items, theirs.best.items)
    np.testing.assert_array_equal(ours.best.places, theirs.best.places)
    assert ours.relevant is not None and theirs.relevant is not None
    np.testing.assert_allclose(ours.relevant.values, theirs.relevant.values, rtol=1e-3, atol=1e-6)


def test_a_shard_gathers_its_batches_in_order(net, pictures):
    part = UnitWork(net, unit_layers(net.graph(), "act2"), relevance=False).part()
    for rows in (range(3), range(3, 8)):
        part.add(Batch(tuple(rows), net.prepare([pictures[i] for i in rows])))
    activation, _ = by_hand(net, pictures[:8], "act2")
    np.testing.assert_allclose(part.arrays()["0.largest"], activation.reshape(8, 8, -1).max(2), rtol=1e-4, atol=1e-6)


def test_ready_tensors_have_units_and_crops_too(net, pictures):
    ready = net.prepare(list(pictures)).batch
    ours, theirs = st.units(net, ready, "act2"), st.units(net, pictures, "act2")
    np.testing.assert_array_equal(ours["act2"].best.items, theirs["act2"].best.items)
    (described,) = unit_layers(net.graph(), "act2")
    ((_, crop),) = crops(net, ours.collection, [Sight(replace(described, receptive=None), 0, 3, 0)])
    assert crop.pixels.shape == (SIDE, SIDE, 3)
    assert ours.search(ready[:1]).images == NUMBER


def test_maximized_pictures_are_made_once_and_kept(net, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("seethrough.features.unit_maximized.STEPS", 3)
    asked = {"channels": [0, 5], "maximized": True, "relevance": False, "folder": tmp_path / "u"}
    first = st.units(net, pictures, "act2", **asked)
    assert first.maximized["act2"].pictures.shape == (2, SIDE, SIDE, 3)
    alone = maximize(net, "act2", channel=[0, 5], steps=3)
    np.testing.assert_array_equal(first.maximized["act2"].strongest, alone.strongest)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "u" / "maximized").iterdir()}
    assert len(kept) == 2
    again = st.units(net, pictures, "act2", **asked)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    np.testing.assert_array_equal(again.maximized["act2"].pictures, first.maximized["act2"].pictures)
    np.testing.assert_array_equal(again.maximized["act2"].strongest, first.maximized["act2"].strongest)
    page = first.save(tmp_path / "units.html").read_text("utf-8")
    assert page.count('class="maximized"') == 2
