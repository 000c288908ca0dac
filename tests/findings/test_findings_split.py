"""No picture has two parts, and no twin is in another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seethrough.errors import UsageError
from seethrough.findings.split import PARTS, mark, near_duplicates, split


@settings(max_examples=60, deadline=None)
@given(
    classes=st.lists(st.integers(-1, 3), min_size=1, max_size=120),
    twins=st.lists(st.tuples(st.integers(0, 119), st.integers(0, 119)), max_size=20),
    seed=st.integers(0, 5),
)
def test_twins_are_in_one_part_and_only_pictures_of_a_class_are_in_any(classes, twins, seed):
    label = np.array(classes)
    group = np.arange(len(label))
    for a, b in twins:
        a, b = a % len(label), b % len(label)
        if label[a] == label[b]:
            group[group == group[b]] = group[a]
    found = split(label, group, seed=seed)
    assert ((found.part == -1) == (label < 0)).all()
    for name in np.unique(group):
        assert len(set(found.part[(group == name) & (label >= 0)])) <= 1
    assert sum(len(found.of(name)) for name in PARTS) == (label >= 0).sum()


def test_each_class_has_its_share_in_each_part():
    label = np.repeat([0, 1], [600, 40])
    found = split(label, np.arange(640))
    for name, share in (("find", 0.35), ("judge", 0.25), ("repair", 0.2), ("proof", 0.2)):
        for k, n in ((0, 600), (1, 40)):
            assert (label[found.of(name)] == k).sum() == pytest.approx(share * n, abs=1)
    assert (split(label, np.arange(640), seed=1).part != found.part).any()
    assert (split(label, np.arange(640)).part == found.part).all()


def test_a_class_of_one_picture_finds():
    assert split(np.array([0, 1, 1, 1]), np.arange(4)).part[0] == PARTS.index("find")


def test_shares_add_up():
    with pytest.raises(UsageError, match="add up to 1"):
        split(np.zeros(4, int), np.arange(4), shares={"find": 0.5, "judge": 0.2})


def test_a_picture_made_smaller_or_darker_is_the_same_and_another_is_not():
    chance = np.random.default_rng(0)
    one, two = (np.kron(chance.integers(0, 256, (16, 16, 3), np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in "ab")
    smaller, darker = one[::2, ::2], (one * 0.8).astype(np.uint8)
    marks = [mark(p) for p in (one, two, smaller, darker)]
    assert near_duplicates(marks).tolist() == [0, 1, 0, 0]


def test_what_is_linked_is_one_group():
    a = (1 << 64) - 1
    assert near_duplicates([a, a ^ 0b1111, a ^ 0b11111111, 0]).tolist() == [0, 0, 0, 3]
