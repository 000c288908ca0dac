"""Exchanged pictures: whose aspect they are given, what they look like, what is kept of them."""

import numpy as np
import pytest
from planted_ward import FAULT, IN_MARK, IN_THING, MARK, THING, Cells, drawn, planted, ward_of

import seethrough as st
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Region
from seethrough.remedies import pool as pools
from seethrough.remedies.pool import NOBODY, VERSIONS, as_they_are, choosing, exchanged, learning, made


def test_every_class_is_given_the_aspect_of_every_class_alike():
    ward, _, _ = planted()
    found = exchanged(ward, ward.learn, 200)
    counts = np.array(
        [[((found.classes == k) & (found.donor_classes[:, 0] == j)).sum() for j in (0, 1)] for k in (0, 1)]
    )
    assert (counts == 50).all() and found.exchanged.all()
    assert (found.donors[:, 0] != found.numbers).all() and set(found.donors[:, 0]) <= set(ward.learn)
    assert (found.classes == ward.facts.classes[found.numbers]).all()
    assert np.abs(np.corrcoef(found.classes, found.donor_classes[:, 0])[0, 1]) < 1e-9


def test_of_few_pictures_each_is_exchanged_a_few_times_at_most():
    ward, _, _ = planted()
    found = exchanged(ward, ward.learn[:10], 1000)
    assert np.bincount(found.numbers).max() <= VERSIONS and len(found) == VERSIONS * 10


def test_the_thing_stays_and_the_mark_is_the_donors():
    ward, _, _ = planted()
    found = exchanged(ward, ward.choose, 40)
    own, donors = as_they_are(ward, found.numbers), as_they_are(ward, found.donors[:, 0])
    assert np.allclose(found.features[:, IN_THING], own.features[:, IN_THING], atol=5e-3)
    assert np.allclose(found.features[:, IN_MARK], donors.features[:, IN_MARK], atol=5e-3)
    x = made(ward, found.numbers, found.donors)
    own, given = (ward.canvas.load(numbers).x for numbers in (found.numbers, found.donors[:, 0]))
    assert np.array_equal(x[(..., *MARK)], given[(..., *MARK)]) and np.array_equal(x[(..., *THING)], own[(..., *THING)])


def test_what_is_asked_of_the_canvas_is_what_the_facts_hold():
    for kind in ("cells", "single"):
        ward, _, _ = planted(kind)
        features, logits = ward.canvas.features(ward.canvas.load(ward.learn[:20]).x)
        assert np.allclose(features, ward.facts.features[ward.learn[:20]], atol=5e-3)
        plain = as_they_are(ward, ward.learn[:20])
        assert plain.logits.shape == (20, 2) and np.allclose(plain.logits[:, -1], logits[:, -1], atol=0.1)
        assert (plain.logits.argmax(1) == ward.facts.answers[ward.learn[:20]].argmax(1)).all()


def test_two_faults_are_exchanged_one_after_the_other_each_by_itself():
    _, _, net = planted()
    other = Candidate(Region("bottom right", (0.75, 1.0, 0.75, 1.0)), 1, (0,), ("test",), 1.0, 1.0, {})
    pictures, label, _ = drawn(60, 0.8, False)
    both = ward_of(net, pictures, label, faults=(FAULT, other))
    found = exchanged(both, both.learn, 40)
    assert found.donors.shape == (40, 2) and (found.donors != NOBODY).all()
    first, second = (both.facts.features[found.donors[:, k]] for k in (0, 1))
    assert np.allclose(found.features[:, 0], first[:, 0], atol=5e-3)
    assert np.allclose(found.features[:, 15], second[:, 15], atol=5e-3)
    assert np.allclose(found.features[:, 5], both.facts.features[found.numbers, 5], atol=5e-3)


def test_a_class_that_a_fault_does_not_concern_stays_as_it_is():
    pictures, _, _ = drawn(60, 0.8, False)
    net = st.open(Cells(outputs=3).eval(), input_size=(3, 24, 24), preprocessing="unit")
    ward = ward_of(net, pictures, np.arange(60) % 3)
    found = learning(ward)
    assert set(found.classes[found.exchanged]) == {0, 1} and 2 in found.classes[~found.exchanged]


def test_what_was_asked_is_kept_and_read_back(tmp_path, monkeypatch):
    pictures, label, _ = drawn(80, 0.85, False)
    net = st.open(Cells().eval(), input_size=(3, 24, 24), preprocessing="unit")
    first = ward_of(net, pictures, label, folder=tmp_path)
    found = choosing(first)
    assert choosing(first) is found and len(list(tmp_path.glob("exchanged/*.npz"))) == 1
    monkeypatch.setattr(pools, "made", lambda *_: pytest.fail("asked again"))
    assert np.array_equal(choosing(ward_of(net, pictures, label, folder=tmp_path)).features, found.features)
    monkeypatch.undo()
    next(tmp_path.glob("exchanged/*.npz")).write_bytes(b"PK half")
    assert np.array_equal(choosing(ward_of(net, pictures, label, folder=tmp_path)).features, found.features)
    other = st.open(Cells(mark=3.0).eval(), input_size=(3, 24, 24), preprocessing="unit")
    assert not np.allclose(choosing(ward_of(other, pictures, label, folder=tmp_path)).logits, found.logits)
