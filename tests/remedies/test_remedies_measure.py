"""Shares before and after, on sheets of which the answer is known."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from seethrough.remedies.measure import (
    AFTER,
    ALL,
    BEFORE,
    CLASS,
    ENOUGH,
    GROUP,
    RIGHT,
    WORST_CLASS,
    WORST_GROUP,
    Part,
    Sheet,
    rows_of,
    versus,
)


def sheet(before, after, part=None, kind=CLASS, cluster=None, **controls):
    before, after = np.asarray(before, bool), np.asarray(after, bool)
    part = np.zeros(len(before), np.int64) if part is None else np.asarray(part)
    parts = tuple(Part(kind if part.any() or kind != CLASS else ALL, k) for k in range(int(part.max()) + 1))
    cluster = np.arange(len(before)) if cluster is None else np.asarray(cluster)
    return Sheet(parts, part, cluster, {BEFORE: before, AFTER: after, **controls})


def test_all_pictures_agree_with_scipy():
    chance = np.random.default_rng(1)
    before = chance.random(120) < 0.7
    after = np.where(chance.random(120) < 0.3, True, before)
    found = versus(RIGHT, sheet(before, after, kind=ALL))
    theirs = bootstrap(
        (before.astype(float), after.astype(float)), lambda a, b, axis: (b - a).mean(axis), paired=True,
        n_resamples=5000, method="percentile", rng=np.random.default_rng(0), vectorized=True,
    ).confidence_interval  # fmt: skip
    assert found.change.value == pytest.approx(after.mean() - before.mean())
    assert (found.change.low, found.change.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    gained, lost = int((~before & after).sum()), int((before & ~after).sum())
    assert (found.gained, found.lost) == (gained, lost)
    assert found.chance == pytest.approx(binomtest(gained, gained + lost).pvalue)


def test_the_worst_part_is_sought_for_each_network():
    part = np.repeat([0, 1], 40)
    before = np.concatenate([np.arange(40) < 20, np.arange(40) < 36])
    after = np.concatenate([np.arange(40) < 38, np.arange(40) < 32])
    found = versus(WORST_CLASS, sheet(before, after, part))
    assert (found.before.value, found.after.value) == (0.5, 0.8) and found.change.value == pytest.approx(0.3)
    assert (found.worst_before.answer, found.worst_after.answer) == (0, 1) and found.before.n == 40
    assert found.gained == 18 and found.lost == 4  # of both parts: what one gained and the other lost


def test_what_is_unlucky_is_not_followed():
    """Two networks that are equally good: the worst of ten classes before would seem to gain, were it followed."""
    chance = np.random.default_rng(0)
    changes, followed = [], []
    for _ in range(40):
        one, other = chance.random((2, 200)) < 0.8
        part = np.repeat(np.arange(10), 20)
        found = versus(WORST_CLASS, sheet(one, other, part), draws=200)
        changes.append(found.change.value)
        mine = part == found.worst_before.answer
        followed.append(other[mine].mean() - one[mine].mean())
    assert abs(np.mean(changes)) < 0.03 < 0.08 < np.mean(followed)


def test_small_parts_are_told_but_are_not_the_worst():
    part = np.array([0] * 30 + [1] * (ENOUGH - 1))
    before = np.array([True] * 30 + [False] * (ENOUGH - 1))
    given = sheet(before, before, part)
    assert versus(WORST_CLASS, given).before.value == 1
    assert [(row.n, row.right[BEFORE]) for row in rows_of(given)] == [(30, 1.0), (ENOUGH - 1, 0.0)]
    few = sheet(before[-3:], before[-3:], [0, 0, 1])
    assert versus(WORST_CLASS, few) is None


def test_of_groups_that_a_person_named_fewer_are_enough():
    part = np.array([0] * 30 + [1] * 6)
    before = np.array([True] * 30 + [False] * 6)
    found = versus(WORST_GROUP, sheet(before, ~before | before, part, kind=GROUP))
    assert found.before.value == 0 and found.after.value == 1 and found.chance == pytest.approx(2 / 2**6)
    assert found.before.high > 0.3  # six pictures that are all wrong say little
    assert 0 < found.change.low < 0.7 and found.change.high == 1


def test_near_duplicates_count_once():
    cluster = np.repeat(np.arange(6), 10)
    before, after = np.zeros(60, bool), np.ones(60, bool)
    found = versus(RIGHT, sheet(before, after, kind=ALL, cluster=cluster))
    assert found.gained == 6 and found.chance == pytest.approx(2 / 2**6) and found.before.n == 6


def test_where_nothing_turned_it_could_still_have_been_missed():
    right = np.arange(50) < 40
    found = versus(RIGHT, sheet(right, right, kind=ALL))
    assert found.change.value == 0 and found.chance == 1 and found.change.low == -found.change.high < -0.03


def test_controls_stand_beside_it():
    before, after = np.arange(60) < 20, np.arange(60) < 50
    found = versus(RIGHT, sheet(before, after, kind=ALL, plain=np.arange(60) < 25))
    assert found.controls["plain"].value == pytest.approx(25 / 60)
    assert found.beyond["plain"].value == pytest.approx(25 / 60) and found.beyond["plain"].low > 0.2
