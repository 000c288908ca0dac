"""Pseudo-groups against the groups that were planted."""

import numpy as np
import pytest
import torch
from planted_ward import FAULT, Cells, drawn, planted, ward_of

import seethrough as st
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Region
from seethrough.remedies import groups as grouping
from seethrough.remedies.groups import UNSURE, counter_examples, groups_of, shown_by, too_few, two_sides


@pytest.mark.parametrize("kind", ["cells", "single", "many"])
def test_the_side_of_each_picture_is_that_of_its_mark(kind):
    ward, mark, _ = planted(kind)
    used = np.concatenate([ward.learn, ward.choose])
    sides = groups_of(ward).sides[0]
    assert (sides[used] == mark[used]).mean() > 0.98 and not (sides[used] == 1 - mark[used]).any()
    assert (sides[ward.facts.split.of("proof")] == UNSURE).all()


def test_counter_examples_are_counted_among_the_pictures_to_learn_from():
    ward, mark, _ = planted()
    there = int((mark != ward.facts.classes)[ward.learn].sum())
    assert there >= 20 and counter_examples(ward, FAULT) == there and not too_few(ward)


def test_where_the_mark_always_agrees_there_are_none():
    ward, _, _ = planted(agree=1.0)
    assert counter_examples(ward, FAULT) == 0 and too_few(ward)


def test_a_mark_pulls_by_what_the_last_layer_gives_for_it():
    """In log odds by 14 times what its brightness differs, on whatever picture."""
    ward, _, _ = planted()
    found = shown_by(ward, FAULT, ward.learn).pulled
    assert np.allclose(found.sum(1), 0, atol=1e-3)
    towards = found[:, 0] - found[:, 1]
    slope = np.polyfit(ward.facts.features[ward.learn, 0], towards, 1)[0]
    assert slope == pytest.approx(14, rel=0.02)


def test_the_joint_group_tells_class_and_side_apart_and_nothing_else():
    ward, mark, _ = planted()
    codes = groups_of(ward).joint(ward.facts.classes, ward.learn)
    sure = codes != UNSURE
    pairs = ward.facts.classes[ward.learn] * 2 + mark[ward.learn]
    assert len(np.unique(codes[sure])) == 4
    assert all(len(np.unique(codes[sure & (pairs == pair)])) == 1 for pair in range(4))


def test_two_sides_are_split_where_two_normal_distributions_meet():
    chance = np.random.default_rng(0)
    own = np.arange(4000) < 2000
    side = np.where(chance.random(4000) < 0.9, own, ~own)
    x = np.where(side, 2.0, -2.0) + chance.normal(0, 1, 4000)
    split = two_sides(x, own)
    assert split.high == pytest.approx(2, abs=0.1) and split.low == pytest.approx(-2, abs=0.1)
    assert split.width == pytest.approx(1, abs=0.05) and split(np.array([0.0]))[0] == pytest.approx(0.5, abs=0.1)
    p = split(x)
    assert p[side].mean() > 0.95 and ((p >= 0.9) & ~side).sum() / (p >= 0.9).sum() < 0.02


def test_what_has_no_two_sides_is_mostly_unsure():
    chance = np.random.default_rng(1)
    p = two_sides(chance.normal(0, 1, 600), np.arange(600) < 300)(chance.normal(0, 1, 600))
    assert ((p > 0.9) | (p < 0.1)).mean() < 0.5


def test_what_aspects_show_is_kept_and_read_back(tmp_path, monkeypatch):
    pictures, label, _ = drawn(60, 0.85, False)
    net = st.open(Cells().eval(), input_size=(3, 24, 24), preprocessing="unit")
    found = shown_by(ward_of(net, pictures, label, folder=tmp_path), FAULT, np.arange(30))
    again = ward_of(net, pictures, label, folder=tmp_path)
    monkeypatch.setattr(type(again.canvas), "features", lambda *_: pytest.fail("asked again"))
    back = shown_by(again, FAULT, np.arange(30))
    assert np.array_equal(back.pulled, found.pulled) and np.array_equal(back.seen, found.seen)


def test_of_very_many_pictures_fewer_recipients_are_asked():
    ward, _, _ = planted()
    assert len(grouping._recipients(ward, (0, 1), 100)) == 6 and len(grouping._recipients(ward, (0, 1), 10_000)) == 2


TWO_CELLS = Candidate(Region("top left", (0.0, 0.25, 0.0, 0.5)), 1, (0,), ("test",), 1.0, 1.0, {})
"""The mark's place, and one beside it whose brightness is any."""


def distracted():
    """A network that goes by the mark a little, and by what lies beside it, which is anything, five times as much; its pictures'
    classes and marks.
    """
    pictures, label, mark = drawn(360, 0.95, False)
    pictures[:, 0:6, 6:12] = np.random.default_rng(3).integers(0, 256, (360, 1, 1, 1))
    network = Cells(thing=20.0, mark=3.0)
    with torch.no_grad():
        network.read.weight[1, 1], network.read.bias[1] = 15.0, -(20 + 3 + 15) / 2
    net = st.open(network.eval(), input_size=(3, 24, 24), preprocessing="unit")
    return ward_of(net, pictures, label, faults=(TWO_CELLS,)), label, mark


def test_the_first_ten_that_go_against_a_habit_do_though_something_else_pulls_more():
    ward, label, mark = distracted()
    used = np.concatenate([ward.learn, ward.choose])
    breaks = mark[used] != label[used]
    assert breaks.sum() >= 10

    def first_ten(pull):
        away = np.where(label[used] == 1, -pull, pull)
        return int(breaks[np.argsort(-away, kind="stable")[:10]].sum())

    pulled = shown_by(ward, TWO_CELLS, used).pulled
    assert first_ten(pulled[:, 0] - pulled[:, 1]) <= 3  # by the answers alone one looks at what lies beside the mark
    found = groups_of(ward)
    assert first_ten(found.pulls[0][used]) == 10
    sure = found.sides[0][used] != UNSURE
    assert sure.mean() > 0.9 and (found.sides[0][used] == mark[used])[sure].all()


def test_where_classes_say_nothing_of_the_mark_sides_are_told_by_the_pull():
    ward, mark, _ = planted(agree=0.5)
    used = np.concatenate([ward.learn, ward.choose])
    assert (groups_of(ward).sides[0][used] == mark[used]).mean() > 0.98


def test_what_tells_classes_apart_but_goes_with_no_pull_is_not_read():
    """Such as the shape of the hole that a donor's thing leaves."""
    ward, _, _ = planted()
    chance = np.random.default_rng(4)
    label = ward.facts.classes[ward.learn]
    pulled = chance.normal(0, 1, (len(label), 2)).astype(np.float32)
    seen = (label[:, None] + chance.normal(0, 0.1, (len(label), 3))).astype(np.float32)
    read = grouping._read_off(ward, FAULT, ward.learn, grouping.Shown(pulled, seen))
    assert np.array_equal(read, pulled)
    goes_with = (seen + 0.3 * (pulled[:, :1] - pulled[:, 1:])).astype(np.float32)
    read = grouping._read_off(ward, FAULT, ward.learn, grouping.Shown(pulled, goes_with))
    assert (read.argmax(1) == (label == 0)).mean() > 0.8 and (pulled.argmax(1) == (label == 0)).mean() < 0.6
